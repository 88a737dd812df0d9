"""What a record says in the words of the table, and how symptoms are asked for."""

from __future__ import annotations

import pytest

from posology.data.record import from_dict
from posology.safety import rules, sheet
from posology.symptoms.asking import SIGNS, groups
from posology.symptoms.case import case
from posology.symptoms.drugs import CONDITIONS, drugs
from posology.symptoms.emergency import DANGER
from posology.symptoms.options import predict
from posology.symptoms.recorded import WORDS, conditions_in, recorded
from posology.symptoms.table import table


def test_every_symptom_is_asked_for_once_and_dangers_first():
    asked = [s for listed in groups().values() for s in listed]
    assert sorted(asked) == sorted((*table().symptom_ids, *DANGER))
    assert next(iter(groups())) == SIGNS


def test_every_condition_can_be_read_from_a_record():
    assert set(WORDS) == {*table().history_ids, *CONDITIONS}


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("Type 2 diabetes mellitus", ("diabetes",)),
        ("Diabetic kidney disease", ("diabetes", "kidney-disease")),
        ("chronic heart failure and hypertension", ("hypertension", "heart-disease")),
        ("family history of diabetes", ()),
        ("no hypertension", ()),
        ("suspected stroke", ()),
        ("pulmonary hypertension", ()),
        ("heat stroke of genius", ("stroke",)),  # a person looks at it before anything follows
        ("ovarian cancer", ()),
    ],
)
def test_conditions_are_read_from_words_unless_they_are_doubted(text, conditions):
    assert conditions_in(text) == conditions


def test_a_record_is_read_with_its_latest_values_in_the_units_of_the_form():
    weights = [{"time": 0, "value": 3200, "unit": "g"}, {"time": 24, "value": 3300, "unit": "g"}]
    found = recorded(
        from_dict(
            {
                "id": "x",
                "covariates": {"age": {"value": 6, "unit": "mo"}, "female": {"value": 1, "unit": "1"}, "weight": weights},
                "allergies": ["penicillins", "latex"],
                "conditions": ["asthma", "eczema"],
            }
        )
    )
    assert (found.age, found.sex, found.weight) == ("0.5", "female", "3.3")
    assert found.allergies == ("penicillin",) and found.allergies_not_read == ("latex",)
    assert found.history == ("asthma",) and found.conditions_not_read == ("eczema",)


def test_an_empty_record_fills_nothing():
    found = recorded(from_dict({"id": "x"}))
    assert (found.age, found.sex, found.weight, found.history) == ("", "", "", ())


def test_breast_feeding_is_answered_by_what_is_recorded_or_said_to_be_unknown():
    of = case(["painful-urination", "frequent-urination"], 34, "female", ["breast-feeding"], others_absent=True)
    options = {row["drug"]: row for row in predict(of)["options"]}
    assert any(r["because"] == "breast-feeding" for r in options["nitrofurantoin"]["reasons"])
    assert any(text.startswith("breast feeding: nothing is recorded") for text in options["trimethoprim"]["missing"])
    assert "breast-feeding" in drugs()["doxycycline"].contraindicated


def test_the_sheet_of_a_drug_has_every_rule_of_it():
    assert set(rules.CEILINGS) | set(rules.RENAL) | set(rules.HEPATIC) <= set(sheet.names())
    found = sheet.sheet("cisplatin")
    assert [step["share"] for step in found["kidney"]["steps"]] == [0.25, 0.5, 1.0]
    assert found["ceilings"][0]["amount"] == 120 and found["ceilings"][0]["status"] == "unverified"
    with pytest.raises(ValueError, match="nothing is recorded of it; allowed: bleomycin"):
        sheet.sheet("unobtainium")
