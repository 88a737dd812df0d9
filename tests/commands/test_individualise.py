"""`posology individualise`: a patient's parameters for people and programs, a cohort with its checks, plain refusals."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from scipy.stats import kstest

from posology.bedside import predictive
from posology.bedside.subject import subject
from posology.commands import errors, run
from posology.data.readers import write
from posology.data.record import from_dict
from posology.patients.catalogue import model

MODEL = "phenobarbital-grasela1985"
NEONATE = {
    "id": "N-1",
    "covariates": {"weight": {"value": 1400, "unit": "g"}, "apgar": {"value": 7, "unit": "1"}},
    "doses": [
        {"time": 0, "amount": 25, "unit": "mg", "drug": "phenobarbital"},
        {"time": 12, "amount": 3.5, "unit": "mg", "ii": 12, "addl": 7},
        {"time": 130, "amount": 3.5, "unit": "mg", "status": "planned"},
    ],
    "observations": [
        {"time": 2, "name": "concentration", "value": 17.3, "unit": "mg/L"},
        {"time": 112.5, "name": "concentration", "value": 31.0, "unit": "ug/mL"},
    ],
}
OVERLAPPING = [
    {"time": 0, "amount": 9, "unit": "mg", "duration": 30},
    {"time": 12, "amount": 9, "unit": "mg"},
]


@pytest.fixture
def file(tmp_path):
    """changes to the neonate -> the file of his record."""

    def made(**changes):
        path = tmp_path / "patient.json"
        path.write_text(json.dumps(NEONATE | changes))
        return str(path)

    return made


def shown(capsys, *arguments):
    assert run(["individualise", *arguments]) == errors.GOOD
    return capsys.readouterr().out


def refused(capsys, code, *arguments):
    assert run(["individualise", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "Traceback" not in err
    return err


def answer(capsys, *arguments):
    return json.loads(shown(capsys, *arguments, "--json"))


def test_a_patient_gets_parameters_of_his_own(file, capsys):
    found = answer(capsys, MODEL, "--patient", file(), "--until", "48")
    rows = {p["symbol"]: p for p in found["parameters"]}
    assert rows["v"]["typical"] == pytest.approx(0.96 * 1.4, rel=1e-5)  # grams were read as such
    assert rows["cl"]["lower"] < rows["cl"]["estimate"] < rows["cl"]["upper"]
    assert rows["cl"]["estimate"] < rows["cl"]["typical"]  # the second level is high
    assert 0 < rows["v"]["sd_left"] < rows["cl"]["sd_left"] < 1
    assert found["convergence"]["converged"] and found["convergence"]["gradient"] < 0.01
    first, second = found["measurements"]
    assert second["time"] == 112.5 and second["value"] == 31.0
    assert first["lower"] < first["predicted"] < first["upper"] and first["inside"]
    assert found["status"] == "unverified" and "residual error of concentration" in found["not_verified"]
    assert "not a medical device" in found["disclaimer"]
    assert [d["planned"] for d in found["doses"]] == [False] * 9 + [True]
    curve = found["curves"]["concentration"]
    assert max(curve["time"]) == pytest.approx(160.5)
    before, after = (np.array(curve[k]["p90"]) - np.array(curve[k]["p10"]) for k in ("prior", "posterior"))
    assert (after < before).all()


def test_the_estimate_reproduces_its_prediction(file, capsys):
    """What is returned is what was simulated: the model at the estimates gives the predicted level."""
    found = answer(capsys, MODEL, "--patient", file())
    own = {p["symbol"]: p["estimate"] for p in found["parameters"]}
    doses = [(d["time"], d["mg"]) for d in found["doses"]]
    level = sum(mg / own["v"] * np.exp(-own["cl"] / own["v"] * (112.5 - t)) for t, mg in doses if t < 112.5)
    assert found["measurements"][1]["predicted"] == pytest.approx(level, rel=0.03)


def test_particles_agree_with_the_mode(file, capsys):
    by = {m: answer(capsys, MODEL, "--patient", file(), "--method", m) for m in ("map", "particles")}
    for a, b in zip(*(sorted(f["parameters"], key=lambda p: p["symbol"]) for f in by.values()), strict=True):
        assert a["estimate"] == pytest.approx(b["estimate"], rel=0.05)
        assert a["sd_left"] == pytest.approx(b["sd_left"], abs=0.1)
    assert "was made at the dose before" in by["particles"]["prediction"]


def test_what_is_not_known_yet_is_not_used(file, capsys):
    early = answer(capsys, MODEL, "--patient", file(), "--at", "50")
    doses = [d | {"addl": min(d.get("addl", 0), 3)} for d in NEONATE["doses"][:2]]
    again = answer(capsys, MODEL, "--patient", file(doses=doses, observations=NEONATE["observations"][:1]), "--at", "50")
    assert early["parameters"] == again["parameters"]
    assert any("1 measurements after the time asked" in note for note in early["assumed"])


def test_what_was_assumed_is_said(file, capsys):
    text = shown(capsys, MODEL, "--patient", file(covariates={"weight": {"value": 1.4, "unit": "kg"}}))
    assert "apgar is not in the record; the model's reference, 7 1, is assumed" in text
    assert "doses without a drug's name were taken as phenobarbital" in text
    assert "not a medical device" in text and "unverified" in text


def test_a_censored_level_is_used_as_such(file, capsys):
    observed = [NEONATE["observations"][0], {"time": 112.5, "name": "concentration", "value": 10, "unit": "mg/L", "below": True}]
    found = answer(capsys, MODEL, "--patient", file(observations=observed))
    last = found["measurements"][1]
    assert last["below"] and last["value"] == pytest.approx(10.0)
    assert {p["symbol"]: p for p in found["parameters"]}["cl"]["estimate"] > 1.3 * 0.0047 * 1.4


def test_a_record_without_measurements_gives_the_prior(file, capsys):
    found = answer(capsys, MODEL, "--patient", file(observations=[]))
    assert all(p["sd_left"] == pytest.approx(1, abs=1e-4) for p in found["parameters"])
    assert all(p["estimate"] == pytest.approx(p["typical"], rel=1e-5) for p in found["parameters"])


class Words(HTMLParser):
    """Text and addresses of a page."""

    def __init__(self):
        super().__init__()
        self.text, self.links = "", []

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        self.links += [v for k, v in attrs if k in ("src", "href")]


def page(path):
    words = Words()
    words.feed(path.read_text())
    return words


def test_the_report_needs_no_other_file(file, capsys, tmp_path):
    out = tmp_path / "deep" / "report.html"
    shown(capsys, MODEL, "--patient", file(id="<b>N</b>"), "--report", str(out))
    words = page(out)
    assert "<b>N</b>" in words.text and "SD left" in words.text and "not a medical device" in words.text
    assert len(words.links) == 1 and words.links[0].startswith("data:image/svg+xml")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """40 neonates of the model itself, as NONMEM data, with their own clearances."""
    rng, m = np.random.default_rng(1985), model(MODEL)
    records, own = [], []
    for i in range(40):
        weight = float(np.round(rng.uniform(0.7, 3.0), 2))
        cl, v = 0.0047 * weight * np.exp(0.1884 * rng.standard_normal()), 0.96 * weight * np.exp(0.159 * rng.standard_normal())
        doses = [(0.0, round(20 * weight, 1)), *((12.0 * k, round(3 * weight, 1)) for k in range(1, 10))]
        observed = []
        for t in (3.0, 59.0, 119.0):
            level = sum(mg / v * np.exp(-cl / v * (t - at)) for at, mg in doses if at < t)
            value = level * (1 + 0.11 * rng.standard_normal())
            observed.append({"time": t, "name": "concentration", "unit": "mg/L", "value": value})
        raw = {"id": f"{i + 1}", "covariates": {"weight": {"value": weight, "unit": "kg"}, "apgar": {"value": 7, "unit": "1"}}}
        given = [{"time": t, "amount": mg, "unit": "mg"} for t, mg in doses]
        records.append(from_dict(raw | {"doses": given, "observations": observed}))
        own.append((cl, v))
    path = tmp_path_factory.mktemp("cohort") / "cohort.csv"
    write(records, path, "nonmem")
    assert m.residuals["concentration"].proportional == 0.11
    return path, records, np.array(own)


def test_a_cohort_gets_a_table_and_checks(cohort, capsys, tmp_path):
    path, records, own = cohort
    out = tmp_path / "cohort.html"
    found = answer(capsys, MODEL, "--patient", str(path), "--report", str(out))
    assert found["patients"] == found["converged"] == len(records)
    assert [row["id"] for row in found["individuals"]] == [r.id for r in records]
    for k, name in enumerate(("cl", "v")):
        rows = [row["parameters"][name] for row in found["individuals"]]
        assert np.corrcoef(np.log([r["estimate"] for r in rows]), np.log(own[:, k]))[0, 1] > 0.8
        inside = np.mean([r["lower"] <= value <= r["upper"] for r, value in zip(rows, own[:, k], strict=True)])
        assert 0.75 <= inside <= 1.0  # 90 % intervals of 40 patients
    table = {p["symbol"]: p for p in found["parameters"]}
    assert 0 < table["v"]["shrinkage"] < table["cl"]["shrinkage"] < 0.9
    check = found["checks"]["concentration"]
    assert check["replicates"] >= 500
    assert abs(check["npde"]["mean"]) < 0.3 and 0.8 < check["npde"]["sd"] < 1.2  # 120 errors of the true model
    vpc = check["vpc"]
    observed, (low, _, high) = np.array(vpc["observed"]), np.moveaxis(np.array(vpc["simulated"]), 1, 0)
    assert np.mean((low <= observed) & (observed <= high)) > 0.6  # nine percentiles, each with 95 %
    assert len(page(out).links) == 2
    alone = answer(capsys, MODEL, "--patient", str(path), "--id", "7")
    same = found["individuals"][6]["parameters"]
    for p in alone["parameters"]:
        assert p["estimate"] == pytest.approx(same[p["symbol"]]["estimate"], rel=1e-3)


def test_errors_of_the_right_model_are_standard_normal_and_uncorrelated():
    rng = np.random.default_rng(3)
    shared = rng.standard_normal((3000, 1))
    drawn = np.exp(0.3 * shared + 0.1 * rng.standard_normal((3000, 4)))  # replicates of values that go together
    errors = np.array([predictive.npde(drawn[i], np.delete(drawn, i, axis=0)[:800]) for i in range(800, 1400)])
    assert kstest(errors.ravel(), "norm").pvalue > 1e-3
    assert abs(np.corrcoef(errors.T)[0, 1]) < 0.2 < np.corrcoef(drawn.T)[0, 1]


def test_prediction_correction_takes_away_what_differs_by_design():
    """Values at one time that differ by the dose alone have the same corrected percentiles."""
    dose = np.tile([1.0, 10.0], 50)
    found = predictive.vpc(np.ones(100), 2.0 * dose, 2.0 * dose, np.tile(2.0 * dose, (20, 1)))
    np.testing.assert_allclose(found["observed"], np.median(2.0 * dose))
    np.testing.assert_allclose(found["simulated"], np.median(2.0 * dose))


def test_planned_doses_are_followed_and_missed_ones_are_not():
    doses = [*NEONATE["doses"], {"time": 140, "amount": 99, "unit": "mg", "status": "missed"}]
    s = subject(from_dict(NEONATE | {"doses": doses}), model(MODEL), None, 48.0)
    assert [d.time for d in s.doses if d.time > s.at] == [130.0]
    assert any("planned doses followed as if given: 1" in note for note in s.notes)


@pytest.mark.parametrize(
    ("changes", "arguments", "code", "words"),
    [
        ({}, ["nothing-2000"], 2, "unknown model 'nothing-2000'; known:"),
        ({}, [MODEL, "--method", "guess"], 2, "unknown method 'guess'; known: map, nuts, particles"),
        ({}, [MODEL, "--id", "N-2"], 1, "holds no patient 'N-2'"),
        ({}, [MODEL, "--at", "yesterday"], 1, "yesterday"),
        ({"doses": [{"time": 0, "amount": 1, "unit": "h"}]}, [MODEL], 1, "unit"),
        ({"doses": OVERLAPPING}, [MODEL], 1, "record 'N-1': the dose at 0 h over 30 h still runs at the next one"),
        ({"covariates": {"weight": {"value": 1.4, "unit": "mg/L"}}}, [MODEL], 1, "weight"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_sentence(changes, arguments, code, words, file, capsys):
    assert words in refused(capsys, code, *arguments, "--patient", file(**changes))


def test_a_cohort_goes_by_map_alone(cohort, capsys):
    said = refused(capsys, errors.USAGE, MODEL, "--patient", str(cohort[0]), "--method", "nuts")
    assert re.search(r"holds 40 patients, for whom only --method map", said)


def test_a_missing_library_is_named(file, capsys, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "blackjax", None)
    said = refused(capsys, errors.COULD_NOT, MODEL, "--patient", file(), "--method", "nuts")
    assert "blackjax" in said
