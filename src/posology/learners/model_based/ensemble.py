"""A probabilistic ensemble of what follows a dose, fitted to the decisions of a replay.

    L(k) = Σ_i w_ik·(NLL_k(i) + BCE(end_i, e_k) + BCE(allowed_i, m_k)) / n,    w_ik ~ Poisson(1)
    NLL_k = mean over targets of ⌊exp(s_k)⌋^β·½·((y − μ_k)²·exp(−s_k) + s_k),    ⌊·⌋ without a gradient, β = ½

Chua 2018, arXiv:1805.12114 (PETS, Eq. 1); an ensemble for what is not known: Lakshminarayanan 2017, arXiv:1612.01474. With
β = 0 a network that is wrong somewhere calls it noise and stops learning there; β = ½: Seitzer 2022, arXiv:2203.09168.
The bootstrap is Poisson's (Oza 2001): row i counts w_ik times for member k, and as often whenever it is drawn. What
the networks compute: `policies/dynamics.py`.

`learner` is any frozen dataclass with `members, model_layers, capacity, fits, batch, model_rate,
max_gradient, discount, bootstrap`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from posology.environments.spec import Spec
from posology.learners import adam, exploration, networks, replay, targets
from posology.learners.networks import Moments
from posology.learners.replay import Replay
from posology.learners.rollout import Episode, worthless_after
from posology.policies.dynamics import Dynamics, Prediction

BETA = 0.5
MOST_OFTEN = 6  # a row that counts more often has probability 1e-4
POISSON = np.cumsum(np.exp(-1.0) / np.cumprod([1.0, *range(1, MOST_OFTEN)])).astype(np.float32)


class Transition(NamedTuple):
    """One decision: `dose[width]` as the dynamics read it; y = `reward` + `weight` · value at `after`, and weight 0
    where nothing follows. `mask` and `allowed` are of the doses at the two observations."""

    observation: Any
    mask: Any
    dose: Any
    reward: Any
    weight: Any
    after: Any
    allowed: Any


class Model(NamedTuple):
    """The members' `weights` along their first axis, the optimiser's memory, moments of observations and targets,
    and how `often` each place of the replay counts for each member `[capacity, members]`."""

    weights: Any
    optimiser: Any
    seen: Moments
    targets: Moments
    often: Any


def dynamics(learner: Any, spec: Spec) -> Dynamics:
    """What the ensemble of a learner computes."""
    return Dynamics(spec.size, len(spec.actions), learner.members, learner.model_layers, spec.low, spec.high)


def init(learner: Any, key: Any, spec: Spec) -> Model:
    """Members that were told nothing, each another."""
    form = dynamics(learner, spec)
    own, first = jax.random.split(key)
    weights = jax.vmap(lambda k: networks.initial(k, form.network()))(jax.random.split(first, learner.members))
    seen, told = networks.no_moments((spec.size,)), networks.no_moments((spec.size + 1,))
    often = counts(own, learner.capacity, learner.members)
    return Model(weights, adam.shortened(learner.max_gradient).init(weights), seen, told, often)


def any_dose(key: Any, spec: Spec, mask: Any) -> Any:
    """A dose drawn evenly among those that may be given."""
    if spec.discrete:
        return exploration.evenly(key, mask)
    return jax.random.uniform(key, minval=spec.low, maxval=spec.high)


def no_transitions(spec: Spec, capacity: int) -> Replay:
    """A replay for so many decisions of a problem."""
    number, seen = jax.ShapeDtypeStruct((), jnp.float32), jax.ShapeDtypeStruct((spec.size,), jnp.float32)
    mask = jax.ShapeDtypeStruct((max(len(spec.actions), 1),), jnp.bool_)
    dose = jax.ShapeDtypeStruct(mask.shape, jnp.float32)
    return replay.empty(Transition(seen, mask, dose, number, number, seen, mask), capacity)


def transitions(learner: Any, form: Dynamics, episodes: Episode) -> tuple[Transition, Any]:
    """The decisions of some patients as rows, and which of them took place."""

    def one(e: Episode) -> Transition:
        dead = worthless_after(e, learner.bootstrap)
        reward, weight, _ = targets.n_step(e.reward, dead, e.truncated, e.alive, e.discount, 1)
        dose = jax.vmap(form.encode)(e.action)
        return Transition(e.observation[:-1], e.mask[:-1], dose, reward, weight, e.observation[1:], e.mask[1:])

    rows = jax.tree.map(lambda v: v.reshape(-1, *v.shape[2:]), jax.vmap(one)(episodes))
    return rows, episodes.alive.reshape(-1)


def observed(model: Model, rows: Transition, keep: Any) -> Model:
    """The model with the scales of what was also seen."""
    told = _targets(rows)
    return model._replace(
        seen=networks.merge(model.seen, rows.observation, keep), targets=networks.merge(model.targets, told, keep)
    )


def arrays(model: Model) -> dict[str, Any]:
    """What the dynamics compute with, and a planned policy's file holds."""
    seen, told = model.seen, model.targets
    scales = {"observation.mean": seen.mean, "observation.sd": seen.sd, "target.mean": told.mean, "target.sd": told.sd}
    return {**model.weights, **scales}


def gaussian_nll(y: Any, mean: Any, log_variance: Any) -> Any:
    """−ln of a normal density, less ½·ln 2π, of each target."""
    return 0.5 * ((y - mean) ** 2 * jnp.exp(-log_variance) + log_variance)


def counts(key: Any, rows: int, members: int) -> Any:
    """How often each row counts for each member `[rows, members]`: Poisson of mean 1."""
    return jnp.searchsorted(jnp.asarray(POISSON), jax.random.uniform(key, (rows, members))).astype(jnp.uint8)


def loss(told: Prediction, y: Any, end: Any, allowed: Any) -> Any:
    """What one member's prediction of one decision costs."""
    weight = jax.lax.stop_gradient(jnp.exp(BETA * told.log_variance))
    cost = jnp.mean(weight * gaussian_nll(y, told.mean, told.log_variance))
    cost = cost + optax.sigmoid_binary_cross_entropy(told.end, end)
    if not told.allowed.shape[0]:
        return cost
    return cost + jnp.mean(optax.sigmoid_binary_cross_entropy(told.allowed, allowed))


def fit(learner: Any, key: Any, model: Model, past: Replay, spec: Spec) -> tuple[Model, dict[str, Any]]:
    """`fits` steps of Adam for all members; told are the loss of the rows that count for a member, and of those
    that never do (`unseen_loss`)."""
    form, scales = dynamics(learner, spec), arrays(model)

    def costs(weights: Any, rows: Transition) -> Any:
        y = (_targets(rows) - scales["target.mean"][None]) / scales["target.sd"][None]
        end, allowed = (rows.weight == 0).astype(jnp.float32), rows.allowed.astype(jnp.float32)
        told = jax.vmap(form.predict, (None, None, 0, 0))
        each = lambda w: jax.vmap(loss)(told(w, scales, rows.observation, rows.dose), y, end, allowed)  # noqa: E731
        return jax.vmap(each)(weights)

    def weighed(weights: Any, rows: Transition, often: Any) -> tuple[Any, Any]:
        found = costs(weights, rows)
        never = (often == 0).astype(jnp.float32)
        unseen = jnp.sum(found * never) / jnp.maximum(jnp.sum(never), 1.0)
        return jnp.mean(jnp.sum(found * often, axis=0)) / learner.members, unseen

    def one(carry: Any, at: Any) -> tuple[Any, Any]:
        weights, memory = carry
        rows, often = jax.tree.map(lambda v: v[at], past.rows), model.often[at].astype(jnp.float32).T
        (cost, unseen), gradient = jax.value_and_grad(weighed, has_aux=True)(weights, rows, often)
        own = adam.shortened(learner.max_gradient)
        return adam.step(own, gradient, weights, memory, learner.model_rate), (cost, unseen)

    # all at once: a draw for each step would cost seconds of compilation
    drawn = jax.random.randint(key, (learner.fits, learner.batch), 0, jnp.maximum(past.filled, 1))
    (weights, memory), told = jax.lax.scan(one, (model.weights, model.optimiser), drawn)
    cost, unseen = jax.tree.map(jnp.mean, told)
    return model._replace(weights=weights, optimiser=memory), {"model_loss": cost, "unseen_loss": unseen}


def _targets(rows: Transition) -> Any:
    """Change of the observation and reward `[n, size + 1]`."""
    return jnp.concatenate([rows.after - rows.observation, rows.reward[:, None]], axis=1)
