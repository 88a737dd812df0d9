"""Reliability of classifiers: how sure each was of the class put first, and how often it was right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from posology.figures import style

AXIS = alt.Scale(domain=[0, 1])


def reliability(bins: Mapping[str, Sequence[Mapping[str, Any]]], subtitle: str = "") -> Any:
    """A panel per classifier from its bins: `confidence`, and `accuracy` with `value`, `lower`, `upper`, `rows`.

    Empty bins are left out. Raises ValueError when a classifier has none that is filled.
    """
    filled = {name: [b for b in of if b["accuracy"]["rows"]] for name, of in bins.items()}
    if not filled or not all(filled.values()):
        raise ValueError("a picture of reliability needs at least one filled bin for each classifier")
    return style.finish(
        style.panels({name: _panel(of) for name, of in filled.items()}),
        "How sure, and how often right",
        [
            subtitle or "On the line: right as often as said. Below it: too sure.",
            "Bars: 95 % intervals; the size of a point is its share of rows.",
        ],
        f"Accuracy by stated probability for {', '.join(filled)}; the dashed diagonal is perfect calibration.",
    )


def _panel(bins: Sequence[Mapping[str, Any]]) -> Any:
    total = sum(b["accuracy"]["rows"] for b in bins)
    keys = ("value", "lower", "upper")
    rows = [
        {"said": b["confidence"], "share": b["accuracy"]["rows"] / total, **{k: b["accuracy"][k] for k in keys}} for b in bins
    ]
    x = alt.X("said:Q", title="Stated probability", scale=AXIS, axis=alt.Axis(format="%", tickCount=5))
    y = alt.Y("value:Q", title="Share right", scale=AXIS, axis=alt.Axis(format="%", tickCount=5))
    ends = [{"said": 0.0, "value": 0.0}, {"said": 1.0, "value": 1.0}]
    line = alt.Chart(style.values(ends)).mark_line(color=style.MUTED, strokeDash=[5, 3], strokeWidth=1).encode(x=x, y=y)
    size = alt.Size("share:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[25, 500]))
    drawn = alt.Chart(style.values(rows))
    bars = drawn.mark_rule(color=style.BLUE).encode(x=x, y=alt.Y("lower:Q", title="Share right"), y2="upper:Q")
    points = drawn.mark_circle(color=style.BLUE, opacity=0.8).encode(x=x, y=y, size=size)
    return alt.layer(line, bars, points).properties(width=210, height=210)
