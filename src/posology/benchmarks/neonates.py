"""Real input: the next phenobarbital level of 59 neonates, predicted after one earlier level.

Five folds over neonates: typical values, variability and residual error come from the other folds
(`patients/estimate.py`), then each neonate's own posterior (MAP, Laplace) from covariates, doses and his
first level alone predicts the second; covariates alone predict it too. Intervals resample neonates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import beta

from posology.data.readers import read_cohort
from posology.data.record import Record, covariate_at
from posology.environments.given import course
from posology.patients import estimate, past, posterior
from posology.patients.course import Frame, Increment, follow
from posology.patients.model import PatientModel
from posology.patients.models import phenobarbital_grasela1985
from posology.patients.prior import Prior

SYMBOLS = ("cl", "v", "v_asphyxia")
FOLDS, SEED, DRAWS, RESAMPLES = 5, 1985, 1000, 10_000
WHERE = Path("data") / "pk_classics" / "phenobarbital_neonates.csv"


class Neonate(NamedTuple):
    """Covariates, doses and levels (in order of time) of one neonate."""

    id: str
    covariates: dict[str, float]
    doses: tuple[past.Dosed, ...]
    levels: tuple[past.Measurement, ...]


def neonate(record: Record, model: PatientModel) -> Neonate:
    """A record in the model's terms."""
    end = max([o.time for o in record.observations] + [d.last_time for d in record.doses])
    covariates = {c.name: covariate_at(record, c.name, end)[0] for c in model.covariates if c.name in record.covariates}
    doses = tuple(past.Dosed(d.time, d.amount, d.duration) for d in course(record, model, end).doses)
    levels = tuple(past.Measurement(o.time, o.name, o.value, o.below) for o in record.observations if o.name == "concentration")
    return Neonate(record.id, covariates, doses, levels)


def columns(cohort: Sequence[Neonate]) -> dict[str, np.ndarray]:
    """Covariates by name, `[N]`."""
    return {k: np.array([n.covariates[k] for n in cohort]) for k in cohort[0].covariates}


def fitted(model: PatientModel, cohort: Sequence[Neonate]) -> estimate.Estimate:
    """Population estimates from all levels of these neonates."""
    pasts = [past.stretches(model, n.doses, n.levels, n.levels[-1].time) for n in cohort]
    together, frame = past.together(pasts)
    return estimate.estimate(model, SYMBOLS, columns(cohort), together, frame)


def _split(model: PatientModel, n: Neonate, seen: int) -> tuple[tuple[Increment, Frame], tuple[Increment, Frame]]:
    """The past with the first `seen` levels, up to the last of them, and what was given until the next level."""
    until, target = n.levels[seen - 1].time if seen else 0.0, n.levels[seen].time
    told = past.stretches(model, [d for d in n.doses if d.time < until], n.levels[:seen], until)
    later = [d._replace(time=d.time - until) for d in n.doses if until <= d.time < target]
    first = past.Dosed(0.0, 1e-9)  # nothing, so that the stretch to the level begins at once
    return told, past.stretches(model, [first, *later], [n.levels[seen]._replace(time=target - until)], target - until)


def predicted(model: PatientModel, cohort: Sequence[Neonate], seen: int) -> tuple[np.ndarray, np.ndarray]:
    """The level after the first `seen` of each neonate: at the mode of the posterior `[N]`, and draws with
    residual error `[N, DRAWS]`."""
    prior = Prior(model)
    told, ahead = zip(*(_split(model, n, seen) for n in cohort), strict=True)
    (known, frame), (coming, further) = past.together(told), past.together(ahead)

    def one(covariates: Any, known: Increment, coming: Increment) -> Any:
        typical = prior.typical(covariates)
        fit = posterior.fit(prior, frame, typical, known)

        def level(z: Any) -> Any:
            own = prior.individual(typical, posterior.effects(prior, typical, z))

            def stretch(x: Any, i: Increment) -> Any:
                followed = follow(model, further, own, x, i)
                return followed.x, jnp.sum(jnp.where(i.present, followed.predicted, 0.0))

            x, _ = posterior.replay(prior, frame, typical, z, known)
            return jnp.sum(jax.lax.scan(stretch, x, coming)[1])

        return jax.vmap(level)(jnp.concatenate([fit.mode[None], posterior.draws(fit, jax.random.key(SEED), DRAWS)]))

    values = np.asarray(jax.jit(jax.vmap(one))(jax.tree.map(jnp.float32, columns(cohort)), known, coming))
    noise = np.random.default_rng(SEED).standard_normal(values[:, 1:].shape)
    return values[:, 0], values[:, 1:] * (1 + model.residuals["concentration"].proportional * noise)


def interval(values: np.ndarray, of: Callable[..., Any]) -> list[float]:
    """95 % percentile interval of a statistic over resampled neonates."""
    rows = np.random.default_rng(SEED).integers(0, len(values), (RESAMPLES, len(values)))
    return [float(v) for v in np.percentile(of(values[rows], axis=1), (2.5, 97.5))]


def evidence(path: Path, progress: Callable[[str], None] = lambda said: None) -> dict[str, Any]:
    """The whole comparison; real levels stay where they are, only what was counted comes out.

    Args:
        path: the cohort's NONMEM-style file.

    Raises:
        ValueError: when the file is not there.
    """
    if not path.is_file():
        raise ValueError(f"{path} is not there: this evidence needs the real neonates")
    model = phenobarbital_grasela1985.MODEL
    cohort = [neonate(r, model) for r in read_cohort(path)]
    order = np.random.default_rng(SEED).permutation(len(cohort))
    rows, folds = [], []
    for k in range(FOLDS):
        outside = [cohort[i] for j, i in enumerate(order) if j % FOLDS != k]
        found = fitted(model, outside)
        own = estimate.estimated(model, found)
        more = {"variance": found.variance, "residual_factor": found.residual, "converged": found.converged}
        folds.append({**found.typical, **more})
        progress(f"fold {k + 1} of {FOLDS}: {found.typical}")
        rows += _rows(own, [cohort[i] for j, i in enumerate(order) if j % FOLDS == k and len(cohort[i].levels) > 1])
    return {"title": __doc__.splitlines()[0] if __doc__ else "", "folds": folds, **summary(rows)}


def _rows(model: PatientModel, cohort: Sequence[Neonate]) -> list[dict[str, Any]]:
    after, draws = predicted(model, cohort, 1)
    without, _ = predicted(model, [n._replace(levels=n.levels[1:]) for n in cohort], 0)
    low, high = np.percentile(draws, (5, 95), axis=1)
    truth = np.array([n.levels[1].value for n in cohort])
    found = {
        "hours": [n.levels[1].time for n in cohort], "level": truth, "predicted": after, "covariates_alone": without,
        "lower": low, "upper": high, "error": np.abs(after / truth - 1), "error_alone": np.abs(without / truth - 1),
        "bias": after / truth - 1, "inside": (low <= truth) & (truth <= high),
    }  # fmt: skip
    columns = {k: np.asarray(v).tolist() for k, v in found.items()}
    return [{"id": n.id, **{k: v[i] for k, v in columns.items()}} for i, n in enumerate(cohort)]


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Median absolute errors, the paired difference and the coverage of the 90 % band, with 95 % intervals."""
    error, alone = (np.array([r[k] for r in rows]) for k in ("error", "error_alone"))
    inside, n = int(sum(r["inside"] for r in rows)), len(rows)
    exact = [float(beta.ppf(q, a, b)) for q, a, b in ((0.025, inside, n - inside + 1), (0.975, inside + 1, n - inside))]
    return {
        "predictions": n,
        "median_absolute_error": float(np.median(error)),
        "median_absolute_error_interval": interval(error, np.median),
        "median_absolute_error_covariates_alone": float(np.median(alone)),
        "median_bias": float(np.median([r["bias"] for r in rows])),
        "paired_difference": float(np.mean(error - alone)),
        "paired_difference_interval": interval(error - alone, np.mean),
        "coverage_of_90_percent_band": inside / n,
        "coverage_interval": exact,
    }
