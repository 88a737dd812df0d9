"""From symptoms and history to probabilities of diseases, drugs with what speaks against them, and doses by age."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from posology.clinic import store
from posology.clinic.api.symptoms import Anyone, study_of
from posology.clinic.errors import Denied
from posology.clinic.roles import PERMISSIONS
from posology.clinic.study import Study
from posology.clinic.web.render import page
from posology.clinic.web.shared import clinic_of, looked_at
from posology.clinic.web.who import Who
from posology.symptoms import asking
from posology.symptoms.case import Case, case
from posology.symptoms.classifiers import CLASSIFIERS
from posology.symptoms.drugs import CONDITIONS, allergens
from posology.symptoms.options import BAYES, beside, predict
from posology.symptoms.recorded import Recorded, recorded
from posology.symptoms.table import SYNTHETIC, table

NAV = [("Symptoms", "/symptoms", "")]
router = APIRouter(prefix="/symptoms")
Text = Annotated[str, Form(max_length=2000)]
Ticked = Annotated[list[Annotated[str, Form(max_length=100)]], Form(max_length=60)]
Patient = Annotated[str, Query(pattern="^([0-9a-f]{32})?$", description="Fill the form from this patient's record.")]
RULES = {BAYES: "Bayes' rule, exact", **{name: kind.title for name, kind in CLASSIFIERS.items()}}


@dataclass(frozen=True)
class Typed:
    """What stands in the form."""

    age: str = ""
    sex: str = ""
    weight: str = ""
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    others_absent: bool = False
    history: tuple[str, ...] = ()
    allergies: str = ""
    medications: str = ""
    by: str = BAYES


@dataclass(frozen=True)
class Known:
    """The patient whose record fills the form: key, id, and what was read from the record."""

    key: str
    id: str
    read: Recorded


@router.get("")
def empty(request: Request, who: Anyone, patient: Patient = "") -> Response:
    """The form, empty or filled from a patient's record."""
    known = from_record(request, who, patient)
    if known is None:
        return form(request, Typed(), None)
    read = known.read
    typed = Typed(
        read.age, read.sex, read.weight, history=read.history, allergies=", ".join(read.allergies),
        medications=", ".join(read.medications),
    )  # fmt: skip
    return form(request, typed, known)


@router.post("")
def answered(
    request: Request, who: Anyone, age: Text = "", sex: Text = "", weight: Text = "", yes: Ticked = [], no: Ticked = [],  # noqa: B006
    others_absent: Text = "", history: Ticked = [], allergies: Text = "", medications: Text = "", by: Text = BAYES,  # noqa: B006
    patient: Annotated[str, Form(pattern="^([0-9a-f]{32})?$")] = "",
) -> Response:  # fmt: skip
    """The answer above the form, or what is wrong with what was typed."""
    known = from_record(request, who, patient)
    typed = Typed(
        age, sex, weight, tuple(yes), tuple(no), bool(others_absent), tuple(history), allergies, medications, by
    )  # fmt: skip
    try:
        of = case_of(typed)
        return form(request, typed, known, answer=answer(of, typed.by, study_of(request)))
    except ValueError as error:
        return form(request, typed, known, 422, sentence=str(error))


def from_record(request: Request, who: Who, key: str) -> Known | None:
    """What a patient's record says, for who may see it; None without a key.

    Raises:
        Denied: when the role may not see patients.
        NotFound: when there is no such patient.
    """
    if not key:
        return None
    if not who.may("patient:read"):
        raise Denied(f"the role '{who.user.role}' may not do this: it needs the permission to {PERMISSIONS['patient:read']}")
    found = store.read(clinic_of(request).engine, key)
    looked_at(request, who.name, key)
    return Known(key, found.record.id, recorded(found.record))


def case_of(typed: Typed) -> Case:
    """The case that was typed.

    Raises:
        ValueError: one sentence that names the field, the value and what is allowed.
    """
    for field, value in (("age", typed.age), ("sex", typed.sex)):
        if not value.strip():
            raise ValueError(f"{field}: is missing; doses and diseases depend on it")
    if typed.by not in RULES:
        raise ValueError(f"rule '{typed.by[:60]}': is not known; allowed: {', '.join(RULES)}")
    return case(
        typed.yes, typed.age, typed.sex, typed.history, listed(typed.allergies), listed(typed.medications), typed.no,
        typed.others_absent, typed.weight.strip() or None,
    )  # fmt: skip


def listed(text: str) -> list[str]:
    """Names as typed, one a line or with commas between."""
    return [name for part in re.split(r"[,;\n]", text) if (name := part.strip())]


def answer(of: Case, by: str, study: Study) -> dict[str, Any]:
    """Everything the page shows of a case: the prediction, and every rule that is ready beside the others."""
    ready = study.ready()
    waits = "" if by == BAYES or by in ready else by
    found = predict(of, BAYES if waits else by, study.rows)
    others = beside(of, ready, study.rows)
    exact = found if found["classifier"] == BAYES else predict(of)
    order = {d.id: i for i, d in enumerate(table().diseases)}
    rows = [
        {
            "title": row["title"],
            "shares": {BAYES: row["probability"], **{name: float(p[order[row["disease"]]]) for name, (p, _) in others.items()}},
        }
        for row in exact["probabilities"]
    ]
    shown = [row for row in rows if max(row["shares"].values()) >= SHOWN]
    by_disease: dict[str, list[dict[str, Any]]] = {}
    for option in found["options"]:
        by_disease.setdefault(option["disease"], []).append(option)
    return found | {
        "rows": shown,
        "rest": len(rows) - len(shown),
        "unfit": {RULES[name]: why for name, (_, why) in others.items() if why},
        "fitting": [RULES[name] for name in CLASSIFIERS if name not in ready] if not study.failed else [],
        "failed": study.failed,
        "waits": RULES[waits] if waits else "",
        "columns": {name: RULES[name] for name in (BAYES, *ready)},
        "by_disease": by_disease,
        "titles": {d.id: d.title for d in table().diseases},
    }


SHOWN = 0.005
"""Probability below which a disease is left out of the table where every rule agrees; it is said how many are."""


def form(
    request: Request, typed: Typed, known: Known | None, status: int = 200, sentence: str = "",
    answer: dict[str, Any] | None = None,
) -> Response:  # fmt: skip
    """The page: the answer where there is one, then the form with what was typed."""
    conditions = (*table().history_ids, *CONDITIONS)
    return page(
        request, "symptoms.html", status, title="From symptoms", typed=typed, known=known, sentence=sentence, answer=answer,
        groups=asking.groups(), signs=asking.SIGNS, conditions=conditions, allergens=allergens(), rules=RULES,
        synthetic=SYNTHETIC,
    )  # fmt: skip
