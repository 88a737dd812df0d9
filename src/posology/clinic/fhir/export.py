"""A recommendation, and what a person decided on it, as a FHIR R4 bundle.

    recommended(answer, record, when)   GuidanceResponse, MedicationRequest (draft proposal), DetectedIssue, Provenance
    decided(entry, answer, record)      the same with the status that the decision gave it, and Provenance of the person

The bundle holds the Patient, what entered, the program as a Device with version and fingerprint, and nothing outside itself is
referred to. An accepted proposal becomes active; one that is put off is on hold; one that is changed or rejected is cancelled
with the reason, and what is given instead, in dose, interval or start, is a plan of its own. Dates of a record that counts hours
only stand for hours, which the bundle says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from importlib import metadata
from typing import Any

from posology.bedside.decide import record_hash
from posology.clinic.fhir.guidance import group, guidance
from posology.clinic.fhir.inputs import assumed, inputs
from posology.clinic.fhir.issues import detected, issues
from posology.clinic.fhir.parts import bundle, concept, instant, patient_of, reference, said
from posology.clinic.fhir.proposal import drug_named, request
from posology.data.record import Record, at_hours, calendar

PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
RECORD = "urn:posology:record-sha256"  # system of an identifier: the hash of a record's facts
ACCEPTED, CHANGED, REJECTED, DEFERRED = "accepted", "changed", "rejected", "deferred"
STATUS = {ACCEPTED: "active", DEFERRED: "on-hold"}  # of a proposal after the decision, else cancelled


def recommended(answer: Mapping[str, Any], record: Record, when: datetime) -> dict[str, Any]:
    """A recommendation (`docs/recommend.md`) for this record, made at `when` (with a zone).

    Raises:
        ValueError: for another patient's record, or a time without a zone.
    """
    seed, made = seed_of(answer, record), _resources(answer, record, when)
    return bundle(record, seed, made)


def decided(entry: Mapping[str, Any], answer: Mapping[str, Any], record: Record) -> dict[str, Any]:
    """What `bedside/decide.py: decision` recorded on a recommendation.

    Raises:
        ValueError: when the decision is on another recommendation or another state of the record.
    """
    if entry["record_sha256"] != record_hash(record):
        raise ValueError(f"record '{record.id}': has changed since the decision of {entry['when']}; give the one it was made on")
    for name in ("treatment", "fingerprint", "policy", "time", "chosen"):
        if entry[name] != answer[name]:
            raise ValueError(f"field {name}: the decision is on {entry[name]}, the recommendation says {answer[name]}")
    when = datetime.fromisoformat(entry["when"])
    seed, made, outcome = seed_of(answer, record), _resources(answer, record, when), outcome_of(entry)
    proposal, targets = made.get("proposal"), [n for n in made if n.startswith("issue")]
    if proposal:
        why = {} if outcome == ACCEPTED else {"statusReason": concept(entry["reason"])}
        notes = [*proposal["note"], {"text": _put_off(entry)}] if outcome == DEFERRED else proposal["note"]
        made["proposal"] = proposal | {"status": STATUS.get(outcome, "cancelled"), "note": notes} | why
        targets = ["proposal", *targets]
    if entry["mg"] > 0 and outcome == CHANGED:
        made["plan"] = _plan(entry, answer, record, seed, when, bool(proposal))
        targets = ["plan", *targets]
    made["decision"] = _of_person(entry, _in_words(entry, answer, outcome), seed, targets or ["patient"])
    return bundle(record, seed, made)


def outcome_of(entry: Mapping[str, Any]) -> str:
    """Whether a decision accepts the recommendation, changes it, puts it off, or gives nothing against it."""
    if entry.get("answer"):
        return str(entry["answer"])
    if entry["followed"]:
        return ACCEPTED
    return CHANGED if entry["mg"] > 0 else REJECTED


def changes(entry: Mapping[str, Any], answer: Mapping[str, Any]) -> list[str]:
    """What a decision changes of what was proposed: dose, interval, start; nothing where no dose was proposed."""
    chosen = answer["chosen"]
    if not chosen or not chosen["mg"] > 0:
        return []
    dose = not math.isclose(entry["mg"], chosen["mg"], rel_tol=1e-6)
    interval = entry.get("every_days") not in (None, chosen.get("wait_days"))
    return [n for n, new in (("dose", dose), ("interval", interval), ("start", bool(entry.get("start_in_days")))) if new]


def _put_off(entry: Mapping[str, Any]) -> str:
    until = entry.get("until")
    return f"The decision is put off until {until}." if until else "The decision is put off; until when was not said."


def _in_words(entry: Mapping[str, Any], answer: Mapping[str, Any], outcome: str) -> str:
    """The outcome, and what of the proposal it touches."""
    if outcome == DEFERRED and entry.get("until"):
        return f"{outcome} until {entry['until']}"
    what = changes(entry, answer) if outcome == CHANGED else []
    return f"{outcome}: {', '.join(what)}" if what else outcome


def seed_of(answer: Mapping[str, Any], record: Record) -> str:
    """What the names of the resources follow from: the record's facts, the program's answer and its time."""
    return "/".join((record_hash(record), answer["fingerprint"], answer["policy"], str(answer["time"])))


def _resources(answer: Mapping[str, Any], record: Record, when: datetime) -> dict[str, Any]:
    """Everything of a recommendation, by name."""
    if answer["patient"] != record.id:
        raise ValueError(f"the recommendation is for patient '{answer['patient']}', the record is of '{record.id}'")
    seed, chosen = seed_of(answer, record), answer["chosen"]
    at, drug = at_hours(record, answer["time"]), drug_named(answer["treatment"])
    patient, program = reference(seed, "patient"), reference(seed, "program")
    made: dict[str, Any] = {"patient": patient_of(record), "program": device(answer)}
    used = inputs(answer["used"], record, at, drug, patient)
    targets = []
    if chosen and chosen["mg"] > 0:
        notes = (answer["disclaimer"], answer["research_only"] or "", *answer["explanation"]["why"])
        made["proposal"] = request(chosen, drug, patient, calendar(record, at), when, notes, requester=program)
        made["group"] = group(patient, program, reference(seed, "proposal"), when)
        targets = ["proposal"]
    made["guidance"] = guidance(answer, patient, program, when) | ({"result": reference(seed, "group")} if targets else {})
    implicated = [reference(seed, "proposal")] if targets else []
    for number, issue in enumerate(issues(answer)):
        made[f"issue {number}"] = detected(issue, patient, program, instant(when), implicated)
        targets.append(f"issue {number}")
    sources = [{"role": "source", "what": reference(seed, name)} for name in ("patient", *used)]
    if count := assumed(answer["used"]):
        sources.append({"role": "source", "what": {"display": f"{count} doses assumed from a steady state"}})
    made["provenance"] = {
        "resourceType": "Provenance",
        "target": [reference(seed, name) for name in targets],
        "recorded": instant(when),
        "activity": concept("recommendation for research"),
        "agent": [{"type": concept("assembler", PARTICIPANT, "assembler"), "who": program}],
        "entity": sources,
    }
    return made | used


def device(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The program: its version, and the fingerprint of the treatment and the policy that answered."""
    versions = {
        "software": metadata.version("posology"),
        "treatment": answer["treatment"],
        "fingerprint": answer["fingerprint"],
        "model": answer["model"],
        "policy": answer["policy"],
    }
    return {
        "resourceType": "Device",
        "deviceName": [{"name": "Posology", "type": "user-friendly-name"}],
        "type": concept("dosing software for research, not a medical device"),
        "version": [{"type": concept(name), "value": said(value)} for name, value in versions.items()],
        "note": [{"text": said(answer["disclaimer"])}],
    }


def _plan(
    entry: Mapping[str, Any], answer: Mapping[str, Any], record: Record, seed: str, when: datetime, proposed: bool
) -> dict[str, Any]:
    """What the person will give instead: as often, as long and from when the proposal says, or the standard of care where none
    was made, unless the decision says otherwise."""
    like = answer["chosen"] if proposed else next((o for o in answer["options"] if o["is_standard"] and o["mg"] > 0), {})
    begins, visit = entry.get("start_in_days") or 0.0, entry.get("every_days")
    words = ["decided by a clinician"]
    if proposed and "dose" not in changes(entry, answer):
        words.append("the dose as proposed")
    if visit is not None:
        words.append(f"next visit after {visit:g} days" + (f" instead of {like['wait_days']:g}" if like.get("wait_days") else ""))
    if begins:
        words.append(f"to begin {begins:g} days later")
    option = {k: like.get(k) for k in ("every_hours", "duration_hours")}
    option |= {"mg": entry["mg"], "label": ", ".join(words), "wait_days": visit or like.get("wait_days") or 0.0}
    at = calendar(record, at_hours(record, answer["time"]) + 24 * begins)
    more: dict[str, Any] = {"status": "active", "intent": "plan", "requester": {"display": said(entry["by"])}}
    more |= {"reasonCode": [concept(entry["reason"])]}
    if proposed:
        more["basedOn"] = [reference(seed, "proposal")]
    drug = drug_named(answer["treatment"])
    return request(option, drug, reference(seed, "patient"), at, when, (answer["disclaimer"],), **more)


def _of_person(entry: Mapping[str, Any], outcome: str, seed: str, targets: list[str]) -> dict[str, Any]:
    """Who decided, when, why, and on which state of the record."""
    source = {"identifier": {"system": RECORD, "value": entry["record_sha256"]}}
    made = {
        "resourceType": "Provenance",
        "target": [reference(seed, name) for name in targets],
        "recorded": entry["when"],
        "activity": concept(f"recommendation {outcome}"),
        "agent": [{"type": concept("author", PARTICIPANT, "author"), "who": {"display": said(entry["by"])}}],
        "entity": [{"role": "source", "what": source}],
    }
    return made | ({"reason": [concept(entry["reason"])]} if entry["reason"] else {})
