"""The eighteen kinds of identifiers that Safe Harbor takes out of a record, and what is done with each here.

45 CFR 164.514(b)(2)(i), A to R. A record has no field for most of them; they come in as free text, as an id or as a number under
a name of their own. So what is free text stays only where it is a known term of medicine (`deidentify`); the shapes below say
what a removed text looked like, and refuse a term that somebody wants to keep.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SOURCE = "45 CFR 164.514(b)(2)(i)"


class Kind(NamedTuple):
    """A kind of identifier: its letter in the rule, what it is, where a record can hold it, what is done."""

    letter: str
    title: str
    held_in: str
    done: str


TEXTS = "id, drugs, genotypes, conditions, medications, allergies, notes, names of covariates and observations"
UNKNOWN = "every text that is no known term is removed, notes always; the id is replaced by a random one"
NOWHERE = "there is no field for it"

KINDS: tuple[Kind, ...] = (
    Kind("A", "names", TEXTS, UNKNOWN),
    Kind("B", "places smaller than a state", TEXTS, UNKNOWN + "; no place is kept, a state or country neither"),
    Kind(
        "C", "dates but for the year, ages over 89", "start, times, age",
        "times count hours from the patient's first entry; the start is left out, or only its year kept; ages that reach 90 "
        "within the record are 90, which stands for 90 or more",
    ),
    Kind("D", "telephone numbers", TEXTS, UNKNOWN),
    Kind("E", "fax numbers", TEXTS, UNKNOWN),
    Kind("F", "e-mail addresses", TEXTS, UNKNOWN),
    Kind("G", "social security numbers", TEXTS, UNKNOWN),
    Kind("H", "medical record numbers", TEXTS, UNKNOWN),
    Kind("I", "health plan numbers", TEXTS, UNKNOWN),
    Kind("J", "account numbers", TEXTS, UNKNOWN),
    Kind("K", "certificate and licence numbers", TEXTS, UNKNOWN),
    Kind("L", "vehicle identifiers and plates", TEXTS, UNKNOWN),
    Kind("M", "device identifiers and serial numbers", TEXTS, UNKNOWN),
    Kind("N", "web addresses", TEXTS, UNKNOWN),
    Kind("O", "internet addresses", TEXTS, UNKNOWN),
    Kind("P", "biometric identifiers", NOWHERE, "nothing to do"),
    Kind("Q", "photographs of the face", NOWHERE, "nothing to do"),
    Kind(
        "R", "any other unique number, characteristic or code", TEXTS + "; values of numbers",
        UNKNOWN + "; a whole number of seven or more digits is removed as a value, and as part of a dose withholds the record; "
        "a rare combination of characteristics is what the k-anonymity report looks for",
    ),
)  # fmt: skip

SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("an e-mail address", re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")),
    ("a web address", re.compile(r"(?i)\b(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|org|net|edu|gov|info|io)\b")),
    ("an internet address", re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{1,4}\b")),
    ("a social security number", re.compile(r"(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)")),
    ("a date", re.compile(r"(?<!\d)(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2}))(?!\d)")),
    ("a telephone number", re.compile(r"(?<!\d)\+?\d[\d ().-]{5,}\d(?!\d)")),
    ("a record or account number", re.compile(r"(?i)\b(?:mrn|id|no|nr|acct|account|member|plan|licen[cs]e|serial)\b\W*\w*\d")),
    ("a number of five or more digits", re.compile(r"\d{5,}")),
)


def looks_like(text: str) -> str | None:
    """What kind of identifier a text contains by its shape; None where none is seen, which proves nothing."""
    return next((what for what, shape in SHAPES if shape.search(text)), None)


def like_a_number_of_a_person(value: float) -> bool:
    """Whether a value is a whole number of seven or more digits, zeros at its end apart: a phone, an account, a card."""
    return value == int(value) and len(str(abs(int(value))).rstrip("0")) >= 7
