"""Which class is taken for which: a confusion matrix as shares of each true class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import ArrayLike

from posology.figures import style

WRITTEN = 0.005  # share of a row from which a cell carries its number
DARK = 0.5  # share from which that number is white


def confusion(counts: ArrayLike, names: Sequence[str], title: str, subtitle: str = "") -> Any:
    """A square of counts [true][taken for] with the names of its classes. Raises ValueError for another shape or none at all."""
    found = np.asarray(counts, float)
    if found.shape != (len(names), len(names)) or not found.sum():
        raise ValueError(f"a confusion matrix of {len(names)} classes needs as many rows and columns, got {found.shape}")
    of = found.sum(1, keepdims=True)
    shares = np.divide(found, of, out=np.zeros_like(found), where=of > 0)
    rows = [
        {"true": names[i], "taken": names[j], "share": shares[i, j], "text": f"{100 * shares[i, j]:.0f}"}
        for i in range(len(names))
        for j in range(len(names))
    ]
    x = alt.X("taken:N", title="Taken for", sort=list(names), axis=alt.Axis(labelAngle=-40, labelLimit=260))
    y = alt.Y("true:N", title="True disease", sort=list(names), axis=alt.Axis(labelLimit=260))
    scale = alt.Scale(domain=[0, 1], range=["#f7fafc", style.BLUE])
    legend = alt.Legend(format="%", gradientLength=160)
    colour = alt.Color("share:Q", title="Share of the true class", scale=scale, legend=legend)
    cells = alt.Chart(style.values(rows)).mark_rect(stroke="white").encode(x=x, y=y, color=colour)
    written = alt.Chart(style.values([row for row in rows if row["share"] >= WRITTEN])).mark_text(fontSize=11)
    text = written.encode(
        x=x, y=y, text="text:N", color=alt.condition(f"datum.share > {DARK}", alt.value("white"), alt.value(style.INK))
    )
    drawn = alt.layer(cells, text).properties(width=36 * len(names), height=30 * len(names))
    right = 100 * np.trace(found) / found.sum()
    said = f"Share of each true class by the class put first; right on the diagonal, {right:.1f} % of all."
    return style.finish(drawn, title, subtitle or "Per cent of each row; the diagonal is right.", said)
