"""Plays an arm and keeps every decision as a row of the trajectory table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from posology.data.history import DAY
from posology.data.trajectories import Layout, Trajectories, split_of
from posology.environments.protocol import Chosen, TreatmentEnvironment
from posology.evaluation.arms import Arm
from posology.evaluation.rollout import Lot, Visit, Visits, in_chunks, visits

EXPLORE = 8  # stream of the lots that decide whether another dose is tried


def explored(
    env: TreatmentEnvironment, key: Any, chosen: Chosen, mask: Any, explore: float
) -> tuple[Chosen, Any, Any]:
    """The arm's dose, or with probability `explore` any dose that may be given now, and its probability.

    Also says which row of the table was taken, −1 for a dose that is in none.
    """
    same = mask
    for rows, value in zip((env.amount, env.wait, env.every), chosen, strict=True):
        same = same & (jnp.asarray(rows) == value)
    meant = jnp.where(jnp.any(same), jnp.argmax(same), -1)
    coin, which = jax.random.split(key)
    tried = jax.random.categorical(which, jnp.where(mask, 0.0, -jnp.inf))
    other = jax.random.uniform(coin) < explore
    row = jnp.where(other, tried, meant)
    taken = jax.tree.map(lambda a, b: jnp.where(other, a, b), env.chosen(tried), chosen)
    by_lot = jnp.where(row >= 0, explore / jnp.sum(mask), 0.0)
    return taken, jnp.where(row == meant, 1.0 - explore, 0.0) + by_lot, row


def recorder(env: TreatmentEnvironment, arm: Arm, explore: float) -> Visits:
    """Keeps the columns of `Trajectories`, and `alive`."""

    def maybe_another(lot: Lot, chosen: Chosen, mask: Any) -> tuple[Chosen, Any]:
        chosen = chosen._replace(every=env.treatment.standard.interval if chosen.every is None else chosen.every)
        taken, probability, row = explored(env, lot(EXPLORE), chosen, mask, explore)
        return taken, (probability, row)

    def columns(v: Visit) -> dict[str, Any]:
        probability, row = v.how
        given, dose = v.chosen, env.recorded(v.chosen.amount, v.patient)
        action = (row, given.amount, dose, env.duration, given.every, given.wait)
        return {
            "alive": v.alive,
            "time": v.state.day * DAY,
            "observation": v.observation,
            "action": jnp.stack([jnp.asarray(part, jnp.float32) for part in action]),
            "probability": probability,
            "reward": v.step.reward,
            "terms": v.step.terms,
            "costs": v.step.costs,
            "terminated": v.step.terminated,
            "truncated": v.step.truncated,
            "next_observation": v.step.observation,
        }

    return visits(env, arm, columns, maybe_another)


def layout(env: TreatmentEnvironment, about: Mapping[str, Any]) -> Layout:
    """What the columns of this treatment's table are."""
    t = env.treatment
    unit, recorded = t.actions[0].unit, t.model.recorded_unit
    return Layout(
        treatment=t.id,
        fingerprint=env.fingerprint,
        observation=tuple((f.name, f.unit) for f in env.spec.observation),
        # `every`: hours between doses until the next decision, 0 for a single one.
        action=(("row", "1"), ("amount", unit), ("dose", recorded), ("duration", "h"), ("every", "h"), ("wait", "d")),
        terms=env.spec.terms,
        costs=env.spec.costs,
        channels=t.channels,
        horizon=t.days * DAY,
        about={"weights": list(env.spec.weights), "model": env.model.id, **about},
    )


def collect(
    env: TreatmentEnvironment,
    arm: Arm,
    patients: Any,
    key: Any,
    explore: float = 0.0,
    progress: Callable[[int], None] = lambda done: None,
    about: Mapping[str, Any] | None = None,
) -> Trajectories:
    """The decisions of `arm` on all patients.

    Args:
        explore: probability of trying any dose that may be given instead, so that the table can tell
            what other doses would have done.
        about: for the table's header.

    Raises:
        ValueError: when `explore` is no probability.
    """
    if not 0.0 <= explore <= 1.0:
        raise ValueError(f"explore is {explore}; it must lie between 0 and 1")
    whole: dict[str, Any] = in_chunks(recorder(env, arm, explore), patients, key, progress)
    subject, step = np.nonzero(whole.pop("alive"))
    found = {name: column[subject, step] for name, column in whole.items()}
    subject = np.asarray(patients.id)[subject]
    return Trajectories(layout(env, about or {}), subject=subject, step=step, split=split_of(subject), **found)
