"""One policy for every preference, on a problem whose front is known."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from probes import EFFICACY, TOXICITY, Window, begun  # noqa: E402

from posology.environments.preference import PreferenceEnvironment  # noqa: E402
from posology.evaluation.pareto import hypervolume, non_dominated  # noqa: E402
from posology.learners.learner import configure  # noqa: E402
from posology.learners.loops import advance  # noqa: E402
from posology.learners.multi_objective.conditioned_ppo import ConditionedPPO  # noqa: E402
from posology.policies import forms  # noqa: E402

LEARNER = ConditionedPPO(patients=256, repeats=1, minibatches=2, entropy=0.01, hidden=(32, 32), learning_rate=3e-3, discount=1.0)


@cache
def learned():
    env = Window()
    many = jax.jit(advance(LEARNER, env))
    return many(begun(LEARNER, env), env.draw(None, 256), jnp.int32(150))[0]


def doses(preference):
    """Dose of patients who are not well and of those who are."""
    state = learned()._replace(preference=jnp.array(preference))
    policy = LEARNER.policy(LEARNER.parameters(state), Window().spec)
    return [int(policy.act(None, jnp.array([cue]), jnp.ones(5, bool), ())[0]) for cue in (-1.0, 1.0)]


def best(preference, cue):
    worth = preference[0] * np.array(EFFICACY) - preference[1] * np.array(TOXICITY) * (0.5 if cue > 0 else 1.0)
    return int(worth.argmax())


def test_each_preference_gets_its_own_best_dose():
    shares = np.linspace(0.05, 0.95, 10)
    right = [tuple(doses((w, 1 - w))) == (best((w, 1 - w), -1), best((w, 1 - w), 1)) for w in shares]
    assert np.mean(right) >= 0.8


def test_the_front_that_the_policy_draws_covers_the_true_one():
    def outcome(chosen):
        found = [(EFFICACY[d], -TOXICITY[d] * (0.5 if cue > 0 else 1.0)) for d, cue in zip(chosen, (-1, 1), strict=True)]
        return np.mean(found, axis=0)

    reference = np.array([-0.01, -1.0])
    every = np.array([outcome((a, b)) for a in range(5) for b in range(5)])
    ours = np.array([outcome(doses((w, 1 - w))) for w in np.linspace(0, 1, 21)])
    true = every[non_dominated(every)]
    assert hypervolume(ours, reference) > 0.9 * hypervolume(true, reference)
    assert non_dominated(ours).mean() > 0.5


def test_a_preference_rewards_terms_with_the_sign_of_the_treatment():
    env = PreferenceEnvironment(Window())
    patient = jax.tree.map(lambda v: v[0], env.draw(None, 1))
    state, seen, _ = env.reset(jax.random.key(1), patient)
    np.testing.assert_allclose(seen[1:], state.weights)
    assert float(state.weights.sum()) == pytest.approx(1.0)
    step = env.step(jax.random.key(1), state, 2, patient)
    assert float(step.reward) == pytest.approx(float(state.weights @ (step.terms * jnp.array([1.0, -1.0]))), rel=1e-5)
    assert [f.name for f in env.spec.observation] == ["cue", "weight of efficacy", "weight of toxicity"]


def test_preferences_are_drawn_evenly_from_the_simplex():
    env = PreferenceEnvironment(Window())
    states = jax.vmap(env.reset, (None, 0))(jax.random.key(0), env.draw(None, 4000))[0]
    np.testing.assert_allclose(np.quantile(states.weights[:, 0], [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.03)


def test_the_stored_form_holds_the_preference():
    state = learned()._replace(preference=jnp.array([0.9, 0.1]))
    form = LEARNER.form(Window().spec)
    arrays = {k: np.asarray(v) for k, v in LEARNER.parameters(state).items()}
    assert {k: v.shape for k, v in arrays.items()} == form.arrays()
    again = forms.read(forms.description(form)).policy("stored", arrays)
    assert int(again.act(None, jnp.array([1.0]), jnp.ones(5, bool), ())[0]) == doses((0.9, 0.1))[1]


def test_settings_and_mistakes():
    made = configure(ConditionedPPO(), {"objectives": "efficacy,toxicity", "preference": "3,1"})
    assert (made.objectives, made.preference) == (("efficacy", "toxicity"), (3.0, 1.0))
    np.testing.assert_allclose(made.weights(Window().spec), [0.75, 0.25])
    with pytest.raises(ValueError, match="unknown term 'joy' of window; known: efficacy, toxicity"):
        replace(made, objectives=("joy", "efficacy")).weights(Window().spec)
    with pytest.raises(ValueError, match="preference has 3 weights; the objectives are 2"):
        replace(made, preference=(1.0, 1.0, 1.0)).weights(Window().spec)
    with pytest.raises(ValueError, match="setting preference is 'much'; it must be a list of numbers"):
        configure(made, {"preference": "much"})
