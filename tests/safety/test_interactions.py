"""Interactions as data: what is recorded is found, what is not is named, and nothing is made up."""

from __future__ import annotations

import pytest

from posology.safety.interactions import AVOID, CLEARANCE, DOSE, EXPOSURE, INTERACTIONS, MEMBERS, WATCH, known


@pytest.mark.parametrize(
    ("drug", "other", "exposure"),
    [("sunitinib", "ketoconazole", 1.51), ("sunitinib", "rifampicin", 0.54), ("imatinib", "ketoconazole", 1.4),
     ("imatinib", "rifampicin", 0.26), ("everolimus", "ketoconazole", 15.0), ("irinotecan", "St John's wort", 0.58),
     ("irinotecan", "Ketoconazole", 2.1), ("erlotinib", "omeprazole", 0.54), ("docetaxel", "ritonavir", 2.0)],
)  # fmt: skip
def test_exposure_is_multiplied_by_the_factor_of_the_label(drug, other, exposure):
    (pair,), unknown = known(drug, [other])
    assert pair.interaction.exposure == pytest.approx(exposure) and unknown == ()
    assert pair.other == other


@pytest.mark.parametrize(
    ("drug", "other"),
    [("methotrexate", "naproxen"), ("methotrexate", "trimethoprim-sulfamethoxazole"), ("tamoxifen", "paroxetine")],
)
def test_pairs_to_avoid_have_no_factor_that_one_could_dose_by(drug, other):
    (pair,), _ = known(drug, [other])
    assert pair.interaction.kind == AVOID
    assert pair.interaction.factor is None and pair.interaction.exposure is None


def test_a_rule_on_the_dose_says_nothing_of_exposure():
    (pair,), _ = known("mercaptopurine", ["allopurinol"])
    assert (pair.interaction.kind, pair.interaction.factor, pair.interaction.exposure) == (DOSE, 0.25, None)
    assert pair.interaction.printed == "25-33 % of the dose"  # the lower end stands


def test_a_class_may_be_named_itself_and_a_drugs_own_row_goes_before_its_class():
    (pair,), _ = known("docetaxel", ["strong CYP3A4 inhibitor"])
    assert pair.row == "strong CYP3A4 inhibitor" and pair.interaction.kind == CLEARANCE
    assert known("sunitinib", ["clarithromycin"]).found == ()  # a factor of ketoconazole is not one of its class


def test_what_is_not_recorded_is_named_and_not_called_safe():
    told = known("sunitinib", ["aspirin", "ketoconazole"])
    assert told.nothing_recorded == ("aspirin",) and len(told.found) == 1
    assert told.sentence == "nothing is recorded of: aspirin; that does not mean that there is no interaction"
    assert known("busulfan", ["ketoconazole"]).nothing_recorded == ("ketoconazole",)
    assert known("sunitinib", ["ketoconazole"]).sentence == ""
    with pytest.raises(ValueError, match="drug: ' ' is not allowed; it must be a name"):
        known("sunitinib", [" "])


def test_every_interaction_says_what_it_is_and_where_it_comes_from():
    for drug, rows in INTERACTIONS.items():
        for other, it in rows.items():
            assert it.kind in {EXPOSURE, CLEARANCE, DOSE, AVOID, WATCH} and it.why, (drug, other)
            assert (it.factor is None) == (it.kind in {AVOID, WATCH}), (drug, other)
            assert it.factor is None or (it.factor > 0 and it.of), (drug, other)
            assert it.status == "unverified" and it.source == "label", (drug, other)
    assert all(name == name.casefold() for members in MEMBERS.values() for name in members)
