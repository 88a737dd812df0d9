"""A hospital's system with simulated patients, in accelerated time: results are FHIR Observations, doses are read from orders.

    state = begin(treatment, n=4, seed=1)
    for patient in due(state):                        those who wait for a decision now
        bundle = chart(state, patient)                what a policy may know: a FHIR R4 bundle of this moment
        state = order(state, patient, request)        a MedicationRequest; or wait(state, patient)
    state = advance(state, days)                      time passes, results appear

The patients, their noise and what is missing are those of the environment (`environments/protocol.py`) with the same seed:
a patient who gets the same doses on the same days has the same course. A dose is what the order says, in mg or in the unit of the
treatment; how often it is repeated and when the next visit is follows from the treatment. Nothing hidden is in a chart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from posology.clinic import orders
from posology.clinic.fhir.parts import uuid_of
from posology.data.history import DAY
from posology.data.readers.fhir_write import resources_of
from posology.data.record import Record
from posology.environments.protocol import Chosen, TreatmentEnvironment
from posology.environments.protocol import State as Course
from posology.environments.records import record_of
from posology.environments.treatment import Treatment

START = datetime(2030, 1, 1, 8, 0, tzinfo=UTC)  # when every course begins, a design choice
ON_TIME = 1e-4  # days; float32 holds no calendar to the second


@dataclass(frozen=True)
class State:
    """All patients at one moment: `day` of the calendar, each one's hidden course up to his next visit, and who has ended.

    A course runs ahead of the calendar, from one visit to the next; a chart shows what has happened.
    """

    treatment: Treatment
    seed: int
    day: float
    patients: Any
    courses: tuple[Course, ...]
    ended: tuple[bool, ...]


@lru_cache(maxsize=8)
def _programs(treatment: Treatment) -> tuple[TreatmentEnvironment, Any, Any]:
    """The environment with its first visit and its interval, compiled for one patient."""
    env = TreatmentEnvironment(treatment)

    def play(key: Any, state: Course, chosen: Chosen, patient: Any) -> Any:
        after, course = env.play(key, state, chosen, patient)
        stopped, over = env.ended(course.interval, after.given, after.day)
        return after, stopped | over | (after.step >= env.spec.max_steps)

    return env, jax.jit(env.reset), jax.jit(play)


def begin(treatment: Treatment, n: int, seed: int) -> State:
    """`n` patients before their first decision.

    Raises:
        ValueError: for no patient, or a treatment whose doses are no amounts of a drug.
    """
    if n < 1:
        raise ValueError(f"patients: {n} are too few; at least 1")
    if treatment.model.recorded_unit != "mg":
        unit = treatment.model.recorded_unit
        raise ValueError(f"{treatment.id} counts doses in '{unit}', not in mg: nobody can order them")
    env, first, _ = _programs(treatment)
    patients = jax.jit(env.draw, static_argnums=1)(jax.random.key(seed), n)
    courses = tuple(first(jax.random.key(seed), _one(patients, i))[0] for i in range(n))
    start = treatment.loading.wait if treatment.loading else 0.0
    return State(treatment, seed, start, patients, courses, (False,) * n)


def _one(patients: Any, i: int) -> Any:
    return jax.tree.map(lambda v: v[i], patients)


def now(state: State) -> datetime:
    """The calendar."""
    return START + timedelta(days=state.day)


def due(state: State) -> tuple[int, ...]:
    """Patients who are at a visit and wait for an order."""
    return tuple(i for i, c in enumerate(state.courses) if not state.ended[i] and float(c.day) <= state.day + ON_TIME)


def ends(state: State) -> float | None:
    """Days until the next visit of anybody; None when every course has ended."""
    visits = [float(c.day) for c, ended in zip(state.courses, state.ended, strict=True) if not ended]
    return max(0.0, min(visits) - state.day) if visits else None


def name_of(state: State, patient: int) -> str:
    """The id of a patient."""
    return f"virtual-{state.seed}-{patient}"


def record(state: State, patient: int) -> Record:
    """What is known of a patient now: given doses, results that have appeared, missing ones missing."""
    course = state.courses[_there(state, patient)]
    known = record_of(state.treatment, course.history, min(state.day, float(course.day)) * DAY, name_of(state, patient))
    return known.model_copy(update={"start": START})


def chart(state: State, patient: int) -> dict[str, Any]:
    """The same as a FHIR R4 bundle, as a search in a hospital's system would bring it together."""
    seen = resources_of(record(state, patient))
    names = [seen[0]["id"], *(uuid_of(state.treatment.id, seen[0]["id"], i) for i in range(1, len(seen)))]
    entries = [
        {"fullUrl": f"urn:posology:ehr/{r['resourceType']}/{name}", "resource": {**r, "id": name}}
        for r, name in zip(seen, names, strict=True)
    ]
    return {"resourceType": "Bundle", "type": "collection", "timestamp": now(state).isoformat(), "entry": entries}


def order(state: State, patient: int, request: Any) -> State:
    """The patient gets what a MedicationRequest asks for, now, until his next visit.

    Raises:
        ValueError: for a patient who waits for none, or a request that is not a dose of this drug at this time, with its path.
    """
    _waiting(state, patient)
    t, who = state.treatment, _one(state.patients, patient)
    asked = orders.asked(t, request, name_of(state, patient), now(state), who.covariates)
    return _played(state, patient, asked.amount, t.standard.wait, asked.every)


def wait(state: State, patient: int, days: float | None = None) -> State:
    """The patient gets nothing until the next visit: after `days`, by default the shortest wait that the treatment knows.

    Raises:
        ValueError: for a patient who waits for no order, or a wait that the treatment does not know.
    """
    _waiting(state, patient)
    waits = waiting(state.treatment)
    chosen = waits[0] if days is None else next((w for w in waits if abs(w - days) < ON_TIME), None)
    if chosen is None:
        raise ValueError(f"days: {days:g} is no wait of {state.treatment.id}; allowed: {', '.join(f'{w:g}' for w in waits)}")
    return _played(state, patient, 0.0, chosen, state.treatment.standard.interval)


def waiting(treatment: Treatment) -> list[float]:
    """Days for which nothing can be given, the shortest first."""
    return sorted({a.wait for a in treatment.actions if not a.amount} | {treatment.standard.wait})


def advance(state: State, days: float) -> State:
    """Time passes; nobody who waits for an order is passed over.

    Raises:
        ValueError: for no time, or for time beyond the visit of a patient who has no order yet.
    """
    if not days > 0:
        raise ValueError(f"days: {days:g} is no time; it must be above 0")
    first = ends(state)
    if first is not None and days > first + ON_TIME:
        open_days = [math.inf if ended else float(c.day) for c, ended in zip(state.courses, state.ended, strict=True)]
        who = name_of(state, int(np.argmin(open_days)))
        raise ValueError(f"days: {days:g} would pass the visit of {who} in {first:g} days; order for him there, or let him wait")
    return replace(state, day=state.day + days)


def until(state: State, patients: Iterable[int]) -> State:
    """The day of the next visit of one of these patients; visits of the others are left open."""
    return replace(state, day=max(state.day, min(float(state.courses[_there(state, i)].day) for i in patients)))


def _there(state: State, patient: int) -> int:
    if not 0 <= patient < len(state.courses):
        raise ValueError(f"patient {patient}: is not there; allowed: 0 to {len(state.courses) - 1}")
    return patient


def _waiting(state: State, patient: int) -> None:
    if _there(state, patient) not in due(state):
        next_visit = f"his next visit is on day {float(state.courses[patient].day):g}"
        why = "his course has ended" if state.ended[patient] else next_visit
        raise ValueError(f"patient {patient}: waits for no order: {why}")


def _played(state: State, patient: int, *decision: float) -> State:
    play, chosen = _programs(state.treatment)[2], Chosen(*(jnp.float32(v) for v in decision))
    after, over = play(jax.random.key(state.seed), state.courses[patient], chosen, _one(state.patients, patient))
    courses = (*state.courses[:patient], after, *state.courses[patient + 1 :])
    ended = (*state.ended[:patient], bool(over), *state.ended[patient + 1 :])
    return replace(state, courses=courses, ended=ended)
