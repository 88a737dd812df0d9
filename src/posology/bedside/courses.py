"""What if: the past as it is believed, and the future under up to four regimens, side by side.

All regimens share the draws of the posterior and their occasion effects, so that they differ by what is given alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from posology.bedside import options as shown
from posology.bedside.believed import Believed, believed, engine, fractions, parameters, what_happened
from posology.bedside.consult import DRAWS, At, check_recommendable, decision_time, read
from posology.bedside.regimens import CHUNK, CHUNKS, MOST, Laid, Regimen, horizon_of, lay_out, regimen
from posology.bedside.sentences import DISCLAIMER
from posology.bedside.view import seen, verdicts
from posology.data.history import DAY
from posology.data.record import Record, calendar
from posology.environments.protocol import Chosen
from posology.environments.records import Known
from posology.environments.reward import GRADE_0_FROM, GRADE_4_BELOW
from posology.environments.ruled import ruled
from posology.environments.treatment import Treatment
from posology.patients import particles, past
from posology.patients.dosing import Schedule
from posology.patients.integrate import advance

PERCENTILES = (5, 25, 50, 75, 95)
WEEKS = 12.0  # of the past that are shown


def courses(
    treatment: Treatment,
    record: Record,
    regimens: Sequence[Mapping[str, Any]],
    at: At = None,
    draws: int = DRAWS,
    research: bool = False,
    days: float | None = None,
) -> dict[str, Any]:
    """Percentiles of the key reading, and of the concentration where the model reads one, past and to come.

    Args:
        regimens: one to four, each {"dose": a label of the table or an amount, "every_days": days from that dose to the next
            visit, "start_in_days": days until it is given}; both optional. What is given is given again at each visit.
        at, draws, research: as for `recommend`.
        days: to follow; by default to the last of the next visits.

    Returns:
        plain data: `past` and each of `regimens` with `time` in days from now and `readings`, by name `unit` and `percentiles`;
        `doses` and `measured` of the past; `target`; per regimen what was given when, the limit that forbids it, those that can
        only be judged on the day, and the probability of each harm until its next visit.

    Raises:
        ValueError: one sentence naming the field of a regimen, and as `recommend`.
    """
    if not 1 <= len(regimens) <= MOST:
        raise ValueError(f"regimens: {len(regimens)} were asked for; allowed are 1 to {MOST}")
    check_recommendable(treatment, research)
    treatment = ruled(treatment)
    now = decision_time(record, at)
    asked = [regimen(treatment, r, f"regimen {i}") for i, r in enumerate(regimens, 1)]
    found, horizon = read(treatment, record, now), horizon_of(asked, days)
    patient = believed(treatment, found, draws)
    return {
        "treatment": treatment.id,
        "patient": record.id,
        "time": calendar(record, now).isoformat() if record.start else now,
        "reading": treatment.key,
        "percentiles": list(PERCENTILES),
        "target": target(treatment),
        "past": _past(treatment, found, patient),
        "regimens": _futures(treatment, found, patient, asked, horizon),
        "draws": draws,
        "not_for": treatment.not_for,
        "disclaimer": DISCLAIMER,
    }


def target(treatment: Treatment) -> dict[str, Any] | None:
    """The band that the key reading should be in, and of what: the whole course, or its lowest value after a dose."""
    if treatment.window:
        return {"low": treatment.window.low, "high": treatment.window.high, "of": "course"}
    return {"low": GRADE_4_BELOW, "high": GRADE_0_FROM, "of": "lowest"} if treatment.graded else None


def readings_of(treatment: Treatment) -> tuple[str, ...]:
    """The readings that are shown."""
    names = treatment.model.reading_units
    return (treatment.key, *(n for n in ("concentration",) if n in names and n != treatment.key))


def _weight(patient: Believed) -> np.ndarray:
    weight = np.exp(np.asarray(patient.belief.log_weight, np.float64))
    return np.asarray(weight / weight.sum())


def _shown(treatment: Treatment, names: Sequence[str], values: np.ndarray, weight: np.ndarray) -> dict[str, Any]:
    """Percentiles by reading and percentile, of `values[K, readings, N]`."""
    values = values.astype(np.float64)
    sound = np.isfinite(values).all(axis=(1, 2))  # a draw that left the range of numbers says nothing
    if not sound.any():
        raise ValueError(f"{treatment.model.id}: no draw of this patient's posterior stayed within the range of numbers")
    weight = weight[sound] / weight[sound].sum()
    flat = values[sound].reshape(len(weight), -1)
    curves = particles.columns(flat, weight, tuple(p / 100 for p in PERCENTILES)).reshape(len(PERCENTILES), *values.shape[1:])
    units = treatment.model.reading_units
    return {
        name: {"unit": units[name], "percentiles": {str(p): _numbers(curves[q, r]) for q, p in enumerate(PERCENTILES)}}
        for r, name in enumerate(names)
    }


def _numbers(values: np.ndarray) -> list[float]:
    return [float(f"{v:.5g}") for v in values.tolist()]


# The past.


def _past(treatment: Treatment, found: Known, patient: Believed) -> dict[str, Any]:
    """The last weeks since the first dose: each draw of today followed back through the draws that it came from."""
    stretches, _ = what_happened(treatment, found)
    names, every = readings_of(treatment), list(treatment.model.reading_units)
    here = found.begin + found.now
    day = lambda hour: float(f"{(hour - here) / DAY:.6g}")  # noqa: E731
    doses = [{"time": day(d.time), "mg": d.amount, "hours": d.duration, "recorded": d.recorded} for d in found.doses]
    measured = [
        {"time": day(m.time), "name": m.name, "value": (1 + m.below) * m.value, "unit": m.unit, "below": m.below}
        for m in found.measured if m.time is not None
    ]  # fmt: skip
    answer = {"time": [], "readings": {}, "doses": doses, "measured": measured}
    given = sorted({d.time for d in found.doses if d.amount > 0})
    if not given:
        return answer
    count = int(past.count(stretches))
    starts = given[0] + np.concatenate([[0.0], np.cumsum(stretches.span[:count], dtype=float)[:-1]])
    ends = starts + stretches.span[:count]
    first = int(np.argmax(ends > here - WEEKS * 7 * DAY))
    readings, ancestors = (np.asarray(v) for v in patient.course)
    who, parts = np.arange(readings.shape[1]), []
    for t in range(count - 1, first - 1, -1):
        who = ancestors[t][who]
        parts.append(readings[t][who][:, [every.index(n) for n in names], 1 if t > first else 0 :])
    along = fractions(len(stretches.span))
    time = [starts[t] + stretches.span[t] * along[1 if t > first else 0 :] for t in range(first, count)]
    shown_ = _shown(treatment, names, np.concatenate(parts[::-1], axis=2), _weight(patient))
    return answer | {"time": [day(h) for h in np.concatenate(time)], "readings": shown_}


# The future.


@lru_cache(maxsize=32)
def _ahead(treatment: Treatment, draws: int, measured: tuple[str, ...]) -> Any:
    """The program that follows all draws under all regimens."""
    b = engine(treatment, draws, measured).believer
    env, prior, names = b.env, b.prior, readings_of(treatment)
    scale = env.model.entries[env.model.entry].scale

    def one(own: Any, x: Any, laid: Laid, chosen: Chosen, mg: Any, given: Any) -> Any:
        before = env.model.readings(x, own)
        kept = {n: jnp.zeros((CHUNKS, CHUNK)) for n in before}

        def chunk(c: Any, carry: Any) -> Any:
            y, kept, lowest = carry
            steps = Schedule(laid.length[c], laid.rate[c] * mg * scale, laid.bolus[c] * mg * scale)
            trace = advance(env.model, own, y, steps, treatment.key)
            kept = {n: v.at[c].set(trace.readings[n]) for n, v in kept.items()}
            return trace.state, kept, jnp.where(c < laid.until_visit, jnp.minimum(lowest, trace.lowest), lowest)

        _, kept, lowest = jax.lax.fori_loop(0, laid.chunks, chunk, (x, kept, jnp.float32(jnp.inf)))
        along = {n: v.ravel() for n, v in kept.items()}
        # the interval until the next visit: beyond it nothing changes any more
        last = laid.until_visit * CHUNK
        inside = jnp.arange(CHUNKS * CHUNK) < last
        until = {n: jnp.where(inside, v, v[last - 1]) for n, v in along.items()}
        hours = jnp.where(inside, laid.length.ravel(), 0.0)
        found = env.summary(x, own, chosen, chosen.amount * given, until, lowest, jnp.cumsum(laid.length.ravel()), hours)
        costs = jnp.stack([jnp.asarray(c.of(found), jnp.float32) for c in treatment.costs])
        return jnp.stack([jnp.append(jnp.atleast_1d(before[n]), along[n])[laid.node] for n in names]), costs

    def run(typical: Any, belief: Any, rows: Any) -> Any:
        own = parameters(prior, typical, belief)
        draws_of = jax.vmap(one, in_axes=(0, 0, None, None, None, None))
        return jax.lax.map(lambda row: draws_of(own, belief.x, *row), rows)

    return jax.jit(run)


def _column(*values: Any) -> np.ndarray:
    """The same of all regimens, as 32 bit numbers."""
    column = np.stack([np.asarray(v) for v in values])
    return column.astype(np.int32 if column.dtype.kind == "i" else np.float32)


def _futures(
    treatment: Treatment, found: Known, patient: Believed, asked: Sequence[Regimen], horizon: float
) -> list[dict[str, Any]]:
    env, weight, names = patient.believer.env, _weight(patient), readings_of(treatment)
    laid = [lay_out(env, r, horizon) for r in asked]
    doses = [shown.option(r.action, patient.covariates) for r in asked]
    given = [int((p.doses < r.visit - 1e-6).sum()) for r, p in zip(asked, laid, strict=True)]
    rows = [
        (p._replace(times=np.zeros(0), doses=np.zeros(0)), Chosen(o.amount, r.visit, r.action.interval), o.mg, n)
        for p, o, r, n in zip(laid, doses, asked, given, strict=True)
    ]
    rows += [rows[-1]] * (MOST - len(rows))
    columns = jax.tree.map(_column, *rows)
    run = _ahead(treatment, len(weight), patient.believer.prior.measured)
    values, costs = (np.asarray(v) for v in run(patient.typical, patient.belief, columns))
    facts = seen(treatment, found).facts
    answers = []
    for i, (r, p, o) in enumerate(zip(asked, laid, doses, strict=True)):
        curves, harmed = values[i][:, :, : len(p.times)], costs[i]
        sound = np.isfinite(harmed).all(axis=1) & np.isfinite(curves).all(axis=(1, 2))
        w = np.where(sound, weight, 0.0) / max(float(weight[sound].sum()), 1e-12)
        permitted = verdicts(treatment, facts, (r.action,)).permits[:, 0]
        closed = [x for x, ok in zip(treatment.limits, permitted, strict=True) if not ok]
        later = [x.id for x in treatment.limits if x.gate] if r.start > 0 and r.action.amount else []
        answers.append(
            {
                "label": r.action.label,
                "dose": r.action.amount,
                "unit": r.action.unit,
                "mg": o.mg,
                "every_days": r.action.wait,
                "start_in_days": r.start,
                "next_visit": r.visit,
                "given": _numbers(p.doses),
                "forbidden_by": next((x.id for x in closed if x.id not in later), None),
                "judged_on_the_day": later,
                "harm": {c.name: float(w @ (harmed[:, k] > 0)) for k, c in enumerate(treatment.costs)},
                "time": _numbers(p.times),
                "readings": _shown(treatment, names, curves, weight),
            }
        )
    return answers
