"""A ring of past decisions on the device. Rows are a pytree with leading axis `capacity`."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Replay(NamedTuple):
    """`rows[i]` for `i < filled` are decisions; the next one goes to `position`."""

    rows: Any
    position: Any
    filled: Any

    @property
    def capacity(self) -> int:
        """How many rows fit."""
        return int(jax.tree.leaves(self.rows)[0].shape[0])


def empty(row: Any, capacity: int) -> Replay:
    """A replay without rows; `row` is one example (arrays or shapes with dtypes)."""
    rows = jax.tree.map(lambda x: jnp.zeros((capacity, *x.shape), x.dtype), row)
    return Replay(rows, jnp.int32(0), jnp.int32(0))


def enough(capacity: int, patients: int, steps: int) -> None:
    """Raise a `ValueError` when the decisions of so many patients do not fit a replay."""
    if patients * steps > capacity:
        raise ValueError(f"capacity is {capacity}; {patients} patients of {steps} decisions need more")


def add(replay: Replay, rows: Any, keep: Any) -> Replay:
    """The replay with `rows[i]` wherever `keep[i]`; padding takes no place. At most `capacity` rows."""
    place, count = places(replay, keep), jnp.sum(keep, dtype=jnp.int32)
    stored = jax.tree.map(lambda old, new: old.at[place].set(new, mode="drop"), replay.rows, rows)
    filled = jnp.minimum(replay.filled + count, replay.capacity)
    return Replay(stored, (replay.position + count) % replay.capacity, filled)


def places(replay: Replay, keep: Any) -> Any:
    """Where rows go that are added next; `capacity`, which lies beyond the end, for those that are not kept."""
    if keep.shape[0] > replay.capacity:
        raise ValueError(f"{keep.shape[0]} rows at once do not fit a replay of capacity {replay.capacity}")
    rank = jnp.cumsum(keep.astype(jnp.int32))
    return jnp.where(keep, (replay.position + rank - 1) % replay.capacity, replay.capacity)


def sample(replay: Replay, key: Any, n: int) -> Any:
    """`n` rows drawn with replacement from those filled."""
    at = jax.random.randint(key, (n,), 0, jnp.maximum(replay.filled, 1))
    return jax.tree.map(lambda x: x[at], replay.rows)
