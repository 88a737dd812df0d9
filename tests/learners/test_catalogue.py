"""The catalogue of learners, and what is asked of every entry."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import is_dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from probes import Probes, Titrate  # noqa: E402

from posology.learners import catalogue  # noqa: E402
from posology.learners.deep.ppo import PPO  # noqa: E402
from posology.learners.learner import config, configure  # noqa: E402


@pytest.mark.parametrize("id", catalogue.LEARNERS)
def test_every_entry_resolves_to_a_frozen_learner_of_that_id(id):
    found = catalogue.learner(id)
    assert found.id == id
    assert is_dataclass(found)
    hash(found())


def test_reading_the_catalogue_imports_no_jax():
    code = "import sys, posology.learners.catalogue; assert 'jax' not in sys.modules"
    source = str(Path(catalogue.__file__).parents[2])
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": source})


def test_admissibility_is_decided_from_the_spec():
    discrete, continuous = catalogue.admissible(Probes().spec), catalogue.admissible(Titrate().spec)
    assert discrete["ppo"] is discrete["dqn"] is continuous["ppo"] is None
    assert continuous["dqn"] == "needs a table of doses; the dose of titrate is continuous"


def test_an_unknown_learner_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="unknown learner 'magic'; known: ppo"):
        catalogue.learner("magic")


def test_settings_are_read_from_text():
    made = configure(PPO(), {"hidden": "32,16", "bootstrap": "false", "clip": "0.1", "memory": "gru"})
    assert (made.hidden, made.bootstrap, made.clip, made.memory) == ((32, 16), False, 0.1, "gru")
    assert config(made)["hidden"] == [32, 16]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"clop": 1}, "unknown setting 'clop'; known: patients"),
        ({"epochs": "many"}, "setting epochs is 'many'; it must be int"),
        ({"discount": "1.5"}, "discount is 1.5"),
        ({"patients": "10", "minibatches": "3"}, "multiple"),
        ({"memory": "lstm"}, "allowed: none, window, gru"),
    ],
)
def test_impossible_settings_are_answered_with_a_sentence(changes, says):
    with pytest.raises(ValueError, match=says):
        configure(PPO(), changes)
