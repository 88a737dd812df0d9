"""An arm's name → who chooses the dose. Guidelines, planners and run folders alike.

A chooser is `(env, key, state, observation, mask, patient, memory) -> (Chosen, memory)`. Policies look
at the observation alone; the rules below grade a cycle by its true nadir, as the reference tables of
the comparison problem do, which flatters them: a clinic sees only the counts that were measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import jax.numpy as jnp

from posology.data.history import DAY
from posology.environments.belief import Believer, features
from posology.environments.catalogue import TREATMENTS
from posology.environments.protocol import Chosen, TreatmentEnvironment
from posology.environments.reward import GRADE_2_BELOW, GRADE_4_BELOW
from posology.evaluation import area_guided, level_guided, size_scaled, titration, usual_dose
from posology.learners.planning import course_oracle, ensemble_greedy, map_greedy, oracle, plan_oracle
from posology.policies import storage
from posology.policies.policy import Policy

KNOWN = (
    "standard", "fixed:<amount>", "clinical-rule", "rule-plus-10",
    "proportional-rule", "size-scaled", "usual-dose", "area-rule", "titration",
    "map-greedy", "ensemble-greedy", "ensemble-greedy:<particles>",
    "oracle", "oracle-course", "oracle-plan",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Arm:
    """A named chooser with its initial memory.

    An arm that acts on a belief has a `believer` and its memory is a `Belief`. Of a guideline
    `by_belief(env, key, belief, observation, mask, patient) -> Chosen` is the decision: a record's belief
    comes from the whole past at once. What its decision brought reaches the memory by `hears(memory, step) -> memory`.
    """

    name: str
    choose: Callable[..., tuple[Chosen, Any]]
    memory: Callable[[], Any] = tuple
    believer: Believer | None = None
    by_belief: Callable[..., Chosen] | None = None
    hears: Callable[[Any, Any], Any] = lambda memory, step: memory


def _within(env: TreatmentEnvironment, mask: Any, amount: Any) -> Chosen:
    """The amount, but not above the largest that may be given now; the delay when none may."""
    t = env.treatment
    delays = [i for i, a in enumerate(t.actions) if a.delay]
    wait = jnp.float32(t.standard.wait)
    if not t.limits:
        return Chosen(amount, wait)
    largest = jnp.max(jnp.where(mask, jnp.asarray(env.amount), 0.0))
    pause = t.actions[delays[0]].wait if delays else wait
    return Chosen(jnp.minimum(amount, largest), jnp.where(largest > 0, wait, pause))


def _fixed(amount: float, visits: float, env: TreatmentEnvironment, key: Any, s: Any, o: Any, mask: Any, p: Any, m: Any) -> Any:
    """The same amount at the first `visits`, then nothing."""
    return _within(env, mask, jnp.where(s.step < visits, jnp.float32(amount), 0.0)), m


def _rule(up: float, low: float, high: float, env: Any, key: Any, state: Any, o: Any, mask: Any, p: Any, m: Any) -> Any:
    """The last dose, −20 % after grade 4, `up` more after grade 0 or 1, within [low, high]."""
    factor = jnp.where(
        state.last_lowest < GRADE_4_BELOW, 0.8, jnp.where(state.last_lowest >= GRADE_2_BELOW, 1 + up, 1.0)
    )
    amount = jnp.clip(state.last_dose * factor, low, high)
    amount = jnp.where(state.last_dose < 0, env.treatment.standard.amount, amount)
    return _within(env, mask, amount), m


def _oracle(env: Any, key: Any, state: Any, o: Any, mask: Any, patient: Any, m: Any) -> Any:
    return oracle.choose(env, state, mask, patient), m


def _course_oracle(b: Believer, env: Any, key: Any, state: Any, o: Any, mask: Any, patient: Any, m: Any) -> Any:
    return env.chosen(course_oracle.choose(b, state, mask, patient)), m


def _plan_oracle(env: Any, key: Any, state: Any, o: Any, mask: Any, patient: Any, plan: Any) -> Any:
    plan = plan_oracle.improved(env, state, mask, patient, plan)
    return env.chosen(plan[state.step]), plan


def _proportional(env: Any, key: Any, state: Any, o: Any, mask: Any, patient: Any, m: Any) -> Any:
    return level_guided.choose(env, state, mask, patient), m


def _size_scaled(env: Any, key: Any, state: Any, o: Any, mask: Any, patient: Any, m: Any) -> Any:
    return size_scaled.choose(env, mask, patient), m


def _usual(env: Any, key: Any, state: Any, o: Any, mask: Any, patient: Any, m: Any) -> Any:
    return usual_dose.choose(env, mask, patient), m


def _by_area(env: Any, key: Any, state: Any, o: Any, mask: Any, patient: Any, m: Any) -> Any:
    return area_guided.choose(env, state, mask, patient), m


def _titrated(env: Any, key: Any, state: Any, o: Any, mask: Any, patient: Any, m: Any) -> Any:
    return titration.choose(env, state, mask, patient), m


# Arms for some treatments only: what they go by, whether a treatment has it, and who chooses.
PARTICULAR: dict[str, tuple[str, Callable[[TreatmentEnvironment], bool], Any]] = {
    "size-scaled": ("size and age of a child, which the model does not read", size_scaled.knows, _size_scaled),
    "usual-dose": ("a usual dose that depends on the patient, which the treatment does not have", usual_dose.knows, _usual),
    "area-rule": ("several levels after one dose, which are not taken", area_guided.knows, _by_area),
    "titration": ("a range of a count of cells, which is not asked about", titration.knows, _titrated),
}


def _policy(policy: Policy, env: Any, key: Any, state: Any, observation: Any, mask: Any, p: Any, memory: Any) -> Any:
    action, memory = policy.act(key, observation, mask, memory)
    return env.decided(action, state), memory


def _with_features(
    b: Believer, policy: Policy, env: Any, key: Any, state: Any, observation: Any, mask: Any, patient: Any, memory: Any
) -> Any:
    belief = b.visit(patient, memory, state)
    seen = jnp.concatenate([observation, features(b, patient, belief)])
    return env.decided(policy.act(key, seen, mask, policy.memory())[0], state), belief


def _rounded(policy: Policy, env: Any, key: Any, state: Any, observation: Any, mask: Any, p: Any, memory: Any) -> Any:
    """The allowed row nearest to the policy's dose, of rows given as the standard one; of two as near the first."""
    dose, memory = policy.act(key, observation, mask, memory)
    t = env.treatment
    like = jnp.array([a.wait == t.standard.wait and a.interval == t.standard.interval and a.amount > 0 for a in t.actions])
    gap = jnp.abs(jnp.asarray(env.amount) - dose) + jnp.where(like, 0.0, 1e6)
    return env.chosen(jnp.argmin(jnp.where(mask, gap, jnp.inf))), memory


def _believing(b: Believer, decide: Any, env: Any, key: Any, state: Any, o: Any, mask: Any, patient: Any, m: Any) -> Any:
    belief = b.visit(patient, m, state)
    return decide(env, key, belief, o, mask, patient), belief


def of_belief(name: str, b: Believer, decide: Callable[..., Chosen]) -> Arm:
    """An arm that decides on the belief of `b`; see `Arm.by_belief`."""
    return Arm(name, partial(_believing, b, decide), b.blank, b, decide)


def of_policy(policy: Policy, env: TreatmentEnvironment, particles: int = 0) -> Arm:
    """An arm that follows a policy, which may see a belief of so many particles."""
    if not particles:
        return Arm(policy.name, partial(_policy, policy), policy.memory)
    b = Believer(env.treatment, particles)
    return Arm(policy.name, partial(_with_features, b, policy), b.blank, b)


def of_run(run: Path, env: TreatmentEnvironment, shift: bool) -> Arm:
    """An arm that follows a stored run; a continuous dose is rounded where the treatment has a table of the same unit.

    Raises:
        ValueError: for a run that cannot be loaded, was trained on another treatment (unless `shift` says under a changed
            model), or sees or doses what this treatment does not.
    """
    record = storage.read_record(run)
    rounds = env.spec.discrete and not record["spec"]["actions"]
    if not rounds and not env.spec.discrete and record["spec"]["actions"]:
        raise ValueError(f"{run} chooses rows of the table of {record['treatment']}; the dose of {env.spec.id} is continuous")
    if rounds:
        _same_view(run, record, env)
    stored = storage.load_policy(run, fingerprint=None if rounds else env.fingerprint, shift=shift)
    particles = int(stored.record.get("belief", 0))
    if rounds:
        arm = Arm(stored.policy.name, partial(_rounded, stored.policy), stored.policy.memory)
    else:
        arm = of_policy(stored.policy, env, particles)
    if not sees_reward(record):
        return arm
    if particles:
        raise ValueError(f"{run} sees a belief and the reward of the decision before; an arm shows one of the two")
    return _told(arm)


def sees_reward(record: Mapping[str, Any]) -> bool:
    """Whether the policy of a stored run is shown what the decision before brought (`environments/experience.py`)."""
    return "reward" in (record.get("experience") or "")


def _told(arm: Arm) -> Arm:
    """The arm whose policy also sees the reward of the decision before, which only a simulation knows."""

    def choose(env: Any, key: Any, state: Any, observation: Any, mask: Any, patient: Any, memory: Any) -> Any:
        seen = jnp.concatenate([observation, memory[1][None]])
        chosen, inner = arm.choose(env, key, state, seen, mask, patient, memory[0])
        return chosen, (inner, memory[1])

    hears = lambda memory, step: (memory[0], jnp.asarray(step.reward, jnp.float32))  # noqa: E731
    return replace(arm, choose=choose, memory=lambda: (arm.memory(), jnp.float32(0)), hears=hears)


def _same_view(run: Path, record: Mapping[str, Any], env: TreatmentEnvironment) -> None:
    """Refuse to round the doses of a policy to whose eyes this treatment's history would look different."""
    here, there = env.treatment, TREATMENTS.get(record["treatment"])
    if there is None or record["fingerprint"] != there.fingerprint:
        raise ValueError(f"{run} was trained on another {record['treatment']} than this version knows; train it again")
    if record.get("belief") or (there.channels, there.days) != (here.channels, here.days):
        raise ValueError(f"{run} was trained on {there.id}, where a policy sees something else than in {here.id}")
    if there.standard.unit != here.standard.unit:
        raise ValueError(f"{run} doses in {there.standard.unit} and {here.id} in {here.standard.unit}")


def _ensemble_greedy(name: str, env: TreatmentEnvironment, particles: int) -> Arm:
    b = Believer(env.treatment, particles)

    def decide(env: Any, key: Any, belief: Any, observation: Any, mask: Any, patient: Any) -> Chosen:
        return env.chosen(ensemble_greedy.choose(b, patient, belief, mask))

    return of_belief(name, b, decide)


def _map_greedy(b: Believer, env: Any, key: Any, state: Any, o: Any, mask: Any, patient: Any, m: Any) -> Any:
    row, mode = map_greedy.choose(b, patient, state.history, state.day * DAY, mask, m)
    return env.chosen(row), mode


def _number(name: str, kind: Callable[[str], Any], low: float, high: float, example: str) -> Any:
    try:
        value = kind(name.split(":", 1)[1])
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise ValueError(f"arm '{name}': after the colon stands a number from {low:g} to {high:g}, as in {example}")
    return value


def guideline(name: str, env: TreatmentEnvironment) -> Arm:
    """The arm of that name, see `KNOWN`.

    Raises:
        ValueError: for an unknown name, listing the known ones.
    """
    standard = env.treatment.standard.amount
    if name == "standard":
        return Arm(name, partial(_fixed, standard, env.treatment.standard_visits or float("inf")))
    if name.startswith("fixed:"):
        return Arm(name, partial(_fixed, _number(name, float, 0, 1e6, "fixed:175"), float("inf")))
    if name == "map-greedy":
        b = Believer(env.treatment, 1)
        return Arm(name, partial(_map_greedy, b), partial(map_greedy.unknown, b))
    if name == "ensemble-greedy":
        return _ensemble_greedy(name, env, ensemble_greedy.PARTICLES)
    if name.startswith("ensemble-greedy:"):
        return _ensemble_greedy(name, env, _number(name, int, 2, 4096, "ensemble-greedy:64"))
    graded, levels = env.treatment.graded, env.treatment.window is not None
    if (name in ("clinical-rule", "rule-plus-10") and not graded) or (name == "proportional-rule" and not levels):
        what = "levels of a drug" if name == "proportional-rule" else "grades of neutropenia"
        raise ValueError(f"arm '{name}' goes by {what}, which {env.treatment.id} does not ask about")
    if name == "proportional-rule":
        return Arm(name, _proportional)
    if name in PARTICULAR:
        what, knows, choose = PARTICULAR[name]
        if not knows(env):
            raise ValueError(f"arm '{name}' goes by {what} in {env.treatment.id}")
        return Arm(name, choose)
    if name == "clinical-rule":
        return Arm(name, partial(_rule, 0.0, 0.0, float("inf")))
    if name == "rule-plus-10":
        return Arm(name, partial(_rule, 0.1, 60.0, 250.0))
    if name == "oracle":
        return Arm(name, _oracle)
    if name == "oracle-plan":
        return Arm(name, _plan_oracle, partial(plan_oracle.nothing_planned, env))
    if name == "oracle-course":
        return Arm(name, partial(_course_oracle, Believer(env.treatment, 1)))
    raise ValueError(f"unknown arm '{name}'; known: {', '.join(KNOWN)}, or a run folder")
