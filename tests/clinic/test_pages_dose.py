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


def test_the_whole_path_from_a_new_patient_to_a_decision_needs_no_mouse(entered, site):
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
    expect(page.locator("#bands polyline")).to_have_count(3, timeout=60_000)
    assert violations(page) == []
    tab_to(page, page.get_by_role("radio", name="Give another dose"))
    keys.press("Home")  # to the first choice of the group; a radio is chosen by its keys
    tab_to(page, page.get_by_role("radio", name="Accept"))
    keys.press("ArrowRight")
    expect(page.get_by_role("radio", name="Give another dose")).to_be_checked()
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
    assert made[0]["entry"]["chosen"]["label"] == "175 mg/m2"
    assert audit.verify(engine).fault is None
