"""A warm start: learning that begins with the policy of a stored run instead of first weights.

The policy and the scale of its observations are taken over; what no run keeps (the critic, the optimiser's memory,
replayed decisions) starts anew. The moments of the observations count as many decisions as the stored run met,
so that they go on from there as they would have gone on in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from posology.environments.spec import Spec
from posology.learners.learner import Learner
from posology.learners.networks import Moments
from posology.policies import forms, storage

FOLLOWERS = ("mean", "slow")  # what is stored of a network that goes on learning: a copy that follows its weights


class Start(NamedTuple):
    """A stored run to begin with: what tells it from others, its arrays, how many decisions it met."""

    origin: dict[str, Any]
    arrays: Mapping[str, np.ndarray]
    decisions: int


def read(run: Path | str, learner: Learner, spec: Spec) -> Start:
    """The run in that folder, to begin with on the problem of that spec.

    Raises:
        ValueError: where it cannot be read, is of another learner, sees other things or has a policy of another form.
    """
    stored = storage.load_policy(run)
    record = stored.record
    if record["learner"] != learner.id:
        raise ValueError(f"{run} was learned by {record['learner']}; {learner.id} begins with a run of its own kind only")
    _same_observation(run, record["spec"], spec)
    was = forms.description(forms.read(record["form"]))
    for name, value in forms.description(learner.form(spec)).items():
        if was.get(name) != value:
            raise ValueError(f"the policy of {run} has {name} {was.get(name)}; here it would be {value}, and the two must agree")
    origin = {name: record.get(name) for name in ("treatment", "fingerprint", "seed", "arrays_sha256")}
    return Start(origin, stored.arrays, int(json.loads((stored.folder / "evaluation.json").read_text())["samples"]))


def _same_observation(run: Path | str, was: Mapping[str, Any], spec: Spec) -> None:
    before, now = [f["name"] for f in was["observation"]], [f.name for f in spec.observation]
    if before != now:
        differ = [f"{a} where {b} is seen here" for a, b in zip(before, now, strict=False) if a != b]
        raise ValueError(f"{run} sees {differ[0] if differ else f'{len(before)} numbers, here there are {len(now)}'}")


def begun(learner: Learner, state: Any, start: Start) -> Any:
    """The state before the first update with the policy of `start`.

    Raises:
        ValueError: for a learner that stores no copy of a network it goes on learning.
    """
    if hasattr(state, "inner"):
        parts = {name: _part(name, start.arrays) for name in state._fields}
        parts = {name: _put(getattr(state, name), part) for name, part in parts.items() if part}
        return state._replace(inner=begun(learner, state.inner, start), **parts)
    copies = [name for name in FOLLOWERS if name in state._fields]
    if not copies:
        raise ValueError(f"{learner.id} cannot begin with a stored run: it keeps no network that goes on learning")
    weights = {name: _put(getattr(state, name), start.arrays) for name in ("weights", *copies)}
    return state._replace(observations=_moments(start), **weights)


def _put(weights: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The weights with those that are stored; of an actor and a critic the actor's are."""
    if "actor" in weights:
        return {**weights, "actor": _put(weights["actor"], arrays)}
    return {name: jnp.asarray(arrays[name]) for name in weights}


def _part(name: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What is stored under the name of a field of the state."""
    return {key.removeprefix(f"{name}."): v for key, v in arrays.items() if key.startswith(f"{name}.")}


def _moments(start: Start) -> Moments:
    mean, sd = (jnp.asarray(start.arrays[f"observation.{name}"]) for name in ("mean", "sd"))
    count = jnp.float32(start.decisions)
    return Moments(count, mean, sd**2 * count)
