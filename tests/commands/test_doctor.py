"""The doctor finds what is wrong and says how to mend it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata

import pytest

from posology.commands import doctor, errors, run
from posology.commands.doctor import Check


def test_an_old_python_is_found():
    check = doctor.python_version((3, 10, 2))
    assert not check.ok
    assert "3.11" in check.mend
    assert doctor.python_version((3, 11, 0)).ok


def test_a_missing_package_is_wrong_in_the_core_and_well_in_an_extra():
    assert not doctor.package("no-such-package", "", "").ok
    assert "no-such-package" not in doctor.package("no-such-package", "scale", "").mend
    assert doctor.package("no-such-package", "scale", "").ok


def test_another_version_than_the_tested_one_is_found():
    version = metadata.version("numpy")
    assert doctor.package("numpy", "", version).ok
    check = doctor.package("numpy", "", "0.0.1")
    assert not check.ok
    assert "numpy==0.0.1" in check.mend


def test_a_package_that_cannot_be_imported_is_found(monkeypatch):
    monkeypatch.setitem(doctor.MODULES, "numpy", "no_such_module_of_numpy")
    assert "cannot be imported" in doctor.package("numpy", "", metadata.version("numpy")).found


def test_every_requirement_is_pinned():
    pins = doctor.constraints()
    unpinned = [n for n, extra in doctor.requirements().items() if extra in ("", "clinic", "bayes", "dev") and n not in pins]
    assert unpinned == []


def test_jax_runs_in_float32_here():
    assert doctor.jax_runs().ok


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import os; os.abort()", "did not run"),
        ("raise ImportError('no libdevice')", "no libdevice"),
        ("print('{\"sum\": 14.0, \"dtype\": \"float64\"}')", "float64"),
        ("print('{\"sum\": 13.0, \"dtype\": \"float32\"}')", "13.0"),
    ],
)
def test_a_jax_that_crashes_or_computes_otherwise_is_found(program, words):
    check = doctor.jax_runs(program)
    assert not check.ok
    assert words in check.found
    assert check.mend


def test_a_folder_that_cannot_be_written_is_found_and_nothing_is_left_behind(tmp_path):
    (tmp_path / "runs").write_text("a file in the way")
    assert not doctor.writable(str(tmp_path / "runs" / "deeper")).ok
    assert doctor.writable(str(tmp_path / "new" / "folder")).ok
    assert [p.name for p in tmp_path.iterdir()] == ["runs"]


def test_a_read_only_folder_is_found():
    check = doctor.writable("/proc/posology")
    assert not check.ok


def test_something_wrong_exits_1_and_says_how_to_mend_it(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "checks", lambda: iter([Check("Python", True, "3.11"), Check("JAX", False, "gone", "bring it")]))
    assert run(["doctor"]) == errors.COULD_NOT
    assert "To mend: bring it" in capsys.readouterr().out
    assert run(["doctor", "--json"]) == errors.COULD_NOT
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert told["checks"][1] == {"name": "JAX", "ok": False, "found": "gone", "mend": "bring it"}


def test_this_installation_is_sound():
    done = subprocess.run([sys.executable, "-m", "posology", "doctor"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
