"""What comes after the next interval: the policy goes on dosing until the end of the course.

Each option is given now to some draws of the posterior; then every draw is treated as the policy would,
from what it would measure, with the variability of a patient between occasions. Slower than the next
interval alone, so it is computed on request.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from posology.bedside.believed import Believed
from posology.bedside.doser import Doser, memory_now, state_of
from posology.bedside.forecast import columns, summary
from posology.bedside.options import Option
from posology.environments.belief import Believer
from posology.environments.protocol import Chosen, State
from posology.environments.records import Known
from posology.environments.treatment import Treatment
from posology.evaluation.arms import Arm
from posology.patients.population import Patient

DRAWS = 32
NOISE, OWN = 17, 9  # seed of what is measured; stream of a policy's own random numbers


@lru_cache(maxsize=16)
def _compiled(arm: Arm, b: Believer) -> Any:
    """Sums over the rest of the course of every draw under every option, `[M, K, …]`."""
    env, key = b.env, jax.random.key(NOISE)

    def rest(state: State, who: Patient, memory: Any, first: Chosen) -> Any:
        def give(state: State, chosen: Chosen) -> Any:
            after, course = env.play(key, state, chosen, who)
            step = env.outcome(after, course)
            return step, (step.reward, step.terms, step.costs, course.interval.given)

        step, total = give(state, first)

        def going(carry: Any) -> Any:
            return ~(carry[0].terminated | carry[0].truncated)

        def decide(carry: Any) -> Any:
            step, memory, total = carry
            mine = jax.random.fold_in(jax.random.fold_in(key, OWN), step.state.step)
            chosen, memory = arm.choose(env, mine, step.state, step.observation, step.mask, who, memory)
            step, more = give(step.state, chosen)
            return step, memory, jax.tree.map(jnp.add, total, more)

        return jax.lax.while_loop(going, decide, (step, memory, total))[2]

    def draws(state: State, x: Any, who: Patient, memory: Any, first: Chosen) -> Any:
        one = jax.vmap(lambda x, who, c: rest(state._replace(x=x), who, memory, c), in_axes=(0, 0, None))
        return jax.lax.map(lambda c: one(x, who, c), first)

    return jax.jit(draws)


def follow(treatment: Treatment, doser: Doser, known: Known, patient: Believed, laid: Sequence[Option]) -> list[dict[str, Any]]:
    """Per option the sums from now to the end of the course: reward and terms as mean and 90 % interval,
    harms as the probability that they happen at all, and the number of doses."""
    b = patient.believer
    state = state_of(treatment, known)
    who, picked = _people(patient)
    x = jax.tree.map(lambda v: v[picked], patient.belief.x)
    memory = memory_now(doser, treatment, known, patient.patient)
    first = columns([o.action for o in laid], [o.amount for o in laid])
    reward, terms, costs, doses = (np.asarray(v) for v in _compiled(doser.arm, b)(state, x, who, memory, first))
    weight = np.full(DRAWS, 1 / DRAWS)
    spec = treatment.spec
    return [
        {
            "reward": summary(reward[i], weight),
            "expected": {name: summary(terms[i, :, t], weight) for t, name in enumerate(spec.terms)},
            "harm": {name: float(weight @ (costs[i, :, c] > 0)) for c, name in enumerate(spec.costs)},
            "doses": float(weight @ doses[i]),
            "draws": DRAWS,
        }
        for i in range(len(laid))
    ]


def _people(patient: Believed) -> tuple[Patient, np.ndarray]:
    """Some draws of the posterior as patients, evenly by weight, and which draws they are."""
    prior, belief = patient.believer.prior, patient.belief
    total = np.cumsum(np.exp(np.asarray(belief.log_weight, np.float64)))
    picked = np.minimum(np.searchsorted(total, (np.arange(DRAWS) + 0.5) / DRAWS * total[-1]), len(total) - 1)
    own = jax.vmap(lambda e: prior.individual(patient.typical, e))(belief.effects[picked])
    own = jax.tree.map(lambda v: jnp.broadcast_to(jnp.asarray(v, jnp.float32), (DRAWS,)), own)
    covariates = {n: jnp.full(DRAWS, v, jnp.float32) for n, v in patient.covariates.items()}
    spread = {n: jnp.full(DRAWS, v**0.5, jnp.float32) for n, v in prior.model.occasion_effects.items()}
    return Patient(jnp.arange(DRAWS, dtype=jnp.int32), covariates, own, spread), picked
