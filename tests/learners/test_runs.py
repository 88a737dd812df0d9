"""Runs on disk: killed, resumed, loaded, damaged."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

sys.path.insert(0, str(Path(__file__).parent))
from probes import Probes, Titrate  # noqa: E402
from train_probe import LEARNER  # noqa: E402

from posology.benchmarks import kills  # noqa: E402
from posology.learners.loops import train, train_seeds  # noqa: E402
from posology.policies import storage  # noqa: E402

HERE = Path(__file__).parent
SETTINGS = {"updates": 4, "chunk": 2, "pool": 16, "held_out": 16}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "probe"
    events = []
    result = train(Probes(4), LEARNER, out, seed=1, evaluate_every=1, report=events.append, **SETTINGS)
    return out, result, events


def copy(run, tmp_path):
    return Path(shutil.copytree(run[0], tmp_path / "copy"))


def test_a_run_killed_three_times_ends_in_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(HERE.parents[1] / "src"))
    probe = lambda out, pause: [sys.executable, str(HERE / "train_probe.py"), str(out), str(pause)]  # noqa: E731
    start = lambda out, pause: kills.started(probe(out, pause), tmp_path / "cache")  # noqa: E731
    found = kills.trial_of_kills(start, tmp_path, kills=3)
    assert found["kills"] == 3
    assert found["resumed"] >= 1
    assert found["never_complete"]
    assert found["identical"] == dict.fromkeys(kills.FILES, True)


def test_kills_that_changed_a_run_would_be_seen(tmp_path):
    """The comparison itself: an undisturbed run and one of another seed differ."""
    write = "import pathlib, sys; out = pathlib.Path(sys.argv[1]); out.mkdir(); print('progress')\n"
    write += f"for name in {kills.FILES!r}: (out / name).write_text(name + out.name * (name == 'CARD.md'))"

    def start(out, pause):
        code = write if out.name == "whole" or not pause else "print('progress\\n' * 9, flush=True); input()"
        return kills.started([sys.executable, "-c", code, str(out)], tmp_path / "cache")

    found = kills.trial_of_kills(start, tmp_path, kills=1)
    assert found["identical"] == {"policy.safetensors": True, "CARD.md": False, "policy.json": True}
    assert found["resumed"] == 0


def test_a_run_says_where_it_comes_from(run):
    out, result, events = run
    assert sorted(p.name for p in out.iterdir()) == ["CARD.md", "evaluation.json", "policy.json", "policy.safetensors"]
    record = json.loads((out / "policy.json").read_text())
    assert record["treatment"] == "probes"
    assert record["fingerprint"] == storage.spec_hash(Probes().spec)
    assert record["config"]["capacity"] == 256
    assert record["seeds"]["training"] == 1
    assert record["spec"]["observation"] == [{"name": "cue", "unit": "1"}]
    assert "jax" in record["versions"]
    assert result["samples"] == 4 * 8
    assert result["lower"] <= result["return_mean"] <= result["upper"]
    assert [e["updates"] for e in events if e["event"] == "progress"] == [2, 4]
    assert len(json.loads((out / "evaluation.json").read_text())["history"]) == 2


def test_a_loaded_policy_doses_as_the_learned_one(run):
    stored = storage.load_policy(run[0])
    learned = LEARNER.policy(stored.arrays, Probes().spec)
    for cue in (-1.0, 0.0, 1.0):
        arguments = jax.random.key(0), jnp.array([cue]), jnp.ones(2, bool), ()
        assert stored.policy.act(*arguments)[0] == learned.act(*arguments)[0]


def test_a_finished_run_is_returned_not_repeated(run):
    again = train(Probes(4), LEARNER, run[0], seed=1, **SETTINGS)
    assert again == run[1]


def test_seeds_share_one_compilation_and_end_where_each_would_alone(run, tmp_path):
    events = []
    found = train_seeds(Probes(4), LEARNER, tmp_path / "several", 2, report=events.append, **SETTINGS)
    compiled = [e["seconds"] for e in events if e["event"] == "compiled"]
    assert len(compiled) == 2 and compiled[0] > 0 and compiled[1] == 0
    alone, shared = (load_file(folder / "policy.safetensors") for folder in (run[0], tmp_path / "several" / "seed-1"))
    for name, array in alone.items():
        np.testing.assert_array_equal(shared[name], array)
    assert found[1]["return_mean"] == run[1]["return_mean"]
    assert train_seeds(Probes(4), LEARNER, tmp_path / "several", 2, **SETTINGS) == found


def test_another_seed_does_not_overwrite_a_run(run):
    with pytest.raises(ValueError, match="has seed 1, not 2"):
        train(Probes(4), LEARNER, run[0], seed=2, **SETTINGS)


def test_a_policy_for_another_treatment_needs_shift(run):
    with pytest.raises(ValueError, match="--shift"):
        storage.load_policy(run[0], fingerprint="other")
    assert storage.load_policy(run[0], fingerprint="other", shift=True).record["treatment"] == "probes"


def change(folder, **changes):
    record = json.loads((folder / "policy.json").read_text())
    (folder / "policy.json").write_text(json.dumps({**record, **changes}))


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda f: change(f, format=99), "newer"),
        (lambda f: change(f, form={"kind": "network", "inputs": 1}), "policy.json is damaged: its form cannot be read .*fields"),
        (lambda f: change(f, form={"kind": "magic"}), "its form cannot be read .*'magic'; this version knows network, table"),
        (lambda f: change(f, form=5), "policy.json is damaged: its form cannot be read"),
        (lambda f: change(f, spec=5), "policy.json is damaged: its spec has no lists"),
        (lambda f: change(f, spec={"actions": []}), "policy.json is damaged: its spec has no lists"),
        (lambda f: change(f, spec={"observation": [], "actions": []}), "its form does not fit its spec"),
        (lambda f: change(f, belief="many"), "its belief is 'many'; it must be a whole number"),
        (lambda f: (f / "policy.json").unlink(), "policy.json is missing"),
        (lambda f: (f / "policy.json").write_text("{"), "not JSON"),
        (lambda f: (f / "policy.safetensors").unlink(), "policy.safetensors is missing"),
        (lambda f: (f / "policy.safetensors").write_bytes((f / "policy.safetensors").read_bytes()[:-4]), "damaged"),
        (lambda f: shutil.rmtree(f), "there is no run"),
    ],
)
def test_a_damaged_or_newer_run_is_refused_with_a_sentence(run, tmp_path, harm, says):
    folder = copy(run, tmp_path)
    harm(folder)
    with pytest.raises(ValueError, match=says) as refusal:
        storage.load_policy(folder)
    assert "\n" not in str(refusal.value)


def test_a_run_of_format_1_which_knew_networks_only_is_read(run, tmp_path):
    folder = copy(run, tmp_path)
    record = json.loads((folder / "policy.json").read_text())
    network = {name: v for name, v in record.pop("form").items() if name not in ("kind", "states")}
    (folder / "policy.json").write_text(json.dumps({**record, "format": 1, "network": network}))
    assert storage.load_policy(folder).record["form"] == {"kind": "network", **network}


def test_an_array_of_wrong_shape_is_named(run, tmp_path):
    import hashlib

    folder = copy(run, tmp_path)
    arrays = load_file(folder / "policy.safetensors")
    save_file({**arrays, "head.w": np.zeros((3, 2), np.float32)}, folder / "policy.safetensors")
    change(folder, arrays_sha256=hashlib.sha256((folder / "policy.safetensors").read_bytes()).hexdigest())
    with pytest.raises(ValueError, match=r"'head.w' is float32\[3, 2\], not float32\[8, 2\]"):
        storage.load_policy(folder)


def test_a_checkpoint_of_another_learner_or_a_cut_one_is_refused(tmp_path):
    state = {"key": jax.random.key(3), "x": jnp.arange(3.0), "n": jnp.int32(4)}
    storage.save_checkpoint(tmp_path, state, {"updates": 1})
    back, progress = storage.load_checkpoint(tmp_path, state)
    assert progress["updates"] == 1
    np.testing.assert_array_equal(jax.random.key_data(back["key"]), jax.random.key_data(state["key"]))
    assert back["n"].shape == ()
    with pytest.raises(ValueError, match="does not fit"):
        storage.load_checkpoint(tmp_path, {**state, "x": jnp.arange(4.0)})
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(ValueError, match="damaged"):
        storage.load_checkpoint(tmp_path, state)


def test_an_unfinished_run_resumes_only_with_its_own_settings(run, tmp_path):
    identity = json.loads((run[0] / "policy.json").read_text())
    storage.save_checkpoint(storage.partial_folder(tmp_path / "x"), {"a": jnp.zeros(1)}, {"identity": identity})
    with pytest.raises(ValueError, match="unfinished run .* has seed 1, not 5"):
        train(Probes(4), LEARNER, tmp_path / "x", seed=5, **SETTINGS)


def test_a_budget_of_no_seconds_still_leaves_a_run(tmp_path):
    result = train(Probes(4), LEARNER, tmp_path / "none", seconds=0.0, **SETTINGS)
    assert result["updates"] == 0
    assert (tmp_path / "none" / "policy.json").exists()


def test_impossible_settings_are_named():
    with pytest.raises(ValueError, match="updates is 0"):
        train(Probes(), LEARNER, "nowhere", updates=0)
    with pytest.raises(ValueError, match="continuous dose"):
        LEARNER.form(Titrate().spec)
