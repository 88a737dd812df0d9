"""Chemotherapy of a tumour that an immune system fights: four states, with the published reward.

    dN/dt = r2·N·(1 − b2·N) − c4·T·N − a3·(1 − e^−B)·N
    dT/dt = r1·T·(1 − b1·T) − c2·I·T − c3·T·N − a2·(1 − e^−B)·T
    dI/dt = s + rho·I·T/(al + T) − c1·I·T − d1·I − a1·(1 − e^−B)·I
    dB/dt = −d2·B + u

Normal, tumour and immune cells in scaled units, drug B given at rate u between 0 and 1. A decision every 0.25 days,
600 in all; N is not observed. Reward: N/N₀ − T/T₀ − u with N and T *before* the decision; where N falls below
0.7·N₀ the course ends with −100 alone. The last decision's effect is never credited, as published.

de Pillis and Radunskaya 2003, Math Comput Model 37:1221, doi:10.1016/S0895-7177(03)00133-X; reward, horizon and start as in
DTRGym (Luo 2024, arXiv:2405.18610), after Ahn and Park 2011. Not calibrated to patients.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from posology.environments.problem import Problem
from posology.environments.spec import Action, Feature, Spec
from posology.quantities import exp, named, published, table

SOURCE = "DTRGym, AhnChemoEnv"
DAYS, STEPS = 0.25, 5
LEVELS = 11
DEATH, LEAST = -100.0, 0.7  # reward of it, and the share of normal cells below which it comes


@table
class Params:
    a1: float = published(0.2, "1/d", "killing of immune cells by the drug", at=SOURCE)
    a2: float = published(0.3, "1/d", "killing of tumour cells by the drug", at=SOURCE)
    a3: float = published(0.1, "1/d", "killing of normal cells by the drug", at=SOURCE)
    b1: float = published(1.0, "1", "reciprocal capacity of tumour cells", at=SOURCE)
    b2: float = published(1.0, "1", "reciprocal capacity of normal cells", at=SOURCE)
    c1: float = published(1.0, "1/d", "loss of immune cells to the tumour", at=SOURCE)
    c2: float = published(0.5, "1/d", "killing of tumour cells by immune cells", at=SOURCE)
    c3: float = published(1.0, "1/d", "competition of normal with tumour cells", at=SOURCE)
    c4: float = published(1.0, "1/d", "competition of tumour with normal cells", at=SOURCE)
    d1: float = published(0.2, "1/d", "death of immune cells", at=SOURCE)
    d2: float = published(1.0, "1/d", "loss of drug", at=SOURCE)
    r1: float = published(1.5, "1/d", "growth of tumour cells", at=SOURCE)
    r2: float = published(1.0, "1/d", "growth of normal cells", at=SOURCE)
    s: float = published(0.33, "1/d", "supply of immune cells", at=SOURCE)
    al: float = published(0.3, "1", "tumour of half immune response", at=SOURCE)
    rho: float = published(0.01, "1/d", "immune response", at=SOURCE)


@table
class State:
    n: float = named("1", "normal cells")
    t: float = named("1", "tumour cells")
    i: float = named("1", "immune cells")
    b: float = named("1", "drug")


# normal, tumour and immune cells in scaled units, drug: DTRGym, AhnChemoEnv
START = (0.9, 0.2, 0.005, 0.0)


def rates(x: Any, p: Any, u: Any) -> Any:
    """Derivatives under the dose rate u."""
    hit = 1 - exp(-x.b)
    return State(
        n=p.r2 * x.n * (1 - p.b2 * x.n) - p.c4 * x.t * x.n - p.a3 * hit * x.n,
        t=p.r1 * x.t * (1 - p.b1 * x.t) - p.c2 * x.i * x.t - p.c3 * x.t * x.n - p.a2 * hit * x.t,
        i=p.s + p.rho * x.i * x.t / (p.al + x.t) - p.c1 * x.i * x.t - p.d1 * x.i - p.a1 * hit * x.i,
        b=-p.d2 * x.b + u,
    )


def start(p: Any) -> Any:
    """A small tumour and hardly any immune cells."""
    return State(*(0 * p.s + v for v in START))


def outcome(before: Any, after: Any, u: Any, p: Any) -> Any:
    """Cells before the decision and the dose; a death counts alone."""
    from posology.environments.ode import Outcome

    dead = after.n < LEAST * START[0]
    lives = 1.0 - dead
    terms = (lives * before.n / START[0], -lives * before.t / START[1], -lives * u, DEATH * dead)
    return Outcome(terms, (1.0 * dead,), dead)


TERMS = ("normal", "tumour", "dose", "death")
COMMON: dict[str, Any] = {
    "observation": (Feature("tumour", "1"), Feature("immune", "1"), Feature("drug", "1")),
    "terms": TERMS,
    "weights": (1.0, 1.0, 1.0, 1.0),
    "costs": ("death",),
    "at_most": (1.0,),
    "max_steps": 600,
    "horizon_days": 150.0,
    "differentiable": True,
}
SPEC = Spec("four-state-chemo-v1", actions=(), low=0.0, high=1.0, action_unit="1/d", **COMMON)
LEVEL_SPEC = Spec(
    "four-state-chemo-levels-v1",
    actions=tuple(Action(f"{i / 10:g} per day", i / 10, "1/d", DAYS * 24, DAYS) for i in range(LEVELS)),
    **COMMON,
)


def environment(spec: Spec) -> Any:
    """The patient of the paper; `spec` says whether the dose is a number or a row of a table."""
    import jax.numpy as jnp

    from posology.environments.ode import Equations, OdeEnvironment

    table = jnp.asarray([a.amount for a in spec.actions]) if spec.discrete else None
    control = (lambda action: jnp.clip(action, 0.0, 1.0)) if table is None else (lambda action: table[action])
    observe = lambda x: jnp.stack((x.t, x.i, x.b))  # noqa: E731
    return OdeEnvironment(Equations(spec, Params, start, rates, control, outcome, observe, DAYS, STEPS))


def continuous(shared: Path | None = None) -> Any:
    """Any dose rate from 0 to 1."""
    return environment(SPEC)


def levels(shared: Path | None = None) -> Any:
    """Eleven dose rates."""
    return environment(LEVEL_SPEC)


SAID: dict[str, Any] = {
    "params": Params,
    "question": "Which dose rate, four times a day, shrinks the tumour and spares the normal cells?",
    "source": "de Pillis 2003, doi:10.1016/S0895-7177(03)00133-X; DTRGym, arXiv:2405.18610",
    "not_for": "treating anybody: the model is not calibrated to patients, and the reward never credits the last dose",
    "known": {"constant 0.75": -14.061, "0.75 for 30 days": 368.731, "constant 0.2 (dies)": -439.815},
}
PROBLEM = Problem(
    id="four-state-chemo-v1",
    title="Chemotherapy with an immune system, any dose rate",
    spec=SPEC,
    make=continuous,
    **SAID,
)
BY_LEVEL = Problem(
    id="four-state-chemo-levels-v1",
    title="Chemotherapy with an immune system, eleven dose rates",
    spec=LEVEL_SPEC,
    make=levels,
    **SAID,
)
