from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posology.data.units import convert, dimension, ucum


@pytest.mark.parametrize(
    ("value", "source", "target", "name", "expected"),
    [
        (1, "mg/dL", "umol/L", "bilirubin", 17.10),
        (1, "mg/dL", "umol/L", "creatinine", 88.40),
        (88.4, "umol/L", "mg/dL", "creatinine", 1.0),
        (4.1, "g/dL", "g/L", "albumin", 41.0),
        (1500, "/uL", "10*9/L", "anc", 1.5),
        (1.5, "10*3/uL", "10*9/L", "anc", 1.5),
        (2, "wk", "h", "", 336),
        (1, "a", "d", "", 365.25),
        (12, "mo", "a", "", 1),
        (500, "ug", "mg", "", 0.5),
        (90, "min", "h", "", 1.5),
        (70_000, "g", "kg", "", 70),
        (25, "%", "1", "", 0.25),
        (10_000, "cm2", "m2", "", 1.0),
        (1, "mg/L", "ug/mL", "", 1.0),
    ],
)
def test_known_conversions(value, source, target, name, expected):
    assert convert(value, source, target, name) == pytest.approx(expected, rel=5e-4)


def test_a_molar_mass_joins_mass_and_substance_in_both_directions():
    assert convert(1, "umol", "mg", molar_mass=853.9) == pytest.approx(0.8539)
    assert convert(0.8539, "mg/L", "umol/L", molar_mass=853.9) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("spelled", "code"),
    [
        ("x10^9/L", "10*9/L"), ("10^9/L", "10*9/L"), ("G/L", "10*9/L"), ("x10E9/L", "10*9/L"), ("×10⁹/L", "10*9/L"),
        ("K/uL", "10*3/uL"), ("cells/mm3", "1/uL"), ("years", "a"), ("kg", "kg"), ("µg", "ug"), ("mcg/mL", "ug/mL"),
        ("m²", "m2"), ("mg/m^2", "mg/m2"), ("hours", "h"), ("{score}", "1"), ("mL/min/{1.73_m2}", "mL/min"), (" mg / L ", "mg/L"),
    ],
)  # fmt: skip
def test_common_spellings_become_ucum(spelled, code):
    assert ucum(spelled) == code


@pytest.mark.parametrize(
    "unit", ["", " ", "furlong", "mg//L", "mg/", "/", "10*", "MG", "x", "mg L", "10*99." * 20 + "g", "é", "\x00"]
)
def test_an_unknown_unit_is_a_sentence(unit):
    with pytest.raises(ValueError, match="unit"):
        ucum(unit)


def test_capital_mg_is_not_read_as_megagram_but_hinted_at():
    with pytest.raises(ValueError, match="did you mean mg"):
        convert(1, "Mg", "g")


@pytest.mark.parametrize(
    ("source", "target"), [("mg", "L"), ("kg", "m2"), ("mg/L", "umol/L"), ("mol", "g2"), ("h", "1"), ("[iU]", "mg")]
)
def test_different_dimensions_are_refused_with_both_units(source, target):
    with pytest.raises(ValueError) as caught:
        convert(1, source, target, "digoxin")
    assert f"'{source}'" in str(caught.value)
    assert f"'{target}'" in str(caught.value)
    assert "digoxin" in str(caught.value)


_same = st.sampled_from(
    [("mg", "kg", "ug", "g"), ("h", "d", "wk", "a", "min"), ("mg/L", "g/dL", "ug/mL"), ("/uL", "10*9/L", "10*3/uL")]
)


@given(_same.flatmap(lambda group: st.tuples(st.sampled_from(group), st.sampled_from(group))), st.floats(1e-6, 1e6))
def test_there_and_back_is_the_same_value(pair, value):
    assert convert(convert(value, *pair), *reversed(pair)) == pytest.approx(value, rel=1e-12)


@given(st.text(max_size=12))
def test_any_text_is_a_unit_or_a_value_error(text):
    try:
        assert dimension(ucum(text)) == dimension(text)
    except ValueError:
        pass


def test_conversions_agree_with_pint():
    pint = pytest.importorskip("pint")
    ureg = pint.UnitRegistry()
    for ours, theirs, target, its in [
        ("mg/dL", "mg/dL", "g/L", "g/L"),
        ("wk", "week", "min", "minute"),
        ("ug/kg/h", "ug/kg/h", "mg/kg/d", "mg/kg/day"),
    ]:
        assert convert(3.7, ours, target) == pytest.approx((3.7 * ureg(theirs)).to(its).magnitude, rel=1e-12)
