"""What an observation keeps of a history, against the rule said in plain Python."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posology.data.history import Channel, History, encode

CHANNELS = (Channel("weight", "kg", "covariate"), Channel("anc", "1", "reading", keep=3), Channel("dose", "mg", "dose", keep=2))
ROOM = 8
encoded = jax.jit(lambda history, now: encode(history, now, CHANNELS, 10.0))
entries = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 2), st.integers(1, 99), st.booleans()), min_size=ROOM, max_size=ROOM
)


def history_of(rows):
    time, what, value, present = (np.array(column) for column in zip(*rows, strict=True))
    return History(
        jnp.float32(time), jnp.int32(what), jnp.float32(value), jnp.zeros(len(rows), jnp.float32), jnp.asarray(present)
    )


def plainly(rows, now):
    """The newest first, and of two at the same time the one that was written later."""
    found = [now / 10]
    for i, channel in enumerate(CHANNELS):
        known = [(t, k, v) for k, (t, what, v, present) in enumerate(rows) if present and what == i and t <= now]
        newest = sorted(known, reverse=True)[: channel.keep]
        gap = [0.0] * (channel.keep - len(newest))
        found += [float(v) for _, _, v in newest] + gap
        if channel.kind != "covariate":
            found += [(now - t) / 10 for t, _, _ in newest] + gap
        found += [1.0] * len(newest) + gap
    return found


@settings(max_examples=100, deadline=None)
@given(entries, st.integers(0, 12))
def test_an_observation_keeps_the_newest_values_of_each_channel_up_to_now(rows, now):
    assert encoded(history_of(rows), jnp.float32(now)) == pytest.approx(plainly(rows, now), abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(entries, st.randoms(use_true_random=False))
def test_entries_of_different_times_may_stand_in_any_order(rows, chance):
    rows = [(t + 13 * k, *rest) for k, (t, *rest) in enumerate(rows)]
    shuffled = chance.sample(rows, len(rows))
    now = jnp.float32(60)
    assert np.array_equal(encoded(history_of(rows), now), encoded(history_of(shuffled), now))
