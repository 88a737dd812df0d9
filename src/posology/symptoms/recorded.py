"""What a patient's record says in the words of the symptoms table; what cannot be read so is named, never dropped.

Conditions of a record are free text. They are read by words that name the condition (`WORDS`, ours); a text that speaks of
a relative, of a doubt or of what is not there is not read. A person looks at the result before anything follows from it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from posology.data.record import Record, covariate_at
from posology.data.units import convert
from posology.symptoms.drugs import allergens
from posology.symptoms.words import key

WORDS: Mapping[str, str] = {
    "diabetes": r"diabet\w*",
    "hypertension": r"hypertension|hypertensive|high blood pressure",
    "heart-disease": r"heart (failure|disease|attack)|coronary|myocardial infarction|angina|cardiomyopathy|atrial fibrillation",
    "pregnancy": r"pregnan\w*",
    "asthma": r"asthma\w*",
    "breast-feeding": r"breast ?-?feeding|lactation",
    "kidney-disease": r"(kidney|renal) (disease|failure|insufficiency|impairment)|ckd",
    "liver-disease": r"(liver|hepatic) (disease|failure|insufficiency|impairment)|cirrhosis|hepatitis",
    "peptic-ulcer": r"(peptic|gastric|duodenal|stomach) ulcer",
    "stroke": r"stroke|cerebrovascular accident|cerebral infarction",
    "g6pd-deficiency": r"g6pd\b.*",
    "qt-prolongation": r"(long|prolonged) qt|qt prolongation",
}
UNSURE = re.compile(r"\b(no|not|non|without|denies|family|mother|father|suspected|possible|excluded|risk of|pulmonary)\b", re.I)


class Recorded(NamedTuple):
    """What a form can be filled with, and the texts of the record that no field stands for."""

    age: str
    sex: str
    weight: str
    history: tuple[str, ...]
    allergies: tuple[str, ...]
    medications: tuple[str, ...]
    read: Mapping[str, str]  # condition → the text that it was read from
    conditions_not_read: tuple[str, ...]
    allergies_not_read: tuple[str, ...]


def recorded(record: Record) -> Recorded:
    """The latest age (years), sex and weight (kg), and the conditions, allergies and medications of a record."""
    read = {c: text for text in reversed(record.conditions) for c in conditions_in(text)}
    known = {key(each): each for each in allergens()}
    allergies = [(text, known.get(key(text)) or known.get(key(text).removesuffix("s"))) for text in record.allergies]
    return Recorded(
        _latest(record, "age", "a"),
        _sex(record),
        _latest(record, "weight", "kg"),
        tuple(condition for condition in WORDS if condition in read),
        tuple(dict.fromkeys(name for _, name in allergies if name)),
        record.medications,
        read,
        tuple(text for text in record.conditions if not conditions_in(text)),
        tuple(text for text, name in allergies if not name),
    )


def conditions_in(text: str) -> tuple[str, ...]:
    """The conditions of the table that a text names; none where it speaks of a doubt, a relative or an absence."""
    if UNSURE.search(text):
        return ()
    return tuple(c for c, words in WORDS.items() if re.search(rf"(?<!\w)(?:{words})(?!\w)", text, re.I))


def _latest(record: Record, name: str, unit: str) -> str:
    if name not in record.covariates:
        return ""
    value, said, _ = covariate_at(record, name, math.inf)
    return f"{convert(value, said, unit, name):.6g}"


def _sex(record: Record) -> str:
    for name, (yes, no) in {"male": ("male", "female"), "female": ("female", "male")}.items():
        if name in record.covariates:
            value = covariate_at(record, name, math.inf)[0]
            return {1.0: yes, 0.0: no}.get(value, "")
    return ""
