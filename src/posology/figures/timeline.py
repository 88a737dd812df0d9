"""A patient's record over time: doses given, planned and missed, and each measured quantity on a scale of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from posology.figures import style

MOST = 6
"""Quantities that are drawn, those measured most often first; a table has them all."""
WIDTH, HEIGHT = 820, 92
STATUS = {"given": style.BLUE, "planned": style.SKY, "missed": style.VERMILLION}


def timeline(doses: Sequence[Mapping[str, Any]], measured: Sequence[Mapping[str, Any]], *, dates: bool) -> Any:
    """Rows of doses {"time", "label", "status"} and of measurements {"time", "name", "value", "unit", "below"}.

    `time` is ISO text where `dates`, else hours. Raises ValueError where there is nothing to draw.
    """
    if not doses and not measured:
        raise ValueError("a timeline needs a dose or a measurement, got none")
    kind = "time:T" if dates else "time:Q"
    every = [row["time"] for row in (*doses, *measured)]
    # One domain for all panels, with room at both ends for what stands there.
    extent = alt.Scale(domain=[min(every), max(every)], nice=True) if dates else alt.Scale(nice=True, zero=False)
    x = alt.X(kind, title=None if dates else "Hours", scale=extent)
    names: dict[str, int] = {}
    for row in measured:
        names[row["name"]] = names.get(row["name"], 0) + 1
    shown = sorted(names, key=lambda name: -names[name])[:MOST]
    panels = [_doses(doses, x)] if doses else []
    panels += [_reading([row for row in measured if row["name"] == name], x) for name in shown]
    words = f"{len(doses)} doses, {len(measured)} measurements"
    left = len(names) - len(shown)
    subtitle = words + (f"; {left} more quantities are in the table" if left else "")
    chart = alt.vconcat(*panels, spacing=8).resolve_scale(x="shared")
    return style.finish(chart, "Doses and measurements", subtitle, f"Timeline of a record: {words}.")


def _doses(doses: Sequence[Mapping[str, Any]], x: alt.X) -> Any:
    colour = alt.Color(
        "status:N", title=None, scale=alt.Scale(domain=list(STATUS), range=list(STATUS.values())),
        legend=alt.Legend(orient="right", symbolType="triangle-up"),
    )  # fmt: skip
    base = alt.Chart(style.values(doses)).encode(x=x)
    marks = base.mark_point(shape="triangle-up", filled=True, size=70, opacity=1).encode(color=colour)
    texts = base.mark_text(align="left", dx=8, fontSize=10, color=style.INK).encode(text="label:N")
    title = alt.TitleParams("Doses", fontSize=11, fontWeight=500, anchor="start", offset=2)
    return alt.layer(*([marks, texts] if len(doses) <= 12 else [marks])).properties(width=WIDTH, height=26, title=title)


def _reading(rows: Sequence[Mapping[str, Any]], x: alt.X) -> Any:
    shape = alt.Shape("kind:N", legend=None, scale=alt.Scale(domain=["value", "below"], range=["circle", "triangle-down"]))
    told = [{**row, "kind": "below" if row.get("below") else "value"} for row in rows]
    y = alt.Y("value:Q", title=rows[0]["unit"].replace("10*", "10^"), scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=4))
    base = alt.Chart(style.values(told)).encode(x=x, y=y)
    line = base.mark_line(color=style.BLUE, strokeWidth=1.6)
    points = base.mark_point(color=style.BLUE, fill="white", size=45, opacity=1, strokeWidth=1.6).encode(shape=shape)
    title = alt.TitleParams(rows[0]["name"], fontSize=11, fontWeight=500, anchor="start", offset=2)
    return alt.layer(line, points).properties(width=WIDTH, height=HEIGHT, title=title)
