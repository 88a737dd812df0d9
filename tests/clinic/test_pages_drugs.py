"""Pages of drugs, in a browser and for programs."""

from __future__ import annotations

from playwright.sync_api import expect
from web_clients import violations

from posology.safety import sheet
from posology.symptoms.drugs import drugs


def test_a_viewer_finds_a_drug_and_reads_its_doses(entered):
    page = entered("viewer")
    page.get_by_role("link", name="Drugs").click()
    page.get_by_label("Search names").fill("penicillin")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Amoxicillin").click()
    doses = page.get_by_role("region", name="Dose by age group")
    expect(doses.get_by_role("row").filter(has_text="older adult")).to_contain_text("500 mg, every 8 h")
    expect(doses.get_by_role("row").filter(has_text="neonate")).to_contain_text("unverified")
    assert violations(page) == []
    page.goto("/drugs/mercaptopurine")
    expect(page.get_by_role("region", name="Genes")).to_contain_text("both intermediate")
    assert violations(page) == []


def test_every_drug_has_a_page_and_an_answer_with_a_source_to_every_number(as_role):
    browser = as_role("researcher")
    listed = browser.get("/api/drugs").json()
    assert {row["id"] for row in listed} == {*drugs(), *sheet.names()}
    for row in listed:
        page = browser.get(f"/drugs/{row['id']}")
        assert page.status_code == 200 and "No rule by genes" in page.text or 'aria-label="Genes"' in page.text
        found = browser.get(f"/api/drugs/{row['id']}").json()["recorded"]
        for dose in found.get("doses", []):
            assert not dose["dose"] or dose["status"] in ("verified", "unverified") and dose["source"]


def test_ways_to_give_a_drug_share_its_genes_and_avoid_is_no_share(as_role):
    browser = as_role("viewer")
    told = [browser.get(f"/api/drugs/{name}").json()["genes"] for name in ("fluorouracil", "fluorouracil-bolus", "capecitabine")]
    assert told[0] == told[1] == told[2]
    assert [row["share"] for row in told[0] if row["phenotype"] == "0"] == [None]
    assert '<span class="tag stop">avoid</span>' in browser.get("/drugs/fluorouracil-bolus").text


def test_an_unknown_drug_is_not_here_and_units_are_explained(as_role):
    browser = as_role("viewer")
    assert browser.get("/drugs/unobtainium").status_code == browser.get("/api/drugs/unobtainium").status_code == 404
    assert browser.get("/api/drugs/A").status_code == 422
    assert "which is no unit of anything" in browser.get("/drugs").text
    assert "1000 ug are 1 mg" in browser.get("/drugs/salbutamol").text
