"""Synthetic patients: drawn as the table says, with a posterior that agrees with enumeration."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import pytest

from posology.symptoms.generator import (
    ABSENT,
    MISSING,
    MUTE,
    NOISE,
    PRESENT,
    UNKNOWN,
    Numbers,
    Patients,
    best_accuracy,
    draw,
    posterior,
    shipped,
)
from posology.symptoms.table import table
from posology.symptoms.words import GROUP_IDS

ADULT = GROUP_IDS.index("adult")
LIKELY = np.array([[0.9, 0.2, 0.5, 0.1], [0.3, 0.8, 0.5, 0.1], [0.1, 0.1, 0.6, 0.9]])
PREVALENCE, FEMALE, EFFECT = (0.5, 0.3, 0.2), 0.6, (1.0, 3.0, 0.5)
SMALL = Numbers(
    np.eye(len(GROUP_IDS))[ADULT], FEMALE, np.zeros((0, len(GROUP_IDS))), np.zeros(0, bool), np.array(PREVALENCE),
    np.ones((3, len(GROUP_IDS))), np.array(EFFECT), np.ones((3, 0)), LIKELY, np.zeros(4, bool),
)  # fmt: skip


def joint(woman, record, noise, missing):
    """P(sex, record, disease) of the small table for each disease, in plain arithmetic."""
    weights = [p * (e if woman else 1) for p, e in zip(PREVALENCE, EFFECT, strict=True)]
    found = []
    for weight, likely in zip(weights, LIKELY, strict=True):
        written = [p * (1 - noise) + (1 - p) * noise for p in likely]
        told = [q if r == PRESENT else 1 - q for q, r in zip(written, record, strict=True)]
        each = [missing if r == UNKNOWN else (1 - missing) * q for q, r in zip(told, record, strict=True)]
        found.append((FEMALE if woman else 1 - FEMALE) * weight / sum(weights) * prod(each))
    return found


@pytest.mark.parametrize(("noise", "missing"), [(0.0, 0.0), (0.05, 0.05), (0.2, 0.3)])
def test_the_best_accuracy_agrees_with_enumeration_of_every_record(noise, missing):
    every = [joint(w, r, noise, missing) for w in (False, True) for r in product((ABSENT, PRESENT, UNKNOWN), repeat=4)]
    assert sum(map(sum, every)) == pytest.approx(1)
    found = best_accuracy(40_000, 5, SMALL, noise, missing)
    assert abs(found.value - sum(map(max, every))) < 4 * found.error < 0.01


def test_the_posterior_is_that_of_plain_arithmetic():
    for woman, record in ((True, (1, 0, 2, 2)), (False, (0, 0, 0, 1)), (True, (2, 2, 2, 2))):
        group, female, codes = (np.array([c], np.int8) for c in (ADULT, woman, record))
        one = Patients(np.array([40.0]), group, female, np.zeros((1, 0), np.int8), codes, np.zeros(1, np.int8))
        each = joint(woman, record, NOISE, MISSING)
        assert posterior(one, SMALL)[0] == pytest.approx([p / sum(each) for p in each])


@pytest.fixture(scope="module")
def many():
    return draw(60_000, 8)


def test_patients_come_with_the_shares_of_the_table(many):
    people = table().population
    for group, share in people.ages.items():
        assert (many.group == GROUP_IDS.index(group)).mean() == pytest.approx(share, abs=0.01)
    assert many.female.mean() == pytest.approx(people.female, abs=0.01)
    adult = many.group == ADULT
    pregnant = many.history[:, table().history_ids.index("pregnancy")] == 1
    assert not (pregnant & (many.female == 0)).any()
    assert pregnant[adult & (many.female == 1)].mean() == pytest.approx(people.history["pregnancy"]["adult"], abs=0.01)


def test_symptoms_are_recorded_with_the_likelihood_of_the_table_the_noise_and_what_is_missing(many):
    fever, influenza = table().symptom_ids.index("fever"), table().disease_ids.index("influenza")
    codes = many.symptoms[many.disease == influenza, fever]
    assert (codes == UNKNOWN).mean() == pytest.approx(MISSING, abs=0.015)
    assert (codes[codes != UNKNOWN] == PRESENT).mean() == pytest.approx(0.68 * (1 - NOISE) + 0.32 * NOISE, abs=0.025)


def test_who_cannot_speak_tells_nothing_that_only_he_could(many):
    mute = np.isin(many.group, [GROUP_IDS.index(g) for g in MUTE])
    assert (many.symptoms[mute][:, shipped().told] == UNKNOWN).all()
    assert (many.symptoms[mute][:, ~shipped().told] != UNKNOWN).mean() > 0.9


def test_bayes_rule_is_right_as_often_as_it_says(many):
    found = posterior(many)
    assert found.sum(1) == pytest.approx(1)
    right = found.argmax(1) == many.disease
    assert abs(right.mean() - found.max(1).mean()) < 4 * right.std() / np.sqrt(right.size)


def test_the_same_seed_gives_the_same_patients_and_more_noise_less_accuracy():
    assert all(np.array_equal(a, b) for a, b in zip(draw(50, 1), draw(50, 1), strict=True))
    values = [best_accuracy(5_000, 2, noise=noise).value for noise in (0.0, 0.05, 0.2)]
    assert values[0] > values[1] > values[2]


def test_a_wrong_number_of_patients_or_share_is_refused():
    with pytest.raises(ValueError, match="rows is 0; allowed: at least 1"):
        draw(0, 1)
    with pytest.raises(ValueError, match="noise is 1.5; allowed: 0 to 1"):
        draw(5, 1, noise=1.5)
