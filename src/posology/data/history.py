"""What is known of a patient up to now: covariates, measured values, given doses. Nothing hidden.

A `History` holds fixed-size arrays, so that it can live inside a compiled program; its entries may
stand in any order of time. `encode` turns it into an observation and is the only function that does,
for a simulated patient, a record and a row of a table alike: every kept value comes with its age and
a flag that says whether it exists, so irregular visits and off-grid doses need no special case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

DAY = 24.0  # hours


@dataclass(frozen=True)
class Channel:
    """One kind of entry of a history, and how its last `keep` values enter an observation.

    `kind` is "covariate", "reading" or "dose". A value v enters as (v − centre)/scale, after ln when
    `log`. A dose with `per` set is divided by the latest value of that covariate (mg per m², per kg).
    """

    name: str
    unit: str
    kind: str
    keep: int = 1
    log: bool = False
    centre: float = 0.0
    scale: float = 1.0
    per: str = ""


class History(NamedTuple):
    """Entries of one patient, shape `[E]` each.

    `time` and `duration` in hours, `what` an index into the channels, `value` in the channel's unit
    (a dose in mg, whatever the policy chose by), `present` whether the entry exists.
    """

    time: Any
    what: Any
    value: Any
    duration: Any
    present: Any


def empty(size: int) -> History:
    """A history with room for `size` entries."""
    import jax.numpy as jnp

    zero = jnp.zeros(size, jnp.float32)
    return History(zero, jnp.zeros(size, jnp.int32), zero, zero, jnp.zeros(size, bool))


def write(history: History, at: Any, entries: History) -> History:
    """The history with `entries` written from position `at` on."""
    import jax

    def put(whole: Any, part: Any) -> Any:
        return jax.lax.dynamic_update_slice(whole, part.astype(whole.dtype), (at,))

    return History(*map(put, history, entries))


def latest(history: History, channel: int, now: Any) -> tuple[Any, Any]:
    """Latest value of a channel up to `now` and its age in hours; NaN where there is none."""
    import jax.numpy as jnp

    mine = history.present & (history.what == channel) & (history.time <= now)
    when = jnp.where(mine, history.time, -jnp.inf)
    i = jnp.argmax(when)
    known = jnp.any(mine)
    return jnp.where(known, history.value[i], jnp.nan), jnp.where(known, now - history.time[i], jnp.nan)


def _by_time(history: History) -> History:
    """The entries in order of time; those of the same time stay as they stood."""
    import jax
    import jax.numpy as jnp

    order = jnp.argsort(history.time, stable=True)
    return History(*jax.tree.map(lambda v: v[order], history))


def _kept(history: History, channel: int, keep: int, now: Any) -> tuple[Any, Any, Any]:
    """The last `keep` entries of a channel in a history in order of time, newest first: values, ages and
    flags, `[keep]` each."""
    import jax.numpy as jnp

    mine = history.present & (history.what == channel) & (history.time <= now)
    newer = jnp.cumsum(mine[::-1])[::-1] - mine  # 0 for the newest
    pick = mine[None, :] & (newer[None, :] == jnp.arange(keep)[:, None])
    value = jnp.sum(jnp.where(pick, history.value[None, :], 0.0), axis=1)
    age = jnp.sum(jnp.where(pick, now - history.time[None, :], 0.0), axis=1)
    return value, age, jnp.any(pick, axis=1)


def encode(history: History, now: Any, channels: tuple[Channel, ...], horizon: float) -> Any:
    """The observation at time `now` (hours): `[features]`, float32, in the order of `feature_names`.

    `horizon` in hours scales time and ages.
    """
    import jax.numpy as jnp

    names, history = [c.name for c in channels], _by_time(history)
    parts = [jnp.asarray(now / horizon, jnp.float32)[None]]
    for i, channel in enumerate(channels):
        value, age, known = _kept(history, i, channel.keep, now)
        if channel.per:
            value = value / latest(history, names.index(channel.per), now)[0]
        if channel.log:
            value = jnp.log(jnp.maximum(value, 1e-6))
        scaled = jnp.where(known, (value - channel.centre) / channel.scale, 0.0)
        flag = known.astype(jnp.float32)
        if channel.kind == "covariate":
            parts += [scaled, flag]
        else:
            parts += [scaled, jnp.where(known, age / horizon, 0.0), flag]
    return jnp.concatenate(parts).astype(jnp.float32)


def feature_names(channels: tuple[Channel, ...]) -> tuple[tuple[str, str], ...]:
    """Name and unit of each feature of `encode`."""
    names: list[tuple[str, str]] = [("time", "share of horizon")]
    for c in channels:
        value = f"ln {c.unit}" if c.log else c.unit
        kept = range(1, c.keep + 1)
        names += [(f"{c.name}[-{k}]", f"scaled {value}") for k in kept]
        if c.kind != "covariate":
            names += [(f"{c.name}[-{k}] age", "share of horizon") for k in kept]
        names += [(f"{c.name}[-{k}] known", "1") for k in kept]
    return tuple(names)
