"""Dosing rules of oncology: printed cases, monotony, and the phenotypes of the CPIC tables."""

from __future__ import annotations

import gzip
import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posology.safety.rules import CEILINGS, HEPATIC, PHARMACOGENES, RENAL, advised, calvert, renal_share


def test_calvert_as_printed_and_capped():
    assert calvert(5.0, 80.0) == 525.0
    assert calvert(6.0, 180.0) == calvert(6.0, 125.0) == 900.0
    with pytest.raises(ValueError, match="gfr: 0 is not allowed; it must be above 0 mL/min"):
        calvert(5.0, 0)


@pytest.mark.parametrize(
    ("drug", "crcl", "share"),
    [("cisplatin", 60, 1.0), ("cisplatin", 59, 0.5), ("cisplatin", 44, 0.25), ("cisplatin", 29, 0.0),
     ("capecitabine", 49, 0.75), ("capecitabine", 29, 0.0), ("bleomycin", 5, 0.4), ("methotrexate", 29, 0.0),
     ("methotrexate", float("nan"), 0.0)],
)  # fmt: skip
def test_renal_rules_at_their_boundaries(drug, crcl, share):
    assert renal_share(drug, crcl) == share


@given(st.sampled_from(sorted(RENAL)), st.floats(0, 150), st.floats(0, 150))
def test_worse_kidneys_never_raise_a_dose(drug, a, b):
    assert renal_share(drug, min(a, b)) <= renal_share(drug, max(a, b))


def test_an_unknown_drug_or_phenotype_is_a_sentence():
    with pytest.raises(ValueError, match="no renal rule for 'aspirin'; there is one for cisplatin"):
        renal_share("aspirin", 50.0)
    with pytest.raises(ValueError, match="DPYD: '3' is not known; allowed: 2, 1.5, 1, 0.5, 0"):
        advised("fluoropyrimidine", {"DPYD": "3"})


def test_genes_lower_the_dose_and_unknown_ones_are_named():
    assert advised("fluoropyrimidine", {"DPYD": "1.5"})[0].share == 0.5
    assert advised("fluoropyrimidine", {"DPYD": "0.5"})[0].share is None
    told, missing = advised("fluoropyrimidine", {})
    assert (told.share, missing, told.status) == (1.0, ("DPYD",), "assumed")
    assert advised("mercaptopurine", {"TPMT": "intermediate", "NUDT15": "normal"}) [0].share == 0.55
    assert advised("mercaptopurine", {"TPMT": "intermediate", "NUDT15": "intermediate"})[0].share == 0.35
    assert advised("mercaptopurine", {"TPMT": "intermediate", "NUDT15": "normal"}, usual=50.0)[0].share == 1.0
    assert advised("mercaptopurine", {"TPMT": "poor", "NUDT15": "normal"}, usual=50.0)[0].share == pytest.approx(0.3 / 7)


def test_an_intermediate_ugt1a1_metaboliser_gets_the_same_irinotecan():
    """The negative control: a gene that is known, and changes nothing."""
    shares = {p: advised("irinotecan", {"UGT1A1": p})[0].share for p in ("normal", "intermediate", "poor")}
    assert shares == {"normal": 1.0, "intermediate": 1.0, "poor": 0.7}


def test_the_page_of_rules_shows_every_rule_with_status_and_source():
    spec = importlib.util.spec_from_file_location("ruled", Path(__file__).parents[2] / "docs" / "ruled.py")
    ruled = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ruled)
    rows = []
    text = ruled.page(lambda columns, body: rows.extend(map(tuple, body)) or "")
    ceilings = [(d, c.amount, c.unit, c.per, c.status, c.source) for d, cs in CEILINGS.items() for c in cs]
    assert set(ceilings) <= set(rows) and {*RENAL, *HEPATIC} <= {row[0] for row in rows}
    genes = {row[:3]: row for row in rows if len(row) == 8}
    assert {(g, p, d) for (g, p), drugs in PHARMACOGENES.items() for d in drugs} < set(genes)
    normal, intermediate, poor = (genes["UGT1A1", p, "irinotecan"][3] for p in ("normal", "intermediate", "poor"))
    assert (normal, intermediate, poor) == ("100 %", "100 %", "70 %")
    assert all(row[-2] in {"verified", "unverified", "assumed"} and row[-1] for row in rows) and "UGT1A1" in text


def test_phenotypes_are_those_of_the_cpic_tables(shared):
    folder = shared / "data" / "cpic_pharmcat"
    dpyd = json.loads(gzip.open(folder / "DPYD.json.gz").read())
    scores = {float(d["activityScore"]) for d in dpyd["diplotypes"] if d.get("activityScore") not in (None, "n/a", "")}
    assert {float(p) for g, p in PHARMACOGENES if g == "DPYD"} == scores
    for gene in ("TPMT", "NUDT15", "UGT1A1"):
        found = json.loads((folder / f"{gene}.json").read_text())
        printed = {p.lower() for p in map(str, json.dumps(found).split('"')) if "Metabolizer" in p}
        for phenotype in (p for g, p in PHARMACOGENES if g == gene):
            assert any(phenotype in p for p in printed), (gene, phenotype)


def test_every_ceiling_has_an_amount_a_unit_and_a_status():
    for drug, ceilings in CEILINGS.items():
        for c in ceilings:
            assert c.amount > 0 and c.unit and c.per in {"dose", "day", "cycle", "lifetime"}, drug
            assert c.status in {"verified", "unverified", "assumed"} and c.source
