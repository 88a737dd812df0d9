"""How long a recommendation takes once its programs are compiled: three past cycles, every dose of the
table, 256 draws of the posterior, one cycle ahead, JSON included."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np

from posology.bedside.recommend import DRAWS, recommend
from posology.bedside.what_if import what_if
from posology.data.record import Record, from_dict
from posology.environments.catalogue import treatment

QUESTION = "paclitaxel-label-v1"
CYCLE = 504.0  # h


def patient(shift: float = 0.0) -> Record:
    """A made-up patient after three cycles; `shift` changes the counts a little, so that nothing is remembered."""
    known = {"male": (0, "1"), "age": (61, "a"), "bsa": (1.8, "m2"), "bilirubin": (10, "umol/L")}
    covariates: dict[str, Any] = {name: {"value": value, "unit": unit} for name, (value, unit) in known.items()}
    covariates["baseline_anc"] = {"value": 5.5, "unit": "10*9/L", "time": -2}
    cycles = range(3)
    doses = [{"time": CYCLE * c, "amount": 315, "unit": "mg", "duration": 3, "drug": "paclitaxel"} for c in cycles]
    counts = [(CYCLE * c + h, v + shift) for c in cycles for h, v in ((168, 1.2), (240, 0.6), (500, 4.0))]
    seen = [{"time": t, "name": "anc", "value": v, "unit": "10*9/L"} for t, v in counts]
    return from_dict({"id": "made-up", "covariates": covariates, "doses": doses, "observations": seen})


def measure(policy: str = "standard", repeats: int = 100) -> dict[str, Any]:
    """Milliseconds of a recommendation and of a what-if in a warm process, and how much each computed."""
    asked = treatment(QUESTION)
    now = 3 * CYCLE

    def recommended(i: int) -> int:
        return len(json.loads(json.dumps(recommend(asked, policy, patient(0.001 * i), now)))["options"])

    options, found = recommended(0), {}
    json.dumps(what_if(asked, patient(), "110 mg/m2", now))
    calls = {"recommend": recommended, "what_if": lambda i: json.dumps(what_if(asked, patient(0.001 * i), "110 mg/m2", now))}
    for name, call in calls.items():
        took = []
        for i in range(repeats):
            begun = time.perf_counter()
            call(i)
            took.append(1000 * (time.perf_counter() - begun))
        found[name] = {f"p{q}_ms": round(float(np.percentile(took, q)), 1) for q in (50, 95, 99)}
    return {"treatment": asked.id, "policy": policy, "draws": DRAWS, "options": options, "repeats": repeats, **found}
