"""Makes a treatment an environment: doses in, measured values out, one visit at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from posology.data.history import DAY, History, empty, encode, write
from posology.environments.along import Steps
from posology.environments.facts import facts_of
from posology.environments.reward import Interval, time_between
from posology.environments.spec import Action, Spec, Step
from posology.environments.treatment import Treatment
from posology.patients import dosing, integrate, population
from posology.patients.dosing import Schedule
from posology.patients.likelihood import observed
from posology.patients.model import PatientModel
from posology.safety.shield import interval, offered

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
    """A decision in physical units: amount of each dose in the action table's unit, days to wait, and
    hours between doses until then (0: one dose; None: as the standard)."""

    amount: Any
    wait: Any
    every: Any = None


class Course(NamedTuple):
    """One interval in full, for figures: its summary, and the key reading at the end of each day."""

    interval: Interval
    by_day: Any


class TreatmentEnvironment:
    """The functional environment of a treatment; `model` may differ from the treatment's own,
    to judge a policy under another patient than it was trained on; then `population` says how
    covariates are distributed that only this model reads, and `infusion` over how many hours the body
    gets a dose, whatever the action table says."""

    def __init__(
        self,
        treatment: Treatment,
        model: PatientModel | None = None,
        population: Mapping[str, population.Distribution] | None = None,
        infusion: float | None = None,
    ) -> None:
        self.treatment = treatment
        self.model = model or treatment.model
        self.population = {**treatment.population, **(population or {})}
        self.spec: Spec = treatment.spec
        self.fingerprint = treatment.fingerprint
        actions = treatment.actions
        self.table = replace(self.spec, actions=actions)  # rows, also where the dose is continuous
        self.amount = np.array([a.amount for a in actions], np.float32)
        self.wait = np.array([a.wait for a in actions], np.float32)
        self.every = np.array([a.interval for a in actions], np.float32)
        self.names = [c.name for c in treatment.channels]
        self.duration = max(a.duration for a in actions)
        self.infusion = self.duration if infusion is None else infusion
        self._lay_out([*actions, *([treatment.loading] if treatment.loading else [])])
        self.per_step = self.doses_per_step + sum(len(s.days) for s in treatment.samples)

    def _lay_out(self, actions: list[Action]) -> None:
        """Steps of the longest interval, with every time of a dose or a sample a step end."""
        treatment, longest = self.treatment, max(a.wait for a in actions) * DAY
        self.intervals = sorted({a.interval for a in actions if a.amount > 0})
        times = [np.arange(0.0, longest, h) if h else np.zeros(1) for h in self.intervals]
        doses = sorted({(float(t), self.infusion) for row in times for t in row})
        waits = sorted({a.wait * DAY for a in actions})
        samples = [d * DAY for s in treatment.samples for d in s.days]
        daily = [d * DAY for d in range(1, int(longest / DAY) + 1)]
        self.ends = dosing.step_ends(self.model.grid, doses, [*waits, *samples, *daily], longest)
        self.length = np.diff(np.concatenate([[0.0], self.ends])).astype(np.float32)
        inputs = [dosing.fractions(self.ends, [(t, self.infusion) for t in row]) for row in times]
        self.rate = np.stack([rate.sum(axis=1) for rate, _ in inputs]).astype(np.float32)
        self.bolus = np.stack([bolus.sum(axis=1) for _, bolus in inputs]).astype(np.float32)
        self.doses_per_step = max(len(row) for row in times)
        self.dose_times = np.full((len(times), self.doses_per_step), np.inf, np.float32)
        for i, row in enumerate(times):
            self.dose_times[i, : len(row)] = row
        self.day_nodes = np.array([int(np.argmin(np.abs(self.ends - d))) for d in daily])
        self.sample_nodes = [[int(np.argmin(np.abs(self.ends - d * DAY))) for d in s.days] for s in treatment.samples]

    # --- patients

    def draw(self, key: Any, n: int) -> population.Patient:
        """`n` patients; patient i depends on (key, i) alone."""
        return self._drawing(key, np.arange(n, dtype=np.int32))

    @cached_property
    def _drawing(self) -> Callable[[Any, Any], population.Patient]:
        """The population, compiled once however often patients are drawn."""
        measured = tuple(m for m in self.treatment.measured if any(c.name == m for c in self.model.covariates))
        return population.drawing(self.model, self.population, measured)

    def chosen(self, action: Any) -> Chosen:
        """The row of the action table in physical units."""
        return Chosen(*(jnp.asarray(v)[action] for v in (self.amount, self.wait, self.every)))

    def decided(self, action: Any, state: State) -> Chosen:
        """The decision that an action stands for: a row of the table, or a continuous dose in the table's unit, held
        inside the range and the limits at `state`. Where they close every dose nothing is given, until the next visit
        or for as long as a delay lasts."""
        if self.spec.discrete:
            return self.chosen(action)
        t = self.treatment
        found = interval(t.limits, self.spec, facts_of(state.history, state.day * DAY, t))
        is_open, pause = found.closed_by < 0, [a.wait for a in t.actions if a.delay] or [t.standard.wait]
        dose = jnp.clip(jnp.asarray(action, float), found.lower, found.upper)
        return Chosen(
            jnp.where(is_open, dose, 0.0), jnp.where(is_open, t.standard.wait, pause[0]), jnp.float32(t.standard.interval)
        )

    def _row(self, every: Any) -> Any:
        """Which of the table's intervals between doses is meant."""
        if len(self.intervals) == 1:
            return 0
        every = self.treatment.standard.interval if every is None else every
        return jnp.argmin(jnp.abs(jnp.asarray(self.intervals) - every))

    def recorded(self, amount: Any, patient: population.Patient) -> Any:
        """A dose as a record holds it (mg, or the unit of an entry that takes no mg), of an amount in the table's unit."""
        unit = self.treatment.actions[0].unit
        scale = {"mg/m2": "bsa", "mg/kg": "weight"}.get(unit)
        return amount * (patient.covariates[scale] if scale else 1.0)

    # --- one interval of the hidden patient

    def course(self, x: Any, p: Any, dose: Any, wait_hours: Any, every: Any = None, prepared: Any = None) -> Any:
        """Trace of the model over an interval with doses as `recorded` (see `Chosen.every`), up to `wait_hours`; `prepared` of
        all its steps where several decisions share it."""
        amount = dose * self.model.entries[self.model.entry].scale
        row, inside = self._row(every), self.ends <= wait_hours + 1e-3
        rate, bolus = (jnp.asarray(v)[row] * amount for v in (self.rate, self.bolus))
        schedule = Schedule(jnp.where(inside, self.length, 0.0), rate, jnp.where(inside, bolus, 0.0))
        if prepared is not None:  # a step of length 0 changes nothing
            prepared = jax.tree.map(lambda v: jnp.where(inside, v, 0.0), prepared)
        key, recompute = self.treatment.key, self.spec.differentiable
        return integrate.advance(self.model, p, x, schedule, key, prepared=prepared, recompute=recompute)

    def predict(self, x: Any, p: Any, chosen: Chosen, patient: population.Patient) -> Interval:
        """The interval after a decision, from state `x` with parameters `p`."""
        return self.forecast(x, p, chosen, patient)[0]

    def forecast(
        self, x: Any, p: Any, chosen: Chosen, patient: population.Patient, prepared: Any = None
    ) -> tuple[Interval, Any]:
        """The interval after a decision and the state at its end."""
        trace = self.course(x, p, self.recorded(chosen.amount, patient), chosen.wait * DAY, chosen.every, prepared)
        return self._interval(x, p, chosen, trace), trace.state

    def _given(self, chosen: Chosen) -> tuple[Any, Any]:
        """Times of the doses of a decision (hours) and which of them are given."""
        times = jnp.asarray(self.dose_times)[self._row(chosen.every)]
        return times, (times < chosen.wait * DAY - 1e-3) & (chosen.amount > 0)

    def _interval(self, x: Any, p: Any, chosen: Chosen, trace: Any) -> Interval:
        """Summary of a trace that began in state `x`."""
        hours = jnp.where(self.ends <= chosen.wait * DAY + 1e-3, self.length, 0.0)
        total = chosen.amount * jnp.sum(self._given(chosen)[1])
        return self.summary(x, p, chosen, total, trace.readings, trace.lowest, jnp.asarray(self.ends), hours)

    def summary(
        self, x: Any, p: Any, chosen: Chosen, total: Any, readings: Mapping[str, Any], lowest: Any, times: Any, hours: Any
    ) -> Interval:
        """Summary of an interval that began in state `x`, whatever its steps.

        Args:
            total: of all its doses.
            readings: at the end of each step, `[K]`, the last one at the end of the interval.
            lowest: value of the key reading.
            times: ends of the steps, `[K]`; `hours` their lengths, 0 beyond the interval.
        """
        key, window, days = self.treatment.key, self.treatment.window, chosen.wait
        ends = readings[key]
        given = (chosen.amount > 0).astype(jnp.float32)
        before, after = self.model.readings(x, p), {name: v[-1] for name, v in readings.items()}
        found = Interval(chosen.amount, given, lowest, ends[-1], days, total, before=before, after=after)
        if not (window or self.treatment.along):
            return found
        starts = jnp.concatenate([jnp.atleast_1d(before[key] + 0 * ends[0]), ends[:-1]])
        steps = Steps(times.astype(ends.dtype), hours, starts, ends)
        found = found._replace(along={name: of(steps) for name, of in self.treatment.along.items()})
        if not window:
            return found
        length = hours / DAY
        bounds = ((0.0, window.low), (window.low, window.high), (window.harm, float("inf")))
        below, within, harmful = (jnp.sum(length * time_between(starts, ends, *b)) for b in bounds)
        mean = jnp.sum(length * (starts + ends) / 2) / days
        above = jnp.maximum(days - below - within, 0.0)
        return found._replace(mean=mean, below=below, within=within, above=above, harmful=harmful)

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
        before = self.per_step if t.loading else 0
        size = len(known) + len(t.samples) + before + self.per_step * self.spec.max_steps
        history = jax.lax.optimization_barrier(empty(size))  # else the compiler works out what it encodes to, slowly
        values = jnp.array([patient.covariates.get(name, jnp.nan) for _, name in known], jnp.float32)
        zeros = jnp.zeros(len(known), jnp.float32)
        entries = History(zeros, jnp.array([i for i, _ in known], jnp.int32), values, zeros, jnp.isfinite(values))
        history = write(history, 0, entries)
        x = jax.tree.map(jnp.float32, self.model.baseline(patient.own))
        zero = jnp.float32(0)
        state = State(x, zero, jnp.int32(0), jnp.int32(0), zero - 1, zero + jnp.inf, history)
        if t.loading:
            state = self._load(key, state, t.loading, patient)
        state = state._replace(history=self._at_start(key, state, patient, len(known)))
        return state, self.observe(state), self.mask(state)

    def _load(self, key: Any, state: State, loading: Action, patient: population.Patient) -> State:
        """After the loading dose: it is in the history, and no decision has been made yet."""
        chosen = Chosen(*(jnp.float32(v) for v in (loading.amount, loading.wait, loading.interval)))
        before = state._replace(step=state.step - 1, given=state.given - 1)
        after = self.play(key, before, chosen, patient)[0]
        return after._replace(last_dose=state.last_dose, last_lowest=state.last_lowest)

    def _at_start(self, key: Any, state: State, patient: population.Patient, at: int) -> History:
        """What is measured before the first decision."""
        history = state.history
        for j, s in enumerate(self.treatment.samples):
            if s.at_start:
                truth = self.model.readings(state.x, patient.own)[s.reading]
                value = self._measure(key, patient, s.reading, truth, state.day)
                fields = (state.day * DAY, self.names.index(s.reading), value, 0.0, True)
                history = write(history, at + j, History(*(jnp.asarray(v)[None] for v in fields)))
        return history

    def observe(self, state: State) -> Any:
        """The observation: a pure function of the history."""
        return encode(state.history, state.day * DAY, self.treatment.channels, self.treatment.days * DAY)

    def mask(self, state: State) -> Any:
        """Which rows of the table may be chosen next: the limits' word on what the history holds, never empty."""
        limits = self.treatment.limits
        if not limits:
            return jnp.ones(len(self.amount), bool)
        facts = facts_of(state.history, state.day * DAY, self.treatment)
        return offered(limits, self.table, facts)[0]

    def _measure(self, key: Any, patient: population.Patient, reading: str, truth: Any, day: Any) -> Any:
        residual = self.treatment.model.residuals[reading]
        stream = RESIDUAL + 10 * (1 + list(self.model.reading_units).index(reading))
        z = jax.random.normal(self._stream(key, patient, stream, day), (3,))
        seen = observed(self.treatment.model, reading, truth, z)
        return jnp.where(seen < residual.lloq, residual.lloq / 2, seen)  # as a record's value below it is read

    def play(self, key: Any, state: State, chosen: Chosen, patient: population.Patient) -> tuple[State, Course]:
        """The interval after one decision, and the state at the next visit."""
        dose = self.recorded(chosen.amount, patient)
        p = self.occasion(key, patient, state.given)
        trace = self.course(state.x, p, dose, chosen.wait * DAY, chosen.every)
        interval = self._interval(state.x, p, chosen, trace)
        entries = self._entries(key, state, chosen, dose, trace, patient)
        first = state.history.time.shape[0] - self.per_step * self.spec.max_steps
        given = interval.given > 0
        after = State(
            trace.state,
            state.day + chosen.wait,
            state.step + 1,
            state.given + given.astype(jnp.int32),
            jnp.where(given, interval.dose, state.last_dose),
            jnp.where(given, trace.lowest, state.last_lowest),
            write(state.history, first + self.per_step * state.step, entries),
        )
        return after, Course(interval, trace.readings[self.treatment.key][self.day_nodes])

    def _entries(
        self, key: Any, state: State, chosen: Chosen, dose: Any, trace: Any, patient: population.Patient
    ) -> History:
        """What a decision adds to the history: its doses, then what is measured until the next visit."""
        times, given = self._given(chosen)
        parts = [(times[i], self.names.index("dose"), dose, self.duration, given[i]) for i in range(len(times))]
        for s, nodes in zip(self.treatment.samples, self.sample_nodes, strict=True):
            for days, node in zip(s.days, nodes, strict=True):
                day = state.day + days
                value = self._measure(key, patient, s.reading, trace.readings[s.reading][node], day)
                stream = MISSING + 10 * (1 + list(self.model.reading_units).index(s.reading))
                missed = jax.random.uniform(self._stream(key, patient, stream, day)) < s.missing
                parts.append((days * DAY, self.names.index(s.reading), value, 0.0, (days <= chosen.wait) & ~missed))
        columns = [jnp.stack([jnp.asarray(v) for v in column]) for column in zip(*parts, strict=True)]
        times = jnp.where(columns[4], columns[0], 0.0) + state.day * DAY
        return History(times, *columns[1:])

    def step(self, key: Any, state: State, action: Any, patient: population.Patient) -> Step:
        """One decision. Past the last dose or day nothing happens: loops keep an alive mask."""
        after, course = self.play(key, state, self.decided(action, state), patient)
        return self.outcome(after, course)

    def terms(self, interval: Interval) -> Any:
        """What an interval is worth, by reward term."""
        return jnp.stack([jnp.asarray(term.of(interval), jnp.float32) for term in self.treatment.terms])

    def reward(self, terms: Any) -> Any:
        """The sum of weighted terms."""
        return jnp.asarray(self.spec.weights, jnp.float32) @ terms

    def ended(self, interval: Interval, given: Any, day: Any) -> tuple[Any, Any]:
        """Whether an interval ended the course for good, and whether doses or calendar are used up after it."""
        t = self.treatment
        stopped = jnp.asarray(t.stops(interval)) > 0 if t.stops else jnp.zeros((), bool)
        return stopped, (given >= t.doses) | (day >= t.days - 1e-3)

    def outcome(self, after: State, course: Course) -> Step:
        """The `Step` that an interval amounts to."""
        terms = self.terms(course.interval)
        costs = jnp.stack([jnp.asarray(cost.of(course.interval), jnp.float32) for cost in self.treatment.costs])
        stopped, over = self.ended(course.interval, after.given, after.day)
        over = over | (after.step >= self.spec.max_steps)
        return Step(after, self.observe(after), self.reward(terms), terms, costs, stopped, over & ~stopped, self.mask(after))
