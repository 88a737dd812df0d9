"""Doses given in each cycle under each arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from posology.figures import style


def doses_per_cycle(table: Mapping[str, Any]) -> Any:
    """A panel per arm: mean dose per cycle, the middle half of patients and 5-95 %, from a trial table."""
    arms = {arm: cycles for arm, cycles in table["per_cycle"].items() if cycles}
    if not arms:
        raise ValueError("this trial gave no dose in any arm")
    first = next(iter(arms.values()))[0]
    unit = first["endpoints"]["mean_dose"]["unit"].replace("m2", "m²")
    what = "Cycle" if "grades" in table else "Visit"
    panels = {arm: _panel(cycles, f"Dose ({unit})", what) for arm, cycles in arms.items()}
    return style.finish(
        style.panels(panels, share_y=True),
        "Doses given",
        "Circle: mean. Thick bar: middle half of patients. Thin bar: 5 to 95 %.",
        f"Doses given in each {what.lower()} under {', '.join(arms)}: mean and spread between patients, in {unit}.",
    )


def _panel(cycles: list[Mapping[str, Any]], title: str, what: str) -> Any:
    rows = [
        {"cycle": found["cycle"], "mean": found["endpoints"]["mean_dose"]["mean"], **found["dose"]} for found in cycles
    ]
    base = alt.Chart(style.values(rows)).encode(x=alt.X("cycle:O", title=what, axis=alt.Axis(labelAngle=0)))
    y = alt.Y("p5:Q", title=title, scale=alt.Scale(zero=False, padding=8))
    return alt.layer(
        base.mark_rule(color=style.BLUE, opacity=0.35, strokeWidth=5).encode(y=y, y2="p95:Q"),
        base.mark_rule(color=style.BLUE, opacity=0.6, strokeWidth=9).encode(y="p25:Q", y2="p75:Q"),
        base.mark_line(color=style.INK, strokeWidth=1.5).encode(y="mean:Q"),
        base.mark_point(color=style.INK, fill="white", size=36, opacity=1).encode(y="mean:Q"),
    ).properties(width=270, height=150)
