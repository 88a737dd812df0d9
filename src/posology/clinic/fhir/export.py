"""A recommendation, and what a person decided on it, as a FHIR R4 bundle.

    recommended(answer, record, when)   GuidanceResponse, MedicationRequest (draft proposal), DetectedIssue, Provenance
    decided(entry, answer, record)      the same with the status that the decision gave it, and Provenance of the person

The bundle holds the Patient, what entered, the program as a Device with version and fingerprint, and nothing outside itself is
referred to. An accepted proposal becomes active; one that is changed or rejected is cancelled with the reason, and what
is given instead is a plan of its own. Dates of a record that counts hours only stand for hours, which the bundle says.
"""

from __future__ import annotations

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
ACCEPTED, CHANGED, REJECTED = "accepted", "changed", "rejected"


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
        made["proposal"] = proposal | {"status": "active" if outcome == ACCEPTED else "cancelled"} | why
        targets = ["proposal", *targets]
    if entry["mg"] > 0 and outcome == CHANGED:
        made["plan"] = _plan(entry, answer, record, seed, when, bool(proposal))
        targets = ["plan", *targets]
    made["decision"] = _of_person(entry, outcome, seed, targets or ["patient"])
    return bundle(record, seed, made)


def outcome_of(entry: Mapping[str, Any]) -> str:
    """Whether a decision accepts the recommendation, changes it, or gives nothing against it."""
    if entry["followed"]:
        return ACCEPTED
    return CHANGED if entry["mg"] > 0 else REJECTED


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
    """What the person will give instead, as often and as long as the proposal, or the standard of care where none was made."""
    like = answer["chosen"] if proposed else next((o for o in answer["options"] if o["is_standard"] and o["mg"] > 0), {})
    option = {k: like.get(k) for k in ("every_hours", "duration_hours")} | {"wait_days": like.get("wait_days") or 0.0}
    option |= {"mg": entry["mg"], "label": "decided by a clinician"}
    at = calendar(record, at_hours(record, answer["time"]))
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
