"""Allergies, the same drug twice and interactions stop or warn, whatever the policy answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from posology.bedside.other_drugs import rows, stops
from posology.bedside.recommend import recommend
from posology.data.readers import read
from posology.data.record import Record
from posology.environments.catalogue import treatment
from posology.safety.families import FAMILIES, speaks_of

RECORD = read(Path(__file__).parents[2] / "examples" / "patient.json")


def of(**told: tuple[str, ...]) -> Record:
    return RECORD.model_copy(update=told)


@pytest.mark.parametrize(
    ("allergy", "why"),
    [
        ("Anaphylaxis to Taxol", "is paclitaxel"),
        ("docetaxel", "docetaxel is a taxane, as paclitaxel is"),
        ("taxanes", "paclitaxel is a taxane"),
        ("Cremophor EL", "paclitaxel comes with it"),
    ],
)
def test_an_allergy_to_the_drug_its_family_or_its_vial_stops_every_dose(allergy, why):
    found = rows(of(allergies=(allergy, "pollen")), "paclitaxel")
    assert [(row["rule"], row["effect"]) for row in found] == [("allergy", "stop")]
    assert why in str(stops(found))


def test_a_word_that_only_contains_a_name_is_another_word():
    assert speaks_of("paclitaxel", ["paclitaxelin", "castor oil", "penicillin"]) == []
    assert all(drug == drug.casefold() for members in FAMILIES.values() for drug in members)


def test_the_same_drug_among_the_medications_stops_and_a_kindred_one_warns():
    found = rows(of(medications=("Paclitaxel 80 mg weekly", "docetaxel", "ketoconazole", "ginger")), "paclitaxel")
    assert [(row["rule"], row["effect"]) for row in found] == [
        ("duplicate", "stop"), ("duplicate", "warning"), ("interaction", "warning"), ("interaction", "none"),
    ]  # fmt: skip
    assert "enter its doses" in found[0]["says"] and "ketoconazole" in found[2]["says"] and "ginger" in found[3]["says"]


def test_a_recommendation_abstains_at_an_allergy_and_says_why():
    asked = treatment("paclitaxel-label-v1")
    answer = recommend(asked, "standard", of(allergies=("paclitaxel",), medications=("ketoconazole",)))
    assert answer["chosen"] is None and "allergy 'paclitaxel': is paclitaxel" in answer["abstained"]
    assert [row["effect"] for row in answer["rules"][:2]] == ["stop", "warning"]
    assert recommend(asked, "standard", of(medications=("ketoconazole",)))["chosen"] is not None
