"""Quantile regression DQN: the distribution of what is to come, and doses chosen by its worst share.

    y_j  = Σ_{k<n} γᵏ·r_{t+k} + γⁿ·Z̄_j(o_{t+n}, a*),   a* = argmax_{a allowed} CVaR_α(Z̄(o_{t+n}, a))
    L(θ) = E[Σ_i mean_j |τ_i − 1(y_j < Z_i)|·huber_κ(y_j − Z_i)/κ],   τ_i = (i − ½)/K
    CVaR_α(Z) = mean of the lowest α·K quantiles
                                            Dabney 2018, arXiv:1710.10044; risk: Dabney 2018, arXiv:1806.06923

`risk` α = 1 is the mean, as in the paper; α = 0.1 doses for the worst tenth of what may happen. Played, stored and
judged like DQN: `value_based.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners.deep import value_based
from posology.learners.deep.value_based import Decision, State
from posology.learners.learner import at_least, in_unit_interval, policy_of
from posology.policies import network as net
from posology.policies.network import Network


def quantile_loss(quantiles: Any, targets: Any, kappa: float) -> Any:
    """Σ_i mean_j of the quantile Huber loss of `quantiles[K]` at `targets[J]`; Eq. 10 of the paper."""
    count = quantiles.shape[0]
    tau = (jnp.arange(count) + 0.5) / count
    error = targets[None] - quantiles[:, None]
    weight = jnp.abs(tau[:, None] - (error < 0).astype(jnp.float32))
    return jnp.sum(jnp.mean(weight * optax.huber_loss(error, delta=kappa) / kappa, axis=1))


@dataclass(frozen=True)
class QRDQN:
    """Hyper-parameters as in DQN, and `quantiles` K, the `risk` α, and `huber` κ."""

    id: ClassVar[str] = "qr-dqn"

    patients: int = 256
    gradients: int = 64
    batch: int = 256
    capacity: int = 262_144
    quantiles: int = 32
    risk: float = 1.0
    learning_rate: float = 1e-3
    anneal_over: int = 0
    discount: float = 0.99
    n_step: int = 1
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
        at_least(self, patients=1, gradients=1, batch=1, capacity=1, quantiles=1, n_step=1, explore_over=1)
        at_least(self, learning_rate=0, anneal_over=0, risk=1e-6, huber=1e-6)
        in_unit_interval(self, "discount", "risk", "prioritised", "correction", "follow", "explore_from", "explore_to")

    init = value_based.init
    parameters = value_based.stored
    policy = policy_of

    def form(self, spec: Spec) -> Network:
        """So many quantiles per dose."""
        return Network(
            spec.size, len(spec.actions), self.hidden, "quantile", states=spec.states,
            quantiles=self.quantiles, risk=self.risk,
        )  # fmt: skip

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """One course of each of `self.patients` patients, then `gradients` steps from the replay."""
        return value_based.update(self, self._loss, state, env, patients)

    def _loss(self, weights: Any, state: State, spec: Spec, d: Decision) -> tuple[Any, Any]:
        """Loss of one decision, and how far its mean is from that of its target."""
        network = self.form(spec)
        quantiles = lambda w, o: value_based.outputs(network, w, state.observations, o)  # noqa: E731
        ahead = quantiles(state.slow, d.after)
        best = jnp.argmax(net.allowed(net.scores(network, ahead), d.mask))
        y = jax.lax.stop_gradient(d.reward + d.weight * ahead[best])
        now = quantiles(weights, d.observation)[d.action]
        return quantile_loss(now, y, self.huber), jnp.abs(jnp.mean(y) - jnp.mean(now))
