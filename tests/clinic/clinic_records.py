"""A made-up record, and a decision on it, for the tests of the data layer."""

from __future__ import annotations

from typing import Any

RECORD: dict[str, Any] = {
    "id": "MRN-1",
    "start": "2026-03-01T08:00:00.123456+01:00",
    "covariates": {
        "weight": {"value": 70.5, "unit": "kg"},
        "bilirubin": [{"time": 0, "value": 8, "unit": "umol/L"}, {"time": 504, "value": 1.1, "unit": "mg/dL"}],
    },
    "doses": [
        {"time": 0, "amount": 370, "unit": "mg", "duration": 3, "route": "iv", "drug": "paclitaxel"},
        {"time": 504, "amount": 300, "unit": "mg", "duration": 3, "route": "iv", "status": "planned"},
        {"time": 504, "amount": 0.1, "unit": "g", "ss": True, "ii": 24, "addl": 3},
    ],
    "observations": [
        {"time": 0, "name": "anc", "value": 6.1, "unit": "10*9/L"},
        {"time": 240, "name": "anc", "value": 0.1, "unit": "10*3/uL", "below": True},
    ],
    "genotypes": {"UGT1A1": "*1/*28"},
    "conditions": ["Mammakarzinom, ÖSTROGEN-positiv"],
    "medications": ["ondansetron"],
    "allergies": ["penicillin 💊"],
}
