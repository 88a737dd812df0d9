"""How a policy was found: return over samples, one line per training seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import ArrayLike

from posology.figures import style


def learning_curve(
    runs: Mapping[str, Sequence[tuple[ArrayLike, ArrayLike]]],
    references: Mapping[str, float] | None = None,
    *,
    points: int = 300,
) -> Any:
    """`runs` learner -> its seeds, each (samples [K], return [K]); `references` are horizontal lines by name.

    Long runs are thinned to `points`; returns that are not finite are left out. Raises ValueError
    without any run.
    """
    rows = [
        {"learner": name, "seed": f"{name} {number}", "samples": float(a), "return": float(b)}
        for name, seeds in runs.items()
        for number, (samples, returns) in enumerate(seeds)
        for a, b in _thinned(samples, returns, points)
    ]
    if not rows:
        raise ValueError("a learning curve needs at least one run with a finite return, got none")
    names = list(runs)
    domain = alt.Scale(domain=names, range=[style.SERIES[i % len(style.SERIES)] for i in range(len(names))])
    x = alt.X("samples:Q", title="Decisions simulated", axis=alt.Axis(format="~s"))
    y = alt.Y("return:Q", title="Return per course", scale=alt.Scale(zero=False))
    colour = alt.Color("learner:N", title=None, scale=domain, legend=alt.Legend(orient="top"))
    lines = alt.Chart(style.values(rows)).mark_line(strokeWidth=1.5, opacity=0.85)
    # The dash repeats what the colour says, for print and for readers who cannot tell colours apart.
    dash = alt.StrokeDash("learner:N", title=None, scale=alt.Scale(domain=names), legend=alt.Legend(orient="top"))
    layers: list[Any] = [lines.encode(x=x, y=y, color=colour, strokeDash=dash, detail="seed:N")]
    if references:
        level = alt.Chart(style.values({"name": name, "at": float(at)} for name, at in references.items()))
        layers.append(level.mark_rule(color=style.INK, strokeDash=[3, 3]).encode(y="at:Q"))
        words = level.mark_text(align="right", dx=-4, dy=-6, color=style.INK, fontSize=11)
        layers.append(words.encode(x=alt.value(600), y="at:Q", text="name:N"))
    return style.finish(
        alt.layer(*layers).properties(width=600, height=280),
        "Learning",
        "Each line is one training seed; dashed horizontal lines are references.",
        f"Return over decisions simulated for {', '.join(names)}, one line per training seed.",
    )


def _thinned(samples: ArrayLike, returns: ArrayLike, points: int) -> list[tuple[float, float]]:
    across, found = np.asarray(samples, float), np.asarray(returns, float)
    if across.shape != found.shape or across.ndim != 1:
        raise ValueError(f"samples and returns must be equally long, got {across.shape} and {found.shape}")
    keep = np.flatnonzero(np.isfinite(across) & np.isfinite(found))
    if keep.size > points:
        keep = keep[np.linspace(0, keep.size - 1, points).astype(int)]
    return list(zip(across[keep].tolist(), found[keep].tolist(), strict=True))
