"""Doses from FHIR: MedicationAdministration (given, missed) and MedicationRequest (planned).

What cannot be held as a dose (a volume, no amount) is noted and stays among the medications.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from posology.data import times
from posology.data.names import dose_unit, route_name
from posology.data.readers import fhir_resources as r4
from posology.data.readers.fhir_draft import DATE, VOID, Draft, Wrong, unit_of
from posology.data.readers.fhir_write import DOSE
from posology.data.units import convert, dimension

_GIVEN = {"completed": "given", "in-progress": "given", "stopped": "given", "not-done": "missed"}
_PLANNED = ("active", "draft", "on-hold")


def _schedule(resource: r4.Medicated) -> dict[str, Any]:
    """Steady state and additional doses, which FHIR has no element for on one administration."""
    parts = {e.url: e for own in resource.extension if own.url == DOSE for e in own.extension}
    made: dict[str, Any] = {}
    if "ii" in parts:
        made["ii"] = parts["ii"].valueDecimal or 0.0
    if "addl" in parts:
        made["addl"] = parts["addl"].valueInteger or 0
    if "ss" in parts:
        made["ss"] = bool(parts["ss"].valueBoolean)
    return made


def _amount(draft: Draft, quantity: r4.Quantity | None, drug: str, kind: str, field_name: str) -> dict[str, Any] | None:
    """Amount and unit of a dose, or None (noted, the drug kept as a medication) where none can be held."""
    if quantity is not None and quantity.value is not None:
        unit = unit_of(quantity, field_name)
        if dict(dimension(unit)) != {"m": 3}:
            try:
                return {"amount": quantity.value, "unit": dose_unit(unit), "drug": drug}
            except ValueError as error:
                raise Wrong(f"{field_name}.unit", str(error)) from None
    why = "no amount" if quantity is None or quantity.value is None else "a volume says no amount"
    draft.notes[f"{kind} of {drug or 'an unnamed drug'} is not among the doses: {why}"] += 1
    draft.listed("medications", drug)
    return None


def _route(draft: Draft, route: r4.Concept) -> dict[str, str]:
    try:
        return {"route": route_name(route.words)}
    except ValueError:
        draft.notes[f"route '{route.words}' not known"] += 1
        return {}


def _rate_duration(dose: dict[str, Any], rate: r4.Quantity | r4.Ratio | None, field_name: str) -> float | None:
    """Hours that a dose takes at a rate."""
    if isinstance(rate, r4.Ratio):
        if rate.numerator.value is None:
            return None
        per = convert(rate.denominator.value or 1.0, unit_of(rate.denominator, f"{field_name}.denominator"), "h")
        value, unit = (
            rate.numerator.value / per if per else 0.0,
            unit_of(rate.numerator, f"{field_name}.numerator") + "/h",
        )
    elif rate is not None and rate.value is not None:
        value, unit = rate.value, unit_of(rate, field_name)
    else:
        return None
    if dict(dimension(unit)) == {"m": 3, "h": -1}:
        return None  # mL/h says nothing about the drug
    try:
        rate_per_hour = convert(value, unit, f"{dose['unit']}/h")
    except ValueError as error:
        raise Wrong(field_name, str(error)) from None
    if rate_per_hour <= 0:
        raise Wrong(field_name, f"must be above 0, got {value:g} {unit}")
    return float(dose["amount"] / rate_per_hour)


def administration(draft: Draft, given: r4.MedicationAdministration, place: str) -> None:
    status = _GIVEN.get(given.status)
    if status is None:
        draft.notes[f"MedicationAdministration with status '{given.status}' is not among the doses"] += 1
        draft.listed("medications", given.drug if given.status not in VOID else "")
        return
    dosage = given.dosage or r4.Dosage()
    dose = _amount(draft, dosage.dose, given.drug, "MedicationAdministration", "dosage.dose")
    if dose is None:
        return
    begun = given.effectiveDateTime or given.effectivePeriod.start
    if not begun:
        raise Wrong("effectiveDateTime", "is missing")
    start = draft.when(begun, "effectiveDateTime" if given.effectiveDateTime else "effectivePeriod.start")
    name = "dosage.rateRatio" if dosage.rateRatio else "dosage.rateQuantity"
    duration = _rate_duration(dose, dosage.rateRatio or dosage.rateQuantity, name)
    end = given.effectivePeriod.end
    if duration is None and end and not (DATE.match(begun) and DATE.match(end)):
        duration = _hours(start, draft.when(end, "effectivePeriod.end"))
    elif duration is None and end:
        draft.notes["administrations with dates only: duration unknown, taken as given at once"] += 1
    if given.status == "stopped":
        draft.notes[f"dose of {given.drug or 'an unnamed drug'} was stopped: its full amount is counted"] += 1
    schedule = _schedule(given) | _route(draft, dosage.route)
    draft.add("doses", {**dose, "time": start, "duration": duration or 0.0, "status": status, **schedule}, place)


def _hours(start: str, end: str) -> float:
    first, last = times.parse(start), times.parse(end)
    if not (isinstance(first, datetime) and isinstance(last, datetime)):
        raise Wrong("effectivePeriod", "must be dates and times")
    return times.hours_between(first, last)


def request(draft: Draft, asked: r4.MedicationRequest, place: str) -> None:
    if asked.status not in _PLANNED:
        draft.notes[f"MedicationRequest with status '{asked.status}' is not among the planned doses"] += 1
        draft.listed("medications", asked.drug if asked.status == "completed" else "")
        return
    if not asked.dosageInstruction:
        _amount(draft, None, asked.drug, "MedicationRequest", "dosageInstruction")
    for index, instruction in enumerate(asked.dosageInstruction):
        _planned(draft, asked, instruction, f"dosageInstruction[{index}]", place)


def _planned(draft: Draft, asked: r4.MedicationRequest, told: r4.Instruction, name: str, place: str) -> None:
    amounts = told.doseAndRate[0] if told.doseAndRate else r4.DoseAndRate()
    dose = _amount(draft, amounts.doseQuantity, asked.drug, "MedicationRequest", f"{name}.doseAndRate.doseQuantity")
    if dose is None:
        return
    repeat = told.timing.repeat
    stamps = told.timing.event or [s for s in (repeat.boundsPeriod.start,) if s]
    if not stamps and asked.authoredOn:
        draft.notes["MedicationRequest without a time: planned when it was written"] += 1
        stamps = [asked.authoredOn]
    if not stamps:
        raise Wrong(f"{name}.timing", "has no time, and authoredOn is missing")
    duration = _rate_duration(dose, amounts.rateRatio or amounts.rateQuantity, f"{name}.doseAndRate.rate")
    if duration is None and repeat.duration is not None:
        duration = _in_hours(repeat.duration, repeat.durationUnit, f"{name}.timing.repeat.durationUnit")
    more = _repeats(draft, repeat, name) | _schedule(asked) | _route(draft, told.route)
    for stamp in stamps:
        time = draft.when(stamp, f"{name}.timing")
        draft.add("doses", {**dose, "time": time, "duration": duration or 0.0, "status": "planned", **more}, place)


def _in_hours(value: float, unit: str | None, field_name: str) -> float:
    try:
        return convert(value, unit or "", "h")
    except ValueError as error:
        raise Wrong(field_name, str(error)) from None


def _repeats(draft: Draft, repeat: r4.Repeat, name: str) -> dict[str, Any]:
    if not repeat.period:
        return {}
    interval = _in_hours(repeat.period, repeat.periodUnit, f"{name}.timing.repeat.periodUnit") / (repeat.frequency or 1)
    if repeat.count:
        return {"ii": interval, "addl": repeat.count - 1}
    draft.notes["MedicationRequest repeats without a count: its first dose is taken"] += 1
    return {}


def statement(draft: Draft, stated: r4.Medicated, place: str) -> None:
    if stated.status not in (*VOID, "not-taken"):
        draft.listed("medications", stated.drug)
