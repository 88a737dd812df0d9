"""How far each learner gets on the published problems: `posology evidence <problem>`.

A learner's number is the interquartile mean over training seeds, the mean of the middle half, with a 95 % interval by
resampling the seeds (Agarwal 2021, arXiv:2108.13264). On a finite problem the value of a stored policy is computed
from its tables, so that no luck of patients is in it; where there is one patient without noise, as in the two
control problems, its return is the value. A policy with a memory is played on `HELD_OUT` patients instead, and so are the
problem's baselines (`Problem.policies`): the same patients with the same noise.

The settings were chosen with other seeds than those that count. Trainings are kept under
`runs/evidence/<problem>/<learner>/seed-<n>` and never made again.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from posology.policies import storage
from posology.policies.policy import Policy

if TYPE_CHECKING:
    from posology.benchmarks.evidence import Effort, Tell

SEEDS = 10  # at least
WATCHED, HELD_OUT = 2000, 20_000  # patients who judge a training on the way, and in the end where a value is not exact
LOOKS = 10  # times that a policy is judged on the way
RESAMPLED = 10_000


@dataclass(frozen=True)
class Run:
    """A training: how many updates, with which settings instead of the defaults."""

    updates: int
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reference:
    """A problem: what its returns are compared with (a name in `Problem.known`, and what that is), and the trainings."""

    against: str
    meaning: str
    runs: Mapping[str, Run]


TABULAR = Run(1500, {"explore_over": 1400, "explore_to": 0.02})
DRAWN: Mapping[str, Any] = {"patients": 512, "learning_rate": 0.01, "trace": 0.95, "entropy": 0.001}
PPO = Run(120, {**DRAWN, "epochs": 4, "minibatches": 4})
# Returns from 10^5 to 10^10: the logarithm of a value is learned, with the discount that is published for this problem.
HIV: Mapping[str, Any] = {
    "symlog": True, "discount": 0.98, "bootstrap": True, "hidden": "128,128",
    "patients": 32, "gradients": 200, "batch": 512, "explore_over": 60, "follow": 0.005,
}  # fmt: skip
FAR: Mapping[str, Any] = {"discount": 0.99, "bootstrap": True}  # 600 decisions: values look ahead, not to the end
DRIFT = {**FAR, "patients": 8, "gradients": 128, "learning_rate": 0.003}
RATES = {**FAR, "patients": 64, "trace": 0.95}

FRACTIONS = {
    "analytic": Run(1500, {"patients": 512, "learning_rate": 0.01}),
    "ppo": Run(300, {"patients": 1024}),
}

# A question of few decisions that ends with the last one.
ENDS: Mapping[str, Any] = {"discount": 1.0, "bootstrap": False}
CLIPPED: Mapping[str, Any] = {**ENDS, "patients": 512, "trace": 0.95, "epochs": 4}
VALUED: Mapping[str, Any] = {**ENDS, "patients": 128, "gradients": 64}
LONG: Mapping[str, Any] = {"discount": 0.995, "bootstrap": True}

# What a week brings is thousandths of what men differ by: many courses of each man tell it, and a firm policy in the end.
WEEKLY: Mapping[str, Any] = {
    "discount": 0.998, "bootstrap": True, "patients": 512, "repeats": 64, "trace": 0.98,
    "learning_rate": 0.003, "anneal_over": 150, "minibatches": 16, "epochs": 4, "entropy": 0.0,
}  # fmt: skip

REFERENCES: dict[str, Reference] = {
    "icu-sepsis-v1": Reference(
        "optimal",
        "the best policy there is, by planning on the tables",
        {
            "value-iteration": Run(0, {"discount": 1.0}),
            "policy-iteration": Run(0, {"discount": 1.0}),
            "backward-induction": Run(0, {"discount": 1.0}),
            "q-learning": TABULAR,
            "sarsa": TABULAR,
            "expected-sarsa": TABULAR,
            "dyna-q": Run(800, {"patients": 32, "explore_over": 700, "explore_to": 0.02}),
            "dqn": Run(320),
            "qr-dqn": Run(320),
            "ppo": PPO,
            "a2c": Run(500, {**DRAWN, "patients": 128}),
            "reinforce": Run(500, {"patients": 128, "learning_rate": 0.01}),
        },
    ),
    "hiv-sti-v1": Reference(
        "best open loop found",
        "the best course known, a lower bound on the optimum",
        {
            "beam-course": Run(1),
            "evolved-course": Run(500),
            "dqn": Run(120, HIV),
            "ppo": Run(40),
        },
    ),
    "four-state-chemo-v1": Reference(
        "0.75 for 30 days",
        "a dose rate of 0.75 for 30 days, then none; every constant rate stays below 70",
        {
            "analytic": Run(2000, {"patients": 8, "learning_rate": 0.003}),
            "gradient-course": Run(600),
            "ppo": Run(150, {**FAR, "patients": 32, "repeats": 1, "learning_rate": 0.001, "trace": 0.95}),
            "sac": Run(300, {**DRIFT, "entropy": -2}),
            "td3": Run(300, DRIFT),
            "ddpg": Run(300, DRIFT),
        },
    ),
    "four-state-chemo-levels-v1": Reference(
        "0.75 for 30 days",
        "a dose rate of 0.75 for 30 days, then none; every constant rate stays below 70",
        {
            "ppo": Run(60, RATES),
            "a2c": Run(300, {**RATES, "learning_rate": 0.005}),
            "dqn": Run(60, {**FAR, "patients": 8, "gradients": 600, "explore_over": 20}),
            "beam-course": Run(1, {"width": 50, "ahead": 5}),
        },
    ),
    "adaptive-fractionation-wide-v1": Reference("exact programme", "the best policy there is", FRACTIONS),
    "adaptive-fractionation-narrow-v1": Reference("exact programme", "the best policy there is", FRACTIONS),
    "adaptive-fractionation-control-v1": Reference("exact programme", "equal fractions, which are the optimum here", FRACTIONS),
    "zhao-chemo-v1": Reference(
        "best course for a known start",
        "the best of all courses for each start, which a policy cannot know; every constant dose stays below -43",
        {"ppo": Run(200, CLIPPED), "dqn": Run(200, {**VALUED, "explore_over": 120})},
    ),
    "nsclc-radiochemo-v1": Reference(
        "both at once",
        "chemotherapy and radiotherapy together from the first week, the standard of care",
        {"ppo": Run(100, {**CLIPPED, "patients": 256}), "dqn": Run(150, {**VALUED, "patients": 64, "explore_over": 90})},
    ),
    "capecitabine-hand-foot-v1": Reference(
        "label, as for grade 2",
        "the label's steps after hand-foot syndrome, adapted to whole cycles",
        {"ppo": Run(200, CLIPPED), "dqn": Run(200, {**VALUED, "explore_over": 120})},
    ),
    "prostate-adaptive-v1": Reference(
        "AT50",
        "treatment off below half the size at the start until that size is back, decided daily",
        {
            "ppo": Run(150, WEEKLY),
            "dqn": Run(60, {**FAR, "patients": 16, "gradients": 256, "n_step": 10, "explore_over": 30, "explore_to": 0.02}),
        },
    ),
    "abiraterone-adaptive-v1": Reference(
        "on above 300, off below 200",
        "the best thresholds of PSA found; the authors' are 3000 and 1500",
        {
            "ppo": Run(60, {**LONG, "patients": 16, "repeats": 4, "trace": 0.95}),
            "dqn": Run(60, {**LONG, "patients": 8, "gradients": 200, "explore_over": 30}),
        },
    ),
    "four-state-types-v1": Reference(
        "1 for 20 days",
        "the best course found that is the same for all three types",
        {
            "analytic": Run(300, {"patients": 16, "learning_rate": 0.003, "discount": 0.99}),
            "ppo": Run(100, {**FAR, "patients": 48, "learning_rate": 0.001, "trace": 0.95}),
        },
    ),
    "pembrolizumab-escalation-control-v1": Reference(
        "constant 2 mg/kg",
        "any dose without a pause, all of which are optima: a return above it is a fault",
        {"ppo": Run(150, CLIPPED), "dqn": Run(150, {**VALUED, "explore_over": 90})},
    ),
    "antiangiogenic-chemo-v1": Reference(
        "both at once",
        "both drugs every day until they are used up",
        {
            "ppo": Run(60, {**CLIPPED, "patients": 128}),
            "dqn": Run(100, {**VALUED, "patients": 32, "explore_over": 60}),
        },
    ),
    "melanoma-pembrolizumab-v1": Reference(
        "until gone",
        "treatment for as long as a cell is left",
        {"ppo": Run(80, {**CLIPPED, "patients": 256}), "dqn": Run(100, {**VALUED, "patients": 64, "explore_over": 60})},
    ),
}


def made(problem: str, name: str, run: Run, env: Any) -> Any:
    """The learner as it is trained on a problem."""
    from posology.learners.catalogue import learner
    from posology.learners.learner import ready

    return ready(learner(name)(), env.spec, max(run.updates, 1), run.settings)


def trained(problem: str, name: str, run: Run, effort: Effort, tell: Tell) -> list[dict[str, Any]]:
    """What each seed reached; those that are not there yet are made, with one compilation for all."""
    from posology.environments.catalogue import environment
    from posology.learners.catalogue import entry
    from posology.learners.loops import train_seeds
    from posology.learners.planning.plan import plan

    folder, env = effort.runs / problem / name, environment(problem)
    learner = made(problem, name, run, env)
    if entry(name).plans:
        plan(env, learner, folder / "seed-0", held_out=WATCHED)
        return [told(env, folder / "seed-0")]

    def report(event: dict[str, Any]) -> None:
        if event["event"] == "evaluation":
            done = f"{event['updates']} of {updates} updates, {event['seconds']:.0f} s"
            tell(f"{problem} {name}: {done}, return {event['return_mean']:.6g}")

    updates = effort.updates or run.updates
    looks = {"chunk": max(updates // LOOKS, 1), "evaluate_every": 1, "held_out": judged_on(env), "pool": 4096}
    seeds = max(SEEDS, effort.seeds)
    train_seeds(env, learner, folder, seeds, updates=updates, report=report, **looks)
    return [told(env, folder / f"seed-{n}") for n in range(seeds)]


def judged_on(env: Any) -> int:
    """Patients that a training is judged on: one where all are the same and nothing is left to chance."""
    equations = getattr(env, "equations", None)
    return 1 if equations is not None and not equations.spread else WATCHED


def told(env: Any, run: Path) -> dict[str, Any]:
    """What a stored run reached: `value`, and its effort."""
    found: dict[str, Any] = json.loads((run / "evaluation.json").read_text())
    if "value" in found or judged_on(env) == 1:  # a planner tells its own; one patient without noise is the value
        return {"value": found["return_mean"], "exact": True, **found}
    policy = storage.load_policy(run).policy
    tabled = bool(env.spec.states) and isinstance(policy.memory(), tuple)
    return {**found, "value": exact(env, policy) if tabled else played(env, policy), "exact": tabled}


def judge_of(env: Any, policy_of: Callable[[Any], Policy], patients: int) -> Callable[[Any], dict[str, Any]]:
    """Plays policies on so many patients that nobody learned from: parameters -> returns, terms and costs."""
    import jax

    from posology.learners.judge import EVALUATION_SEED, evaluator

    judge = jax.random.key(EVALUATION_SEED)
    unseen = env.draw(jax.random.fold_in(judge, 0), patients)
    return evaluator(env, policy_of, unseen, jax.random.fold_in(judge, 1))


def played(env: Any, policy: Any) -> float:
    """Mean return of a policy on `HELD_OUT` patients."""
    return float(judge_of(env, lambda _: policy, HELD_OUT)(())["returns"].mean())


def fixed(env: Any, policies: Mapping[str, Callable[[Any], Any]]) -> Callable[[Any], Policy]:
    """The policy of the i-th of a problem's baselines, so that all of them are compiled at once."""
    import jax
    import jax.numpy as jnp

    kind = jnp.int32 if env.spec.discrete else jnp.float32
    acts = [lambda seen, act=act: jnp.asarray(act(seen), kind) for act in policies.values()]
    return lambda i: Policy("baseline", lambda key, seen, mask, memory: (jax.lax.switch(i, acts, seen), memory))


def baselines(problem: str, tell: Tell, patients: int = 0) -> list[dict[str, Any]]:
    """What each baseline of a problem reaches: mean return with its 95 % interval over patients, mean terms and costs."""
    from posology.environments.catalogue import PROBLEMS, environment
    from posology.learners.judge import summary

    policies = PROBLEMS[problem].policies
    if not policies:
        return []
    env, rows = environment(problem), []
    play = judge_of(env, fixed(env, policies), patients or (HELD_OUT if judged_on(env) > 1 else 1))
    for i, name in enumerate(policies):
        found = summary(env, play(i))
        tell(f"{problem} baseline '{name}': return {found['return_mean']:.6g}")
        rows.append({"problem": problem, "policy": name, **found})
    return rows


def exact(env: Any, policy: Any) -> float:
    """The value of a policy without memory, from the tables of a finite problem."""
    import jax
    import jax.numpy as jnp

    from posology.learners.planning.plan import value_of

    states, masks = jnp.arange(env.spec.states, dtype=jnp.float32)[:, None], jnp.asarray(env.tables.admissible)
    rows = jax.jit(jax.vmap(lambda o, mask: policy.act(jax.random.key(0), o, mask, ())[0]))(states, masks)
    return value_of(env, np.eye(len(env.spec.actions))[np.asarray(rows)], 1.0)


def middle(values: Sequence[float]) -> float:
    """Interquartile mean: the mean of the middle half, with a quarter of the values cut at each end."""
    from scipy.stats import trim_mean

    return float(trim_mean(values, 0.25))


def interval(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """95 % percentile interval of the interquartile mean under resampling of the seeds."""
    if len(set(values)) == 1:
        return middle(values), middle(values)
    drawn = np.random.default_rng(seed).choice(np.asarray(values), (RESAMPLED, len(values)))
    cut = int(0.25 * len(values))
    means = np.sort(drawn, axis=1)[:, cut : len(values) - cut].mean(axis=1)
    lower, upper = np.percentile(means, [2.5, 97.5])
    return float(lower), float(upper)


def row(problem: str, name: str, run: Run, every: Sequence[Mapping[str, Any]], reference: float) -> dict[str, Any]:
    """One learner on one problem. `return_mean` is the interquartile mean, `seconds` the median without compiling."""
    values = [one["value"] for one in every]
    lower, upper = interval(values)
    return {
        "problem": problem,
        "learner": name,
        "return_mean": middle(values),
        "lower": lower,
        "upper": upper,
        "seeds": len(every),
        "samples": int(statistics.median(one["samples"] for one in every)),
        "seconds": statistics.median(spent(one, one) for one in every),
        "compile_seconds": max(one["compile_seconds"] for one in every),
        "reference": reference,
        "best": max(values),
        "worst": min(values),
        "exact": every[0]["exact"],
        "updates": every[0]["updates"],
        "settings": dict(run.settings),
        "returns": values,
        "history": history(every),
    }


def spent(run: Mapping[str, Any], point: Mapping[str, Any]) -> float:
    """Seconds of learning up to a point of a run: without compiling and judging."""
    judging = point.get("judging_seconds", run["history"][-1]["judging_seconds"] if run.get("history") else 0.0)
    return float(point["seconds"] - run["compile_seconds"] - judging)


def history(every: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """The way: mean decisions, seconds and interquartile mean of the returns at each look, over seeds."""
    found = []
    for points in zip(*(one.get("history", []) for one in every), strict=False):
        returns = [p["return_mean"] for p in points]
        lower, upper = interval(returns)
        seconds = statistics.fmean(spent(one, p) for one, p in zip(every, points, strict=True))
        samples = statistics.fmean(p["samples"] for p in points)
        found.append({"samples": samples, "seconds": seconds, "return_mean": middle(returns), "lower": lower, "upper": upper})
    return found


def plan(problem: str, effort: Effort, tell: Tell) -> dict[str, Any]:
    """Every training of a problem, and their rows; with `effort.learners` only theirs, beside the rows that are stored.

    Raises:
        ValueError: where none of these learners is trained on this problem.
    """
    from posology.environments.catalogue import PROBLEMS

    asked, known = REFERENCES[problem], PROBLEMS[problem].known
    reference = known[asked.against]
    chosen = [n for n in asked.runs if not effort.learners or n in effort.learners]
    if not chosen:
        raise ValueError(f"{problem} has no training of {', '.join(effort.learners)}; it has {', '.join(asked.runs)}")
    kept = {r["learner"]: r for found in made_of(effort.results) if found["problem"] == problem for r in found["rows"]}
    rows = []
    for name, run in asked.runs.items():
        if name in chosen:
            rows.append(row(problem, name, run, trained(problem, name, run, effort, tell), reference))
        elif kept.get(name, {}).get("settings") == json.loads(json.dumps(dict(run.settings))):
            rows.append(kept[name])
    about = {"problem": problem, "against": asked.against, "meaning": asked.meaning, "known": dict(known)}
    beside = baselines(problem, tell)
    return {**about, "rows": rows, **({"baselines": beside} if beside else {}), **storage.machine()}


def made_of(results: Path) -> list[dict[str, Any]]:
    """The result of every problem that has been made."""
    found = [results / f"{problem}.json" for problem in REFERENCES]
    return [json.loads(path.read_text()) for path in found if path.is_file()]


def stored(results: Path) -> list[dict[str, Any]]:
    """The rows of every problem that has been made."""
    return [row for found in made_of(results) for row in found["rows"]]
