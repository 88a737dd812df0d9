"""Why this dose, for a record: every piece agrees with the choice that `recommend` makes, and with rules that are known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from posology.bedside import distilled
from posology.bedside.consult import answer_for, consult
from posology.bedside.explain import explain, explanation
from posology.bedside.facts import facts_to_change
from posology.bedside.inputs import inputs_of, medians
from posology.bedside.moved import attribution, counterfactuals
from posology.bedside.recommend import recommend
from posology.environments.catalogue import TREATMENTS
from posology.policies import storage
from posology.policies.forms import description
from posology.policies.network import Network

NOW = 1512.0
KEYS = {
    "attribution", "counterfactual", "tree", "neighbours", "next_lab", "trace", "sentence", "used", "disclaimer", "chosen",
    "abstained", "policy", "patient", "treatment", "time",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def few():
    """Trees of few simulated patients: what is tested here is not how good they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distilled, "PATIENTS", 60)
        patch.setattr(distilled, "FEWER", 20)
        yield


@pytest.fixture
def run(label, tmp_path):
    """A run folder of a network with made-up weights."""
    network = Network(label.spec.size, len(label.actions), (8,))
    rng = np.random.default_rng(1)
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in network.arrays().items()}
    arrays["observation.sd"] = np.ones_like(arrays["observation.sd"])
    record = {
        "treatment": label.id, "fingerprint": label.fingerprint, "learner": "made", "form": description(network),
        "spec": storage.described(label.spec),
    }  # fmt: skip
    return str(storage.save_policy(tmp_path / "made", arrays, record, {}, "made for a test"))


def test_an_explanation_has_its_keys_is_plain_json_and_explains_what_recommend_chooses(label, patient):
    answer = explain(label, "clinical-rule", patient(), NOW)
    assert set(answer) >= KEYS
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    same = recommend(label, "clinical-rule", patient(), NOW)
    for key in ("chosen", "abstained", "used", "disclaimer", "policy", "time", "fingerprint"):
        assert answer[key] == same[key], key
    assert [r["limit"] for r in answer["trace"] if r["bound"]] == ([same["bound_by"]] if same["bound_by"] else [])
    assert answer["sentence"].startswith("clinical-rule gives 175 mg/m2 (315 mg). No limit bound it.")
    assert {"mean", "lower", "upper"} == set(answer["tree"]["fidelity"])


@pytest.mark.parametrize("arm", ["clinical-rule", pytest.param("map-greedy", marks=pytest.mark.slow)])
def test_what_moved_the_choice_adds_up_to_it(label, patient, arm):
    c = consult(label, arm, patient(), NOW)
    a = attribution(c)
    assert a["method"] == "exact" and a["actual"] == c.decision.action.amount
    assert sum(r["value"] for r in a["inputs"]) == pytest.approx(a["actual"] - a["typical"], abs=1e-9)
    assert {r["name"] for r in a["inputs"]} == {"male", "age", "bsa", "bilirubin", "baseline_anc", "doses given", "anc"}
    inputs = inputs_of(c)
    assert answer_for(c, inputs.with_typical(frozenset())) == c.decision.action
    if arm == "map-greedy":  # lower counts than usual after the usual doses: the counts took the dose down
        assert a["inputs"][0]["name"] == "anc" and a["inputs"][0]["value"] < -20


def test_the_clinical_rule_is_moved_by_nothing_but_counts_and_doses(label, patient):
    """It goes by the lowest count since the last dose (0.4: grade 4, a fifth less) and by that dose."""
    rows = [{"time": 1008 + h, "name": "anc", "value": v, "unit": "10*9/L"} for h, v in ((168, 1.2), (240, 0.4), (500, 4.0))]
    a = attribution(consult(label, "clinical-rule", patient(observations=rows), NOW))
    values = {r["name"]: r["value"] for r in a["inputs"]}
    assert (a["typical"], a["actual"]) == (175.0, 140.0)
    assert values["anc"] == pytest.approx(-35, abs=2)
    assert values["male"] == values["age"] == values["bilirubin"] == values["baseline_anc"] == 0


def test_a_typical_record_holds_medians_standard_doses_and_what_the_model_shows(label, patient):
    c = consult(label, "clinical-rule", patient(), NOW)
    inputs = inputs_of(c)
    typical = inputs.with_typical(frozenset(range(len(inputs.each))))
    middle = medians(c.treatment)
    assert typical.covariates["bilirubin"][0].value == middle["bilirubin"] == pytest.approx(7, rel=0.05)
    assert {(d.amount, d.unit) for d in typical.doses} == {(175.0, "mg/m2")}
    assert [o.time for o in typical.observations] == [o.time for o in c.record.observations]
    by_time = {o.time: o.value for o in typical.observations}
    cycles = np.array([[by_time[504 * i + h] for h in (168, 240, 500)] for i in range(3)])
    assert (cycles[:, 1] < cycles[:, 2]).all()  # low ten days after a dose, back after three weeks
    np.testing.assert_allclose(cycles[1], cycles[2], rtol=0.3)
    assert 0.3 < cycles[:, 1].min() < 3 and 2 < cycles[:, 2].min() < 8


def test_the_counterfactual_of_the_clinical_rule_is_its_threshold(label, patient):
    """Grade 4 begins below 0.5, a cycle at 1.5, and the bilirubin cap of 115 above 1.25 times 21 umol/L."""
    found = counterfactuals(consult(label, "clinical-rule", patient(), NOW))
    lower = {(r["name"], r["time"]): r for r in found["lower"]}
    nadir, gate, liver = lower["anc", 1248.0], lower["anc", 1508.0], lower["bilirubin", None]
    assert (nadir["dose"], gate["dose"], liver["dose"]) == (140.0, 0.0, 110.0)
    assert nadir["value"] < 0.5 <= nadir["not_yet_at"] and nadir["value"] == pytest.approx(0.5, rel=0.03)
    assert gate["value"] < 1.5 <= gate["not_yet_at"] and gate["value"] == pytest.approx(1.5, rel=0.03)
    assert liver["value"] > 26.25 >= liver["not_yet_at"] * 0.999 and liver["value"] == pytest.approx(26.25, rel=0.03)
    assert gate["label"] == "wait a week" and found["higher"] == [] and "age" not in {f["name"] for f in found["facts"]}
    factors = [r["factor"] for r in found["lower"]]
    assert factors == sorted(factors) and found["lower"][0]["name"] == "anc"
    said = nadir["sentence"]
    assert "had been 0.49" in said and said.endswith("the choice would have been 140 mg/m2 instead of 175 mg/m2.")


def test_a_change_that_is_told_really_leads_to_that_dose(label, patient):
    c = consult(label, "clinical-rule", patient(), NOW)
    facts = {(f.name, f.time): f for f in facts_to_change(c)}
    for row in counterfactuals(c)["lower"]:
        action = answer_for(c, facts[row["name"], row["time"]].at(row["value"]))
        assert action.amount == row["dose"]


def test_the_nearest_patients_are_nearer_than_most_and_worse_off_at_higher_doses(label, patient):
    n = explain(label, "clinical-rule", patient(), NOW)["neighbours"]
    d = n["distance"]
    assert n["number"] == 20 and d["nearest"] <= d["farthest"] < d["usual"]
    doses = sorted((o for o in n["options"] if o["dose"]), key=lambda o: o["dose"])
    low = [o["lowest"]["mean"] for o in doses]
    assert low == sorted(low, reverse=True) and doses[-1]["harm"]["grade4"] >= doses[0]["harm"]["grade4"]


def test_the_next_measurement_is_near_the_nadir_and_its_worth_has_an_error(label, patient):
    lab = explain(label, "clinical-rule", patient(), NOW)["next_lab"]
    assert lab["best"]["reading"] == "anc" and 10 <= lab["best"]["day"] <= 18
    assert [d["day"] for d in lab["days"]] == list(range(1, 22))
    assert all(0 <= d["error"] < 0.1 * lab["sd_now"] and d["expected_sd"] <= 1.02 * lab["sd_now"] for d in lab["days"])
    early, best = lab["days"][2]["narrows"], lab["best"]["narrows"]
    assert early < 0.1 < 0.2 < best < 1


def test_a_trained_policy_is_explained_and_held_inside_the_limits(label, patient, run):
    answer = explain(label, run, patient({"bilirubin": {"value": 30, "unit": "umol/L"}}), NOW)
    a = answer["attribution"]
    assert sum(r["value"] for r in a["inputs"]) == pytest.approx(a["actual"] - a["typical"], abs=1e-9)
    assert a["actual"] <= 115 and answer["tree"]["judged"]["patients"] == 18
    trace = {r["limit"]: r for r in answer["trace"]}
    assert trace["paclitaxel-bilirubin"]["effect"] == "permits at most 110 mg/m2"


def test_an_abstention_is_explained_too_and_says_so_first(label, patient):
    answer = explain(label, "clinical-rule", patient({"age": {"value": 20, "unit": "a"}}), NOW)
    assert answer["chosen"] is None
    assert answer["sentence"].startswith("No dose is recommended: age is 20 a, outside the population")


def test_a_record_without_doses_or_counts_is_explained_by_its_covariates(label, patient):
    c = consult(label, "clinical-rule", patient(doses=[], observations=[]), 0.0)
    a = attribution(c)
    assert {r["name"] for r in a["inputs"]} == {"male", "age", "bsa", "bilirubin", "baseline_anc"}
    assert all(r["value"] == 0 for r in a["inputs"]) and a["actual"] == 175.0
    assert counterfactuals(c)["lower"][0]["name"] in ("bilirubin", "baseline_anc")


def test_levels_of_a_drug_are_explained_as_counts_are(patient):
    t = TREATMENTS["vancomycin-adults-v1"]
    record = patient(
        {"weight": {"value": 70, "unit": "kg"}, "crcl": {"value": 60, "unit": "mL/min"}},
        doses=[{"time": 12.0 * i, "amount": 1000, "unit": "mg", "duration": 1} for i in range(4)],
        observations=[{"time": 47.0, "name": "concentration", "value": 18, "unit": "mg/L"}],
    )
    c = consult(t, "proportional-rule", record, 48.0)
    a = attribution(c)
    assert {r["name"] for r in a["inputs"]} == {"weight", "crcl", "doses given", "concentration"}
    assert sum(r["value"] for r in a["inputs"]) == pytest.approx(a["actual"] - a["typical"], abs=1e-6)
    assert a["unit"] == "mg/d"  # 1000 mg every 12 h and 2000 mg every 24 h are as much
    found = counterfactuals(c)
    lower, higher = (next(r["value"] for r in found[kind] if r["name"] == "concentration") for kind in ("lower", "higher"))
    assert lower > 18 > higher


def test_nothing_is_explained_that_nothing_is_recommended_from(label, patient):
    with pytest.raises(ValueError, match="it has no limits on what may be given"):
        explain(replace(label, limits=()), "standard", patient(), NOW)


@pytest.mark.slow
def test_a_planner_is_explained_as_well(label, patient):
    answer = explanation(consult(label, "map-greedy", patient(), NOW))
    assert answer["tree"]["judged"]["patients"] == 6
    assert answer["counterfactual"]["lower"] and answer["counterfactual"]["higher"]
