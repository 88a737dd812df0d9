"""Networks, running moments and the replay."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.learners import networks, replay
from posology.policies import network as net
from posology.policies.network import Network


@pytest.mark.parametrize("memory", ["none", "window", "gru"])
def test_stepping_and_unrolling_an_episode_agree(memory):
    network = Network(3, 2, hidden=(8, 8), memory=memory, span=4)
    params = networks.initial(jax.random.key(0), network)
    assert {k: v.shape for k, v in params.items()} == net.shapes(network)
    xs = jax.random.normal(jax.random.key(1), (6, 3))
    held, stepped = net.start(network), []
    for x in xs:
        out, held = net.step(network, params, x, held)
        stepped.append(out)
    np.testing.assert_allclose(np.stack(stepped), net.unroll(network, params, xs), atol=1e-5)


def test_first_weights_are_orthogonal_with_their_gain():
    params = networks.initial(jax.random.key(0), Network(5, 3, hidden=(16, 8)), head_gain=0.01)
    for name, gain in {"layer0.w": 2**0.5, "layer1.w": 2**0.5, "head.w": 0.01}.items():
        w = np.asarray(params[name]) / gain
        gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-5)


def test_moments_in_pieces_equal_moments_of_all_present_values():
    values = np.random.default_rng(0).normal(50, 3, (40, 5, 2)).astype(np.float32)
    present = np.random.default_rng(1).random((40, 5)) < 0.7
    holes = np.where(present[..., None], values, np.nan)
    moments = networks.no_moments((2,))
    for rows in (slice(0, 3), slice(3, 30), slice(30, 40)):
        moments = networks.merge(moments, jnp.asarray(holes[rows]), jnp.asarray(present[rows]))
    np.testing.assert_allclose(moments.mean, values[present].mean(0), rtol=1e-5)
    np.testing.assert_allclose(moments.sd, values[present].std(0), rtol=1e-3)


def test_a_masked_dose_has_probability_zero_and_adds_no_entropy():
    logits, mask = jnp.array([0.0, 0.0, 50.0]), jnp.array([True, True, False])
    assert networks.log_probability(logits, mask, 0) == pytest.approx(np.log(0.5))
    assert networks.entropy(logits, mask) == pytest.approx(np.log(2))
    draws = jax.vmap(lambda k: jax.random.categorical(k, net.allowed(logits, mask)))(
        jax.random.split(jax.random.key(0), 1000)
    )
    assert set(np.asarray(draws)) == {0, 1}


def test_the_replay_drops_padding_and_overwrites_the_oldest():
    ring = replay.empty(jax.ShapeDtypeStruct((), jnp.float32), 4)
    ring = replay.add(ring, jnp.arange(4.0), jnp.array([True, False, True, True]))
    assert int(ring.filled) == 3
    np.testing.assert_array_equal(ring.rows[:3], [0, 2, 3])
    ring = replay.add(ring, jnp.array([10.0, 11.0]), jnp.array([True, True]))
    assert int(ring.filled) == 4
    np.testing.assert_array_equal(ring.rows, [11, 2, 3, 10])
    with pytest.raises(ValueError, match="capacity 4"):
        replay.add(ring, jnp.arange(5.0), jnp.ones(5, bool))


def test_sampling_never_returns_an_unfilled_row():
    ring = replay.add(replay.empty(jax.ShapeDtypeStruct((), jnp.float32), 64), jnp.full(3, 7.0), jnp.ones(3, bool))
    assert (replay.sample(ring, jax.random.key(0), 500) == 7).all()


def test_a_squashed_dose_stays_in_its_bounds():
    assert net.squash(jnp.float32(-50), 2.0, 9.0) == 2.0
    assert net.squash(jnp.float32(50), 2.0, 9.0) == 9.0
    assert net.squash(jnp.float32(0), 2.0, 9.0) == 5.5
