"""Hazards, survival and events: closed forms, printed values, and what must hold for every model that has hazards."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.commands import run
from posology.patients import case, events, map_case
from posology.patients.catalogue import MAPS, MODELS
from posology.patients.hazards import Hazards
from posology.patients.hours import in_hours
from posology.patients.models import nsclc_claret2014 as claret
from posology.quantities import replace

OVARY, LUNG, ZHAO = MODELS["ovarian-zecchin2016"], MODELS["nsclc-claret2014"], MAPS["chemotherapy-zhao2009"]
WITH_HAZARDS = {i: m for i, m in {**MODELS, **MAPS}.items() if m.hazards}
STILL = {"s0": 70.0, "kg": 0.0, "kd0": 0.0}  # a tumour that stays as it is
# individual parameters and states that a source says shorten life
WORSE: dict[str, list[tuple[dict[str, float], dict[str, float]]]] = {
    "ovarian-zecchin2016": [({}, {"size": 100.0}), ({"os_status": 0.5162}, {}), ({"s0": 140.0}, {"size": 140.0})],
    "nsclc-claret2014": [({"b": 180.0}, {}), ({"kd": 0.005}, {}), ({"os_base": 0.8}, {})],
    "chemotherapy-zhao2009": [({}, {"toxicity": 2.0}), ({}, {"tumour": 1.5})],
}


class Size(NamedTuple):
    size: Any


def told(m: Any, raw: dict[str, Any], precise: bool = False) -> dict[str, Any]:
    """Survival of a case."""
    steps = m.kind == "map"
    return (map_case.simulate(m, raw, precise) if steps else case.simulate(case.read(m, raw), precise))["survival"]


def reference(m: Any) -> Any:
    return m.individual(m.Params(), {c.name: c.default for c in m.covariates if c.default is not None})


# printed values and closed forms -----------------------------------------------------------------


def test_survival_with_ovarian_cancer_comes_out_of_the_command_as_printed(tmp_path, capsys):
    path = tmp_path / "case.json"
    path.write_text(json.dumps({"individual": STILL, "initial": {"size": 49.0}, "times": [0, 365, 730]}))
    assert run(["simulate", OVARY.id, "--case", str(path), "--json"]) == 0
    alive = json.loads(capsys.readouterr().out)["survival"]["alive"]
    assert alive == pytest.approx([1.0, 0.8399, 0.4966], abs=5.001e-5)  # by the formula 0.83985, which the print rounds up
    assert run(["simulate", OVARY.id, "--case", str(path)]) == 0
    assert "share alive" in capsys.readouterr().out


def test_the_hazard_looks_at_the_tumour_until_its_landmark_and_no_later():
    ends = np.concatenate([np.linspace(0, 84, 13)[1:], np.linspace(84, 365, 16)[1:], np.linspace(365, 730, 21)[1:]])
    time = np.concatenate([[0.0], events.cut(ends)])
    size = np.where(time <= 84, 70 * (1 - 0.3 * time / 84), 1e4 * time)  # what grows later is not seen
    p = replace(reference(OVARY), s0=70.0)
    alive = jax.jit(lambda t, x: events.alive(events.cumulative(OVARY, p, t, x)))(time, Size(jnp.asarray(size, jnp.float32)))
    assert [float(alive[27]), float(alive[-1])] == pytest.approx([0.8391, 0.4961], abs=5e-5)


@pytest.mark.parametrize(("covariates", "median"), [({}, 363.2), ({"asian": 1, "ever_smoker": 0}, 650.7)])
def test_half_of_the_patients_with_lung_cancer_live_for_the_printed_median(covariates, median):
    survival = told(LUNG, {"covariates": covariates, "times": [60, median, 1500]})
    assert survival["alive"][1] == pytest.approx(0.5, abs=1e-4)
    p = LUNG.individual(LUNG.Params(), {"asian": 0, "ever_smoker": 1, **covariates})
    expected = [float(claret.survival(t, p)) for t in (60.0, median, 1500.0)]
    assert survival["alive"] == pytest.approx(expected, rel=2e-4)


def test_survival_of_a_model_in_steps_is_the_one_it_reads_out():
    raw = {"doses": [{"time": 0, "amount": 0.7, "duration": 6}], "times": [0, 3, 6]}
    whole = map_case.simulate(ZHAO, raw)
    assert whole["survival"]["alive"] == pytest.approx(whole["readings"]["survival"], rel=1e-5)
    assert whole["survival"]["alive"][-1] == pytest.approx(0.0354, abs=5e-5)


def test_a_model_in_hours_has_the_survival_of_the_model_in_days():
    days, hours = (told(m, {"times": [500 * k]})["alive"][0] for m, k in ((OVARY, 1), (in_hours(OVARY), 24)))
    assert hours == pytest.approx(days, rel=1e-5) and 0.1 < days < 0.9


# events ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weibull() -> dict[str, Any]:
    """Time, cumulative hazard and events of 2000 women whose tumour stays at 49 of 70 mm, by the day."""
    p = replace(reference(OVARY), **STILL)
    ends = np.arange(1.0, 3001.0)
    time = np.concatenate([[0.0], events.cut(ends)])
    state = Size(jnp.full(len(time), 49.0, jnp.float32))
    hazards = jax.jit(lambda t: events.cumulative(OVARY, p, t, state))(time)
    keys = jax.random.split(jax.random.key(3), 2000)
    days = np.concatenate([[0.0], ends])
    drawn = jax.jit(jax.vmap(lambda k: events.event(k, days, hazards)))(keys)
    return {"days": days, "hazards": hazards, "keys": keys, "drawn": drawn, "risk": math.exp(0.2084 - 0.3 * 0.9036)}


def test_cumulative_hazard_and_event_times_are_those_of_the_weibull_law(weibull):
    law = (1.183e-3 * weibull["days"]) ** 2.004 * weibull["risk"]
    np.testing.assert_allclose(weibull["hazards"]["death"], law, rtol=2e-4, atol=1e-8)
    stream = lambda k: jax.random.uniform(jax.random.fold_in(jax.random.fold_in(k, events.EVENT), 0))  # noqa: E731
    u = np.asarray(jax.vmap(stream)(weibull["keys"]), float)
    expected = (-np.log1p(-u) / weibull["risk"]) ** (1 / 2.004) / 1.183e-3
    assert expected.max() < 3000
    np.testing.assert_allclose(weibull["drawn"].time, expected, rtol=2e-4, atol=0.3)  # a third of a step


def test_shares_of_events_are_those_of_the_survival_as_printed(weibull):
    for day, alive in ((365, 0.8399), (730, 0.4966)):
        assert np.mean(np.asarray(weibull["drawn"].time) > day) == pytest.approx(alive, abs=0.03)


def test_the_same_patient_under_a_larger_hazard_never_lives_longer(weibull):
    worse = {"death": 1.7 * weibull["hazards"]["death"]}
    again = jax.jit(jax.vmap(lambda k: events.event(k, weibull["days"], worse)))(weibull["keys"])
    assert np.all(np.asarray(again.time) <= np.asarray(weibull["drawn"].time))


def test_the_earlier_of_two_causes_is_the_event_and_none_is_said_to_be_none(key):
    time = np.array([0.0, 1000.0])
    both = {"cancer": jnp.array([0.0, 3.0]), "heart": jnp.array([0.0, 1.0])}
    drawn = jax.jit(jax.vmap(lambda k: events.event(k, time, both)))(jax.random.split(key, 2000))
    cause, when = np.asarray(drawn.cause), np.asarray(drawn.time)
    assert set(cause) == {-1, 0, 1}
    assert np.all(np.isinf(when) == (cause == -1))
    assert np.mean(cause == -1) == pytest.approx(math.exp(-4.0), abs=0.01)
    assert np.mean(cause == 0) / np.mean(cause == 1) == pytest.approx(3.0, rel=0.15)
    assert float(events.event(key, time, {"none": jnp.zeros(2)}).time) == math.inf


def test_hazards_that_are_polynomials_in_time_are_integrated_exactly():
    rates = lambda t, x, p: {"first": 6 * t**5, "second": 0 * t + 2.0}  # noqa: E731
    model = SimpleNamespace(hazards=Hazards(("first", "second"), rates))
    ends = np.array([0.5, 2.0])
    time = np.concatenate([[0.0], events.cut(ends)])
    found = jax.jit(lambda t, x: events.cumulative(model, None, t, x))(time, Size(jnp.zeros(len(time))))
    assert list(found["first"]) == pytest.approx([0.0, 0.5**6, 2.0**6], rel=1e-5)
    assert list(found["second"]) == pytest.approx([0.0, 1.0, 4.0], rel=1e-6)


# every model with hazards ------------------------------------------------------------------------


def test_every_model_with_hazards_says_what_shortens_life():
    assert set(WORSE) == set(WITH_HAZARDS)


@pytest.mark.parametrize("m", WITH_HAZARDS.values(), ids=WITH_HAZARDS)
def test_hazards_are_never_negative_and_more_harm_is_never_better(m):
    p = reference(m)
    x = m.baseline(p)
    for t in (1e-3, 10.0, 84.0, 400.0, 3000.0):
        rates = m.hazards(t, x, p)
        assert tuple(rates) == m.hazards.causes
        assert all(math.isfinite(r) and r >= 0 for r in rates.values())
    for own, state in WORSE[m.id]:
        cause, t = m.hazards.causes[0], 400.0
        worse = float(m.hazards(t, replace(x, **state), replace(p, **own))[cause])
        assert worse > float(m.hazards(t, x, p)[cause]), (own, state)


@pytest.mark.parametrize("m", WITH_HAZARDS.values(), ids=WITH_HAZARDS)
def test_survival_begins_at_one_and_falls(m, capsys):
    until = 24 * m.step if m.kind == "map" else 1200
    survival = told(m, {"times": [0, until / 4, until / 2, until]})
    alive = survival["alive"]
    assert alive[0] == 1.0 and alive == sorted(alive, reverse=True) and 0 <= alive[-1] < 0.5
    assert set(survival["cumulative_hazard"]) == set(m.hazards.causes)
    assert run(["describe", m.id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["hazards"]["causes"] == list(m.hazards.causes)
    assert run(["describe", m.id]) == 0
    assert "hazards of: death" in capsys.readouterr().out


def test_treatment_that_shrinks_the_tumour_lengthens_life():
    r = OVARY.regimen
    doses = [{"time": k * r.every, "amount": r.amount, "duration": r.duration} for k in range(r.times)]
    treated, not_treated = (told(OVARY, {"doses": d, "times": [730]})["alive"][0] for d in (doses, []))
    assert treated > not_treated + 0.05
