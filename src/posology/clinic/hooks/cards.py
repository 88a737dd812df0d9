"""A recommendation as cards of CDS Hooks: for the dose, for every rule that stops or warns, for a draft that goes beyond.

https://cds-hooks.hl7.org/2.0/#cds-service-response. At `order-sign` a draft of the recommended dose gets no card about the
dose: a card that only agrees tires. Members without a value are left out, as the specification asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib import metadata
from typing import Any

from posology.clinic.fhir.issues import Issue, issues
from posology.clinic.fhir.parts import said, uuid_of
from posology.clinic.fhir.proposal import drug_named, request
from posology.clinic.hooks.feedback import reasons
from posology.data.record import Record, at_hours, calendar

LONGEST = 139  # characters of a summary: fewer than 140, by the specification
SUGGESTED = 3  # suggestions of a card, a design choice
AS_DRAFTED = 0.05  # share by which a draft may differ from what is recommended and need no card, a design choice
CRITICAL = ("stop",)


def cards(
    answer: Mapping[str, Any], record: Record, instance: str, when: datetime, draft_mg: float | None = None, about: str = ""
) -> dict[str, Any]:
    """The response to a call.

    Args:
        answer: a recommendation for `record` (`docs/recommend.md`).
        instance: the call's `hookInstance`, which the names of cards follow from.
        draft_mg: the dose of the order that is being signed, for `order-sign`.
        about: the web address of a page about the treatment, if there is one.
    """
    drug, found = drug_named(answer["treatment"]), issues(answer)
    made = [_of_issue(issue, drug) for issue in found if issue.kind in ("stop", "warning")]
    beyond = draft_mg is not None and draft_mg > largest(answer) * (1 + AS_DRAFTED)
    if beyond:
        made.insert(0, _of_draft(answer, drug, float(draft_mg or 0.0)))
    if answer["abstained"] or not _agrees(answer, draft_mg):
        limits = [i for i in found if i.kind == "limit"]
        made.append(_of_dose(answer, record, drug, when, limits, uuid_of(instance, answer["time"])))
    source = {"label": f"Posology {metadata.version('posology')}, {answer['treatment']}: research only"}
    source |= {"url": about} if about else {}
    shared = {"source": source, "overrideReasons": reasons()}
    return {"cards": [{"uuid": uuid_of(instance, answer["time"], i), **card, **shared} for i, card in enumerate(made)]}


def largest(answer: Mapping[str, Any]) -> float:
    """The largest dose in mg that was allowed."""
    return float(max((o["mg"] for o in answer["options"] if o["allowed"]), default=0.0))


def shortened(text: str, longest: int = LONGEST) -> str:
    """Text on one line of at most so many characters, cut at a word."""
    line = said(text)
    if len(line) <= longest:
        return line
    return line[: longest - 1].rsplit(" ", 1)[0][: longest - 1] + "…"


def _agrees(answer: Mapping[str, Any], draft_mg: float | None) -> bool:
    chosen = answer["chosen"]
    return bool(draft_mg is not None and chosen and abs(draft_mg - chosen["mg"]) <= AS_DRAFTED * chosen["mg"])


def _of_issue(issue: Issue, drug: str) -> dict[str, Any]:
    return {
        "summary": shortened(f"{drug}: {issue.sentence}"),
        "detail": f"Rule {issue.name}: {said(issue.sentence)}.",
        "indicator": "critical" if issue.kind in CRITICAL else "warning",
    }


def _of_draft(answer: Mapping[str, Any], drug: str, draft_mg: float) -> dict[str, Any]:
    top = largest(answer)
    forbids = {x["name"]: x for o in answer["options"] if o["mg"] > top for x in o["limits"] if x["effect"] == "forbids"}
    told = " ".join(f"{x['sentence']} ({x['source']}, {x['status']})." for x in forbids.values())
    return {
        "summary": shortened(f"{drug} {draft_mg:g} mg is above the largest dose allowed here, {top:g} mg"),
        "detail": f"{told} {said(answer['disclaimer'])}".strip(),
        "indicator": "critical",
    }


def _of_dose(
    answer: Mapping[str, Any], record: Record, drug: str, when: datetime, limits: list[Issue], card: str
) -> dict[str, Any]:
    chosen, told = answer["chosen"], answer["explanation"]
    lines = [*told["why"], *(f"{i.name}: {i.sentence}." for i in limits), *told["known"]]
    lines += [*(m["sentence"] for m in answer["missing"]), f"Not for: {answer['not_for']}.", answer["disclaimer"]]
    detail = "\n".join(f"- {said(line)}" for line in lines)
    if chosen is None:
        summary = shortened(f"No dose of {drug} is recommended: {answer['abstained']}")
        return {"summary": summary, "detail": detail, "indicator": "warning"}
    dose = f"{chosen['label']} ({chosen['mg']:g} mg)" if chosen["mg"] > 0 else chosen["label"]
    made = {"summary": shortened(f"{drug} {dose} is proposed (research only)"), "detail": detail}
    made |= {"indicator": "warning" if answer["bound_by"] else "info"}
    offered = [_suggestion(o, o["label"] == chosen["label"], answer, record, drug, when, card) for o in _offered(answer)]
    return made | ({"suggestions": offered, "selectionBehavior": "at-most-one"} if offered else {})


def _offered(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What is chosen, then the allowed doses by rank."""
    label = answer["chosen"]["label"]
    doses = [o for o in answer["options"] if o["mg"] > 0 and (o["allowed"] or o["label"] == label)]
    return sorted(doses, key=lambda o: (o["label"] != label, o["rank"]))[:SUGGESTED]


def _suggestion(
    option: Mapping[str, Any], first: bool, answer: Mapping[str, Any], record: Record, drug: str, when: datetime, card: str
) -> dict[str, Any]:
    harms = ", ".join(f"{name.replace('_', ' ')} {100 * p:.0f} %" for name, p in option["harm"].items())
    words = f"{drug} {option['label']} ({option['mg']:g} mg)"
    at = calendar(record, at_hours(record, answer["time"]))
    notes = (answer["disclaimer"], answer["research_only"] or "")
    resource = request(option, drug, {"reference": f"Patient/{record.id}"}, at, when, notes)
    description = said(f"Propose {words}" + (f"; probabilities: {harms}" if harms else ""))
    action = {"type": "create", "description": description, "resource": resource}
    made = {"label": said(words), "uuid": uuid_of(card, option["label"]), "actions": [action]}
    return made | ({"isRecommended": True} if first else {})
