"""A model whose time runs in days, weeks or months, read in hours, as treatments, records and beliefs count."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from posology.patients.model import Grid, PatientModel


@cache
def in_hours(model: PatientModel) -> PatientModel:
    """The same patient with time in hours: rates, steps and regimen are converted, numbers keep their units."""
    unit = model.hours
    if model.time_unit == "h":
        return model

    def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
        return model.State(*(v / unit for v in model.rates(t / unit, x, p, infusion * unit)))

    r, longer = model.regimen, lambda g: Grid(g.first * unit, g.growth, g.largest * unit)
    return replace(
        model,
        rates=rates,
        grid=longer(model.grid),
        coarse=longer(model.coarse) if model.coarse else None,
        regimen=replace(r, every=r.every * unit, duration=r.duration * unit),
        time_unit="h",
        hazards=model.hazards.in_parts(unit) if model.hazards else None,
    )
