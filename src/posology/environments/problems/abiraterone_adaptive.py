"""When is abiraterone on and when off, so that PSA stays low and resistant cells do not take over?

Equations of `prostate-zhang2017`: three cell types compete, and those that need testosterone keep the independent ones small as
long as they are there. Treatment begins after 10,000 generations of androgen deprivation alone. Every 25 generations
abiraterone is switched on or off; 400 decisions. Seen, without error, are PSA, PSA as a share of that before treatment, the
change of its logarithm since the last decision, whether the drug is on, and the time. The return is the mean over all
generations of the share of PSA that is gone, 1 − PSA/PSA before treatment; once independent cells are the majority the course
is over and nothing more is earned.

Baselines: always on, as labelled; never; on above a PSA of 3000 and off below 1500, the rule of the authors' code; off at half
of the PSA before treatment and on when it is back, the rule of the trial; and on above 300 and off below 200, the best of some
sixty pairs of thresholds that were tried on these patients.

Patients have the competition matrix of T+ or of TP, half of them each: two patients in all, no population. Interval, horizon
and the return are design choices; how long a generation is was never published, so that nothing is said in days.

Zhang J et al. Nat Commun 2017;8:1816, doi:10.1038/s41467-017-01968-5, and the authors' code. The trial's longer time to
progression (Zhang 2022, eLife 11:e76284) can be compared by rank only.

Left out: men's differences, errors of PSA, everything that a drug does beside.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from posology.environments.problem import Problem
from posology.environments.spec import Action, Feature, Spec
from posology.patients.maps import plain
from posology.patients.models import prostate_zhang2017 as model
from posology.quantities import log, replace, where

EVERY, DECISIONS = 25, 400
BEFORE = 10_000  # generations of androgen deprivation alone
MAJORITY = 0.5
TP_FIT = {"a_dp": 0.598, "a_di": 0.794, "a_pd": 0.010, "a_pi": 0.206, "a_id": 0.402, "a_ip": 0.990}  # public code
SCALE = 1000.0  # of PSA as it is seen

SPEC = Spec(
    id="abiraterone-adaptive-v1",
    observation=(
        Feature("PSA, thousands", "1"),
        Feature("share of PSA before treatment", "1"),
        Feature("change of ln PSA", "1"),
        Feature("on treatment", "1"),
        Feature("share of follow-up", "1"),
    ),
    actions=(Action("off", 0.0, "1"), Action("on", 1.0, "1")),
    terms=("psa_gone", "treated"),
    weights=(1.0, 0.0),
    costs=("takeover",),
    at_most=(1.0,),
    max_steps=DECISIONS,
)


@cache
def fits() -> tuple[Any, ...]:
    """Both sets of parameters, each with the cells that androgen deprivation leaves."""
    made = []
    for changed in ({}, TP_FIT):
        p = replace(model.MODEL.Params(), **changed)
        x = plain(model.MODEL, p, model.baseline(p), [{}] * BEFORE)[-1]
        made.append(replace(p, dependent=x.dependent, producing=x.producing, independent=x.independent))
    return tuple(made)


def draw(key: Any) -> Any:
    """One of the two fits."""
    import jax

    producing = jax.random.bernoulli(key)
    return jax.tree.map(lambda a, b: jax.numpy.where(producing, b, a), *fits())


def start(p: Any) -> Any:
    """After androgen deprivation, PSA at rest with the cells."""
    x = model.baseline(p)
    return replace(x, psa=x.psa / p.clearance)


def outcome(before: Any, along: Any, given: Any, p: Any) -> Any:
    """Share of PSA that is gone in each generation before independent cells are the majority."""
    import jax.numpy as jnp

    from posology.environments.mapped import Outcome

    over = jnp.cumsum(model.readings(along, p)["independent_share"] > MAJORITY) > 0
    alive = jnp.where(over, 0.0, 1.0)
    gone = (alive * (1 - along.psa / before.kept[0])).sum() / (EVERY * DECISIONS)
    treated = (alive * given["abiraterone"]).sum() / (EVERY * DECISIONS)
    return Outcome((gone, treated), (1.0 * over[-1],), over[-1])


def first(x: Any) -> Any:
    """What is remembered: PSA before treatment and at the last decision, and whether the drug is on."""
    return x.psa, x.psa, 0 * x.psa


def keep(before: Any, along: Any, given: Any) -> Any:
    """The same after another interval."""
    return before.kept[0], before.x.psa, given["abiraterone"][-1]


def observe(key: Any, state: Any, p: Any) -> Any:
    """What a clinic knows."""
    at_start, before, on = state.kept
    psa = state.x.psa
    return psa / SCALE, psa / at_start, log(psa / before), on, state.step / DECISIONS


def environment(shared: Path | None = None) -> Any:
    """Both patients and their generations."""
    from posology.environments.mapped import Mapped, MappedEnvironment

    inputs = lambda row, k: {"abiraterone": 1.0 * row}  # noqa: E731
    said = (EVERY, DECISIONS, BEFORE, MAJORITY, sorted(TP_FIT.items()), SCALE)
    return MappedEnvironment(
        Mapped(SPEC, model.MODEL, draw, inputs, outcome, observe, EVERY, start, first=first, keep=keep, said=said)
    )


def between(low: float, high: float, seen_as: int = 0) -> Callable[[Any], Any]:
    """On from `high`, off from `low`, and in between as before."""
    return lambda seen: where(seen[seen_as] >= high, 1.0, where(seen[seen_as] <= low, 0.0, seen[3]))


PROBLEM = Problem(
    id="abiraterone-adaptive-v1",
    title="Abiraterone in a game of three cell types, on or off",
    question="When is abiraterone on and when off, so that PSA stays low and resistant cells do not take over?",
    spec=SPEC,
    make=environment,
    source="Zhang 2017, doi:10.1038/s41467-017-01968-5, and the authors' public code",
    not_for="dosing abiraterone: there are two patients, and no generation has a length in days",
    credibility="B",
    params=model.Params,
    known={"always on": 0.141, "on above 3000, off below 1500": 0.748, "on above 300, off below 200": 0.970},
    policies={
        "always on": lambda seen: 1,
        "never": lambda seen: 0,
        "on above 3000, off below 1500": between(1.5, 3.0),
        "off at half, on at the start's": between(0.5, 1.0, 1),
        "on above 300, off below 200": between(0.2, 0.3),
    },
)
