"""Normalised prediction distribution errors: standard normal and flat where the model is right."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from posology.figures import style


def npde(
    time: ArrayLike, predicted: ArrayLike, errors: ArrayLike, *, time_unit: str = "hours", unit: str = "mg/L"
) -> Any:
    """Three panels of errors [M]: their quantiles against the normal, over time [M], over prediction [M].

    Values that are not finite are left out and counted in the subtitle. Raises ValueError when the
    lengths differ or fewer than five errors remain.
    """
    at, level, error = (np.asarray(values, float) for values in (time, predicted, errors))
    if not at.shape == level.shape == error.shape or at.ndim != 1:
        raise ValueError(
            f"time, predicted and errors must be equally long, got {at.shape}, {level.shape}, {error.shape}"
        )
    keep = np.isfinite(at) & np.isfinite(level) & np.isfinite(error)
    if keep.sum() < 5:
        raise ValueError(f"a picture of prediction errors needs at least 5 finite values, got {int(keep.sum())}")
    at, level, error = at[keep], level[keep], error[keep]
    chart = alt.hconcat(
        _quantiles(np.sort(error)),
        _scatter(at, error, f"Time ({time_unit})"),
        _scatter(level, error, f"Population prediction ({unit})"),
        spacing=30,
    )
    left_out = f" {int((~keep).sum())} values without an error are left out." if not keep.all() else ""
    return style.finish(
        chart,
        "Prediction errors (NPDE)",
        f"Mean {error.mean():.2f} (expected 0), SD {error.std(ddof=1):.2f} (expected 1), {error.size} values. "
        f"Dashed: 95 % of errors lie between.{left_out}",
        f"Normalised prediction distribution errors of {error.size} measurements: mean {error.mean():.2f}, "
        f"standard deviation {error.std(ddof=1):.2f}; quantiles against the normal, over time and over prediction.",
    )


def _quantiles(ordered: np.ndarray) -> Any:
    normal = ndtri((np.arange(ordered.size) + 0.5) / ordered.size)
    rows = [{"normal": float(a), "error": float(b)} for a, b in zip(normal, ordered, strict=True)]
    ends = [{"normal": -3.0, "error": -3.0}, {"normal": 3.0, "error": 3.0}]
    x = alt.X("normal:Q", title="Normal quantile", scale=alt.Scale(nice=False))
    line = alt.Chart(style.values(ends)).mark_line(color=style.INK, strokeWidth=1).encode(x=x, y="error:Q")
    points = alt.Chart(style.values(rows)).mark_point(color=style.BLUE, size=18, opacity=0.6)
    return alt.layer(line, points.encode(x=x, y=alt.Y("error:Q", title="Error"))).properties(width=210, height=210)


def _scatter(across: np.ndarray, error: np.ndarray, title: str) -> Any:
    rows = [{"across": float(a), "error": float(b)} for a, b in zip(across, error, strict=True)]
    x = alt.X("across:Q", title=title, scale=alt.Scale(zero=False))
    points = alt.Chart(style.values(rows)).mark_point(color=style.BLUE, size=18, opacity=0.5)
    levels = [{"at": at, "kind": "centre" if at == 0 else "bound"} for at in (-1.96, 0.0, 1.96)]
    dash = alt.StrokeDash("kind:N", legend=None, scale=alt.Scale(domain=["centre", "bound"], range=[[1, 0], [5, 3]]))
    rules = alt.Chart(style.values(levels)).mark_rule(color=style.INK).encode(y="at:Q", strokeDash=dash)
    return alt.layer(rules, points.encode(x=x, y=alt.Y("error:Q", title="Error"))).properties(width=210, height=210)
