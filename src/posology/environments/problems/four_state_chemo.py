"""Chemotherapy of a tumour that an immune system fights, with the published reward: equations of `immune-depillis2003`.

Normal, tumour and immune cells N, T, I in scaled units, drug B given at rate u between 0 and 1. A decision every 0.25 days,
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
from posology.patients.models import immune_depillis2003 as model
from posology.quantities import numbers_of, part

DAYS, STEPS = 0.25, 5
LEVELS = 11
DEATH, LEAST = -100.0, 0.7  # reward of it, and the share of normal cells below which it comes


State = model.State
Params = part(model.Params, without=("n0", "t0", "i0"))
START = tuple(numbers_of(model.Params)[name].value for name in ("n0", "t0", "i0"))


def rates(x: Any, p: Any, u: Any) -> Any:
    """Derivatives under the dose rate u."""
    return model.rates(0.0, x, p, u)


def start(p: Any) -> Any:
    """A small tumour, hardly any immune cells and no drug."""
    return State(*(0 * p.s + v for v in (*START, 0.0)))


def outcome(before: Any, after: Any, u: Any, p: Any) -> Any:
    """Cells before the decision and the dose; a death counts alone."""
    from posology.environments.ode import Outcome

    dead = after.normal < LEAST * START[0]
    lives = 1.0 - dead
    terms = (lives * before.normal / START[0], -lives * before.tumour / START[1], -lives * u, DEATH * dead)
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
    observe = lambda x: jnp.stack((x.tumour, x.immune, x.drug))  # noqa: E731
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
