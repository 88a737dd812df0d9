"""Signs with which nothing is recommended but a physician, now.

Signs of danger are no part of the table: they may be given like symptoms and always end in the same sentence.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from posology.symptoms.words import group_of

NOW = "see a physician now"
MONTHS_WITH_FEVER = 3  # below so many months any fever is an emergency; NICE NG143 2019, unverified

DANGER: dict[str, str] = {
    "neck-stiffness": "stiff neck",
    "confusion": "confusion or drowsiness",
    "convulsions": "convulsions",
    "not-drinking": "cannot drink or breastfeed",
    "vomits-everything": "vomits everything",
    "blue-lips": "blue lips",
    "blood-in-stool": "blood in the stool",
    "vomiting-blood": "vomiting of blood",
    "fainting": "fainting",
    "one-sided-weakness": "weakness of one side, or trouble with speech",
    "numb-saddle": "numbness between the legs, or new trouble with bladder or bowel",
}
DANGER_SOURCE = "WHO 2014, Integrated Management of Childhood Illness; NICE NG143 2019, CG150 2012, NG59 2016"


class Emergency(NamedTuple):
    """What is seen together, and what it may be; statuses are `unverified`: attributed to the source."""

    symptoms: tuple[str, ...]
    history: tuple[str, ...]
    may_be: str
    source: str


EMERGENCIES = (
    Emergency(("chest-pain", "breathlessness"), (), "a heart attack or a clot in the lung", "NICE CG95 2010 and NG158 2020"),
    Emergency(("chest-pain",), ("heart-disease",), "a heart attack", "NICE CG95 2010"),
    Emergency(("painful-urination", "fever", "back-pain"), (), "an infection of the kidney", "NICE NG111 2018"),
    Emergency(("headache",), ("pregnancy", "hypertension"), "pre-eclampsia", "NICE NG133 2019"),
    Emergency(("vomiting", "breathlessness"), ("diabetes",), "ketoacidosis", "NICE NG17 2015"),
)


def emergencies(symptoms: Iterable[str], history: Iterable[str], age: float) -> list[dict[str, str]]:
    """Every sign of an emergency that is there, with its source; age in years."""
    there, had = set(symptoms), set(history)
    found = [_told(DANGER[sign], DANGER_SOURCE) for sign in DANGER if sign in there]
    if there and group_of(age) == "neonate":
        found.append(_told("a newborn who is ill", DANGER_SOURCE))
    elif "fever" in there and age < MONTHS_WITH_FEVER / 12:
        found.append(_told(f"fever below the age of {MONTHS_WITH_FEVER} months", "NICE NG143 2019"))
    for each in EMERGENCIES:
        if there.issuperset(each.symptoms) and had.issuperset(each.history):
            signs = " and ".join(name.replace("-", " ") for name in (*each.symptoms, *each.history))
            found.append(_told(f"{signs}: may be {each.may_be}", each.source))
    return found


def _told(sign: str, source: str) -> dict[str, str]:
    return {"sign": sign, "source": source, "status": "unverified"}
