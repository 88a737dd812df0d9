"""Genotypes as records hold them: every pair of alleles in CPIC's tables, spellings, and what is refused."""

from __future__ import annotations

import gzip
import json

import pytest

from posology.safety.alleles import phenotype_of

FILES = {"DPYD": "DPYD.json.gz", "TPMT": "TPMT.json", "NUDT15": "NUDT15.json", "UGT1A1": "UGT1A1.json"}


def told(gene, row):
    """What a row of CPIC's table says, in our words."""
    if gene == "DPYD":
        return f"{float(row['activityScore']):g}"
    said = row["phenotype"].lower().removeprefix("possible ").removesuffix(" metabolizer")
    return None if said == "indeterminate" else said


@pytest.mark.parametrize("gene", FILES)
def test_every_pair_of_alleles_is_read_as_in_the_cpic_table(shared, gene):
    raw = (shared / "data" / "cpic_pharmcat" / FILES[gene]).read_bytes()
    rows = json.loads(gzip.decompress(raw) if FILES[gene].endswith("gz") else raw)["diplotypes"]
    assert len(rows) > 40
    for row in rows:
        assert phenotype_of(gene, row["diplotype"]) == told(gene, row), row["diplotype"]


@pytest.mark.parametrize(
    ("gene", "text", "expected"),
    [
        ("DPYD", "1.5", "1.5"), ("DPYD", "AS 1.0", "1"), ("DPYD", "activity score: 0.5", "0.5"), ("DPYD", "2", "2"),
        ("DPYD", "*1/*2A", "1"), ("DPYD", "DPYD Reference/c.2846A>T", "1.5"), ("DPYD", "c.1905+1G>A/*13", "0"),
        ("DPYD", "HapB3/Reference", "1.5"), ("DPYD", "Normal Metabolizer", "2"), ("DPYD", "IM", "1"), ("DPYD", "poor", "0"),
        ("TPMT", "*1/*3A", "intermediate"), ("TPMT", "TPMT *3A/*3C", "poor"),
        ("TPMT", "intermediate metaboliser", "intermediate"),
        ("TPMT", "*3A/*24", "intermediate"), ("TPMT", "*1/*24", None), ("NUDT15", "Indeterminate", None),
        ("NUDT15", "NM", "normal"),
        ("UGT1A1", "*28/*28", "poor"), ("UGT1A1", "*1/*80+*28", "intermediate"),
    ],
)  # fmt: skip
def test_a_phenotype_a_score_or_two_alleles_are_understood(gene, text, expected):
    assert phenotype_of(gene, text) == expected


@pytest.mark.parametrize(("gene", "text"), [("TPMT", "*1/*99"), ("TPMT", ""), ("DPYD", "3"), ("DPYD", "*1"), ("NUDT15", "1.5")])
def test_what_is_not_understood_is_refused_in_a_sentence(gene, text):
    with pytest.raises(ValueError, match=f"genotype {gene}: '.*' is not understood; allowed: normal, intermediate or poor"):
        phenotype_of(gene, text)
