"""What the rules of a drug say of one record: rows, limits that hold, abstentions, what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from posology.bedside import rules
from posology.bedside.consult import read
from posology.bedside.doser import choice, doser
from posology.bedside.recommend import recommend
from posology.bedside.view import seen
from posology.data.record import from_dict
from posology.environments.catalogue import TREATMENTS
from posology.environments.derived import cockcroft_gault
from posology.environments.records import known, values_of
from posology.environments.ruled import ruled, rules_of
from posology.policies import storage
from posology.policies.forms import description
from posology.policies.network import Network

FLUOROURACIL, MERCAPTOPURINE, CARBOPLATIN = (
    TREATMENTS[name] for name in ("fluorouracil-levels-v1", "mercaptopurine-maintenance-v1", "carboplatin-auc-v1")
)
DOSE = {"time": 0, "amount": 2000, "unit": "mg", "duration": 46, "drug": "fluorouracil"}
LEVEL = {"time": 22, "name": "concentration", "value": 0.4, "unit": "mg/L"}
BEFORE = {"time": -24, "name": "leukocytes", "value": 7, "unit": "10*9/L"}


def record(genotypes=None, doses=(), observations=(), **covariates):
    named = {"bsa": (1.9, "m2")} | covariates
    given = {name: {"value": value, "unit": unit} for name, (value, unit) in named.items()}
    raw = {"id": "P", "covariates": given, "genotypes": genotypes or {}, "doses": list(doses)}
    return from_dict(raw | {"observations": list(observations)})


def asked(treatment, patient, now=0.0):
    """The rows by rule, and the facts behind them."""
    held, told = ruled(treatment), rules.gathered(patient, treatment, now)
    view = seen(held, read(held, patient, now))
    return {row["rule"]: row for row in rules.rows(held, told, view.facts)}, view


@pytest.mark.parametrize(
    ("genotypes", "effect", "says"),
    [
        ({"DPYD": "2"}, "none", "activity score of DPYD 2: label dose"),
        ({"DPYD": "Reference/c.2846A>T"}, "limit", "start at half, then titrate); here a first dose of at most 1200 mg/m2"),
        ({"dpyd": "1"}, "limit", "at most 1200 mg/m2"),
        ({"DPYD": "AS 0.5"}, "stop", "nothing may be given"),
        ({"DPYD": "*2A/*13"}, "stop", "activity score of DPYD 0: avoid"),
    ],
)
def test_the_activity_score_bounds_the_first_dose_or_forbids_any(genotypes, effect, says):
    row = asked(FLUOROURACIL, record(genotypes))[0]["fluorouracil-genes"]
    assert (row["effect"], row["binding"]) == (effect, effect != "none")
    assert says in row["says"] and row["status"] == "verified" and "CPIC" in row["source"]


def test_the_bound_holds_until_a_level_or_a_count_after_a_dose():
    for seen_before, effect in (((), "limit"), ((BEFORE,), "limit"), ((BEFORE, LEVEL), "none")):
        row = asked(FLUOROURACIL, record({"DPYD": "1"}, [DOSE], seen_before), 336.0)[0]["fluorouracil-genes"]
        assert row["effect"] == effect
    assert "a response was measured" in row["says"]
    assert asked(FLUOROURACIL, record({"DPYD": "0.5"}, [DOSE], [LEVEL]), 336.0)[0]["fluorouracil-genes"]["effect"] == "stop"


def test_a_share_of_the_clearance_told_by_a_channel_bounds_too():
    held, told = ruled(FLUOROURACIL), rules.gathered(record(dpyd=(0.75, "1")), FLUOROURACIL, 0.0)
    assert told.genes == {"DPYD": "1.5"} and rules.lacking(told) == []
    alone = known(record(dpyd=(0.75, "1")), FLUOROURACIL, 0.0)  # as in an environment: what the history holds
    facts = seen(held, alone).facts
    assert (float(facts.gene_share), float(facts.responded)) == (0.5, 0.0)
    both = asked(FLUOROURACIL, record({"DPYD": "0.5"}, dpyd=(1.0, "1")))[1].facts
    assert float(both.gene_share) == 0.0  # where they differ, the lower


def test_an_unknown_gene_is_no_bound_but_is_said():
    rows, view = asked(FLUOROURACIL, record())
    assert rows["fluorouracil-DPYD"]["effect"] == "warning" and not rows["fluorouracil-DPYD"]["binding"]
    assert np.asarray(view.mask).all()
    told = rules.gathered(record({"TPMT": "*1/*24"}), MERCAPTOPURINE, 0.0)
    said = {row["name"]: row["sentence"] for row in rules.lacking(told)}
    assert "NUDT15 is not in the record" in said["NUDT15"] and "its function is not known" in said["TPMT"]


@pytest.mark.parametrize(
    ("genotypes", "most", "effect"),
    [
        ({"TPMT": "IM", "NUDT15": "*1/*1"}, 37.5, "limit"),  # 55 % of 75: the row below 41.25
        ({"TPMT": "*1/*3A", "NUDT15": "*1/*3"}, 18.75, "limit"),  # 35 %
        ({"NUDT15": "*3/*3"}, 9.375, "limit"),  # 10 mg/m2 a day
        ({"TPMT": "poor metabolizer"}, 0.0, "stop"),  # 10 % on three of seven days: less than any row
        ({"TPMT": "normal", "NUDT15": "normal"}, 112.5, "none"),
    ],
)
def test_mercaptopurine_starts_by_both_genes(genotypes, most, effect):
    rows, view = asked(MERCAPTOPURINE, record(genotypes))
    amounts = np.array([a.amount for a in MERCAPTOPURINE.actions])
    assert amounts[np.asarray(view.mask)].max() == most
    assert rows["mercaptopurine-genes"]["effect"] == effect


def test_a_genotype_that_is_not_understood_is_refused_with_record_and_gene():
    with pytest.raises(ValueError, match="record 'P', genotype TPMT: 'maybe' is not understood; allowed: normal"):
        rules.gathered(record({"TPMT": "maybe"}), MERCAPTOPURINE, 0.0)
    assert rules.gathered(record({"CYP2C9": "maybe"}), MERCAPTOPURINE, 0.0).genes == {}  # no rule asks for it


def test_rules_change_no_treatment_and_no_fingerprint():
    assert [x.id for x in rules_of(FLUOROURACIL)] == ["fluorouracil-genes"]
    assert ruled(FLUOROURACIL).fingerprint != FLUOROURACIL.fingerprint
    label = TREATMENTS["docetaxel-cycles-v1"]
    assert ruled(label) is label


def test_a_trained_policy_is_held_inside_the_rules(tmp_path):
    network = Network(FLUOROURACIL.spec.size, len(FLUOROURACIL.actions), (8,))
    arrays = {name: np.zeros(shape, np.float32) for name, shape in network.arrays().items()}
    arrays["observation.sd"] += 1
    arrays["head.b"] += np.arange(len(FLUOROURACIL.actions), dtype=np.float32)  # wants the largest dose
    about = {"treatment": FLUOROURACIL.id, "fingerprint": FLUOROURACIL.fingerprint, "learner": "made"}
    about |= {"form": description(network), "spec": storage.described(FLUOROURACIL.spec)}
    who = doser(FLUOROURACIL, str(storage.save_policy(tmp_path / "run", arrays, about, {}, "made for a test")))
    held = ruled(FLUOROURACIL)

    def chosen(genotypes):
        found = read(held, record(genotypes), 0.0)
        return choice(who, held, found, None, seen(held, found))

    found = chosen({"DPYD": "1.5"})
    assert found.action.amount == 1200.0 and found.bound_by == "fluorouracil-genes"
    assert chosen({}).action.amount == 4000.0
    assert chosen({"DPYD": "0"}).action is None


def test_calverts_dose_bounds_carboplatin_and_is_asked_for_by_name():
    """The whole answer, for a treatment that is marked for research only."""
    with pytest.raises(ValueError, match="nothing is recommended from carboplatin-auc-v1"):
        recommend(CARBOPLATIN, "fixed:800", record(crcl=(70, "mL/min")), 0.0)
    answer = recommend(CARBOPLATIN, "fixed:800", record(crcl=(70, "mL/min")), 0.0, draws=16, research=True)
    assert answer["chosen"]["dose"] == 550.0 and answer["bound_by"] == "carboplatin-calvert"  # the row below 570
    assert answer["fingerprint"] == CARBOPLATIN.fingerprint and answer["research_only"]
    row = next(r for r in answer["rules"] if r["rule"] == "carboplatin-calvert")
    assert (row["value"], row["effect"], row["binding"]) == (70.0, "limit", True) and "at most 570 mg" in row["says"]
    assert {"rule", "value", "says", "binding", "source", "status"} <= set(row)
    assert any("carboplatin-calvert bound the choice" in s for s in answer["explanation"]["why"])
    forbidden = next(o for o in answer["options"] if o["dose"] == 575.0)
    assert not forbidden["allowed"] and forbidden["limits"][-1]["name"] == "carboplatin-calvert"

    unknown = recommend(CARBOPLATIN, "fixed:800", record(), 0.0, draws=16, research=True)
    assert unknown["chosen"] is None and "carboplatin-calvert: no creatinine clearance" in unknown["abstained"]
    assert any(m["name"] == "crcl" for m in unknown["missing"])


def test_the_liver_of_a_taxane_is_a_rule_of_the_answer(label, patient):
    for bilirubin, effect in ((10, "none"), (30, "limit"), (300, "stop")):
        ill = patient({"bilirubin": {"value": bilirubin, "unit": "umol/L"}})
        told = rules.gathered(ill, label, 1512.0)
        view = seen(label, read(label, ill, 1512.0))
        rows = {row["rule"]: row for row in rules.rows(label, told, view.facts)}
        assert (rows["paclitaxel-bilirubin"]["value"], rows["paclitaxel-bilirubin"]["effect"]) == (bilirubin, effect)
    assert rows["paclitaxel-ceiling"]["says"] == "at most 200 mg/m2 a cycle"


def test_creatinine_clearance_by_cockcroft_and_gault():
    assert cockcroft_gault(40, 72, 88.4, male=True) == pytest.approx(100)
    assert cockcroft_gault(40, 72, 88.4, male=False) == pytest.approx(85)
    of = {"creatinine": (88.4, "umol/L"), "weight": (72, "kg"), "male": (1, "1")}
    (found,) = values_of(record(**of, age=(40, "a")), "crcl", "mL/min", 0.0)
    assert found.value == pytest.approx(100) and "Cockcroft" in found.source
    assert values_of(record(**of, age=(4, "a")), "crcl", "mL/min", 0.0) == []
    assert values_of(record(**of), "crcl", "mL/min", 0.0) == []
