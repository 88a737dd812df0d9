"""Synthetic patients drawn from the table, and the exact posterior of each: what no classifier can beat.

A patient is drawn in this order: age group, age within it, sex, history, then the disease by its weights (`table.py`),
then whether each symptom is there. What is written down is not always what is there:

    recorded = present, but flipped with probability NOISE;    P(recorded | d) = p (1 − NOISE) + (1 − p) NOISE
    unknown with probability MISSING, and always where the patient cannot yet speak and only he could tell.

A value is missing whatever the disease, so that it says nothing, and Bayes' rule over what is recorded is exact:

    P(d | x) ∝ P(d | age group, sex, history) · Π over recorded symptoms of P(recorded | d)

The best accuracy that any rule can have is the mean of maxₔ P(d | x) over patients; it is averaged over drawn patients
(3²⁶ records are too many to list), which leaves a Monte-Carlo error that is stated.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posology.symptoms.table import Table, table
from posology.symptoms.words import GROUP_IDS, GROUPS

NOISE = 0.05  # share of symptoms written down wrongly; assumed, and fixed before any classifier was fitted
MISSING = 0.05  # share of symptoms not asked for; assumed, fixed likewise
OLDEST = 95.0  # years, the oldest synthetic patient; assumed
MUTE = ("neonate", "infant")  # who tells no symptom; assumed: real two-year-olds tell some
ABSENT, PRESENT, UNKNOWN = 0, 1, 2  # codes of a recorded symptom
BAYES_ROWS = 200_000  # patients behind the exact accuracy: a standard error near 0.05 points
BAYES_SEED = 4

Array = NDArray[np.float64]
Codes = NDArray[np.int8]


class Patients(NamedTuple):
    """N patients: age in years [N], codes of group, sex (1: female) [N], history [N, H], symptoms [N, S], and disease [N]."""

    age: Array
    group: Codes
    female: Codes
    history: Codes
    symptoms: Codes
    disease: Codes

    def pick(self, rows: ArrayLike) -> Patients:
        """Some of them."""
        return Patients(*(each[np.asarray(rows)] for each in self))


class Numbers(NamedTuple):
    """The table as arrays over groups A, history H, symptoms S and diseases D."""

    groups: Array  # [A] shares
    female: float
    history: Array  # [H, A] shares; of women where only they have it
    of_women: NDArray[np.bool_]  # [H]
    prevalence: Array  # [D]
    by_group: Array  # [D, A]
    by_female: Array  # [D]
    by_history: Array  # [D, H]
    present: Array  # [D, S] P(symptom | disease)
    told: NDArray[np.bool_]  # [S]


class Accuracy(NamedTuple):
    """The accuracy of Bayes' rule and its Monte-Carlo standard error."""

    value: float
    error: float
    rows: int


def numbers(of: Table) -> Numbers:
    """The arrays of a table."""
    ids, people, diseases = of.history_ids, of.population, of.diseases
    return Numbers(
        np.array([people.ages.get(g, 0.0) for g in GROUP_IDS]),
        people.female,
        np.array([[people.history[h].get(g, 0.0) for g in GROUP_IDS] for h in ids]).reshape(len(ids), len(GROUP_IDS)),
        np.array([h == "pregnancy" for h in ids], bool),
        np.array([d.prevalence for d in diseases]),
        np.array([[d.ages.get(g, 1.0) for g in GROUP_IDS] for d in diseases]),
        np.array([d.female for d in diseases]),
        np.array([[d.history.get(h, 1.0) for h in ids] for d in diseases]).reshape(len(diseases), len(ids)),
        np.array([[d.symptoms.get(s.id, s.elsewhere) for s in of.symptoms] for d in diseases]),
        np.array([s.told for s in of.symptoms], bool),
    )


@cache
def shipped() -> Numbers:
    """The arrays of the table that ships."""
    return numbers(table())


def prior(of: Numbers, group: ArrayLike, female: ArrayLike, history: ArrayLike) -> Array:
    """P(disease | age group, sex, history), [N, D]."""
    women, had = np.asarray(female)[:, None] == 1, np.asarray(history)[:, None, :] == 1
    weights = of.prevalence * of.by_group[:, np.asarray(group)].T
    weights = weights * np.where(women, of.by_female, 1.0) * np.where(had, of.by_history, 1.0).prod(-1)
    return weights / weights.sum(1, keepdims=True)


def draw(rows: int, seed: int, of: Numbers | None = None, noise: float = NOISE, missing: float = MISSING) -> Patients:
    """So many synthetic patients; the same seed gives the same.

    Raises:
        ValueError: for a number of patients below 1, or shares outside 0 to 1.
    """
    if rows < 1:
        raise ValueError(f"rows is {rows}; allowed: at least 1")
    for name, share in (("noise", noise), ("missing", missing)):
        if not 0 <= share <= 1:
            raise ValueError(f"{name} is {share:g}; allowed: 0 to 1")
    of, random = of or shipped(), np.random.default_rng(seed)
    group = random.choice(len(GROUPS), size=rows, p=of.groups)
    least, below = (np.array([getattr(g, edge) for g in GROUPS])[group] for edge in ("least", "below"))
    age = random.uniform(least, np.minimum(below, OLDEST))
    female = random.random(rows) < of.female
    history = random.random((rows, len(of.history))) < of.history[:, group].T
    history &= female[:, None] | ~of.of_women
    chances = prior(of, group, female, history).cumsum(1)
    disease = (random.random(rows)[:, None] > chances[:, :-1]).sum(1)
    there = random.random((rows, of.told.size)) < of.present[disease]
    recorded = there ^ (random.random(there.shape) < noise)
    mute = np.isin(group, [GROUP_IDS.index(g) for g in MUTE])[:, None] & of.told
    unknown = mute | (random.random(there.shape) < missing)
    symptoms = np.where(unknown, UNKNOWN, recorded)
    return Patients(age, *(each.astype(np.int8) for each in (group, female, history, symptoms, disease)))


def posterior(patients: Patients, of: Numbers | None = None, noise: float = NOISE) -> Array:
    """P(disease | what is recorded) by Bayes' rule, [N, D]; exact for patients of this generator."""
    of = of or shipped()
    chance = of.present * (1 - noise) + (1 - of.present) * noise
    with np.errstate(divide="ignore"):  # a disease that an age group does not have
        logs = np.log(prior(of, patients.group, patients.female, patients.history))
        yes, no = (np.maximum(np.log(each), -1e6).T for each in (chance, 1 - chance))
    logs = logs + (patients.symptoms == PRESENT) @ yes + (patients.symptoms == ABSENT) @ no
    weights = np.exp(logs - logs.max(1, keepdims=True))
    return weights / weights.sum(1, keepdims=True)


def best_accuracy(
    rows: int = BAYES_ROWS, seed: int = BAYES_SEED, of: Numbers | None = None, noise: float = NOISE, missing: float = MISSING
) -> Accuracy:
    """What the best rule reaches on this generator, averaged over so many drawn patients."""
    sure = posterior(draw(rows, seed, of, noise, missing), of, noise).max(1)
    return Accuracy(float(sure.mean()), float(sure.std(ddof=1) / np.sqrt(rows)), rows)
