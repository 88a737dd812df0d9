"""The audit trail: every row that was touched is found with its number, and eight writers make one chain."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from clinic_records import RECORD

from posology.clinic import audit, store
from posology.clinic.database import writing
from posology.clinic.errors import Conflict
from posology.clinic.tables import audit as rows
from posology.clinic.tables import audit_head, doses, metadata, versions
from posology.data.record import from_dict

ROWS = 6


@pytest.fixture
def chain(engine):
    """A database with a chain of `ROWS` rows."""
    for i in range(ROWS):
        with audit.writing(engine, "dr.a") as writer:
            writer.note("tested", f"thing/{i}", {"i": i, "half": 0.5})
    return engine


def changed(engine, *statements):
    with writing(engine) as connection:
        for statement in statements:
            connection.execute(statement)
    return audit.verify(engine)


def at(number):
    return sa.update(rows).where(rows.c.number == number)


def kept(engine, number):
    with engine.connect() as connection:
        return dict(connection.execute(sa.select(rows).where(rows.c.number == number)).mappings().one())


def test_an_untouched_chain_is_whole_and_shows_its_head(chain):
    found = audit.verify(chain)
    assert (found.rows, found.count, found.fault) == (ROWS, ROWS, None)
    assert found.hash == kept(chain, ROWS)["hash"]
    assert audit.verify(chain, noted=(3, kept(chain, 3)["hash"])).fault is None


EDITS = (
    {"actor": "dr.b"}, {"action": "Tested"}, {"subject": "thing/9"}, {"detail": {"i": 0, "half": 0.25}}, {"hash": "f" * 64},
)  # fmt: skip


def test_each_edit_of_each_row_is_found_with_its_number(chain):
    for number in range(1, ROWS + 1):
        was = kept(chain, number)
        for values in EDITS:
            found = changed(chain, at(number).values(**values))
            assert found.row == number and f"row {number} was edited" in found.fault
            assert changed(chain, at(number).values(**was)).fault is None


def test_a_time_moved_by_a_microsecond_is_found(chain):
    later = kept(chain, 2)["at"].replace(microsecond=(kept(chain, 2)["at"].microsecond + 1) % 1_000_000)
    assert changed(chain, at(2).values(at=later)).row == 2


def test_a_deleted_row_is_found_and_so_are_those_cut_off_at_the_end(chain):
    for number in range(1, ROWS + 1):
        was = kept(chain, number)
        found = changed(chain, sa.delete(rows).where(rows.c.number == number))
        assert found.row == number
        assert ("cut off at the end" if number == ROWS else "was deleted") in found.fault
        assert changed(chain, sa.insert(rows).values(**was)).fault is None


def test_swapped_rows_are_found(chain):
    found = changed(chain, at(2).values(number=99), at(5).values(number=2), at(99).values(number=5))
    assert found.row == 2


def test_an_inserted_row_is_found_at_the_end_and_between(chain):
    said = kept(chain, ROWS)
    forged = said | {"number": ROWS + 1, "previous": said["hash"]}
    forged["hash"] = audit.row_hash(*(forged[k] for k in ("number", "at", "actor", "action", "subject", "detail", "previous")))
    assert changed(chain, sa.insert(rows).values(**forged)).row == ROWS + 1
    shifted = [at(n).values(number=n + 1) for n in range(ROWS + 1, 3, -1)]
    previous = kept(chain, 3)["hash"]
    between = forged | {"number": 4, "previous": previous}
    between["hash"] = audit.row_hash(*(between[k] for k in ("number", "at", "actor", "action", "subject", "detail", "previous")))
    found = changed(chain, *shifted, sa.insert(rows).values(**between))
    assert found.row == 4 and "was inserted" in found.fault


def test_a_row_edited_with_its_own_hash_made_anew_is_found_by_the_row_after(chain):
    forged = kept(chain, 3) | {"actor": "dr.b"}
    made = audit.row_hash(*(forged[k] for k in ("number", "at", "actor", "action", "subject", "detail", "previous")))
    found = changed(chain, at(3).values(actor="dr.b", hash=made))
    assert found.row == 3 and "was replaced" in found.fault


def test_a_chain_made_anew_is_found_by_a_head_that_was_noted(chain):
    noted = (ROWS, audit.verify(chain).hash)
    with writing(chain) as connection:
        connection.execute(sa.delete(rows))
        connection.execute(sa.update(audit_head).values(rows=0, hash=audit.GENESIS))
    assert audit.verify(chain).fault is None
    assert audit.verify(chain, noted).row == 1
    for _ in range(ROWS):
        with audit.writing(chain, "dr.b") as writer:
            writer.note("tested", "thing")
    assert audit.verify(chain).fault is None
    assert audit.verify(chain, noted).row == ROWS


def test_a_missing_or_changed_head_is_found(chain):
    found = changed(chain, sa.update(audit_head).values(hash="0" * 64))
    assert found.row == ROWS and "not the one that the head was made of" in found.fault
    assert "the head of the chain is gone" in changed(chain, sa.delete(audit_head)).fault
    with pytest.raises(ValueError, match="the head of the audit chain is gone"), audit.writing(chain, "dr.a"):
        pass


def test_eight_writers_make_one_chain_and_one_of_eight_edits_of_a_version_wins(engine, patient):
    record = from_dict(RECORD)

    def work(i):
        for j in range(5):
            store.create(engine, from_dict(RECORD | {"id": f"{i}-{j}"}), f"dr.{i}")
        try:
            return store.edit(engine, patient, 1, record.noted(str(i)), f"dr.{i}")
        except Conflict:
            return None

    with ThreadPoolExecutor(8) as pool:
        won = [version for version in pool.map(work, range(8)) if version]
    assert won == [2]
    found = audit.verify(engine)
    assert (found.fault, found.count) == (None, 1 + 8 * 5 + 1)


def test_every_write_leaves_a_row_in_its_own_transaction(engine, patient):
    with pytest.raises(RuntimeError, match="a write left no audit row"), audit.writing(engine, "dr.a") as writer:
        writer.connection.execute(sa.delete(doses))
    assert len(store.read(engine, patient).record.doses) == 3
    with pytest.raises(ValueError, match="actor: must be a name"), audit.writing(engine, " "):
        pass


def test_audit_rows_hold_no_content_of_the_patient(engine, patient):
    row = kept(engine, 1)
    with engine.connect() as connection:
        version = connection.execute(sa.select(versions)).mappings().one()
    assert row["subject"] == f"patient/{patient}" and row["detail"] == {"version": 1, "digest": version["digest"]}
    assert "MRN-1" not in str(row)


def test_the_migration_makes_the_tables_as_they_are_declared(engine):
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
