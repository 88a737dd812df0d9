"""Named curves with bands: a mean and an interval along decisions, seconds or samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import altair as alt
import numpy as np
from numpy.typing import ArrayLike

from posology.figures import style

WIDTH, HEIGHT = 600, 300


@dataclass(frozen=True, eq=False)
class Curve:
    """One series: `mean` with `lower` and `upper` at each of `x`, all `[K]`.

    Raises:
        ValueError: for columns that are not equally long, or numbers that are not finite.
    """

    x: ArrayLike
    mean: ArrayLike
    lower: ArrayLike
    upper: ArrayLike

    def __post_init__(self) -> None:
        columns = self.columns()
        if len({c.shape for c in columns.values()}) > 1 or np.ndim(columns["x"]) != 1:
            raise ValueError(f"a curve's columns must be equally long, got {[c.shape for c in columns.values()]}")
        for name, column in columns.items():
            if not np.isfinite(column).all():
                raise ValueError(f"'{name}' of a curve holds numbers that are not finite")

    def columns(self) -> dict[str, np.ndarray]:
        """The four columns by name."""
        return {name: np.asarray(getattr(self, name), float) for name in ("x", "mean", "lower", "upper")}


def curves(
    series: Mapping[str, Curve],
    title: str,
    subtitle: str,
    x: str,
    y: str,
    *,
    references: Mapping[str, float] | None = None,
    log: bool = False,
) -> alt.LayerChart:
    """`series` by name, with bands; `x` and `y` are the axes' titles, `references` horizontal lines by name, `log` both axes
    on a log scale, where a power of x is a straight line. Raises ValueError without any series."""
    if not series:
        raise ValueError("a figure of curves needs at least one, got none")
    rows = [row for name, curve in series.items() for row in _rows(name, curve, log)]
    names = list(series)
    kind: Literal["log", "linear"] = "log" if log else "linear"
    shades = [style.SERIES[i % len(style.SERIES)] for i in range(len(names))]
    key = alt.Legend(orient="top", symbolType="stroke", symbolOpacity=1, symbolStrokeWidth=2)
    colour = alt.Color("name:N", title=None, scale=alt.Scale(domain=names, range=shades), legend=key)
    # The dash repeats what the colour says, for print and for readers who cannot tell colours apart.
    dash = alt.StrokeDash("name:N", title=None, scale=alt.Scale(domain=names), legend=key)
    across = alt.X("x:Q", title=x, scale=alt.Scale(type=kind, nice=False, zero=False), axis=alt.Axis(format="~s"))
    up = alt.Scale(type=kind, zero=False, nice=not log)
    high = alt.Axis(format="~g")  # 4e+10 where returns are as large as that, 0.85 where they are not
    base = alt.Chart(style.values(rows)).encode(x=across, color=colour)
    layers: list[alt.Chart] = [
        base.mark_area(opacity=0.15).encode(y=alt.Y("lower:Q", title=y, scale=up, axis=high), y2="upper:Q"),
        base.mark_line(strokeWidth=2).encode(y=alt.Y("mean:Q", title=y, scale=up, axis=high), strokeDash=dash),
        *_references(references or {}),
    ]
    description = f"{title}: {y} along {x} for {', '.join(names)}, with bands."
    found: alt.LayerChart = style.finish(
        alt.layer(*layers).properties(width=WIDTH, height=HEIGHT), title, subtitle, description
    )
    return found


def _rows(name: str, curve: Curve, log: bool) -> list[dict[str, float | str]]:
    columns = curve.columns()
    keep = (columns["x"] > 0) & (columns["lower"] > 0) if log else np.ones(len(columns["x"]), bool)
    return [{"name": name, **{k: float(v[i]) for k, v in columns.items()}} for i in np.flatnonzero(keep)]


def _references(lines: Mapping[str, float]) -> list[alt.Chart]:
    if not lines:
        return []
    level = alt.Chart(style.values({"name": name, "at": float(at)} for name, at in lines.items()))
    words = level.mark_text(align="right", dx=-4, dy=-6, color=style.INK, fontSize=11)
    return [
        level.mark_rule(color=style.INK, strokeDash=[3, 3]).encode(y="at:Q"),
        words.encode(x=alt.value(WIDTH), y="at:Q", text="name:N"),
    ]
