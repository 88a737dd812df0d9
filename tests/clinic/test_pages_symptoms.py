"""From symptoms to a dose, in a browser and for programs."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect
from web_clients import violations

from posology.clinic import store
from posology.data.record import from_dict

STREP = {"age": "34", "sex": "female", "yes": ["fever", "sore-throat", "swollen-neck-glands"], "others_absent": "1"}
ASKED = {"age": 34, "sex": "female", "symptoms": STREP["yes"], "others_absent": True}
HILDE = {
    "id": "SYMPTOMS-HILDE",
    "covariates": {"age": {"value": 31, "unit": "a"}, "male": {"value": 0, "unit": "1"}, "weight": {"value": 70, "unit": "kg"}},
    "conditions": ["Type 2 diabetes mellitus", "Pregnant, week 30", "no asthma", "eczema"],
    "medications": ["warfarin"],
    "allergies": ["Penicillin", "latex"],
}


@pytest.fixture(scope="module")
def hilde(site):
    """The key of a patient of these tests, who is gone after them."""
    engine = site.state.clinic.engine
    key = store.create(engine, from_dict(HILDE), "tests")
    yield key
    store.erase(engine, key, "tests", "made up for a test")


@pytest.fixture(scope="module")
def fitted(site):
    """The classifiers, fitted."""
    site.state.study.start()
    site.state.study.wait(300)
    return site.state.study


def test_a_clinician_walks_from_symptoms_to_a_dose_by_keyboard(entered, hilde, fitted):
    page = entered("clinician")
    page.goto(f"/symptoms?patient={hilde}")
    expect(page.get_by_label("Age")).to_have_value("31")
    expect(page.get_by_label("diabetes")).to_be_checked()
    expect(page.get_by_text("Allergies of the record that nothing here looks at")).to_be_visible()
    page.get_by_label("Show only symptoms").fill("throat")
    expect(page.get_by_label("cough: yes")).to_be_hidden()
    page.get_by_label("sore throat: yes").focus()
    page.keyboard.press("Space")
    page.get_by_label("Show only symptoms").fill("")
    for symptom in ("fever", "swollen glands of the neck"):
        page.get_by_label(f"{symptom}: yes").focus()
        page.keyboard.press("Space")
    page.get_by_label("Every other symptom").check()
    page.get_by_role("button", name="Show diseases").focus()
    page.keyboard.press("Enter")
    answer = page.get_by_role("region", name="Probabilities of diseases").locator("tbody tr").first
    expect(answer.get_by_role("rowheader")).to_have_text("sore throat by streptococci")
    expect(answer.locator("td")).to_have_count(5)
    barred = page.get_by_role("row").filter(has=page.get_by_role("link", name="Phenoxymethylpenicillin"))
    expect(barred).to_contain_text("contraindicated")
    expect(barred).to_contain_text("allergy to penicillin")
    expect(page.get_by_label("sore throat: yes")).to_be_checked()
    assert violations(page) == []


def test_the_numbers_of_the_page_are_those_of_the_library_for_every_rule(as_role, fitted):
    browser = as_role("viewer")
    page = browser.post("/symptoms", data=STREP).text
    for by in ("bayes", "random-forest", "logistic-regression", "naive-bayes", "decision-tree"):
        found = browser.post("/api/symptoms/predict", json={**ASKED, "by": by}).json()
        assert found["classifier"] == by
        assert f"{100 * found['probabilities'][0]['probability']:.1f} %" in page


def test_a_sign_of_danger_stands_before_everything_and_leaves_no_option(as_role):
    page = as_role("viewer").post("/symptoms", data={**STREP, "yes": [*STREP["yes"], "neck-stiffness"]}).text
    assert 0 < page.index("See a physician now") < page.index("Probabilities of diseases")
    assert "May it be given" not in page


def test_a_record_fills_the_form_and_what_cannot_be_read_is_said(as_role, site, hilde):
    page = as_role("viewer").get(f"/symptoms?patient={hilde}").text
    for condition, there in (("diabetes", True), ("pregnancy", True), ("asthma", False)):
        assert (f'value="{condition}" checked' in page) == there
    assert 'name="medications" value="warfarin"' in page and 'name="allergies" value="penicillin"' in page
    assert "nothing here looks at:</strong> latex" in page and "no asthma; eczema" in page
    assert hilde in {p for _, p in site.state.clinic.looked}


def test_a_patient_is_shown_to_those_alone_who_may_see_patients(as_role, hilde):
    for role in ("researcher", "auditor", "admin"):
        assert as_role(role).get("/symptoms").status_code == 200
        assert as_role(role).get(f"/symptoms?patient={hilde}").status_code == 403
        answer = as_role(role).post("/symptoms", data={**STREP, "patient": hilde})
        assert answer.status_code == 403 and "HILDE" not in answer.text
    assert as_role("viewer").get(f"/symptoms?patient={'0' * 32}").status_code == 404
    assert as_role("viewer").get("/symptoms?patient=x").status_code == 422


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"age": ""}, "age: is missing"),
        ({"age": "3 mlgm"}, "unit &#39;mlgm&#39; is not known"),
        ({"age": "200"}, "is not possible; allowed: 0 to 130 a"),
        ({"yes": []}, "symptom: none is given"),
        ({"no": ["fever"]}, "symptom fever: is given both as there and as absent"),
        ({"history": ["pregnancy"], "sex": "male"}, "history pregnancy: is not possible"),
        ({"history": ["breast-feeding"], "sex": "male"}, "history breast-feeding: is not possible"),
        ({"allergies": "latex\x00"}, "unknown allergy"),
        ({"by": "guess"}, "rule &#39;guess&#39;: is not known"),
    ],
)
def test_what_is_wrong_is_said_above_the_form_with_what_was_typed(as_role, change, sentence):
    answer = as_role("viewer").post("/symptoms", data={**STREP, "medications": "aspirin", **change})
    assert answer.status_code == 422
    assert answer.text.index(sentence) < answer.text.index("<form method=\"post\" action=\"/symptoms\"")
    assert 'value="aspirin"' in answer.text


def test_typed_text_is_never_markup(as_role):
    answer = as_role("viewer").post("/symptoms", data={**STREP, "medications": "<script>alert(1)</script>"})
    assert answer.status_code == 200 and "<script>alert" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        {"age": -1}, {"age": "x"}, {"symptoms": []}, {"symptoms": ["x"]}, {"sex": "x"}, {"by": "x"}, {"weight": "1 kg/h"},
        {"symptoms": ["fever"] * 61}, {"medications": [""]}, {"age": True},
    ],
)  # fmt: skip
def test_programs_get_a_sentence_for_what_is_wrong(as_role, body):
    kind = {"content-type": "application/json"}
    answer = as_role("viewer").post("/api/symptoms/predict", content=json.dumps({**ASKED, **body}), headers=kind)
    assert answer.status_code == 422 and next(iter(body)).removesuffix("s")[:7] in answer.json()["detail"]


def test_programs_are_told_doses_with_source_and_status(as_role):
    found = as_role("viewer").post("/api/symptoms/predict", json={**ASKED, "allergies": ["penicillin"]}).json()
    dose = next(o for o in found["options"] if o["drug"] == "clarithromycin")["dose"]
    assert (dose["amount"], dose["unit"], dose["status"]) == (500, "mg", "unverified") and dose["source"]
