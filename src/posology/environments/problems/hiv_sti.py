"""HIV: structured treatment interruption, as a control problem.

    a  = (1 − e1)·k1·V·T1          b = (1 − f·e1)·k2·V·T2          I = I1 + I2
    dT1/dt = l1 − d1·T1 − a        dI1/dt = a − delta·I1 − m1·E·I1
    dT2/dt = l2 − d2·T2 − b        dI2/dt = b − delta·I2 − m2·E·I2
    dV/dt  = (1 − e2)·nt·delta·I − c·V − (rho1·a + rho2·b)
    dE/dt  = le + be·E·I/(I + kb) − de·E·I/(I + kd) − deltae·E

Every 5 days one of four rows: no drug, a protease inhibitor (e2 = 0.3), a reverse transcriptase inhibitor
(e1 = 0.7), both. Reward of a decision, from the state before it: −0.1·V − 2·10⁴·e1² − 2·10⁴·e2² + 10³·E.
200 decisions; nobody dies. The task is to move the patient from the unhealthy to the healthy steady state, in
which the immune system holds the virus without any drug.

Adams 2004, Math Biosci Eng 1:223, doi:10.3934/mbe.2004.1.223; as a learning problem Ernst 2006, CDC,
doi:10.1109/CDC.2006.377527. Patients may differ in k1, k2 and f within ranges that test robustness; no
population was ever estimated. Interrupting treatment harmed real patients (SMART trial 2006,
doi:10.1056/NEJMoa062360): this is a benchmark, never a treatment.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from posology.environments.problem import Problem
from posology.environments.spec import Action, Feature, Spec
from posology.quantities import maximum, named, published, table

ADAMS = "Adams 2004, as in two independent ports (whynot, env_hiv.py)"
DAYS, STEPS = 5.0, 20  # between decisions; healthy macrophages are infected within minutes when the virus rebounds
ROWS = ((0.0, 0.0), (0.0, 0.3), (0.7, 0.0), (0.7, 0.3))  # efficacy of the inhibitors e1, e2
LABELS = ("none", "protease inhibitor", "reverse transcriptase inhibitor", "both")
REBOUND = 1e5  # copies/mL; a choice of ours, it counts as a cost and is not in the reward


@table
class Params:
    l1: float = published(1e4, "1/mL/d", "supply of CD4+ cells", at=ADAMS)
    d1: float = published(0.01, "1/d", "death of healthy CD4+ cells", at=ADAMS)
    k1: float = published(8e-7, "mL/d", "infection of CD4+ cells", at=ADAMS)
    l2: float = published(31.98, "1/mL/d", "supply of macrophages", at=ADAMS)
    d2: float = published(0.01, "1/d", "death of healthy macrophages", at=ADAMS)
    k2: float = published(1e-4, "mL/d", "infection of macrophages", at=ADAMS)
    f: float = published(0.34, "1", "share of e1 that acts in macrophages", at=ADAMS)
    delta: float = published(0.7, "1/d", "death of infected cells", at=ADAMS)
    m1: float = published(1e-5, "mL/d", "killing of infected CD4+ cells", at=ADAMS)
    m2: float = published(1e-5, "mL/d", "killing of infected macrophages", at=ADAMS)
    nt: float = published(100.0, "1", "virions per infected cell", at=ADAMS)
    c: float = published(13.0, "1/d", "clearance of virus", at=ADAMS)
    rho1: float = published(1.0, "1", "virions that infect one CD4+ cell", at=ADAMS)
    rho2: float = published(1.0, "1", "virions that infect one macrophage", at=ADAMS)
    le: float = published(1.0, "1/mL/d", "supply of effector cells", at=ADAMS)
    be: float = published(0.3, "1/d", "birth of effector cells", at=ADAMS)
    kb: float = published(100.0, "1/mL", "infected cells of half birth", at=ADAMS)
    de: float = published(0.25, "1/d", "loss of effector cells", at=ADAMS)
    kd: float = published(500.0, "1/mL", "infected cells of half loss", at=ADAMS)
    deltae: float = published(0.1, "1/d", "death of effector cells", at=ADAMS)


@table
class State:
    t1: float = named("1/mL", "healthy CD4+ cells")
    i1: float = named("1/mL", "infected CD4+ cells")
    t2: float = named("1/mL", "healthy macrophages")
    i2: float = named("1/mL", "infected macrophages")
    v: float = named("1/mL", "free virus")
    e: float = named("1/mL", "cytotoxic effector cells")


# per mL, in the order of `State`: Adams 2004, as in env_hiv.py
UNHEALTHY = (163573.0, 11945.0, 5.0, 46.0, 63919.0, 24.0)
HEALTHY = (967839.0, 76.0, 621.0, 6.0, 415.0, 353108.0)


def rates(x: Any, p: Any, u: Any) -> Any:
    """Derivatives under the efficacies u = (e1, e2)."""
    e1, e2 = u
    a, b = (1 - e1) * p.k1 * x.v * x.t1, (1 - p.f * e1) * p.k2 * x.v * x.t2
    infected = x.i1 + x.i2
    return State(
        t1=p.l1 - p.d1 * x.t1 - a,
        i1=a - p.delta * x.i1 - p.m1 * x.e * x.i1,
        t2=p.l2 - p.d2 * x.t2 - b,
        i2=b - p.delta * x.i2 - p.m2 * x.e * x.i2,
        v=(1 - e2) * p.nt * p.delta * infected - p.c * x.v - (p.rho1 * a + p.rho2 * b),
        e=p.le + p.be * infected / (infected + p.kb) * x.e - p.de * infected / (infected + p.kd) * x.e - p.deltae * x.e,
    )


def start(p: Any) -> Any:
    """The unhealthy steady state."""
    return State(*(0 * p.l1 + v for v in UNHEALTHY))


def outcome(before: Any, after: Any, u: Any, p: Any) -> Any:
    """The reward looks at the state before the decision, as published."""
    from posology.environments.ode import Outcome

    e1, e2 = u
    terms = (-0.1 * before.v, -2e4 * e1**2, -2e4 * e2**2, 1e3 * before.e)
    treated, rebound = 1.0 * (e1 + e2 > 0), 1.0 * (after.v > REBOUND)
    return Outcome(terms, (DAYS * treated, rebound), False)


SPEC = Spec(
    id="hiv-sti-v1",
    observation=tuple(Feature(f"log10 {name}", "1") for name in State._fields),  # type: ignore[attr-defined]
    actions=tuple(Action(label, float(i), "row", wait=DAYS) for i, label in enumerate(LABELS)),
    terms=("viral", "rti", "pi", "immune"),
    weights=(1.0, 1.0, 1.0, 1.0),
    costs=("drug_days", "viral_rebound"),
    at_most=(1000.0, 200.0),
    max_steps=200,
    horizon_days=1000.0,
)


def environment(shared: Path | None = None, spread: bool = False) -> Any:
    """The patient of the paper, or patients who differ within the ranges of robustness."""
    import jax.numpy as jnp

    from posology.environments.ode import Equations, OdeEnvironment

    rows = jnp.asarray(ROWS)
    ranges = {"k1": (5e-7, 8e-7), "k2": (1e-5, 1e-4), "f": (0.29, 0.34)} if spread else {}
    observe = lambda x: jnp.log10(maximum(jnp.stack(x), 1e-6))  # noqa: E731
    control = lambda action: (rows[action, 0], rows[action, 1])  # noqa: E731
    return OdeEnvironment(Equations(SPEC, Params, start, rates, control, outcome, observe, DAYS, STEPS, True, ranges))


PROBLEM = Problem(
    id="hiv-sti-v1",
    title="Structured treatment interruption in HIV (Adams)",
    question="Which of two drug classes, every five days, brings the patient to a state that needs none?",
    spec=SPEC,
    make=environment,
    source="Adams 2004, doi:10.3934/mbe.2004.1.223; Ernst 2006, doi:10.1109/CDC.2006.377527",
    not_for="treating anybody: interruptions harmed patients (SMART 2006), and guidelines ask for continuous therapy",
    credibility="B",
    params=Params,
    known={"none": 3432807.3, "pi": 3652129.2, "rti": 3186345.4, "both": 6677898.6, "best open loop found": 4.2925e10},
)
