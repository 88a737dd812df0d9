"""Double deep Q-learning with a replay of past decisions, for a table of doses.

    y = Σ_{k<n} γᵏ·r_{t+k} + γⁿ·Q̄(o_{t+n}, argmax_{a allowed} Q(o_{t+n}, a))     (0 after death)
    L(θ) = E[huber(Q_θ(o_t, a_t) − y)],     θ̄ ← (1 − τ)·θ̄ + τ·θ
                                   Mnih 2015, doi:10.1038/nature14236; van Hasselt 2016, arXiv:1509.06461

Options: `n_step` n; `double` false judges by Q̄ alone; `duelling` networks (Wang 2016, arXiv:1511.06581);
`prioritised` α > 0 draws decisions by their error (Schaul 2016, arXiv:1511.05952). With `symlog` the networks learn h(Q)
where returns range over many powers of ten: y ← h(Σ_{k<n} γᵏ·r_{t+k} + γⁿ·h⁻¹(…)), h(x) = sign(x)·ln(1 + |x|)
(Pohlen 2018, arXiv:1805.11593, with the h of Hafner 2023, arXiv:2301.04104).

One update lets `patients` of the pool live one whole episode each under an ε-greedy policy, stores
their decisions and takes `gradients` steps. ε falls linearly over `explore_over` updates. The policy
that is judged and stored is greedy on the slow network. With n > 1 the rewards between are those of
the ε-greedy policy, uncorrected, as is usual. Where we deviate: `docs/learners/dqn.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners import targets
from posology.learners.deep import value_based
from posology.learners.deep.value_based import Decision, State
from posology.learners.learner import at_least, in_unit_interval, policy_of
from posology.policies.network import Network


@dataclass(frozen=True)
class DQN:
    """Hyper-parameters. `discount` is per decision, unless the environment's steps tell their days.

    `bootstrap`: whether the end of study is worth the value of the true last observation or nothing.
    `prioritised`: exponent α of the error in drawing decisions (0: evenly); `correction`: β of their weights.
    `anneal_over`: updates after which the learning rate has fallen linearly to 0 (0: constant).
    """

    id: ClassVar[str] = "dqn"

    patients: int = 256
    gradients: int = 64
    batch: int = 256
    capacity: int = 262_144
    learning_rate: float = 2e-3
    anneal_over: int = 0
    discount: float = 0.99
    n_step: int = 1
    double: bool = True
    duelling: bool = False
    symlog: bool = False
    prioritised: float = 0.0
    correction: float = 0.5
    follow: float = 0.02
    huber: float = 1.0
    explore_over: int = 20
    explore_from: float = 1.0
    explore_to: float = 0.1
    max_gradient: float = 10.0
    bootstrap: bool = True
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        at_least(self, patients=1, gradients=1, batch=1, capacity=1, n_step=1, explore_over=1, learning_rate=0, anneal_over=0)
        in_unit_interval(self, "discount", "prioritised", "correction", "follow", "explore_from", "explore_to")

    init = value_based.init
    parameters = value_based.stored
    policy = policy_of

    def form(self, spec: Spec) -> Network:
        """One value per dose."""
        if not spec.discrete:
            raise ValueError(f"{spec.id} has a continuous dose; dqn needs a table of doses")
        head = "duelling" if self.duelling else "value"
        return Network(spec.size, len(spec.actions), hidden=self.hidden, head=head, states=spec.states)

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """One course of each of `self.patients` patients, then `gradients` steps from the replay."""
        return value_based.update(self, self._loss, state, env, patients)

    def _loss(self, weights: Any, state: State, spec: Spec, d: Decision) -> tuple[Any, Any]:
        """Loss of one decision, and the size of its error."""
        q = lambda w, o: value_based.outputs(self.form(spec), w, state.observations, o)  # noqa: E731
        slow = q(state.slow, d.after)
        ahead = q(weights, d.after) if self.double else slow
        value = targets.double_q(ahead, slow, d.mask)
        if self.symlog:
            y = targets.symlog(d.reward + d.weight * targets.symexp(value))
        else:
            y = d.reward + d.weight * value
        y = jax.lax.stop_gradient(y)
        now = q(weights, d.observation)[d.action]
        return optax.huber_loss(now, y, delta=self.huber), jnp.abs(y - now)
