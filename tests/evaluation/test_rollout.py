"""Playing an arm: who plays along with a patient, and in how many parts, changes nothing for him."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from posology.environments.catalogue import treatment
from posology.environments.protocol import TreatmentEnvironment
from posology.evaluation import rollout
from posology.evaluation.arms import Arm, guideline

KEY = jax.random.key(23)
PATIENTS = 40


@pytest.fixture(scope="module")
def label():
    env = TreatmentEnvironment(treatment("paclitaxel-label-v1"))
    return env, guideline("standard", env), env.draw(KEY, PATIENTS)


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def together(label, told):
    env, arm, patients = label
    return rollout.play(env, arm, patients, KEY, told.append)


def test_the_size_of_a_chunk_changes_no_patient(label, together, monkeypatch):
    env, arm, patients = label
    monkeypatch.setattr(rollout, "CHUNK", 24)
    late = int(together.alive[:, env.treatment.doses].sum())
    monkeypatch.setattr(rollout, "FEW", late)
    assert 0 < late < 24
    apart = rollout.play(env, arm, patients, KEY)
    for name, a, b in zip(apart._fields, apart, together, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6, err_msg=name)


def test_delayed_courses_go_on_after_the_planned_visits_and_others_do_not(label, together):
    env, doses = label[0], label[0].treatment.doses
    assert env.spec.max_steps > doses
    late = together.alive[:, doses:].any(axis=1)
    assert late.any() and not late.all()
    assert (together.given.sum(axis=1) <= doses).all()
    assert (together.given.sum(axis=1)[~late] == doses).all()
    nothing = ~together.alive
    assert np.isnan(together.lowest[nothing]).all() and not together.reward[nothing].any()


def test_progress_counts_courses_that_are_over_up_to_all_of_them(together, told):
    assert told == sorted(told) and told[-1] == PATIENTS and told[0] < PATIENTS


def test_an_arm_remembers_between_the_parts_of_a_course(label, together):
    """It gives as many mg/m2 as it was asked before; a delay where nothing may be given."""
    env, arm, patients = label

    def choose(env, key, state, o, mask, patient, asked):
        chosen, _ = arm.choose(env, key, state, o, mask, patient, ())
        return chosen._replace(amount=jax.numpy.where(chosen.amount > 0, 100.0 + asked, 0.0)), asked + 1

    counting = rollout.play(env, Arm("counting", choose, lambda: jax.numpy.int32(0)), patients, KEY)
    visit = np.broadcast_to(np.arange(counting.alive.shape[1]), counting.alive.shape)
    np.testing.assert_array_equal(counting.dose[counting.given], 100.0 + visit[counting.given])
    assert counting.given[:, env.treatment.doses :].any()
