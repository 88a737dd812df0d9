"""Dosing rules of oncology: printed cases, monotony, and the phenotypes of the CPIC tables."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posology.safety.rules import CEILINGS, PHARMACOGENES, RENAL, advised, calvert, renal_share


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
    assert advised("irinotecan", {"UGT1A1": "intermediate"})[0].share == advised("irinotecan", {"UGT1A1": "normal"})[0].share


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
