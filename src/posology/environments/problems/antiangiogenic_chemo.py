"""On which of thirty days is a drug against vessels given, and on which chemotherapy, so that a mouse's tumour stays small?

Equations of `angiogenesis-hahnfeldt1999` with endostatin, and a cytotoxic drug of concentration v that takes phi·v·volume from
the tumour and eta·v·capacity from its vessels, per day (d'Onofrio 2009). Each day nothing, endostatin (20 mg/kg), chemotherapy
or both is given, on 13 and 6 days at most. Seen, without error, are volume and its change in a day, both as logarithms, what is
left of both drugs, and the day; the vessels are not. The return is the mean over the days of ln(volume at the start/volume).

Baselines: nothing, either drug alone, either drug first, and both at once until they are used up.

Hahnfeldt P et al. Cancer Res 1999;59:4770. The extension is not settled by what was read: that 0.34 (Swierniak 2013, psi) is
phi and 0.15 is eta are readings of ours, its third number 0.26 is left out, and v is 1 on the day of a dose and 0 after it,
without unit or kinetics. Sizes at the start (median 200 mm3, SD of the logarithm 0.3, vessels in proportion), numbers of doses,
days and the return are design choices.

Left out: toxicity, so that only the numbers of doses bound them; patients.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from posology.environments.problem import Problem
from posology.environments.spec import Action, Feature, Spec
from posology.patients.models import angiogenesis_hahnfeldt1999 as model
from posology.quantities import assumed, exp, log, numbers_of, replace, table, together, where

DAYS, PARTS = 30, 50
ENDOSTATIN, DOSES, CHEMOTHERAPIES = 20.0, 13, 6  # mg/kg, and how often each
SIZE_SD, TYPICAL = 0.3, numbers_of(model.Params)["volume0"].value  # of ln volume at the start; uL
LABELS = ("none", "endostatin", "chemotherapy", "both")
SWIERNIAK = "Swierniak 2013, in our reading"


@table
class Cytotoxic:
    phi: float = assumed(0.34, "1/d", "loss of tumour at concentration 1 of the cytotoxic drug", at=SWIERNIAK)
    eta: float = assumed(0.15, "1/d", "loss of vessels at concentration 1 of the cytotoxic drug", at=SWIERNIAK)


Params = together(model.Params, Cytotoxic)

SPEC = Spec(
    id="antiangiogenic-chemo-v1",
    observation=(
        Feature("ln volume, by 200 mm3", "1"),
        Feature("change of it in a day", "1"),
        Feature("share of endostatin left", "1"),
        Feature("share of chemotherapy left", "1"),
        Feature("share of the days", "1"),
    ),
    actions=tuple(Action(label, float(i), "row", wait=1.0) for i, label in enumerate(LABELS)),
    terms=("shrinkage",),
    weights=(1.0,),
    costs=("growing_days",),
    at_most=(float(DAYS),),
    max_steps=DAYS,
    horizon_days=float(DAYS),
)


def draw(key: Any) -> Any:
    """A mouse: how large the tumour is at the start."""
    import jax

    p = Params()
    size = exp(SIZE_SD * jax.random.normal(key))
    return replace(p, volume0=size * p.volume0, capacity0=size * p.capacity0)


def transition(key: Any, x: Any, p: Any, given: Any) -> Any:
    """A day: endostatin at its beginning, chemotherapy throughout."""
    from posology.patients.integrate import runge_kutta

    v = given["chemotherapy"]

    def rates(y: Any) -> Any:
        d = model.rates(0.0, y, p, 0.0)
        volume = d.volume - p.phi * v * y.volume
        return replace(d, volume=volume, capacity=d.capacity - p.eta * v * y.capacity)

    return runge_kutta(rates, replace(x, drug=x.drug + given["endostatin"]), 1.0 / PARTS, PARTS)


def inputs(row: Any, day: Any) -> dict[str, Any]:
    """What a day brings."""
    return {"endostatin": where(row % 2 == 1, ENDOSTATIN, 0.0), "chemotherapy": where(row >= 2, 1.0, 0.0)}


def outcome(before: Any, along: Any, given: Any, p: Any) -> Any:
    """The day's share of the mean."""
    from posology.environments.mapped import Outcome, last

    now = last(along).volume
    return Outcome((log(p.volume0 / now) / DAYS,), (where(now > before.x.volume, 1.0, 0.0),), False)


def first(x: Any) -> Any:
    """What is remembered: doses of both drugs so far, and the volume of the day before."""
    return 0 * x.volume, 0 * x.volume, x.volume


def keep(before: Any, along: Any, given: Any) -> Any:
    """The same after another day."""
    endostatin, chemotherapy, _ = before.kept
    return endostatin + (given["endostatin"][0] > 0), chemotherapy + given["chemotherapy"][0], before.x.volume


def observe(key: Any, state: Any, p: Any) -> Any:
    """Volume, what is left, and the day."""
    endostatin, chemotherapy, before = state.kept
    now, left = state.x.volume, (1 - endostatin / DOSES, 1 - chemotherapy / CHEMOTHERAPIES)
    return log(now / TYPICAL), log(now / before), *left, state.step / DAYS


def mask(state: Any) -> Any:
    """Which rows are still to be had."""
    import jax.numpy as jnp

    endostatin, chemotherapy = state.kept[0] < DOSES, state.kept[1] < CHEMOTHERAPIES
    return jnp.stack([jnp.bool_(True), endostatin, chemotherapy, endostatin & chemotherapy])


def environment(shared: Path | None = None) -> Any:
    """The mice and their days."""
    from dataclasses import replace

    from posology.environments.mapped import Mapped, MappedEnvironment, stepped

    daily = replace(stepped(model.MODEL, 1.0, PARTS), Params=Params, transition=transition)
    said = (DAYS, PARTS, ENDOSTATIN, DOSES, CHEMOTHERAPIES, SIZE_SD)
    return MappedEnvironment(Mapped(SPEC, daily, draw, inputs, outcome, observe, first=first, keep=keep, mask=mask, said=said))


def left(seen: Any) -> tuple[Any, Any]:
    """1 where endostatin, and 2 where chemotherapy, is still to be had."""
    return where(seen[2] > 0.01, 1, 0), where(seen[3] > 0.01, 2, 0)


PROBLEM = Problem(
    id="antiangiogenic-chemo-v1",
    title="Endostatin and chemotherapy of a mouse's tumour, by days",
    question="On which days is a drug against vessels given, and on which chemotherapy, so that a tumour stays small?",
    spec=SPEC,
    make=environment,
    source="Hahnfeldt 1999, Cancer Res 59:4770; chemotherapy after d'Onofrio 2009 and Swierniak 2013, in our reading",
    not_for="patients: mice, and a cytotoxic drug without unit or kinetics",
    credibility="C",
    params=Params,
    known={"none": -3.22, "endostatin first": -0.394, "chemotherapy first": -0.665, "both at once": 0.479},
    policies={
        "none": lambda seen: 0,
        "endostatin alone": lambda seen: left(seen)[0],
        "chemotherapy alone": lambda seen: left(seen)[1],
        "endostatin first": lambda seen: where(seen[2] > 0.01, 1, left(seen)[1]),
        "chemotherapy first": lambda seen: where(seen[3] > 0.01, 2, left(seen)[0]),
        "both at once": lambda seen: sum(left(seen)),
        "endostatin every other day, chemotherapy at once": lambda seen: (
            where((seen[4] * DAYS + 0.5) % 2 < 1, left(seen)[0], 0) + left(seen)[1]
        ),
    },
)
