"""A negative control: does a learner leave the dose of pembrolizumab alone, where more of it does nothing?

Equations of `nsclc-chatterjee2016` with an exponent of exposure of 0: between 2 and 10 mg/kg the dose made no difference in
KEYNOTE-001. Every six weeks, for 48, a dose is chosen for the two infusions until the next scan: none, 2, 4, 6, 8 or 10 mg/kg.
Seen are PD-L1 on tumour cells (three classes), the size on the last scan as a share of the first (residual SD 0.1655 of the
logarithm, each), its change, the last dose and the time. The return is what the true size's logarithm falls in 48 weeks; the
dose counts nothing in it, and is shown as a term of weight 0.

Any course that never pauses is as good as any other, and a pause loses: 2 mg/kg throughout is an optimum. A return above it is
a fault; escalation can be read from the dose. Baselines: each dose throughout, 10 mg/kg as soon as the tumour is larger on a
scan than on the one before, and none.

Random effects as published. The exponent, published as 0.196 and not significant, is 0 by design: with 0.196 the tumour would
shrink 1.37 times as fast on 10 as on 2 mg/kg. The shares of the PD-L1 classes are read in the order of 50 % and more, 1 to 49
%, less than 1 %, unknown left out, which the source leaves open; sizes before treatment do not matter here; visits are design
choices.

Chatterjee M et al. Ann Oncol 2016;27:1291 (KEYNOTE-001), read in the public nlmixr2lib.

Left out: toxicity, new lesions, death, mutated EGFR.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from posology.environments.problem import Problem
from posology.environments.spec import Action, Feature, Spec
from posology.patients.models import nsclc_chatterjee2016 as model
from posology.quantities import exp, log, named, replace, table, where

DOSES = (0.0, 2.0, 4.0, 6.0, 8.0, 10.0)  # mg/kg
VISITS, DAYS = 8, 42.0
CLASSES = (0.30, 0.40, 0.18)  # PD-L1 on 50 % and more of tumour cells, on 1 to 49 %, on less
ERROR = model.MODEL.residuals["tumour_size"].ln_sd

SPEC = Spec(
    id="pembrolizumab-escalation-control-v1",
    observation=(
        Feature("PD-L1 on 50 % and more", "1"),
        Feature("PD-L1 on 1 to 49 %", "1"),
        Feature("ln share of the first size", "1"),
        Feature("change of it since the last scan", "1"),
        Feature("last dose, by 10 mg/kg", "1"),
        Feature("share of follow-up", "1"),
    ),
    actions=tuple(Action(f"{d:g} mg/kg", d, "mg/kg", wait=DAYS, interval=24 * 21.0) for d in DOSES),
    terms=("shrinkage", "dose"),
    weights=(1.0, 0.0),
    costs=("growing_visits",),
    at_most=(float(VISITS),),
    max_steps=VISITS,
    horizon_days=VISITS * DAYS,
)


class Own(NamedTuple):
    """One patient's numbers, class of PD-L1, and the error of the first scan."""

    p: Any
    tps50: Any
    tps1: Any
    error: Any


@table
class State:
    growing: float = named("mm", "part of the size that grows")
    shrinking: float = named("mm", "part of the size that shrinks under treatment")
    scan: float = named("1", "logarithm of the size on the last scan, mm")


def draw(key: Any) -> Own:
    """A patient: class of PD-L1, the three random effects, and the first scan's error."""
    import jax
    import jax.numpy as jnp

    from posology.patients.population import apply_effects, effect_factor

    kind = jax.random.choice(jax.random.fold_in(key, 0), len(CLASSES), p=jnp.asarray(CLASSES) / sum(CLASSES))
    tps50, tps1 = where(kind == 0, 1.0, 0.0), where(kind == 1, 1.0, 0.0)
    own = model.individual(replace(model.MODEL.Params(), kd_auc=0.0), {"tps50": tps50, "tps1": tps1, "egfr": 0.0})
    z = jax.random.normal(jax.random.fold_in(key, 1), (4,))
    effects = dict(zip(model.MODEL.random_effects, jnp.asarray(effect_factor(model.MODEL), float) @ z[:3], strict=True))
    return Own(apply_effects(own, effects), tps50, tps1, ERROR * z[3])


def baseline(own: Own) -> State:
    """Before treatment, with a scan."""
    x = model.baseline(own.p)
    return State(x.growing, x.shrinking, log(x.growing + x.shrinking) + own.error)


def transition(key: Any, x: Any, own: Own, given: Any) -> Any:
    """Until the next scan, exactly: each part of the tumour changes at a constant relative rate. The unit of exposure is not
    settled; 10 mg/kg stand for the reference one, and here it matters only whether there is any."""
    import jax

    slopes = model.rates(0.0, model.State(1.0, 1.0), own.p, own.p.auc_ref * given["dose"] / DOSES[-1])
    growing, shrinking = (v * exp(DAYS * slope) for v, slope in zip(x[:2], slopes, strict=True))
    return State(growing, shrinking, log(growing + shrinking) + ERROR * jax.random.normal(key))


def outcome(before: Any, along: Any, given: Any, own: Own) -> Any:
    """Fall of the logarithm of the true size."""
    from posology.environments.mapped import Outcome, last

    was, now = (x.growing + x.shrinking for x in (before.x, last(along)))
    return Outcome((log(was / now), last(given)["dose"] / VISITS), (where(now > was, 1.0, 0.0),), False)


def first(x: Any) -> Any:
    """What is remembered: the last dose, the first scan and the one before the last."""
    return 0 * x.scan, x.scan, x.scan


def keep(before: Any, along: Any, given: Any) -> Any:
    """The same after another visit."""
    return given["dose"][-1], before.kept[1], before.x.scan


def observe(key: Any, state: Any, own: Own) -> Any:
    """PD-L1, the scans, the last dose and the time."""
    dose, first_scan, one_before = state.kept
    now = state.x.scan
    return own.tps50, own.tps1, now - first_scan, now - one_before, dose / DOSES[-1], state.step / VISITS


def environment(shared: Path | None = None) -> Any:
    """The patients and their visits."""
    import jax.numpy as jnp

    from posology.environments.mapped import Mapped, MappedEnvironment
    from posology.patients.maps import MapModel

    m = model.MODEL
    visits = MapModel(
        id=m.id,
        title=m.title,
        Params=m.Params,
        State=State,
        baseline=baseline,
        transition=transition,
        readings=m.readings,
        reading_units=m.reading_units,
        inputs={"dose": "mg/kg"},
        step=DAYS,
        time_unit=m.time_unit,
        usual=lambda k: {"dose": DOSES[1]},
    )
    inputs = lambda row, k: {"dose": jnp.asarray(DOSES)[row]}  # noqa: E731
    return MappedEnvironment(
        Mapped(SPEC, visits, draw, inputs, outcome, observe, first=first, keep=keep, said=(DOSES, CLASSES, ERROR))
    )


def constant(row: int) -> Callable[[Any], Any]:
    """The same dose at every visit."""
    return lambda seen: row


PROBLEM = Problem(
    id="pembrolizumab-escalation-control-v1",
    title="Pembrolizumab, where more than 2 mg/kg does nothing more",
    question="Does a learner leave the dose of pembrolizumab alone, where more of it does nothing?",
    spec=SPEC,
    make=environment,
    source="Chatterjee 2016, Ann Oncol 27:1291 (KEYNOTE-001), in nlmixr2lib",
    not_for="dosing anybody: that more does nothing is put in, and toxicity and survival are left out",
    credibility="A",
    params=model.Params,
    known={"constant 0 mg/kg": -0.485, "constant 2 mg/kg": 0.0597},
    policies={
        **{f"constant {d:g} mg/kg": constant(i) for i, d in enumerate(DOSES)},
        "10 mg/kg after growth": lambda seen: where((seen[3] > 0) | (seen[4] > 0.9), len(DOSES) - 1, 1),
    },
)
