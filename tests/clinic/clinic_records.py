"""A made-up record, and a decision on it, for the tests of the data layer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from posology.bedside.decide import ABOUT, decision
from posology.data.record import Record

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


def decided(record: Record, mg: float, reason: str = "") -> dict[str, Any]:
    """What `decision` makes of an answer that recommends 370 mg."""
    about = dict.fromkeys(ABOUT, "x") | {"patient": record.id, "chosen": {"mg": 370.0}, "options": []}
    return decision(about, record, mg, "dr.a", reason, datetime(2026, 3, 1, 9, 0, 0, 7, tzinfo=UTC))
