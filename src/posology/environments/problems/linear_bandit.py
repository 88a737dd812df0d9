"""A linear bandit whose best dose is known: one decision per patient, regret as a cost.

    o ~ N(0, I) of 8 covariates, two of which matter;   r = θ_a·(1, o) + N(0, 0.5²),   three doses
    regret of a decision = max_a' θ_a'·(1, o) − θ_a·(1, o)

For an optimistic or sampling learner the regret of T decisions grows as √T times logarithms at most (Abbasi-Yadkori
2011), and as ln T where the best dose is better by a margin (Goldenshluger & Zeevi 2013, doi:10.1214/11-SSY032).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from posology.environments.problem import Problem
from posology.environments.spec import Action, Feature, Spec

SIZE, NOISE = 8, 0.5
THETA = ((0.0, 1.0, 0.0), (0.3, -0.5, 0.5), (0.1, 0.0, -1.0))  # constant, first and second covariate, for each dose

SPEC = Spec(
    id="linear-bandit-v1",
    observation=tuple(Feature(f"covariate {i + 1}", "1") for i in range(SIZE)),
    actions=tuple(Action(f"dose {i}", float(i), "1", wait=1.0) for i in range(len(THETA))),
    terms=("response",),
    weights=(1.0,),
    costs=("regret",),
    at_most=(1e6,),
    max_steps=1,
    horizon_days=1.0,
)


def environment(shared: Path | None = None) -> Any:
    """The bandit."""
    from posology.environments.bandit import LinearBandit

    theta = [(c, first, second, *([0.0] * (SIZE - 2))) for c, first, second in THETA]
    return LinearBandit(SPEC, theta, NOISE)


PROBLEM = Problem(
    id="linear-bandit-v1",
    title="A linear bandit of three doses and eight covariates, two of which matter",
    question="Which of three doses suits a patient's covariates, with as few wrong ones as possible while learning?",
    spec=SPEC,
    make=environment,
    source="made here; rates: Abbasi-Yadkori 2011; Goldenshluger & Zeevi 2013, doi:10.1214/11-SSY032",
    not_for="anything but comparing bandits: the numbers are made up",
    credibility="made up",
)
