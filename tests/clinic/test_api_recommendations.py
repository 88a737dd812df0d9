"""Recommendations, explanations and decisions as programs ask for them, and the thread that computes them."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from posology.clinic import offers, store
from posology.clinic.errors import NotFound, Unavailable
from posology.clinic.web.computing import Computing
from posology.data.record import from_dict
from posology.environments.catalogue import TREATMENTS, treatment
from posology.environments.protocol import TreatmentEnvironment
from posology.evaluation.arms import guideline

LABEL = "paclitaxel-label-v1"
UNKNOWN = "0" * 32


@pytest.fixture(scope="module")
def anna(site) -> str:
    """The key of a patient of this file."""
    from posology.clinic.demo import paclitaxel

    raw = paclitaxel("API-ANNA", 58, 68, 164, 0, ((305, 0.9, 3.6), (305, 0.6, 2.8)), 5.8, bilirubin=9)
    return store.create(site.state.clinic.engine, from_dict(raw), "test")


def test_offered_is_what_has_limits_and_is_not_for_research_only():
    assert {t.id for t in offers.treatments()} == {
        t.id for t in TREATMENTS.values() if t.limits and not t.research_only
    }
    for t in offers.treatments():
        env, names = TreatmentEnvironment(t), [o.name for o in offers.offers(t)]
        assert names[0] == "map-greedy" and "standard" in names
        assert all(guideline(name, env).name == name and not name.startswith("oracle") for name in names)
    with pytest.raises(NotFound, match="treatment: 'paclitaxel-cycles-v1' is not offered; allowed: paclitaxel-label-v1"):
        offers.offer("paclitaxel-cycles-v1")
    with pytest.raises(NotFound, match="policy: 'oracle' is not offered for .*; allowed: map-greedy"):
        offers.offer(LABEL, "oracle")


def test_a_stored_policy_is_offered_while_it_is_the_one_that_was_registered(tmp_path):
    run = tmp_path / "data" / "runs" / "a"
    run.mkdir(parents=True)
    (run / "policy.json").write_text("{}")
    t = treatment(LABEL)
    row = {"name": "ours", "treatment": LABEL, "fingerprint": t.fingerprint, "place": "runs/a", "retired": None}
    row["sha256"] = offers.policy_hash(run)
    assert offers.offer(LABEL, "ours", [row], tmp_path / "data").source == str(run)
    elsewhere = tmp_path / "b"
    elsewhere.mkdir()
    (elsewhere / "policy.json").write_text("{}")
    for change in ({"place": "../b"}, {"place": str(elsewhere)}, {"sha256": "0" * 64}, {"fingerprint": "x"}, {"retired": 1}):
        assert "ours" not in [o.name for o in offers.offers(t, [row | change], tmp_path / "data")]
    (run / "policy.json").write_text("{ }")
    assert "ours" not in [o.name for o in offers.offers(t, [row], tmp_path / "data")]


def test_the_offers_are_listed_to_whoever_is_logged_in(as_role):
    listed = as_role("auditor").get("/api/offers").json()
    assert [o["treatment"] for o in listed] == [t.id for t in offers.treatments()]
    assert listed[0]["policies"][0] == "map-greedy"


def test_a_recommendation_is_decided_and_kept(as_role, anna):
    program = as_role("clinician")
    asked = {"patient": anna, "treatment": LABEL, "policy": "standard"}
    answer = program.post("/api/recommendations", json=asked).json()
    told, chosen = answer["recommendation"], answer["recommendation"]["chosen"]
    assert answer["version"] == 1 and told["policy"] == "standard" and chosen["label"] == "175 mg/m2"
    decided = asked | {"version": 1, "answer": "accepted", "mg": chosen["mg"]}
    made = program.post("/api/decisions", json=decided)
    assert made.status_code == 201 and made.json()["entry"]["chosen"] == chosen
    assert [row["number"] for row in program.get(f"/api/decisions?patient={anna}").json()] == [made.json()["number"]]


def test_an_explanation_is_asked_of_the_same_record_and_policy(as_role, anna, monkeypatch):
    def explain(treatment, policy, record, at):
        return {"treatment": treatment.id, "policy": policy, "patient": record.id, "at": at}

    monkeypatch.setattr("posology.bedside.explain.explain", explain)  # it is tried by itself; here is the way to it
    asked = {"patient": anna, "treatment": LABEL, "policy": "standard", "at": 1100.0}
    answer = as_role("viewer").post("/api/explanations", json=asked).json()
    assert answer["explanation"] == {"treatment": LABEL, "policy": "standard", "patient": "API-ANNA", "at": 1100.0}


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"version": 2}, 409, "version: the decision is on 2, but 1 is there now"),
        ({"mg": 1.0, "answer": "changed"}, 422, "reason: is empty"),
        ({"mg": 1.0, "reason": "fever"}, 422, "answer: is accepted, but dose, interval or start is not"),
        ({"mg": -1.0}, 422, "mg: "),
        ({"answer": "perhaps"}, 422, "answer: "),
        ({"treatment": "paclitaxel-cycles-v1"}, 404, "treatment: 'paclitaxel-cycles-v1' is not offered"),
        ({"policy": "/etc"}, 404, "policy: '/etc' is not offered"),
        ({"at": "yesterday"}, 422, "yesterday"),
        ({"at": 0}, 422, ""),
        ({"patient": UNKNOWN}, 404, ""),
    ],
)
def test_a_decision_that_does_not_fit_is_one_sentence(as_role, anna, change, status, said):
    asked = {"patient": anna, "treatment": LABEL, "policy": "standard", "version": 1, "answer": "accepted", "mg": 305.0}
    answer = as_role("clinician").post("/api/decisions", json=asked | change)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["detail"]


def test_a_viewer_may_ask_and_not_decide(as_role, anna):
    asked = {"patient": anna, "treatment": LABEL, "policy": "standard"}
    assert as_role("viewer").post("/api/recommendations", json=asked).status_code == 200
    decided = asked | {"version": 1, "answer": "accepted", "mg": 305.0}
    assert as_role("viewer").post("/api/decisions", json=decided).status_code == 403


def test_an_answer_is_computed_once_and_each_caller_has_his_own():
    asked = []
    computing = Computing(kept=1)

    def ask(name: str = "a") -> dict:
        asked.append(threading.current_thread().name)
        return {"name": name, "rows": [1]}

    first = computing.answer("a", ask)
    first["rows"].append(2)
    assert computing.answer("a", ask) == {"name": "a", "rows": [1]} and len(asked) == 1
    assert asked[0].startswith("computing")
    computing.answer("b", ask)
    assert computing.known("a") is None
    computing.close()


def test_what_fails_is_asked_again_and_too_many_are_told_to_wait():
    computing, gate, begun = Computing(waiting=1), threading.Event(), threading.Event()

    def slow() -> dict:
        begun.set()
        gate.wait(10)
        return {}

    waits = threading.Thread(target=lambda: computing.answer("slow", slow))
    waits.start()
    begun.wait(10)
    with pytest.raises(Unavailable, match="1 questions wait"):
        computing.answer("other", dict)
    gate.set()
    waits.join(10)
    fails = SimpleNamespace(times=0)

    def wrong() -> dict:
        fails.times += 1
        raise ValueError("no such dose")

    for _ in range(2):
        with pytest.raises(ValueError, match="no such dose"):
            computing.answer("wrong", wrong)
    assert fails.times == 2
    computing.close()
    with pytest.raises(Unavailable, match="closing"):
        computing.answer("late", dict)
