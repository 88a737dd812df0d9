"""A small decision tree that does nearly what a policy does, with how nearly.

The tree (CART, Breiman L et al. Classification and Regression Trees, 1984; scikit-learn) learns the doses that the policy chose
on simulated visits. Its fidelity is the share of visits of other patients at which it gives the same dose; patients are redrawn
for the interval, since visits of one patient are alike. A tree explains the policy only as far as that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from posology.evaluation.intervals import Interval, interval, proportion
from posology.explanation.readable import Readable

DEPTH = 4
HELD_OUT = 0.3  # share of the patients that the tree is judged on
FEWEST = 0.02  # share of the visits that a leaf must hold


class Distilled(NamedTuple):
    """A fitted tree over features, its `fidelity` on visits of patients held out, that of always giving the commonest dose there
    (`commonest`), and how many visits of how many patients it was fitted and judged on."""

    tree: DecisionTreeClassifier
    names: tuple[str, ...]
    units: tuple[str, ...]
    labels: tuple[str, ...]
    fidelity: Interval
    commonest: float
    fitted: tuple[int, int]
    judged: tuple[int, int]


def distilled(features: Readable, chosen: np.ndarray, labels: Sequence[str], subject: np.ndarray, seed: int = 0) -> Distilled:
    """The tree of at most four questions for these visits.

    Args:
        chosen: index into `labels` of what the policy chose at each visit, `[N]`.
        subject: the patient of each visit, `[N]`; whole patients are held out.

    Raises:
        ValueError: for visits of fewer than ten patients.
    """
    patients = np.unique(subject)
    if len(patients) < 10:
        raise ValueError(f"a tree needs visits of at least 10 patients, got {len(patients)}")
    order = np.random.default_rng(seed).permutation(patients)
    held = np.isin(subject, order[: round(HELD_OUT * len(patients))])
    tree = DecisionTreeClassifier(max_depth=DEPTH, min_samples_leaf=max(1, round(FEWEST * (~held).sum())), random_state=0)
    tree.fit(features.values[~held], chosen[~held])
    same = tree.predict(features.values[held]) == chosen[held]
    often = np.bincount(chosen[~held]).argmax()
    judged = np.unique(subject[held])
    equal, visits = (np.array([v[subject[held] == p].sum() for p in judged]) for v in (same, np.ones_like(same, int)))
    fitted = (int((~held).sum()), len(patients) - len(judged))
    return Distilled(
        tree, features.names, features.units, tuple(labels), _share(equal, visits),
        float((chosen[held] == often).mean()), fitted, (int(held.sum()), len(judged)),
    )  # fmt: skip


def _share(equal: np.ndarray, visits: np.ndarray) -> Interval:
    """The share of equal doses over patients; where none or all are equal, redrawing patients would show no doubt, so that the
    interval is the exact one of as many patients."""
    if 0 < equal.sum() < visits.sum():
        return interval(equal, visits, draws=2000)
    return proportion(len(visits) if equal.any() else 0, len(visits))


def rules(d: Distilled) -> list[str]:
    """The tree as text, one line per question or dose, indented by depth. Questions that change no dose are left out."""
    t = d.tree.tree_
    lines: list[str] = []

    def walk(node: int, depth: int) -> None:
        indent = "  " * depth
        if len(_doses(d, node)) == 1:
            lines.append(f"{indent}{_leaf(d, node)}")
            return
        for child, question in zip((t.children_left[node], t.children_right[node]), _questions(d, node), strict=True):
            lines.append(f"{indent}if {question}:")
            walk(child, depth + 1)

    walk(0, 0)
    return lines


def path(d: Distilled, features: np.ndarray) -> tuple[list[str], str]:
    """What of one visit's features `[F]` leads through the tree, a statement for each that is asked about, and the dose there."""
    t, node = d.tree.tree_, 0
    asked: dict[int, tuple[float, float]] = {}
    while len(_doses(d, node)) > 1:
        feature, bound = int(t.feature[node]), float(t.threshold[node])
        at = features[feature]
        left = t.missing_go_to_left[node] if np.isnan(at) else np.float32(at) <= bound
        low, high = asked.get(feature, (-np.inf, np.inf))
        asked[feature] = (low, min(high, bound)) if left else (max(low, bound), high)
        node = int(t.children_left[node] if left else t.children_right[node])
    said = [_statement(d, f, bounds, bool(np.isnan(features[f]))) for f, bounds in asked.items()]
    return said, d.labels[_given(d, node)]


def _statement(d: Distilled, feature: int, bounds: tuple[float, float], missing: bool) -> str:
    if missing:
        return f"{d.names[feature]} is not known"
    words = [f"{word} {bound:.3g}" for word, bound in zip(("above", "at most"), bounds, strict=True) if np.isfinite(bound)]
    return f"{d.names[feature]} {' and '.join(words)}{_unit(d, feature)}"


def _doses(d: Distilled, node: int) -> set[int]:
    """The doses at the leaves below a node."""
    t = d.tree.tree_
    if t.children_left[node] < 0:
        return {_given(d, node)}
    return _doses(d, t.children_left[node]) | _doses(d, t.children_right[node])


def _given(d: Distilled, node: int) -> int:
    return int(d.tree.classes_[d.tree.tree_.value[node][0].argmax()])


def _leaf(d: Distilled, node: int) -> str:
    """The dose of a leaf, or of a node whose leaves all give it, and how many of its visits got it."""
    t = d.tree.tree_
    given = next(iter(_doses(d, node)))
    at = t.value[node][0]
    share = at[list(d.tree.classes_).index(given)] / at.sum()
    return f"{d.labels[given]} ({100 * share:.0f} % of {t.n_node_samples[node]} visits)"


def _unit(d: Distilled, feature: int) -> str:
    return "" if d.units[feature] == "1" else f" {d.units[feature]}"


def _questions(d: Distilled, node: int) -> tuple[str, str]:
    """What is asked at a node, answered yes and no; a missing value goes where it went in fitting, else with the larger part."""
    t = d.tree.tree_
    at, bound = t.feature[node], f"{t.threshold[node]:.3g}{_unit(d, t.feature[node])}"
    yes, no = (" or not known", "") if t.missing_go_to_left[node] else ("", " or not known")
    return f"{d.names[at]} at most {bound}{yes}", f"{d.names[at]} above {bound}{no}"
