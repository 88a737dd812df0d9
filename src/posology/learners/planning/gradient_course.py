"""A whole course by the gradient through the patient, with restarts, for a continuous dose.

    max_{u_0 … u_{T−1}} Σ_t γ^t·r(x_t, u_t),   x_{t+1} = f(x_t, u_t),   by Adam from many beginnings

The exact oracle of a differentiable patient as far as its restarts reach: single shooting (Betts 2010, Practical Methods
for Optimal Control, chapter 3). A dose is low + (high − low)·σ(z), so that bounds need no projection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax

from posology.environments.environment import Environment
from posology.learners import adam
from posology.learners.learner import annealed, at_least, in_unit_interval, policy_of
from posology.learners.planning import open_loop
from posology.learners.planning.open_loop import State


@dataclass(frozen=True)
class GradientCourse:
    """Hyper-parameters: `patients` whose mean return counts, `restarts` courses that climb side by side."""

    id: ClassVar[str] = "gradient-course"

    patients: int = 1
    restarts: int = 16
    learning_rate: float = 0.05
    anneal_over: int = 0
    discount: float = 0.99
    max_gradient: float = 1.0

    def __post_init__(self) -> None:
        at_least(self, patients=1, restarts=1, learning_rate=0, anneal_over=0)
        in_unit_interval(self, "discount")

    form = open_loop.form
    policy = policy_of

    def init(self, key: Any, env: Environment) -> State:
        """Constant doses over the whole range, with some noise."""
        key, first = jax.random.split(key)
        level = jnp.linspace(-3.0, 3.0, self.restarts)[:, None]
        z = level + 0.3 * jax.random.normal(first, (self.restarts, env.spec.max_steps))
        span = jnp.array([env.spec.low, env.spec.high], jnp.float32)
        memory = (z, jax.vmap(self._adam().init)(z), span)
        zero = jnp.int32(0)
        return State(self._doses(z, span), jnp.full(self.restarts, -jnp.inf), memory, key, zero, zero)

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """One step of every restart; the best courses ever met are kept."""
        z, memory, span = state.memory
        worth_of = open_loop.smooth(env, patients, self.patients, self.discount)
        worth, slope = jax.vmap(jax.value_and_grad(lambda v: worth_of(self._doses(v, span))))(z)
        best, values = open_loop.ranked(state, self._doses(z, span), worth, self.restarts)
        usable = jnp.where(jnp.isfinite(slope), -slope, 0.0)
        rate = annealed(self.learning_rate, state.updates, self.anneal_over)
        z, memory = jax.vmap(lambda g, v, m: adam.step(self._adam(), g, v, m, rate))(usable, z, memory)
        told = {"return": values[0], "restarts": jnp.mean(worth), "gradient": jnp.mean(jnp.sqrt(jnp.sum(usable**2, axis=1)))}
        taken = jnp.int32(self.restarts * self.patients * env.spec.max_steps)
        return State(best, values, (z, memory, span), state.key, state.updates + 1, state.decisions + taken), told

    def parameters(self, state: State) -> dict[str, Any]:
        """The best course."""
        return {"doses": state.courses[0]}

    def _doses(self, z: Any, span: Any) -> Any:
        return span[0] + (span[1] - span[0]) * jax.nn.sigmoid(z)

    def _adam(self) -> optax.GradientTransformation:
        return adam.shortened(self.max_gradient)
