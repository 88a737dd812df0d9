"""The project's own files agree with each other."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import tomllib
from pathlib import Path

from posology.commands import COMMANDS
from posology.evaluation.catalogue import ESTIMATORS

ROOT = Path(__file__).resolve().parents[1]
TARGETS = ("install", "demo", "test", "lint", "docs")
HELPERS = {"__init__", "benchmark_clinic", "errors", "output", "progress"}  # files of `commands` that are not verbs


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_make_alone_lists_every_target():
    outside = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}  # the tests themselves may run under make
    done = subprocess.run(["make", "-C", str(ROOT)], capture_output=True, text=True, check=True, env=outside)
    listed = re.findall(r"^ +make ([a-z]+) ", done.stdout, flags=re.MULTILINE)
    assert set(TARGETS) <= set(listed)


def test_one_version_everywhere():
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert f"version: {version}" in read("CITATION.cff")
    assert f"## {version}" in read("CHANGELOG.md")


def test_constraints_pin_versions_and_name_no_address():
    lines = [line for line in read("constraints.txt").splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9A-Za-z.!+]+", line) for line in lines)


def test_readme_keeps_a_place_for_the_results_and_says_what_it_is_not():
    text = read("README.md")
    assert text.index("<!-- results:begin -->") < text.index("<!-- results:end -->")
    assert "Research use only" in text
    assert "not related to the R package" in text


def test_every_file_of_commands_is_a_verb_and_every_verb_has_its_file():
    named = {target.split(":")[0].rsplit(".", 1)[1] for target in COMMANDS.values()}
    files = {path.stem for path in (ROOT / "src/posology/commands").glob("*.py")} - HELPERS
    assert named == files


def test_every_estimator_resolves():
    for target in ESTIMATORS.values():
        module, name = target.split(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_every_file_of_off_policy_estimators_stands_in_the_catalogue():
    files = {path.stem for path in (ROOT / "src/posology/evaluation/off_policy").glob("*.py")} - {"__init__"}
    assert files == {target.split(":")[0].rsplit(".", 1)[1] for target in ESTIMATORS.values()}


def test_the_check_of_everything_can_be_run_and_requires_everything():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "POSOLOGY_REQUIRE_ALL=1" in script.read_text(encoding="utf-8")
    subprocess.run(["bash", "-n", str(script)], check=True)
