"""Planning on a learned ensemble (PETS): act by the best course that the ensemble can imagine, look, learn, plan again.

    d_t = first dose of argmax over courses of E_{member, draw}[Σ_{h<H} γʰ·r_{t+h}]         Chua 2018, arXiv:1805.12114

Doses are drawn evenly at first and planned with a share that rises as ε falls; the ensemble is fitted between the
courses. Nothing else is learned: the stored policy holds the ensemble and plans at each decision. The ensemble:
`ensemble.py`; the search: `policies/planned.py`; where we deviate: `docs/learners/ensemble-planning.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners import exploration, replay
from posology.learners.learner import at_least, in_unit_interval, policy_of
from posology.learners.model_based import ensemble
from posology.learners.model_based.ensemble import Model
from posology.learners.replay import Replay
from posology.learners.rollout import Episode, courses
from posology.policies.planned import Planned, plan


class State(NamedTuple):
    """What was lived, and what was made of it."""

    model: Model
    replay: Replay
    key: Any
    updates: Any
    decisions: Any


@dataclass(frozen=True)
class EnsemblePlanning:
    """Hyper-parameters. `horizon` decisions are looked ahead, with nothing beyond; `rounds` of `candidates` courses are
    tried for each dose, and the best `elite` form the next round; each member follows a course `draws` times."""

    id: ClassVar[str] = "ensemble-planning"

    patients: int = 16
    capacity: int = 65_536
    members: int = 5
    model_layers: tuple[int, ...] = (64, 64)
    fits: int = 256
    batch: int = 256
    model_rate: float = 1e-3
    max_gradient: float = 10.0
    horizon: int = 6
    rounds: int = 4
    candidates: int = 48
    elite: int = 8
    draws: int = 1
    discount: float = 0.99
    bootstrap: bool = True
    explore_over: int = 4
    explore_from: float = 1.0
    explore_to: float = 0.05

    def __post_init__(self) -> None:
        at_least(self, patients=1, capacity=1, members=1, fits=1, batch=1, model_rate=0, horizon=1, rounds=1)
        at_least(self, candidates=1, elite=1, draws=1, explore_over=1)
        in_unit_interval(self, "discount", "explore_from", "explore_to")
        if self.candidates < self.elite:
            raise ValueError(f"candidates is {self.candidates}; it must be at least elite, {self.elite}")

    policy = policy_of

    def form(self, spec: Spec) -> Planned:
        """The ensemble and how it is searched."""
        return Planned(
            spec.size, len(spec.actions), self.members, self.model_layers, self.horizon, self.rounds, self.candidates,
            self.elite, self.draws, self.discount, spec.low, spec.high,
        )  # fmt: skip

    def init(self, key: Any, env: Environment) -> State:
        """The state before the first update.

        Raises:
            ValueError: when one update's decisions do not fit the replay.
        """
        replay.enough(self.capacity, self.patients, env.spec.max_steps)
        key, own = jax.random.split(key)
        past, zero = ensemble.no_transitions(env.spec, self.capacity), jnp.int32(0)
        return State(ensemble.init(self, own, env.spec), past, key, zero, zero)

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """One course of each of `self.patients` patients, then `fits` steps of the ensemble."""
        key, share = jax.random.fold_in(state.key, state.updates), exploration.share(self, state.updates)
        e = self._interact(key, state, env, patients, share)
        rows, alive = ensemble.transitions(self, self.form(env.spec).dynamics(), e)
        past = replay.add(state.replay, rows, alive)
        model, told = ensemble.fit(
            self, jax.random.fold_in(key, 1), ensemble.observed(state.model, rows, alive), past, env.spec
        )
        metrics = {
            "return": jnp.mean(jnp.sum(e.reward, 1)),
            "length": jnp.mean(jnp.sum(e.alive, 1, dtype=jnp.float32)),
            "epsilon": share,
        }
        lived = state.decisions + jnp.sum(e.alive, dtype=jnp.int32)
        return State(model, past, state.key, state.updates + 1, lived), metrics | told

    def parameters(self, state: State) -> dict[str, Any]:
        """The ensemble and its scales."""
        return ensemble.arrays(state.model)

    def _interact(self, key: Any, state: State, env: Environment, patients: Any, share: Any) -> Episode:
        """Courses under planned doses, or random ones with probability `share`."""
        form, held = self.form(env.spec), ensemble.arrays(state.model)

        def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any, Any]:
            coin, which, search = jax.random.split(key, 3)
            best = plan(form, held, search, observation, mask)
            return jnp.where(jax.random.uniform(coin) < share, ensemble.any_dose(which, env.spec, mask), best), (), memory

        return courses(env, act, key, patients, self.patients, self.discount)
