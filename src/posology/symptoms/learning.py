"""How many patients a decision tree has to learn from to come near Bayes' rule, with naive Bayes beside it.

Every size learns from patients of seeds of their own, a larger one from those of a smaller one and further ones; settings
are chosen on other patients, and all sizes are judged on the same further ones, which choose nothing. At the smallest size
every setting is tried and at each further one the better half, by validation, of those tried before (at least two): as in
successive halving (Jamieson and Talwalkar 2016, arXiv:1502.07943), so that the cost stays that of the largest size. What was
dropped is not tried again, so that a tree may do a little better than said. Patients are drawn and encoded some at a time:
300 bytes for each; eight million took 3 GiB at the most.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from posology.safety.use import DISCLAIMER
from posology.symptoms import classifiers
from posology.symptoms.classifiers import CLASSIFIERS, Setting, told
from posology.symptoms.generator import MISSING, NOISE, draw, posterior
from posology.symptoms.performance import CLAIMED, NEAR_BAYES
from posology.symptoms.scores import gap, share
from posology.symptoms.table import SYNTHETIC, table

SIZES = (100_000, 300_000, 1_000_000, 3_000_000, 8_000_000)
LEARN = ("naive-bayes", "decision-tree")
HELD_OUT = 200_000  # patients judged by: a paired difference is then known to about 0.1 points
VALIDATION_SEED, HELD_OUT_SEED, TRAIN_SEED = 11, 12, 1_000  # the k-th hundred thousand is drawn with TRAIN_SEED + k
CHUNK = 100_000  # patients drawn and encoded at once
LEAST = 100  # patients; with fewer most diseases are not there

Encoded = tuple[NDArray[np.float32], NDArray[np.int64]]
Keep = Callable[[int, Callable[[], dict[str, Any]]], dict[str, Any]]


class Judged(NamedTuple):
    """Patients encoded to choose by and to judge by, and where Bayes' rule is right on the latter."""

    validation: Encoded
    held_out: Encoded
    bayes: NDArray[np.bool_]


def encoded(rows: int, seed: int, chunk: int = CHUNK) -> Encoded:
    """So many drawn patients as columns [N, C] and labels [N]; the first ones are the same whatever their number."""
    width = sum(map(len, classifiers.categories()))
    columns, labels = np.empty((rows, width), np.float32), np.empty(rows, np.int64)
    for k, start in enumerate(range(0, rows, chunk)):
        some = draw(chunk, seed + k)
        some = some.pick(np.arange(min(chunk, rows - start)))
        here = slice(start, start + chunk)
        columns[here], labels[here] = classifiers.one_hot().fit_transform(classifiers.features(some)), classifiers.labels(some)
    return columns, labels


@cache
def judged(held_out: int = HELD_OUT) -> Judged:
    """What every size is judged by; half as many patients choose the settings."""
    patients = draw(held_out, HELD_OUT_SEED)
    columns = classifiers.one_hot().fit_transform(classifiers.features(patients))
    right = posterior(patients).argmax(1) == patients.disease
    return Judged(encoded(held_out // 2, VALIDATION_SEED, held_out // 2), (columns, classifiers.labels(patients)), right)


def fit(name: str, setting: Setting, of: Encoded) -> Any:
    """A classifier without its encoding; some patients at a time where it can, since then it needs no copy of them."""
    kind, (columns, labels) = CLASSIFIERS[name], of
    made = kind.build(**kind.fixed, **setting)
    if not hasattr(made, "partial_fit"):
        return made.fit(columns, labels)
    for start in range(0, len(labels), CHUNK):
        here = slice(start, start + CHUNK)
        made.partial_fit(columns[here], labels[here], classes=np.arange(len(table().diseases)))
    return made


def learned(name: str, settings: Iterable[Setting], of: Encoded, by: Judged) -> dict[str, Any]:
    """A classifier with the setting that is best on validation: accuracy, distance to Bayes' rule in shares, leaves, seconds
    of a core for its fit; `validation` holds accuracy by setting and `tried` the settings, best first."""
    tried = []
    best = None
    for setting in settings:  # one at a time, the best so far kept
        began = time.process_time()
        made = fit(name, setting, of)
        seconds, score = time.process_time() - began, float(made.score(*by.validation))
        if best is None or score > best[0]:
            best = score, made, seconds
        tried.append((score, setting))
    if best is None:
        raise ValueError("settings is empty; allowed: at least one")
    tried.sort(key=lambda each: -each[0])
    right = best[1].predict(by.held_out[0]) == by.held_out[1]
    behind = gap(by.bayes, right)
    return {
        "setting": tried[0][1],
        "tried": [setting for _, setting in tried],
        "validation": {told(setting): score for score, setting in tried},
        "accuracy": share(right),
        "behind_bayes": behind,
        "within_two_points": behind["value"] <= NEAR_BAYES,
        "leaves": int(best[1].get_n_leaves()) if hasattr(best[1], "get_n_leaves") else None,
        "cpu_seconds": round(best[2], 2),
    }


def size(rows: int, settings: Mapping[str, list[Setting]], held_out: int = HELD_OUT) -> dict[str, Any]:
    """What is learned from so many patients."""
    of = encoded(rows, TRAIN_SEED)
    return {"rows": rows, "classifiers": {name: learned(name, settings[name], of, judged(held_out)) for name in LEARN}}


def better(tried: list[Setting]) -> list[Setting]:
    """The half that is tried again with more patients."""
    return tried[: max(2, (len(tried) + 1) // 2)]


def curve(sizes: Iterable[int] = SIZES, held_out: int = HELD_OUT, keep: Keep = lambda rows, make: make()) -> dict[str, Any]:
    """The learning curve, as plain data; `keep(rows, make)` may have a size already.

    Raises:
        ValueError: for a size below 100.
    """
    settings = {name: CLASSIFIERS[name].settings() for name in LEARN}
    found = []
    for rows in sorted(set(sizes)):
        if rows < LEAST:
            raise ValueError(f"rows is {rows}; allowed: at least {LEAST}")
        found.append(keep(rows, partial(size, rows, settings, held_out)))
        settings = {name: better(found[-1]["classifiers"][name]["tried"]) for name in LEARN}
    return {
        "synthetic": SYNTHETIC,
        "made_of": made_of(),
        "held_out": held_out,
        "bayes": share(judged(held_out).bayes),
        "sizes": found,
        "disclaimer": DISCLAIMER,
    }


def made_of() -> str:
    """What a stored curve depends on, as a hash: the table, the generator, seeds, sizes and choices."""
    diseases = resources.files(__package__).joinpath("diseases.toml").read_bytes()
    choices = [(CLASSIFIERS[name].chosen, CLASSIFIERS[name].fixed) for name in LEARN]
    rest = (NOISE, MISSING, SIZES, HELD_OUT, VALIDATION_SEED, HELD_OUT_SEED, TRAIN_SEED, CHUNK, choices)
    return sha256(diseases + repr(rest).encode()).hexdigest()[:16]


@cache
def stored() -> dict[str, Any] | None:
    """The curve that `posology evidence symptoms-learning` found; None where there is none, or one of other patients."""
    here = Path(__file__)
    for path in (here.with_name("learning.json"), here.parents[3] / "docs" / "results" / "symptoms-learning.json"):
        if path.is_file():
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return found if found["made_of"] == made_of() else None
    return None


HEADS = (
    "patients to learn from", "classifier", "accuracy, %", "behind Bayes, points", "within 2", "leaves", "setting",
    "core seconds",
)  # fmt: skip


def cells(found: Mapping[str, Any]) -> list[list[str]]:
    """The curve as a table under `HEADS`, a row for each classifier and size."""
    return [
        [
            f"{each['rows']:,}", CLASSIFIERS[name].title, percent(row["accuracy"]), percent(row["behind_bayes"]),
            "yes" if row["within_two_points"] else "no", f"{row['leaves']:,}" if row["leaves"] else "",
            told(row["setting"]), f"{row['cpu_seconds']:.1f}",
        ]
        for name in reversed(LEARN)
        for each in found["sizes"]
        for row in [each["classifiers"][name]]
    ]  # fmt: skip


def sentences(found: Mapping[str, Any], name: str = "decision-tree") -> list[str]:
    """What a curve says of a classifier: how far behind it begins, from where on it is near, whether the claim can be reached."""
    rows = {each["rows"]: each["classifiers"][name] for each in found["sizes"]}
    sizes, points, best = list(rows), f"{100 * NEAR_BAYES:g} points", found["bayes"]["value"]
    near = [size for i, size in enumerate(sizes) if all(rows[later]["within_two_points"] for later in sizes[i:])]
    behind = {size: f"{percent(row['behind_bayes'])} points behind" for size, row in rows.items()}
    said = [f"{CLASSIFIERS[name].title}: {behind[sizes[0]]} Bayes' rule after {sizes[0]:,} patients to learn from"]
    if near:
        more = " and more" if near[0] != sizes[-1] else ""
        said += [f"Within {points} after {near[0]:,} patients{more}: {behind[near[0]]}"]
    else:
        said += [f"Not within {points} with any of these numbers: {behind[sizes[-1]]} after {sizes[-1]:,}"]
    if best < CLAIMED:
        said += [f"{100 * CLAIMED:g} % cannot be reached with any number of patients: Bayes' rule has {100 * best:.1f} %"]
    return said


def percent(found: Mapping[str, float]) -> str:
    """A share, or a difference of shares, with its interval in per cent or points."""
    value, lower, upper = (f"{100 * found[key]:.1f}" for key in ("value", "lower", "upper"))
    return f"{value} ({lower} to {upper})"
