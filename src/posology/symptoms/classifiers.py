"""Four classifiers of the synthetic patients: features one-hot, target label-encoded, settings chosen on validation alone.

Random forest, logistic regression, naive Bayes and a decision tree, each a scikit-learn pipeline. Every feature is a
category (age group, sex, history, a symptom that is absent or present) and becomes one column per category; an unknown
symptom has none, because that it was not asked for says nothing (a column of its own cost naive Bayes six points on
validation: a dozen unknowns of an infant counted as a dozen signs of infancy). Where nothing is unknown, multinomial
naive Bayes on such columns *is* categorical naive Bayes, because each feature adds one count. Nothing is stored: what is
fitted is fitted again from the generator within seconds and kept in the process only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from posology.symptoms.generator import MUTE, UNKNOWN, Array, Patients, draw
from posology.symptoms.table import SEXES, table
from posology.symptoms.words import GROUP_IDS

ROWS = 100_000
DATA_SEED, SPLIT_SEED, FIT_SEED = 1, 2, 3
VALIDATION, TEST = 0.2, 0.2  # shares of the rows; the rest trains

Setting = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A classifier: how it is built, what is chosen on validation with the values it may take, and what is not chosen."""

    title: str
    build: Callable[..., Any]
    chosen: Mapping[str, tuple[Any, ...]]
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def settings(self) -> list[Setting]:
        """Every combination of the values that are chosen from."""
        return [dict(zip(self.chosen, values, strict=True)) for values in product(*self.chosen.values())]


class Fitted(NamedTuple):
    """A fitted pipeline, the setting chosen, accuracy on validation by setting."""

    pipeline: Any
    setting: Setting
    validation: dict[str, float]


class Split(NamedTuple):
    """Patients to fit to, to choose settings on, and to judge by."""

    train: Patients
    validation: Patients
    test: Patients


def _forest(**settings: Any) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(**settings)


def _logistic(**settings: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(**settings)


def _bayes(**settings: Any) -> Any:
    from sklearn.naive_bayes import MultinomialNB

    return MultinomialNB(**settings)


def _tree(**settings: Any) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(**settings)


FOREST: Setting = {"n_estimators": 100, "random_state": FIT_SEED}
LEAVES, CRITERIA = (5, 10, 20, 40, 80), ("gini", "entropy")
CLASSIFIERS: dict[str, Kind] = {
    "random-forest": Kind("Random forest", _forest, {"min_samples_leaf": (1, 3, 10)}, FOREST),
    "logistic-regression": Kind("Logistic regression", _logistic, {"C": (0.01, 0.1, 1.0)}, {"max_iter": 1000}),
    "naive-bayes": Kind("Naive Bayes", _bayes, {"alpha": (0.1, 1.0, 10.0)}),
    "decision-tree": Kind(
        "Decision tree", _tree, {"criterion": CRITERIA, "min_samples_leaf": LEAVES}, {"random_state": FIT_SEED}
    ),
}


def features(patients: Patients) -> NDArray[np.int8]:
    """Codes of every category, [N, 2 + H + S]: age group, sex, history, symptoms."""
    return np.column_stack([patients.group, patients.female, patients.history, patients.symptoms])


def categories() -> list[NDArray[np.int8]]:
    """The codes that get a column of their own, by column of `features`."""
    of = table()
    sizes = [len(GROUP_IDS), len(SEXES), *[2] * (len(of.history_ids) + len(of.symptoms))]
    return [np.arange(size, dtype=np.int8) for size in sizes]


def one_hot() -> Any:
    """From codes to columns, float32."""
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(categories=categories(), handle_unknown="ignore", sparse_output=False, dtype=np.float32)


def pipeline(kind: Kind, setting: Mapping[str, Any]) -> Any:
    """One-hot encoding, then the classifier with its setting."""
    from sklearn.pipeline import make_pipeline

    return make_pipeline(one_hot(), kind.build(**kind.fixed, **setting))


def told(setting: Mapping[str, Any]) -> str:
    """A setting in words."""
    return ", ".join(f"{name}={value}" for name, value in setting.items())


def labels(patients: Patients) -> NDArray[np.int64]:
    """Diseases as the numbers of a label encoder, which sorts their names."""
    return encoder().transform(np.array(table().disease_ids)[patients.disease])


@cache
def encoder() -> Any:
    """From names of diseases to numbers and back."""
    from sklearn.preprocessing import LabelEncoder

    return LabelEncoder().fit(table().disease_ids)


@cache
def split(rows: int = ROWS) -> Split:
    """The patients, split by fixed seeds so that each part has the same shares of diseases."""
    from sklearn.model_selection import train_test_split

    everyone = draw(rows, DATA_SEED)
    rest, test = train_test_split(np.arange(rows), test_size=TEST, random_state=SPLIT_SEED, stratify=everyone.disease)
    train, validation = train_test_split(
        rest, test_size=VALIDATION / (1 - TEST), random_state=SPLIT_SEED, stratify=everyone.disease[rest]
    )
    return Split(*(everyone.pick(part) for part in (train, validation, test)))


@cache
def fitted(name: str, rows: int = ROWS) -> Fitted:
    """The classifier, fitted to the training part, with the setting of the highest accuracy on validation."""
    kind, parts = CLASSIFIERS[name], split(rows)
    best, made, right = Setting(), None, dict[str, float]()
    for setting in kind.settings():  # one at a time, the best so far kept: a forest takes a hundred megabytes and more
        tried = pipeline(kind, setting).fit(features(parts.train), labels(parts.train))
        right[told(setting)] = float(tried.score(features(parts.validation), labels(parts.validation)))
        if made is None or right[told(setting)] > right[told(best)]:
            best, made = setting, tried
    return Fitted(made, best, right)


def probabilities(name: str, patients: Patients, rows: int = ROWS) -> Array:
    """P(disease) of each patient by that classifier, [N, D] in the order of the table."""
    return all_probabilities([name], patients, rows)[name]


def all_probabilities(names: Iterable[str], patients: Patients, rows: int = ROWS) -> dict[str, Array]:
    """P(disease) by each of several classifiers, [N, D] in the order of the table; the columns are made once for all."""
    order = encoder().transform(table().disease_ids)
    columns = None
    found = {}
    for name in names:
        pipeline = fitted(name, rows).pipeline
        columns = pipeline[0].transform(features(patients)) if columns is None else columns
        found[name] = pipeline[-1].predict_proba(columns)[:, order]
    return found


@cache
def most_unknown(group: str, rows: int = ROWS) -> int:
    """The most symptoms, of those that such a patient could tell, that stayed unknown in one patient of the training part."""
    mute = np.array([group in MUTE and s.told for s in table().symptoms])
    codes = split(rows).train.symptoms[split(rows).train.group == GROUP_IDS.index(group)][:, ~mute]
    return int((codes == UNKNOWN).sum(1).max(initial=0))
