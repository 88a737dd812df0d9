"""LinUCB: the dose whose reward could be the highest, by a linear model of each dose.

    a = argmax_a θ_a·x + α·√(xᵀ·A_a⁻¹·x)              Li 2010, doi:10.1145/1772690.1772758, Algorithm 1

θ_a and A_a: `linear.py`. Patients of one update do not know of each other's outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.learners.bandit import linear
from posology.learners.bandit.linear import State
from posology.learners.learner import at_least, policy_of
from posology.policies.network import allowed


@dataclass(frozen=True)
class LinUCB:
    """Hyper-parameters: `patients` at once, `ridge` λ, and how many standard errors count as possible (`alpha`)."""

    id: ClassVar[str] = "lin-ucb"

    patients: int = 8
    alpha: float = 1.0
    ridge: float = 1.0

    def __post_init__(self) -> None:
        at_least(self, patients=1, alpha=0, ridge=1e-6)

    form = linear.form
    init = linear.init
    policy = policy_of

    def parameters(self, state: State) -> dict[str, Any]:
        """The estimates without exploration, and the scale of the observations."""
        return linear.parameters(state, linear.estimate(state.seen, self.ridge).theta)

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """One course of each of `self.patients` patients, then what was seen."""
        theta, inverse = linear.estimate(state.seen, self.ridge)

        def choose(key: Any, x: Any, mask: Any) -> tuple[Any, Any]:
            width = jnp.sqrt(jnp.einsum("i,aij,j->a", x, inverse, x))
            return jnp.argmax(allowed(theta @ x + self.alpha * width, mask)), jnp.bool_(False)

        return linear.update(self, choose, state, env, patients)
