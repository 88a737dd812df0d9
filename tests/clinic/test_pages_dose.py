"""From a new patient to a recorded decision, and what the pages about a dose say."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from web_clients import violations

from posology.clinic import audit, store
from posology.clinic.demo import patients
from posology.data.record import from_dict

DEMO = {raw["id"]: raw for raw in patients()}


@pytest.fixture
def anna(site, request):
    """The key of a patient like the demo's Anna, for this test alone."""
    raw = DEMO["DEMO-ANNA"] | {"id": f"ANNA {request.node.name}"}
    return store.create(site.state.clinic.engine, from_dict(raw), "dr.a")


def tab_to(page, locator):
    """Press Tab until an element has the focus, as who has no mouse does."""
    for _ in range(120):
        if locator.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {locator}")


def test_the_whole_path_from_a_new_patient_to_a_decision_needs_no_mouse(entered, watched, site):
    watched.expected = ("422",)  # the decision without a reason is refused, which the browser notes
    page = entered("clinician")
    keys = page.keyboard
    tab_to(page, page.get_by_role("link", name="New patient"))
    keys.press("Enter")
    expect(page.get_by_label("Id, such as")).to_be_focused()
    keys.type("KEYBOARD-1")
    about = {"male": "0", "age": "58", "height": "164", "weight": "68", "bilirubin": "9", "baseline_anc": "5.8"}
    for label, value in about.items():
        tab_to(page, page.get_by_label(f"Value of {label}"))
        keys.type(value)
    tab_to(page, page.get_by_label("Since when baseline_anc"))
    keys.type("2026-11-01 08:00")
    expect(page.locator("#checks")).to_contain_text("Ready for a dose")
    tab_to(page, page.get_by_role("button", name="Save and look at doses"))
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Proposed by map-greedy")).to_be_visible(timeout=90_000)
    expect(page.locator("#bands polyline")).to_have_count(2, timeout=60_000)  # the proposal, which is the standard, and no dose
    assert violations(page) == []
    tab_to(page, page.get_by_role("radio", name="Accept"))
    keys.press("ArrowRight")
    expect(page.get_by_role("radio", name="Change dose, interval or start")).to_be_checked()
    tab_to(page, page.get_by_label("Dose in mg"))
    keys.type("250")
    tab_to(page, page.get_by_role("button", name="Record the decision"))
    keys.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("reason: is empty")
    assert page.get_by_label("Dose in mg").input_value() == "250"
    tab_to(page, page.get_by_label("Reason, unless"))
    keys.type("frail; a smaller dose was agreed")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Changed: 250 mg")).to_be_visible()
    assert violations(page) == []
    engine = site.state.clinic.engine
    made = store.decisions_of(engine, store.key_of(engine, "KEYBOARD-1"))
    assert [(d["answer"], d["mg"], d["actor"]) for d in made] == [("changed", 250.0, "demo-clinician")]
    assert made[0]["entry"]["chosen"]["label"] == "175 mg/m2" and not made[0]["entry"]["followed"]
    assert audit.verify(engine).fault is None


def test_a_decision_keeps_what_was_typed_when_it_cannot_be_kept(as_role, anna, site):
    browser = as_role("clinician")
    asked = {"treatment": "paclitaxel-label-v1", "policy": "standard", "version": "1"}
    for told, sentence in (
        ({"answer": "changed", "mg": "lots", "reason": "as agreed"}, "mg: must be a number of at least 0, got &#39;lots&#39;"),
        ({"answer": "rejected", "mg": "", "reason": ""}, "reason: is empty"),
        ({"answer": "nonsense", "mg": "12", "reason": "typed in vain"}, "answer: &#39;nonsense&#39; is not one"),
        ({"answer": "deferred", "mg": "", "reason": "count awaited", "until": "soon"}, "until: must be a date and time"),
    ):
        answer = browser.post(f"/patients/{anna}/decisions", data=asked | told)
        assert answer.status_code == 422 and sentence in answer.text
        assert f'value="{told["mg"]}"' in answer.text and f'value="{told["reason"]}"' in answer.text
    engine = site.state.clinic.engine
    store.edit(engine, anna, 1, from_dict(DEMO["DEMO-ANNA"] | {"id": "ANNA edited", "conditions": ["fever"]}), "dr.a")
    stale = browser.post(f"/patients/{anna}/decisions", data=asked | {"answer": "accepted"})
    assert stale.status_code == 409 and "version 2" in stale.text
    assert store.decisions_of(engine, anna) == []


def test_dose_interval_and_start_are_changed_in_part_or_the_decision_is_put_off(as_role, anna, site):
    browser = as_role("clinician")
    asked = {"treatment": "paclitaxel-label-v1", "policy": "standard", "version": "1", "reason": "a bank holiday"}
    later = {"answer": "changed", "every_days": "28", "start_in_days": "2,5"}
    off = {"answer": "deferred", "until": "2026-10-21 08:00"}
    assert [browser.post(f"/patients/{anna}/decisions", data=asked | d).status_code for d in (later, off)] == [303, 303]
    first, second = store.decisions_of(site.state.clinic.engine, anna)
    assert (first["mg"], first["entry"]["every_days"], first["entry"]["start_in_days"]) == (305.0, 28.0, 2.5)
    assert (second["mg"], second["entry"]["until"]) == (0.0, "2026-10-21T08:00:00+00:00")
    page = browser.get(f"/patients/{anna}/decisions").text
    assert "after 28 days" in page and "in 2.5 days" in page and "Deferred until" in page


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("DEMO-DORA", "bilirubin is 41 umol/L, outside"), ("DEMO-EMIL", "age is 93 a, outside")],
)
def test_nothing_is_proposed_for_who_is_unlike_the_models_patients(as_role, site, name, sentence):
    key = store.key_of(site.state.clinic.engine, name)
    page = as_role("viewer").get(f"/patients/{key}/dose?policy=standard").text
    assert "No dose is proposed" in page and sentence in page
    assert "Record the decision" not in page  # a viewer decides nothing


def test_what_keeps_a_record_from_being_read_is_said_with_what_is_missing(as_role, site):
    key = store.create(site.state.clinic.engine, from_dict({"id": "UNKNOWN", "allergies": ["taxol"]}), "dr.a")
    answer = as_role("clinician").get(f"/patients/{key}/dose?policy=standard")
    assert answer.status_code == 422
    assert "covariate bsa: is missing" in answer.text and "the limit anc-gate needs it" in answer.text
    wrong = as_role("clinician").get(f"/patients/{key}/dose?at=tomorrow")
    assert wrong.status_code == 422 and "time" in wrong.text


def test_why_is_worked_out_while_the_page_waits(entered, site, anna):
    page = entered("viewer")
    page.goto(f"/patients/{anna}/why?policy=standard")
    expect(page.get_by_role("heading", name="Being worked out")).to_be_visible()
    expect(page.get_by_role("heading", name="What moved the dose")).to_be_visible(timeout=90_000)
    expect(page.get_by_text("No limit bound it").first).to_be_visible()
    assert violations(page) == []
    page.get_by_role("link", name="Report").click()
    expect(page.get_by_role("heading", name="As a decision tree")).to_be_visible()
    assert page.locator("td.bar i").first.evaluate("e => getComputedStyle(e).height") == "10px"  # its own styles are let in
    assert "not a medical device" in page.inner_text("main")


def test_the_report_of_an_explanation_that_is_not_there_leads_to_the_page_that_says_why(as_role, anna):
    answer = as_role("viewer").get(f"/patients/{anna}/why/report?policy=standard&at=tomorrow", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, f"/patients/{anna}/why")
