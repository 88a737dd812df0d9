"""How a model's patient fares under several doses: one panel per reading, one line per dose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import ArrayLike

from posology.figures import style

WIDTH, HEIGHT = 280, 180


def courses(
    time: ArrayLike,
    lines: Mapping[str, Mapping[str, ArrayLike]],
    units: Mapping[str, str],
    *,
    time_unit: str,
    title: str,
    subtitle: str,
) -> Any:
    """`lines` reading -> dose -> values `[K]` at `time`; `units` by reading.

    Raises:
        ValueError: without a reading, or for values that are not as many as the times.
    """
    if not lines:
        raise ValueError("a figure of courses needs at least one reading, got none")
    at = np.asarray(time, float)
    charts = {f"{name} ({units[name].replace('10*', '10^')})": panel(at, of, time_unit) for name, of in lines.items()}
    doses = list(next(iter(lines.values())))
    said = f"{', '.join(lines)} over time under {', '.join(doses)}."
    return style.finish(style.panels(charts), title, subtitle, said)


def panel(at: np.ndarray, of: Mapping[str, ArrayLike], time_unit: str) -> Any:
    """One reading under every dose; the dash repeats what the colour says."""
    doses = list(of)
    rows = [row for dose, values in of.items() for row in points(at, dose, np.asarray(values, float))]
    scale = alt.Scale(domain=doses, range=list(style.SERIES[: len(doses)]))
    return (
        alt.Chart(style.values(rows))
        .mark_line(strokeWidth=1.8)
        .encode(
            x=alt.X("time:Q", title=f"Time ({time_unit})", scale=alt.Scale(nice=False), axis=alt.Axis(tickCount=5)),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(format=",.4~g")),
            color=alt.Color("dose:N", title=None, scale=scale, legend=alt.Legend(orient="top")),
            strokeDash=alt.StrokeDash("dose:N", title=None, scale=alt.Scale(domain=doses), legend=None),
        )
        .properties(width=WIDTH, height=HEIGHT)
    )


def points(at: np.ndarray, dose: str, values: Sequence[float] | np.ndarray) -> list[dict[str, Any]]:
    """One line as rows.

    Raises:
        ValueError: for values that are not as many as the times.
    """
    if np.shape(values) != at.shape:
        raise ValueError(f"the course under {dose} has {np.size(values)} values for {at.size} times")
    return [{"time": float(t), "dose": dose, "value": float(v)} for t, v in zip(at, values, strict=True) if np.isfinite(v)]
