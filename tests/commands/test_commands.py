"""Listing and describing answer at once, in the shapes that other programs read, and fail with a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest
import typer

from posology import commands
from posology.benchmarks import checks
from posology.commands import errors, run
from posology.commands.listing import CATALOGUES, Family
from posology.patients.catalogue import MAPS, MODELS
from posology.quantities import replace

HEAVY = ("jax", "gymnasium", "polars", "sklearn", "sqlalchemy", "alembic", "fastapi")


@pytest.fixture
def fakes(monkeypatch):
    """Small catalogues of learners and estimators, so that these tests need no learner."""
    for family, entries in (
        (Family.learners, {"fake-learner": SimpleNamespace(title="A fake learner", target="posology.quantities:table")}),
        (Family.estimators, {"fake-estimator": "posology.quantities:table"}),
    ):
        module = ModuleType(f"fake_{family.value}")
        module.ENTRIES = entries
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(CATALOGUES, family, (module.__name__, "ENTRIES"))


def shown(capsys, *arguments):
    assert run(list(arguments)) == errors.GOOD
    return capsys.readouterr().out


def refused(capsys, code, *arguments):
    assert run(list(arguments)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize(
    "line",
    ["['--help']", "['list', 'models', '--json']", "['list', 'treatments']", "['list', 'learners', '--for', 'icu-sepsis-v1']"],
)
def test_help_and_list_import_nothing_heavy(line):
    program = f"import sys; from posology.commands import run; code = run({line}); " + (
        f"print('heavy:', [m for m in {HEAVY!r} if m in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("heavy: []")


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_every_command_has_help_and_prints_json(name, capsys):
    text = shown(capsys, name, "--help")
    assert "Usage: posology" in text
    made = commands.load(name)
    verbs = getattr(made, "commands", {name: made})
    for verb, command in verbs.items():
        assert command.help, f"{name} {verb} says nothing about itself"
        assert any("--json" in p.opts for p in command.params), f"{name} {verb} has no --json"


def test_version_is_printed(capsys):
    assert shown(capsys, "--version").startswith("posology ")


def test_no_command_shows_the_help(capsys):
    assert "describe" in shown(capsys)


def test_list_models_has_the_keys_that_other_programs_read(capsys):
    rows = json.loads(shown(capsys, "list", "models", "--json"))
    assert [r["id"] for r in rows] == [*MODELS, *MAPS]
    for row in rows:
        assert {"id", "title", "class", "status", "states", "parameters", "readings"} <= set(row)
        assert row["status"] in ("verified", "unverified", "assumed")
        assert row["states"]
        assert row["readings"]
        for p in row["parameters"]:
            assert set(p) == {"symbol", "value", "unit", "status", "source"}
            assert p["source"], f"{row['id']}.{p['symbol']} has no source"


def test_a_published_problem_is_described_with_its_numbers_and_what_is_known(capsys):
    told = json.loads(shown(capsys, "describe", "hiv-sti-v1", "--json"))
    assert told["known"]["both"] == 6677898.6
    assert {n["symbol"]: n["value"] for n in told["parameters"]}["delta"] == 0.7
    assert all(n["unit"] and n["status"] and n["source"] for n in told["parameters"])
    assert "never a treatment" in shown(capsys, "describe", "hiv-sti-v1")
    assert json.loads(shown(capsys, "describe", "icu-sepsis-v1", "--json"))["parameters"] == []


def test_learners_are_listed_with_why_they_cannot_learn_a_problem(capsys):
    rows = {r["id"]: r for r in json.loads(shown(capsys, "list", "learners", "--for", "icu-sepsis-v1", "--json"))}
    assert rows["policy-iteration"]["learns"] and rows["policy-iteration"]["why_not"] is None
    assert rows["ddpg"]["why_not"] == "needs a continuous dose; icu-sepsis-v1 has a table of 25 doses"
    assert "yes" in shown(capsys, "list", "learners", "--for", "four-state-chemo-v1")
    assert "unknown treatment 'moon'" in refused(capsys, 2, "list", "learners", "--for", "moon")
    assert "--for goes with learners" in refused(capsys, 2, "list", "models", "--for", "icu-sepsis-v1")


def test_list_learners_and_estimators_give_id_and_title(fakes, capsys):
    assert json.loads(shown(capsys, "list", "learners", "--json")) == [{"id": "fake-learner", "title": "A fake learner"}]
    assert json.loads(shown(capsys, "list", "estimators", "--json"))[0]["title"] == "fake-estimator"


def test_a_person_sees_the_models_as_a_table(capsys):
    text = shown(capsys, "list", "models")
    assert all(model_id in text for model_id in MODELS)


@pytest.mark.parametrize("model_id", MODELS)
def test_describe_gives_every_number_of_a_model_with_its_source(model_id, fakes, capsys):
    told = json.loads(shown(capsys, "describe", model_id, "--json"))
    model = MODELS[model_id]
    assert [p["symbol"] for p in told["parameters"]] == list(model.Params._fields)
    assert [p["name"] for p in told["individual"]] == list(model.own._fields)
    assert [r["name"] for r in told["readings"]] == list(model.reading_units)
    assert len(told["equations"].splitlines()) > 3
    for p in told["parameters"]:
        assert {"value", "unit", "meaning", "variance", "occasion_variance", "source", "status"} <= set(p)
    text = shown(capsys, "describe", model_id)
    assert told["equations"].splitlines()[0] in text
    assert all(p["symbol"] in text for p in told["parameters"])
    assert f"credibility class: {model.credibility}" in text


@pytest.mark.parametrize("model_id", [i for i, m in MODELS.items() if "gamma" in m.own._fields])
def test_describe_shows_where_the_feedback_is_cut_off(model_id, capsys):
    """The number that is shown is the one that acts: below that share of c0 dividing cells grow no faster."""
    told = {b["symbol"]: b for b in json.loads(shown(capsys, "describe", model_id, "--json"))["bounds"]}["least"]
    assert told["status"] == "assumed" and "design choice" in told["source"]
    assert "stops rising" in shown(capsys, "describe", model_id)
    model = MODELS[model_id]
    p, start = checks.patient(model, {"covariates": {c.name: c.default for c in model.covariates if c.default is not None}})
    count = next(name for name in ("circ", "neutrophils", "white") if name in model.State._fields)
    growth = [model.rates(0.0, replace(start, **{count: p.c0 * told["value"] * k}), p, 0.0).prol for k in (1.5, 1.0, 0.1)]
    assert growth[0] < growth[1] == growth[2]


def test_a_model_that_the_catalogue_does_not_rank_says_so(capsys):
    classes = {row["id"]: row["class"] for row in json.loads(shown(capsys, "list", "models", "--json"))}
    assert classes["phenobarbital-grasela1985"] == "not ranked" and classes["nab-paclitaxel-chen2014"] == "A"
    assert "not ranked" in shown(capsys, "list", "models")


def test_describe_gives_a_treatment_its_question_actions_terms_costs_and_limits(fakes, capsys):
    from posology.environments.catalogue import TREATMENTS

    for treatment_id, treatment in TREATMENTS.items():
        told = json.loads(shown(capsys, "describe", treatment_id, "--json"))
        assert told["question"]
        assert [a["label"] for a in told["actions"]] == [a.label for a in treatment.actions]
        assert [t["name"] for t in told["terms"]] == [t.name for t in treatment.terms]
        assert [c["name"] for c in told["costs"]] == [c.name for c in treatment.costs]
        assert len(told["limits"]) == len(treatment.limits)
        assert told["not_for"]
        text = shown(capsys, "describe", treatment_id)
        assert all(b in text for b in treatment.baselines)


def test_describe_shows_the_page_of_a_learner(fakes, capsys):
    assert "parameter tables" in shown(capsys, "describe", "fake-learner")


def test_an_unknown_id_is_a_usage_error_that_lists_the_known_ids(fakes, capsys):
    said = refused(capsys, errors.USAGE, "describe", "no-such-model")
    assert "no-such-model" in said
    assert all(model_id in said for model_id in MODELS)


def test_describe_shows_every_learner_with_its_settings(capsys):
    for row in json.loads(shown(capsys, "list", "learners", "--json")):
        told = json.loads(shown(capsys, "describe", row["id"], "--json"))
        assert told["title"] == row["title"]
        assert told["settings"], f"{row['id']} has no settings"
        assert told["page"]


@pytest.mark.parametrize("line", [["no-such-command"], ["list", "no-such-family"], ["list", "--no-such-option"], ["list"]])
def test_wrong_usage_exits_2_with_one_sentence(line, capsys):
    refused(capsys, errors.USAGE, *line)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("weight is -3 kg;\n allowed: above 0"), "weight is -3 kg; allowed: above 0"),
        (FileNotFoundError(2, "No such file or directory", "p.json"), "No such file or directory: p.json"),
        (KeyboardInterrupt(), "stopped by the keyboard"),
        (ModuleNotFoundError("No module named 'blackjax'", name="blackjax"), "blackjax"),
        (ZeroDivisionError("division by zero"), "unexpected ZeroDivisionError"),
    ],
)
def test_every_failure_of_a_command_is_one_sentence_and_exit_1(error, words, monkeypatch, capsys):
    def breaks() -> None:
        raise error

    monkeypatch.delenv("POSOLOGY_TRACEBACK", raising=False)
    monkeypatch.setattr(commands, "load", lambda name: made)
    app = typer.Typer(add_completion=False)
    app.command("list")(breaks)
    made = typer.main.get_command(app)
    assert words in refused(capsys, errors.COULD_NOT, "list")


def test_an_arm_is_described_by_what_it_is_also_where_its_run_folder_is_not():
    from posology.commands.trial import about
    from posology.environments.catalogue import TREATMENTS

    arms = about(TREATMENTS["paclitaxel-cycles-v1"], ["standard", "fixed:150", "ppo", "dqn=runs/none"], None, "").arms
    assert [arms[a] for a in ("fixed:150", "ppo", "dqn")] == ["the same dose each time", *["a learned policy"] * 2]
    assert "standard of care" in arms["standard"]
