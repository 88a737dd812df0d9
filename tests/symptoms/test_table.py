"""The table of diseases and drugs: complete, checked, and refused with a sentence where it is wrong."""

from __future__ import annotations

from importlib import resources

import pytest

from posology.symptoms import drugs as drug_table
from posology.symptoms import table as disease_table
from posology.symptoms.dosing import dose, row_for
from posology.symptoms.drugs import drugs
from posology.symptoms.table import table
from posology.symptoms.words import GROUPS, group_of, within

DRUG = """
[drugs.x]
title = "X"
group = "g"
indications = ["i"]
forms = ["f"]
step = "{step}"
status = "unverified"
source = "s"
contraindicated = {{}}
caution = {{}}
interactions = {{ {interactions} }}
doses = [ {{ for = ["adult"], amount = "{amount}", every = "{every}", most_per_day = ["{most}"] }} ]
"""


# Ages in years and weights in kg, through all age groups.
PEOPLE = ((0.01, 2.5), (0.02, 4.2), (0.3, 6.1), (1.5, 11.3), (4, 17.7), (8, 27.4), (11.9, 44), (15, 51), (40, 120), (80, 48))


def drug(step="5 mg", amount="10 mg", every="8 h", most="30 mg", interactions=""):
    return drug_table.read(DRUG.format(step=step, amount=amount, every=every, most=most, interactions=interactions))["x"]


def text(name):
    return resources.files("posology.symptoms").joinpath(name).read_text(encoding="utf-8")


def test_the_table_has_a_dozen_diseases_about_25_symptoms_and_one_to_three_drugs_for_each():
    assert len(table().diseases) == 12 and 24 <= len(table().symptoms) <= 28
    assert all(1 <= len(d.drugs) <= 3 and set(d.drugs) <= set(drugs()) and d.source for d in table().diseases)
    assert {name for d in table().diseases for name in d.drugs} == set(drugs())


def test_every_symptom_is_caused_by_a_disease():
    assert {s for d in table().diseases for s in d.symptoms} == set(table().symptom_ids)


def test_influenza_has_the_shares_printed_by_monto():
    found = next(d for d in table().diseases if d.id == "influenza")
    assert (found.symptoms["cough"], found.symptoms["fever"], found.symptoms["runny-nose"]) == (0.93, 0.68, 0.91)
    assert found.status("cough") == "verified" and found.status("chills") == "assumed"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"amount": "10 mlgm"}, "drug x, dose 1, amount: '10 mlgm': unit 'mlgm' is not known; use UCUM, such as mg"),
        ({"amount": "10 mcg"}, "drug x: amounts are mixed in mg and ug; write all of them in one unit"),
        ({"most": "0.03 g"}, "drug x: amounts are mixed in g and mg"),
        ({"step": "5 mL"}, "drug x: amounts are mixed in mL and mg"),
        ({"amount": "10 mg/L"}, "'mg/L' is not a unit of dose; use mg, ug, mL or IU, or one of them per kg"),
        ({"amount": "10"}, "drug x, dose 1, amount: '10': the unit is missing"),
        ({"amount": "ten mg"}, "'ten mg' is not a number with a unit"),
        ({"amount": "-1 mg"}, "an amount is above 0"),
        ({"every": "8 mg"}, "drug x, dose 1: '8 mg': a value in 'mg' cannot be converted to 'h'"),
        ({"interactions": 'warfarin = "bad"'}, "has to begin with 'avoid: ' or 'watch: '"),
    ],
)
def test_a_drug_with_a_wrong_unit_is_refused_with_a_sentence(change, expected):
    with pytest.raises(ValueError) as error:
        drug(**change)
    assert expected in str(error.value)


def test_mcg_alone_is_ug_and_iu_are_units_of_dose():
    assert drug("5 mcg", "10 mcg", most="30 µg").unit == "ug"
    assert drug("5 IU", "10 IU", most="30 IU").unit == "[iU]"
    assert drug("1 mL", "10 mL/kg", most="30 mL").unit == "mL"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("fever = 0.68, chills", "fever = 1.68, chills", "diseases.influenza.verified: differs"),
        ("symptoms = { fever = 0.20", "symptoms = { fever = 1.2", "diseases.common-cold.symptoms.fever: 1.2 is not allowed"),
        ("symptoms = { fever = 0.20", "symptoms = { feever = 0.2", "common-cold.symptoms: unknown feever; allowed: fever"),
        ("prevalence = 0.20", "prevalence = 0.30", "diseases.*.prevalence: the shares sum to 1.1, allowed: 1"),
        ("female = 7.0", "female = -7.0", "diseases.cystitis.female: -7 is not allowed"),
    ],
)
def test_a_wrong_table_is_refused_with_a_sentence(old, new, expected):
    found = text("diseases.toml")
    assert old in found
    with pytest.raises(ValueError) as error:
        disease_table.read(found.replace(old, new, 1))
    assert expected in str(error.value)


def test_age_groups_meet_without_a_gap():
    assert GROUPS[0].least == 0 and all(a.below == b.least for a, b in zip(GROUPS, GROUPS[1:], strict=False))
    ages = [within(text, "age", "a") for text in ("27 d", "28 d", "23 mo", "24 mo", "11.9", "12", "18", "65", "130")]
    told = "neonate infant infant child child adolescent adult older-adult older-adult"
    assert [group_of(age) for age in ages] == told.split()


@pytest.mark.parametrize("name", drugs())
def test_no_dose_of_any_age_and_weight_is_above_a_ceiling_or_finer_than_can_be_measured(name):
    found = drugs()[name]
    for age, weight in PEOPLE:
        given, _, why_not = dose(found, age, weight)
        assert (given is None) == bool(why_not)
        if given is None:
            continue
        row = row_for(found, age)
        most = [m.of(weight) for m in row.most_per_dose]
        most += [m.of(weight) / (24 / row.every if row.every else 1) for m in row.most_per_day]
        assert 0 < given["amount"] <= min(most, default=1e9) + 1e-9
        assert abs(given["amount"] / found.step - round(given["amount"] / found.step)) < 1e-6
        assert given["amount"] <= given["before_rounding"] + 1e-9 < given["amount"] + found.step + 1e-6


def test_doses_worked_out_by_hand():
    """15 mg/kg of paracetamol at 12.3 kg is 184.5 mg, down to 180; 40 mg/kg of amoxicillin at 30 kg stops at 1000 mg."""
    given = dose(drugs()["paracetamol"], 3.0, 12.3)[0]
    assert (given["amount"], given["unit"], given["every_hours"], given["most_per_day"]) == (180.0, "mg", 6.0, 738.0)
    given = dose(drugs()["amoxicillin"], 9.0, 30.0)[0]
    assert (given["amount"], given["bound_by"], given["status"]) == (1000.0, "most per dose", "unverified")
    given = dose(drugs()["amoxicillin"], 3.0, 14.0)[0]
    assert (given["amount"], given["every_hours"], given["status"]) == (550.0, 12.0, "verified")
    assert dose(drugs()["oseltamivir"], 4.0, 15.0)[0]["amount"] == 30.0
    assert dose(drugs()["oseltamivir"], 4.0, 15.1)[0]["amount"] == 45.0
    assert dose(drugs()["benzathine-benzylpenicillin"], 30.0, 70.0)[0]["unit"] == "[iU]"


def test_a_dose_by_weight_without_a_weight_is_missing_and_a_ceiling_by_weight_says_so():
    assert dose(drugs()["amoxicillin"], 3.0) == (None, ["weight: the dose of Amoxicillin at this age is by weight"], "")
    given, missing, _ = dose(drugs()["paracetamol"], 40.0)
    assert given["amount"] == 1000.0 and missing == ["weight: the ceiling of Paracetamol by weight could not be checked"]
    assert dose(drugs()["paracetamol"], 40.0, 45.0)[0]["amount"] == 670.0


def test_an_age_without_a_row_has_no_dose():
    assert dose(drugs()["doxycycline"], 8.0, 25.0) == (None, [], "no dose is recorded here at the age of 8 years")
    assert "2 months" in dose(drugs()["ibuprofen"], 0.2, 5.0)[2]
