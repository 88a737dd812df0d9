"""One patient as told at the desk: checked, then coded as the generator codes its patients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from posology.symptoms.drugs import BREAST_FEEDING, CONDITIONS, allergens
from posology.symptoms.emergency import DANGER
from posology.symptoms.generator import ABSENT, MUTE, PRESENT, UNKNOWN, Patients
from posology.symptoms.table import SEXES, table
from posology.symptoms.words import GROUP_IDS, all_of, group_of, one_of, within

PREGNANCY_AGES = (10.0, 60.0)  # years between which a pregnancy, or a child at the breast, is believed; assumed, wide
# kg that a patient of an age group may weigh; assumed, wide: what lies outside is a slip of unit or typing.
WEIGHTS = {
    "neonate": (0.2, 8.0),
    "infant": (1.0, 25.0),
    "child": (4.0, 150.0),
    "adolescent": (12.0, 400.0),
    "adult": (20.0, 700.0),
    "older-adult": (20.0, 700.0),
}


@dataclass(frozen=True)
class Case:
    """What is known of one patient; age in years, weight in kg. Symptoms in neither list were not asked for."""

    symptoms: tuple[str, ...]
    absent: tuple[str, ...]
    age: float
    female: bool
    history: tuple[str, ...] = ()
    allergies: tuple[str, ...] = ()
    medications: tuple[str, ...] = ()
    weight: float | None = None

    @property
    def asked(self) -> tuple[str, ...]:
        """The symptoms of the table that are known to be there or not."""
        return tuple(s for s in table().symptom_ids if s in self.symptoms or s in self.absent)


def case(
    symptoms: Iterable[str],
    age: str | float,
    sex: str,
    history: Iterable[str] = (),
    allergies: Iterable[str] = (),
    medications: Iterable[str] = (),
    absent: Iterable[str] = (),
    others_absent: bool = False,
    weight: str | float | None = None,
) -> Case:
    """A case from names as typed.

    Args:
        age: years, or with a unit (`10 mo`, `20 d`); likewise `weight` in kg.
        others_absent: every symptom that is not named is known not to be there.

    Raises:
        ValueError: one sentence for a name that is unknown (the nearest first), an impossible age, weight or pregnancy.
    """
    known = table().symptom_ids
    there, gone = all_of(symptoms, (*known, *DANGER), "symptom"), all_of(absent, (*known, *DANGER), "symptom")
    if not there:
        raise ValueError(f"symptom: none is given; name at least one of {', '.join(known)}")
    if both := [s for s in there if s in gone]:
        raise ValueError(f"symptom {both[0]}: is given both as there and as absent; name it once")
    if others_absent:
        gone = tuple(dict.fromkeys((*gone, *(s for s in known if s not in there))))
    years, woman = within(age, "age", "a"), one_of(sex, SEXES, "sex") == "female"
    had = all_of(history, (*table().history_ids, *CONDITIONS), "history")
    least, most = PREGNANCY_AGES
    for of_women in ("pregnancy", BREAST_FEEDING):
        if of_women in had and not (woman and least <= years <= most):
            raise ValueError(
                f"history {of_women}: is not possible at {years:g} years, {sex}; allowed: female, {least:g} to {most:g} years"
            )
    drugs = tuple(dict.fromkeys(m.strip().casefold() for m in medications))
    if not all(drugs):
        raise ValueError("medication '': is empty; name a drug")
    kg = None if weight is None else _weight(weight, years)
    return Case(there, gone, years, woman, had, all_of(allergies, allergens(), "allergy"), drugs, kg)


def _weight(weight: str | float, age: float) -> float:
    kg, group = within(weight, "weight", "kg"), group_of(age)
    least, most = WEIGHTS[group]
    if not least <= kg <= most:
        raise ValueError(f"weight '{weight}' is not possible for the age group {group}; allowed: {least:g} to {most:g} kg")
    return kg


def coded(of: Case) -> Patients:
    """The case as one patient of the generator; the disease is not known, its code says nothing."""
    ids = table().symptom_ids
    codes = [PRESENT if s in of.symptoms else ABSENT if s in of.absent else UNKNOWN for s in ids]
    had = [h in of.history for h in table().history_ids]
    row = lambda *values: np.array(values, np.int8)  # noqa: E731
    group = GROUP_IDS.index(group_of(of.age))
    return Patients(np.array([of.age]), row(group), row(of.female), row(had), row(codes), row(0))


def open_symptoms(of: Case) -> tuple[str, ...]:
    """Symptoms that were not asked for and that such a patient could tell."""
    mute = group_of(of.age) in MUTE
    return tuple(s.id for s in table().symptoms if s.id not in of.asked and not (mute and s.told))
