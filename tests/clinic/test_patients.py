"""Patients in the store, on each database: equal records, kept versions, no silent overwriting."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from clinic_records import RECORD
from databases import KINDS, emptied
from hypothesis import HealthCheck, given, settings

from posology.clinic import audit, store
from posology.clinic.errors import Conflict, NotFound
from posology.data.record import Dose, Observation, from_dict

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
from patient_records import records


def test_a_record_comes_out_as_it_went_in_with_units_and_zone(engine, patient):
    got = store.read(engine, patient)
    assert got.version == 1
    assert got.record == from_dict(RECORD)
    assert got.record.observations[1].unit == "10*3/uL" and got.record.doses[2].unit == "g"
    assert got.record.start.isoformat() == "2026-03-01T07:00:00.123456+00:00"


@pytest.mark.parametrize("kind", KINDS)
def test_any_record_comes_out_equal_also_after_an_edit(kind, migrated):
    engine = emptied(migrated(kind))

    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(records(), records())
    def check(first, second):
        key = store.create(engine, first.model_copy(update={"id": "one"}), "dr.a")
        changed = second.model_copy(update={"id": "one " + second.id})
        store.edit(engine, key, 1, changed, "dr.a")
        assert store.read(engine, key).record == changed
        assert store.read(engine, key, 1).record == first.model_copy(update={"id": "one"})
        emptied(engine)

    check()


def test_numbers_keep_their_last_bit(engine):
    values = (0.1 + 0.2, 1e-300, 123456789.123456789, 5e-324, 1.7976931348623157e11)
    raw = RECORD | {"observations": [{"time": i, "name": "x_y", "value": v, "unit": "1"} for i, v in enumerate(values)]}
    key = store.create(engine, from_dict(raw), "dr.a")
    assert tuple(o.value for o in store.read(engine, key).record.observations) == values


def test_a_stale_edit_is_refused_in_a_sentence_with_both_versions(engine, patient):
    record = from_dict(RECORD)
    assert store.edit(engine, patient, 1, record.noted("first"), "dr.a", "a note") == 2
    with pytest.raises(Conflict, match="you edited version 1, but version 2 is there now"):
        store.edit(engine, patient, 1, record.noted("second"), "dr.b")
    assert store.read(engine, patient).record.notes == ("first",)


def test_an_edit_whose_patient_was_edited_or_erased_while_it_was_prepared_is_refused(engine, patient, monkeypatch):
    record = from_dict(RECORD)
    writing = audit.writing

    def after(change):
        def writes(*asked):
            monkeypatch.setattr(audit, "writing", writing)
            change()
            return writing(*asked)

        monkeypatch.setattr(audit, "writing", writes)

    after(lambda: store.edit(engine, patient, 1, record.noted("theirs"), "dr.b"))
    with pytest.raises(Conflict, match="you edited version 1, but version 2 is there now"):
        store.edit(engine, patient, 1, record.noted("mine"), "dr.a")
    assert store.read(engine, patient).record.notes == ("theirs",)
    after(lambda: store.erase(engine, patient, "dr.b", "asked for"))
    with pytest.raises(NotFound, match="it may have been erased"):
        store.edit(engine, patient, 2, record.noted("mine"), "dr.a")
    assert store.count(engine) == 0 and audit.verify(engine).fault is None


def test_every_version_is_kept_and_listed(engine, patient):
    assert store.add_dose(engine, patient, 1, Dose(time=24, amount=5, unit="mg"), "dr.b") == 2
    assert store.add_observation(engine, patient, 2, Observation(time=30, name="anc", value=2, unit="10*9/L"), "dr.c") == 3
    listed = store.history(engine, patient)
    assert [(v["version"], v["actor"], v["reason"]) for v in listed] == [
        (1, "dr.a", ""), (2, "dr.b", "dose added"), (3, "dr.c", "observation added"),
    ]  # fmt: skip
    assert all(v["at"].utcoffset().total_seconds() == 0 for v in listed)
    assert store.read(engine, patient, 1).record == from_dict(RECORD)
    assert [d.time for d in store.read(engine, patient).record.doses] == [0, 24, 504, 504]
    assert [o.time for o in store.read(engine, patient, 2).record.observations] == [0, 240]
    with pytest.raises(NotFound, match="has no version 4; the versions are 1 to 3"):
        store.read(engine, patient, 4)


def test_patients_are_found_by_id_and_by_words_whatever_their_case(engine, patient):
    store.create(engine, from_dict(RECORD | {"id": "mrn-1", "conditions": ["100 % sure_thing"]}), "dr.a")
    store.create(engine, from_dict(RECORD | {"id": "Z", "conditions": [], "medications": []}), "dr.a")
    assert [p["record_id"] for p in store.listing(engine)] == ["MRN-1", "Z", "mrn-1"]
    assert [p["record_id"] for p in store.listing(engine, "östrogen MRN")] == ["MRN-1"]
    assert [p["record_id"] for p in store.listing(engine, "0 % SURE_")] == ["mrn-1"]
    assert store.listing(engine, "sure%thing") == [] and store.listing(engine, "'; drop table patients; --") == []
    assert [p["record_id"] for p in store.listing(engine, after="MRN-1", limit=1)] == ["Z"]
    assert store.count(engine) == 3 and store.key_of(engine, "MRN-1") == patient


def test_an_id_that_is_taken_too_long_or_unknown_is_refused(engine, patient):
    with pytest.raises(Conflict, match="patient 'MRN-1': is here already"):
        store.create(engine, from_dict(RECORD), "dr.a")
    with pytest.raises(ValueError, match="patients, field record_id: has 201 characters; at most 200 are kept"):
        store.create(engine, from_dict(RECORD | {"id": "x" * 201}), "dr.a")
    with pytest.raises(NotFound, match="patient 'nobody': is not here"):
        store.key_of(engine, "nobody")
    with pytest.raises(NotFound, match="there is none with this key"):
        store.read(engine, "0" * 32)
    other = store.create(engine, from_dict(RECORD | {"id": "B"}), "dr.a")
    with pytest.raises(Conflict, match="patient 'MRN-1': is here already"):
        store.edit(engine, other, 1, from_dict(RECORD), "dr.a")


def test_a_failed_write_leaves_nothing_behind(engine, patient):
    with pytest.raises(ValueError, match="doses, field drug"):
        store.add_dose(engine, patient, 1, Dose(time=1, amount=1, unit="mg", drug="d" * 201), "dr.a")
    assert store.read(engine, patient).version == 1
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM audit")).scalar_one() == 1


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "sqlite"])
def test_a_write_that_was_kept_is_not_refused_when_the_server_ends_its_connection_then(kind, migrated, monkeypatch):
    engine, rollback = emptied(migrated(kind)), migrated(kind).dialect.do_rollback
    asked, ended = {
        "mariadb": ("SELECT CONNECTION_ID()", "KILL {}"),
        "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})"),
    }[kind]

    def given_back(connection):
        with connection.cursor() as cursor:
            cursor.execute(asked)
            [number] = cursor.fetchone()
        rollback(connection)
        with sa.create_engine(engine.url).connect() as other:
            other.exec_driver_sql(ended.format(number))

    monkeypatch.setattr(engine.dialect, "do_rollback", given_back)
    key = store.create(engine, from_dict(RECORD), "dr.a")
    monkeypatch.undo()
    assert engine.pool.checkedout() == 0
    engine.dispose()
    assert store.read(engine, key).version == 1
