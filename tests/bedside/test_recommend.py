"""A recommendation: options inside the limits, expectations of this patient, an abstention where none can be given."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from posology.bedside.believed import believed, departures
from posology.bedside.consult import decision_time, read
from posology.bedside.doser import doser, state_of
from posology.bedside.forecast import outlook
from posology.bedside.options import rounded
from posology.bedside.recommend import recommend
from posology.bedside.view import seen, verdicts
from posology.environments.catalogue import TREATMENTS
from posology.environments.protocol import TreatmentEnvironment
from posology.environments.records import known
from posology.policies import storage
from posology.policies.forms import description
from posology.policies.network import Network
from posology.safety.shield import allowed

NOW = 1512.0
KEYS = {
    "treatment", "policy", "patient", "time", "options", "chosen", "bound_by", "abstained", "explanation", "missing", "used",
    "disclaimer",
}  # fmt: skip
OPTION = {"dose", "unit", "rank", "expected", "harm", "to_horizon", "allowed", "limits"}


def anc(*rows):
    return [{"time": t, "name": "anc", "value": v, "unit": "10*9/L"} for t, v in rows]


def by_label(answer):
    return {o["label"]: o for o in answer["options"]}


def test_a_recommendation_has_its_keys_and_is_plain_json(label, patient):
    answer = recommend(label, "standard", patient(), NOW)
    assert set(answer) >= KEYS
    assert all(set(o) >= OPTION for o in answer["options"])
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert answer["chosen"]["label"] == "175 mg/m2" and answer["chosen"]["mg"] == 315.0
    assert answer["abstained"] is None
    assert "not a medical device" in answer["disclaimer"]


def test_every_dose_is_laid_out_with_the_standard_and_no_dose_and_ranked_by_expected_reward(label, patient):
    answer = recommend(label, "standard", patient(), NOW)
    options = answer["options"]
    assert len(options) >= 3
    assert any(o["is_standard"] for o in options) and any(o["dose"] == 0 for o in options)
    assert [o["rank"] for o in options] == list(range(1, len(options) + 1))
    open_ones = [o for o in options if o["allowed"]]
    assert options[: len(open_ones)] == open_ones
    means = [o["reward"]["mean"] for o in open_ones]
    assert means == sorted(means, reverse=True)


def test_more_dose_is_more_harm_and_terms_add_up_to_the_reward(label, patient):
    options = sorted(recommend(label, "standard", patient(), NOW)["options"], key=lambda o: o["dose"])
    doses = [o for o in options if o["dose"]]
    harm = [o["harm"]["grade4"] for o in doses]
    assert harm == sorted(harm) and harm[0] < 0.2 < 0.6 < harm[-1]
    for o in doses:
        total = sum(t.weight * o["expected"][t.name]["mean"] for t in label.terms)
        assert o["reward"]["mean"] == pytest.approx(total, abs=1e-4)
        assert o["expected"]["grade4"]["mean"] == pytest.approx(o["harm"]["grade4"], abs=1e-5)
        assert o["reading"]["lowest"]["lower"] <= o["reading"]["lowest"]["mean"] <= o["reading"]["lowest"]["upper"]


def test_the_record_moves_the_expectation_towards_what_was_measured(label, patient):
    low = recommend(label, "standard", patient(), NOW)
    high = recommend(label, "standard", patient(observations=anc((168, 3.5), (240, 3.0), (500, 6.0), (1500, 6.0))), NOW)
    a, b = (by_label(x)["175 mg/m2"]["reading"]["lowest"]["mean"] for x in (low, high))
    assert b > 2 * a
    assert low["explanation"]["parameters"][0]["parameter"] == "sl"
    assert low["explanation"]["parameters"][0]["ratio"] > 1 > high["explanation"]["parameters"][0]["ratio"]


def test_the_forecast_agrees_with_fine_steps(label, patient):
    """The coarse steps of a belief, against the environment's own."""
    found = read(label, patient(), NOW)
    p = believed(label, found, 32)
    actions = label.actions[1::4]
    coarse = outlook(label, p, actions, [a.amount for a in actions])
    fine = TreatmentEnvironment(label)
    engine = SimpleNamespace(env=fine, prior=p.believer.prior)
    from posology.bedside import forecast

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forecast, "engine", lambda *_: SimpleNamespace(believer=engine))
        forecast._outlook.cache_clear()
        exact = outlook(label, p, actions, [a.amount for a in actions])
    forecast._outlook.cache_clear()
    np.testing.assert_allclose(np.log(coarse.lowest), np.log(exact.lowest), atol=0.02)


def test_a_dose_is_rounded_down_to_what_can_be_measured_out():
    assert [rounded(v) for v in (315.0, 325.5, 308.2, 4.2, 0.037, 0.0)] == [315.0, 325.0, 305.0, 4.2, 0.037, 0.0]
    rng = np.random.default_rng(0)
    for mg in np.exp(rng.uniform(np.log(0.01), np.log(5000), 200)):
        assert mg * 0.97 < rounded(mg) <= mg * (1 + 1e-6)


def test_limit_by_limit_verdicts_are_those_of_the_shield(label, patient):
    for bilirubin in (10, 28, 60):
        found = read(label, patient({"bilirubin": {"value": bilirubin, "unit": "umol/L"}}), NOW)
        facts = seen(label, found).facts
        said = verdicts(label, facts, label.actions).allowed
        np.testing.assert_array_equal(said, np.asarray(allowed(label.limits, label.spec, facts)[0]))


def test_the_limit_that_forbids_and_the_one_that_bound_are_named_with_source(label, patient):
    answer = recommend(label, "standard", patient({"bilirubin": {"value": 30, "unit": "umol/L"}}), NOW)
    assert answer["bound_by"] == "paclitaxel-bilirubin"
    assert answer["chosen"]["label"] == "110 mg/m2"
    options = by_label(answer)
    (limit,) = options["175 mg/m2"]["limits"][-1:]
    assert not options["175 mg/m2"]["allowed"]
    assert (limit["name"], limit["effect"]) == ("paclitaxel-bilirubin", "forbids")
    assert limit["sentence"] and limit["source"] and limit["status"]
    assert [x["effect"] for x in options["110 mg/m2"]["limits"]] == ["binds"]
    assert any("paclitaxel-bilirubin bound the choice" in s for s in answer["explanation"]["why"])


def test_a_low_count_means_a_wait_and_names_the_gate(label, patient):
    answer = recommend(label, "clinical-rule", patient(observations=anc((240, 0.6), (1500, 1.2))), NOW)
    assert answer["chosen"]["label"] == "wait a week" and answer["chosen"]["dose"] == 0
    assert answer["bound_by"] == "anc-gate"
    assert len(answer["options"]) >= 3


def test_the_clinical_rule_goes_by_the_lowest_measured_count(label, patient):
    after = anc((168, 1.2), (240, 0.4), (500, 4.0))
    doses = [{"time": 0, "amount": 315, "unit": "mg"}]
    answer = recommend(label, "clinical-rule", patient(doses=doses, observations=after), 504.0)
    assert answer["chosen"]["dose"] == pytest.approx(140.0)
    unmeasured = read(label, patient(doses=doses, observations=[]), 504.0)
    assert np.isnan(float(state_of(label, unmeasured).last_lowest))


def test_a_dose_between_rows_is_laid_out_too(label, patient):
    record = patient(doses=[{"time": 0, "amount": 250, "unit": "mg", "duration": 3}], observations=anc((240, 0.3), (500, 4.0)))
    answer = recommend(label, "clinical-rule", record, 504.0)
    assert answer["chosen"]["dose"] == pytest.approx(112.0)
    assert by_label(answer)[answer["chosen"]["label"]]["allowed"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"covariates": {"age": {"value": 95, "unit": "a"}}}, "age is 95 a, outside the population"),
        ({"observations": anc((100, 3.0))}, "anc is 58.8333 days old; it must be at most 7 days old"),
        ({"observations": [], "doses": [], "covariates": {"baseline_anc": None}}, "anc is missing"),
        ({"observations": [], "doses": [], "covariates": {"baseline_anc": {"value": 5, "unit": "10*9/L"}}}, "anc has no date"),
        ({"covariates": {"baseline_anc": {"value": 0, "unit": "10*9/L"}}}, "baseline_anc is 0 10*9/L, outside the population"),
        ({"covariates": {"bilirubin": None}}, "bilirubin is not in the record"),
        ({"covariates": {"bilirubin": {"value": 300, "unit": "umol/L"}}}, "no dose and no delay is allowed (paclitaxel-bil"),
    ],
)
def test_nothing_is_chosen_and_the_reason_said(label, patient, change, reason):
    answer = recommend(label, "standard", patient(**change), NOW)
    assert answer["chosen"] is None
    assert reason in answer["abstained"]
    assert answer["explanation"]["why"][0].startswith("No dose is recommended:")
    assert len(answer["options"]) >= 3


def test_a_planner_asks_for_the_count_before_treatment_that_a_record_lacks_and_still_lays_out_doses(label, patient):
    record = patient({"baseline_anc": None}, observations=anc((240, 0.8), (500, 4.0)))
    answer = recommend(label, "map-greedy", record, NOW, draws=16)
    assert answer["chosen"] is None and "baseline_anc" in answer["abstained"]
    assert "not assumed: it stays uncertain" in " ".join(m["sentence"] for m in answer["missing"])
    assert len(answer["options"]) >= 3


def test_a_count_of_nothing_is_one_below_the_smallest_reported(label, patient):
    nadirs = lambda value: [*anc((168, 1.2), (240, value), (500, 4.0)), *anc((1500, 4.0))]  # noqa: E731
    none, few = (recommend(label, "standard", patient(observations=nadirs(v)), NOW) for v in (0, 0.05))
    lowest = lambda answer: by_label(answer)["175 mg/m2"]["reading"]["lowest"]["mean"]  # noqa: E731
    assert none["chosen"] and lowest(none) == pytest.approx(lowest(few), rel=0.5)
    (zero,) = [m for m in known(patient(observations=nadirs(0)), label, NOW).measured if m.below]
    assert zero.value == 0.05 and zero.source.endswith("0, taken as below 0.1")


def test_a_reference_value_in_place_of_a_missing_covariate_is_said(label, patient):
    missing = recommend(label, "standard", patient({"male": None}), NOW)["missing"]
    (row,) = [m for m in missing if m["name"] == "male"]
    assert row["assumed"] == 0 and "is missing; 0 was assumed" in row["sentence"]


def test_a_count_is_asked_for_where_none_was_made(label, patient):
    record = patient(doses=[{"time": 0, "amount": 315, "unit": "mg"}], observations=[])
    row = next(m for m in recommend(label, "standard", record, 300.0)["missing"] if m["kind"] == "measurement")
    assert row["name"] == "anc" and 0.05 < row["narrows"] < 1


def test_everything_used_is_listed_with_age_and_source(label, patient):
    height = {"bsa": None, "height": {"value": 170, "unit": "cm"}, "weight": {"value": 70, "unit": "kg", "time": -24}}
    used = recommend(label, "standard", patient(height), NOW)["used"]
    rows = {u["name"]: u for u in used if u["kind"] == "covariate"}
    assert rows["bsa"]["source"] == "body surface area by Mosteller from height and weight, carried forward"
    assert rows["bsa"]["age_hours"] == NOW + 24
    assert sum(u["kind"] == "measurement" for u in used) == 9
    assert [u["age_hours"] for u in used if u["kind"] == "dose"] == [1512.0, 1008.0, 504.0]


def test_a_disagreement_between_policy_and_rank_is_said(label, patient):
    said = recommend(label, "standard", patient(), NOW)["explanation"]["disagreement"]
    assert "ranks first" in said and "175 mg/m2" in said
    assert recommend(label, "fixed:70", patient(), NOW)["explanation"]["disagreement"] is None


def test_the_time_asked_is_the_next_planned_dose_else_the_last_entry(patient):
    planned = {"time": 1530, "amount": 300, "unit": "mg", "status": "planned"}
    record = patient()
    raw = [d.model_dump() for d in record.doses]
    assert decision_time(record) == 1508.0
    assert decision_time(patient(doses=[*raw, planned])) == 1530.0
    assert decision_time(patient(), "1512") == 1512.0


def test_a_dose_at_the_time_asked_is_what_is_decided(label, patient):
    answer = recommend(label, "standard", patient(observations=anc((168, 1.2), (1008, 4.0))), 1008.0)
    assert sum(u["kind"] == "dose" for u in answer["used"]) == 2
    assert any("is what is being decided" in s for s in answer["explanation"]["known"])


@pytest.mark.parametrize(
    ("policy", "at", "said"),
    [
        ("oracle", NOW, "hidden parameters, which no record holds"),
        ("guess", NOW, "unknown arm 'guess'; known: standard"),
        ("runs/none", NOW, "there is no run at runs/none"),
        ("standard", 300.0, "is dated 500 h, after the time asked, 300 h"),
        ("standard", "2025-03-03T08:00:00+00:00", "counts hours without a date"),
        ("standard", "soon", "must be hours or a date"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_a_sentence(label, patient, policy, at, said):
    with pytest.raises(ValueError, match=said):
        recommend(label, policy, patient(doses=[], observations=anc((500, 4.0))), at)


def test_a_missing_size_is_refused(label, patient):
    with pytest.raises(ValueError, match="record 'P1', covariate bsa: is missing; doses are per m2"):
        recommend(label, "standard", patient({"bsa": None}), NOW)


def test_nothing_is_recommended_from_research_only_or_unlimited_treatments(label, patient):
    with pytest.raises(ValueError, match="nothing is recommended from paclitaxel-cycles-v1: doses above the label"):
        recommend(TREATMENTS["paclitaxel-cycles-v1"], "standard", patient(), NOW)
    with pytest.raises(ValueError, match="has no limits"):
        recommend(replace(label, limits=()), "standard", patient(), NOW)


@pytest.fixture
def run(label, tmp_path):
    """A run folder whose network prefers the largest dose whatever it sees."""

    def made(memory="none"):
        network = Network(label.spec.size, len(label.actions), (8,), memory=memory)
        arrays = {name: np.zeros(shape, np.float32) for name, shape in network.arrays().items()}
        arrays["observation.sd"] += 1
        arrays["head.b"] += np.arange(len(label.actions), dtype=np.float32)
        record = {
            "treatment": label.id, "fingerprint": label.fingerprint, "learner": "made", "form": description(network),
            "spec": storage.described(label.spec),
        }  # fmt: skip
        return str(storage.save_policy(tmp_path / f"run-{memory}", arrays, record, {}, "made for a test"))

    return made


@pytest.mark.parametrize("memory", ["none", "gru"])
def test_a_trained_policy_is_held_inside_the_limits(label, patient, run, memory):
    answer = recommend(label, run(memory), patient({"bilirubin": {"value": 30, "unit": "umol/L"}}), NOW)
    assert answer["chosen"]["label"] == "110 mg/m2"
    assert answer["bound_by"] == "paclitaxel-bilirubin"
    low = recommend(label, run("window"), patient(observations=anc((240, 0.6), (1500, 1.2))), NOW)
    assert low["chosen"]["label"] == "wait a week" and low["bound_by"] == "anc-gate"


def test_a_run_for_another_treatment_is_refused(label, patient, run):
    with pytest.raises(ValueError, match="was trained on paclitaxel-label-v1"):
        doser(TREATMENTS["docetaxel-cycles-v1"], run())


@pytest.mark.slow
def test_the_course_to_the_horizon_holds_all_doses_left(label, patient):
    doses = [{"time": 504.0 * i, "amount": 200, "unit": "mg", "duration": 3} for i in range(4)]
    record = patient(doses=doses, observations=anc((1500, 4.0), (2000, 4.0)))
    answer = recommend(label, "standard", record, 2016.0, draws=32, to_horizon=True)
    ahead = by_label(answer)["70 mg/m2"]["to_horizon"]
    assert 1 < ahead["doses"] <= 2
    assert ahead["reward"]["mean"] < by_label(answer)["70 mg/m2"]["reward"]["mean"]
    assert recommend(label, "standard", record, 2016.0, draws=32)["options"][0]["to_horizon"] is None


def test_departures_are_ordered_by_what_the_record_says(label, patient):
    found = believed(label, read(label, patient(), NOW), 64)
    shares = [d.narrowed for d in departures(found)]
    assert shares == sorted(shares, reverse=True) and shares[0] > 0.3
    assert len(jax.tree.leaves(found.belief.effects)[0]) == 64
