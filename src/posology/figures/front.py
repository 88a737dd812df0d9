"""The front between effect and harm: how much drug is given against how often it harms, each point a way of dosing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from posology.figures import style

WIDTH, HEIGHT = 640, 420
KINDS = {
    "learned": "Learned, by preference",
    "fixed dose": "Fixed dose",
    "rule": "Rule or planner",
    "oracle": "Oracle (knows the patient)",
}
COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.INK)
SHAPES = ("circle", "square", "triangle-up", "diamond")


def front(result: Mapping[str, Any]) -> Any:
    """`result` holds `points`: name, kind, weights, dose, dose_intensity and grade4_share (mean, lower, upper), unbeaten.

    Raises:
        ValueError: without points.
    """
    if not result["points"]:
        raise ValueError("a front needs at least one point, got none")
    rows = [_row(p) for p in result["points"]]
    said = list(KINDS.values())
    colour = alt.Color("kind:N", title=None, scale=alt.Scale(domain=said, range=list(COLOURS)), legend=alt.Legend(orient="top"))
    shape = alt.Shape("kind:N", title=None, scale=alt.Scale(domain=said, range=list(SHAPES)), legend=alt.Legend(orient="top"))
    x = alt.X("x:Q", title="Dose given (% of the standard dose in every cycle)", scale=alt.Scale(zero=False, nice=True))
    y = alt.Y("y:Q", title="Cycles in grade 4 neutropenia (%)", scale=alt.Scale(zero=True))
    base = alt.Chart(style.values(rows))
    doses = base.transform_filter(alt.FieldEqualPredicate(field="kind", equal=KINDS["fixed dose"]))
    line = doses.mark_line(strokeWidth=1.2, opacity=0.6).encode(x=x, y=y, color=colour, order="x:Q")
    bars = [
        base.mark_rule(opacity=0.5).encode(x="x0:Q", x2="x1:Q", y=y, color=colour),
        base.mark_rule(opacity=0.5).encode(x=x, y="y0:Q", y2="y1:Q", color=colour),
    ]
    filled = alt.condition("datum.strong", alt.value(1.0), alt.value(0.35))
    dots = base.mark_point(filled=True, size=70).encode(x=x, y=y, color=colour, shape=shape, opacity=filled)
    text = base.encode(x=x, y=y, text="label:N")
    small: dict[str, Any] = {"fontSize": 10, "color": style.INK}
    on = {side: text.transform_filter(alt.FieldEqualPredicate(field="side", equal=side)) for side in ("left", "right")}
    words = (
        on["left"].mark_text(align="right", dx=-8, dy=-2, **small),
        on["right"].mark_text(align="left", dx=8, dy=6, **small),
    )
    return style.finish(
        alt.layer(line, *bars, dots, *words).properties(width=WIDTH, height=HEIGHT),
        "How much drug, and how often it harms",
        [
            "Further right: more drug. Lower: less harm. Bars: 95 % intervals. Faint: another way of dosing is better in both.",
            "Numbers at learned points: how many full doses a cycle in grade 4 weighs. At fixed doses: mg/m2.",
        ],
        f"Dose given against cycles in grade 4 for {len(rows)} ways of dosing on {result['treatment']}, with 95 % intervals.",
    )


def _row(p: Mapping[str, Any]) -> dict[str, Any]:
    x, y = p["dose_intensity"], p["grade4_share"]
    ends = {"x": x["mean"], "x0": x["lower"], "x1": x["upper"], "y": y["mean"], "y0": y["lower"], "y1": y["upper"]}
    told = {"name": p["name"], "kind": KINDS[p["kind"]], "strong": p["unbeaten"] or p["kind"] == "oracle"}
    return {**told, **{k: 100 * float(v) for k, v in ends.items()}, **_label(p)}


def _label(p: Mapping[str, Any]) -> dict[str, str]:
    if p["kind"] == "fixed dose":
        return {"label": f"{p['dose']:g}", "side": "left"}
    if p["kind"] == "learned":
        intensity, harm = p["weights"].values()
        return {"label": f"{harm / intensity:.2g}", "side": "right"}
    return {"label": p["name"], "side": "right"}
