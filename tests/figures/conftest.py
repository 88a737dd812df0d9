"""A small made-up trial that every figure and the report draw."""

from __future__ import annotations

import numpy as np
import pytest

from posology.evaluation.endpoints import Outcome
from posology.evaluation.table import trial_table


def arm(level, seeds=1, spread=0.6):
    """An arm of 60 patients whose nadirs lie around `level`."""
    generator = np.random.default_rng(0)
    nadir = level * np.exp(spread * generator.normal(size=(1, 60, 6)) + 0.05 * generator.normal(size=(seeds, 1, 1)))
    days = np.arange(0.0, 127.0, 7.0)
    return Outcome(
        nadir,
        np.full(nadir.shape, 150.0),
        np.ones(nadir.shape, bool),
        -np.abs(np.log(nadir)).sum(-1),
        anc_days=days,
        anc=np.array([[0.4], [0.8], [1.0], [2.0], [4.0]]) * (1 + days / 126),
        bound={"label maximum": 5},
        planned_dose=1200.0,
    )


@pytest.fixture(scope="session")
def make_table():
    """arms name -> Outcome -> the trial's table."""
    return lambda arms: trial_table(
        arms, "paclitaxel-cycles-v1", "abc", 7, subgroups={"first half": np.arange(60) < 30}, draws=300
    )


@pytest.fixture(scope="session")
def make_arm():
    """level, seeds, spread -> an arm."""
    return arm


@pytest.fixture(scope="session")
def table(make_table):
    """Four arms: the standard is too high a dose, two are near the target, the oracle is on it."""
    return make_table(
        {"standard": arm(0.5), "clinical-rule": arm(0.7), "runs/ppo": arm(1.0, 3), "oracle": arm(1.0, 1, 0.2)}
    )
