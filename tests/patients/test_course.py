"""Following a patient inside a compiled program is the simulation of the same doses at the same times."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.environments.catalogue import TREATMENTS
from posology.patients import case, course, past
from posology.patients.catalogue import MODELS, model
from posology.patients.course import follow
from posology.patients.population import draw

COURSES = {
    "paclitaxel-henrich2017": ([(0.0, 315.0, 3.0), (504.0, 270.0, 3.0)], "anc", [0.0, 100.0, 240.0, 504.0, 800.0, 1000.0]),
    "phenobarbital-grasela1985": (
        [(0.0, 30.0, 0.5), (24.0, 4.0, 0.0), (36.0, 4.0, 0.0)], "concentration", [1.0, 24.0, 30.0, 70.0],
    ),
    "benchmark-oral-friberg": ([(0.0, 300.0, 0.0), (24.0, 300.0, 0.0)], "anc", [10.0, 24.0, 40.0, 200.0]),
    # whose readings are not named in alphabetical order
    "fluorouracil-arshad2020": ([(0.0, 4500.0, 46.0)], "leukocytes", [10.0, 46.0, 200.0]),
}  # fmt: skip


@pytest.mark.parametrize("name", COURSES)
def test_following_stretches_equals_simulating_the_case(name):
    m = replace(model(name), coarse=None)
    doses, reading, times = COURSES[name]
    raw = [{"time": t, "amount": mg, "duration": d} for t, mg, d in doses]
    covariates = {c.name: 5.0 for c in m.covariates if c.sets}
    checked = case.read(m, {"doses": raw, "times": times, "covariates": covariates})
    expected = case.simulate(checked)["readings"][reading]
    seen = [past.Measurement(t, reading, 1.0) for t in times]
    stretches, frame = past.stretches(m, [past.Dosed(*d) for d in doses], seen, max(times))
    x, values = checked.state, []
    run = jax.jit(lambda p, x, i: follow(m, frame, p, x, i))
    for k in range(len(stretches.span)):
        i = jax.tree.map(lambda v, k=k: v[k], stretches)
        followed = run(checked.individual, x, i)
        x = followed.x
        values += np.asarray(followed.predicted)[i.present].tolist()
    np.testing.assert_allclose(values, expected, rtol=2e-4)


COARSE = {  # the largest usual dose (mg, hours), how often, what is read and when
    "paclitaxel-henrich2017": (360.0, 3.0, 1, "anc", 504.0),
    "nab-paclitaxel-chen2014": (494.0, 0.5, 1, "anc", 504.0),
    "docetaxel-kloft2006": (180.0, 1.0, 1, "anc", 504.0),
    "benchmark-oral-friberg": (300.0, 0.0, 5, "anc", 504.0),
    "phenobarbital-grasela1985": (28.0, 0.5, 5, "concentration", 200.0),
}


def test_every_model_with_a_coarse_grid_is_tried_below():
    assert {name for name, m in MODELS.items() if m.coarse} <= set(COARSE)


@pytest.mark.parametrize("name", [name for name, m in MODELS.items() if m.coarse])
def test_the_coarse_grid_of_beliefs_is_within_one_percent_of_the_fine_one(name, key):
    m, (mg, duration, doses, reading, end) = model(name), COARSE[name]
    population = next((t.population for t in TREATMENTS.values() if t.model.id == name), {})
    people = draw(m, population, key, 200).own
    seen = [past.Measurement(end * k / 8, reading, 1.0) for k in range(1, 9)]
    stretches, frame = past.stretches(m, [past.Dosed(24.0 * k, mg, duration) for k in range(doses)], seen, end)

    def course_on(grid):
        fitting = replace(m, coarse=grid)

        def one(p):
            def step(x, i):
                followed = follow(fitting, frame, p, x, i, reading)
                return followed.x, (followed.predicted, followed.lowest)

            x = jax.tree.map(lambda v: jnp.asarray(v, jnp.float32), m.baseline(p))
            return jax.lax.scan(step, x, stretches)[1]

        return jax.jit(jax.vmap(one))(people)

    (fine, deep), (coarse, low) = course_on(m.grid), course_on(m.coarse)
    real = stretches.present.any(axis=1)  # stretches that are not padding
    for mine, exact in ((coarse[:, stretches.present], fine[:, stretches.present]), (low[:, real], deep[:, real])):
        assert np.quantile(np.abs(np.asarray(mine / exact) - 1), 0.99) < 0.01


def test_a_value_at_the_time_of_a_dose_is_the_one_before_it():
    m = model("phenobarbital-grasela1985")
    p = m.individual(m.Params(), {"weight": 1.5, "apgar": 7})
    doses, seen = [past.Dosed(0.0, 30.0), past.Dosed(12.0, 30.0)], [past.Measurement(12.0, "concentration", 1.0)]
    stretches, frame = past.stretches(m, doses, seen, 24.0)
    first = jax.tree.map(lambda v: v[0], stretches)
    got = jax.jit(lambda i: follow(m, frame, p, m.baseline(p), i).predicted)(first)[first.present][0]
    assert float(got) == pytest.approx(30.0 / p.v * np.exp(-p.cl / p.v * 12), rel=1e-4)
    assert course.step_ends(frame, m.grid, first)[-1] == 12.0
