"""MAP with Laplace intervals and particles agree with the slow reference on made-up neonates."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.patients import nuts, particles, posterior
from posology.patients.catalogue import model
from posology.patients.past import Dosed, Measurement, stretches
from posology.patients.prior import Prior

MODEL = model("phenobarbital-grasela1985")
NEONATES = {
    "usual": ({"weight": 1.4, "apgar": 7}, 25.0, ((2.0, 17.3), (112.5, 31.0))),
    "slow after asphyxia": ({"weight": 2.2, "apgar": 3}, 44.0, ((3.0, 16.0), (60.0, 29.0), (110.0, 41.0))),
}


@pytest.mark.parametrize("name", ["usual", pytest.param("slow after asphyxia", marks=pytest.mark.slow)])
def test_all_methods_agree_on_a_neonate(name, key):
    covariates, loading, levels = NEONATES[name]
    prior = Prior(MODEL)
    typical = prior.typical(covariates)
    doses = [Dosed(0.0, loading), *(Dosed(12.5 + 12 * k, loading / 7) for k in range(9))]
    past, frame = stretches(MODEL, doses, [Measurement(t, "concentration", v) for t, v in levels], 112.5)
    sampled = jax.jit(lambda p: nuts.sample(prior, frame, typical, p, key))(past)
    assert float(sampled.r_hat) < 1.02 and int(sampled.divergences) == 0
    mean, sd = np.mean(sampled.z, axis=0), np.std(sampled.z, axis=0)
    error = 4 * sd / np.sqrt(float(sampled.effective))
    fit = jax.jit(lambda p: posterior.fit(prior, frame, typical, p))(past)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.factor @ fit.factor.T)), sd, rtol=0.2)
    assert (np.abs(fit.mode - mean) < error + 0.25 * sd).all()  # a mode and a mean differ where a posterior is skew

    def belief(p):
        first = particles.start(prior, typical, 2048)
        return jax.lax.scan(lambda b, i: (particles.assimilate(prior, frame, typical, b, i), None), first, p)[0]

    centre, factor = particles.moments(jax.jit(belief)(past))
    scale = np.diag(prior.factor)
    np.testing.assert_allclose(np.sqrt(np.diag(factor @ factor.T)) / scale, sd, rtol=0.15)
    assert (np.abs(np.asarray(centre) / scale - mean) < error + 0.1 * sd).all()


def test_the_density_is_minus_the_objective_and_its_gradient_is_exact():
    prior = Prior(MODEL)
    typical = prior.typical({"weight": 1.4, "apgar": 7})
    past, frame = stretches(MODEL, [Dosed(0.0, 25.0)], [Measurement(20.0, "concentration", 17.0)], 24.0)
    density = nuts.log_density(prior, frame, typical, past)
    z = jnp.array([0.3, -0.2])
    value, slope = jax.jit(jax.value_and_grad(density))(z)
    assert float(value) == pytest.approx(-float(posterior.objective(prior, frame, typical, z, past)))
    ends = [jax.jit(density)(z + d) - jax.jit(density)(z - d) for d in 0.01 * np.eye(2, dtype=np.float32)]
    np.testing.assert_allclose(slope, np.array(ends) / 0.02, rtol=0.02, atol=0.02)
