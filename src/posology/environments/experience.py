"""An environment whose policies also see what the decision before was and what it brought.

    observation = (o_t, a_{t−1}, r_{t−1})                    Duan 2016, arXiv:1611.02779; Wang 2016, arXiv:1611.05763

The dose before is a row of the table, one number per row of which one is 1, or a share of the range with a flag that there
was one; before the first decision all are 0. The history of a treatment holds every dose as it was given, so that nothing
is added there. A reward is made of what is true of a patient and not of what is measured: it is known in simulation and
in no record, and a policy that sees it cannot dose one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.spec import Feature, Spec, Step

REWARD = "reward of the decision before"
BEFORE = "decision before"
GIVEN = "dose[-1]"  # the feature by which a history shows its latest dose


def features(spec: Spec, reward: bool) -> tuple[Feature, ...]:
    """What is added to an observation: the dose before, unless it is seen already, and the reward it brought."""
    said = (Feature(REWARD, "1"),) if reward else ()
    if any(f.name == GIVEN for f in spec.observation):
        return said
    if spec.discrete:
        return (*(Feature(f"{a.label} was the {BEFORE}", "1") for a in spec.actions), *said)
    return (Feature(f"dose of the {BEFORE}", "share of range"), Feature(f"there was a {BEFORE}", "1"), *said)


def holds(spec: Spec) -> bool:
    """Whether a spec shows the decision before, or what it brought, already."""
    return any(f.name.endswith(BEFORE) for f in spec.observation)


def spec_of(spec: Spec, reward: bool) -> Spec:
    """The spec with what is added; unchanged where it is there already."""
    return spec if holds(spec) else replace(spec, observation=(*spec.observation, *features(spec, reward)))


class ExperienceEnvironment:
    """The environment whose observation goes on with the decision before; see the module's text."""

    def __init__(self, env: Environment, reward: bool) -> None:
        self.env, self.reward, self.draw = env, reward, env.draw
        self.spec: Spec = spec_of(env.spec, reward)
        self.size = self.spec.size - env.spec.size
        self.experience = "dose and reward" if reward else "dose"
        self.fingerprint, self.belief = getattr(env, "fingerprint", None), getattr(env, "belief", 0)

    def reset(self, key: Any, patient: Any) -> tuple[Any, Any, Any]:
        """Start of an episode: there was no decision."""
        state, observation, mask = self.env.reset(key, patient)
        return state, jnp.concatenate([observation, jnp.zeros(self.size, jnp.float32)]), mask

    def step(self, key: Any, state: Any, action: Any, patient: Any) -> Step:
        """One decision, which the next observation shows."""
        step = self.env.step(key, state, action, patient)
        told = [jnp.asarray(step.reward, jnp.float32)[None]] if self.reward else []
        told = [self._dose(action), *told] if self.size > len(told) else told
        return step._replace(observation=jnp.concatenate([step.observation, *told]))

    def _dose(self, action: Any) -> Any:
        spec = self.env.spec
        if spec.discrete:
            return jax.nn.one_hot(action, len(spec.actions), dtype=jnp.float32)
        share = (jnp.asarray(action, jnp.float32) - spec.low) / (spec.high - spec.low)
        return jnp.stack([share, jnp.ones_like(share)])


def experienced(env: Environment, reward: bool) -> Environment:
    """The environment that also shows the decision before; unchanged where that adds nothing."""
    return env if spec_of(env.spec, reward) == env.spec else ExperienceEnvironment(env, reward)
