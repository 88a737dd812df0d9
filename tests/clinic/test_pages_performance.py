"""The performance of the classifiers, in a browser and for programs."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from web_clients import client, logged_in, violations

from posology.clinic.app import create_app
from posology.clinic.demo import seed
from posology.clinic.settings import Settings
from posology.symptoms import learning
from posology.symptoms.performance import NEAR_BAYES


@pytest.fixture(scope="module")
def found(site):
    """The comparison behind the page."""
    site.state.study.start()
    site.state.study.wait(300)
    return site.state.study.compared()


def test_who_comes_first_is_told_to_wait_and_programs_to_ask_again(tmp_path, monkeypatch):
    app = create_app(Settings(data=tmp_path, demo=True))
    monkeypatch.setattr(app.state.study, "start", lambda: None)
    seed(app.state.clinic.engine)
    browser = logged_in(app, "researcher")
    assert "100,000 synthetic patients" in browser.get("/performance").text
    for answer in (
        browser.get("/api/symptoms/performance"),
        browser.post("/api/symptoms/predict", json={"symptoms": ["fever"], "age": 3, "sex": "male", "by": "random-forest"}),
    ):
        assert answer.status_code == 202 and answer.headers["retry-after"] and "being fitted" in answer.json()["detail"]
    assert browser.get("/performance/reliability.svg").status_code == 404
    asked = {"age": "34", "sex": "male", "yes": ["cough"], "by": "random-forest"}
    assert "Random forest is still being fitted" in browser.post("/symptoms", data=asked).text
    app.state.study.failed = "the classifiers could not be fitted"
    assert browser.get("/api/symptoms/performance").status_code == 503
    assert "could not be fitted" in browser.get("/performance").text
    app.state.clinic.engine.dispose()


def test_the_page_tells_every_rule_its_claim_and_the_distance_of_the_tree(as_role, found):
    page = as_role("researcher").get("/performance").text
    for name, rule in {"bayes": found["bayes"], **found["classifiers"]}.items():
        assert f"{100 * rule['accuracy']['value']:.1f} <span" in page
        assert found["claim"]["verdicts"][name] in page
    tree = found["classifiers"]["decision-tree"]
    assert tree["behind_bayes"]["value"] > NEAR_BAYES and "<strong>Missed:</strong>" in page
    assert f"lies {100 * tree['behind_bayes']['value']:.1f} points behind" in page
    assert "reached" not in set(found["claim"]["verdicts"].values()) and "<strong>Not reached</strong>" in page
    assert as_role("viewer").get("/api/symptoms/performance").json()["claim"] == found["claim"]


def test_how_many_patients_a_tree_needs_is_shown_where_it_was_measured(as_role, found, monkeypatch):
    curve = learning.curve((500, 1_000), 1_000)
    for stored in (None, curve):
        monkeypatch.setattr(learning, "stored", lambda stored=stored: stored)
        page = as_role("viewer").get("/performance").text
        assert ("How many patients a decision tree needs" in page) == (stored is not None)
    assert all(f"<li>{sentence}.".replace("'", "&#39;") in page for sentence in learning.sentences(curve))
    assert all(f'<th scope="row">{row[0]}</th><td>{row[1]}</td><td>{row[2]}</td>' in page for row in learning.cells(curve))


def test_a_researcher_reads_the_performance_and_its_pictures(entered, found):
    page = entered("researcher")
    page.get_by_role("link", name="Performance").click()
    page.get_by_role("navigation", name="Confusion of").get_by_role("link", name="Naive Bayes").click()
    picture = page.locator("img[src$='of=naive-bayes']")
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") > 100
    page.get_by_text("The same in numbers").click()
    assert violations(page) == []


def test_pictures_need_a_login_and_a_known_rule(site, as_role):
    assert client(site).get("/performance/confusion.svg").status_code == 303
    assert as_role("viewer").get("/performance/confusion.svg?of=x").status_code == 422
