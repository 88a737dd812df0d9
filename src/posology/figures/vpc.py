"""Visual predictive check: percentiles of what was measured against the model's own."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
from numpy.typing import ArrayLike

from posology.figures import style

PERCENTILES = ("5 %", "50 %", "95 %")
_COLOURS = (style.ORANGE, style.BLUE, style.ORANGE)


def vpc(
    time: ArrayLike,
    observed: ArrayLike,
    simulated: ArrayLike,
    points: ArrayLike | None = None,
    *,
    reading: str = "Concentration",
    unit: str = "mg/L",
    time_unit: str = "hours",
    log: bool = False,
    corrected: bool = False,
) -> Any:
    """Observed 5, 50 and 95 % [3, B] at bin times [B] over simulated intervals [3, 3, B].

    `simulated[i]` are the lower bound, median and upper bound of percentile i over simulated data
    sets; `points` [M, 2] are single measurements (time, value); `corrected` says that all values are
    prediction-corrected. Raises ValueError for other shapes.
    """
    at, seen, drawn = np.asarray(time, float), np.asarray(observed, float), np.asarray(simulated, float)
    if seen.shape != (3, at.size) or drawn.shape != (3, 3, at.size):
        raise ValueError(
            f"a predictive check of {at.size} bins needs observed [3, {at.size}] and simulated [3, 3, {at.size}], "
            f"got {seen.shape} and {drawn.shape}"
        )
    scale = alt.Scale(type="log" if log else "linear", zero=not log, nice=not log)
    x = alt.X("time:Q", title=f"Time ({time_unit})")
    y = alt.Y("lower:Q", title=f"{reading} ({unit})" + (", prediction-corrected" if corrected else ""), scale=scale)
    layers: list[Any] = []
    # Labels stand where the percentiles lie furthest apart.
    widest = int(np.nanargmax(seen[2] - seen[0])) if np.isfinite(seen[2] - seen[0]).any() else 0
    for index, (name, colour) in enumerate(zip(PERCENTILES, _COLOURS, strict=True)):
        rows = [
            {
                "time": at[b],
                "lower": drawn[index, 0, b],
                "upper": drawn[index, 2, b],
                "observed": seen[index, b],
                "p": name,
            }
            for b in range(at.size)
        ]
        base = alt.Chart(style.values(_plain(rows))).encode(x=x)
        layers.append(base.mark_area(color=colour, opacity=0.3).encode(y=y, y2="upper:Q"))
        line = base.mark_line(color=style.INK, strokeWidth=1.8, strokeDash=[1, 0] if index == 1 else [6, 3])
        layers.append(line.encode(y="observed:Q"))
        layers.append(_line_label(rows[widest], x))
    if points is not None:
        cloud = [{"time": a, "value": b} for a, b in np.asarray(points, float)]
        mark = alt.Chart(style.values(_plain(cloud))).mark_point(color=style.MUTED, size=14, opacity=0.45)
        layers.insert(0, mark.encode(x=x, y="value:Q"))
    return style.finish(
        alt.layer(*layers).properties(width=600, height=300),
        "Visual predictive check",
        "Lines: percentiles of what was measured. Bands: 95 % of simulated data sets. A line inside its band agrees.",
        f"Observed 5, 50 and 95 % of {reading.lower()} in {at.size} bins of time over the bands that the model predicts.",
    )


def _line_label(row: dict[str, Any], x: alt.X) -> Any:
    text = alt.Chart(style.values(_plain([row]))).mark_text(align="left", dx=6, dy=-8, color=style.INK, fontSize=11)
    return text.encode(x=x, y="observed:Q", text="p:N")


def _plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with Python numbers, and null for a bin without data."""
    return [
        {k: v if isinstance(v, str) else float(v) if np.isfinite(v) else None for k, v in row.items()} for row in rows
    ]
