"""Share of cycles in each neutropenia grade, cycle by cycle, under each arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from posology.figures import style


def grade_shares(table: Mapping[str, Any]) -> Any:
    """A panel per arm: grades 0-4 stacked per cycle, from a trial table. Raises ValueError without grades."""
    arms = {
        arm: cycles for arm, cycles in table["per_cycle"].items() if cycles and "grade0_share" in cycles[0]["endpoints"]
    }
    if not arms:
        raise ValueError("this trial has no grades: its treatment does not count neutrophils")
    panels = {arm: _panel(cycles) for arm, cycles in arms.items()}
    return style.finish(
        style.panels(panels),
        "Grades, cycle by cycle",
        f"Grade 4 (bottom): neutrophils fell below {style.GRADE_4_BELOW}. Grade 0 (top): they stayed at {style.GRADE_0_FROM} or "
        "above, a sign of too little drug.",
        f"Share of cycles in each neutropenia grade per cycle under {', '.join(arms)}.",
    )


def _panel(cycles: list[Mapping[str, Any]]) -> Any:
    rows = [
        {"cycle": found["cycle"], "grade": grade, "share": found["endpoints"][f"grade{grade}_share"]["mean"] or 0.0}
        for found in cycles
        for grade in style.GRADES
    ]
    colour = alt.Color(
        "grade:N",
        title="Grade of the nadir",
        scale=alt.Scale(domain=list(style.GRADES), range=list(style.GRADES.values())),
        legend=alt.Legend(orient="top", symbolStrokeWidth=0),
    )
    bars = alt.Chart(style.values(rows)).mark_bar(stroke="white", strokeWidth=0.8)
    return bars.encode(
        x=alt.X("cycle:O", title="Cycle", axis=alt.Axis(labelAngle=0), scale=alt.Scale(paddingInner=0.12)),
        y=alt.Y("share:Q", title="Share of cycles", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
        color=colour,
        order=alt.Order("grade:N", sort="descending"),
    ).properties(width=270, height=150)
