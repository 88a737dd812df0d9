"""One policy for every preference: PPO on patients for whom different things count.

    max_π E_w E[Σ_t Σ_k w_k·term_k],   w even on the simplex, seen by actor and critic

Conditioning on a preference: Abels 2019, arXiv:1809.07803; the losses are those of PPO. Following the policy from one
preference to the other gives a front between the objectives (`evaluation/pareto.py`). A weighted sum finds the convex
part of a front only; in which units terms are weighed is said by `environments/preference.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.preference import PreferenceEnvironment, objectives_of
from posology.environments.spec import Spec
from posology.learners.deep import actor_critic, ppo
from posology.learners.learner import at_least, in_unit_interval, multiple, policy_of
from posology.policies.conditioned import Conditioned


class State(NamedTuple):
    """PPO's state, and the preference that the stored policy has."""

    inner: actor_critic.State
    preference: Any

    @property
    def updates(self) -> Any:
        """Updates so far."""
        return self.inner.updates

    @property
    def decisions(self) -> Any:
        """Decisions so far."""
        return self.inner.decisions


@dataclass(frozen=True)
class ConditionedPPO:
    """Hyper-parameters as in PPO; `objectives` are names of terms (none: all), `preference` their weights in the
    policy that is judged and stored (none: equal)."""

    id: ClassVar[str] = "conditioned-ppo"
    memory: ClassVar[str] = "none"
    span: ClassVar[int] = 1

    objectives: tuple[str, ...] = ()
    preference: tuple[float, ...] = ()
    patients: int = 512
    repeats: int = 4
    epochs: int = 10
    minibatches: int = 4
    learning_rate: float = 1.5e-3
    anneal_over: int = 0
    follow: float = 0.1
    discount: float = 0.99
    trace: float = 0.5
    clip: float = 0.2
    entropy: float = 0.003
    max_gradient: float = 0.5
    bootstrap: bool = True
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        at_least(self, patients=1, repeats=1, epochs=1, minibatches=1, anneal_over=0, learning_rate=0, clip=0, entropy=0)
        in_unit_interval(self, "discount", "trace", "follow")
        multiple(self, "patients", "minibatches", "repeats")
        if self.preference and (min(self.preference) < 0 or sum(self.preference) <= 0):
            raise ValueError(f"preference is {self.preference}; weights are at least 0, and one is above")

    policy = policy_of

    def weights(self, spec: Spec) -> Any:
        """The stored preference, as shares.

        Raises:
            ValueError: where it does not fit the objectives.
        """
        count = len(objectives_of(spec, self.objectives))
        if self.preference and len(self.preference) != count:
            raise ValueError(f"preference has {len(self.preference)} weights; the objectives are {count}")
        given = jnp.asarray(self.preference or (1.0,) * count, jnp.float32)
        return given / jnp.sum(given)

    def form(self, spec: Spec) -> Conditioned:
        """The actor with its preference."""
        count = len(objectives_of(spec, self.objectives))
        return Conditioned(spec.size, len(spec.actions), count, self.hidden)

    def init(self, key: Any, env: Environment) -> State:
        """The state before the first update."""
        preference = self.weights(env.spec)
        return State(actor_critic.init(self, key, PreferenceEnvironment(env, self.objectives)), preference)

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """`self.patients` courses, each with its own preference, then `epochs` passes over them."""
        inner, told = ppo.update(self, state.inner, PreferenceEnvironment(env, self.objectives), patients)
        return State(inner, state.preference), told

    def parameters(self, state: State) -> dict[str, Any]:
        """The mean of the actor, the scale of its observations, and the preference."""
        return {**actor_critic.parameters(state.inner.mean, state.inner), "preference": state.preference}
