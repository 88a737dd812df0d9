"""An arm's name → who chooses the dose. Guidelines, planners and run folders alike.

A chooser is `(env, key, state, observation, mask, patient, memory) -> (Chosen, memory)`. Policies look
at the observation alone; the rules below grade a cycle by its true nadir, as the reference tables of
the comparison problem do, which flatters them: a clinic sees only the counts that were measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax.numpy as jnp

from posology.data.history import DAY
from posology.environments.belief import Believer, features
from posology.environments.protocol import Chosen, TreatmentEnvironment
from posology.environments.reward import GRADE_4_BELOW
from posology.evaluation import level_guided
from posology.learners.planning import course_oracle, ensemble_greedy, map_greedy, oracle
from posology.policies.policy import Policy

KNOWN = (
    "standard", "fixed:<amount>", "clinical-rule", "rule-plus-10", "proportional-rule",
    "map-greedy", "ensemble-greedy", "ensemble-greedy:<particles>",
    "oracle", "oracle-course",
)  # fmt: skip
GRADE_2_BELOW = 1.5  # CTCAE v5.0: below this grade 2 begins


@dataclass(frozen=True, eq=False)
class Arm:
    """A named chooser with its initial memory.

    An arm that acts on a belief has a `believer`, its memory is a `Belief`, and
    `by_belief(env, key, belief, observation, mask, patient) -> Chosen` is its decision: a record's belief
    comes from the whole past at once.
    """

    name: str
    choose: Callable[..., tuple[Chosen, Any]]
    memory: Callable[[], Any] = tuple
    believer: Believer | None = None
    by_belief: Callable[..., Chosen] | None = None


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


def _fixed(amount: float, env: TreatmentEnvironment, key: Any, s: Any, o: Any, mask: Any, p: Any, m: Any) -> Any:
    return _within(env, mask, jnp.float32(amount)), m


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


def _proportional(env: Any, key: Any, state: Any, o: Any, mask: Any, patient: Any, m: Any) -> Any:
    return level_guided.choose(env, state, mask, patient), m


def _policy(policy: Policy, env: Any, key: Any, state: Any, observation: Any, mask: Any, p: Any, memory: Any) -> Any:
    action, memory = policy.act(key, observation, mask, memory)
    return env.chosen(action), memory


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

    def decide(env: Any, key: Any, belief: Any, observation: Any, mask: Any, patient: Any) -> Chosen:
        seen = jnp.concatenate([observation, features(b, patient, belief)])
        return env.chosen(policy.act(key, seen, mask, policy.memory())[0])

    return of_belief(policy.name, b, decide)


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
        return Arm(name, partial(_fixed, standard))
    if name.startswith("fixed:"):
        return Arm(name, partial(_fixed, _number(name, float, 0, 1e6, "fixed:175")))
    if name == "map-greedy":
        b = Believer(env.treatment, 1)
        return Arm(name, partial(_map_greedy, b), partial(map_greedy.unknown, b))
    if name == "ensemble-greedy":
        return _ensemble_greedy(name, env, ensemble_greedy.PARTICLES)
    if name.startswith("ensemble-greedy:"):
        return _ensemble_greedy(name, env, _number(name, int, 2, 4096, "ensemble-greedy:64"))
    levels = env.treatment.window is not None
    if name in (("clinical-rule", "rule-plus-10") if levels else ("proportional-rule",)):
        what = "grades of neutropenia" if levels else "levels of a drug"
        raise ValueError(f"arm '{name}' goes by {what}, which {env.treatment.id} does not ask about")
    if name == "proportional-rule":
        return Arm(name, _proportional)
    if name == "clinical-rule":
        return Arm(name, partial(_rule, 0.0, 0.0, float("inf")))
    if name == "rule-plus-10":
        return Arm(name, partial(_rule, 0.1, 60.0, 250.0))
    if name == "oracle":
        return Arm(name, _oracle)
    if name == "oracle-course":
        return Arm(name, partial(_course_oracle, Believer(env.treatment, 1)))
    raise ValueError(f"unknown arm '{name}'; known: {', '.join(KNOWN)}, or a run folder")
