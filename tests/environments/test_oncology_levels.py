"""Treatments of oncology by level, count or size of a tumour: what is printed comes out, and what knows more does better."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.data.history import DAY
from posology.environments.protocol import Chosen, TreatmentEnvironment
from posology.environments.reward import Interval
from posology.environments.treatments import (
    busulfan_children,
    carboplatin_auc,
    fluorouracil_levels,
    mercaptopurine_maintenance,
    sunitinib_cycles,
)
from posology.evaluation import area_guided, titration
from posology.evaluation.arms import guideline
from posology.evaluation.rollout import play
from posology.patients import maps
from posology.patients.models import sunitinib_fatigue_hansson2013
from posology.safety.drugs import CEILING_ONLY
from posology.safety.limits import Facts
from posology.safety.rules import calvert
from posology.safety.shield import allowed

KEY = jax.random.key(23)
MODULES = (busulfan_children, mercaptopurine_maintenance, carboplatin_auc, fluorouracil_levels, sunitinib_cycles)
TREATMENTS = {module.TREATMENT.id: module.TREATMENT for module in MODULES}


@cache
def environment(name):
    return TreatmentEnvironment(TREATMENTS[name])


@cache
def played(name, arm, patients=80):
    env = environment(name)
    return play(env, guideline(arm, env), env.draw(KEY, patients), KEY)


def total(name, arm, term):
    """Sum of a term over the course, averaged over patients."""
    return float(played(name, arm).terms.sum(axis=1)[:, environment(name).spec.terms.index(term)].mean())


def typical(name, **covariates):
    """A patient without random effects."""
    env = environment(name)
    one = jax.tree.map(lambda v: v[0], env.draw(KEY, 1))
    covariates = {**one.covariates, **{k: jnp.float32(v) for k, v in covariates.items()}}
    own = env.model.individual(jax.tree.map(jnp.float32, env.model.Params()), covariates)
    return one._replace(covariates=covariates, own=own)


@cache
def courses(name):
    """(patient, amounts) → intervals; one program for all patients of a treatment."""
    env = environment(name)
    standard = env.treatment.standard

    def course(patient, amounts):
        def visit(x, amount):
            chosen = Chosen(amount, jnp.float32(standard.wait), jnp.float32(standard.interval))
            interval, after = env.forecast(x, patient.own, chosen, patient)
            return after, interval

        x = jax.tree.map(jnp.float32, env.model.baseline(patient.own))
        return jax.lax.scan(visit, x, amounts)[1]

    return jax.jit(course)


def course(name, patient, amounts):
    """Intervals of a patient who is given these amounts visit by visit, without variability between occasions."""
    return courses(name)(patient, jnp.array(amounts, jnp.float32))


@pytest.mark.parametrize(("name", "set_name"), list(zip(TREATMENTS, CEILING_ONLY, strict=True)))
def test_the_ceiling_of_a_drug_closes_the_rows_above_it_and_no_other(name, set_name):
    t, (limit,) = TREATMENTS[name], CEILING_ONLY[set_name]
    assert t.limits == (limit,)
    times = DAY / t.standard.interval if limit.unit.endswith("/d") else 1.0
    most, spec = dict(limit.numbers)["maximum"] / times, t.spec
    higher = replace(spec, actions=tuple(replace(a, amount=1.2 * a.amount) for a in spec.actions))
    for table in (spec, higher):
        mask = np.asarray(allowed(t.limits, table, Facts(weight=20.0, bsa=1.0))[0])
        assert mask.tolist() == [a.amount <= most + 1e-6 for a in table.actions]
    assert not mask.all()


# Busulfan.


@pytest.mark.parametrize(
    ("weight", "dose"), [(5, 1.0), (8.9, 1.0), (9, 1.2), (15.9, 1.2), (16, 1.1), (23, 0.95), (33.9, 0.95), (34, 0.8), (60, 0.8)]
)
def test_busulfan_follows_the_weight_bands_of_the_label(weight, dose):
    assert float(busulfan_children.usual({"weight": jnp.float32(weight)})) == pytest.approx(dose)


def test_a_child_of_20_kg_reaches_the_printed_area_per_dose():
    """22 mg every six hours: 1281.7 umol/L·min per dose; 4.1815 L/h clear 5.2613 mg·h/L."""
    days = busulfan_children.area(course("busulfan-children-v1", typical("busulfan-children-v1", weight=20), [1.1] * 4))
    assert np.asarray(days[1:]) == pytest.approx([1281.7] * 3, rel=0.01)
    assert 0.9 < float(days[0]) / 1281.7 < 1  # without the tail of the last dose


@pytest.mark.parametrize(
    ("area", "target", "toxic"), [(1125, 1, 0), (900, 1, 0), (1349, 1, 0), (800, 0.711, 0), (1490, 0.676, 0), (1600, 0.578, 1)]
)
def test_a_day_of_busulfan_is_judged_by_its_area(area, target, toxic):
    i = Interval(1.0, 1.0, 1.0, 1.0, 1.0, 4.0, area * busulfan_children.LEVEL)
    terms = {t.name: float(t.of(i)) for t in TREATMENTS["busulfan-children-v1"].terms}
    assert (terms["target"], terms["toxic"]) == (pytest.approx(target, abs=1e-3), toxic)
    assert terms["days_below"] + terms["days_in_range"] + terms["days_above"] == 1


def test_the_area_under_levels_of_the_typical_child_is_that_of_his_dose_after_the_correction():
    """First dose to infinity, later days in a steady state; 20 kg clear 4.1815 L/h, and half of that makes about twice."""
    name, patient = "busulfan-children-v1", typical("busulfan-children-v1", weight=20)
    env, times = environment(name), area_guided.hours(environment(name))
    nodes = np.array([int(np.argmin(np.abs(env.ends - t))) for t in times])
    slow = patient._replace(own=patient.own._replace(cl=patient.own.cl / 2))

    @jax.jit
    def areas(p):
        x, found = jax.tree.map(jnp.float32, env.model.baseline(p.own)), []
        for steady in (False, True):
            trace = env.course(x, p.own, 22.0, 24.0, 6.0)
            levels = trace.readings["concentration"][nodes]
            found.append(area_guided.area(times, levels, steady) * area_guided.correction(env, patient, steady))
            x = trace.state
        return jnp.stack(found)

    assert np.asarray(areas(patient)) == pytest.approx(22 / 4.1815, rel=0.01)
    assert np.asarray(areas(slow)) == pytest.approx(2 * 22 / 4.1815, rel=0.1)


def test_more_knowledge_of_a_child_means_more_days_in_the_range():
    arms = ("usual-dose", "area-rule", "oracle")
    days = {arm: total("busulfan-children-v1", arm, "days_in_range") for arm in arms}
    print("days in range of 4:", days)
    assert days["usual-dose"] < days["area-rule"] - 0.3 < days["oracle"] - 0.6
    assert days["oracle"] > 3.5


# Carboplatin.


@pytest.mark.parametrize("crcl", [60.0, 100.0, 125.0, 149.0])
def test_the_usual_carboplatin_dose_is_calverts(crcl):
    assert float(carboplatin_auc.usual({"crcl": jnp.float32(crcl)})) == pytest.approx(calvert(5.0, crcl))


def test_625_mg_of_carboplatin_make_the_printed_area_at_ekharts_clearance():
    name = "carboplatin-auc-v1"
    patient = typical(name, crcl=carboplatin_auc.OF_EKHART - 25)
    assert float(patient.own.cl) == pytest.approx(8.38, rel=1e-5)
    assert np.asarray(carboplatin_auc.area(course(name, patient, [625.0] * 2))) == pytest.approx([4.475] * 2, rel=0.01)


def test_calverts_dose_is_right_on_average_and_the_clearance_itself_is_better():
    name = "carboplatin-auc-v1"
    typically = course(name, typical(name, crcl=90), [carboplatin_auc.usual({"crcl": jnp.float32(90)})])
    assert float(carboplatin_auc.area(typically)[0]) == pytest.approx(5.0, rel=0.01)
    days = {arm: total(name, arm, "days_in_range") for arm in ("standard", "usual-dose", "oracle")}
    print("days in range of 126:", days)
    assert days["standard"] < days["usual-dose"] - 5 < days["oracle"] - 30


# Fluorouracil.


@pytest.mark.parametrize(("dpyd", "usual"), [(1.0, 2400), (0.75, 1200), (0.5, 1200)])
def test_variants_of_dpyd_halve_the_usual_dose_and_raise_the_area(dpyd, usual):
    name = "fluorouracil-levels-v1"
    assert float(fluorouracil_levels.usual({"dpyd": jnp.float32(dpyd)})) == usual
    patient = typical(name, bsa=1.95, dpyd=dpyd)
    i = course(name, patient, [2400.0] * 2)
    assert np.asarray(fluorouracil_levels.area(i)) == pytest.approx([2400 * 1.95 / 249 / dpyd] * 2, rel=0.01)


@pytest.mark.parametrize(("leukocytes", "counted"), [(2.0, 0), (1.99, 1), (6.0, 0), (float("nan"), 1)])
def test_leukocytes_below_2_are_counted_as_a_harm(leukocytes, counted):
    i = Interval(1.0, 1.0, 1.0, 1.0, 14.0, 1.0, 0.07, after={"leukocytes": leukocytes})
    t = TREATMENTS["fluorouracil-levels-v1"]
    assert float(next(c for c in t.costs if c.name == "leukopenia").of(i)) == counted
    assert float(next(x for x in t.terms if x.name == "leukopenia").of(i)) == counted


# Mercaptopurine.


def test_a_year_of_75_mg_per_m2_reaches_the_printed_counts_and_nucleotides():
    name = "mercaptopurine-maintenance-v1"
    i = course(name, typical(name, bsa=1.0), [75.0] * 2)
    assert np.asarray(i.after["anc"]) == pytest.approx([2.0195, 1.5831], rel=2e-3)
    assert float(i.after["tgn"][1]) == pytest.approx(0.9892, rel=2e-3)
    assert float(i.total[0]) == 28 * 75


@cache
def titrated():
    """The environment, a child at the first visit, what may be given, and (state, mask, patient) → what titration chooses."""
    env = environment("mercaptopurine-maintenance-v1")
    patient = jax.tree.map(lambda v: v[0], env.draw(KEY, 1))
    state, _, mask = jax.jit(env.reset)(KEY, patient)
    return env, patient, state, mask, jax.jit(lambda *seen: titration.choose(env, *seen).amount)


@pytest.mark.parametrize(
    ("count", "last", "next_dose"),
    [(1.0, 75, 75), (0.3, 75, 37.5), (2.5, 75, 93.75), (3.0, 112.5, 112.5), (0.3, 9.375, 0.0), (np.nan, 56.25, 56.25)],
)
def test_titration_goes_by_the_latest_count(count, last, next_dose):
    env, patient, state, mask, amount = titrated()
    h, day = state.history, state.day + 28.0
    if not np.isnan(count):
        h = h._replace(time=h.time.at[-1].set(day * DAY), value=h.value.at[-1].set(count))
        h = h._replace(what=h.what.at[-1].set(env.names.index("anc")), present=h.present.at[-1].set(True))
    later = state._replace(history=h, day=day, step=state.step + 1, last_dose=jnp.float32(last))
    assert float(amount(later, mask, patient)) == pytest.approx(next_dose)
    assert float(amount(state, mask, patient)) == 75


def test_titration_spares_children_days_below_the_range():
    low = {arm: total("mercaptopurine-maintenance-v1", arm, "days_below") for arm in ("standard", "titration")}
    print("days below 0.5 of 364:", low)
    assert low["titration"] < 0.8 * low["standard"]
    assert np.isfinite(played("mercaptopurine-maintenance-v1", "standard").reward).all()


# Sunitinib.


def test_two_cycles_of_50_mg_reach_the_printed_count_and_tumour():
    i = course("sunitinib-cycles-v1", typical("sunitinib-cycles-v1"), [1400.0] * 2)
    assert float(i.after["anc"][0]) == pytest.approx(1.9368, rel=2e-3)
    assert float(i.lowest[1]) == pytest.approx(1.6905, rel=2e-3)
    assert float(i.after["tumour_size"][1]) / 263 == pytest.approx(1 - 0.056, abs=0.002)


@pytest.mark.parametrize(("odds", "within"), [((1, 1, 1, 1), 0.05), ((0.3, 0.3, 0.3, 0.3), 0.1), ((8, 8, 8, 8), 0.1)])
def test_the_chain_in_hours_keeps_to_the_one_in_days_for_prone_and_sturdy_patients_too(odds, within):
    chain, own = sunitinib_fatigue_hansson2013.MODEL, {f"tendency_{k}": math.log(v) for k, v in enumerate(odds)}
    p = chain.individual(chain.Params(), {})._replace(**own)
    days = maps.plain(chain, p, chain.baseline(p), [chain.usual(k) for k in range(84)])
    name = "sunitinib-cycles-v1"
    patient = typical(name)
    patient = patient._replace(own=patient.own._replace(**{f"odds_{k}": jnp.float32(v) for k, v in enumerate(odds)}))
    tired = float(course(name, patient, [1400.0] * 2).after["tired"][1])
    assert tired == pytest.approx(sum(x.grade_3 for x in days[1:85]), rel=within)


def test_the_patients_own_tendency_decides_how_tired_a_dose_makes():
    name = "sunitinib-cycles-v1"
    patient = typical(name)
    prone = patient._replace(own=patient.own._replace(odds_0=jnp.float32(3.0), odds_3=jnp.float32(3.0)))
    days = {label: float(course(name, who, [1400.0]).after["tired"][0]) for label, who in (("usual", patient), ("prone", prone))}
    none = float(course(name, prone, [0.0]).after["tired"][0])
    assert none < days["prone"] > days["usual"]


def test_who_knows_the_patient_spares_neutropenia_at_little_cost_to_shrinkage():
    name = "sunitinib-cycles-v1"
    assert total(name, "oracle-plan", "grade3") < 0.5 * total(name, "standard", "grade3")
    assert total(name, "standard", "shrinkage") - 0.05 < total(name, "oracle-plan", "shrinkage")
    returns = [played(name, arm).reward.sum(axis=1) for arm in ("oracle-plan", "standard")]
    assert (returns[0] >= returns[1] - 1e-4).all()
    assert returns[0].mean() > returns[1].mean() + 0.01


@pytest.mark.parametrize("name", TREATMENTS)
def test_nothing_is_recommended_where_a_limit_was_read_in_no_label(name):
    assert TREATMENTS[name].research_only
    assert all(limit.status != "verified" for limit in TREATMENTS[name].limits)
