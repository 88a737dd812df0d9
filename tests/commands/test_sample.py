"""`posology sample` and `posology report`: files that others read."""

from __future__ import annotations

import json

import jax
import numpy as np
import pytest

from posology.commands import run
from posology.data.history import encode
from posology.data.trajectories import history_at, read
from posology.environments.catalogue import treatment
from posology.environments.protocol import TreatmentEnvironment
from posology.evaluation.collect import explored

TREATMENT = "paclitaxel-cycles-v1"


@pytest.fixture(scope="module")
def sampled(tmp_path_factory):
    out = tmp_path_factory.mktemp("sample") / "rule.parquet"
    options = ["--patients", "40", "--seed", "5", "--explore", "0.25", "--out", str(out)]
    assert run(["sample", TREATMENT, "--arm", "clinical-rule", *options]) == 0
    return read(out)


def test_a_sample_has_every_decision_of_every_patient_in_order(sampled):
    assert len(sampled) == 40 * 6
    np.testing.assert_array_equal(sampled.subject, np.repeat(np.arange(40), 6))
    np.testing.assert_array_equal(sampled.step, np.tile(np.arange(6), 40))
    np.testing.assert_array_equal(sampled.time, np.tile(np.arange(6) * 21 * 24, 40))
    assert sampled.truncated.reshape(40, 6)[:, -1].all()
    assert not sampled.truncated.reshape(40, 6)[:, :-1].any()


def test_the_next_observation_is_the_observation_of_the_next_row(sampled):
    now, after = (v.reshape(40, 6, -1) for v in (sampled.observation, sampled.next_observation))
    np.testing.assert_array_equal(now[:, 1:], after[:, :-1])


def test_reward_is_the_weighted_sum_of_the_terms(sampled):
    weights = np.array(sampled.layout.about["weights"])
    np.testing.assert_allclose(sampled.reward, sampled.terms @ weights, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("row", [0, 4, 239])
def test_a_row_of_a_sample_gives_the_observation_of_the_environment(sampled, row):
    history = history_at(sampled, row)
    again = encode(history, sampled.time[row], sampled.layout.channels, sampled.layout.horizon)
    np.testing.assert_allclose(again, sampled.observation[row], atol=1e-6)
    doses = history.what == [c.name for c in sampled.layout.channels].index("dose")
    assert doses.sum() == row % 6
    assert set(history.duration[doses].tolist()) <= {3.0}


def test_probabilities_of_what_was_chosen_are_those_of_the_lots():
    env = TreatmentEnvironment(treatment(TREATMENT))
    mask = np.zeros(len(env.amount), bool)
    mask[[2, 7, 13]] = True
    chosen = env.chosen(7)
    keys = jax.random.split(jax.random.key(0), 4000)
    taken, probability, row = jax.jit(jax.vmap(lambda k: explored(env, k, chosen, mask, 0.3)))(keys)
    found = {int(r): float(np.mean(row == r)) for r in np.unique(row)}
    assert found == pytest.approx({2: 0.1, 7: 0.8, 13: 0.1}, abs=0.02)
    for r, share in {2: 0.1, 7: 0.8, 13: 0.1}.items():
        np.testing.assert_allclose(probability[row == r], share, rtol=1e-5)
        np.testing.assert_array_equal(taken.amount[row == r], env.amount[r])


def test_a_dose_outside_the_table_keeps_its_own_probability():
    env = TreatmentEnvironment(treatment(TREATMENT))
    mask = np.ones(len(env.amount), bool)
    chosen = env.chosen(3)._replace(amount=np.float32(123.4))
    _, probability, row = explored(env, jax.random.key(1), chosen, mask, 0.0)
    assert (float(probability), int(row)) == (1.0, -1)


@pytest.mark.parametrize(
    ("options", "says", "code"),
    [
        (["--arm", "magic"], "unknown arm 'magic'", 1),
        (["--explore", "2"], "explore", 2),
        (["--patients", "0"], "patients", 2),
    ],
)
def test_wrong_input_to_sample_gets_one_sentence(tmp_path, capsys, options, says, code):
    assert run(["sample", TREATMENT, "--out", str(tmp_path / "x.parquet"), *options]) == code
    said = capsys.readouterr().err.strip()
    assert says in said
    assert "\n" not in said


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run(["trial", TREATMENT, "--arm", "care=standard", "--arm", "fixed:175", "--patients", "20", "--json"]) == 0
    path = tmp_path_factory.mktemp("trial") / "trial.json"
    path.write_text(out.getvalue())
    return path


def test_an_arm_can_be_given_a_name(tried):
    assert list(json.loads(tried.read_text())["arms"]) == ["care", "fixed:175"]


def test_a_report_is_made_again_from_the_json_of_its_trial(tried, tmp_path):
    out = tmp_path / "report.html"
    assert run(["report", str(tried), "--out", str(out)]) == 0
    page = out.read_text()
    assert "20 virtual patients" in page
    assert "fixed:175" in page


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.pop("arms"), "arms missing"),
        (lambda t: t.update(treatment="unheard-of"), "unknown treatment 'unheard-of'"),
        (lambda t: t.update(shift="sideways"), "unknown shift 'sideways'"),
        (lambda t: t.update(per_cycle=[1]), "incomplete or damaged"),
    ],
)
def test_a_trial_that_lacks_something_is_answered_with_a_sentence(tried, tmp_path, capsys, change, says):
    table = json.loads(tried.read_text())
    change(table)
    (tmp_path / "t.json").write_text(json.dumps(table))
    assert run(["report", str(tmp_path / "t.json"), "--out", str(tmp_path / "r.html")]) in (1, 2)
    said = capsys.readouterr().err.strip()
    assert says in said
    assert "\n" not in said
