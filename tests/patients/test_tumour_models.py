"""Published models of tumours under treatment against closed forms, their survival models and what clinics know."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from posology.patients.catalogue import MODELS
from posology.patients.models import nsclc_claret2014 as claret
from posology.patients.models import ovarian_zecchin2016 as zecchin
from posology.patients.population import effect_factor
from posology.quantities import numbers_of, replace

TUMOURS = {  # model → reading, and how long after its last dose it is watched
    "glioma-ribba2012": ("tumour_size", 60.0),
    "glioma-mazzocco2015": ("tumour_size", 12.0),
    "nsclc-claret2014": ("tumour_size", 0.0),
    "nsclc-chatterjee2016": ("tumour_size", 0.0),
    "ovarian-zecchin2016": ("tumour_size", 0.0),
    "angiogenesis-hahnfeldt1999": ("tumour_volume", 5.0),
    "xenograft-simeoni2004": ("tumour_weight", 5.0),
    "melanoma-tsur2019": ("tumour_cells", 0.0),
}
ONCE_A_MONTH = MODELS["glioma-mazzocco2015"].regimen.every


@pytest.fixture(scope="module")
def treated(individual_of: Callable[..., Any], scipy_course: Callable[..., Any]) -> Callable[..., Any]:
    """The reference patient under a multiple of the usual doses, or untreated for as long."""

    def course(model_id: str, factor: float = 1.0, **patient: Any) -> Any:
        m, after = MODELS[model_id], TUMOURS[model_id][1]
        r = m.regimen
        doses = [(k * r.every, factor * r.amount, r.duration) for k in range(r.times) if factor]
        return scipy_course(m, individual_of(m, **patient), doses, r.times * r.every + after)

    return course


@pytest.mark.parametrize("model_id", TUMOURS)
def test_an_untreated_tumour_only_grows(model_id: str, treated: Callable[..., Any]) -> None:
    course, reading = treated(model_id, 0.0), TUMOURS[model_id][0]
    sizes = [course.reading(reading, t) for t in np.linspace(0.0, course.edges[-1], 20)]
    assert all(before < after for before, after in itertools.pairwise(sizes))


@pytest.mark.parametrize("model_id", TUMOURS)
def test_more_treatment_leaves_a_smaller_tumour_and_never_less_than_none(model_id: str, treated: Callable[..., Any]) -> None:
    reading = TUMOURS[model_id][0]
    factors = (0.0, 0.5, 1.0) if model_id == "melanoma-tsur2019" else (0.0, 0.5, 1.0, 5.0)  # its drug is on or off
    courses = [treated(model_id, f) for f in factors]
    left = [c.reading(reading, c.edges[-1]) for c in courses]
    assert all(more < less for less, more in itertools.pairwise(left))
    strongest = courses[-1]
    states = numbers_of(MODELS[model_id].State)
    times = np.linspace(0.0, strongest.edges[-1], 100)
    assert min(strongest.value(s, t) for s in states for t in times) > -1e-9


# low-grade glioma --------------------------------------------------------------------------------


def test_a_glioma_goes_on_shrinking_for_years_after_pcv(treated: Callable[..., Any]) -> None:
    _, at = treated("glioma-ribba2012").extreme("tumour_size", 0.0, 60.0)
    assert at > 12 + 7.5  # months; the last course begins at 7.5


def test_without_treatment_no_tissue_is_damaged_and_quiescence_comes_from_dividing_tissue(treated: Callable[..., Any]) -> None:
    course = treated("glioma-ribba2012", 0.0)
    area, _ = quad(lambda t: course.p.kpq * course.value("p", t), 0.0, 60.0, limit=200)
    assert course.value("d", 60.0) == 0
    assert course.value("q", 60.0) == pytest.approx(course.p.q0 + area, rel=1e-6)


@pytest.mark.parametrize("model_id", ["glioma-ribba2012", "glioma-mazzocco2015"])
def test_tissue_comes_from_growth_alone_and_leaves_by_kill_and_death_alone(
    model_id: str, individual_of: Callable[..., Any]
) -> None:
    m = MODELS[model_id]
    p, x = individual_of(m), replace(m.baseline(individual_of(m)), c=0.7, p=9.0, q=30.0, d=11.0)
    d = m.rates(0.0, x, p, 0.0)
    gain = p.lam * 9.0 * (1 - 50.0 / p.k) - p.g * p.kde * 0.7 * 9.0 - p.ddm * 11.0
    assert d.p + d.q + d.d == pytest.approx(gain, rel=1e-12)


def test_temozolomide_does_more_where_tp53_is_intact_and_lasts_longer_where_1p19q_is_lost(treated: Callable[..., Any]) -> None:
    kinds = ({}, {"tp53": 1.0}, {"codel": 1.0})
    plain, mutated, lost = (treated("glioma-mazzocco2015", covariates=c).extreme("tumour_size", 0.0, 28.0) for c in kinds)
    assert mutated[0] > plain[0] > lost[0]
    assert mutated[1] < plain[1] < lost[1]


@pytest.mark.parametrize("wait", [0.0, 12.0])
def test_resistance_is_counted_from_the_first_cycle_on(
    wait: float, individual_of: Callable[..., Any], scipy_course: Callable[..., Any]
) -> None:
    m = MODELS["glioma-mazzocco2015"]
    doses = [(wait + k * ONCE_A_MONTH, 1.0, 0.0) for k in range(3)]
    course = scipy_course(m, individual_of(m), doses, wait + 24.0)
    assert course.value("since", wait) == 0
    assert course.value("since", wait + 24.0) == pytest.approx(24.0, rel=1e-9)


def test_resistance_is_counted_on_in_float32_when_no_drug_is_left() -> None:
    from posology.patients.case import read, simulate

    doses = [{"time": 0.0, "amount": 1.0, "unit": "1"}]
    case = read(MODELS["glioma-mazzocco2015"], {"covariates": {}, "doses": doses, "times": [0.0, 36.0]})
    states = simulate(case)["states"]
    assert states["c"][-1] == 0  # far below the smallest number there is
    assert states["since"][-1] == pytest.approx(36.0, rel=1e-5)


def test_the_same_cycle_later_does_less(individual_of: Callable[..., Any], scipy_course: Callable[..., Any]) -> None:
    m = MODELS["glioma-mazzocco2015"]
    first = [(0.0, 1e-6, 0.0)]  # starts the clock and does nothing else

    def lost(when: float) -> float:
        """ln of what the cycle at `when` does to dividing tissue by half a year later."""
        sizes = [scipy_course(m, individual_of(m), first + more, 36.0).value("p", when + 6) for more in ([], [(when, 1.0, 0.0)])]
        return math.log(sizes[0] / sizes[1])

    assert lost(24.0) < 0.5 * lost(6.0)


# lung cancer -------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", [{}, {"kd": 0.02, "lam": 0.05}, {"kl": 0.005, "kd": 0.003}])
def test_equations_of_size_give_the_published_curve(
    own: dict[str, float], individual_of: Callable[..., Any], scipy_course: Callable[..., Any]
) -> None:
    m = MODELS["nsclc-claret2014"]
    p = individual_of(m, own=own)
    course = scipy_course(m, p, [(0.0, 300.0, 300.0)], 300.0)
    for t in (1.0, 56.0, 300.0):
        curve = p.b * math.exp(p.kl * t - p.kd / p.lam * (1 - math.exp(-p.lam * t)))
        assert course.reading("tumour_size", t) == pytest.approx(curve, rel=1e-8)


def test_treatment_that_begins_later_begins_at_full_strength(
    individual_of: Callable[..., Any], scipy_course: Callable[..., Any]
) -> None:
    m = MODELS["nsclc-claret2014"]
    now, later = (scipy_course(m, individual_of(m), [(t, 60.0, 60.0)], t + 60.0) for t in (0.0, 90.0))
    shrunk = [c.reading("tumour_size", t + 60.0) / c.reading("tumour_size", t) for c, t in ((now, 0.0), (later, 90.0))]
    assert shrunk[1] == pytest.approx(shrunk[0], rel=1e-8)


@pytest.mark.parametrize(("asian", "ever_smoker", "days"), [(0.0, 1.0, 363.2), (1.0, 0.0, 650.7)])
def test_median_survival_is_the_printed_one(
    asian: float, ever_smoker: float, days: float, individual_of: Callable[..., Any]
) -> None:
    p = individual_of(MODELS["nsclc-claret2014"], {"asian": asian, "ever_smoker": ever_smoker})
    assert claret.time_to_growth(p) == pytest.approx(117.33, abs=0.005)
    assert claret.median_survival(p) == pytest.approx(days, abs=0.05)
    assert float(claret.survival(days, p)) == pytest.approx(0.5, abs=1e-4)


def test_survival_falls_with_time_as_a_log_normal_does(individual_of: Callable[..., Any]) -> None:
    from scipy.stats import lognorm

    p, days = individual_of(MODELS["nsclc-claret2014"]), np.array([30.0, 180.0, 365.0, 730.0])
    expected = lognorm(s=math.exp(-0.24), scale=claret.median_survival(p)).sf(days)
    np.testing.assert_allclose(claret.survival(days, p), expected, rtol=1e-4)


def test_a_tumour_that_grows_from_the_start_still_has_a_survival(individual_of: Callable[..., Any]) -> None:
    m = MODELS["nsclc-claret2014"]
    p = individual_of(m, own={"kl": 0.02, "lam": 0.004})  # ln(kd/kl)/lam is −166 days
    assert claret.time_to_growth(p) == 0
    assert 0 < claret.median_survival(p) < claret.median_survival(individual_of(m))


@pytest.mark.parametrize("covariates", [{}, {"tps50": 1.0}, {"tps1": 0.0, "egfr": 1.0}])
def test_the_two_parts_give_the_published_curve(covariates: dict[str, float], treated: Callable[..., Any]) -> None:
    course = treated("nsclc-chatterjee2016", covariates=covariates)
    kd = 0.00265 * (2.74 if covariates.get("tps50") else 1.0 if covariates.get("tps1", 1.0) else 0.623)
    f = 1 / (1 + math.exp(-(math.log(0.574 / 0.426) - 1.81 * covariates.get("egfr", 0.0))))
    for t in (0.0, 50.0, 126.0):
        curve = 91.7 * ((1 - f) * math.exp(0.00114 * t) + f * math.exp(-kd * t))
        assert course.reading("tumour_size", t) == pytest.approx(curve, rel=1e-8)


def test_pembrolizumab_shrinks_tumours_with_much_pdl1_and_without_an_egfr_mutation(treated: Callable[..., Any]) -> None:
    kinds = ({"tps50": 1.0}, {}, {"tps1": 0.0}, {"tps1": 0.0, "egfr": 1.0})
    left = [treated("nsclc-chatterjee2016", covariates=c).reading("tumour_size", 126.0) / 91.7 for c in kinds]
    assert left == sorted(left)
    assert left[0] < 0.75
    assert left[-1] > 1.0


def test_a_fivefold_dose_of_pembrolizumab_gains_little(treated: Callable[..., Any]) -> None:
    usual, five = (treated("nsclc-chatterjee2016", f).reading("tumour_size", 126.0) for f in (1.0, 5.0))
    assert 0.93 * usual < five < usual


def test_the_spread_of_pembrolizumab_is_the_published_matrix() -> None:
    factor = effect_factor(MODELS["nsclc-chatterjee2016"])
    expected = [[1.21, -0.33, -0.814], [-0.33, 1.26, 0.631], [-0.814, 0.631, 2.79]]  # ln kg, ln kd, logit f
    assert list(MODELS["nsclc-chatterjee2016"].random_effects) == ["kg", "kd", "odds"]
    np.testing.assert_allclose(factor @ factor.T, expected, rtol=1e-12)


# ovarian cancer ----------------------------------------------------------------------------------


def lives(until: float, tsr: Callable[[float], float], ecog: float = 0.0, **more: float) -> float:
    """Share alive at `until`, by quadrature of the hazard with 70 mm at the start."""
    p = zecchin.individual(replace(zecchin.Params(), s0=70.0), {"ecog": ecog})
    return math.exp(-quad(lambda t: zecchin.hazard(t, tsr(t), p, **more), 1e-9, until, points=[84.0])[0])


@pytest.mark.parametrize(
    ("tsr", "year", "two_years"), [(lambda t: -0.3, 0.8399, 0.4966), (lambda t: -0.3 * min(t, 84.0) / 84, 0.8391, 0.4961)]
)
def test_survival_with_ovarian_cancer_is_the_printed_one(tsr: Callable[[float], float], year: float, two_years: float) -> None:
    assert lives(365.0, tsr) == pytest.approx(year, abs=0.00005)
    assert lives(730.0, tsr) == pytest.approx(two_years, abs=0.00005)


def test_a_new_lesion_poor_status_and_growth_shorten_life() -> None:
    usual = lives(365.0, lambda t: -0.3)
    assert lives(365.0, lambda t: 0.2) < usual
    assert lives(365.0, lambda t: -0.3, ecog=1.0) < usual
    assert lives(365.0, lambda t: -0.3, new_lesion=1.0) < lives(365.0, lambda t: -0.3, ecog=1.0)


# animals and cells -------------------------------------------------------------------------------


def test_an_untreated_tumour_and_its_vessels_rest_at_the_published_size(individual_of: Callable[..., Any]) -> None:
    m = MODELS["angiogenesis-hahnfeldt1999"]
    rest = (5.85 / 0.00873) ** 1.5
    assert rest == pytest.approx(17346.5, abs=0.05)
    d = m.rates(0.0, m.State(rest, rest, 0.0), individual_of(m), 0.0)
    assert list(d) == pytest.approx([0.0, 0.0, 0.0], abs=1e-8)
    assert m.rates(0.0, m.State(rest, rest, 1.0), individual_of(m), 0.0).capacity < 0


def test_vessels_give_way_before_the_tumour_does(treated: Callable[..., Any]) -> None:
    course = treated("angiogenesis-hahnfeldt1999")
    assert course.value("capacity", 0.5) < course.value("volume", 0.5)
    assert course.reading("tumour_volume", 13.0) < 200 < course.reading("tumour_volume", 18.0)  # and it comes back


def test_a_graft_grows_by_a_rate_while_small_and_by_grams_when_large(
    individual_of: Callable[..., Any], scipy_course: Callable[..., Any]
) -> None:
    m = MODELS["xenograft-simeoni2004"]
    course = scipy_course(m, individual_of(m), [], 40.0)
    assert course.reading("tumour_weight", 4.0) == pytest.approx(0.1 * math.exp(0.273 * 4), rel=1e-6)
    assert course.reading("tumour_weight", 40.0) - course.reading("tumour_weight", 30.0) == pytest.approx(8.14, rel=1e-6)


def test_cells_that_are_hit_stay_in_the_graft_until_they_have_died(
    individual_of: Callable[..., Any], scipy_course: Callable[..., Any]
) -> None:
    m = MODELS["xenograft-simeoni2004"]
    p = individual_of(m, own={"l0": 0.0})  # nothing grows
    course = scipy_course(m, p, [(0.0, 3000.0, 3.0)], 20.0)
    left = [course.reading("tumour_weight", t) for t in (0.0, 0.2, 3.0, 20.0)]
    assert left[0] - left[1] < 1e-4 * left[0]
    assert left[1] > left[2] > left[3]
    surviving = 0.1 * math.exp(-p.k2 * 3000)
    assert left[3] == pytest.approx(surviving, rel=1e-3)
    died, _ = quad(lambda t: p.k1 * course.value("x4", t), 0.0, 20.0, points=[3.0], limit=200)
    assert left[3] + died == pytest.approx(0.1, rel=1e-7)


def test_a_graft_too_large_for_float32_to_raise_to_a_power_still_grows() -> None:
    import jax.numpy as jnp

    from posology.patients.models.xenograft_simeoni2004 import crowding

    assert float(crowding(jnp.float32(1000.0))) == pytest.approx(1000.0, rel=1e-5)
    assert float(crowding(jnp.float32(0.0))) == 1.0


def test_melanoma_hardly_responds_or_vanishes_within_the_published_range(treated: Callable[..., Any]) -> None:
    none = treated("melanoma-tsur2019", 0.0).reading("tumour_cells", 84.0)
    weak, strong = (
        treated("melanoma-tsur2019", parameters={"apem": a}).reading("tumour_cells", 84.0) for a in (10.0, 1e4)
    )
    assert 0.95 * none < weak < none
    assert strong < 1.0
