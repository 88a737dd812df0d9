"""Problems so small that a learner's exact answer is known, each isolating one ability.

All live in one environment, told apart by the patient's `kind`, so that one compiled learner
meets them all. Two doses; the observation is one number; discount 0.5 per decision.

    0  one step, reward 1                                        value 1
    1  one step, reward = random observation (±1)                value = observation
    2  two steps, reward 1 at the second (observed 1)            value 0.5 at the first, 1 at the second
    3  one step, reward = action                                 dose 1, value 1
    4  one step, reward = 1 if the action matches the observation's sign, else −1

    5  reward 1 at each step, always the same observation, end of study after two
                                                                 value 1 / (1 − 0.5) = 2

In kinds 0-4 the end is a death: worth nothing. In kind 5 it only ends the study.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.spec import Action, Feature, Spec, Step


class Person(NamedTuple):
    kind: Any
    id: Any


class Now(NamedTuple):
    kind: Any
    t: Any
    cue: Any


def _doses(n: int) -> tuple[Action, ...]:
    return tuple(Action(f"{i} mg", float(i), "mg") for i in range(n))


@dataclass(frozen=True)
class Probes:
    """The six problems."""

    kind: int = 0
    spec: Spec = Spec("probes", (Feature("cue", "1"),), _doses(2), ("reward",), (1.0,), max_steps=2, horizon_days=2.0)

    def draw(self, key: Any, n: int) -> Person:
        return Person(jnp.full(n, self.kind, jnp.int32), jnp.arange(n, dtype=jnp.int32))

    def reset(self, key: Any, patient: Person) -> tuple[Any, Any, Any]:
        sign = jnp.where(jax.random.bernoulli(jax.random.fold_in(key, patient.id)), 1.0, -1.0)
        cue = jnp.where((patient.kind == 1) | (patient.kind == 4), sign, 0.0)
        return Now(patient.kind, jnp.int32(0), cue), cue[None], jnp.ones(2, bool)

    def step(self, key: Any, state: Now, action: Any, patient: Person) -> Step:
        right = jnp.where((action == 1) == (state.cue > 0), 1.0, -1.0)
        second = state.t.astype(jnp.float32)
        reward = jnp.stack([jnp.float32(1), state.cue, second, action.astype(jnp.float32), right, jnp.float32(1)])
        reward = reward[state.kind]
        study = state.kind == 5
        ended = (state.t == 1) | ((state.kind != 2) & ~study)
        after = Now(state.kind, state.t + 1, jnp.where(study, 0.0, 1.0))
        return Step(
            after, after.cue[None], reward, reward[None], jnp.zeros(0), ended & ~study, ended & study, jnp.ones(2, bool)
        )


@dataclass(frozen=True)
class Recall:
    """The cue (±1) is in the first observation only; the third dose must match it.

    With memory the best return is 1, without it 0 on average.
    """

    steps: int = 3
    spec: Spec = Spec(
        "recall", (Feature("cue", "1"), Feature("time", "1")), _doses(2), ("reward",), (1.0,), max_steps=3
    )

    def draw(self, key: Any, n: int) -> Person:
        return Person(jnp.zeros(n, jnp.int32), jnp.arange(n, dtype=jnp.int32))

    def reset(self, key: Any, patient: Person) -> tuple[Any, Any, Any]:
        cue = jnp.where(jax.random.bernoulli(jax.random.fold_in(key, patient.id)), 1.0, -1.0)
        return Now(patient.kind, jnp.int32(0), cue), jnp.stack([cue, jnp.float32(0)]), jnp.ones(2, bool)

    def step(self, key: Any, state: Now, action: Any, patient: Person) -> Step:
        right = jnp.where((action == 1) == (state.cue > 0), 1.0, -1.0)
        t = state.t + 1
        ended = t == self.steps
        reward = jnp.where(ended, right, 0.0)
        seen = jnp.stack([jnp.float32(0), t.astype(jnp.float32)])
        none = jnp.bool_(False)
        return Step(
            Now(state.kind, t, state.cue), seen, reward, reward[None], jnp.zeros(0), ended, none, jnp.ones(2, bool)
        )


@dataclass(frozen=True)
class Masked:
    """Three doses; the best (2) is never allowed, 0 only at the first step; costs count forbidden ones."""

    spec: Spec = Spec(
        "masked", (Feature("time", "1"),), _doses(3), ("reward",), (1.0,), ("forbidden",), (0.0,), max_steps=4
    )

    def draw(self, key: Any, n: int) -> Person:
        return Person(jnp.zeros(n, jnp.int32), jnp.arange(n, dtype=jnp.int32))

    def reset(self, key: Any, patient: Person) -> tuple[Any, Any, Any]:
        return Now(patient.kind, jnp.int32(0), jnp.float32(0)), jnp.zeros(1), self.allowed(jnp.int32(0))

    def allowed(self, t: Any) -> Any:
        return jnp.stack([t == 0, jnp.bool_(True), jnp.bool_(False)])

    def step(self, key: Any, state: Now, action: Any, patient: Person) -> Step:
        cost = (~self.allowed(state.t)[action]).astype(jnp.float32)
        t = state.t + 1
        reward = action.astype(jnp.float32)
        now, none = Now(state.kind, t, jnp.float32(0)), jnp.bool_(False)
        seen = t.astype(jnp.float32)[None]
        return Step(now, seen, reward, reward[None], cost[None], none, t == 4, self.allowed(t))


@dataclass(frozen=True)
class Titrate:
    """One continuous dose in [0, 10] mg; the right one is 2 or 7 mg, told by the observation."""

    spec: Spec = Spec(
        "titrate", (Feature("cue", "1"),), (), ("reward",), (1.0,), max_steps=1, low=0.0, high=10.0, action_unit="mg",
        differentiable=True,
    )  # fmt: skip

    def draw(self, key: Any, n: int) -> Person:
        return Person(jnp.zeros(n, jnp.int32), jnp.arange(n, dtype=jnp.int32))

    def reset(self, key: Any, patient: Person) -> tuple[Any, Any, Any]:
        cue = jnp.where(jax.random.bernoulli(jax.random.fold_in(key, patient.id)), 1.0, -1.0)
        return Now(patient.kind, jnp.int32(0), cue), cue[None], jnp.ones(1, bool)

    def step(self, key: Any, state: Now, action: Any, patient: Person) -> Step:
        right = jnp.where(state.cue > 0, 7.0, 2.0)
        reward = -(((action - right) / 10.0) ** 2)
        ended, none = jnp.bool_(True), jnp.bool_(False)
        return Step(state, state.cue[None], reward, reward[None], jnp.zeros(0), ended, none, jnp.ones(1, bool))


# efficacy and toxicity of five doses; the last is worse than the fourth in both
EFFICACY = (0.0, 0.6, 0.85, 1.0, 0.95)
TOXICITY = (0.0, 0.1, 0.35, 0.8, 0.9)


@dataclass(frozen=True)
class Window:
    """One dose; the sign of the cue says whether the patient is well (toxicity halves)."""

    spec: Spec = Spec(
        "window", (Feature("cue", "1"),), tuple(Action(f"{i} mg", float(i), "mg") for i in range(5)),
        ("efficacy", "toxicity"), (1.0, -1.0), max_steps=1,
    )  # fmt: skip

    def draw(self, key, n):
        return Person(jnp.zeros(n, jnp.int32), jnp.arange(n, dtype=jnp.int32))

    def reset(self, key, patient):
        cue = jnp.where(jax.random.bernoulli(jax.random.fold_in(key, patient.id)), 1.0, -1.0)
        return Now(patient.kind, jnp.int32(0), cue), cue[None], jnp.ones(5, bool)

    def step(self, key, state, action, patient):
        toxic = jnp.array(TOXICITY)[action] * jnp.where(state.cue > 0, 0.5, 1.0)
        terms = jnp.stack([jnp.array(EFFICACY)[action], toxic])
        over = jnp.bool_(True)
        return Step(state, state.cue[None], terms[0] - terms[1], terms, jnp.zeros(0), over, ~over, jnp.ones(5, bool))


def begun(learner: Any, env: Any, seed: int = 0) -> Any:
    """The learner's first state, as one compiled program: operation by operation costs seconds."""
    return jax.jit(lambda key: learner.init(key, env))(jax.random.key(seed))
