"""Intermittent androgen deprivation: when is a man on treatment, so that his cancer progresses as late as possible?

Men are drawn as in `patients/prostate_cohort.py`, a parametric summary of fits to 67 men of the trial of Bruchovsky 2006;
equations of `prostate-strobl2021`. Each week treatment is on or off for the next. Seen are the size relative to the start, which
PSA follows, its change within a week, the lowest so far, how near progression is, what a week changed last without and with
treatment, treatment and time, all without noise. Progression is the first day with a size above 1.2; follow-up ends after
1,792 days. The return is the years until progression or the end, so that its mean is a restricted mean time: most men never
progress, and medians do not exist.

Known are `continuous` treatment and `AT50` (off below half the size at the start, on again when that size is back; decided
daily), as `reference` below computes them. Of pairs of thresholds tried on other men, weekly on above and off below the size at
the start kept men free of progression longest; it is a baseline, too.

Strobl 2021, Cancer Res 81:1135; Gallagher 2024 learned a policy on such men. Weekly visits, what is seen and the horizon are
design choices.

Not for: any man's treatment: size is seen without error, and testosterone, side effects and quality of life are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from posology.environments.problem import Problem
from posology.environments.spec import Action, Feature, Spec
from posology.quantities import log, where

WEEKS = 256

SPEC = Spec(
    id="prostate-adaptive-v1",
    observation=(
        Feature("ln size", "1"),
        Feature("change of ln size in a week, times ten", "1"),
        Feature("ln lowest size", "1"),
        Feature("on treatment", "1"),
        Feature("share of follow-up", "1"),
        Feature("distance to progression, times five, at most two", "1"),
        Feature("change of ln size in the last week off treatment, times ten", "1"),
        Feature("change of ln size in the last week on treatment, times ten", "1"),
    ),
    actions=(Action("off", 0.0, "d", wait=7.0), Action("on", 7.0, "d", duration=168.0, wait=7.0)),
    terms=("free_years", "treated_years"),
    weights=(1.0, 0.0),
    costs=("progression",),
    at_most=(1.0,),
    max_steps=WEEKS,
    horizon_days=7.0 * WEEKS,
)


def continuous(seen: Any) -> Any:
    """Treatment every week, the standard of care before intermittent treatment."""
    return 1


def at50(seen: Any) -> Any:
    """Off below half the size at the start, on again when that size is back; else as in the week before."""
    ln_size, on = seen[0], seen[3]
    return where(ln_size < log(0.5), 0, where(ln_size >= 0, 1, on))


def held(seen: Any) -> Any:
    """On above the size at the start, off below it."""
    return where(seen[0] >= 0, 1, 0)


def environment(shared: Path | None = None) -> Any:
    """The men and their weeks."""
    from posology.environments.adaptive_prostate import AdaptiveProstate

    return AdaptiveProstate(SPEC)


def reference(rule: str, men: int = 20_000, seed: int = 0) -> float:
    """Mean years until progression, or the end of follow-up, under `continuous` or `at50`."""
    import jax

    from posology.environments.adaptive_prostate import YEAR
    from posology.patients import prostate_cohort

    decide = getattr(prostate_cohort, rule)
    course = jax.jit(lambda p: jax.lax.map(lambda one: prostate_cohort.follow(one, 7 * WEEKS, decide).days, p, batch_size=500))
    return float(course(prostate_cohort.draw(jax.random.key(seed), men)).mean() / YEAR)


PROBLEM = Problem(
    id="prostate-adaptive-v1",
    title="Intermittent androgen deprivation, on or off each week",
    question="In which weeks is a man on androgen deprivation, so that his prostate cancer progresses as late as possible?",
    spec=SPEC,
    make=environment,
    source="Strobl 2021, Cancer Res 81:1135; cohort after its public fits",
    not_for="any man's treatment: size is seen without error, and side effects are left out",
    credibility="B",
    policies={"continuous": continuous, "AT50, weekly": at50, "held at the start's size, weekly": held},
    known={"continuous": 4.456, "AT50": 4.530, "whole follow-up": 4.906},
)
