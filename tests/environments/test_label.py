"""Paclitaxel within the label: when a cycle may begin."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.data.history import DAY, History, empty, latest, write
from posology.environments.catalogue import treatment
from posology.environments.facts import facts_of
from posology.environments.protocol import Chosen, TreatmentEnvironment
from posology.environments.spec import Action
from posology.safety.shield import allowed, bound_name, offered

LABEL = treatment("paclitaxel-label-v1")
NAMES = [c.name for c in LABEL.channels]
NOW = 21 * DAY


def history(*entries):
    """A history of (time in days, channel, value)."""
    h = write(
        empty(20),
        0,
        History(
            jnp.array([t * DAY for t, *_ in entries]),
            jnp.array([NAMES.index(c) for _, c, _ in entries]),
            jnp.array([v for *_, v in entries]),
            jnp.zeros(len(entries)),
            jnp.ones(len(entries), bool),
        ),
    )
    return h


def rows(h, now=NOW):
    mask, abstained = offered(LABEL.limits, LABEL.spec, facts_of(h, now, LABEL))
    return [LABEL.actions[i].label for i in np.flatnonzero(mask)], bool(abstained)


def known(anc=3.0, bilirubin=7.0, days=20.0):
    return history((0, "bsa", 1.8), (0, "bilirubin", bilirubin), (0, "dose", 315.0), (days, "anc", anc))


def test_a_recovered_count_opens_every_dose_and_no_delay():
    labels, abstained = rows(known())
    assert labels == [a.label for a in LABEL.actions if not a.delay]
    assert not abstained


def test_a_low_count_offers_only_the_delay():
    assert rows(known(anc=1.49)) == (["wait a week"], False)
    assert "175 mg/m2" in rows(known(anc=1.5))[0]


def test_a_count_older_than_a_week_counts_as_missing():
    assert rows(known(days=13.9))[0] == ["wait a week"]


def test_after_two_delays_a_clinician_takes_over():
    h = history((0, "bsa", 1.8), (0, "bilirubin", 7.0), (0, "dose", 315.0), (35, "anc", 1.0))
    assert rows(h, now=35 * DAY)[1]


def test_bilirubin_lowers_the_largest_dose():
    labels, _ = rows(known(bilirubin=30.0))
    assert labels[-1] == "110 mg/m2"


def test_the_limit_that_bound_is_named():
    _, bound = allowed(LABEL.limits, LABEL.spec, facts_of(known(bilirubin=30.0), NOW, LABEL))
    assert bound_name(LABEL.limits, int(bound[-1])) == "paclitaxel-bilirubin"


def test_no_row_of_the_table_exceeds_the_label():
    assert max(a.amount for a in LABEL.actions) == 175.0
    assert isinstance(LABEL.actions[0], Action)
    assert LABEL.actions[0].delay


def test_a_delayed_patient_meets_the_same_noise_on_the_same_day():
    """On day 14 one course is a week behind the other; what differs from the true count does not."""
    env = TreatmentEnvironment(LABEL)
    key = jax.random.key(1)
    patient = jax.tree.map(lambda v: v[0], env.draw(key, 1))

    def measured_over_true(*doses):
        state, _, _ = env.reset(key, patient)
        for amount, wait in doses:
            start = state.day
            state, course = env.play(key, state, Chosen(jnp.float32(amount), jnp.float32(wait)), patient)
        measured, age = latest(state.history, NAMES.index("anc"), 14 * DAY)
        assert age == 0.0
        return measured / course.by_day[int(14 - start) - 1], course.by_day[int(14 - start) - 1]

    on_time, high = measured_over_true((175.0, 21.0))
    late, low = measured_over_true((0.0, 7.0), (175.0, 21.0))
    assert high != low
    assert float(on_time) == pytest.approx(float(late), rel=1e-5)
