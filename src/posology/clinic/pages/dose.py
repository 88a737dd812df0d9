"""The dose page: what is expected of each option, one of them proposed, what keeps safe, and what if another were given."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from posology.bedside.complete import Gap, gaps
from posology.clinic import offers, store
from posology.clinic.api.patients import Key, Reads
from posology.clinic.errors import NotFound, Unavailable
from posology.clinic.offers import Offer
from posology.clinic.store import Patient
from posology.clinic.web.advice import offer_of, recommended
from posology.clinic.web.render import page
from posology.clinic.web.shared import clinic_of, looked_at
from posology.environments.given import drug_of

NAV: list[tuple[str, str, str]] = []
router = APIRouter(prefix="/patients")
Word = Annotated[str, Query(max_length=200)]
SHOWN = 8
"""Options that are seen at once; the others are a click away."""
EFFECTS = {"stop": 0, "warning": 1, "limit": 2, "none": 3}
GROUPS = {"allergy": "Allergies", "duplicate": "The same drug twice", "interaction": "Interactions"}


class Asked(NamedTuple):
    """A patient's record and who is asked about it; `at` as it was typed."""

    patient: Patient
    offer: Offer
    at: str


def asked_of(request: Request, name: str, key: str, treatment: str, policy: str, at: str) -> Asked:
    """The record, and the treatment and policy asked, those that suit the record where none is named.

    Raises:
        NotFound: for an unknown patient, treatment or policy.
    """
    found = store.read(clinic_of(request).engine, key)
    looked_at(request, name, key)
    return Asked(found, offer_of(request, treatment or offers.for_record(found.record).id, policy), at.strip())


def frame(request: Request, asked: Asked, tab: str) -> dict[str, Any]:
    """What every page about a dose shows: the patient, and the choice of treatment, policy and time."""
    clinic, record, t = clinic_of(request), asked.patient.record, asked.offer.treatment
    policies = [o.name for o in offers.offers(t, store.list_policies(clinic.engine), clinic.settings.data)]
    return {
        "title": record.id, "key": asked.patient.key, "tab": tab, "record": record, "version": asked.patient.version,
        "treatments": [(o.id, drug_of(o.model)) for o in offers.treatments()], "treatment": t, "drug": drug_of(t.model),
        "policies": policies, "policy": asked.offer.name, "at": asked.at, "sentence": "", "gaps": list[Gap](),
    }  # fmt: skip


@router.get("/{key}/dose")
def dose(request: Request, who: Reads, key: Key, treatment: Word = "", policy: Word = "", at: Word = "") -> Response:
    """The options for the next dose."""
    asked = asked_of(request, who.name, key, treatment, policy, at)
    return shown(request, asked)


def shown(request: Request, asked: Asked, sentence: str = "", status: int = 200, typed: dict[str, str] | None = None) -> Response:
    """The page; `sentence` says why a decision was not kept, `typed` is what its form held."""
    context = frame(request, asked, "dose")
    try:
        answer = recommended(request, asked.offer, asked.patient.record, asked.at or None)
    except (NotFound, Unavailable):
        raise
    except ValueError as error:
        return page(request, "dose.html", 422, **context | {"sentence": str(error), "gaps": lacks(asked), "answer": None})
    harms = list(answer["options"][0]["harm"]) if answer["options"] else []
    more = {
        "answer": answer, "options": first(answer), "rest": len(answer["options"]) - SHOWN, "harms": harms,
        "panel": panel(answer), "sentence": sentence, "typed": typed or {}, "gaps": lacks(asked),
    }  # fmt: skip
    return page(request, "dose.html", status, **context | more)


def lacks(asked: Asked) -> list[Gap]:
    """What the record lacks for a dose; nothing where it cannot be read."""
    try:
        return gaps(asked.offer.treatment, asked.patient.record)
    except ValueError:
        return []


def first(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The options by rank, each with whether it is always shown: what is chosen, the standard of care, no dose, the best."""
    chosen = answer["chosen"]["label"] if answer["chosen"] else None
    rows = []
    for i, option in enumerate(answer["options"]):
        marks = {"chosen": option["label"] == chosen, "none": not option["dose"]}
        always = marks["chosen"] or marks["none"] or option["is_standard"]
        rows.append(option | marks | {"always": always or i < SHOWN})
    return rows


def panel(answer: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """What keeps safe, in groups, the strictest first: rows of rules with `effect`, `says`, `source` and `status`."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(answer["rules"], key=lambda row: EFFECTS[row["effect"]]):
        groups.setdefault(GROUPS.get(row["rule"], "Limits, organ function and genes"), []).append(row)
    for name in GROUPS.values():
        groups.setdefault(name, [])
    return sorted(groups.items(), key=lambda group: min((EFFECTS[row["effect"]] for row in group[1]), default=9))
