"""Made-up records for the tests, among them hypothesis strategies."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from posology.data.record import Record

EXAMPLE = {
    "id": "P-1",
    "covariates": {
        "weight": {"value": 70, "unit": "kg"},
        "height": {"value": 175, "unit": "cm"},
        "male": {"value": 1, "unit": "1"},
        "bilirubin": [{"time": 0, "value": 8, "unit": "umol/L"}, {"time": 504, "value": 1.0, "unit": "mg/dL"}],
    },
    "doses": [
        {"time": 0, "amount": 370, "unit": "mg", "duration": 3, "route": "iv", "drug": "paclitaxel"},
        {"time": 504, "amount": 300, "unit": "mg", "duration": 3, "route": "iv", "status": "planned"},
    ],
    "observations": [
        {"time": 0, "name": "anc", "value": 6.1, "unit": "x10^9/L"},
        {"time": 240, "name": "anc", "value": 0.1, "unit": "10*3/uL", "below": True},
    ],
    "genotypes": {"UGT1A1": "*1/*28"},
    "conditions": ["breast cancer"],
    "medications": ["ondansetron"],
    "allergies": ["=sulfonamide"],
}

_hours = st.floats(0, 20_000, allow_nan=False).map(lambda t: round(t, 3))
_amounts = st.floats(1e-6, 1e6)
_texts = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12)
_names = st.from_regex(r"\A[a-z][a-z0-9]{2,8}\Z").map(lambda name: "x_" + name)
_units = st.sampled_from(["mg", "mg/m2", "umol", "kg", "10*9/L", "umol/L", "1", "h", "mg/dL", "[iU]/L", "%"])


@st.composite
def covariates(draw: st.DrawFn) -> list[dict]:
    unit = draw(_units)
    stamps = draw(st.lists(_hours, max_size=4, unique=True))
    values = draw(st.lists(_amounts, min_size=max(len(stamps), 1), max_size=max(len(stamps), 1), unique=True))
    if not stamps:
        return [{"value": values[0], "unit": unit}]
    return [{"time": t, "value": v, "unit": unit} for t, v in zip(stamps, values, strict=True)]


@st.composite
def doses(draw: st.DrawFn, full: bool) -> dict:
    dose = {
        "time": draw(_hours),
        "amount": draw(_amounts),
        "unit": "mg",
        "duration": draw(st.sampled_from([0.0, 0.5, 3.0])),
    }
    if draw(st.booleans()):
        dose |= {
            "ii": draw(st.sampled_from([8.0, 12.0, 24.5])),
            "addl": draw(st.integers(0, 5)),
            "ss": draw(st.booleans()),
        }
    dose["route"] = draw(st.sampled_from(["", "iv", "oral", "sc"]))
    if full:
        dose |= {"status": draw(st.sampled_from(["given", "planned", "missed"])), "drug": draw(st.just("") | _texts)}
        dose["unit"] = draw(st.sampled_from(["mg", "mg/m2", "umol", "[iU]", "ug/kg"]))
    return dose


@st.composite
def records(draw: st.DrawFn, full: bool = True) -> Record:
    """Any record, or with `full=False` one that NONMEM can hold."""
    observed = st.fixed_dictionaries(
        {"time": _hours, "name": _names, "value": _amounts, "unit": st.just("mg/L"), "below": st.booleans()}
    )
    raw = {
        "id": draw(_texts),
        "covariates": draw(st.dictionaries(_names, covariates(), max_size=3)),
        "doses": draw(st.lists(doses(full), max_size=4)),
        "observations": draw(st.lists(observed, max_size=4)),
    }
    if full:
        raw |= {"genotypes": draw(st.dictionaries(_texts, _texts, max_size=2))}
        raw |= {k: draw(st.lists(_texts, max_size=2, unique=True)) for k in ("conditions", "medications", "allergies")}
    if draw(st.booleans()):
        raw["start"] = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    return Record.model_validate(raw)
