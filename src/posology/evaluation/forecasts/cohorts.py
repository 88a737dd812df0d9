"""A model, a cohort and the table of its forecasts: which population is taken, and how it is kept honest.

`priors/<model>.json` holds the population that was fitted to the part of each public cohort that this project was given, as
`posology forecast MODEL --cohort FILE --write-prior` writes it. It is meant for other patients. On the patients it was fitted to,
`folds` fits it anew without those who are forecast.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from posology.data.readers.androgen import read_men
from posology.data.readers.lesions import read_lesions
from posology.evaluation.forecasts import androgen, lesions, scores

PRIORS = Path(__file__).parent / "priors"
LESIONS = "nsclc-claret2014"
FORECAST = (LESIONS, *androgen.OWN)  # models that foresee

Tell = Callable[[str], None]


def prior_of(model_id: str) -> dict[str, Any]:
    """The population that ships with the software."""
    found: dict[str, Any] = json.loads((PRIORS / f"{model_id}.json").read_text(encoding="utf-8"))
    return found


def population(model_id: str, path: Path) -> dict[str, Any]:
    """A population that was written before.

    Raises:
        ValueError: for a file that is none of this model.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: cannot be read as JSON: {error}") from None
    needed = {"numbers", "bounds"} if model_id == LESIONS else {"mean", "covariance", "error", "bounds"}
    if not isinstance(found, dict) or found.get("model") != model_id or not needed <= set(found):
        raise ValueError(f"{path}: is no population of {model_id}; `posology forecast {model_id} --write-prior` makes one")
    return found


def read(model_id: str, path: Path) -> tuple[Sequence[Any], list[str]]:
    """The cohort's patients, and in sentences who is left out and why. Short series of lesions are kept: they tell about the
    population.

    Raises:
        ValueError: for a file that is not understood, or where nothing is left to forecast.
    """
    if model_id == LESIONS:
        series = read_lesions(path)
        short = sum(len(one.day) < lesions.LEAST for one in series)
        if short == len(series):
            raise ValueError(f"{path}: no lesion has {lesions.LEAST} readings, so that {lesions.AHEAD} could be forecast")
        return series, [f"{short} of {len(series)} lesions have less than {lesions.LEAST} readings"] if short else []
    men = read_men(path)
    why = {m.id: said for m in men if (said := androgen.lacks(m))}
    if len(why) == len(men):
        raise ValueError(f"{path}: nobody can be forecast; {next(iter(why.values()))}")
    return [m for m in men if m.id not in why], list(why.values())


def fitted(model_id: str, patients: Sequence[Any]) -> dict[str, Any]:
    """The population of a cohort."""
    return lesions.fit(patients) if model_id == LESIONS else androgen.fit(model_id, patients)


def parts(model_id: str, patients: Sequence[Any], folds: int, seed: int = 0) -> list[tuple[list[Any], list[Any]]]:
    """(fitted to, forecast) of each fold; one patient is always on one side, with all his lesions."""
    names = [getattr(p, "patient", None) or p.id for p in patients]
    who = list(dict.fromkeys(names))
    fold = dict(zip(who, np.random.default_rng(seed).permutation(len(who)) % folds, strict=True))
    split = lambda k, inside: [p for p, n in zip(patients, names, strict=True) if (fold[n] == k) == inside]  # noqa: E731
    return [(split(k, False), split(k, True)) for k in range(folds)]


def table(
    model_id: str, path: Path, folds: int = 0, prior: Mapping[str, Any] | None = None, tell: Tell = lambda _: None
) -> dict[str, Any]:
    """Errors, coverage and, for men, how well a relapse is foretold.

    Raises:
        ValueError: for a cohort that cannot be read or forecast.
    """
    patients, left_out = read(model_id, path)
    if folds > len(patients):
        raise ValueError(f"{len(patients)} patients cannot be parted into {folds} folds")
    split = parts(model_id, patients, folds) if folds else [([], list(patients))]
    found, risk, relapsed = [], [], []
    for k, (others, mine) in enumerate(split):
        if folds:
            tell(f"fold {k + 1} of {folds}: population of {len(others)}")
        population = fitted(model_id, others) if folds else dict(prior or prior_of(model_id))
        if model_id == LESIONS:
            found.append(lesions.forecast(population, mine))
            continue
        forecasts, risks = androgen.forecast(model_id, population, mine)
        found.append(forecasts)
        risk += list(risks)
        relapsed += [m.relapsed for m in mine]
    unit = "mm" if model_id == LESIONS else f"ln(ug/L + {androgen.FLOOR:g})"
    about = {"model": model_id, "cohort": str(path), "folds": folds, "left_out": left_out}
    made = about | scores.table(scores.together(found), unit)
    known = [i for i, r in enumerate(relapsed) if r is not None]
    made["relapse_auc"] = scores.auc(np.array(risk)[known], np.array(relapsed, bool)[known]) if known else None
    return made
