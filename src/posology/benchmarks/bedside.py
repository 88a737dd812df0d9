"""How long a page about one patient takes: three past cycles, every dose of the table, 256 draws of the posterior, one cycle
ahead, JSON included; four regimens side by side; an explanation; and what is compiled before the first patient."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from posology.bedside.courses import courses
from posology.bedside.explain import explain
from posology.bedside.recommend import DRAWS, recommend
from posology.bedside.warm import warm
from posology.data.record import Record, from_dict
from posology.environments.catalogue import treatment

QUESTION = "paclitaxel-label-v1"
CYCLE = 504.0  # h
NOW = 3 * CYCLE
EXPLANATIONS = 5  # timed: each asks the policy a hundred times


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


def regimens(i: int) -> list[dict[str, Any]]:
    """Four regimens that differ in dose, interval and start, and from one `i` to the next."""
    often, late = {"dose": 90, "every_days": 14 + i % 7}, {"dose": 140, "start_in_days": i % 8}
    return [{"dose": 100 + i % 70}, {"dose": "175 mg/m2"}, often, late]


def measure(policy: str = "standard", repeats: int = 100, cold: bool = False, explained: bool = True) -> dict[str, Any]:
    """Seconds to be ready, and milliseconds of each answer in a warm process, by the clock and of all cores' time, which other
    programs hardly touch.

    Args:
        cold: nothing that an earlier process compiled is used.
        explained: explanations are timed too.
    """
    if cold:
        jax.config.update("jax_enable_compilation_cache", False)
    asked, core, found = treatment(QUESTION), time.process_time(), dict[str, dict[str, Any]]()
    boot = {"boot_seconds": round(warm(asked, policy), 2), "boot_core_seconds": round(time.process_time() - core, 2)}
    calls: dict[str, tuple[int, Callable[[int], Any]]] = {
        "recommend": (repeats, lambda i: recommend(asked, policy, patient(0.001 * i), NOW)),
        "what_if": (repeats, lambda i: courses(asked, patient(0.001 * i), regimens(i), NOW)),
        "explain": (min(EXPLANATIONS, repeats), lambda i: explain(asked, policy, patient(0.001 * i), NOW)),
    }
    if not explained:
        del calls["explain"]
    for name, (times, call) in calls.items():
        found[name] = {"repeats": times, "first_ms": round(_milliseconds(call, 0)[0], 1)}
        took = np.array([_milliseconds(call, i) for i in range(1, times + 1)])
        for column, kind in enumerate(("", "core_")):
            found[name] |= {f"{kind}p{q}_ms": round(float(np.percentile(took[:, column], q)), 1) for q in (50, 95, 99)}
    return {"treatment": asked.id, "policy": policy, "draws": DRAWS, "cold": cold, **boot, **found}


def _milliseconds(call: Callable[[int], Any], i: int) -> tuple[float, float]:
    """By the clock, and of all cores."""
    begun, core = time.perf_counter(), time.process_time()
    json.dumps(call(i))
    return 1000 * (time.perf_counter() - begun), 1000 * (time.process_time() - core)
