"""Does the model describe a cohort? Replicates of its design, percentiles of them, prediction errors.

- Prediction-corrected visual predictive check: values are multiplied by the median prediction of
  their bin over their own, so that differing doses and covariates do not blur the percentiles.
  Bergstrand M et al. AAPS J 2011;13:143.
- Normalised prediction distribution errors: a patient's values and their replicates are decorrelated
  by the mean and covariance of the replicates; the rank of each value is made normal. Brendel K et al.
  Pharm Res 2006;23:2036; Comets E et al. Comput Methods Programs Biomed 2008;90:154.

Values below a limit of quantification are left out of both, and counted.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import ndtri

from posology.patients import posterior
from posology.patients.course import Frame, Increment
from posology.patients.likelihood import observed_each
from posology.patients.prior import Prior

REPLICATES = 500
CHUNK = 64  # patients at once
BINS = 10
PERCENTILES = (5.0, 50.0, 95.0)


def replicates(
    prior: Prior, frame: Frame, covariates: Any, past: Increment, n: int = REPLICATES
) -> tuple[np.ndarray, np.ndarray]:
    """`n` data sets of the same design, residual error included, `[N, n, T, M]`, and the typical
    patient's values `[N, T, M]`."""
    size, patients = posterior.size(prior, past.span.shape[1]), len(past.span)

    def one(key: Any, covariates: Any, mine: Increment) -> tuple[Any, Any]:
        typical = prior.typical(covariates)
        z = jnp.concatenate([jnp.zeros((1, size)), jax.random.normal(key, (n, size))])
        truth = jax.vmap(lambda z: posterior.replay(prior, frame, typical, z, mine)[1])(z)
        noise = jax.random.normal(jax.random.fold_in(key, 1), (3, n, *truth.shape[1:]))
        return observed_each(prior.model, mine.reading, truth[1:], noise), truth[0]

    run = jax.jit(jax.vmap(one))
    keys = jax.random.split(jax.random.key(2008), patients)
    parts = [run(*part) for part in chunks((keys, covariates, past), patients, CHUNK)]
    drawn, typical = (np.concatenate([np.asarray(p[i]) for p in parts])[:patients] for i in (0, 1))
    return drawn, typical


def chunks(tree: Any, length: int, size: int) -> list[Any]:
    """Cuts of equal size along the leading axis; the last one repeats its end, so that all compile alike."""
    size = min(size, length)
    rows = [np.minimum(np.arange(start, start + size), length - 1) for start in range(0, length, size)]
    return [jax.tree.map(lambda v, r=r: v[r], tree) for r in rows]


def vpc(time: np.ndarray, value: np.ndarray, typical: np.ndarray, drawn: np.ndarray) -> dict[str, Any]:
    """The check for `M` values of one reading.

    Args:
        time: `[M]`; `value[M]` what was measured, `typical[M]` of the typical patient, `drawn[n, M]`.

    Returns:
        what `figures.vpc` takes: `time[B]`, `observed[3, B]`, `simulated[3, 3, B]`, `points[M, 2]`.
    """
    place = _bins(time)
    centre = np.array([np.median(typical[place == b]) for b in range(place.max() + 1)])
    factor = centre[place] / np.maximum(typical, 1e-9)
    bins = range(len(centre))
    observed = np.stack([np.percentile((value * factor)[place == b], PERCENTILES) for b in bins], axis=1)
    each = np.stack([np.percentile((drawn * factor)[:, place == b], PERCENTILES, axis=1) for b in bins], axis=2)
    simulated = np.percentile(each, (2.5, 50.0, 97.5), axis=1).transpose(1, 0, 2)
    middle = np.array([np.median(time[place == b]) for b in bins])
    return {"time": middle, "observed": observed, "simulated": simulated, "points": np.stack([time, value * factor], axis=1)}


def _bins(time: np.ndarray) -> np.ndarray:
    """The bin of each value: its time where few times recur, else bins of equal counts."""
    distinct = np.unique(np.round(time, 1))
    if len(distinct) <= BINS:
        return np.searchsorted(distinct, np.round(time, 1))
    wanted = int(np.clip(len(time) // 10, 1, BINS))
    edges = np.unique(np.quantile(time, np.linspace(0, 1, wanted + 1)[1:-1]))
    _, place = np.unique(np.searchsorted(edges, time, side="right"), return_inverse=True)
    return place


def npde(value: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Errors of one patient's values `[M]`, from replicates `[n, M]`."""
    n = len(drawn)
    centre = drawn.mean(axis=0)
    factor = np.linalg.cholesky(np.atleast_2d(np.cov(drawn, rowvar=False)) + 1e-12 * np.diag(centre**2 + 1e-12))
    seen = np.linalg.solve(factor, value - centre)
    replicated = np.linalg.solve(factor, (drawn - centre).T)
    rank = (replicated < seen[:, None]).mean(axis=1)
    return np.asarray(ndtri(np.clip(rank, 0.5 / n, 1 - 0.5 / n)))
