"""Makes a treatment an environment: doses in, measured values out, one visit at a time."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from posology.data.history import DAY, History, empty, encode, write
from posology.environments.facts import facts_of
from posology.environments.reward import Interval
from posology.environments.spec import Spec, Step
from posology.environments.treatment import Treatment
from posology.patients import dosing, integrate, population
from posology.patients.dosing import Schedule
from posology.patients.model import PatientModel
from posology.safety.shield import offered

OCCASION, RESIDUAL, MISSING = 1, 2, 3  # streams of random numbers


class State(NamedTuple):
    """A simulated patient between visits: hidden state, and what is known of it."""

    x: Any
    day: Any
    step: Any
    given: Any
    last_dose: Any
    last_lowest: Any
    history: History


class Chosen(NamedTuple):
    """A decision in physical units: amount in the action table's unit, days to wait."""

    amount: Any
    wait: Any


class Course(NamedTuple):
    """One interval in full, for figures: its summary, and the key reading at the end of each day."""

    interval: Interval
    by_day: Any


class TreatmentEnvironment:
    """The functional environment of a treatment; `model` may differ from the treatment's own,
    to judge a policy under another patient than it was trained on."""

    def __init__(self, treatment: Treatment, model: PatientModel | None = None) -> None:
        self.treatment = treatment
        self.model = model or treatment.model
        self.spec: Spec = treatment.spec
        self.fingerprint = treatment.fingerprint
        actions = treatment.actions
        self.amount = np.array([a.amount for a in actions], np.float32)
        self.wait = np.array([a.wait for a in actions], np.float32)
        longest = float(self.wait.max()) * DAY
        duration = max(a.duration for a in actions)
        waits = sorted({float(w) * DAY for w in self.wait})
        samples = [d * DAY for s in treatment.samples for d in s.days]
        daily = [d * DAY for d in range(1, int(longest / DAY) + 1)]
        doses = [(0.0, duration)]
        self.ends = dosing.step_ends(self.model.grid, doses, [*waits, *samples, *daily], longest)
        self.length = np.diff(np.concatenate([[0.0], self.ends])).astype(np.float32)
        rate, bolus = dosing.fractions(self.ends, doses)
        self.rate, self.bolus = rate[:, 0].astype(np.float32), bolus[:, 0].astype(np.float32)
        self.day_nodes = np.array([int(np.argmin(np.abs(self.ends - d))) for d in daily])
        self.sample_nodes = [[int(np.argmin(np.abs(self.ends - d * DAY))) for d in s.days] for s in treatment.samples]
        self.duration = duration
        self.names = [c.name for c in treatment.channels]
        self.per_step = 1 + sum(len(s.days) for s in treatment.samples)

    # --- patients

    def draw(self, key: Any, n: int) -> population.Patient:
        """`n` patients; patient i depends on (key, i) alone."""
        t = self.treatment
        distributions = {k: v for k, v in t.population.items() if any(c.name == k for c in self.model.covariates)}
        measured = tuple(m for m in t.measured if any(c.name == m for c in self.model.covariates))
        return population.draw(self.model, distributions, key, n, measured)

    def chosen(self, action: Any) -> Chosen:
        """The row of the action table in physical units."""
        return Chosen(jnp.asarray(self.amount)[action], jnp.asarray(self.wait)[action])

    def mg(self, amount: Any, patient: population.Patient) -> Any:
        """Dose in mg of an amount in the action table's unit for this patient."""
        unit = self.treatment.actions[0].unit
        scale = {"mg/m2": "bsa", "mg/kg": "weight"}.get(unit)
        return amount * (patient.covariates[scale] if scale else 1.0)

    # --- one interval of the hidden patient

    def course(self, x: Any, p: Any, mg: Any, wait_hours: Any) -> Any:
        """Trace of the model over the interval after a dose of `mg`, up to `wait_hours`."""
        amount = mg * self.model.entries[self.model.entry].per_mg
        length = jnp.where(self.ends <= wait_hours + 1e-3, self.length, 0.0)
        schedule = Schedule(length, self.rate * amount, self.bolus * amount)
        return integrate.advance(self.model, p, x, schedule, self.treatment.key)

    def occasion(self, key: Any, patient: population.Patient, k: Any) -> Any:
        """The patient's parameters on occasion `k`."""
        if not patient.occasion_sd:
            return patient.own
        stream = self._stream(key, patient, OCCASION, k)
        z = jax.random.normal(stream, (len(patient.occasion_sd),))
        effects = {name: sd * z[i] for i, (name, sd) in enumerate(patient.occasion_sd.items())}
        return population.apply_effects(patient.own, effects)

    def _stream(self, key: Any, patient: population.Patient, stream: int, when: Any) -> Any:
        mine = jax.random.fold_in(jax.random.fold_in(key, patient.id), stream)
        return jax.random.fold_in(mine, jnp.asarray(when, jnp.int32))

    # --- the contract

    def reset(self, key: Any, patient: population.Patient) -> tuple[State, Any, Any]:
        """Before the first dose: covariates are known, and what is sampled at the start."""
        t = self.treatment
        known = [(i, c.name) for i, c in enumerate(t.channels) if c.kind == "covariate"]
        size = len(known) + len(t.samples) + self.per_step * self.spec.max_steps
        history = empty(size)
        values = jnp.stack([jnp.float32(patient.covariates.get(name, jnp.nan)) for _, name in known])
        zeros = jnp.zeros(len(known), jnp.float32)
        entries = History(zeros, jnp.array([i for i, _ in known]), values, zeros, jnp.isfinite(values))
        history = write(history, 0, entries)
        x = jax.tree.map(jnp.float32, self.model.baseline(patient.own))
        for j, s in enumerate(t.samples):
            if s.at_start:
                truth = self.model.readings(x, patient.own)[s.reading]
                value = self._measure(key, patient, s.reading, truth, 0)
                entry = History(*(jnp.asarray(v)[None] for v in (0.0, self.names.index(s.reading), value, 0.0, True)))
                history = write(history, len(known) + j, entry)
        zero = jnp.float32(0)
        state = State(x, zero, jnp.int32(0), jnp.int32(0), zero - 1, zero + jnp.inf, history)
        return state, self.observe(state), self.mask(state)

    def observe(self, state: State) -> Any:
        """The observation: a pure function of the history."""
        return encode(state.history, state.day * DAY, self.treatment.channels, self.treatment.days * DAY)

    def mask(self, state: State) -> Any:
        """Which rows may be chosen next: the limits' word on what the history holds, never empty."""
        limits = self.treatment.limits
        if not limits:
            return jnp.ones(len(self.amount), bool)
        facts = facts_of(state.history, state.day * DAY, self.treatment)
        return offered(limits, self.spec, facts)[0]

    def _measure(self, key: Any, patient: population.Patient, reading: str, truth: Any, day: Any) -> Any:
        residual = self.treatment.model.residuals[reading]
        stream = RESIDUAL + 10 * (1 + list(self.model.reading_units).index(reading))
        z = jax.random.normal(self._stream(key, patient, stream, day), (3,))
        noisy = truth * jnp.exp(residual.ln_sd * z[0]) * (1 + residual.proportional * z[1])
        return noisy + residual.additive * z[2]

    def play(self, key: Any, state: State, chosen: Chosen, patient: population.Patient) -> tuple[State, Course]:
        """The interval after one decision, and the state at the next visit."""
        t = self.treatment
        mg = self.mg(chosen.amount, patient)
        wait = chosen.wait
        given = (chosen.amount > 0).astype(jnp.float32)
        p = self.occasion(key, patient, state.given)
        trace = self.course(state.x, p, mg, wait * DAY)
        parts = [(0.0, self.names.index("dose"), mg, self.duration, given > 0)]
        for s, nodes in zip(t.samples, self.sample_nodes, strict=True):
            for days, node in zip(s.days, nodes, strict=True):
                day = state.day + days
                value = self._measure(key, patient, s.reading, trace.readings[s.reading][node], day)
                stream = MISSING + 10 * (1 + list(self.model.reading_units).index(s.reading))
                missed = jax.random.uniform(self._stream(key, patient, stream, day)) < s.missing
                parts.append((days * DAY, self.names.index(s.reading), value, 0.0, (days <= wait) & ~missed))
        columns = [jnp.stack([jnp.asarray(v) for v in column]) for column in zip(*parts, strict=True)]
        entries = History(columns[0] + state.day * DAY, *columns[1:])
        first = state.history.time.shape[0] - self.per_step * self.spec.max_steps
        history = write(state.history, first + self.per_step * state.step, entries)
        readings = trace.readings[t.key]
        interval = Interval(chosen.amount, given, trace.lowest, readings[-1], wait)
        after = State(
            trace.state,
            state.day + wait,
            state.step + 1,
            state.given + given.astype(jnp.int32),
            jnp.where(given > 0, interval.dose, state.last_dose),
            jnp.where(given > 0, trace.lowest, state.last_lowest),
            history,
        )
        return after, Course(interval, readings[self.day_nodes])

    def step(self, key: Any, state: State, action: Any, patient: population.Patient) -> Step:
        """One decision. Past the last dose or day nothing happens: loops keep an alive mask."""
        after, course = self.play(key, state, self.chosen(action), patient)
        return self.outcome(after, course)

    def outcome(self, after: State, course: Course) -> Step:
        """The `Step` that an interval amounts to."""
        t = self.treatment
        terms = jnp.stack([jnp.asarray(term.of(course.interval), jnp.float32) for term in t.terms])
        costs = jnp.stack([jnp.asarray(cost.of(course.interval), jnp.float32) for cost in t.costs])
        over = (after.given >= t.doses) | (after.day >= t.days - 1e-3) | (after.step >= self.spec.max_steps)
        reward = jnp.asarray(self.spec.weights, jnp.float32) @ terms
        never = jnp.zeros((), bool)
        return Step(after, self.observe(after), reward, terms, costs, never, over, self.mask(after))
