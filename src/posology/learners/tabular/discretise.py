"""Cells for observations of many numbers: k-means on what patients showed under random doses.

    centres minimise Σ ‖x − nearest centre‖²,  x in standard deviations       Lloyd 1982, doi:10.1109/TIT.1982.1056489

Komorowski 2018 (doi:10.1038/s41591-018-0213-5) made the states of its sepsis process so. Where a problem has
finitely many states the cells are these.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners.exploration import scout
from posology.policies import network as net
from posology.policies.tabular import Table

ROUNDS = 25


def form(spec: Spec, cells: int) -> Table:
    """The table of a problem: its states, or so many cells."""
    if spec.states:
        return Table(spec.size, len(spec.actions), spec.states)
    return Table(spec.size, len(spec.actions), cells, nearest=True)


def fit(key: Any, env: Environment, cells: int) -> dict[str, Any]:
    """What the table of `form` needs to find a cell: centres and the scale of the observations."""
    if env.spec.states:
        return {}
    first, second = jax.random.split(key)
    seen, alive, moments = scout(first, env)
    scaled = jax.vmap(jax.vmap(net.normalise, (0, None, None)), (0, None, None))(seen, moments.mean, moments.sd)
    centres = k_means(second, scaled.reshape(-1, env.spec.size), alive.reshape(-1), cells)
    return {"centres": centres, "observation.mean": moments.mean, "observation.sd": moments.sd}


def k_means(key: Any, points: Any, present: Any, cells: int) -> Any:
    """Centres `[cells, size]` of the `points[n, size]` that are `present`.

    They begin at points drawn evenly; one that nothing is nearest to stays where it is.
    """
    weight = present.astype(jnp.float32)
    drawn = jax.random.categorical(key, jnp.where(present, 0.0, -jnp.inf), shape=(cells,))

    def closer(_: Any, centres: Any) -> Any:
        distance = jnp.sum(centres**2, axis=1)[None] - 2 * points @ centres.T  # ‖x‖² is the same for all centres
        mine = jax.nn.one_hot(jnp.argmin(distance, axis=1), cells) * weight[:, None]
        count = jnp.sum(mine, axis=0)[:, None]
        return jnp.where(count > 0, mine.T @ points / jnp.maximum(count, 1.0), centres)

    return jax.lax.fori_loop(0, ROUNDS, closer, points[drawn])
