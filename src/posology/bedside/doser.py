"""Who chooses the dose for a record: a trained policy or a guideline, held inside the limits."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from posology.bedside.believed import what_happened
from posology.bedside.view import View, closing, permits, seen, verdicts
from posology.data.history import DAY
from posology.environments.belief import Believer, features
from posology.environments.protocol import Chosen, State, TreatmentEnvironment
from posology.environments.records import Known
from posology.environments.ruled import ruled
from posology.environments.spec import Action
from posology.environments.treatment import Treatment
from posology.evaluation import arms
from posology.patients import population
from posology.policies import storage
from posology.policies.policy import Policy
from posology.safety.abstain import nothing_allowed
from posology.safety.limits import Facts, Limit
from posology.safety.shield import bound_name, decide

KEY = 0  # policies that draw at random draw the same for the same record


class Doser(NamedTuple):
    """A named chooser for records of one treatment. `policy` is set for a trained policy, and `replay`
    for one that acts on a belief, which it rebuilds from the past; `choose` is compiled."""

    name: str
    arm: arms.Arm
    policy: Policy | None
    replay: Any
    choose: Any


class Decision(NamedTuple):
    """What is chosen, before rounding: None with a `reason` when nothing is. `bound_by` names the limit
    without which another dose would have been chosen."""

    action: Action | None
    bound_by: str | None
    reason: str | None


def doser(treatment: Treatment, name: str, measured: tuple[str, ...] | None = None) -> Doser:
    """The chooser of that name: an arm of the treatment or a run folder, whose policy is held inside the rules of the drug too.

    Args:
        measured: covariates that the record gives without error, of those that the treatment measures; by default all. What is
            not among them stays uncertain for a planner.

    Raises:
        ValueError: for an unknown arm, a planner that needs the hidden truth, or a run that cannot be used.
    """
    run = Path(name)
    stamp = (run / "policy.json").stat().st_mtime_ns if (run / "policy.json").is_file() else 0
    return _doser(treatment, name, stamp, treatment.measured if measured is None else measured)


@lru_cache(maxsize=32)
def _doser(treatment: Treatment, name: str, stamp: int, measured: tuple[str, ...]) -> Doser:
    env = TreatmentEnvironment(replace(treatment, measured=measured))
    if name.startswith("oracle"):
        raise ValueError(f"arm '{name}' needs the patient's hidden parameters, which no record holds; name another arm")
    if stamp or Path(name).is_dir() or "/" in name:
        stored = storage.load_policy(name, fingerprint=treatment.fingerprint)
        if arms.sees_reward(stored.record):
            raise ValueError(f"{name} sees what its decision before brought, which no record holds; learn with sees_reward=false")
        particles = int(stored.record.get("belief", 0))
        if particles and measured != treatment.measured:
            lacking = ", ".join(m for m in treatment.measured if m not in measured)
            raise ValueError(f"{name} acts on a belief that begins with {lacking}, which the record does not have")
        arm = arms.of_policy(stored.policy, env, particles)
        choose_inside = _shielded(ruled(treatment), stored.policy, arm.believer)
        return Doser(Path(name).name, arm, stored.policy, _replay(arm), choose_inside)
    arm = arms.guideline(name, env)
    key = jax.random.key(KEY)

    def choose(state: State, observation: Any, mask: Any, who: population.Patient, belief: Any) -> Chosen:
        if arm.by_belief is not None:
            return arm.by_belief(env, key, belief, observation, mask, who)
        return arm.choose(env, key, state, observation, mask, who, arm.memory())[0]

    return Doser(name, arm, None, _replay(arm), jax.jit(choose))


def _replay(arm: arms.Arm) -> Any:
    b = arm.believer
    return jax.jit(b.replay, static_argnums=2) if b is not None else None


def _belief(doser: Doser, treatment: Treatment, known: Known, who: population.Patient) -> Any:
    """The belief that the arm itself acts on; its number of particles is its own."""
    return doser.replay(who, *what_happened(treatment, known)) if doser.replay else ()


def _shielded(treatment: Treatment, policy: Policy, b: Believer | None) -> Any:
    def choose(view: View, memory: Any, who: population.Patient, belief: Any) -> Any:
        more = [features(b, who, belief)] if b is not None else []
        decision = decide(policy, treatment.limits, treatment.spec, view.facts)
        return decision(jax.random.key(KEY), jnp.concatenate([view.observation, *more]), None, memory)[0]

    return jax.jit(choose)


def state_of(treatment: Treatment, known: Known, x: Any = None) -> State:
    """A record as the state of an environment, with what was measured in place of what is hidden.

    The lowest count measured since the last dose stands for the true nadir; it is never below it.
    """
    t, now = treatment, known.now
    given = [d for d in known.doses if d.recorded]
    last = given[-1] if given else None
    size = _size(t, {name: v.value for name, v in known.latest.items()})
    since = [m.value for m in known.measured if last and m.name == t.key and m.time is not None and m.time > last.time]
    return State(
        x=x,
        day=jnp.float32(now / DAY),
        step=jnp.int32(1),  # the slot of the decision before; what it held is in the entries of the record
        given=jnp.int32(_decisions(t, known)),
        last_dose=jnp.float32(-1.0 if last is None else _snapped(t, last.amount / size)),
        last_lowest=jnp.float32(min(since, default=float("nan")) if last else float("inf")),
        history=known.history,
    )


def _decisions(treatment: Treatment, known: Known) -> int:
    """How many doses were decided on; where an interval holds several doses, the intervals that passed."""
    if not any(a.interval for a in treatment.actions):
        return len(known.doses)
    started = treatment.loading.wait if treatment.loading else 0.0
    return max(0, round((known.now / DAY - started) / treatment.standard.wait))


def _size(treatment: Treatment, covariates: dict[str, float]) -> float:
    """What a dose in the table's unit is multiplied by to be mg."""
    unit = treatment.standard.unit
    return covariates["bsa"] if unit == "mg/m2" else covariates["weight"] if unit == "mg/kg" else 1.0


def _snapped(treatment: Treatment, amount: float) -> float:
    """The row of the table that was rounded to this amount, else the amount."""
    near = [a.amount for a in treatment.actions if a.amount and abs(a.amount - amount) <= 0.02 * a.amount]
    return min(near, key=lambda a: abs(a - amount), default=amount)


def choice(doser: Doser, treatment: Treatment, known: Known, who: population.Patient, view: View) -> Decision:
    """The dose that `doser` chooses inside the limits, for a record as it stands."""
    belief = _belief(doser, treatment, known, who)
    if doser.policy is not None:
        return _of_policy(doser, treatment, known, view, who, belief)
    state = state_of(treatment, known)
    answer = wanted = _as_action(treatment, doser.choose(state, view.observation, view.mask, who, belief))
    if not np.array_equal(view.mask, view.free):
        wanted = _as_action(treatment, doser.choose(state, view.observation, view.free, who, belief))
    if bool(view.none):
        return Decision(None, closing(treatment, view.facts, wanted), _nothing(treatment, view))
    same = answer.amount == wanted.amount and answer.wait == wanted.wait
    bound = None if same else closing(treatment, view.facts, wanted, answer)
    if not permits(treatment, view.facts, answer).all():
        forbidding = closing(treatment, view.facts, answer)
        said = f"{doser.name} answers {answer.label}, which the limits do not allow ({forbidding})"
        return Decision(None, bound, said)
    return Decision(answer, bound, None)


def answered(doser: Doser, treatment: Treatment, known: Known, who: population.Patient, view: View) -> Action | None:
    """The action of `choice` alone, which costs half as much: which limit bound it is not asked."""
    belief = _belief(doser, treatment, known, who)
    if doser.policy is not None:
        return _of_policy(doser, treatment, known, view, who, belief).action
    if bool(view.none):
        return None
    answer = _as_action(treatment, doser.choose(state_of(treatment, known), view.observation, view.mask, who, belief))
    return answer if permits(treatment, view.facts, answer).all() else None


def _of_policy(
    doser: Doser, treatment: Treatment, known: Known, view: View, who: population.Patient, belief: Any
) -> Decision:
    assert doser.policy is not None
    found = doser.choose(view, _remembered(doser.policy, treatment, known), who, belief)
    bound = bound_name(treatment.limits, int(found.bound_by))
    if bool(found.abstained):
        return Decision(None, bound, _nothing(treatment, view))
    action = treatment.actions[int(found.action)]
    if bound and action.delay:  # every dose was closed: name what waiting opens
        bound = closing(treatment, view.facts, treatment.standard, action) or bound
    return Decision(action, bound, None)


def memory_now(doser: Doser, treatment: Treatment, known: Known, who: population.Patient) -> Any:
    """What the arm remembers when it has seen the record as it stands."""
    if doser.replay:
        return _belief(doser, treatment, known, who)
    if doser.policy is None:
        return doser.arm.memory()
    view = seen(treatment, known)
    return doser.policy.act(jax.random.key(KEY), view.observation, view.mask, _remembered(doser.policy, treatment, known))[1]


def _remembered(policy: Policy, treatment: Treatment, known: Known) -> Any:
    """The memory of a recurrent policy, which sees the history again from the first dose."""
    memory = policy.memory()
    if not jax.tree.leaves(memory):
        return memory
    visits = sorted({d.time - known.begin for d in known.doses if d.time - known.begin < known.now} | {0.0} - {known.now})
    dose = [c.kind for c in treatment.channels].index("dose")
    for visit in visits:
        h = known.history
        there = h.present & np.where(h.what == dose, h.time < visit, h.time <= visit)
        before = seen(treatment, known._replace(history=h._replace(present=there), now=visit))
        _, memory = policy.act(jax.random.key(KEY), before.observation, before.mask, memory)
    return memory


def _as_action(treatment: Treatment, chosen: Chosen) -> Action:
    """The row of the table that was chosen, or a row of its own for an amount between rows."""
    amount, wait = float(chosen.amount), float(chosen.wait)
    standard = treatment.standard
    every = standard.interval if chosen.every is None else float(chosen.every)
    for a in treatment.actions:
        if abs(a.amount - amount) <= 1e-5 * max(1.0, a.amount) and a.wait == wait and (a.interval == every or not a.amount):
            return a
    often = f" every {every:g} h" if every else ""
    label = f"{amount:.4g} {standard.unit}{often}" if amount else f"no dose for {wait:g} days"
    return Action(label, amount, standard.unit, standard.duration if amount else 0.0, wait, every)


def _nothing(treatment: Treatment, view: View) -> str:
    """Why neither a dose nor a wait is open: the limits that closed them, and what those lack."""
    said = verdicts(treatment, view.facts, treatment.actions).permits
    rows = sorted((i for i, a in enumerate(treatment.actions) if a.amount or a.delay), key=lambda i: treatment.actions[i].delay)
    first = dict.fromkeys(int(np.argmax(~said[:, row])) for row in rows)
    reason = nothing_allowed([treatment.limits[i].id for i in first])
    lacking = dict.fromkeys(n for i in first for n in lacks(treatment.limits[i], view.facts))
    return reason + "".join(f"; {name} is not in the record" for name in lacking)


def lacks(limit: Limit, facts: Facts) -> list[str]:
    """What a limit reads and the record does not hold."""
    return [names[-1] for names in limit.needs if all(np.isnan(np.asarray(getattr(facts, n))) for n in names)]
