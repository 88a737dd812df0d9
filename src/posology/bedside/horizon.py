"""What comes after the next interval: the policy goes on dosing until the end of the course.

Each option is given now to some draws of the posterior; then every draw is treated as the policy would,
from what it would measure, with the variability of a patient between occasions. Slower than the next
interval alone, so it is computed on request.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from posology.bedside.believed import Believed
from posology.bedside.doser import Doser, memory_now, state_of
from posology.bedside.forecast import columns, summary
from posology.bedside.options import Option
from posology.bedside.view import seen
from posology.environments.belief import Believer
from posology.environments.protocol import Chosen, State
from posology.environments.records import Known
from posology.environments.treatment import Treatment
from posology.evaluation.arms import Arm
from posology.patients.population import Patient

DRAWS = 32
OPTIONS = (4, 8, 16, 32, 64)  # followed at once: few sizes, few compilations
NOISE, OWN = 17, 9  # seed of what is measured; stream of a policy's own random numbers


class Walk(NamedTuple):
    """Draws under options on their way, `[N, …]` each: state, observation, mask and memory before a
    decision, whether the course goes on, and the sums so far (reward, terms, costs, doses)."""

    state: State
    observation: Any
    mask: Any
    memory: Any
    going: Any
    total: Any


@lru_cache(maxsize=16)
def _compiled(arm: Arm, b: Believer) -> Any:
    """One decision of all draws under all options: `first` is given where `forced`, else the arm chooses."""
    env, key = b.env, jax.random.key(NOISE)

    def one(walk: Walk, who: Patient, first: Chosen, forced: Any) -> Walk:
        mine = jax.random.fold_in(jax.random.fold_in(key, OWN), walk.state.step)
        own, memory = arm.choose(env, mine, walk.state, walk.observation, walk.mask, who, walk.memory)
        every = env.treatment.standard.interval if own.every is None else own.every
        own = Chosen(own.amount, own.wait, every)
        chosen = jax.tree.map(lambda a, b: jnp.where(forced, a, b), first, own)
        after, course = env.play(key, walk.state, chosen, who)
        step = env.outcome(after, course)
        sums = (step.reward, step.terms, step.costs, course.interval.given)
        total = jax.tree.map(lambda t, v: t + jnp.where(walk.going, v, 0.0), walk.total, sums)
        memory = jax.tree.map(lambda a, b: jnp.where(forced, a, b), walk.memory, memory)
        going = walk.going & ~(step.terminated | step.truncated)
        return Walk(step.state, step.observation, step.mask, memory, going, total)

    return jax.jit(jax.vmap(one, in_axes=(0, 0, 0, None)))


def follow(
    treatment: Treatment, doser: Doser, known: Known, patient: Believed, laid: Sequence[Option]
) -> list[dict[str, Any]]:
    """Per option the sums from now to the end of the course: reward and terms as mean and 90 % interval,
    harms as the probability that they happen at all, and the number of doses."""
    advance = _compiled(doser.arm, patient.believer)
    walk, who, first = _start(treatment, doser, known, patient, laid)
    walk = advance(walk, who, first, True)
    while bool(walk.going.any()):
        walk = advance(walk, who, first, False)
    shape = (-1, DRAWS)
    reward, terms, costs, doses = (np.asarray(v).reshape(*shape, *v.shape[1:]) for v in walk.total)
    weight, spec = np.full(DRAWS, 1 / DRAWS), treatment.spec
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


def _start(
    treatment: Treatment, doser: Doser, known: Known, patient: Believed, laid: Sequence[Option]
) -> tuple[Walk, Patient, Chosen]:
    """Every draw once per option (padded to one of few numbers of options), before the first decision."""
    size = next((c for c in OPTIONS if c >= len(laid)), len(laid))
    first = columns([o.action for o in laid], [o.amount for o in laid], size)
    options = len(first.amount)
    everyone, picked = _people(patient)
    who = jax.tree.map(lambda v: jnp.tile(v, options), everyone)
    x = jax.tree.map(lambda v: jnp.tile(v[picked], options), patient.belief.x)
    n = options * DRAWS

    def alike(tree: Any) -> Any:
        return jax.tree.map(lambda v: jnp.broadcast_to(v, (n, *jnp.shape(v))), tree)

    state, view = state_of(treatment, known), seen(treatment, known)
    memory = memory_now(doser, treatment, known, patient.patient)
    spec = treatment.spec
    zero = jnp.zeros(n)
    total = (zero, jnp.zeros((n, len(spec.terms))), jnp.zeros((n, len(spec.costs))), zero)
    states = alike(state._replace(x=None))._replace(x=x)
    walk = Walk(states, alike(view.observation), alike(view.mask), alike(memory), jnp.ones(n, bool), total)
    return walk, who, jax.tree.map(lambda v: jnp.repeat(v, DRAWS), first)


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
