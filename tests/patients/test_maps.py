"""Models that move in steps: printed values, chance, cases, and what must hold for every one of them."""

from __future__ import annotations

import json
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posology.commands import run
from posology.patients import map_case, maps
from posology.patients.catalogue import MAPS, MODELS
from posology.patients.models import capecitabine_henin2009 as henin
from posology.quantities import STATUSES, numbers_of

ZHAO, GENG, GAME, HENIN, FATIGUE = (
    MAPS[i]
    for i in (
        "chemotherapy-zhao2009",
        "nsclc-geng2017",
        "prostate-zhang2017",
        "capecitabine-henin2009",
        "sunitinib-fatigue-hansson2013",
    )
)
TP_FIT = {"a_dp": 0.598, "a_di": 0.794, "a_pd": 0.010, "a_pi": 0.206, "a_id": 0.402, "a_ip": 0.990}


def course(m: Any, steps: int, given_in: Any, **changed: float) -> list[Any]:
    p = m.Params()._replace(**changed)
    return maps.plain(m, p, m.baseline(p), [given_in(k) for k in range(steps)])


# printed values ----------------------------------------------------------------------------------


def test_the_made_up_cancer_of_zhao_as_printed():
    at_07, at_1 = (course(ZHAO, 6, lambda k, d=d: {"dose": d}) for d in (0.7, 1.0))
    assert (at_07[3].toxicity, at_07[3].tumour) == pytest.approx((2.02, 0.883), abs=5e-4)
    assert (at_07[6].toxicity, at_07[6].tumour) == pytest.approx((3.046, 1.225), abs=5e-4)
    assert ZHAO.readings(at_07[6], ZHAO.Params())["survival"] == pytest.approx(0.0354, abs=5e-5)
    assert [s.tumour for s in at_1[1:4]] == pytest.approx([0.55, 0.205, 0.0], abs=5e-4)
    assert [s.toxicity for s in at_1[1:4]] == pytest.approx([1.7, 2.4, 3.1], abs=5e-4)
    assert all(s.tumour == 0 for s in at_1[3:])  # gone stays gone


@pytest.mark.parametrize(
    ("chemotherapy", "radiation", "after_30", "after_60"),
    [(0, 0, 66.192, 66.941), (1, 0, 16.346, 11.508), (0, 1, 7.295, 3.326), (1, 1, 1.5448, 0.4719)],
)
def test_the_lung_tumour_of_geng_as_printed(chemotherapy, radiation, after_30, after_60):
    usual = lambda k: {n: v * {"chemotherapy": chemotherapy, "radiation": radiation}[n] for n, v in GENG.usual(k).items()}  # noqa: E731
    states = course(GENG, 60, usual)
    assert (states[30].volume, states[60].volume) == pytest.approx((after_30, after_60), abs=5e-4)


@pytest.mark.parametrize(
    ("changed", "cells", "taken_over", "starts", "on", "left"),
    [({}, (868.6, 791.2, 0.1, 8300), 1471, 11, 0.0503, 10.09), (TP_FIT, (715.0, 792.8, 0.1, 7539), 1472, 11, 0.0503, 10.02)],
)
def test_the_game_of_zhang_as_printed(changed, cells, taken_over, starts, on, left):
    before = course(GAME, 10_000, lambda k: {}, **changed)[-1]
    assert before[:4] == pytest.approx(cells, abs=0.5)
    p = GAME.Params()._replace(**changed)
    always = maps.plain(GAME, p, before, [{"abiraterone": 1.0}] * 1500)
    share = [GAME.readings(s, p)["independent_share"] for s in always]
    assert next(i for i, v in enumerate(share) if v > 0.5) == taken_over
    x, given_now, begun, time_on = before, False, 0, 0
    for _ in range(20_000):  # the authors' rule
        begun += not given_now and x.psa > 3000
        given_now = x.psa > 3000 or (given_now and x.psa >= 1500)
        time_on += given_now
        x = GAME.transition(None, x, p, {"abiraterone": float(given_now)})
    assert (begun, x.independent) == (starts, pytest.approx(left, abs=0.005))
    assert time_on / 20_000 == pytest.approx(on, abs=5e-5)


@pytest.mark.parametrize(
    ("week", "drive", "none_after_none", "mild_after_2"),
    [(3, 4666, 0.9644, 0.3614), (12, 12495, 0.9296, 0.0699), (24, 16170, 0.9150, 0.0406)],
)
def test_the_hand_foot_syndrome_of_henin_as_printed(week, drive, none_after_none, mild_after_2):
    p, states = HENIN.Params(), course(HENIN, 24, HENIN.usual)
    assert HENIN.readings(states[week], p)["drive"] == pytest.approx(drive, abs=0.5)
    rows = henin.chances(p.k * states[week].amount, p)
    assert (rows[0][0], rows[2][0] + rows[2][1]) == pytest.approx((none_after_none, mild_after_2), abs=5e-5)


def test_the_fatigue_of_hansson_as_printed():
    p, states = FATIGUE.Params(), course(FATIGUE, 84, FATIGUE.usual)
    assert states[28][1:5] == pytest.approx((0.8734, 0.0851, 0.0338, 0.0077), abs=5e-5)
    # 0.74365 at the clearance that we have to five digits, which decides between the last digits 6 and 7
    assert states[84][1:5] == pytest.approx((0.7437, 0.1713, 0.0720, 0.0130), abs=6e-5)
    assert FATIGUE.readings(states[84], p)["ever_grade_3"] == pytest.approx(0.0319, abs=5e-5)


def test_fatigue_follows_the_same_protein_as_the_model_of_the_biomarkers(scipy_course, individual_of):
    whole = MODELS["sunitinib-hansson2013"]
    doses = [(42 * 24.0 * k, 50.0 * 28, 28 * 24.0) for k in range(2)]
    other = scipy_course(whole, individual_of(whole), doses, 84 * 24.0)
    states = course(FATIGUE, 84, FATIGUE.usual)
    for day in (1, 28, 35, 84):
        assert states[day].svegfr3 == pytest.approx(other.reading("svegfr3", 24.0 * day), rel=1e-7)
    shared = set(numbers_of(FATIGUE.Params)) & set(numbers_of(whole.Params))
    assert all(numbers_of(FATIGUE.Params)[name] is numbers_of(whole.Params)[name] for name in shared)


# what is known of such patients ------------------------------------------------------------------


def test_worse_kidneys_and_more_drug_bring_more_hand_foot_syndrome():
    def at_week_12(dose: float, crcl: float) -> float:
        p = HENIN.individual(HENIN.Params(), {"crcl": crcl})
        return maps.plain(HENIN, p, HENIN.baseline(p), [{"capecitabine": dose * (k % 3 < 2)} for k in range(12)])[-1].grade_2

    assert at_week_12(0, 75.5) < at_week_12(2000, 75.5) < at_week_12(4000, 75.5) < at_week_12(4000, 30.0) < 1


def test_more_sunitinib_brings_more_fatigue_and_without_it_little():
    severe = [FATIGUE.readings(course(FATIGUE, 84, lambda k, d=d: {"sunitinib": d})[-1], FATIGUE.Params()) for d in (0, 25, 50)]
    ever = [s["ever_grade_3"] for s in severe]
    assert 0 < ever[0] < 0.025 < ever[1] < ever[2] < 0.2
    assert all(s["grade_3"] < s["ever_grade_3"] for s in severe)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_probabilities_of_grades_stay_a_distribution(doses):
    for s in course(HENIN, len(doses), lambda k: {"capecitabine": 6000 * doses[k]}):
        assert sum(s[1:]) == pytest.approx(1.0) and min(s[1:]) >= 0
    before = 0.0
    for s in course(FATIGUE, len(doses), lambda k: {"sunitinib": 1e4 * doses[k]}):
        assert sum(s[1:5]) == pytest.approx(1.0) and min(s[1:]) >= 0
        ever = FATIGUE.readings(s, FATIGUE.Params())["ever_grade_3"]
        assert max(before, s.grade_3) - 1e-12 <= ever <= 1
        before = ever


def test_an_untreated_tumour_of_zhao_kills_and_stays_a_number():
    states = course(ZHAO, 60, lambda k: {})
    assert states[-1].tumour > 10 * states[0].tumour
    assert ZHAO.readings(states[-1], ZHAO.Params())["survival"] == 0.0


def test_a_tumour_that_is_too_large_is_death_and_death_is_final():
    p = GENG.Params()._replace(rho=0.05, volume=1100.0)
    states = maps.plain(GENG, p, GENG.baseline(p), [{}] * 5 + [{"radiation": 50.0}] * 5)
    assert states[-1].dead == 1.0 and states[-1].volume == p.lethal


def test_a_tumour_without_cells_is_cured_by_chance():
    p = GENG.Params()._replace(volume=1e-9)
    ends = jax.vmap(lambda i: maps.follow(GENG, p, GENG.baseline(p), {"radiation": np.zeros(1, np.float32)}, jax.random.key(i)))
    cured = np.mean(np.asarray(ends(np.arange(500)).volume[:, -1]) == 0)
    assert cured == pytest.approx(np.exp(-0.58), abs=0.07)  # 1e-9 cm3 hold 0.58 cells


# every map ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("m", MAPS.values(), ids=MAPS)
def test_the_compiled_course_is_that_of_plain_numbers(m):
    p, steps = m.Params(), 24
    slow = course(m, steps, m.usual)
    inputs = {name: np.array([m.usual(k).get(name, 0.0) for k in range(steps)], np.float32) for name in m.inputs}
    fast = jax.jit(lambda u: maps.follow(m, p, m.baseline(p), u))(inputs)
    for name, values in fast._asdict().items():
        np.testing.assert_allclose(values, [getattr(s, name) for s in slow], rtol=2e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("m", MAPS.values(), ids=MAPS)
def test_every_number_of_a_map_says_what_it_is(m):
    for symbol, n in numbers_of(m.Params).items():
        assert n.status in STATUSES and n.unit and n.meaning and n.source, symbol
    assert m.title and m.source and m.not_for and set(m.reading_units) == set(m.readings(m.baseline(m.Params()), m.Params()))
    assert set(m.usual(0)) <= set(m.inputs)


# cases -------------------------------------------------------------------------------------------


def test_a_case_is_simulated_and_described_by_the_commands(tmp_path, capsys):
    path = tmp_path / "case.json"
    path.write_text(json.dumps({"doses": [{"time": 0, "amount": 0.7, "duration": 6}], "times": [0, 3, 6]}))
    assert run(["simulate", "chemotherapy-zhao2009", "--case", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["states"]["tumour"] == pytest.approx([1.0, 0.883, 1.225], abs=5e-4)
    assert told["units"]["survival"] == "1" and told["time_unit"] == "mo"
    assert run(["describe", "nsclc-geng2017"]) == 0
    assert "inputs: chemotherapy (mg/m3), radiation (Gy) · steps of 1 d" in " ".join(capsys.readouterr().out.split())


def test_a_seed_draws_what_is_left_to_chance():
    told = {"times": [30], "doses": []}
    one, same, other = (map_case.simulate(GENG, {**told, "seed": s})["states"]["volume"][0] for s in (1, 1, 2))
    assert one == same != other
    assert map_case.simulate(GENG, told)["states"]["volume"][0] == pytest.approx(66.192, abs=5e-3)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"times": [0.5]}, r"times\[0\]: 0.5 is not allowed; the model moves in steps of 1 d"),
        ({"times": []}, "times: expected a list with at least one time"),
        ({"times": [1], "doses": [{"time": 0}]}, "dose 1: expected an object with time and amount"),
        ({"times": [1], "doses": [{"time": 0, "amount": 1, "into": "x"}]}, "unknown input 'x'; known: chemotherapy, radiation"),
        ({"times": [1], "doses": [{"time": 0, "amount": 1, "unit": "mg"}]}, "dose 1: unknown unit 'mg'; .* is given in mg/m3"),
        ({"times": [1], "doses": [{"time": 0, "amount": -1}]}, "dose 1 amount: -1 is not allowed; it must be at least 0"),
        ({"times": [1], "seed": -1}, "seed: -1 is not allowed"),
        ({"times": [1], "dose": []}, "unknown field 'dose' in the case"),
    ],
)
def test_a_wrong_case_is_a_sentence(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        map_case.simulate(GENG, wrong)
