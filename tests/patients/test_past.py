"""A record cut into stretches: the same on the host and inside a compiled program, nothing lost on the way."""

from __future__ import annotations

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.patients import past, posterior
from posology.patients.course import Frame, follow
from posology.patients.past import Dosed, Measurement, by_dose, stretches, together
from posology.patients.prior import Prior

sys.path.insert(0, str(Path(__file__).parent))
from toy_models import level, toy  # noqa: E402

DOSES = [Dosed(0.0, 100.0), Dosed(24.0, 80.0), Dosed(40.0, 60.0)]
SEEN = [Measurement(-2.0, "concentration", 0.1), Measurement(5.0, "concentration", 6.0), Measurement(24.0, "concentration", 1.2),
        Measurement(30.0, "concentration", 5.0), Measurement(60.0, "concentration", 3.0)]  # fmt: skip
NOW = 70.0


def traced(doses, seen, now, room=8):
    rows = [(d.time, d.amount, d.duration, True) for d in doses] + [(m.time, m.value, 0.0, False) for m in seen]
    rows = rows[::-1]  # any order
    time, value, duration, is_dose = (jnp.array(c) for c in zip(*rows, strict=True))
    return jax.jit(lambda: by_dose(time, value, duration, is_dose, jnp.zeros(len(rows), int), ~is_dose, now, room, 4))()


def told(m, increment, frame):
    """Everything a belief sees: the predicted values, what was measured, and the last state."""
    prior = Prior(m)
    z = jnp.zeros(posterior.size(prior, len(increment.span)))
    x, predicted = jax.jit(lambda i: posterior.replay(prior, frame, prior.typical({}), z, i))(increment)
    present = np.asarray(increment.present)
    return np.asarray(predicted)[present], np.asarray(increment.value)[present], float(x.central)


def test_stretches_on_the_host_equal_those_inside_a_program():
    m = toy()
    host, frame = stretches(m, DOSES, SEEN, NOW)
    for mine, theirs in zip(told(m, host, frame), told(m, traced(DOSES, SEEN, NOW), frame), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5)


def test_what_comes_after_the_time_asked_is_not_read():
    m = toy()
    early, _ = stretches(m, DOSES, SEEN, 30.0)
    again, _ = stretches(m, DOSES[:2], SEEN[:4], 30.0)
    for a, b in zip(early, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_doses_given_together_are_one():
    m = toy()
    one, frame = stretches(m, [Dosed(0.0, 100.0)], SEEN[1:2], NOW)
    both, _ = stretches(m, [Dosed(0.0, 70.0), Dosed(0.0, 30.0)], SEEN[1:2], NOW)
    assert told(m, one, frame)[0] == pytest.approx(told(m, both, frame)[0])
    assert told(m, one, frame)[0][0] == pytest.approx(level(5.0), rel=1e-5)
    infused = [Dosed(0.0, 70.0, 2.0), Dosed(0.0, 30.0, 2.0)]
    host, frame = stretches(m, infused, SEEN[1:2], NOW)
    np.testing.assert_allclose(told(m, host, frame)[0], told(m, traced(infused, SEEN[1:2], NOW), frame)[0], rtol=1e-5)


def test_an_infusion_that_still_runs_at_the_next_dose_is_refused():
    with pytest.raises(ValueError, match="the dose at 0 h over 24 h still runs at the next one, at 12 h"):
        stretches(toy(), [Dosed(0.0, 1.0, 24.0), Dosed(12.0, 1.0)], [], NOW)


def test_a_reading_without_a_residual_error_tells_nothing():
    increment, _ = stretches(toy(), DOSES, [Measurement(5.0, "weight", 1.0)], NOW)
    assert not increment.present.any()


def test_a_past_without_a_dose_is_one_stretch():
    increment, frame = stretches(toy(), [], [Measurement(3.0, "concentration", 1.0)], 10.0)
    assert increment.present.sum() == 1 and increment.span.tolist() == [7.0]
    assert frame.infusion == 0.0


def test_pasts_of_many_patients_are_padded_without_changing_any():
    m = toy()
    alone = [stretches(m, DOSES[:n], SEEN[: n + 1], NOW) for n in (1, 3)]
    whole, frame = together(alone)
    for k, (mine, own) in enumerate(alone):
        padded = jax.tree.map(lambda v, k=k: v[k], whole)
        for a, b in zip(told(m, mine, own), told(m, padded, frame), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5)


def test_the_size_of_a_past_is_one_of_few():
    assert past.at_least(5, past.COUNTS) == 6
    with pytest.raises(ValueError, match="at most 512"):
        past.at_least(600, past.COUNTS)


def test_the_frame_may_be_longer_than_needed():
    m = toy()
    increment, _ = stretches(m, DOSES, SEEN, NOW)
    first = jax.tree.map(lambda v: v[0], increment)
    p = m.Params()
    short, long = (jax.jit(lambda i, s=s: follow(m, Frame(s, 0.0), p, m.baseline(p), i).predicted)(first) for s in (72.0, 500.0))
    np.testing.assert_allclose(short[: first.present.sum()], long[: first.present.sum()], rtol=1e-5)
