"""The immune system lab: a tumour, normal cells and immune cells under a drug, in three types of patients, as plain data.

The patients are those of `four-state-types-v1` (de Pillis 2003; types after Padmanabhan 2017, Math Biosci 293:11, whose numbers
were not read): not calibrated to anybody. A dose rate is chosen each day, held constant or by a policy that was learned here: a
table by Q-learning, a network by DQN, an actor with a critic by A2C. These choose one of five rates; they are learned on patients
of all types, once, into the clinic's data folder, in the format of every run. No random number is in a course: the seed is handed
to the policy, and greedy ones ask nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from posology.clinic.errors import NotFound
from posology.environments.problems import four_state_types as problem
from posology.environments.spec import Action

LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Dose rates that a learned policy chooses from (assumed: even steps over what the problem allows)."""
CONSTANT = "constant"
LEARNED: Mapping[str, tuple[str, str, int, Mapping[str, Any]]] = {
    "q-learning": (
        "Q-learning with a table", "q-learning", 300, {"patients": 64, "cells": 256, "explore_over": 250, "discount": 0.99},
    ),
    "dqn": (
        "Deep Q-learning (DQN)", "dqn", 60,
        {"patients": 32, "gradients": 100, "explore_over": 40, "discount": 0.99, "bootstrap": True},
    ),
    "actor-critic": (
        "Actor-critic (A2C)", "a2c", 200,
        {"patients": 64, "learning_rate": 0.005, "trace": 0.95, "discount": 0.99, "bootstrap": True},
    ),
}  # fmt: skip
"""Title, learner, updates and settings (assumed: seconds of learning)."""
POOL, HELD_OUT = 512, 99
"""Patients to learn from and to judge on: the types differ, patients of one type do not (assumed)."""
UNITS = {"time": "d", "tumour": "1", "normal": "1", "immune": "1", "drug": "1", "dose": "1/d", "reward": "1"}
STATUS = "not calibrated to patients: no number of the model was fitted to anybody; limits and prices of the types are ours"
SCALE = "cells and drug in scaled units; 1 is the capacity of the normal tissue"


def choices() -> dict[str, Any]:
    """What may be asked: types with their limit and price, policies, days and doses."""
    told = zip(problem.TYPES, problem.LEAST, problem.PRICE, strict=True)
    return {
        "types": {name: {"least_normal_share": least, "price": price} for name, least, price in told},
        "policies": {CONSTANT: "The same dose rate each day", **{name: entry[0] for name, entry in LEARNED.items()}},
        "days": problem.DAYS,
        "doses": {"least": 0.0, "most": 1.0, "learned": list(LEVELS)},
        "units": UNITS, "status": STATUS, "scale": SCALE,
    }  # fmt: skip


@cache
def by_level() -> Any:
    """The problem with a table of dose rates."""
    import jax.numpy as jnp

    from posology.environments.mapped import MappedEnvironment

    actions = tuple(Action(f"{rate:g} per day", rate, "1/d", 24.0, 1.0) for rate in LEVELS)
    whole = problem.environment().mapped
    spec = replace(problem.SPEC, id="four-state-types-levels", actions=actions, low=0.0, high=0.0, differentiable=False)
    table = jnp.asarray(LEVELS)
    return MappedEnvironment(replace(whole, spec=spec, inputs=lambda action, k: {"drug": table[action]}))


def place(data: Path, policy: str) -> Path:
    """Where a learned policy lies; another version of the problem has another place."""
    return data / "lab" / f"{policy}-{by_level().fingerprint}"


def learned(data: Path, policy: str) -> bool:
    """Whether a policy was learned here."""
    return (place(data, _known(policy)) / "policy.json").is_file()


def learn(data: Path, policy: str, report: Callable[[dict[str, Any]], None] = lambda event: None) -> dict[str, Any]:
    """Learn a policy into the data folder, or find that it is there; what it reached on held-out patients."""
    from posology.learners import loops
    from posology.learners.catalogue import learner
    from posology.learners.learner import ready

    _, kind, updates, settings = LEARNED[_known(policy)]
    env, out = by_level(), place(data, policy)
    out.parent.mkdir(parents=True, exist_ok=True)
    made = ready(learner(kind)(), env.spec, updates, dict(settings))
    return loops.train(
        env, made, out, updates=updates, chunk=5, pool=POOL, held_out=HELD_OUT, evaluate_every=4, report=report
    )


def course(
    kind: str, policy: str, days: int = problem.DAYS, seed: int = 0, dose: float = 0.0, data: Path | None = None
) -> dict[str, Any]:
    """A course, a value a day: cells and drug from the start on, the dose rate of each day, the reward summed up.

    Args:
        kind: type of patient. dose: rate of the constant policy, 0 to 1 per day. data: the clinic's folder, for a
            learned policy. seed: see above.

    Raises:
        NotFound: for a policy that was not learned yet.
        ValueError: naming the field, for what is not allowed.
    """
    import jax
    import numpy as np

    if kind not in problem.TYPES:
        raise ValueError(f"type: '{kind}' is not known; allowed: {', '.join(problem.TYPES)}")
    if isinstance(days, bool) or not 1 <= days <= problem.DAYS:
        raise ValueError(f"days: is {days}; it must be a whole number from 1 to {problem.DAYS}")
    if not 0.0 <= dose <= 1.0:
        raise ValueError(f"dose: is {dose}; it must be a rate from 0 to 1 per day")
    if not 0 <= seed < 2**31:
        raise ValueError(f"seed: is {seed}; it must be a whole number from 0 to {2**31 - 1}")
    about: dict[str, Any] = {"name": policy, "title": choices()["policies"].get(policy, "")}
    if policy == CONSTANT:
        played = _player(None, None)(jax.random.key(seed), problem.TYPES.index(kind), dose)
    else:
        if data is None or not learned(data, policy):
            raise NotFound(f"policy '{_known(policy)}': was not learned here yet; start its training first")
        run, about["evaluation"] = _loaded(place(data, policy))
        played = run(jax.random.key(seed), problem.TYPES.index(kind), dose)
    states, doses, rewards, ended = (np.asarray(part) for part in played)
    last = int(np.argmax(ended[:days])) + 1 if ended[:days].any() else days
    told = {name: [float(v) for v in states[i, : last + 1]] for i, name in enumerate(("normal", "tumour", "immune", "drug"))}
    return {
        "type": kind, "policy": about, "days": days, "seed": seed, "time": list(range(last + 1)), **told,
        "dose": [float(v) for v in doses[:last]], "reward": float(rewards[:last].sum()),
        "ended_by_harm_on_day": last if ended[:days].any() else None,
        "least_normal": problem.LEAST[problem.TYPES.index(kind)] * told["normal"][0],
        "units": UNITS, "scale": SCALE, "status": STATUS, "source": problem.PROBLEM.source, "not_for": problem.PROBLEM.not_for,
    }  # fmt: skip


@lru_cache(maxsize=8)
def _loaded(run: Path) -> tuple[Callable[..., Any], dict[str, Any]]:
    """A policy that was learned, ready to dose, and what it reached."""
    import json

    from posology.policies.storage import load_policy

    stored = load_policy(run, greedy=True)
    reached = json.loads((run / "evaluation.json").read_text())
    kept = ("learner", "return_mean", "lower", "upper", "samples", "seconds", "updates")
    return _player(stored.policy, LEVELS), {name: reached[name] for name in kept}


@lru_cache(maxsize=8)
def _player(policy: Any, levels: tuple[float, ...] | None) -> Callable[..., Any]:
    """Compiled `(key, type, dose) -> (states[4, days + 1], doses, rewards, ended)` of a policy, or of a constant dose."""
    import jax
    import jax.numpy as jnp

    from posology.environments.mapped import Person

    env, table = problem.environment(), None if levels is None else jnp.asarray(levels)
    every = jnp.ones(len(levels or (0.0,)), bool)

    def play(key: Any, kind: Any, dose: Any) -> Any:
        own = problem.Own(jax.tree.map(jnp.float32, problem.model.MODEL.Params()), jnp.asarray(kind, jnp.float32))
        person = Person(jnp.int32(0), own)
        state, seen, _ = env.reset(key, person)

        def day(carry: Any, t: Any) -> tuple[Any, Any]:
            state, seen, memory = carry
            if policy is None:
                rate = jnp.float32(dose)
            else:
                action, memory = policy.act(jax.random.fold_in(key, t), seen, every, memory)
                rate = table[action]  # type: ignore[index]
            step = env.step(key, state, rate, person)
            return (step.state, step.observation, memory), (jnp.stack(step.state.x), rate, step.reward, step.terminated)

        memory = () if policy is None else policy.memory()
        _, (after, doses, rewards, ended) = jax.lax.scan(day, (state, seen, memory), jnp.arange(problem.DAYS))
        return jnp.concatenate([jnp.stack(state.x)[:, None], after.T], 1), doses, rewards, ended

    return jax.jit(play)


def _known(policy: str) -> str:
    if policy not in LEARNED:
        raise ValueError(f"policy: '{policy}' is not known; allowed: {CONSTANT}, {', '.join(LEARNED)}")
    return policy
