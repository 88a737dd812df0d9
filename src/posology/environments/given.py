"""The doses of one drug that a record says were given, one by one, in mg or in the unit that its model counts in."""

from __future__ import annotations

from typing import NamedTuple

from posology.data.names import is_drug
from posology.data.record import Dose, Record, bsa_at, covariate_at
from posology.data.units import convert, dimension
from posology.patients.model import PatientModel

STEADY = 30 * 24.0  # h of earlier doses that stand for a steady state: five half-lives of the slowest drug modelled

LARGEST = 1e6  # mg: nobody is given a kilogram of a drug at once


class Given(NamedTuple):
    """A dose: start in hours of the record, amount in the model's `recorded_unit`, hours of infusion, and whether it was
    recorded as such (else it follows from a steady state)."""

    time: float
    amount: float
    duration: float
    recorded: bool = True


class Course(NamedTuple):
    """Doses given in order of time, when the course began (None: not yet), and what was assumed."""

    doses: tuple[Given, ...]
    begin: float | None
    notes: tuple[str, ...]


def drug_of(model: PatientModel) -> str:
    """The drug of a model: as it says, or its id without author and year."""
    return model.drug or model.id.rsplit("-", 1)[0]


def in_mg(model: PatientModel) -> None:
    """Nothing, where doses of the model are amounts of a drug.

    Raises:
        ValueError: for a model that counts courses, time on treatment or an exposure, which nobody is told to take.
    """
    if model.recorded_unit != "mg":
        raise ValueError(f"{model.id} counts doses in '{model.recorded_unit}', not in mg; it is for simulations alone")


def course(record: Record, model: PatientModel, until: float) -> Course:
    """Doses of the model's drug given before `until` (hours of the record), and the start of the course.

    `addl` and `ss` are written out. A dose that was due and missed gives nothing, but may begin the course.

    Raises:
        ValueError: naming the dose whose drug or unit cannot be understood.
    """
    drug, doses, notes = drug_of(model), list[Given](), dict[str, None]()
    begin = None
    for row, dose in enumerate(record.doses, 1):
        try:
            if not is_drug(dose.drug, drug):
                notes[f"doses of {dose.drug} were left out: the treatment is {drug}"] = None
                continue
            if dose.status == "given" and dose.time == until:
                notes["a dose given at the time asked is what is being decided: it was left out"] = None
            if dose.status == "planned" or dose.time >= until:
                continue
            begin = dose.time if begin is None else min(begin, dose.time)
            if dose.status == "given":
                doses += _written_out(record, dose, model, until)
                notes |= dict.fromkeys(_assumed(dose, drug))
        except ValueError as error:
            raise ValueError(f"record '{record.id}', doses row {row}: {error}") from None
    return Course(tuple(sorted(doses)), begin, tuple(notes))


def _assumed(dose: Dose, drug: str) -> list[str]:
    said = []
    if not dose.drug:
        said.append(f"doses without a drug's name were taken as {drug}")
    if dose.ss:
        said.append(f"the steady state was taken as doses every {dose.ii:g} h over the {STEADY / 24:g} days before")
    return said


def _written_out(record: Record, dose: Dose, model: PatientModel, until: float) -> list[Given]:
    amount = recorded(record, dose, model)
    if model.recorded_unit == "mg" and amount > LARGEST:
        raise ValueError(f"field amount: {dose.amount:g} {dose.unit} is not possible; allowed is at most {LARGEST / 1e6:g} kg")
    times = [dose.time + i * dose.ii for i in range(dose.addl + 1)]
    earlier = [dose.time - i * dose.ii for i in range(1, int(STEADY / dose.ii) + 1)] if dose.ss else []
    written = [Given(time, amount, dose.duration) for time in times if time < until]
    return written + [Given(time, amount, dose.duration, False) for time in earlier]


def recorded(record: Record, dose: Dose, model: PatientModel) -> float:
    """The amount of a dose in mg, per m2 and kg by the patient's size at that time; or in the unit of an entry without mg.

    Raises:
        ValueError: for a unit that does not fit, or a size that is not known.
    """
    if model.recorded_unit != "mg":
        return convert(dose.amount, dose.unit, model.recorded_unit, drug_of(model))
    dimensions = dict(dimension(dose.unit))
    if dimensions.get("m") == -2:
        return _mass(dose.amount, dose.unit, "mg/m2", model) * bsa_at(record, dose.time)[0]
    if "/" in dose.unit and dimensions.get("g", 0) == (-1 if "mol" in dimensions else 0):
        weight, unit, _ = covariate_at(record, "weight", dose.time)
        return _mass(dose.amount, dose.unit, "mg/kg", model) * convert(weight, unit, "kg", "weight")
    return _mass(dose.amount, dose.unit, "mg", model)


def _mass(amount: float, unit: str, target: str, model: PatientModel) -> float:
    entry = model.entries[model.entry]
    in_umol = model.unit_of(entry) == "umol"
    molar_mass = 1000 / entry.per_mg if in_umol else None  # the state holds umol, per_mg of them in a mg
    return convert(amount, unit, target, drug_of(model), molar_mass)
