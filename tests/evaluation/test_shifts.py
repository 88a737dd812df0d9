"""Judging on the patients of another model: the policy sees what it was trained to see."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from posology.environments.catalogue import treatment
from posology.environments.protocol import TreatmentEnvironment
from posology.evaluation.arms import guideline
from posology.evaluation.rollout import play
from posology.evaluation.shifts import SHIFTS, judged, shifted

KEY = jax.random.key(17)
STRUCTURES = [
    ("paclitaxel-cycles-v1", "nab-paclitaxel-structure", 1.3),
    ("nab-paclitaxel-cycles-v1", "paclitaxel-structure", 1 / 1.3),
]


@pytest.mark.parametrize(("name", "shift", "per_mg"), STRUCTURES)
def test_the_patients_of_another_model_are_observed_as_the_trained_ones(name, shift, per_mg):
    own, env = TreatmentEnvironment(treatment(name)), judged(treatment(name), shift)
    assert (env.spec, env.fingerprint) == (own.spec, own.fingerprint)
    assert env.model.id == SHIFTS[shift].of.model.id != own.model.id
    patients = env.draw(KEY, 40)
    _, observation, _ = jax.jit(jax.vmap(lambda p: env.reset(KEY, p)))(patients)
    _, expected, _ = jax.jit(jax.vmap(lambda p: own.reset(KEY, p)))(own.draw(KEY, 40))
    known = [i for i, f in enumerate(env.spec.observation) if f.name.endswith("known")]
    np.testing.assert_array_equal(observation[:, known], expected[:, known])
    for covariate in env.model.covariates:
        assert np.std(np.asarray(patients.covariates[covariate.name])) > 0, covariate.name


@pytest.mark.parametrize(("name", "shift", "per_mg"), STRUCTURES)
def test_the_body_gets_the_dose_in_the_other_drugs_scale_and_the_history_as_named(name, shift, per_mg):
    env = judged(treatment(name), shift)
    entry, other = env.model.entries[env.model.entry], SHIFTS[shift].of.model
    assert entry.per_mg == pytest.approx(per_mg * other.entries[other.entry].per_mg)
    assert env.infusion == SHIFTS[shift].of.standard.duration
    assert env.duration == treatment(name).standard.duration != env.infusion
    patient = jax.tree.map(lambda v: v[0], env.draw(KEY, 1))
    assert float(env.recorded(100.0, patient)) == pytest.approx(100 * float(patient.covariates["bsa"]))


@pytest.mark.slow
def test_patients_of_chen_stand_paclitaxel_better_than_those_of_henrich():
    """Cumulative neutropenia belongs to Henrich's stem cells; a plain marrow recovers each cycle."""
    t = treatment("paclitaxel-cycles-v1")
    grade4 = {}
    for name, env in (("own", TreatmentEnvironment(t)), ("other", judged(t, "nab-paclitaxel-structure"))):
        lowest = play(env, guideline("standard", env), env.draw(KEY, 100), KEY).lowest
        assert np.isfinite(lowest).all()
        grade4[name] = (lowest < 0.5).mean(axis=0)
    print("share in grade 4 by cycle:", {k: np.round(v, 2) for k, v in grade4.items()})
    assert grade4["own"][5] > grade4["own"][0] + 0.2
    assert abs(grade4["other"][5] - grade4["other"][0]) < 0.1
    assert grade4["other"][5] < grade4["own"][5]


@pytest.mark.parametrize(
    ("name", "shift", "why"),
    [
        ("docetaxel-cycles-v1", "nab-paclitaxel-structure", "patients of paclitaxel-henrich2017, not of docetaxel"),
        ("phenobarbital-maintenance-v1", "slope-plus-30", "does not have"),
        ("paclitaxel-cycles-v1", "no-such-shift", "known: slope-plus-30"),
    ],
)
def test_a_shift_that_does_not_fit_is_refused_in_a_sentence(name, shift, why):
    with pytest.raises(ValueError, match=why):
        judged(treatment(name), shift)


def test_numbers_are_changed_where_the_shift_says_and_nowhere_else():
    model = treatment("docetaxel-cycles-v1").model
    changed = shifted(model, "slope-plus-30")
    assert changed.Params().sl == pytest.approx(1.3 * model.Params().sl)
    assert changed.Params()._replace(sl=0) == model.Params()._replace(sl=0)
    wider = shifted(model, "variability-times-1.5")
    assert wider.random_effects["mtt"] == pytest.approx(1.5 * model.random_effects["mtt"])
