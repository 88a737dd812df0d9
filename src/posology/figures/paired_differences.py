"""Paired differences from the first arm, with their intervals: a forest plot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from posology.evaluation.endpoints import DIRECTION, label
from posology.evaluation.table import judged_by
from posology.figures import style

WIDTH = 630  # of all panels together
VERDICTS = {"better": style.BLUE, "worse": style.VERMILLION, "undecided": "#7f7f7f", "differs": style.INK}
SHAPES = {"better": "triangle-up", "worse": "triangle-down", "undecided": "circle", "differs": "diamond"}


def verdict(name: str, lower: float, upper: float) -> str:
    """What an interval of a difference says of an endpoint: better, worse, undecided; differs without a direction."""
    if lower <= 0 <= upper:
        return "undecided"
    if name not in DIRECTION:
        return "differs"
    return "better" if (lower > 0) == (DIRECTION[name] > 0) else "worse"


def paired_differences(table: Mapping[str, Any]) -> Any:
    """A panel per endpoint that the trial is judged by, a row per arm: difference from the first arm on the
    same patients, 95 % interval. Raises ValueError with a single arm."""
    if not table["paired"]:
        raise ValueError("a paired difference needs at least two arms, got one")
    names = judged_by(next(iter(table["paired"].values()))["endpoints"])
    panels = [_panel(table, name, index == 0, WIDTH // len(names)) for index, name in enumerate(names)]
    versus = next(iter(table["paired"].values()))["versus"]
    return style.finish(
        alt.hconcat(*panels, spacing=28),
        f"Difference from {versus}, same patients",
        [
            "Point: difference. Bar: 95 % interval. A bar that crosses zero leaves the direction open.",
            "Triangle up, blue: better. Triangle down, orange: worse. Grey circle: open.",
        ],
        f"Paired differences from {versus} in {', '.join(label(name).lower() for name in names)}, with 95 % intervals.",
    )


def _panel(table: Mapping[str, Any], name: str, first: bool, width: int) -> Any:
    arms = list(table["paired"])
    share = next(iter(table["arms"].values()))["endpoints"][name]["unit"] == "fraction"
    scale = 100 if share else 1
    rows = []
    for arm in arms:
        found = table["paired"][arm]["endpoints"].get(name)
        if found and found["lower"] is not None:
            row = {part: scale * found[part] for part in ("difference", "lower", "upper")}
            rows.append({"arm": arm, "verdict": verdict(name, found["lower"], found["upper"]), **row})
    labels = alt.Axis(labelLimit=220, domain=False, ticks=False, labels=first, grid=True)
    y = alt.Y("arm:N", sort=arms, title=None, axis=labels, scale=alt.Scale(domain=arms))
    kinds = list(VERDICTS)
    colour = alt.Color(
        "verdict:N", title=None, scale=alt.Scale(domain=kinds, range=list(VERDICTS.values())), legend=None
    )
    shape = alt.Shape("verdict:N", scale=alt.Scale(domain=kinds, range=list(SHAPES.values())), legend=None)
    unit = "percentage points" if share else "per course"
    x = alt.X("lower:Q", title=f"Difference ({unit})", scale=alt.Scale(nice=True, zero=True))
    base = alt.Chart(style.values(rows))
    zero = alt.Chart(style.values([{"zero": 0}])).mark_rule(color=style.INK, strokeWidth=1).encode(x="zero:Q")
    bars = base.mark_rule(strokeWidth=2.5).encode(x=x, x2="upper:Q", y=y, color=colour)
    points = base.mark_point(filled=True, size=80, opacity=1).encode(x="difference:Q", y=y, color=colour, shape=shape)
    direction = {1: "more is better", -1: "less is better"}.get(DIRECTION.get(name, 0), "")
    heading = alt.TitleParams(text=label(name), subtitle=direction, fontSize=13, subtitleFontSize=11, offset=8)
    return alt.layer(zero, bars, points).properties(width=width, height=alt.Step(30), title=heading)
