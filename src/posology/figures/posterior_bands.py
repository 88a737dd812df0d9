"""One patient: past doses, what was measured, and what the model expects with its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from posology.figures import style


def posterior_bands(
    curve: Mapping[str, Sequence[float]],
    measured: Sequence[Mapping[str, Any]] = (),
    doses: Sequence[Mapping[str, Any]] = (),
    *,
    reading: str = "Neutrophils",
    unit: str = "10^9/L",
    time_unit: str = "days",
    target: tuple[float, float] | None = None,
    now: float | None = None,
    log: bool = False,
    prior: Mapping[str, Sequence[float]] | None = None,
    band: tuple[int, int] = (5, 95),
) -> Any:
    """Median and 5-95 % band over time with the target band, measured points and given doses.

    `curve` holds equally long "time", "p5", "p50" and "p95" (the ends of `band`), `prior` the same
    before anything was measured; `measured` rows {"time", "value"} and
    "below": True for a value under the limit of quantification; `doses` rows {"time", "label"}.
    What lies after `now` is the forecast. Raises ValueError for columns of different lengths.
    """
    rows = _rows(curve, band)
    scale = alt.Scale(type="log", nice=False, padding=10) if log else alt.Scale(zero=True)
    x = alt.X("time:Q", title=f"Time ({time_unit})", scale=alt.Scale(nice=False))
    y = alt.Y("low:Q", title=f"{reading} ({unit})" + (", log scale" if log else ""), scale=scale)
    middle = alt.Y("p50:Q", scale=scale)
    base = alt.Chart(style.values(rows)).encode(x=x)
    layers = [] if target is None else [_target(target)]
    if prior is not None:
        earlier = alt.Chart(style.values(_rows(prior, band))).encode(x=x)
        layers.append(earlier.mark_area(color=style.MUTED, opacity=0.16).encode(y=y, y2="high:Q"))
        layers.append(earlier.mark_line(color=style.MUTED, strokeWidth=1.2, strokeDash=[4, 3]).encode(y=middle))
    layers.append(base.mark_area(color=style.BLUE, opacity=0.22).encode(y=y, y2="high:Q"))
    layers.append(base.mark_line(color=style.BLUE, strokeWidth=2).encode(y=middle))
    if now is not None:
        layers += _now(now)
    if measured:
        layers.append(_points(measured))
    chart = alt.layer(*layers).properties(width=640, height=260)
    if doses:
        chart = alt.vconcat(chart, _doses(doses), spacing=6).resolve_scale(x="shared")
    words = f"Line: median expectation. Blue band: {band[0]} to {band[1]} %. Points: measured."
    if prior is not None:
        words += " Grey, dashed: before any measurement."
    if any(row.get("below") for row in measured):
        words += " Triangle: below the limit of quantification."
    if target is not None:
        words += f" Green: target {target[0]:g} to {target[1]:g} ({unit})."
    return style.finish(
        chart,
        f"{reading}: measured and expected",
        words,
        f"{reading} of one patient over {rows[-1]['time']:g} {time_unit}: {len(measured)} measured values, "
        f"{len(doses)} doses, and the expected course with its {band[0]} to {band[1]} % band.",
    )


def _rows(curve: Mapping[str, Sequence[float]], band: tuple[int, int]) -> list[dict[str, float]]:
    names = ("time", f"p{band[0]}", "p50", f"p{band[1]}")
    sizes = {name: len(curve[name]) for name in names}
    if len(set(sizes.values())) > 1 or not sizes["time"]:
        raise ValueError(f"a curve needs equally long, non-empty {', '.join(names[:-1])} and {names[-1]}, got {sizes}")
    return [
        dict(zip(("time", "low", "p50", "high"), row, strict=True)) for row in zip(*(curve[name] for name in names), strict=True)
    ]


def _target(target: tuple[float, float]) -> Any:
    band = alt.Chart(style.values([{"low": target[0], "high": target[1]}]))
    return band.mark_rect(color=style.GREEN, opacity=0.14).encode(y="low:Q", y2="high:Q")


def _now(now: float) -> list[Any]:
    here = alt.Chart(style.values([{"now": now, "words": "now"}])).encode(x="now:Q")
    rule = here.mark_rule(color=style.INK, strokeDash=[2, 3])
    return [rule, here.mark_text(align="left", dx=4, dy=8, color=style.INK).encode(y=alt.value(0), text="words:N")]


def _points(measured: Sequence[Mapping[str, Any]]) -> Any:
    rows = [
        {"time": row["time"], "value": row["value"], "kind": "below" if row.get("below") else "value"}
        for row in measured
    ]
    shape = alt.Shape(
        "kind:N", legend=None, scale=alt.Scale(domain=["value", "below"], range=["circle", "triangle-down"])
    )
    mark = alt.Chart(style.values(rows)).mark_point(color=style.INK, fill="white", size=55, opacity=1, strokeWidth=1.6)
    return mark.encode(x="time:Q", y="value:Q", shape=shape)


def _doses(doses: Sequence[Mapping[str, Any]]) -> Any:
    """Doses on a line of their own under the curve, so that no label hides a measurement."""
    x = alt.X("time:Q", axis=None, scale=alt.Scale(nice=False))
    base = alt.Chart(style.values({"time": row["time"], "label": str(row["label"])} for row in doses)).encode(x=x)
    ticks = base.mark_point(shape="triangle-up", filled=True, color=style.VERMILLION, size=60, opacity=1)
    texts = base.mark_text(align="left", dx=8, color=style.INK, fontSize=10).encode(text="label:N")
    # More labels than fit would run into each other: the marks alone then.
    return alt.layer(*([ticks, texts] if len(doses) <= 10 else [ticks])).properties(
        width=640,
        height=30,
        title=alt.TitleParams("Doses", fontSize=11, fontWeight=500, anchor="start", offset=2),
    )
