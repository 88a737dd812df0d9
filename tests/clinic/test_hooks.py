"""Messages of CDS Hooks by the published rules (https://cds-hooks.hl7.org/2.0 and the invariants in HL7/cds-hooks)."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from posology.clinic.hooks.cards import cards, shortened
from posology.clinic.hooks.drafts import draft_mg
from posology.clinic.hooks.feedback import feedback, override_rate, reasons
from posology.clinic.hooks.request import missing, record_in, request
from posology.clinic.hooks.services import NEEDED, PREFETCH, discovery, service
from posology.data.readers.fhir_write import resources_of
from posology.environments.catalogue import treatment

from .fhirgate import faults

WHEN = datetime(2025, 4, 14, 9, 0, tzinfo=UTC)
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
VIEW = service("paclitaxel-label-v1.patient-view")
SIGN = service("paclitaxel-label-v1.order-sign")
STOP = {"rule": "gene", "says": "no dose " + "at all " * 40, "effect": "stop", "source": "s", "status": "verified"}


def empty(part: Any, path: str = "") -> list[str]:
    """Members without a value, which a service must not send."""
    if isinstance(part, dict):
        return [p for k, v in part.items() for p in empty(v, f"{path}.{k}")] if part else [path]
    if isinstance(part, list):
        return [p for i, v in enumerate(part) for p in empty(v, f"{path}[{i}]")] if part or path == ".cards" else [path]
    return [path] if part is None or part == "" else []


def broken(response: dict[str, Any]) -> list[str]:
    """Which rules of the specification a response breaks."""
    found = [f"empty {path}" for path in empty(response)]
    for card in response["cards"]:
        rules = {
            "uuid": str(UUID(card["uuid"])) == card["uuid"],
            "summary below 140 characters on one line": len(card["summary"]) < 140 and "\n" not in card["summary"],
            "indicator": card["indicator"] in ("info", "warning", "critical"),
            "source.label": bool(card["source"]["label"]),
            "cds-resp-1": sum(s.get("isRecommended", False) for s in card.get("suggestions", [])) <= 1,
            "cds-resp-4": all(r["display"] and r["code"] for r in card["overrideReasons"]),
            "cds-resp-6": "suggestions" not in card or card["selectionBehavior"] in ("at-most-one", "any"),
        }
        for s in card.get("suggestions", []):
            rules |= {f"label of {s['uuid']}": bool(s["label"]), f"uuid {s['uuid']}": bool(UUID(s["uuid"]))}
            for action in s["actions"]:
                rules |= {"cds-resp-5": bool(action["description"]), "type": action["type"] == "create"}
                rules |= {"resource": action["resource"]["resourceType"] == "MedicationRequest"}
        found += [name for name, kept in rules.items() if not kept]
    return found


def call(record: Any, hook: str = "patient-view", **changes: Any) -> dict[str, Any]:
    """A call with the record as prefetched data."""
    seen = resources_of(record)

    def of(kind: str) -> dict[str, Any]:
        found = [{"resource": r} for r in seen if r["resourceType"] == kind]
        return {"resourceType": "Bundle", "type": "searchset", "entry": found}

    raw: dict[str, Any] = {
        "hook": hook,
        "hookInstance": INSTANCE,
        "context": {"userId": "Practitioner/a", "patientId": record.id},
        "prefetch": {"patient": seen[0], "laboratory": of("Observation"), "given": of("MedicationAdministration")},
    }
    return raw | changes


def draft(mg: float, **more: Any) -> dict[str, Any]:
    told = {"timing": {"event": ["2025-04-14T08:00:00Z"]}, "doseAndRate": [{"doseQuantity": {"value": mg, "unit": "mg"}}]}
    asked = {"resourceType": "MedicationRequest", "id": "d1", "status": "draft", "intent": "order", "dosageInstruction": [told]}
    asked |= {"medicationCodeableConcept": {"text": "paclitaxel"}, "subject": {"reference": "Patient/EXAMPLE-1"}}
    return {"resourceType": "Bundle", "entry": [{"resource": asked | more}]}


def test_three_hooks_are_offered_for_each_treatment_with_what_they_need():
    listed = discovery(["paclitaxel-label-v1", "phenobarbital-maintenance-v1"])["services"]
    assert len(listed) == len({s["id"] for s in listed}) == 6
    for s in listed:
        assert {"hook", "description", "id"} <= set(s) and not empty(s)
        assert service(s["id"]).hook == s["hook"] in ("patient-view", "order-select", "order-sign")
        assert set(NEEDED) <= set(s["prefetch"])
        assert all("{{context.patientId}}" in query for query in s["prefetch"].values())
        assert "not a medical device" in s["description"]
    with pytest.raises(ValueError, match="hook 'order-cook' is not offered; allowed: patient-view"):
        service("paclitaxel-label-v1.order-cook")
    with pytest.raises(ValueError, match="treatment 'x' is not known; allowed: "):
        discovery(["x"])


def test_a_recommendation_is_one_card_with_the_chosen_dose_first(answer, record):
    made = cards(answer, record, INSTANCE, WHEN)
    assert broken(made) == []
    (card,) = made["cards"]
    assert card["summary"] == "paclitaxel 175 mg/m2 (305 mg) is proposed (research only)" and card["indicator"] == "info"
    assert answer["disclaimer"] in card["detail"]
    first, *others = card["suggestions"]
    assert first["isRecommended"] and not any("isRecommended" in s for s in others) and len(others) == 2
    resource = first["actions"][0]["resource"]
    assert (resource["status"], resource["intent"]) == ("draft", "proposal")
    assert resource["subject"] == {"reference": "Patient/EXAMPLE-1"}
    alone = {**resource, "subject": {"display": "x"}}  # the patient is in the client's system
    assert faults(alone) == []
    assert cards(answer, record, INSTANCE, WHEN) == made
    assert cards(answer, record, str(UUID(int=7)), WHEN)["cards"][0]["uuid"] != card["uuid"]
    assert reasons() == card["overrideReasons"]


def test_an_abstention_suggests_nothing_and_says_why(answer, record):
    made = cards(answer | {"chosen": None, "abstained": "the count is missing " * 20}, record, INSTANCE, WHEN)
    assert broken(made) == []
    (card,) = made["cards"]
    assert card["indicator"] == "warning" and "suggestions" not in card
    assert card["summary"].startswith("No dose of paclitaxel is recommended: the count is missing")


def test_what_stops_every_dose_is_critical_and_shortened_at_a_word(answer, record):
    answer["rules"] += [STOP, STOP | {"rule": "kidney", "effect": "warning", "says": "watch"}]
    made = cards(answer | {"bound_by": "x"}, record, INSTANCE, WHEN)
    assert broken(made) == []
    assert [c["indicator"] for c in made["cards"]] == ["critical", "warning", "warning"]
    assert made["cards"][0]["summary"].endswith("at…")
    assert len(shortened("x" * 500)) == 139


def test_an_order_as_recommended_needs_no_card_and_one_beyond_the_limits_is_critical(answer, record):
    assert cards(answer, record, INSTANCE, WHEN, draft_mg=300.0) == {"cards": []}
    beyond, dose = cards(answer, record, INSTANCE, WHEN, draft_mg=600.0)["cards"]
    assert beyond["indicator"] == "critical" and "above the largest dose allowed here, 305 mg" in beyond["summary"]
    assert "suggestions" in dose
    (other,) = cards(answer, record, INSTANCE, WHEN, draft_mg=150.0)["cards"]
    assert other["indicator"] == "info"


def test_the_prefetched_data_are_the_record(record):
    found = record_in(request(call(record), VIEW))
    assert found.id == record.id and len(found.doses) == len(record.doses)
    assert [o.value for o in found.observations] == [o.value for o in record.observations]
    assert "prefetch allergies was not sent" in found.notes


def test_a_draft_order_is_a_planned_dose(record):
    context = {"userId": "Practitioner/a", "patientId": record.id, "draftOrders": draft(300.0)}
    found = record_in(request(call(record, "order-sign", context=context), SIGN))
    assert [(d.amount, d.status) for d in found.doses][-1] == (300.0, "planned")


@pytest.mark.parametrize("name", NEEDED)
def test_a_needed_prefetch_that_is_missing_is_named(record, name):
    for value in ({}, {name: None}):
        raw = call(record)
        raw["prefetch"] = {k: v for k, v in raw["prefetch"].items() if k != name} | value
        asked = request(raw, VIEW)
        assert name in missing(asked)
        with pytest.raises(ValueError) as caught:
            record_in(asked)
        assert str(caught.value) == f"request, prefetch: is missing {name} ({PREFETCH[name]})"


def changed(raw: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    raw, (*above, last) = deepcopy(raw), path.split(".")
    place = raw
    for name in above:
        place = place[int(name)] if isinstance(place, list) else place.setdefault(name, {})
    place[last] = value
    return raw


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("hook", "order-sign", "request, the whole: context.draftOrders must be a Bundle at order-sign"),
        ("hook", "cook", "request, hook: input should be 'patient-view', 'order-select' or 'order-sign', got 'cook'"),
        ("hookInstance", "1", "request, hookInstance: badly formed hexadecimal UUID string, got '1'"),
        ("context.userId", "Robot/1", "request, context.userId: string should match pattern"),
        ("context.patientId", "a b", "request, context.patientId: string should match pattern"),
        ("context.patientId", "P2", "request, prefetch: must be of the patient 'P2' alone, got 'EXAMPLE-1'"),
        ("fhirServer", "ftp://x", "request, fhirServer: string should match pattern"),
        ("fhirAuthorization", {"access_token": "t"}, "request, fhirAuthorization.token_type: is missing"),
        ("prefetch.laboratory", [], "request, prefetch.laboratory: input should be a valid dictionary, got []"),
        ("prefetch.laboratory.entry", {}, "request, prefetch.laboratory.entry: must be a list of objects with a resource"),
        ("prefetch.laboratory.entry.2.resource.valueQuantity.value", "x",
         "request, prefetch.laboratory.entry[2].resource.valueQuantity.value"),
        ("prefetch.patient.gender", 7, "request, prefetch.patient.gender"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_one_sentence_with_the_path(record, path, value, said):
    with pytest.raises(ValueError) as caught:
        record_in(request(changed(call(record), path, value), VIEW))
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_a_token_needs_a_server_and_a_call_its_own_service(record):
    token = {"access_token": "t", "token_type": "Bearer", "expires_in": 300, "scope": "s", "subject": "c"}
    with pytest.raises(ValueError, match="fhirServer is missing; it is needed beside fhirAuthorization"):
        request(call(record, fhirAuthorization=token), VIEW)
    assert request(call(record, fhirAuthorization=token, fhirServer="https://h/fhir"), VIEW).fhirAuthorization.expires_in == 300
    with pytest.raises(ValueError, match="hook: must be order-sign at the service .*, got 'patient-view'"):
        request(call(record), SIGN)


def test_the_dose_of_a_draft_is_read_in_mg_and_only_of_this_drug(record):
    def of(bundle: dict[str, Any]) -> float | None:
        context = {"userId": "Practitioner/a", "patientId": record.id, "draftOrders": bundle}
        asked = request(call(record, "order-sign", context=context), SIGN)
        return draft_mg(asked, record, treatment("paclitaxel-label-v1"))

    assert of(draft(300.0)) == 300.0
    assert of(draft(300.0, medicationCodeableConcept={"text": "docetaxel"})) is None
    assert of({"resourceType": "Bundle"}) is None
    sized = draft(300.0)
    sized["entry"][0]["resource"]["dosageInstruction"][0]["doseAndRate"] = [{"doseQuantity": {"value": 175.0, "unit": "mg/m2"}}]
    assert of(sized) == pytest.approx(175 * (164 * 68 / 3600) ** 0.5)


def test_a_selection_must_be_among_the_draft_orders(record):
    context = {"userId": "Practitioner/a", "patientId": record.id, "draftOrders": draft(300.0)}
    select = service("paclitaxel-label-v1.order-select")
    asked = request(call(record, "order-select", context=context | {"selections": ["MedicationRequest/d1"]}), select)
    assert asked.context.selections == ["MedicationRequest/d1"]
    for selections, said in ((["MedicationRequest/d2"], "d2 is not among the draft orders"), ([], "selections is missing")):
        with pytest.raises(ValueError, match=said):
            request(call(record, "order-select", context=context | {"selections": selections}), select)


ACCEPTED = {"card": INSTANCE, "outcome": "accepted", "acceptedSuggestions": [{"id": INSTANCE}]}
ACCEPTED |= {"outcomeTimestamp": "2025-04-14T09:00:00Z"}
OVERRIDDEN = {"card": INSTANCE, "outcome": "overridden", "outcomeTimestamp": "2025-04-14T09:00:00Z"}


def test_feedback_says_what_became_of_each_card():
    why = {"overrideReason": {"reason": reasons()[0], "userComment": "fever"}}
    found = feedback(json.loads(json.dumps({"feedback": [ACCEPTED, OVERRIDDEN | why, OVERRIDDEN]})))
    assert [e.outcome for e in found] == ["accepted", "overridden", "overridden"]
    assert found[1].overrideReason.reason.code == "patient-condition" and found[0].outcomeTimestamp == WHEN
    assert override_rate(found) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (ACCEPTED | {"outcome": "ignored"}, "feedback, feedback[0].outcome: input should be 'accepted' or 'overridden'"),
        (ACCEPTED | {"acceptedSuggestions": []}, "feedback, feedback[0]: acceptedSuggestions is missing"),
        (ACCEPTED | {"card": "x"}, "feedback, feedback[0].card: badly formed"),
        (OVERRIDDEN | {"overrideReason": {}}, "feedback, feedback[0].overrideReason: must hold a reason, a userComment or both"),
        (OVERRIDDEN | {"outcomeTimestamp": "2025-04-14T09:00"}, "feedback, feedback[0].outcomeTimestamp: must have a time"),
        (OVERRIDDEN | {"outcomeTimestamp": None}, "feedback, feedback[0].outcomeTimestamp: input should be a valid datetime"),
    ],
)
def test_wrong_feedback_is_one_sentence_with_the_path(entry, said):
    with pytest.raises(ValueError) as caught:
        feedback({"feedback": [entry]})
    assert str(caught.value).startswith(said)
    with pytest.raises(ValueError, match="feedback, feedback: "):
        feedback({"feedback": []})
