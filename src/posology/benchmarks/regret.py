"""What bandits lose while they learn: cumulative regret on a linear bandit, and how fast it grows.

    regret of T decisions = Σ_t (max_a E[r_t | a] − E[r_t | a_t])

One patient after the other, each with a response noise of its own that every dose would meet; so a patient's regret is
what the best dose would have brought him less what he got. The rate known for optimistic and sampling learners is at
most d·√T up to logarithms (LinUCB: Chu 2011; Thompson: Agrawal & Goyal 2013, arXiv:1209.3352), for few covariates that
matter and patients for whom the best dose is clear it is logarithmic (Bastani & Bayati 2020, doi:10.1287/opre.2019.1902).
The exponent is the slope of ln regret on ln T over the last nine tenths of the decisions, fitted for each seed; intervals
are Student's over seeds.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from posology.benchmarks.seeds import over_seeds
from posology.environments.bandit import LinearBandit, Person
from posology.environments.catalogue import environment
from posology.environments.spec import Step
from posology.figures.curves import Curve, curves
from posology.learners.catalogue import learner
from posology.learners.learner import config, configure
from posology.policies import storage

if TYPE_CHECKING:
    from posology.benchmarks.evidence import Effort, Tell

PROBLEM = "linear-bandit-v1"
DECISIONS, SEEDS, POINTS = 4000, 10, 100
ROOT = 0.5  # exponent of √T
# One patient at a time; the neural bandit's network and steps are as small as one decision's worth of learning. The gap of the
# LASSO bandit was chosen among five settings on other patients and seeds.
SETTINGS: dict[str, dict[str, str]] = {
    "lin-ucb": {},
    "lin-thompson": {},
    "lasso-bandit": {"gap": "2.0"},
    "neural-linear": {"hidden": "16,8", "gradients": "2", "batch": "64", "capacity": "4096"},
}


class Fated(NamedTuple):
    """A patient whose response noise is his own, in standard deviations."""

    id: Any
    x: Any
    noise: Any


class FatedBandit:
    """A linear bandit whose noise belongs to the patient, so that regret follows from the reward."""

    def __init__(self, bandit: LinearBandit) -> None:
        self.bandit, self.spec = bandit, bandit.spec

    def draw(self, key: Any, n: int) -> Fated:
        """`n` patients."""
        person = self.bandit.draw(key, n)
        return Fated(person.id, person.x, jax.random.normal(jax.random.fold_in(key, n), (n,)))

    def reset(self, key: Any, patient: Fated) -> tuple[Any, Any, Any]:
        """The covariates."""
        return self.bandit.reset(key, Person(patient.id, patient.x))

    def step(self, key: Any, state: Any, action: Any, patient: Fated) -> Step:
        """The response, and the end."""
        step = self.bandit.step(key, state, action, Person(patient.id, patient.x))
        reward = self.expected(patient)[action] + self.bandit.noise * patient.noise
        return step._replace(reward=reward, terms=reward[None])

    def expected(self, patient: Fated) -> Any:
        """E[r] of each dose."""
        return self.bandit.theta @ jnp.concatenate([jnp.ones(1), patient.x])

    def best(self, patient: Fated) -> Any:
        """What the best dose would bring this patient."""
        return jnp.max(self.expected(patient)) + self.bandit.noise * patient.noise


def regrets(env: FatedBandit, made: Any, seeds: int, decisions: int) -> np.ndarray:
    """Regret of each decision `[seeds, decisions]`; `made` meets one patient in an update."""

    def one(state: Any, patient: Fated) -> tuple[Any, Any]:
        state, told = made.update(state, env, jax.tree.map(lambda v: v[None], patient))
        return state, env.best(patient) - told["return"]

    def run(key: Any) -> Any:
        first, second = jax.random.split(key)
        return jax.lax.scan(one, made.init(first, env), env.draw(second, decisions))[1]

    return np.asarray(jax.jit(jax.vmap(run))(jax.random.split(jax.random.key(0), seeds)))


def exponents(total: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Slope of ln regret on ln T for each seed; `total` `[seeds, K]` after `at` `[K]` decisions."""
    late = at >= at[-1] / 10
    return np.array([np.polyfit(np.log(at[late]), np.log(row[late]), 1)[0] for row in total])


def measured(name: str, effort: Effort, tell: Tell) -> dict[str, Any]:
    """Cumulative regret of one learner at `POINTS` numbers of decisions for each seed, or what is kept of it."""
    seeds = max(SEEDS, effort.seeds)
    made = configure(learner(name)(), {**SETTINGS[name], "patients": 1})
    path = effort.runs / "regret" / f"{name}--{seeds}x{DECISIONS}.json"
    if path.exists():
        kept: dict[str, Any] = json.loads(path.read_text())
        if kept["config"] == config(made):
            return kept
    tell(f"{PROBLEM} {name}: regret of {DECISIONS} decisions, {seeds} seeds")
    begun = time.perf_counter()
    total = np.cumsum(regrets(FatedBandit(environment(PROBLEM)), made, seeds, DECISIONS), axis=1)
    at = np.unique(np.geomspace(10, DECISIONS, POINTS).astype(int))
    found = {"learner": name, "config": config(made), "seeds": seeds, "decisions": at.tolist()}
    found |= {"regret": total[:, at - 1].tolist(), "seconds": time.perf_counter() - begun, **storage.machine()}
    path.parent.mkdir(parents=True, exist_ok=True)
    storage.write_json(path, found)
    return found


def row(found: dict[str, Any]) -> dict[str, Any]:
    """One learner: its regret in the end, the exponent of its growth, and its curve."""
    total, at = np.array(found["regret"]), np.array(found["decisions"])
    growth = over_seeds(exponents(total, at))
    keep = ("learner", "config", "seeds", "seconds")
    return {
        "problem": PROBLEM,
        **{k: found[k] for k in keep},
        "decisions": int(at[-1]),
        "regret": over_seeds(total[:, -1]),
        "exponent": growth,
        "known_exponent_at_most": ROOT,
        "slower_than_root": growth["upper"] < ROOT,
        "curve": {"decisions": at.tolist(), **over_seeds(total)},
    }


def plan(effort: Effort, tell: Tell) -> dict[str, Any]:
    """All four bandits."""
    return {"problem": PROBLEM, "rows": [row(measured(name, effort, tell)) for name in SETTINGS]}


def figure(result: dict[str, Any]) -> Any:
    """Cumulative regret along decisions, both on a log scale, with √T through the first learner's first point."""
    lines = {r["learner"]: r["curve"] for r in result["rows"]}
    series = {k: Curve(c["decisions"], c["mean"], c["lower"], c["upper"]) for k, c in lines.items()}
    at = np.array(next(iter(lines.values()))["decisions"], float)
    root = next(iter(lines.values()))["mean"][0] * np.sqrt(at / at[0])
    return curves(
        {**series, "√T": Curve(at, root, root, root)},
        f"What learning costs on {result['problem']}",
        f"Mean over {result['rows'][0]['seeds']} seeds; band: 95 % interval. A power of T is a straight line.",
        "Patients treated (log scale)",
        "Cumulative regret (log scale)",
        log=True,
    )
