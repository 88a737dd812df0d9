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

from posology.environments.protocol import Chosen, TreatmentEnvironment
from posology.environments.reward import GRADE_4_BELOW
from posology.learners.planning import oracle
from posology.policies.policy import Policy

GRADE_2_BELOW = 1.5  # CTCAE v5.0: below this grade 2 begins


@dataclass(frozen=True, eq=False)
class Arm:
    """A named chooser with its initial memory."""

    name: str
    choose: Callable[..., tuple[Chosen, Any]]
    memory: Callable[[], Any] = tuple


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


def _policy(policy: Policy, env: Any, key: Any, state: Any, observation: Any, mask: Any, p: Any, memory: Any) -> Any:
    action, memory = policy.act(key, observation, mask, memory)
    return env.chosen(action), memory


def of_policy(policy: Policy) -> Arm:
    """An arm that follows a policy."""
    return Arm(policy.name, partial(_policy, policy), policy.memory)


def guideline(name: str, env: TreatmentEnvironment) -> Arm:
    """The arm of that name: `standard`, `fixed:<amount>`, `clinical-rule`, `rule-plus-10` or `oracle`.

    Raises:
        ValueError: for an unknown name, listing the known ones.
    """
    standard = env.treatment.standard.amount
    if name == "standard":
        return Arm(name, partial(_fixed, standard))
    if name.startswith("fixed:"):
        try:
            return Arm(name, partial(_fixed, float(name.removeprefix("fixed:"))))
        except ValueError:
            raise ValueError(f"arm '{name}': a fixed dose is a number, as in fixed:175") from None
    if name == "clinical-rule":
        return Arm(name, partial(_rule, 0.0, 0.0, float("inf")))
    if name == "rule-plus-10":
        return Arm(name, partial(_rule, 0.1, 60.0, 250.0))
    if name == "oracle":
        return Arm(name, _oracle)
    raise ValueError(
        f"unknown arm '{name}'; known: standard, fixed:<amount>, clinical-rule, rule-plus-10, oracle, or a run folder"
    )
