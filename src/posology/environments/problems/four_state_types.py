"""Which dose rate each day shrinks a tumour without harming a young, an elderly or a pregnant patient's normal cells?

Equations of `immune-depillis2003`, as in `four-state-chemo-v1`, in three types of patients, each as frequent. They differ in
how far normal cells may fall before the course ends, to 0.65 of those at the start in a young patient, 0.70 (as published for
all) in an elderly one and 0.75 in pregnancy, and in what the drug costs: 0.5, 1 and 2. A dose rate between 0 and 1 is chosen
each day for 150 days. Seen, without error, are tumour, immune cells, drug, and the type; normal cells are not. The return adds
up N/N₀ − T/T₀ − price·dose rate, a quarter of a point for each, as the published problem does four times a day; the end for
harm is −100 alone. In these equations normal cells fall by the tumour more than by the drug: a limit asks for enough drug, the
price for no more than that.

Baselines: constant rates; 0.75 for 30 days or until the tumour is below 0.01, and then none; and 1 for 20 days, the best of 28
such courses that were tried.

Padmanabhan R, Meskin N, Haddad WM. Math Biosci 2017;293:11 has three such types; how their limits and rewards were set was not
read, so the limits, the prices, daily decisions and a reward that looks at the cells after the decision (DTRGym's looks before
it) are design choices. de Pillis and Radunskaya 2003, doi:10.1016/S0895-7177(03)00133-X; start as in DTRGym (Luo 2024,
arXiv:2405.18610).

Left out: everything about these patients but limit and price; no number was fitted to anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from posology.environments.problem import Problem
from posology.environments.spec import Feature, Spec
from posology.patients.models import immune_depillis2003 as model
from posology.quantities import where

TYPES = ("young", "elderly", "pregnant")
LEAST = (0.65, 0.70, 0.75)  # share of the normal cells at the start
PRICE = (0.5, 1.0, 2.0)  # of the dose rate
DAYS, PARTS, PER_DAY = 150, 10, 0.25
DEATH, SMALL = -100.0, 0.01

SPEC = Spec(
    id="four-state-types-v1",
    observation=(
        Feature("tumour", "1"),
        Feature("immune", "1"),
        Feature("drug", "1"),
        *(Feature(name, "1") for name in TYPES),
        Feature("share of the days", "1"),
    ),
    actions=(),
    terms=("normal", "tumour", "dose", "harm"),
    weights=(1.0, 1.0, 1.0, 1.0),
    costs=("harm",),
    at_most=(1.0,),
    max_steps=DAYS,
    horizon_days=float(DAYS),
    low=0.0,
    high=1.0,
    action_unit="1/d",
    differentiable=True,
)


class Own(NamedTuple):
    """A patient: the equations' numbers, and which of the types."""

    p: Any
    kind: Any


def draw(key: Any) -> Own:
    """A patient of one of the types."""
    import jax

    return Own(model.MODEL.Params(), jax.random.randint(key, (), 0, len(TYPES)))


def outcome(before: Any, along: Any, given: Any, own: Own) -> Any:
    """Cells after the day and its dose; harm counts alone."""
    import jax.numpy as jnp

    from posology.environments.mapped import Outcome, last

    after, p = last(along), own.p
    kind = jnp.asarray(own.kind, int)
    harmed, price = after.normal < jnp.asarray(LEAST)[kind] * p.n0, jnp.asarray(PRICE)[kind]
    fine, harm = where(harmed, 0.0, PER_DAY), where(harmed, 1.0, 0.0)
    terms = (fine * after.normal / p.n0, -fine * after.tumour / p.t0, -fine * price * last(given)["drug"], DEATH * harm)
    return Outcome(terms, (harm,), harmed)


def observe(key: Any, state: Any, own: Own) -> Any:
    """Tumour, immune cells, drug, type and day."""
    x = state.x
    return x.tumour, x.immune, x.drug, *(where(own.kind == i, 1.0, 0.0) for i in range(len(TYPES))), state.step / DAYS


def environment(shared: Path | None = None) -> Any:
    """The three types."""
    from dataclasses import replace

    import jax.numpy as jnp

    from posology.environments.mapped import Mapped, MappedEnvironment, stepped

    daily = stepped(model.MODEL, 1.0, PARTS)
    typed = replace(
        daily,
        transition=lambda key, x, own, given: daily.transition(key, x, own.p, given),
        baseline=lambda own: daily.baseline(own.p),
    )
    inputs = lambda rate, k: {"drug": jnp.clip(rate, 0.0, 1.0)}  # noqa: E731
    return MappedEnvironment(Mapped(SPEC, typed, draw, inputs, outcome, observe, said=(LEAST, PRICE, PARTS, PER_DAY, DEATH)))


def constant(rate: float) -> Callable[[Any], Any]:
    """The same rate every day."""
    return lambda seen: rate


def at_first(rate: float, days: int) -> Callable[[Any], Any]:
    """The same rate for so many days, and then none."""
    return lambda seen: where(seen[-1] < (days - 0.5) / DAYS, rate, 0.0)


PROBLEM = Problem(
    id="four-state-types-v1",
    title="Chemotherapy with an immune system, three types of patients",
    question="Which dose rate each day shrinks a tumour without harming the normal cells of three types of patients?",
    spec=SPEC,
    make=environment,
    source="de Pillis 2003, doi:10.1016/S0895-7177(03)00133-X; types after Padmanabhan 2017, whose numbers were not read",
    not_for="treating anybody: the model is not calibrated to patients, and the limits of the types are ours",
    credibility="C",
    params=model.Params,
    known={"constant 0.5": 1.09, "0.75 for 30 days": 22.3, "1 for 20 days": 24.4},
    policies={
        **{f"constant {rate:g}": constant(rate) for rate in (0.0, 0.25, 0.5, 0.75, 1.0)},
        "0.75 for 30 days": at_first(0.75, 30),
        "1 for 20 days": at_first(1.0, 20),
        "0.75 until small": lambda seen: where(seen[0] > SMALL, 0.75, 0.0),
    },
)
