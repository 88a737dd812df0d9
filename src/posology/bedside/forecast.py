"""What an option would bring: every draw of the posterior goes through the next interval under it.

All options share the draws and their occasion effects, so that options differ by the dose alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from posology.bedside.believed import Believed, engine, parameters
from posology.data.history import DAY
from posology.environments.protocol import Chosen
from posology.environments.reward import Interval
from posology.environments.spec import Action
from posology.environments.treatment import Treatment
from posology.patients import population
from posology.patients.particles import weighted_quantiles

BAND = (0.05, 0.95)
BESIDE = 3  # options beside those of the table: the standard of care, no dose, what is chosen between rows


class Outlook(NamedTuple):
    """Per option and draw, NumPy: weights of the draws `[K]`, `terms[M, K, T]`, `costs[M, K, C]`,
    `reward[M, K]`, and the lowest and last value of the key reading, `[M, K]`."""

    weight: np.ndarray
    terms: np.ndarray
    costs: np.ndarray
    reward: np.ndarray
    lowest: np.ndarray
    end: np.ndarray


@lru_cache(maxsize=32)
def _outlook(treatment: Treatment, draws: int, measured: tuple[str, ...]) -> Any:
    b = engine(treatment, draws, measured).believer
    env, prior = b.env, b.prior

    def one(own: Any, x: Any, chosen: Chosen, covariates: Any) -> Any:
        i: Interval = env.predict(x, own, chosen, population.Patient(0, covariates, own, {}))
        terms = jnp.stack([jnp.asarray(t.of(i), jnp.float32) for t in treatment.terms])
        costs = jnp.stack([jnp.asarray(c.of(i), jnp.float32) for c in treatment.costs])
        return terms, costs, jnp.asarray(env.spec.weights, jnp.float32) @ terms, i.lowest, i.end

    def all_options(typical: Any, belief: Any, chosen: Chosen, covariates: Any, count: Any) -> Any:
        own = parameters(prior, typical, belief)
        draws_of = lambda c: jax.vmap(one, in_axes=(0, 0, None, None))(own, belief.x, c, covariates)  # noqa: E731
        rows = jax.eval_shape(draws_of, jax.tree.map(lambda v: v[0], chosen))
        empty = jax.tree.map(lambda v: jnp.zeros((len(chosen.amount), *v.shape), v.dtype), rows)

        def option(i: Any, found: Any) -> Any:
            return jax.tree.map(lambda all_, v: all_.at[i].set(v), found, draws_of(jax.tree.map(lambda v: v[i], chosen)))

        return jax.lax.fori_loop(0, count, option, empty)  # options that pad the table cost nothing

    return jax.jit(all_options)


def columns(options: Sequence[Action], amounts: Sequence[float], size: int) -> Chosen:
    """Options as columns of a table, padded to `size`."""
    rows = [(a, o.wait, o.interval) for a, o in zip(amounts, options, strict=True)]
    rows += [rows[-1]] * (size - len(rows))
    return Chosen(*(jnp.asarray(v, jnp.float32) for v in zip(*rows, strict=True)))


def sizes(patient: Believed) -> dict[str, Any]:
    """Covariates as arrays, for the size that a dose is scaled by."""
    return {name: jnp.float32(v) for name, v in patient.covariates.items()}


def outlook(treatment: Treatment, patient: Believed, options: Sequence[Action], amounts: Sequence[float]) -> Outlook:
    """The next interval under each option; `amounts` are what is given, in the options' unit."""
    draws = len(patient.belief.log_weight)
    run = _outlook(treatment, draws, patient.believer.prior.measured)
    chosen = columns(options, amounts, len(treatment.actions) + BESIDE)  # one size for all records
    found = run(patient.typical, patient.belief, chosen, sizes(patient), len(options))
    weight = np.exp(np.asarray(patient.belief.log_weight, np.float64))
    values = [np.asarray(v)[: len(options)] for v in found]
    sound = np.isfinite(values[3]).all(axis=0)  # a draw that left the range of numbers says nothing
    if not sound.any():
        raise ValueError(f"{treatment.model.id}: no draw of this patient's posterior stayed within the range of numbers")
    weight = np.where(sound, weight, 0.0)
    return Outlook(weight / weight.sum(), *(np.where(_wide(sound, v), v, 0.0) for v in values))


def _wide(sound: np.ndarray, values: np.ndarray) -> np.ndarray:
    return sound[None, :, None] if values.ndim == 3 else sound[None, :]


def summary(values: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    """Mean over the draws, and their 5th and 95th percentile."""
    lower, upper = weighted_quantiles(values, weight, BAND)
    found = {"mean": weight @ values, "lower": lower, "upper": upper}
    return {name: float(f"{value:.6g}") for name, value in found.items()}


@lru_cache(maxsize=32)
def _by_day(treatment: Treatment, draws: int, measured: tuple[str, ...], readings: tuple[str, ...]) -> Any:
    b = engine(treatment, draws, measured).believer
    env, prior = b.env, b.prior

    def one(own: Any, x: Any, chosen: Chosen, covariates: Any) -> Any:
        dose = env.recorded(chosen.amount, population.Patient(0, covariates, own, {}))
        trace = env.course(x, own, dose, chosen.wait * DAY, chosen.every)
        now = env.model.readings(x, own)

        def along(name: str) -> Any:
            return jnp.concatenate([jnp.atleast_1d(now[name] + 0 * trace.lowest), trace.readings[name][env.day_nodes]])

        return jnp.stack([along(name) for name in readings])

    def draws_of(typical: Any, belief: Any, chosen: Chosen, covariates: Any) -> Any:
        own = parameters(prior, typical, belief)
        return jax.vmap(one, in_axes=(0, 0, None, None))(own, belief.x, chosen, covariates)

    return jax.jit(draws_of)


def by_day(
    treatment: Treatment, patient: Believed, option: Action, amount: float, readings: tuple[str, ...] = ()
) -> np.ndarray:
    """Readings of every draw (the key reading alone unless named) now and at the end of each day until the next visit,
    `[K, readings, 1 + days]`."""
    run = _by_day(treatment, len(patient.belief.log_weight), patient.believer.prior.measured, readings or (treatment.key,))
    chosen = Chosen(*(jnp.float32(v) for v in (amount, option.wait, option.interval)))
    values = np.asarray(run(patient.typical, patient.belief, chosen, sizes(patient)))
    return values[:, :, : int(option.wait) + 1]
