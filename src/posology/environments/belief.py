"""A treatment seen through a belief: the policy also sees what the past says of this patient.

`with_belief(env, count)` carries a weighted ensemble of patients (`patients/particles.py`), updates it
with what the history gained at each visit and nothing else, and appends to the observation: mean and
SD of ln of each uncertain parameter relative to the typical patient of the same covariates, and the
10, 50 and 90 % prediction of ln of the deciding quantity (the lowest key reading; the mean one where
the treatment has a therapeutic window) after each row of the action table.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from posology.data.history import DAY, History
from posology.environments.protocol import State, TreatmentEnvironment
from posology.environments.reward import Interval
from posology.environments.spec import Feature, Spec, Step
from posology.environments.treatment import Treatment
from posology.patients import integrate, particles
from posology.patients.course import Frame, Increment
from posology.patients.particles import Belief
from posology.patients.past import by_dose, count
from posology.patients.population import Patient
from posology.patients.prior import Prior, Typical

QUANTILES = (0.1, 0.5, 0.9)
ANCHORS = 5  # doses that are simulated where a table has more that differ in amount alone
PARTICLES = 64
AHEAD = 32  # of them that look ahead in `features`, chosen by weight


class Believer:
    """What turns a treatment's history into a belief, with `count` particles. The model is the
    treatment's own, whatever patient it meets."""

    def __init__(self, treatment: Treatment, count: int = PARTICLES) -> None:
        model = treatment.model
        self.treatment, self.count = treatment, count
        self.env = TreatmentEnvironment(treatment, replace(model, grid=model.coarse or model.grid))
        self.prior = Prior(model, tuple(m for m in treatment.measured if model.covariate(m).sets))
        self.frame = Frame(float(self.env.wait.max()) * DAY, float(self.env.duration))

    @cached_property
    def _reading(self) -> np.ndarray:
        """Index of the model's reading for each channel, -1 for others."""
        names = list(self.prior.model.reading_units)
        measured = [c.name if c.name in self.prior.model.residuals else "" for c in self.treatment.channels]
        return np.array([names.index(c) if c in names else -1 for c in measured])

    def typical(self, patient: Patient) -> Typical:
        """The centre of the prior for this patient's covariates."""
        wanted = [c.name for c in self.prior.model.covariates if c.name in patient.covariates]
        return self.prior.typical({name: patient.covariates[name] for name in wanted})

    def blank(self) -> Belief:
        """A belief of the right shapes that says nothing: what a memory holds before the first visit."""
        none = jnp.zeros(self.count)
        x = self.prior.model.State(*[none] * len(self.prior.model.State._fields))  # type: ignore[attr-defined]
        return Belief(none, jnp.zeros((self.count, len(self.prior.names))), x, jnp.int32(0))

    def start(self, patient: Patient) -> Belief:
        """The belief when only covariates are known."""
        return particles.start(self.prior, self.typical(patient), self.count)

    def update(self, patient: Patient, belief: Belief, i: Increment) -> Belief:
        """The belief after one more stretch."""
        return particles.assimilate(self.prior, self.frame, self.typical(patient), belief, i)

    def replay(self, patient: Patient, past: Increment, frame: Frame) -> Belief:
        """The belief after a whole past (stacked stretches); those that pad it are not followed."""
        typical = self.typical(patient)

        def stretch(t: Any, belief: Belief) -> Belief:
            return particles.assimilate(self.prior, frame, typical, belief, jax.tree.map(lambda v: jnp.asarray(v)[t], past))

        return jax.lax.fori_loop(0, count(past), stretch, self.start(patient))

    def visit(self, patient: Patient, before: Belief, state: State) -> Belief:
        """The belief at a visit of a simulated patient, from the one at the visit before."""
        start, entries = self.start(patient), last_entries(self.env, state.history, state.step)
        first = state.step == 0
        before = jax.tree.map(lambda a, b: jnp.where(first, a, b), start, before)
        after = self.update(patient, before, self._increment(entries, state.day * DAY))
        nothing = first & (self.treatment.loading is None)
        return jax.tree.map(lambda a, b: jnp.where(nothing, a, b), start, after)

    def _increment(self, entries: History, now: Any) -> Increment:
        """The stretch of one decision, up to `now` (hours), from its slots of the history."""
        doses = self.env.doses_per_step
        given, rest = (jax.tree.map(lambda v, s=s: v[s], entries) for s in (slice(doses), slice(doses, None)))
        begin = given.time[0]
        span = now - begin
        reading = jnp.asarray(self._reading)[rest.what]
        told = rest.present & (rest.time <= now + 1e-3) & (reading >= 0)
        return Increment(
            jnp.where(given.present, given.time - begin, span), jnp.where(given.present, given.value, 0.0),
            given.duration, span, rest.time - begin, jnp.maximum(reading, 0),
            jnp.where(told, rest.value, 1.0), jnp.zeros_like(told), told,
        )  # fmt: skip

    def past(self, history: History, now: Any) -> Increment:
        """All stretches of a history up to `now`, one per dose."""
        dose = [c.kind for c in self.treatment.channels].index("dose")
        reading = jnp.asarray(self._reading)[history.what]
        told = history.present & (reading >= 0) & (history.time <= now + 1e-3)
        given = history.present & (history.what == dose)
        doses = min(self.treatment.doses, self.env.spec.max_steps) * self.env.doses_per_step
        most = self.env.per_step - self.env.doses_per_step + 2
        reading = jnp.maximum(reading, 0)
        return by_dose(history.time, history.value, history.duration, given, reading, told, now, doses, most)

    def expected(self, patient: Patient, belief: Belief, vary: bool = True) -> Interval:
        """What each particle expects of each row of the action table: an `Interval` of `[K, A]` arrays.

        Where many rows differ in amount alone and nothing is asked of the whole course (a therapeutic window, `along`), five
        of them are simulated and ln of the readings is interpolated over the dose. `vary` draws occasion effects.
        """
        groups = _alike(self.env)
        coarse = not (self.treatment.window or self.treatment.along)
        anchors = [_anchors(rows) if coarse else rows for rows in groups]
        known, parts, begin = self._simulated(patient, belief, np.concatenate(anchors), vary), [], 0
        for rows, at in zip(groups, anchors, strict=True):
            columns = slice(begin, begin + len(at))
            mine = jax.tree.map(lambda v, here=columns: v[:, here], known)
            parts.append(_between(mine, self.env.amount, at, rows))
            begin += len(at)
        back = np.argsort(np.concatenate(groups))
        return jax.tree.map(lambda *v: jnp.concatenate(v, axis=1)[:, back], *parts)

    def _simulated(self, patient: Patient, belief: Belief, rows: np.ndarray, vary: bool) -> Interval:
        """After each of `rows`, by one program for all; what does not depend on the row is worked out once."""
        typical, env = self.typical(patient), self.env
        kappa = particles.occasions(self.prior, len(belief.log_weight), belief.seen) * vary

        def one(effects: Any, x: Any, occasion: Any) -> Interval:
            own = self.prior.individual(typical, effects, occasion)
            prepared = integrate.prepare(env.model, own, env.length)
            return jax.vmap(lambda chosen: env.forecast(x, own, chosen, patient, prepared)[0])(env.chosen(rows))

        return jax.vmap(one)(belief.effects, belief.x, kappa)


def _anchors(rows: np.ndarray) -> np.ndarray:
    """Some of the rows, evenly spaced, both ends included; all where they are few."""
    few = np.linspace(0, len(rows) - 1, ANCHORS).round().astype(int)
    return rows[few] if len(rows) > ANCHORS else rows


def _alike(env: TreatmentEnvironment) -> list[np.ndarray]:
    """Rows of the action table, grouped by all but their amount, each group by rising amount."""
    groups: dict[Any, list[int]] = {}
    for i, a in enumerate(env.treatment.actions):
        groups.setdefault((a.duration, a.wait, a.interval, a.amount > 0), []).append(i)
    return [np.array(sorted(rows, key=lambda r: env.amount[r])) for rows in groups.values()]


def _between(known: Interval, amount: np.ndarray, anchors: np.ndarray, rows: np.ndarray) -> Interval:
    """Intervals at the anchors `[K, N]` made ones at all rows `[K, A]`: doses and days are exact."""
    if len(anchors) == len(rows):
        return known

    def over(values: Any) -> Any:
        log = jnp.log(jnp.maximum(values, 1e-6))
        return jnp.exp(jax.vmap(lambda v: jnp.interp(amount[rows], amount[anchors], v))(log))

    wide = jax.tree.map(lambda v: jnp.broadcast_to(v[:, :1], (v.shape[0], len(rows))), known)
    doses = jnp.broadcast_to(jnp.asarray(amount[rows]), wide.dose.shape)
    scale = doses / known.dose[:, :1]
    after = {name: over(v) for name, v in known.after.items()}
    return wide._replace(dose=doses, lowest=over(known.lowest), end=over(known.end), total=wide.total * scale, after=after)


def last_entries(env: TreatmentEnvironment, history: History, step: Any) -> History:
    """What the history of a simulated patient gained in the decision before `step`: doses first. Before
    the first decision it is the loading dose, where there is one."""
    first = history.time.shape[0] - env.per_step * env.spec.max_steps
    at = first + env.per_step * (step - 1)
    at = at if env.treatment.loading else jnp.maximum(at, first)
    return jax.tree.map(lambda v: jax.lax.dynamic_slice(v, (at,), (env.per_step,)), history)


def features(b: Believer, patient: Patient, belief: Belief) -> Any:
    """What a policy sees of a belief, `[2 R + 3 A]`; see the module's text."""
    mean, factor = particles.moments(belief)
    sd = jnp.sqrt(jnp.sum(factor**2, axis=1))
    few = particles.thinned(belief, AHEAD) if b.count > AHEAD else belief
    expected = b.expected(patient, few)
    log = jnp.log(jnp.maximum(expected.mean if b.treatment.window else expected.lowest, 1e-3))
    spread = jax.vmap(lambda v: particles.quantiles(v, few.log_weight, QUANTILES), in_axes=1)(log)
    return jnp.concatenate([mean, sd, spread.ravel()]).astype(jnp.float32)


def feature_names(b: Believer) -> list[Feature]:
    """Name and unit of each number of `features`."""
    names = [Feature(f"{what} ln {n}", "1") for what in ("mean of", "SD of") for n in b.prior.names]
    what = "mean" if b.treatment.window else "lowest"
    for a in b.treatment.actions:
        names += [Feature(f"{q:.0%} of ln {what} {b.treatment.key} after {a.label}", "ln") for q in QUANTILES]
    return names


class Believing(NamedTuple):
    """State of a patient with the belief about him."""

    inner: State
    belief: Belief


class BeliefEnvironment:
    """The functional environment of a treatment whose observation goes on with a belief."""

    def __init__(self, env: TreatmentEnvironment, count: int) -> None:
        self.env, self.believer = env, Believer(env.treatment, count)
        self.treatment, self.fingerprint, self.draw, self.belief = env.treatment, env.fingerprint, env.draw, count
        self.spec: Spec = replace(env.spec, observation=(*env.spec.observation, *feature_names(self.believer)))

    def reset(self, key: Any, patient: Patient) -> tuple[Believing, Any, Any]:
        """Start of an episode: `(state, observation, mask)`."""
        inner, observation, mask = self.env.reset(key, patient)
        belief = self.believer.visit(patient, self.believer.start(patient), inner)
        return Believing(inner, belief), self._seen(observation, belief, patient), mask

    def step(self, key: Any, state: Believing, action: Any, patient: Patient) -> Step:
        """One decision; the belief follows what the history gained."""
        step = self.env.step(key, state.inner, action, patient)
        belief = self.believer.visit(patient, state.belief, step.state)
        return step._replace(
            state=Believing(step.state, belief), observation=self._seen(step.observation, belief, patient)
        )

    def _seen(self, observation: Any, belief: Belief, patient: Patient) -> Any:
        return jnp.concatenate([observation, features(self.believer, patient, belief)])


def with_belief(env: TreatmentEnvironment, count: int = PARTICLES) -> BeliefEnvironment:
    """The environment whose policies also see a belief of `count` particles."""
    return BeliefEnvironment(env, count)
