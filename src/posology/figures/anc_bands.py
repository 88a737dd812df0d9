"""Neutrophils over time under each arm: the median patient and the spread between patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from posology.figures import style

_WIDTH = 270


def anc_bands(table: Mapping[str, Any]) -> Any:
    """A panel per arm: median, 25-75 % and 5-95 % of patients, with the grade lines.

    `table` is a trial table; its "anc" holds days and percentiles (10*9/L) per arm. Raises
    ValueError when no arm recorded them.
    """
    curves = {arm: curve for arm, curve in (table.get("anc") or {}).items() if any(curve["p50"])}
    if not curves:
        raise ValueError("this trial recorded no neutrophil counts over time: no arm has them")
    values = [value for curve in curves.values() for key in ("p5", "p95") for value in curve[key] if value]
    y = alt.Scale(type="log", domain=[max(min(0.3, *values), 0.02), max(values) * 1.1], nice=False)
    days = next(iter(curves.values()))["days"]
    panels = {arm: _panel(curve, y) for arm, curve in curves.items()}
    return style.finish(
        style.panels(panels),
        "Neutrophils over the course",
        "Line: median patient. Dark band: middle half of patients. Light band: 5 to 95 %. "
        f"Dashed: {style.GRADE_0_FROM} and {style.GRADE_4_BELOW}.",
        f"Neutrophil count over {days[-1]:g} days under {', '.join(curves)}: median and spread between patients, "
        f"with lines at {style.GRADE_0_FROM} (grade 0 above) and {style.GRADE_4_BELOW} (grade 4 below).",
    )


def _panel(curve: Mapping[str, Any], y: alt.Scale) -> Any:
    names = ("p5", "p25", "p50", "p75", "p95")
    rows = [{"day": day} | {name: curve[name][index] for name in names} for index, day in enumerate(curve["days"])]
    base = alt.Chart(style.values(rows)).encode(x=alt.X("day:Q", title="Day", axis=alt.Axis(values=_ticks(rows))))
    layers = [_band(base, y, "p5", "p95", 0.2), _band(base, y, "p25", "p75", 0.3)]
    layers.append(base.mark_line(color=style.BLUE, strokeWidth=2, clip=True).encode(y=alt.Y("p50:Q", scale=y)))
    for at, words, side in style.GRADE_LINES:
        line = alt.Chart(style.values([{"at": at, "words": words}])).encode(y="at:Q")
        layers.append(line.mark_rule(color=style.VERMILLION, strokeDash=[5, 3]))
        text = line.mark_text(align="left", dx=4, dy=side, color=style.VERMILLION, fontSize=10)
        layers.append(text.encode(x=alt.value(_WIDTH), text="words:N"))
    return alt.layer(*layers).properties(width=_WIDTH, height=170)


def _band(base: Any, y: alt.Scale, low: str, high: str, opacity: float) -> Any:
    return base.mark_area(color=style.BLUE, opacity=opacity, clip=True).encode(
        y=alt.Y(f"{low}:Q", scale=y, title=style.ANC_TITLE, axis=alt.Axis(values=[0.1, 0.2, 0.5, 1, 2, 5, 10, 20])),
        y2=f"{high}:Q",
    )


def _ticks(rows: list[dict[str, Any]]) -> list[float]:
    """Days at the starts of three-week cycles, thinned for a long course."""
    last = float(rows[-1]["day"])
    step = 21.0 * max(1, round(last / 126))
    return [step * index for index in range(int(last // step) + 1)]
