"""The LASSO bandit: few of many covariates matter, and every dose is tried on purpose now and then.

    β̂(λ) = argmin_β ‖r − X·β‖²/n + λ·‖β‖₁
    a    = argmax over K of β̂_a(all decisions, λ_{2,t})·x,   K = {a : β̂_a(forced, λ1)·x ≥ best − h/2}
    λ_{2,t} = λ_{2,0}·√((ln t + ln d)/t)
                                            Bastani & Bayati 2020, doi:10.1287/opre.2019.1902, section 3.2

Each dose is forced q times in a row at decisions (2ⁿ − 1)·K·q + j, so that forced decisions grow with ln t. The
estimates are found by accelerated proximal gradients on Σ x·xᵀ and Σ r·x alone.
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

ROUNDS = 200  # of proximal gradients


def lasso(evidence: linear.Evidence, penalty: Any) -> Any:
    """β̂ of each dose `[A, d]`; the constant is not penalised. FISTA: Beck & Teboulle 2009, doi:10.1137/080716542."""
    n = jnp.maximum(evidence.count, 1.0)
    gram, moment = evidence.gram / n[:, None, None], evidence.moment / n[:, None]
    step = 0.5 / jnp.maximum(jnp.trace(gram, axis1=1, axis2=2), 1e-6)[:, None]  # the trace bounds the curvature
    free = (jnp.arange(moment.shape[1]) > 0).astype(jnp.float32)[None]

    def closer(i: Any, carry: Any) -> Any:
        beta, ahead = carry
        slope = 2.0 * (jnp.einsum("aij,aj->ai", gram, ahead) - moment)
        moved = ahead - step * slope
        shrunk = jnp.sign(moved) * jnp.maximum(jnp.abs(moved) - step * penalty * free, 0.0)
        return shrunk, shrunk + i / (i + 3.0) * (shrunk - beta)

    none = jnp.zeros_like(moment)
    return jax.lax.fori_loop(0, ROUNDS, lambda i, c: closer(i.astype(jnp.float32), c), (none, none))[0]


@dataclass(frozen=True)
class LassoBandit:
    """Hyper-parameters: `patients` at once, `forced` q, penalties λ1 (`penalty_forced`) and λ_{2,0} (`penalty`), and the
    `gap` h by which the best dose is thought to be better."""

    id: ClassVar[str] = "lasso-bandit"

    patients: int = 8
    forced: int = 2
    penalty_forced: float = 0.05
    penalty: float = 0.05
    gap: float = 0.5

    def __post_init__(self) -> None:
        at_least(self, patients=1, forced=1, penalty_forced=0, penalty=0, gap=0)

    form = linear.form
    init = linear.init
    policy = policy_of

    def parameters(self, state: State) -> dict[str, Any]:
        """The estimates without exploration, and the scale of the observations."""
        return linear.parameters(state, lasso(state.seen, self._penalty(state)))

    def _penalty(self, state: State) -> Any:
        t = jnp.maximum(state.decisions.astype(jnp.float32), 1.0)
        return self.penalty * jnp.sqrt((jnp.log(t) + jnp.log(float(state.seen.moment.shape[1]))) / t)

    def _due(self, t: Any, doses: int) -> tuple[Any, Any]:
        """Which dose is to be tried at decision `t` (from 0), and whether one is."""
        block = doses * self.forced
        n = jnp.floor(jnp.log2(t.astype(jnp.float32) / block + 1.0) + 1e-6)  # ln 2ⁿ/ln 2 may round below n
        within = t - ((2.0**n - 1.0) * block).astype(jnp.int32)
        return within // self.forced % doses, within < block

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """One course of each of `self.patients` patients, then what was seen. Among the patients of one update every
        decision draws its place in the order."""
        few, many = lasso(state.forced, self.penalty_forced), lasso(state.seen, self._penalty(state))
        doses = len(env.spec.actions)

        def choose(key: Any, x: Any, mask: Any) -> tuple[Any, Any]:
            place = state.decisions + jax.random.randint(key, (), 0, self.patients)
            due, now = self._due(place, doses)
            hopeful = allowed(few @ x, mask)
            likely = mask & (hopeful >= jnp.max(hopeful) - self.gap / 2)
            now = now & mask[due]
            return jnp.where(now, due, jnp.argmax(allowed(many @ x, likely))), now

        return linear.update(self, choose, state, env, patients)
