"""Decisions and findings of a patient, what a patient may take along, and what is left after an erasure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from clinic_records import RECORD, decided

from posology.clinic import audit, store, tables
from posology.clinic.errors import Conflict, NotFound
from posology.clinic.store.intact import altered_in
from posology.clinic.tables import metadata
from posology.clinic.tables import patients as table
from posology.data.record import Dose, from_dict


def test_a_decision_is_kept_with_what_was_shown(engine, patient):
    entry = decided(store.read(engine, patient).record, 370.0)
    number = store.decide(engine, patient, 1, "accepted", entry, "dr.a")
    kept = store.decisions_of(engine, patient)[0]
    assert kept["entry"] == entry and kept["number"] == number and kept["version"] == 1
    assert kept["at"].isoformat() == entry["when"] and kept["mg"] == 370.0


def test_a_decision_on_a_record_that_changed_is_refused(engine, patient):
    entry = decided(store.read(engine, patient).record, 370.0)
    store.add_dose(engine, patient, 1, Dose(time=24, amount=5, unit="mg"), "dr.b")
    for version in (1, 2):
        with pytest.raises(Conflict, match="ask for a new recommendation"):
            store.decide(engine, patient, version, "accepted", entry, "dr.a")
    assert store.decisions_of(engine, patient) == []


@pytest.mark.parametrize(
    ("answer", "mg", "reason", "actor", "said"),
    [
        ("accepted", 300.0, "fever", "dr.a", "answer: is accepted, but the dose is not the recommended one"),
        ("rejected", 370.0, "", "dr.a", "reason: is empty; say why the recommendation is rejected"),
        ("ignored", 370.0, "", "dr.a", "answer: 'ignored' is not one; allowed: accepted, changed, deferred, rejected"),
        ("accepted", 370.0, "", "dr.b", "by: the decision is of 'dr.a', but 'dr.b' would keep it"),
    ],
)
def test_a_decision_that_contradicts_itself_is_refused(sqlite, answer, mg, reason, actor, said):
    key = store.create(sqlite, from_dict(RECORD), "dr.a")
    with pytest.raises(ValueError, match=said):
        store.decide(sqlite, key, 1, answer, decided(from_dict(RECORD), mg, reason), actor)


def test_the_answer_kept_is_that_of_the_decision_and_old_entries_without_one_are_kept_as_said(sqlite):
    key = store.create(sqlite, from_dict(RECORD), "dr.a")
    entry = decided(from_dict(RECORD), 300.0, "fever")
    with pytest.raises(ValueError, match="answer: is rejected, but the decision says changed"):
        store.decide(sqlite, key, 1, "rejected", entry, "dr.a")
    old = {k: v for k, v in entry.items() if k not in ("answer", "every_days", "start_in_days")}
    for each in (entry, old):
        store.decide(sqlite, key, 1, "changed", each, "dr.a")
    assert [d["entry"].get("answer") for d in store.decisions_of(sqlite, key)] == ["changed", None]


def full(engine, patient):
    """A patient with a row in every table that can hold one."""
    at = datetime(2026, 3, 2, 9, 30, 0, 5, tzinfo=UTC)
    store.decide(engine, patient, 1, "accepted", decided(store.read(engine, patient).record, 370.0), "dr.a")
    store.add(engine, "drug response", "dr.a", patient, drug="paclitaxel", at=at, response="stable", note="Ünïcode 💊")
    number = {"symbol": "cl", "value": 0.1 + 0.2, "unit": "L/h", "source": "fit"}
    store.add(engine, "model parameter", "dr.a", patient, model="paclitaxel-henrich2017", method="map", **number)
    store.add(engine, "immune parameter", "dr.a", patient, patient_type="young", **number)
    store.add(engine, "model parameter", "dr.a", model="paclitaxel-henrich2017", method="typical", **number)


def test_findings_come_back_as_entered(engine, patient):
    full(engine, patient)
    response = store.found(engine, "drug response", patient)[0]
    assert (response["at"].microsecond, response["note"], response["value"]) == (5, "Ünïcode 💊", None)
    assert store.found(engine, "immune parameter", patient)[0]["value"] == 0.1 + 0.2
    assert [p["method"] for p in store.found(engine, "model parameter")] == ["typical"]
    for values, said in (
        ({"drug": "x"}, "drug_responses, field response: is missing"),
        ({"dose": 1}, "drug_responses: has no field dose"),
        ({"drug": "x", "response": "y", "note": "", "value": float("nan")}, "field value: must be a finite number"),
        ({"drug": "x", "response": "y", "note": "", "value": 1.0, "unit": "mlgm"}, "unit 'mlgm' is not known"),
    ):
        with pytest.raises(ValueError, match=said):
            store.add(engine, "drug response", "dr.a", patient, **values)


def test_a_policy_is_kept_by_name_and_hash_until_it_is_retired(engine):
    values = {"treatment": "t", "fingerprint": "f", "learner": "ppo", "place": "runs/a", "sha256": "0" * 64}
    store.add_policy(engine, "admin", name="a", **values)
    with pytest.raises(Conflict, match="policy 'a': is here already"):
        store.add_policy(engine, "admin", name="a", **values)
    store.retire_policy(engine, "a", "admin")
    with pytest.raises(NotFound, match="policy 'a': is not in use"):
        store.retire_policy(engine, "a", "admin")
    assert store.list_policies(engine)[0]["retired"].tzinfo is not None


def test_an_export_is_the_whole_history_as_json(engine, patient):
    full(engine, patient)
    store.add_dose(engine, patient, 1, Dose(time=24, amount=5, unit="mg"), "dr.b")
    told = json.loads(json.dumps(store.export(engine, patient, "dr.a")))
    assert [from_dict(v["record"]) for v in told["versions"]] == [store.read(engine, patient, v).record for v in (1, 2)]
    assert len(told["decisions"]) == len(told["drug_responses"]) == len(told["model_parameters"]) == 1
    assert [row["action"] for row in told["audit"]][0::6] == ["patient created", "patient exported"]
    by_number = {row["number"]: row["detail"] for row in told["audit"]}
    assert by_number[1]["digest"] == audit.keyed(told["salt"], told["versions"][0]["record"])


def test_after_an_erasure_the_chain_is_whole_and_nothing_of_the_person_is_left(engine, patient):
    full(engine, patient)
    other = store.create(engine, from_dict(RECORD | {"id": "B"}), "dr.a")
    with pytest.raises(ValueError, match="reason: is empty"):
        store.erase(engine, patient, "dm", " ")
    removed = store.erase(engine, patient, "dm", "asked for")
    assert removed["doses"] == 3 and removed["decisions"] == 1 and min(removed.values()) >= 1
    with pytest.raises(NotFound, match="may have been erased"):
        store.read(engine, patient)
    with engine.connect() as connection:
        left = {t.name: str(connection.execute(sa.select(t)).all()) for t in metadata.sorted_tables}
    assert not [name for name, text in left.items() if patient in text and name != "audit"]
    assert not [name for name, text in left.items() if "MRN-1" in text]
    assert store.read(engine, other).record.id == "B" and audit.verify(engine).fault is None


def test_an_erased_patient_is_not_in_the_bytes_of_the_sqlite_file(sqlite):
    secret = "Rumpelstilzchen"
    key = store.create(sqlite, from_dict(RECORD | {"id": secret}), "dr.a")
    path = Path(sqlite.url.database)
    files = [path, path.with_name(path.name + "-wal")]
    assert any(secret.encode() in file.read_bytes() for file in files if file.exists())
    store.erase(sqlite, key, "dm", "asked for")
    with sqlite.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 0
    assert not any(secret.encode() in file.read_bytes() for file in files if file.exists())


def test_a_record_or_decision_altered_behind_the_stores_back_is_found(engine, patient):
    full(engine, patient)
    store.add_dose(engine, patient, 1, Dose(time=24, amount=5, unit="mg"), "dr.b")
    assert list(store.altered(engine)) == []
    for statement, said in (
        (sa.update(tables.doses).where(tables.doses.c.amount == 5).values(amount=50), ["version 2 was altered"]),
        (sa.update(tables.observations).values(unit="mlgm"), ["version 1 was altered", "version 2 was altered"]),
        (sa.update(tables.decisions).values(entry={}), ["decision 2 was altered"]),
        (sa.delete(tables.versions).where(tables.versions.c.version == 1), ["has 1 versions, but the newest is 2"]),
    ):
        with engine.connect() as connection, connection.begin() as change:
            connection.execute(statement)
            found = list(altered_in(connection))
            change.rollback()
        assert [f.removeprefix(f"patient/{patient}: ") for f in found] == said


def test_text_that_not_every_database_can_keep_is_refused_by_all(engine, patient):
    for bad in ("a\0b", "a\ud800b"):
        with pytest.raises(ValueError, match="field reason: holds a character that is none"):
            store.edit(engine, patient, 1, from_dict(RECORD), "dr.a", bad)
