"""Which share of the largest dose, six months in a row, rids a made-up patient of the tumour without killing by toxicity?

Equations of `chemotherapy-zhao2009`. Each month toxicity, tumour size and the month are seen without error, and a dose from 0
to 1 in steps of 0.1 is chosen. Both start between 0 and 2, evenly, for each patient. A month brings death with probability 1 −
e^(−its hazard). The return is that of the paper: −60 in the month of death, and else 5 for a toxicity that fell by 0.5 or more,
−5 for one that rose as much, likewise for the tumour, but 15 for a tumour that is gone.

Baselines are the eleven constant doses, and the whole dose until the tumour is gone and then none. Because only death is left
to chance, the best course for a known start is exact: `best_course` tries all 11⁶. No policy exceeds it; one that sees only the
present cannot know the start, which the equations remember.

Zhao Y, Kosorok MR, Zeng D. Stat Med 2009;28:3294, doi:10.1002/sim.3720. The rewards, and death by the values at the end of the
month, are from knowledge of the paper and still to be checked in it; that a tumour that is gone earns 15 in every month after
is our reading. That the month is seen is a design choice: the paper learns a rule for each month.

Not for: any statement about patients; nothing in it is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from posology.environments.problem import Problem
from posology.environments.spec import Action, Feature, Spec
from posology.patients.model import MONTH
from posology.patients.models import chemotherapy_zhao2009 as model
from posology.quantities import exp, named, replace, table, where

MONTHS, LEVELS = 6, 11
FROM, TO = 0.0, 2.0  # of toxicity and tumour at the start
DEATH, CHANGE, CHANGED, GONE = -60.0, 0.5, 5.0, 15.0

SPEC = Spec(
    id="zhao-chemo-v1",
    observation=(Feature("toxicity", "1"), Feature("tumour", "1"), Feature("share of the months", "1")),
    actions=tuple(Action(f"dose {i / 10:g}", i / 10, "1", wait=MONTH) for i in range(LEVELS)),
    terms=("toxicity", "tumour", "death"),
    weights=(1.0, 1.0, 1.0),
    costs=("death",),
    at_most=(1.0,),
    max_steps=MONTHS,
    horizon_days=MONTHS * MONTH,
)


@table
class State:
    toxicity: float = named("1", "toxicity, more is worse")
    tumour: float = named("1", "tumour size")
    hazard: float = named("1", "hazard of death so far")
    dead: float = named("1", "1 after death")


def baseline(p: Any) -> State:
    """Alive."""
    return State(p.toxicity, p.tumour, 0 * p.toxicity, 0 * p.toxicity)


def transition(key: Any, x: Any, p: Any, given: Any) -> Any:
    """A month of the model, and whether it brought death; without a key it never does."""
    after = model.transition(None, model.State(*x[:3]), p, given)
    if key is None:
        return State(after.toxicity, after.tumour, after.hazard, 0 * after.hazard)
    import jax

    dies = jax.random.uniform(key) < risk(x, after)
    return State(after.toxicity, after.tumour, after.hazard, where((x.dead > 0) | dies, 1.0, 0.0))


def risk(before: Any, after: Any) -> Any:
    """Probability of death in a month."""
    return 1 - exp(before.hazard - after.hazard)


def worth(before: Any, after: Any) -> tuple[Any, Any]:
    """What a month that is survived brings by toxicity, and by the tumour."""

    def change(was: Any, now: Any) -> Any:
        return where(now - was <= -CHANGE, CHANGED, where(now - was >= CHANGE, -CHANGED, 0.0))

    tumour = where(after.tumour <= 0, GONE, change(before.tumour, after.tumour))
    return change(before.toxicity, after.toxicity), tumour


def outcome(before: Any, along: Any, given: Any, p: Any) -> Any:
    """The published reward of a month."""
    from posology.environments.mapped import Outcome, last

    after = last(along)
    lives = 1.0 - after.dead
    toxicity, tumour = worth(before.x, after)
    return Outcome((lives * toxicity, lives * tumour, DEATH * after.dead), (after.dead,), after.dead > 0)


def draw(key: Any) -> Any:
    """A patient: where toxicity and tumour start."""
    import jax

    toxicity, tumour = (jax.random.uniform(jax.random.fold_in(key, i), minval=FROM, maxval=TO) for i in (0, 1))
    return replace(model.MODEL.Params(), toxicity=toxicity, tumour=tumour)


def environment(shared: Path | None = None) -> Any:
    """The trial."""
    from dataclasses import replace

    from posology.environments.mapped import Mapped, MappedEnvironment

    lives = replace(model.MODEL, State=State, transition=transition, baseline=baseline)
    observe = lambda key, state, p: (state.x.toxicity, state.x.tumour, state.step / MONTHS)  # noqa: E731
    inputs = lambda row, k: {"dose": row / 10}  # noqa: E731
    said = (FROM, TO, DEATH, CHANGE, CHANGED, GONE)
    return MappedEnvironment(Mapped(SPEC, lives, draw, inputs, outcome, observe, said=said))


def best_course(toxicity: float, tumour: float) -> Any:
    """Expected return of the best course for a start that is known, by trying every one."""
    import jax
    import jax.numpy as jnp

    p = replace(model.MODEL.Params(), toxicity=toxicity, tumour=tumour)

    def value(x: Any, month: int) -> Any:
        if month == MONTHS:
            return 0.0 * x.toxicity
        before = jax.tree.map(lambda v: v[..., None], x)
        after = model.transition(None, before, p, {"dose": jnp.arange(LEVELS) / 10})
        dies = risk(before, after)
        total = DEATH * dies + (1 - dies) * (sum(worth(before, after)) + value(after, month + 1))
        return total.max(axis=-1)

    return value(jax.tree.map(lambda v: jnp.asarray(v, float), model.baseline(p)), 0)


def constant(row: int) -> Callable[[Any], Any]:
    """The same dose in every month."""
    return lambda seen: row


PROBLEM = Problem(
    id="zhao-chemo-v1",
    title="Chemotherapy of a made-up cancer, six monthly doses",
    question="Which dose in each of six months rids a made-up patient of the tumour without killing by toxicity?",
    spec=SPEC,
    make=environment,
    source="Zhao 2009, doi:10.1002/sim.3720; public codes of its simulator",
    not_for="any statement about patients: nothing in it is measured",
    credibility="C",
    params=model.Params,
    known={"constant 0.8": -43.3, "whole dose until gone": -9.7, "best course for a known start": -3.7},
    policies={
        **{f"constant {i / 10:g}": constant(i) for i in range(LEVELS)},
        "whole dose until gone": lambda seen: where(seen[1] > 0, LEVELS - 1, 0),
    },
)
