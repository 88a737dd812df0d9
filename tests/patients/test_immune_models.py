"""Tumours against immune systems, and prostate cancer without and with androgen: what the papers say happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from scipy.integrate import solve_ivp

from posology.patients.lysis import lysis
from posology.patients.models import (
    immune_depillis2003,
    immune_depillis2009,
    immune_ghaffari2016,
    immune_kirschner1998,
    immune_kuznetsov1994,
    prostate_bradynicholls2020,
    prostate_ideta2008,
)
from posology.quantities import numbers_of, replace

Of = Callable[..., Any]


@pytest.fixture(scope="module")
def course(individual_of: Of, scipy_course: Of) -> Of:
    """`course(module, end, doses, **parameters)`, solved to rtol 1e-10; a single number means that rate until the end."""

    def solved(module: Any, end: float, doses: Any = (), **parameters: float) -> Any:
        doses = [(0.0, doses * end, end)] if isinstance(doses, (int, float)) else list(doses)
        return scipy_course(module.MODEL, individual_of(module.MODEL, parameters=parameters), doses, end)

    return solved


def test_t_cells_kill_at_most_d_and_without_them_nothing_dies() -> None:
    assert lysis(1e7, 0.0, 2.34, 2.09, 3.8e-3) < 1e-20
    assert lysis(0.0, 1e5, 2.34, 2.09, 3.8e-3) == pytest.approx(2.34, rel=1e-12)
    even = 3.8e-3 ** (-1 / 2.09)  # the ratio at which half of d is left
    assert lysis(1e5 * even, 1e5, 2.34, 2.09, 3.8e-3) == pytest.approx(1.17, rel=1e-12)


def test_a_higher_dose_rate_leaves_less_tumour_and_an_extreme_one_costs_a_tenth_of_healthy_tissue(course: Of) -> None:
    m = immune_depillis2003
    left = [course(m, 50.0, u).value("tumour", 50.0) for u in (0.0, 0.25, 0.5, 1.0, 10.0)]
    assert left == sorted(left, reverse=True)
    assert left[0] > 0.2 > 10 * left[-1]  # untreated it has grown
    healthy = [course(m, 100.0, u, n0=1.0, t0=0.0).value("normal", 100.0) for u in (0.0, 1.0, 10.0)]
    assert healthy == pytest.approx([1.0, 0.9368, 0.9], abs=1e-3)


def test_more_chemotherapy_leaves_fewer_tumour_cells_and_fewer_lymphocytes(course: Of) -> None:
    m, usual = immune_depillis2009, 2.3869
    courses = [course(m, 40.0, [(10.0 * k, f * usual, 1.0) for k in range(4)]) for f in (0.0, 0.3, 1.0, 2.0)]
    for name in ("tumour", "lymphocytes"):
        left = [c.value(name, 10.0) for c in courses]
        assert left == sorted(left, reverse=True) and len(set(left)) == 4
    assert courses[0].value("tumour", 40.0) == pytest.approx(1 / 1.02e-9, rel=1e-3)  # untreated: the capacity
    assert courses[1].value("tumour", 40.0) > 1e7  # a third of the dose only delays it
    assert courses[2].value("tumour", 11.0) < 1


def test_an_extreme_dose_takes_two_thirds_of_the_lymphocytes_and_none_takes_more(course: Of) -> None:
    m = immune_depillis2009
    left = [course(m, 40.0, rate).value("lymphocytes", 40.0) / 2.25e9 for rate in (0.0, 10.0, 100.0)]
    assert left[0] == pytest.approx(1.0, abs=1e-9)
    assert left[1] == pytest.approx(left[2], abs=0.002)
    assert 0.3 < left[2] < 0.35


def test_a_small_tumour_sleeps_a_large_one_escapes_and_t_cells_turn_its_escape(course: Of) -> None:
    m, months = immune_kuznetsov1994, [28.0 * k for k in range(6)]
    large = [course(m, 168.0, [(t, cells, 0.0) for t in months if cells], t0=1e8) for cells in (0.0, 1e5, 1e6)]
    left = [c.value("tumour", 168.0) for c in large]
    assert left[0] > left[1] > left[2]
    assert left[0] > 4e8 and left[2] < 1e7
    assert course(m, 2000.0).extreme("tumour", 1000.0, 2000.0, -1.0)[0] < 2e7
    none = course(m, 500.0, t0=0.0)
    assert none.value("effectors", 500.0) == pytest.approx(1.3e4 / 0.0412, rel=1e-6)


def test_waves_go_on_for_ever_at_c_02_and_die_out_at_c_035(course: Of) -> None:
    m = immune_kirschner1998
    lasting, dying = course(m, 3500.0, c=0.02), course(m, 3500.0, c=0.035)
    early, late = ([c.extreme("tumour", *days, -1.0)[0] for c in (lasting, dying)] for days in ((1000, 1400), (3000, 3500)))
    assert late[0] == pytest.approx(early[0], rel=1e-3)
    assert late[1] < 0.8 * early[1]
    assert lasting.extreme("tumour", 1000, 1400)[0] < 1 < dying.extreme("tumour", 1000, 1400)[0]


def test_no_tumour_starts_where_more_than_540_effector_cells_come_a_day(course: Of) -> None:
    m = immune_kirschner1998
    left = [course(m, 600.0, rate).value("tumour", 600.0) for rate in (0.0, 200.0, 450.0, 650.0)]
    assert left == sorted(left, reverse=True)
    assert left[2] > 1000 and left[3] < 1e-3


def test_radiation_shrinks_the_primary_tumour_and_the_drug_is_inert(course: Of) -> None:
    m, until_tau = immune_ghaffari2016, [(0.0, 0.0, 5.0)]
    rates = (0.0, 0.2, 0.5, 1.0, 3.0)
    left = [course(m, 12.0, until_tau, radiation=r).value("tumour1", 12.0) for r in rates]
    assert left == sorted(left, reverse=True)
    assert left[0] > 1e8 > 1e5 > left[-1]
    highest = course(m, 12.0, [(0.0, 40.0, 5.0), (5.0, 56.0, 7.0)])
    assert highest.value("tumour1", 12.0) == pytest.approx(left[0], rel=1e-3)
    assert highest.value("drug", 12.0) == pytest.approx(8 / 0.9, rel=1e-4)


def test_the_metastasis_waits_for_tau_and_then_fills_its_room(course: Of) -> None:
    c = course(immune_ghaffari2016, 12.0, [(0.0, 0.0, 5.0)])
    assert c.value("tumour2", 5.0) == 0
    assert c.value("nk2", 5.0) == 1e4
    assert 1e5 < c.value("tumour2", 8.0) < 1e7
    assert c.value("tumour2", 12.0) > 9e6


@pytest.mark.parametrize("radiation", [0.0, 1.0, 10.0])
def test_no_cells_are_negative_under_radiation_and_drug(radiation: float, course: Of) -> None:
    c = course(immune_ghaffari2016, 12.0, [(0.0, 40.0, 5.0), (5.0, 56.0, 7.0)], radiation=radiation)
    for name in numbers_of(immune_ghaffari2016.State):
        largest = c.extreme(name, 0.0, 12.0, -1.0)[0]
        assert c.extreme(name, 0.0, 12.0)[0] >= -1e-9 * max(1.0, largest), name


def test_psa_falls_on_treatment_rises_off_it_and_every_cycle_leaves_more_stem_cells(course: Of) -> None:
    m = prostate_bradynicholls2020
    untreated = course(m, 800.0)
    cycles = course(m, 800.0, [(400.0 * k, 200.0, 200.0) for k in range(2)])
    assert untreated.value("psa", 800.0) > 2 * untreated.value("psa", 0.0)
    for start in (0.0, 400.0):
        psa = [cycles.value("psa", start + t) for t in (0.0, 200.0, 400.0)]
        assert psa[1] < 0.3 * psa[0] and psa[2] > 2 * psa[1]
    stem = [cycles.value("stem", t) - untreated.value("stem", t) for t in (200.0, 600.0)]
    assert 0 < 1.5 * stem[0] < stem[1]
    assert cycles.value("psa", 600.0) > cycles.value("psa", 200.0)  # the second nadir is the higher one


def switched(off: float, **parameters: float) -> tuple[int, bool]:
    """Treatment on at a PSA of 15 and off at `off`, for 1500 days: its periods, and whether PSA ended above 100."""
    m = prostate_ideta2008.MODEL
    p = replace(m.Params(), **parameters)
    y, t, drug, periods = list(m.baseline(p)), 0.0, 1.0, 0
    while t < 1500.0:

        def crosses(t: float, y: Any, level: float = off if drug else 15.0) -> float:
            return float(y[0] + y[1] - level)

        crosses.terminal, crosses.direction = True, -1.0 if drug else 1.0  # type: ignore[attr-defined]
        slope = lambda t, y, drug=drug: list(m.rates(0.0, m.State(*y), p, drug))  # noqa: E731
        got = solve_ivp(slope, (t, 1500.0), y, method="LSODA", rtol=1e-9, atol=1e-12, events=crosses)
        periods += int(drug)
        t, y, drug = got.t[-1], got.y[:, -1], 1 - drug
    return periods, bool(y[0] + y[1] > 100.0)


def test_switching_prevents_relapse_only_if_cells_without_androgen_die_eight_times_as_fast() -> None:
    assert switched(4.0, k3=8.0) == (8, False)
    assert switched(10.0, k3=8.0) == (15, False)
    assert switched(10.0) == (3, True)
    assert switched(4.0) == (1, True)  # PSA never falls to 4


def test_continuous_suppression_ends_in_relapse_and_androgen_comes_back_off_treatment(course: Of) -> None:
    m = prostate_ideta2008
    always = course(m, 1500.0, 1.0)
    nadir, at = always.extreme("psa", 0.0, 1500.0)
    assert nadir < 10 and 200 < at < 1000
    assert always.value("independent", 1500.0) > 100 * always.value("dependent", 1500.0)
    stopped = course(m, 300.0, [(0.0, 200.0, 200.0)])
    assert stopped.value("androgen", 200.0) < 0.01 and stopped.value("androgen", 300.0) == pytest.approx(30.0, rel=1e-3)
    assert course(m, 100.0).value("psa", 100.0) > 30  # untreated
