"""`posology user add`: the first user of a clinic."""

from __future__ import annotations

import io
import json

import pytest

from posology.clinic import database, store
from posology.commands import run


def test_the_first_user_is_added_with_a_password_that_is_no_argument(tmp_path, monkeypatch, capsys):
    url = f"sqlite:///{tmp_path / 'x.db'}"
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    assert run(["user", "add", "ann", "--role", "admin", "--database", url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["role"] == "admin"
    engine = database.engine(url)
    assert store.log_in(engine, "ann", "correct horse battery").role == "admin"
    engine.dispose()


@pytest.mark.parametrize(
    ("typed", "role", "said"), [("short", "admin", "must have 12"), ("correct horse battery", "king", "'king'")]
)
def test_a_user_that_is_not_allowed_is_refused_with_a_sentence(tmp_path, monkeypatch, capsys, typed, role, said):
    monkeypatch.setattr("sys.stdin", io.StringIO(typed + "\n"))
    assert run(["user", "add", "ann", "--role", role, "--database", f"sqlite:///{tmp_path / 'x.db'}"]) == 1
    assert said in capsys.readouterr().err


def test_an_admin_who_is_locked_out_gets_a_new_password(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'x.db'}"
    told = {("add", "ann", "--role", "admin"): "correct horse battery", ("password", "ann"): "another made up one"}
    for arguments, typed in told.items():
        monkeypatch.setattr("sys.stdin", io.StringIO(typed + "\n"))
        assert run(["user", *arguments, "--database", url]) == 0
    engine = database.engine(url)
    assert store.log_in(engine, "ann", "another made up one").name == "ann"
    engine.dispose()
