"""The engine against independent solvers, printed values and exact cases."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from posology.patients import dosing, integrate, kinetics, sparse
from posology.patients.case import individual, read, simulate
from posology.patients.catalogue import MODELS
from posology.patients.model import Grid
from posology.quantities import numbers_of, replace

NEEDED = {"nab-paclitaxel-chen2014": {"albumin": 39.0}}
DOSES = {  # mg, hours: the models that differ in how they are solved
    "paclitaxel-henrich2017": (360.0, 3.0),
    "nab-paclitaxel-chen2014": (494.0, 0.5),
    "docetaxel-kloft2006": (150.0, 1.0),
    "phenobarbital-grasela1985": (25.0, 0.0),
    "vancomycin-thomson2009": (1000.0, 1.0),
    "vancomycin-rhodin2009": (300.0, 1.0),
    "benchmark-oral-friberg": (300.0, 0.0),
}


def middle(model):
    """Covariates of the reference patient, or the middle of their range."""
    return {c.name: c.default if c.default is not None else (c.low * c.high) ** 0.5 for c in model.covariates if not c.sets}


def case_of(model_id, amount=None, times=(0.0, 24.0, 168.0, 240.0, 336.0, 504.0), repeats=2, **more):
    model = MODELS[model_id]
    amount, duration = (amount if amount is not None else DOSES[model_id][0]), DOSES[model_id][1]
    covariates = middle(model)
    doses = [{"time": 240.0 * k, "amount": amount, "duration": duration} for k in range(repeats)]
    return read(model, {"covariates": covariates, "doses": doses, "times": list(times), **more})


def reference(case, method):
    """The same case by a SciPy solver, piece by piece between changes of the input."""
    model, p, x = case.model, case.individual, np.array(case.state, float)
    entry = model.State._fields.index(model.entries[model.entry].state)
    changes = sorted({0.0, *(t for t, _, _ in case.doses), *(t + d for t, d, _ in case.doses), *case.times})
    found, doses = {0.0: x.copy()}, case.doses
    for start, end in zip(changes, changes[1:], strict=False):
        x = x.copy()
        x[entry] += sum(a for t, d, a in doses if t == start and d == 0)
        rate = sum(a / d for t, d, a in doses if d > 0 and t <= start < t + d)

        def f(t, x, rate=rate):
            return np.array(model.rates(t, model.State(*map(float, x)), p, rate), float)

        solved = solve_ivp(f, (start, end), x, method=method, rtol=1e-11, atol=1e-13)
        x = solved.y[:, -1]
        found[end] = x
    return {t: found[t] for t in case.times}


@pytest.mark.parametrize("model_id", DOSES)
def test_the_engine_agrees_with_an_independent_solver_and_precisely_when_asked(model_id):
    case = case_of(model_id)
    theirs = reference(case, "Radau")
    for precise, bar in ((False, 1e-3), (True, 1e-6)):
        ours = simulate(case, precise)
        for i, name in enumerate(case.model.State._fields):
            expected = np.array([theirs[t][i] for t in case.times])
            scale = DOSES[model_id][0] if name == "depot" else np.abs(expected).max()
            error = np.abs(np.array(ours["states"][name]) - expected) / (np.abs(expected) + 1e-3 * scale)
            assert error.max() < bar, f"{name}: {error}"


def test_paclitaxel_nadirs_by_cycle_are_those_of_the_catalogue():
    """Reference patient, 200 mg/m2 every 21 days: nadirs of six cycles and the count before the second."""
    model = MODELS["paclitaxel-henrich2017"]
    ends = dosing.step_ends(model.grid, [(0.0, 3.0)], [], 504.0)
    rate, bolus = dosing.fractions(ends, [(0.0, 3.0)])
    amount = 360 * model.entries["central"].per_mg
    own = model.individual(model.Params(), {"male": 0.0, "bsa": 1.8, "age": 56.0, "bilirubin": 7.0})

    @jax.jit
    def course(own):
        steps = (np.diff(ends, prepend=0), rate[:, 0] * amount, bolus[:, 0])
        schedule = dosing.Schedule(*(jnp.asarray(v, jnp.float32) for v in steps))

        def cycle(x, _):
            trace = integrate.advance(model, own, x, schedule, "anc")
            return trace.state, (trace.lowest, trace.readings["anc"][-1])

        start = jax.tree.map(jnp.float32, model.baseline(own))
        return jax.lax.scan(cycle, start, None, length=6)[1]

    lowest, end = course(jax.tree.map(jnp.float32, own))
    np.testing.assert_allclose(lowest, [1.164, 0.679, 0.475, 0.373, 0.315, 0.279], atol=1e-3)
    assert end[0] == pytest.approx(5.02, abs=5e-3)


def test_linear_kinetics_are_exact():
    """One compartment, bolus: amount falls as e^(−CL/V·t), after any number of steps."""
    case = case_of("phenobarbital-grasela1985", times=(0.0, 10.0, 100.0, 230.0), repeats=1)
    cl, v = case.individual.cl, case.individual.v
    expected = [0.0] + [25.0 / v * np.exp(-cl / v * t) for t in (10.0, 100.0, 230.0)]
    assert simulate(case)["readings"]["concentration"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("model_id", [name for name in DOSES if "anc" in MODELS[name].reading_units])
def test_the_most_sensitive_patient_under_the_highest_dose_stays_finite_and_positive(model_id):
    model = MODELS[model_id]
    steep = {s: 8.0 for s in ("sl", "slope") if s in numbers_of(model.own)}
    case = case_of(model_id, amount=3 * DOSES[model_id][0])
    case = case._replace(individual=replace(case.individual, **{s: f * getattr(case.individual, s) for s, f in steep.items()}))
    anc = np.array(simulate(case)["readings"]["anc"])
    assert np.isfinite(anc).all()
    assert (anc >= 0).all()


def test_the_implicit_method_has_order_four(x64):
    def f(a, b):
        return -50.0 * a + a * b, a - 0.5 * b * b

    nonzero = sparse.pattern(f, 2)
    exact = solve_ivp(lambda t, y: f(*y), (0, 1), [1.0, 2.0], method="Radau", rtol=1e-12, atol=1e-14).y[:, -1]

    def error(steps):
        y = (jnp.float64(1.0), jnp.float64(2.0))
        for _ in range(steps):
            y = kinetics.rosenbrock_step(f, nonzero, y, 1.0 / steps)
        return float(np.abs(np.array(y) - exact).max())

    assert error(80) < error(40) / 2**3.2


@pytest.mark.parametrize("model_id", ["paclitaxel-henrich2017", "docetaxel-kloft2006"])
def test_a_whole_patient_is_stepped_to_order_four(model_id, x64):
    """Kinetics, cells and, with paclitaxel, a pool stepped as a multiple of another, during an infusion."""
    case = case_of(model_id)
    model, (amount, duration), own = case.model, DOSES[model_id], case.individual
    rate = amount / duration * model.entries["central"].per_mg

    def after(steps):
        each = jnp.full(steps, duration / steps)
        schedule = dosing.Schedule(each, jnp.full(steps, rate), jnp.zeros(steps))
        return np.array(integrate.advance(model, own, model.baseline(own), schedule).state)

    def f(t, x):
        return np.array(model.rates(t, model.State(*map(float, x)), own, rate), float)

    exact = solve_ivp(f, (0, duration), np.array(model.baseline(own), float), method="Radau", rtol=1e-12, atol=1e-14).y[:, -1]
    coarse, fine = (np.abs(after(n) / exact - 1).max() for n in (100, 200))
    assert fine < coarse / 2**3.2
    assert fine < 1e-5


def test_the_coarse_grid_keeps_amounts_positive_where_faster_growing_steps_lose_them():
    """Two courses of a patient of the population, the second over what the first left."""
    model = MODELS["paclitaxel-henrich2017"]
    own = {"v1": 10.69, "v3": 148.6, "kmel": 0.667, "vmel": 32.45, "kmtr": 0.574, "vmtr": 112.2, "k21": 1.218, "q": 3.844}
    own = model.own(**own, c0=4.42, mtt=145.0, ftr=0.787, gamma=0.257, sl=17.64)

    def lowest(grid):
        ends = dosing.step_ends(grid, [(0.0, 3.0)], [168.0, 336.0], 504.0)
        rate, bolus = (v[:, 0] for v in dosing.fractions(ends, [(0.0, 3.0)]))
        x = jax.tree.map(jnp.float32, model.baseline(own))
        for amount in (498.66, 454.34):
            steps = (np.diff(ends, prepend=0), rate * amount, bolus)
            trace = integrate.advance(model, own, x, dosing.Schedule(*(jnp.asarray(v, jnp.float32) for v in steps)), states=True)
            x = trace.state
        return float(trace.states.central.min())

    assert lowest(model.grid) > -1e-3
    assert lowest(model.coarse) > -1e-3
    assert lowest(Grid(first=0.1, growth=1.5, largest=12.0)) < -100


@pytest.mark.parametrize("model_id", [name for name, m in MODELS.items() if m.linear or m.saturable])
def test_no_other_state_acts_on_the_kinetics(model_id):
    model = MODELS[model_id]
    own, fields = individual(model, {}, middle(model), {}), model.State._fields
    drug = {fields.index(s) for s in (*model.linear, *model.saturable)}
    reads = sparse.pattern(lambda *x: tuple(0.0 * x[0] + v for v in model.rates(0.0, model.State(*x), own, 1.0)), len(fields))
    assert drug
    assert {j for i, j in reads if i in drug} - {0} <= drug


def test_the_mean_of_an_exponential_is_smooth_at_zero_and_has_no_pole():
    z = np.array([-50.0, -3.0, -0.5, -1e-4, 0.0, 1e-4, 0.5], np.float32)
    exact = np.where(z == 0, 1.0, np.expm1(z.astype(float)) / np.where(z == 0, 1.0, z.astype(float)))
    np.testing.assert_allclose(integrate.exponential_mean(jnp.asarray(z)), exact, rtol=3e-3)
    np.testing.assert_allclose(integrate.exponential_mean(jnp.asarray(z[3:])), exact[3:], rtol=1e-5)
    assert jax.grad(integrate.exponential_mean)(jnp.float32(0.0)) == pytest.approx(0.5)
    far = jnp.linspace(-100.0, 100.0, 2001)
    assert (1 + far * integrate.exponential_mean(far) > -1e-5).all()  # no u changes its sign


def test_a_step_of_length_zero_changes_nothing():
    def f(a, b):
        return -50.0 * a + a * b, a - 0.5 * b * b

    y = (jnp.float32(1.0), jnp.float32(2.0))
    assert kinetics.rosenbrock_step(f, sparse.pattern(f, 2), y, jnp.float32(0.0)) == y


def test_sparse_elimination_solves_like_dense():
    random = np.random.default_rng(0)
    dense = np.where(random.random((8, 8)) < 0.3, random.normal(size=(8, 8)), 0.0) + 6 * np.eye(8)
    b = random.normal(size=8)
    entries = {(i, j): float(dense[i, j]) for i in range(8) for j in range(8) if dense[i, j]}
    assert sparse.solve(sparse.factor(entries, 8), list(b)) == pytest.approx(np.linalg.solve(dense, b))


def test_the_matrix_exponential_holds_for_slow_and_fast_kinetics():
    from scipy.linalg import expm

    a = np.array([[-12.0, 0.02], [11.0, -0.03]])
    h = np.array([0.0, 0.01, 1.0, 8.0], np.float32)
    e, integral = kinetics.exponential(list(map(list, a)), [1.0, 0.0], jnp.asarray(h))
    for k, step in enumerate(h):
        whole = expm(np.vstack([np.hstack([a, [[1.0], [0.0]]]), np.zeros((1, 3))]) * step)
        np.testing.assert_allclose([[e[i][j][k] for j in range(2)] for i in range(2)], whole[:2, :2] - np.eye(2), atol=2e-5)
        np.testing.assert_allclose([integral[i][k] for i in range(2)], whole[:2, 2], rtol=1e-5, atol=2e-5)


def test_no_step_crosses_a_change_of_the_input():
    grid = MODELS["paclitaxel-henrich2017"].grid
    ends = dosing.step_ends(grid, [(0.0, 3.0), (100.0, 1.0)], [50.0], 200.0)
    for change in (3.0, 50.0, 100.0, 101.0, 200.0):
        assert np.isclose(ends, change).any()
    rate, _ = dosing.fractions(ends, [(0.0, 3.0), (100.0, 1.0)])
    assert np.diff(ends, prepend=0.0) @ rate == pytest.approx([1.0, 1.0])
