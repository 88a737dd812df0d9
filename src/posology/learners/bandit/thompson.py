"""Linear Thompson sampling: a dose as often as it is believed to be the best.

    θ̃_a ~ N(θ_a, v²·A_a⁻¹),   a = argmax_a θ̃_a·x      Agrawal & Goyal 2013, arXiv:1209.3352, Algorithm 1

θ_a and A_a: `linear.py`. Every decision draws anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.learners.bandit import linear
from posology.learners.bandit.linear import State
from posology.learners.learner import at_least, policy_of
from posology.policies.network import allowed


@dataclass(frozen=True)
class LinearThompson:
    """Hyper-parameters: `patients` at once, `ridge` λ, and the `spread` v of what is drawn."""

    id: ClassVar[str] = "lin-thompson"

    patients: int = 8
    spread: float = 0.5
    ridge: float = 1.0

    def __post_init__(self) -> None:
        at_least(self, patients=1, spread=0, ridge=1e-6)

    form = linear.form
    init = linear.init
    policy = policy_of

    def parameters(self, state: State) -> dict[str, Any]:
        """The estimates without exploration, and the scale of the observations."""
        return linear.parameters(state, linear.estimate(state.seen, self.ridge).theta)

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """One course of each of `self.patients` patients, then what was seen."""
        theta, inverse = linear.estimate(state.seen, self.ridge)
        factor = jnp.linalg.cholesky(inverse)

        def choose(key: Any, x: Any, mask: Any) -> tuple[Any, Any]:
            drawn = theta + self.spread * jnp.einsum("aij,aj->ai", factor, jax.random.normal(key, theta.shape))
            return jnp.argmax(allowed(drawn @ x, mask)), jnp.bool_(False)

        return linear.update(self, choose, state, env, patients)
