"""Upgrade, copy, backup and restore by their commands: equal content on every database, or nothing."""

from __future__ import annotations

import gzip
import json

import pytest
from alembic import command
from clinic_records import RECORD, decided
from databases import KINDS

from posology.clinic import audit, database, migrations, portable, store
from posology.commands import run
from posology.data.record import from_dict


def said(capsys, *arguments):
    code = run(list(arguments))
    out, err = capsys.readouterr()
    return code, (json.loads(out) if out else None), err


@pytest.fixture(scope="module")
def filled(new_url):
    """A SQLite database with more patients than a batch has rows, and a row in most tables."""
    url = new_url("sqlite")
    engine = database.engine(url)
    migrations.upgrade(engine)
    key = store.create(engine, from_dict(RECORD), "dr.a")
    store.decide(engine, key, 1, "accepted", decided(from_dict(RECORD), 370.0), "dr.a")
    many = RECORD | {"observations": [{"time": i / 7, "name": "anc", "value": i / 3, "unit": "10*9/L"} for i in range(1201)]}
    store.edit(engine, key, 1, from_dict(many), "dr.a")
    store.add_user(engine, "ann", "correct horse battery", "viewer", "admin")
    policy = {"treatment": "t", "fingerprint": "f", "learner": "ppo", "place": "runs/é", "sha256": "0" * 64}
    store.add_policy(engine, "admin", name="p", **policy)
    return url, key, from_dict(many)


def content(url):
    with database.reading(database.engine(url)) as connection:
        return portable.digests(connection)


def test_a_copy_goes_round_all_databases_with_equal_hashes(filled, new_url, capsys):
    url, key, record = filled
    first = url
    for kind in ("mariadb", "postgresql", "sqlite"):
        target = new_url(kind)
        code, told, _ = said(capsys, "db", "copy", url, target, "--json")
        assert code == 0
        assert {t.pop("table"): t for t in told["tables"]} == content(first)
        engine = database.engine(target)
        assert store.read(engine, key).record == record and audit.verify(engine).fault is None
        code, told, err = said(capsys, "db", "copy", url, target, "--json")
        assert (code, told) == (1, None) and "is not empty" in err
        url = target


@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_restores_into_an_empty_database_of_any_kind(kind, filled, new_url, tmp_path, capsys):
    file, target = tmp_path / "clinic.jsonl.gz", new_url(kind)
    code, told, _ = said(capsys, "db", "backup", str(file), "--database", filled[0], "--json")
    assert code == 0 and file.stat().st_mode & 0o777 == 0o600 and [*tmp_path.iterdir()] == [file]
    assert said(capsys, "db", "restore", str(file), "--database", target, "--json")[:2] == (0, told)
    assert content(target) == content(filled[0])
    code, _, err = said(capsys, "db", "restore", str(file), "--database", target)
    assert code == 1 and "is not empty (audit has 5 rows)" in err
    store.create(database.engine(target), from_dict(RECORD | {"id": "new"}), "dr.a")  # the restored chain goes on
    assert audit.verify(database.engine(target)).fault is None


def test_a_damaged_backup_restores_nothing(filled, new_url, tmp_path, capsys):
    file, target = tmp_path / "clinic.jsonl.gz", new_url("sqlite")
    said(capsys, "db", "backup", str(file), "--database", filled[0], "--json")
    whole = file.read_bytes()
    lines = gzip.decompress(whole).splitlines(keepends=True)
    edited = [line.replace(b'"dr.a"', b'"dr.b"') for line in lines]
    for damaged, words in (
        (whole[:-40], "is damaged or cut off"),
        (b"hello", "is damaged or cut off"),
        (gzip.compress(b"".join(lines[:-1])), "is cut off after line"),
        (gzip.compress(b"".join(lines[:5] + lines[6:])), "does not give its checksum"),
        (gzip.compress(b"".join(edited)), "does not give its checksum"),
        (gzip.compress(b'{"format":"other"}\n'), "is no backup of Posology"),
        (gzip.compress(b'{"format":"posology-backup-1","step":"9999"}\n'), "is of step 9999"),
    ):
        file.write_bytes(damaged)
        code, _, err = said(capsys, "db", "restore", str(file), "--database", target)
        assert code == 1 and words in err and err.count("\n") == 1
    assert migrations.current(database.engine(target)) is None
    code, _, err = said(capsys, "db", "backup", str(file), "--database", filled[0])
    assert code == 1 and "is there already; name a new file" in err


def test_upgrade_twice_changes_nothing_the_second_time(new_url, capsys):
    url = new_url("sqlite")
    first = {"database": url, "before": None, "now": migrations.newest()}
    assert said(capsys, "db", "upgrade", "--database", url, "--json")[1] == first
    assert said(capsys, "db", "upgrade", "--database", url, "--json")[1]["before"] == migrations.newest()


@pytest.mark.parametrize("kind", KINDS)
def test_the_tables_can_be_removed_and_made_again(kind, new_url):
    engine = database.engine(new_url(kind))
    for _ in range(2):
        assert migrations.upgrade(engine) == (None, migrations.newest())
        with database.writing(engine) as connection:
            command.downgrade(migrations.config(connection), "base")
        assert migrations.current(engine) is None


def test_verify_says_the_head_and_fails_with_the_row(new_url, capsys):
    url = new_url("sqlite")
    engine = database.engine(url)
    migrations.upgrade(engine)
    store.create(engine, from_dict(RECORD), "dr.a")
    code, told, _ = said(capsys, "audit", "verify", "--database", url, "--json")
    assert (code, told["ok"], told["rows"]) == (0, True, 1)
    assert said(capsys, "audit", "verify", "--database", url, "--json", "--head", told["head"])[0] == 0
    assert said(capsys, "audit", "verify", "--database", url, "--json", "--head", "1:" + "0" * 64)[1]["row"] == 1
    assert said(capsys, "audit", "verify", "--database", url, "--head", "soon")[0] == 2
    with database.writing(engine) as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'dr.b'")
    code, told, _ = said(capsys, "audit", "verify", "--database", url, "--json")
    assert code == 1 and told["row"] == 1 and "row 1 was edited" in told["fault"] and told["altered"] == []
    with database.writing(engine) as connection:
        connection.exec_driver_sql("UPDATE doses SET amount = 1")
    assert said(capsys, "audit", "verify", "--database", url, "--json")[1]["altered"][0].endswith("version 1 was altered")
    assert run(["audit", "verify", "--database", url]) == 1
    assert "Behind its back: patient/" in capsys.readouterr().out


def test_the_environment_says_where_the_data_lie(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("POSOLOGY_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("POSOLOGY_DATABASE", raising=False)
    assert said(capsys, "db", "upgrade", "--json")[0] == 0
    assert (tmp_path / "data" / "posology.db").is_file()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("oracle://a:secret@b/c", "'oracle' is not a known kind of database"),
        ("nonsense", "is not a database URL"),
        ("postgresql://ann:secret@127.0.0.1:1/x", "does not answer"),
        ("mariadb://ann:secret@127.0.0.1:1/x", "does not answer"),
        ("sqlite:////proc/nowhere/x.db", "cannot be made"),
    ],
)
def test_a_wrong_address_is_one_sentence_without_the_password(url, words, capsys):
    code, _, err = said(capsys, "db", "upgrade", "--database", url)
    assert code == 1 and words in err and err.count("\n") == 1 and "secret" not in err


@pytest.mark.parametrize("kind", ["mariadb", "postgresql"])
def test_a_database_that_is_not_on_the_server_is_said_so(kind, server, capsys):
    url = database.address(server(kind)).set(database="nowhere").render_as_string(hide_password=False)
    code, _, err = said(capsys, "db", "upgrade", "--database", url)
    assert code == 1 and "is not there; create it on the server first" in err


def test_a_database_without_tables_is_said_so(new_url, capsys):
    code, _, err = said(capsys, "audit", "verify", "--database", new_url("sqlite"))
    assert code == 1 and "run `posology db upgrade`" in err
