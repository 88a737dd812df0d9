"""What we say in FHIR passes validators that are not ours, and says neither more nor less than the answer."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from posology.bedside.decide import decision
from posology.bedside.sentences import DISCLAIMER
from posology.clinic.fhir.capability import capability
from posology.clinic.fhir.export import decided, recommended
from posology.clinic.fhir.parts import of_kind
from posology.data.readers import fhir

from .fhirgate import faults

WHEN = datetime(2025, 4, 14, 9, 0, tzinfo=UTC)
LIMIT = {"name": "single", "effect": "binds", "sentence": "no dose above 175 mg/m2", "source": "label", "status": "unverified"}
STOP = {"rule": "dpyd", "value": 0.0, "says": "no dose", "effect": "stop", "binding": True, "source": "CPIC"}
STOP |= {"status": "verified"}


def abstained(answer: dict[str, Any]) -> dict[str, Any]:
    return answer | {"chosen": None, "abstained": "the count is missing"}


def test_the_gate_finds_what_is_wrong():
    wrong = {"resourceType": "MedicationRequest", "status": "nonsense", "intent": "proposal"}
    wrong |= {"subject": {"reference": "Patient/1"}}
    said = " ".join(faults({**wrong, "note": [{"text": "x"}], "foo": {"doseQuantity": {"value": 1, "unit": "mg"}}}))
    for part in ("nonsense", "foo", "Patient/1 is not in the bundle", "no UCUM unit"):
        assert part in said


def test_a_recommendation_is_a_draft_proposal_with_its_provenance(answer, record):
    made = recommended(answer, record, WHEN)
    assert faults(made) == []
    (asked,) = of_kind(made, "MedicationRequest")
    assert (asked["status"], asked["intent"], "doNotPerform" in asked) == ("draft", "proposal", False)
    told = asked["dosageInstruction"][0]
    in_mg = {"value": 305.0, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
    assert told["doseAndRate"][0]["doseQuantity"] == in_mg
    assert told["timing"] == {"event": ["2025-04-14T08:00:00+00:00"], "repeat": {"duration": 3.0, "durationUnit": "h"}}
    assert asked["note"][0]["text"] == DISCLAIMER
    (program,) = of_kind(made, "Device")
    assert {v["type"]["text"]: v["value"] for v in program["version"]}["fingerprint"] == answer["fingerprint"]
    (provenance,) = of_kind(made, "Provenance")
    assert len(provenance["entity"]) == len(answer["used"])  # male is the Patient, everything else itself
    assert made == recommended(answer, record, WHEN)


def test_the_inputs_in_the_bundle_are_those_used(answer, record):
    made = recommended(answer, record, WHEN)
    rows = [u for u in answer["used"] if u["kind"] != "dose" and u["name"] != "male"]
    seen = {(o["code"]["text"], o["valueQuantity"]["value"], o["valueQuantity"]["code"]) for o in of_kind(made, "Observation")}
    assert seen == {(u["name"], u["value"], u["unit"]) for u in rows}
    assert [d["dosage"]["dose"]["value"] for d in of_kind(made, "MedicationAdministration")] == [305.0, 305.0]


def test_our_own_reader_finds_the_proposed_dose_in_the_bundle(answer, record):
    (back,) = fhir.records(recommended(answer, record, WHEN), "b.json")
    planned = [d for d in back.doses if d.status == "planned"]
    assert [(d.amount, d.unit, d.duration, d.drug) for d in planned] == [(305.0, "mg", 3.0, "paclitaxel")]
    assert back.id == record.id


def test_what_bound_warned_or_stopped_is_an_issue_each(answer, record):
    answer["options"][-1]["limits"].append(LIMIT)
    answer["bound_by"] = "single"
    answer["rules"] += [STOP, STOP | {"rule": "upc", "effect": "warning", "binding": False}]
    made = recommended(answer, record, WHEN)
    assert faults(made) == []
    found = {i["code"]["text"]: (i["severity"], i["detail"]) for i in of_kind(made, "DetectedIssue")}
    standing = next(o for o in answer["options"] if o["label"] == answer["chosen"]["label"])["limits"]
    assert set(found) == {"dpyd", "upc", "single", *(limit["name"] for limit in standing)}
    assert [found[n][0] for n in ("dpyd", "upc", "single")] == ["high", "low", "moderate"]
    assert found["single"][1] == "no dose above 175 mg/m2 (label, unverified)"


def test_an_abstention_is_an_issue_and_no_request(answer, record):
    made = recommended(abstained(answer), record, WHEN)
    assert faults(made) == []
    assert not of_kind(made, "MedicationRequest")
    assert [(i["severity"], i["detail"]) for i in of_kind(made, "DetectedIssue")] == [("high", "the count is missing")]


def test_advice_to_give_nothing_is_an_issue_and_no_request(answer, record):
    none = next(o for o in answer["options"] if not o["dose"])
    made = recommended(answer | {"chosen": {k: none[k] for k in answer["chosen"]}}, record, WHEN)
    assert faults(made) == [] and not of_kind(made, "MedicationRequest")
    assert of_kind(made, "DetectedIssue")[0]["code"]["coding"][0]["code"] == "no-dose"


@pytest.mark.parametrize(
    ("mg", "reason", "statuses"),
    [(305.0, "", ["active"]), (200.0, "fever", ["cancelled", "active"]), (0.0, "refused", ["cancelled"])],
)
def test_a_decision_is_the_status_and_a_person(answer, record, mg, reason, statuses):
    made = decided(decision(answer, record, mg, "Dr A", reason, WHEN), answer, record)
    assert faults(made) == []
    asked = of_kind(made, "MedicationRequest")
    assert [a["status"] for a in asked] == statuses
    assert [a["intent"] for a in asked] == ["proposal", "plan"][: len(asked)]
    person = of_kind(made, "Provenance")[-1]
    assert person["agent"][0]["who"] == {"display": "Dr A"} and person["recorded"] == "2025-04-14T09:00:00+00:00"
    assert [r["text"] for r in person.get("reason", [])] == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("changed", "words", "begins", "says"),
    [
        ({"every_days": 14.0}, "interval", "2025-04-14T08:00:00+00:00", "next visit after 14 days instead of 21"),
        ({"start_in_days": 7.0}, "start", "2025-04-21T08:00:00+00:00", "to begin 7 days later"),
        ({"every_days": 28.0, "start_in_days": 1.0}, "interval, start", "2025-04-15T08:00:00+00:00", "28 days instead of 21"),
    ],
)
def test_a_change_of_interval_or_start_is_a_plan_that_says_it(answer, record, changed, words, begins, says):
    made = decided(decision(answer, record, 305.0, "Dr A", "fits the ward", WHEN, **changed), answer, record)
    assert faults(made) == []
    proposal, plan = of_kind(made, "MedicationRequest")
    assert (proposal["status"], plan["status"], plan["intent"]) == ("cancelled", "active", "plan")
    told = plan["dosageInstruction"][0]
    assert told["timing"]["event"] == [begins]
    said = told["additionalInstruction"][0]["text"]
    assert "the dose as proposed" in said and says in said
    assert of_kind(made, "Provenance")[-1]["activity"]["text"] == f"recommendation changed: {words}"


@pytest.mark.parametrize("until", [None, datetime(2025, 4, 16, 8, tzinfo=UTC)])
def test_a_decision_that_is_put_off_holds_the_proposal_and_rejects_nothing(answer, record, until):
    entry = decision(answer, record, 0.0, "Dr A", "the count is awaited", WHEN, answer="deferred", until=until)
    made = decided(entry, answer, record)
    assert faults(made) == []
    (proposal,) = of_kind(made, "MedicationRequest")
    assert (proposal["status"], proposal["statusReason"]["text"]) == ("on-hold", "the count is awaited")
    when = "until 2025-04-16T08:00:00+00:00" if until else "until when was not said"
    assert when in proposal["note"][-1]["text"]
    activity = of_kind(made, "Provenance")[-1]["activity"]["text"]
    assert activity == "recommendation deferred" + (f" {when}" if until else "")


def test_no_dose_instead_of_one_is_a_change_and_a_rejection_gives_nothing(answer, record):
    none = decided(decision(answer, record, 0.0, "Dr A", "fever", WHEN), answer, record)
    rejected = decided(decision(answer, record, 0.0, "Dr A", "fever", WHEN, answer="rejected"), answer, record)
    for made, words in ((none, "changed: dose"), (rejected, "rejected")):
        assert [m["status"] for m in of_kind(made, "MedicationRequest")] == ["cancelled"]
        assert of_kind(made, "Provenance")[-1]["activity"]["text"] == f"recommendation {words}"


def test_a_dose_against_an_abstention_is_a_plan_of_the_person(answer, record):
    none = abstained(answer)
    made = decided(decision(none, record, 100.0, "Dr A", "known well", WHEN), none, record)
    assert faults(made) == []
    (plan,) = of_kind(made, "MedicationRequest")
    assert plan["intent"] == "plan" and "basedOn" not in plan


def test_a_bundle_of_another_patient_or_another_state_of_the_record_is_refused(answer, record):
    other = record.model_copy(update={"id": "P2"})
    with pytest.raises(ValueError, match="is for patient 'EXAMPLE-1', the record is of 'P2'"):
        recommended(answer, other, WHEN)
    with pytest.raises(ValueError, match="when: 2025-04-14T09:00:00 has no time zone"):
        recommended(answer, record, WHEN.replace(tzinfo=None))
    entry = decision(answer, record, 305.0, "Dr A", when=WHEN)
    with pytest.raises(ValueError, match="has changed since the decision"):
        decided(entry, answer, record.model_copy(update={"doses": ()}))
    with pytest.raises(ValueError, match="field policy: the decision is on standard, the recommendation says oracle"):
        decided(entry, answer | {"policy": "oracle"}, record)


WORDS = st.text(min_size=1, max_size=30)
NUMBERS = st.floats(0.001, 1e5)


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    mg=NUMBERS, every=st.none() | st.floats(0.5, 72), lasts=st.none() | st.floats(0.1, 48), wait=st.floats(0.1, 60),
    words=WORDS, reason=st.none() | WORDS, effect=st.sampled_from(["none", "warning", "limit", "stop"]),
    age=st.none() | st.floats(0, 1e5), below=st.booleans(), name=WORDS, hours=st.booleans(), given_mg=st.just(0.0) | NUMBERS,
)  # fmt: skip
def test_any_answer_and_any_decision_pass(
    answer, record, mg, every, lasts, wait, words, reason, effect, age, below, name, hours, given_mg
):
    answer = dict(answer)  # examples share the fixture
    record = record.model_copy(update={"id": "".join(c for c in name if c.isprintable()).strip() or "x"})
    if hours:
        record = record.model_copy(update={"start": None})
        answer["time"] = 1007.0
    label = {"label": words, "mg": mg, "every_hours": every, "duration_hours": lasts, "wait_days": wait}
    answer["chosen"] = None if reason else answer["chosen"] | label
    row = {"kind": "measurement", "name": "anc", "value": mg, "unit": "10*9/L", "age_hours": age, "source": words, "below": below}
    gene = {"kind": "genotype", "name": "DPYD", "value": words, "unit": "1", "age_hours": None, "source": words}
    answer["used"] = [row, gene, row | {"kind": "dose", "name": "dose", "unit": "mg", "source": words}]
    answer["rules"] = [STOP | {"effect": effect, "says": words, "source": words}]
    answer |= {"patient": record.id, "abstained": reason, "bound_by": words, "policy": words, "disclaimer": DISCLAIMER}
    assert faults(recommended(answer, record, WHEN)) == []
    entry = decision(answer, record, given_mg, "Dr " + words.strip(), "because " + words, WHEN)
    assert faults(decided(entry, answer, record)) == []


def test_the_facade_says_what_it_can_do_and_no_more():
    smart = ("https://ehr.example.org/authorize", "https://ehr.example.org/token")
    for said in (capability("https://example.org/fhir", date(2025, 4, 14)), capability("http://h/f", date(2025, 4, 14), smart)):
        assert faults(said) == []
        bundles, *shown = said["rest"][0]["resource"]
        assert bundles["type"] == "Bundle" and [i["code"] for i in bundles["interaction"]] == ["create"]
        assert all([i["code"] for i in r["interaction"]] == ["read", "search-type"] for r in shown)
    with pytest.raises(ValueError, match="base: 'fhir' is no web address"):
        capability("fhir", date(2025, 4, 14))


def test_the_kinds_of_resources_that_the_facade_names_are_those_written(answer, record):
    from posology.clinic.fhir.capability import WRITTEN

    answer["rules"].append(STOP)
    assert {e["resource"]["resourceType"] for e in recommended(answer, record, WHEN)["entry"]} == set(WRITTEN)
