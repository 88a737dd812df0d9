"""Cytotoxics with their kinetics or the blood counts that they lower: what clinics know about them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from posology.patients import population
from posology.patients.catalogue import MODELS

Solver = Callable[..., Any]


@pytest.fixture(scope="module")
def course(individual_of: Solver, scipy_course: Solver) -> Solver:
    """`course(model, doses, end, **covariates)` of the typical patient."""

    def solved(model_id: str, doses: list[tuple[float, float, float]], end: float, **covariates: float) -> Any:
        m = MODELS[model_id]
        return scipy_course(m, individual_of(m, covariates), doses, end)

    return solved


# kinetics ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model_id", "mg", "hours"), [("carboplatin-ekhart2008", 625, 1), ("busulfan-neroutsos2022", 22, 2)])
def test_what_is_given_has_left_in_the_end(model_id: str, mg: float, hours: float, course: Solver) -> None:
    c = course(model_id, [(0, mg, hours)], 400)
    left = c.value("central", 12) + c.value("peripheral", 12)
    assert 0 < left < mg
    assert c.p.cl * c.auc(12) + left == pytest.approx(mg, rel=1e-6)
    assert c.p.cl * c.auc(400) == pytest.approx(mg, rel=1e-6)


def test_calverts_dose_gives_its_auc_at_the_filtration_that_these_patients_have(course: Solver) -> None:
    mg = 5 * (115 + 25)  # AUC 5 mg*min/mL at 115 mL/min
    assert course("carboplatin-ekhart2008", [(0, mg, 1)], 1000).auc(1000) * 60 / 1000 == pytest.approx(5, rel=0.02)


@pytest.mark.parametrize(("kg", "per_kg"), [(8, 1.0), (12, 1.2), (20, 1.1), (28, 0.95), (45, 0.8)])
def test_every_dose_band_of_the_label_brings_a_child_to_the_area_that_is_aimed_at(
    kg: float, per_kg: float, course: Solver
) -> None:
    area = course("busulfan-neroutsos2022", [(0, kg * per_kg, 2)], 300, weight=kg).auc(300)
    assert 900 <= area * 1000 / 246.3 * 60 <= 1350  # umol/L*min


def test_busulfan_clearance_and_volume_vary_together_between_children() -> None:
    import jax

    own = population.draw(MODELS["busulfan-neroutsos2022"], {}, jax.random.key(0), 20_000).own
    spread = np.log([np.asarray(own.cl), np.asarray(own.v1)])
    assert np.corrcoef(spread)[0, 1] == pytest.approx(0.679, abs=0.015)
    assert spread.std(axis=1) == pytest.approx([0.284, 0.409], rel=0.02)


@pytest.mark.parametrize(("hours", "bound"), [(36, 30), (42, 10), (48, 5)])
def test_methotrexate_leaves_in_time_with_healthy_kidneys_and_later_with_ill_ones(
    hours: float, bound: float, course: Solver
) -> None:
    healthy, ill = (
        course("methotrexate-taylor2020", [(0, 3725, 24)], 100, scr=scr).reading("methotrexate", hours) for scr in (29, 150)
    )
    assert healthy < bound / 5
    assert ill > 2 * healthy


def test_methotrexate_per_area_gives_large_and_small_children_the_same_concentration(course: Solver) -> None:
    small, large = (course("methotrexate-taylor2020", [(0, 5000 * m2, 24)], 48, bsa=m2) for m2 in (0.6, 1.7))
    assert small.reading("methotrexate", 24) == pytest.approx(large.reading("methotrexate", 24), rel=1e-6)


# leukocytes under fluorouracil -------------------------------------------------------------------


def test_folfox_gives_the_area_that_drug_monitoring_aims_at(course: Solver) -> None:
    area = course("fluorouracil-arshad2020", [(0, 400 * 1.95, 0), (0, 2400 * 1.95, 46)], 200).auc(200)
    assert 20 <= area <= 30


def test_half_the_enzyme_needs_half_the_dose(course: Solver) -> None:
    def nadir(mg: float, dpyd: float) -> float:
        return course("fluorouracil-arshad2020", [(0, mg, 120)], 1000, dpyd=dpyd).extreme("leukocytes", 0, 1000)[0]

    usual = nadir(9750, 1.0)
    assert nadir(9750, 0.5) < 0.7 * usual
    assert nadir(4875, 0.5) == pytest.approx(usual, rel=0.01)


def test_more_fluorouracil_lowers_leukocytes_more_and_cisplatin_adds_to_it(course: Solver) -> None:
    def nadir(mg: float, **more: float) -> float:
        return course("fluorouracil-arshad2020", [(0, mg, 120)], 1000, **more).extreme("leukocytes", 0, 1000)[0]

    falling = [nadir(mg) for mg in (0, 4875, 9750, 19500, 97500)]
    assert falling[0] == pytest.approx(6.86, rel=1e-9)
    assert falling == sorted(falling, reverse=True)
    assert 0 < falling[-1] < 0.1
    assert nadir(9750, cisplatin=1) < falling[2] - 1


# maintenance with mercaptopurine -----------------------------------------------------------------


@pytest.fixture(scope="module")
def maintained(course: Solver) -> Solver:
    """`maintained(mg/m2 a day, m2)`: a hundred days."""
    return lambda dose, m2=1.0: course("mercaptopurine-gebhard2023", [(d, dose * m2, 0) for d in range(100)], 100, bsa=m2)


def test_maintenance_keeps_neutrophils_where_it_aims_and_nucleotides_saturate(maintained: Solver) -> None:
    courses = [maintained(mg) for mg in (37.5, 75, 150)]
    counts, levels = ([c.reading(name, 100) for c in courses] for name in ("anc", "tgn"))
    assert all(0.5 < n < 2.0 for n in counts)
    assert counts[0] > counts[1] > counts[2]
    assert levels[0] < levels[1] < levels[2]
    assert levels[2] - levels[1] < 1.2 * (levels[1] - levels[0])  # twice the step in dose, hardly more in effect


def test_mercaptopurine_per_area_gives_large_and_small_children_the_same_nucleotides(maintained: Solver) -> None:
    assert maintained(75, 0.6).reading("tgn", 100) == pytest.approx(maintained(75, 1.7).reading("tgn", 100), rel=1e-6)


def test_without_mercaptopurine_neutrophils_stay_and_after_it_they_come_back_in_waves(course: Solver) -> None:
    untreated = course("mercaptopurine-gebhard2023", [], 300)
    assert untreated.reading("anc", 300) == pytest.approx(2.17, rel=1e-9)
    stopped = course("mercaptopurine-gebhard2023", [(d, 75, 0) for d in range(60)], 500)
    assert stopped.extreme("anc", 0, 100)[0] < 1.65
    assert stopped.reading("tgn", 300) < 1e-4
    later = [stopped.reading("anc", t) for t in range(200, 501)]
    assert np.mean(later) == pytest.approx(2.17, rel=0.03)
    assert 1.8 < min(later) < max(later) < 2.6


def test_a_child_who_loses_all_dividing_cells_keeps_a_count_in_single_precision(
    individual_of: Solver, scipy_course: Solver
) -> None:
    from posology.patients import case

    m = MODELS["mercaptopurine-gebhard2023"]
    own = {"vm": 0.358, "ke": 0.0162, "ktr": 0.584, "slope": 0.417, "gamma": 0.707}  # drawn from the published spreads
    raw = {"individual": own, "doses": [{"time": d, "amount": 75} for d in range(84)], "times": [14, 28, 56, 84]}
    found = case.simulate(case.read(m, raw))
    exact = scipy_course(m, individual_of(m, own=own), [(d, 75, 0) for d in range(84)], 84)
    assert exact.extreme("anc", 0, 84)[0] < 1e-6
    for i, t in enumerate(raw["times"]):
        assert found["readings"]["anc"][i] == pytest.approx(exact.reading("anc", t), rel=1e-3, abs=1e-4 * 2.17)
        assert found["states"]["prol"][i] >= 0


# sunitinib ---------------------------------------------------------------------------------------

CYCLES = [(0.0, 672.0), (1008.0, 672.0)]  # start, hours


@pytest.fixture(scope="module")
def sunitinib(course: Solver) -> Solver:
    """`sunitinib(mg a day)`: two cycles of four weeks and two without."""
    return lambda mg: course("sunitinib-hansson2013", [(t, mg * 28, h) for t, h in CYCLES] if mg else [], 2016)


def test_untreated_tumours_grow_while_the_blood_stays_as_it_is(sunitinib: Solver) -> None:
    untreated = sunitinib(0)
    assert untreated.reading("anc", 2016) == pytest.approx(4.94, rel=1e-9)
    assert untreated.reading("svegfr3", 2016) == pytest.approx(63900, rel=1e-9)
    assert untreated.reading("tumour_size", 2016) == pytest.approx(263 * math.exp(0.01048 * 12), rel=1e-6)
    assert 1.05 < untreated.reading("vegf", 2016) / 59.7 < 1.08


def test_more_sunitinib_moves_every_reading_further_and_what_it_does_to_neutrophils_has_an_end(sunitinib: Solver) -> None:
    low, usual, high, extreme = (sunitinib(mg) for mg in (25, 50, 100, 5000))
    for name in ("tumour_size", "svegfr2", "svegfr3", "skit", "anc"):
        assert low.reading(name, 672) > usual.reading(name, 672) > high.reading(name, 672) > 0, name
    assert low.reading("vegf", 672) < usual.reading("vegf", 672) < high.reading("vegf", 672)
    most = 0.52 / (1 + 0.552)  # of the effect, when sVEGFR-3 has gone
    least = 4.94 * (1 - most) ** (1 / 0.362)  # where feedback balances it
    assert 0.5 * least < extreme.extreme("anc", 0, 2016)[0] < high.extreme("anc", 0, 2016)[0]


def test_proteins_recover_in_the_weeks_without_sunitinib(sunitinib: Solver) -> None:
    c = sunitinib(50)
    assert c.reading("vegf", 672) > 2 * c.reading("vegf", 1008)
    assert c.reading("svegfr3", 672) < c.reading("svegfr3", 1008) < 63900


def test_as_many_tumours_shrink_by_a_third_in_twelve_weeks_as_are_printed(sunitinib: Solver) -> None:
    """6.3 %; the logarithm of the size is linear in growth and kill, so the typical course gives everyone's."""
    import jax

    c = sunitinib(50)
    seen = (c.p.kg * 12 - math.log(c.reading("tumour_size", 2016) / c.p.s0)) / c.p.kd
    own = population.draw(MODELS["sunitinib-hansson2013"], {}, jax.random.key(0), 20_000).own
    change = np.asarray(own.kg) * 12 - np.asarray(own.kd) * seen
    assert np.mean(change <= math.log(0.7)) == pytest.approx(0.063, abs=0.005)


def test_the_effects_of_sunitinib_vary_together_as_printed() -> None:
    m = MODELS["sunitinib-hansson2013"]
    covariance = dict(zip(m.random_effects, np.array(population.effect_factor(m)), strict=True))
    between = lambda a, b: covariance[a] @ covariance[b]  # noqa: E731
    printed = {("svegfr2", "vegf"): 0.198, ("svegfr3", "svegfr2"): 0.252, ("skit", "svegfr3"): 0.936, ("skit", "skit"): 5.77}
    for (a, b), value in printed.items():
        assert between(f"ic50_{a}", f"ic50_{b}") == pytest.approx(value, rel=1e-9)
    assert between("emax", "c0") / np.sqrt(between("emax", "emax") * between("c0", "c0")) == pytest.approx(0.9)


# docetaxel by other papers -----------------------------------------------------------------------


def test_docetaxel_papers_agree_on_a_nadir_in_the_second_week_and_differ_in_its_depth(course: Solver) -> None:
    papers = [i for i, m in MODELS.items() if i.startswith("docetaxel") and "anc" in m.reading_units]
    nadir = {i: course(i, [(0, 135, 1)], 504).extreme("anc", 0, 504) for i in papers}
    assert len(nadir) >= 4
    assert all(7 <= at / 24 <= 10 and 0.2 < lowest < 1.5 for lowest, at in nadir.values()), nadir
    assert nadir["docetaxel-kloft2006"][0] < 0.5 * nadir["docetaxel-friberg2002"][0]


def test_dexamethasone_brings_neutrophils_for_days_and_a_deeper_nadir_later(course: Solver) -> None:
    without, with_it = (course("docetaxel-ozawa2007", [(0, 93, 1)], 504, dexamethasone=d) for d in (0, 1))
    assert with_it.reading("anc", 24) > without.reading("anc", 24) + 1
    assert with_it.extreme("anc", 0, 504)[0] < without.extreme("anc", 0, 504)[0]
    alone = course("docetaxel-ozawa2007", [], 504, dexamethasone=1)
    assert alone.value("pool", 504) < 1e-5
    assert alone.value("pool", 0) == pytest.approx(5.19)


def test_more_acid_glycoprotein_binds_docetaxel_and_spares_the_marrow(course: Solver) -> None:
    little, much = (course("docetaxel-ozawa2007", [(0, 93, 1)], 504, aag=aag).extreme("anc", 0, 504)[0] for aag in (0.6, 1.5))
    assert little < 0.5 * much


def test_the_effect_of_docetaxel_saturates_in_the_set_of_friberg(course: Solver) -> None:
    falls = [math.log(5.05 / course("docetaxel-onoue2016", [(0, mg, 1)], 504).extreme("anc", 0, 504)[0]) for mg in (45, 180, 720)]
    assert falls[0] < falls[1] < falls[2] < 4 * falls[1]
    assert falls[2] / falls[1] < falls[1] / falls[0]


def test_ritonavir_raises_docetaxel_by_less_than_it_takes_from_the_enzyme_for_flow_limits_the_liver(course: Solver) -> None:
    none, half, most = (course("docetaxel-koolen2010", [(0, 100, 1)], 5000, ritonavir=r).auc(5000) for r in (0, 0.028, 1.0))
    assert half / none == pytest.approx((1 / 56.5 + 1 / 80) / (1 / 113 + 1 / 80), rel=1e-3)
    assert 1.2 < half / none < 2
    assert 10 < most / none < 1 + 1.0 / 0.028
