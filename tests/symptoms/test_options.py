"""From symptoms to drugs: nothing hidden, no barred dose, abstention where it has to be."""

from __future__ import annotations

import json

import pytest

from posology.commands import run
from posology.symptoms.case import case, coded, open_symptoms
from posology.symptoms.drugs import drugs
from posology.symptoms.emergency import DANGER
from posology.symptoms.generator import MUTE, UNKNOWN
from posology.symptoms.options import PROBABLE, predict
from posology.symptoms.table import table
from posology.symptoms.words import GROUP_IDS

STREP = ("fever", "sore-throat", "swollen-neck-glands")
MIGRAINE = ("headache", "light-sensitivity", "nausea")
CYSTITIS = ("painful-urination", "frequent-urination")
ASTHMA = ("wheeze", "breathlessness", "cough")
TYPICAL = {"strep-throat": STREP, "migraine": MIGRAINE, "cystitis": CYSTITIS, "asthma-attack": ASTHMA}


def ask(symptoms, age=34, sex="female", **more):
    return predict(case(symptoms, age, sex, others_absent=True, **more))


def row(found, drug):
    return next(o for o in found["options"] if o["drug"] == drug)


def test_probabilities_sum_to_one_and_the_typical_patient_has_the_typical_disease():
    for disease, symptoms in TYPICAL.items():
        found = ask(symptoms)
        assert sum(p["probability"] for p in found["probabilities"]) == pytest.approx(1)
        assert found["probabilities"][0]["disease"] == disease and not found["abstained"]
        assert "Research use only" in found["disclaimer"] and found["synthetic"].startswith("Synthetic")


def test_an_allergy_to_penicillin_bars_every_penicillin_and_leaves_them_in_the_list():
    found = ask(STREP, allergies=["Penicillin"])
    barred = row(found, "phenoxymethylpenicillin")
    assert barred["status"] == "contraindicated" and barred["dose"] is None
    assert barred["reasons"][0]["because"] == "allergy to penicillin" and barred["reasons"][0]["source"]
    assert row(found, "clarithromycin")["status"] == "allowed" and row(found, "clarithromycin")["dose"]["amount"] == 500


def test_an_allergy_to_one_penicillin_bars_the_others_and_warns_of_cefalexin():
    assert row(ask(STREP, allergies=["amoxicillin"]), "phenoxymethylpenicillin")["status"] == "contraindicated"
    assert row(ask(CYSTITIS, allergies=["amoxicillin"]), "cefalexin")["status"] == "caution"
    assert row(ask(CYSTITIS, allergies=["penicillin"]), "cefalexin")["status"] == "caution"


@pytest.mark.parametrize(
    ("symptoms", "history", "drug", "status"),
    [
        (MIGRAINE, "heart-disease", "sumatriptan", "contraindicated"),
        (MIGRAINE, "hypertension", "sumatriptan", "contraindicated"),
        (MIGRAINE, "heart-disease", "ibuprofen", "contraindicated"),
        (MIGRAINE, "pregnancy", "ibuprofen", "contraindicated"),
        (MIGRAINE, "hypertension", "ibuprofen", "caution"),
        (CYSTITIS, "pregnancy", "trimethoprim", "contraindicated"),
        (CYSTITIS, "kidney-disease", "nitrofurantoin", "contraindicated"),
        (CYSTITIS, "pregnancy", "cefalexin", "allowed"),
        (ASTHMA, "diabetes", "prednisolone", "caution"),
    ],
)
def test_history_bars_or_warns(symptoms, history, drug, status):
    found = row(ask(symptoms, history=[history]), drug)
    assert found["status"] == status
    assert (found["dose"] is None) == (status == "contraindicated")
    assert (status == "allowed") == (not found["reasons"])


def test_a_symptom_may_bar_a_drug_too():
    gut = ("diarrhoea", "vomiting", "nausea")
    assert row(ask(gut), "loperamide")["status"] == "allowed"
    assert row(ask((*gut, "fever")), "loperamide")["status"] == "contraindicated"


def test_what_is_taken_already_bars_or_warns_and_what_is_not_known_is_named():
    found = row(ask(CYSTITIS, medications=["Methotrexate", "aspirin"]), "trimethoprim")
    assert found["status"] == "contraindicated" and "takes methotrexate" in [r["because"] for r in found["reasons"]]
    assert any("aspirin" in text and "does not mean that there is no interaction" in text for text in found["missing"])
    assert row(ask(MIGRAINE, medications=["paracetamol"]), "paracetamol")["status"] == "caution"


def test_no_option_hides_a_drug_of_its_disease():
    found = ask(STREP, allergies=["penicillin", "macrolide"])
    listed = [o["drug"] for o in found["options"] if o["disease"] == "strep-throat"]
    assert listed == list(next(d for d in table().diseases if d.id == "strep-throat").drugs)
    assert found["abstained"] == "every drug that is recorded here is contraindicated or has no dose for this patient"


@pytest.mark.parametrize(
    ("symptoms", "more", "sign"),
    [
        (("chest-pain", "breathlessness"), {}, "chest pain and breathlessness"),
        (("cough", "fever"), {"age": "2 mo"}, "fever below the age of 3 months"),
        (("cough",), {"age": "10 d"}, "a newborn who is ill"),
        (("headache",), {"history": ["pregnancy", "hypertension"]}, "pre-eclampsia"),
        (("painful-urination", "fever", "back-pain"), {}, "an infection of the kidney"),
        (("headache", "neck-stiffness"), {}, "stiff neck"),
    ],
)
def test_a_sign_of_an_emergency_sends_to_a_physician_and_offers_nothing(symptoms, more, sign):
    found = ask(symptoms, **more)
    assert found["abstained"].startswith("see a physician now: ") and sign in found["abstained"]
    assert found["options"] == []


def test_every_sign_of_danger_is_an_emergency():
    assert all(ask(("cough", sign))["emergency"] for sign in DANGER)


def test_too_little_to_go_by_is_an_abstention_that_says_what_to_ask():
    found = predict(case(["fatigue"], 34, "female"))
    assert found["probabilities"][0]["probability"] < PROBABLE
    assert "no disease of the table is probable enough" in found["abstained"]
    assert all(option["dose"] is None for option in found["options"])
    bits = [a["bits"] for a in found["ask_next"]]
    assert len(bits) == 3 and bits == sorted(bits, reverse=True) and bits[-1] > 0


def test_what_would_be_barred_is_said_even_where_nothing_is_recommended():
    found = predict(case(("fever", "cough"), 34, "female", ["diabetes"], ["penicillin"]))
    assert found["abstained"] and row(found, "amoxicillin")["status"] == "contraindicated"
    assert not any(option["dose"] for option in found["options"])


def test_more_answers_leave_less_to_ask():
    open_one, full = predict(case(STREP, 34, "female")), ask(STREP)
    assert open_one["ask_next"] and not full["ask_next"]


def test_a_classifier_does_not_judge_records_emptier_than_it_learned_from():
    sparse = predict(case(STREP, 34, "female"), "naive-bayes", 4_000)
    assert "naive-bayes learned from patients with at most" in sparse["abstained"] and sparse["options"] == []
    full = predict(case(STREP, 34, "female", others_absent=True), "naive-bayes", 4_000)
    assert full["classifier"] == "naive-bayes" and full["probabilities"][0]["disease"] == "strep-throat" and full["options"]


def test_an_infant_is_coded_as_the_generator_codes_infants():
    found = case(["fever", "ear-pain"], "10 mo", "male", others_absent=True)
    infant = case(["fever", "ear-pain"], "10 mo", "male")
    assert coded(infant).group[0] == GROUP_IDS.index("infant") and "infant" in MUTE
    assert "headache" not in open_symptoms(infant) and "cough" in open_symptoms(infant)
    assert (coded(found).symptoms != UNKNOWN).any()


def test_the_dose_follows_age_and_weight():
    found = [ask(("ear-pain", "fever"), age=age, weight=kg) for age, kg in (("8 mo", 8), (6, 20), (40, 70))]
    doses = [row(each, "amoxicillin")["dose"] for each in found]
    assert [(d["amount"], d["every_hours"]) for d in doses] == [(300.0, 12.0), (800.0, 12.0), (500.0, 8.0)]
    without = ask(("ear-pain", "fever"), age=6)
    assert row(without, "amoxicillin")["dose"] is None
    assert "weight: the dose of Amoxicillin at this age is by weight" in without["missing"]


def said(capsys, *arguments):
    code = run(["symptoms", *arguments])
    out = capsys.readouterr()
    assert "Traceback" not in out.err + out.out
    return code, out


def told(symptom="fever", age="34", sex="female"):
    return ("predict", "--symptom", symptom, "--age", age, "--sex", sex)


BASE = told()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (told("feever"), "unknown symptom 'feever'; did you mean fever? allowed: fever, chills"),
        (told(age="340"), "age '340' is not possible; allowed: 0 to 130 a"),
        (told(age="old"), "age 'old': 'old' is not a number with a unit"),
        (told(age="3 mlgm"), "unit 'mlgm' is not known"),
        (told(sex="x"), "unknown sex 'x'; allowed: male, female"),
        ((*BASE, "--history", "diabetis"), "unknown history 'diabetis'; did you mean diabetes? allowed: diabetes"),
        ((*BASE, "--allergy", "penicilin"), "unknown allergy 'penicilin'; did you mean penicillin"),
        ((*BASE, "--weight", "7000"), "weight '7000' is not possible; allowed: 0.2 to 700 kg"),
        ((*BASE, "--weight", "7"), "weight '7' is not possible for the age group adult; allowed: 20 to 700 kg"),
        ((*BASE, "--without", "fever"), "symptom fever: is given both as there and as absent"),
        ((*BASE, "--by", "luck"), "unknown classifier 'luck'; allowed: bayes, random-forest"),
        ((*told(sex="male"), "--history", "pregnancy"), "history pregnancy: is not possible at 34 years, male"),
        (("drug", "amoxicilin"), "unknown drug 'amoxicilin'; did you mean amoxicillin"),
    ],
)
def test_a_wrong_word_is_one_sentence_with_what_is_allowed(capsys, arguments, expected):
    code, out = said(capsys, *arguments)
    assert code == 1 and expected in out.err and out.err.count("\n") == 1


def test_predict_prints_one_json_document(capsys):
    code, out = said(capsys, *BASE, "--symptom", "cough", "--history", "diabetes", "--allergy", "penicillin", "--json")
    found = json.loads(out.out)
    assert code == 0 and found["patient"]["history"] == ["diabetes"] and found["patient"]["allergies"] == ["penicillin"]
    assert {"probabilities", "options", "abstained", "missing", "disclaimer", "synthetic"} <= set(found)


@pytest.mark.parametrize("name", drugs())
def test_the_page_of_a_drug_has_every_age_group_with_status_and_source(capsys, name):
    code, out = said(capsys, "drug", name, "--json")
    found = json.loads(out.out)
    assert code == 0 and {d["group"] for d in found["doses"]} == set(GROUP_IDS)
    assert all(d["status"] in ("verified", "unverified") and d["source"] for d in found["doses"] if d["dose"])
    assert found["forms"] and found["indications"] and found["diseases"] and "Research use only" in found["disclaimer"]


def test_people_get_tables(capsys):
    more = ("--symptom", "sore-throat", "--symptom", "swollen-neck-glands", "--others-absent", "--allergy", "penicillin")
    code, out = said(capsys, *BASE, *more)
    assert code == 0 and "contraindicated" in out.out and "Clarithromycin" in out.out and "Research use only" in out.out
    assert "none recorded" in said(capsys, "drug", "doxycycline")[1].out
