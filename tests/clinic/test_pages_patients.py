"""The list of patients, in a browser."""

from __future__ import annotations

from playwright.sync_api import expect
from web_clients import violations


def test_a_viewer_finds_a_patient_by_searching(entered):
    page = entered("viewer")
    page.get_by_label("Search ids").fill("ketoconazole")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="DEMO-DORA").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("DEMO-DORA")


def test_pages_of_patients_are_accessible(entered):
    page = entered("viewer")
    assert violations(page) == []
    page.goto("/login")
    assert violations(page) == []
