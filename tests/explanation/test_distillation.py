"""A distilled tree: a rule that is a tree comes back, its words agree with it, and its fidelity is that of other patients."""

from __future__ import annotations

import numpy as np
import pytest

from posology.explanation.distillation import distilled, path, rules
from posology.explanation.readable import Readable

NAMES = ("latest anc", "bilirubin", "age")


def made(patients=300, noise=0.0, seed=0):
    """Visits of a rule: wait below 1.5, else 110 above 26 of bilirubin, else 175; some bilirubins are not known."""
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(patients), 4)
    x = np.stack([rng.lognormal(0.8, 0.6, 4 * patients), rng.lognormal(3, 0.5, 4 * patients), rng.normal(60, 9, 4 * patients)], 1)
    x[rng.random(len(x)) < 0.1, 1] = np.nan
    chosen = np.where(x[:, 0] < 1.5, 0, np.where(x[:, 1] > 26, 1, 2))
    lot = rng.random(len(x)) < noise
    chosen[lot] = rng.integers(0, 3, lot.sum())
    return Readable(NAMES, ("10*9/L", "umol/L", "a"), x), chosen, ("wait", "110 mg/m2", "175 mg/m2"), subject


def test_a_rule_comes_back_with_its_thresholds_and_units():
    d = distilled(*made())
    assert d.fidelity.mean == d.fidelity.upper == 1
    assert d.fidelity.lower == pytest.approx(0.025 ** (1 / 90))  # 90 of 90 patients, Clopper and Pearson
    text = "\n".join(rules(d))
    assert "latest anc at most 1.5 10*9/L" in text and "bilirubin above 26" in text and "umol/L" in text
    assert "age" not in text
    assert text.count("wait (100 % of") == 1


def test_fidelity_is_judged_on_patients_the_tree_has_not_seen():
    features, chosen, labels, subject = made(noise=0.3)
    d = distilled(features, chosen, labels, subject)
    assert d.fitted[1] + d.judged[1] == 300 and d.judged == (360, 90) and d.fitted == (840, 210)
    assert d.fidelity.mean == pytest.approx(0.8, abs=0.05)  # what is given at random can be met once in three
    assert 0.02 < d.fidelity.upper - d.fidelity.lower < 0.12
    assert d.commonest < d.fidelity.mean
    shuffled = distilled(features, np.random.default_rng(1).permutation(chosen), labels, subject)
    assert shuffled.fidelity.mean <= shuffled.commonest + 0.05


def test_the_path_of_a_visit_is_true_of_it_and_ends_at_the_predicted_dose():
    features, chosen, labels, subject = made()
    d = distilled(features, chosen, labels, subject)
    for row in features.values[:100]:
        said, dose = path(d, row)
        assert dose == labels[d.tree.predict(row[None])[0]]
        assert all(any(s.startswith(name) for name in NAMES) for s in said)
        for s in said:
            name = next(n for n in NAMES if s.startswith(n))
            value = row[NAMES.index(name)]
            if np.isnan(value):
                assert s == f"{name} is not known"
            elif "above" in s:
                assert value > float(s.split("above ")[1].split()[0]) * 0.99


def test_too_few_patients_make_no_tree():
    features, chosen, labels, subject = made(patients=9)
    with pytest.raises(ValueError, match="at least 10 patients, got 9"):
        distilled(features, chosen, labels, subject)
