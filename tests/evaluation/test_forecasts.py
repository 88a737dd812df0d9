"""Forecasts of real patients: readers that name what is wrong, a filter that is exact, intervals that hold what they say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from posology.commands import run
from posology.data.readers.androgen import Man, read_men
from posology.data.readers.lesions import Lesion, read_lesions
from posology.evaluation.forecasts import androgen, cohorts, lesions, scores

HEADER = "Pt_hashID,T_days,Lesion_diam\n"
STROBL = "prostate-strobl2021"
NUMBERS = (np.log(0.03), np.log(0.01), np.log(0.005), np.log(0.002), np.log(0.05), -0.004, 0.001)


def lesion(path, text):
    file = path / "lesions.csv"
    file.write_text(HEADER + text)
    return file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('a-S1,"[0, 42]","[10.0]"', "row 1: 2 days in T_days, but 1 diameters"),
        ('a-S1,"[0, 42]","[10.0, -1]"', "row 1, Lesion_diam: a diameter lies outside 0 to 1000 mm"),
        ('a-S1,"0 42","[10.0, 9.0]"', "row 1, T_days: '0 42' is no list of numbers"),
        ('a-S1,"[0, true]","[10.0, 9.0]"', "row 1, T_days: .* is no list of numbers"),
        ("", "holds no lesion"),
    ],
)
def test_a_lesion_that_cannot_be_read_is_named(tmp_path, text, said):
    with pytest.raises(ValueError, match=said):
        read_lesions(lesion(tmp_path, text))


def test_lesions_come_in_order_of_time_and_those_of_one_patient_stay_together(tmp_path):
    first, second = read_lesions(lesion(tmp_path, 'a-S1,"[42, 0]","[9.0, 10.0]"\na-S2,"[0, 42]","[5, 0]"\n'))
    assert first.patient == second.patient == "a"
    assert first.day.tolist() == [0, 42] and first.diameter.tolist() == [10, 9]
    for others, mine in cohorts.parts(cohorts.LESIONS, [first, second, Lesion("b", first.day, first.diameter)], 2):
        assert not {x.patient for x in others} & {x.patient for x in mine}


ROW = "1,1995/6/27 0:00:00,200,,{psa},16,1,{on},{day},16\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2,3\n", "row 1: has 3 columns, not 10"),
        (ROW.format(psa="high", on=1, day=0), "row 1, column 5: 'high' is no number"),
        (ROW.format(psa=4, on="", day=0), "row 1, column 8: '' is no number"),
        (ROW.format(psa=-4, on=1, day=0), "column 5: PSA below 0"),
        ("", "holds no row"),
    ],
)
def test_a_man_that_cannot_be_read_is_named(tmp_path, text, said):
    (tmp_path / "patient1.txt").write_text(text)
    with pytest.raises(ValueError, match=said):
        read_men(tmp_path)


def test_a_man_is_read_with_cycles_gaps_and_his_class(tmp_path):
    rows = [(29, 1, 9308), ("", 1, 9336), (3, 0, 9364), (12, 1, 9500), (2, 3, 9550)]
    (tmp_path / "patient07.txt").write_text("".join(ROW.format(psa=p, on=o, day=d) for p, o, d in rows))
    (tmp_path / "relapse_classification.csv").write_text(f"trial,patient,class\n{tmp_path.name},007,relapse\n")
    (man,) = read_men(tmp_path)
    assert man.day.tolist() == [0, 28, 56, 192, 242] and np.isnan(man.psa[1]) and man.relapsed
    assert man.cycle.tolist() == [0, 0, 0, 1, 2]
    assert androgen.lacks(man).endswith("treatment 3 is neither on (1) nor off (0)")


def simulated(n, seed=0, readings=8):
    """Lesions that follow the filter's own equations, on days that are not evenly spaced."""
    rng, (rate, wander, sg, sm, error) = np.random.default_rng(seed), np.exp(NUMBERS[:5])
    made = []
    for i in range(n):
        day = np.cumsum(np.concatenate([[-14], rng.integers(14, 60, readings - 1)])).astype(float)
        g, m, y = NUMBERS[5] + sg * rng.standard_normal(), NUMBERS[6] + sm * rng.standard_normal(), rng.normal(3.6, 0.4)
        seen = []
        for k, d in enumerate(day):
            before = day[max(k - 1, 0)]
            on = max(d, 0) - max(before, 0)
            y += g * (1 - np.exp(-rate * on)) / rate + m * (d - before) + wander * np.sqrt(d - before) * rng.standard_normal()
            g *= np.exp(-rate * on)
            seen.append(np.exp(y + error * rng.standard_normal()) - lesions.OFFSET)
        made.append(Lesion(f"made up {i}", day, np.maximum(seen, 0.0)))
    return made


def test_the_filter_is_the_conditional_distribution_of_the_joint_normal():
    """Mean and variance of the last reading given those before, from the joint covariance of all readings."""
    (one,) = simulated(1, readings=5)
    t = lesions.table_of([one])
    mean, variance, _ = lesions.filtered(np.array(NUMBERS), t, t.length - 1)
    rate, wander, sg, sm, error = np.exp(NUMBERS[:5])
    on, day = np.maximum(one.day, 0), one.day - one.day[0]
    by_g, by_m = (1 - np.exp(-rate * on)) / rate, day
    joint = lesions.VAGUE + sg**2 * np.outer(by_g, by_g) + sm**2 * np.outer(by_m, by_m)
    joint += wander**2 * np.minimum.outer(day, day) + error**2 * np.eye(5)
    expected, y = NUMBERS[5] * by_g + NUMBERS[6] * by_m, np.log(one.diameter + lesions.OFFSET)
    weights = np.linalg.solve(joint[:4, :4], joint[:4, 4])
    assert mean[0, 4] == pytest.approx(expected[4] + weights @ (y[:4] - expected[:4]), abs=1e-6)
    assert variance[0, 4] == pytest.approx(joint[4, 4] - weights @ joint[:4, 4], rel=1e-5)


def test_forecasts_of_lesions_like_those_fitted_beat_the_last_value_and_intervals_hold():
    prior = lesions.fit(simulated(300, seed=1))
    found = scores.table(lesions.forecast(prior, simulated(300, seed=2)), "mm")
    assert found["less_than"]["last value"]["upper"] < 0
    assert 0.75 < found["coverage"]["80"]["value"] < 0.85 and 0.92 < found["coverage"]["95"]["value"] < 0.98


def test_what_vanished_is_within_an_interval_that_reaches_zero():
    day = np.arange(0.0, 280, 40)
    gone = Lesion("made up", day, np.array([20.0, 12, 5, 0, 0, 0, 0]))
    made = lesions.forecast(cohorts.prior_of(cohorts.LESIONS), [gone])
    low, high = made.bounds[95]
    assert made.truth.tolist() == [0, 0, 0] and (low == 0).all() and (high > 0).all()


def man(theta, seed=0, relapsed=None, days=1400):
    """A man of the model with noise: 36 weeks on, off until the next year, and so on; a PSA every four weeks."""
    day = np.arange(0.0, days, 28)
    on = (day % 540 < 252).astype(float)
    blank = Man(f"made up {seed}", day, np.ones(len(day)), on, relapsed)
    rows = androgen.rows_of([blank])
    curve = np.asarray(androgen._course(STROBL, np.float32(theta), rows.on[0])[0])[rows.at[0]]
    noise = 0.1 * np.random.default_rng(seed).standard_normal(len(day))
    return blank._replace(psa=np.maximum(np.exp(curve + noise) - androgen.FLOOR, 0.0))


def test_a_man_of_the_model_is_foreseen_better_than_by_repeating_his_cycle():
    mean, covariance, _ = androgen.first(STROBL)
    rng = np.random.default_rng(3)
    men = [man(mean + 0.3 * rng.standard_normal(len(mean)), k, bool(k % 2)) for k in range(12)]
    prior = {"mean": mean, "covariance": 0.09 * np.eye(len(mean)), "error": 0.1, "bounds": {"80": [-1.28, 1.28], "95": [-2, 2]}}
    made, risk = androgen.forecast(STROBL, prior, men)
    error = lambda v: np.abs(v - made.truth).mean()  # noqa: E731
    assert error(made.ours) < 0.15 < error(made.rules["last cycle"]) < error(made.rules["last value"])
    assert risk.shape == (12,) and ((risk > 0) & (risk < 1)).all()


def test_an_area_under_the_curve_is_the_share_of_pairs_in_order():
    risk, happened = np.array([0.9, 0.4, 0.4, 0.1]), np.array([True, True, False, False])
    assert scores.auc(risk, happened)["value"] == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert scores.auc(risk, np.zeros(4, bool)) is None


def test_intervals_are_over_patients_not_over_readings():
    one = np.zeros(300, int)
    two = np.repeat([0, 1], 150)
    truth, ours = np.zeros(300), np.concatenate([np.ones(150), 3 * np.ones(150)])
    bounds = dict.fromkeys(scores.LEVELS, (truth - 2, truth + 2))
    mean = lambda who: scores.table(scores.Forecasts(who, truth, ours, {}, bounds), "mm")["errors"]["forecast"]["mean"]  # noqa: E731
    assert mean(one)["lower"] == mean(one)["upper"] and mean(two)["upper"] - mean(two)["lower"] == 2


def test_wrong_input_gets_a_sentence(tmp_path, capsys):
    file = lesion(tmp_path, 'a-S1,"[0, 42]","[10.0, 9.0]"\n')
    for arguments, said in (
        (["nsclc-claret", "--cohort", str(file)], "nsclc-claret2014"),
        (["nsclc-claret2014", "--cohort", str(tmp_path / "none.csv")], "is not there"),
        (["nsclc-claret2014", "--cohort", str(file)], "no lesion has 6 readings"),
        (["nsclc-claret2014", "--cohort", str(file), "--folds", "1"], "leaves nobody to fit to"),
        (["nsclc-claret2014", "--cohort", str(file), "--prior", str(file)], "cannot be read as JSON"),
        ([STROBL, "--cohort", str(tmp_path)], "holds no file patient"),
    ):
        assert run(["forecast", *arguments]), arguments
        told = capsys.readouterr()
        assert said in " ".join((told.out + told.err).replace("│", " ").split()), arguments


def test_the_visible_lesions_are_forecast_as_the_documentation_says(shared, capsys):
    file = shared / "data/tumour_volume_laleh2022/patient_data_visible.csv"
    assert run(["forecast", cohorts.LESIONS, "--cohort", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["forecasts"] == 1263 and found["errors"]["last value"]["mean"]["value"] == pytest.approx(4.08, abs=0.01)
    assert found["errors"]["forecast"]["median"]["value"] < found["errors"]["last value"]["median"]["value"]
    assert 0.77 < found["coverage"]["80"]["value"] < 0.83
