"""How much capecitabine in each of eight cycles, when hand-foot syndrome takes its time to come and to go?

Equations of `capecitabine-henin2009`; a patient's own grade is drawn each week from its probabilities. Before each cycle of
three weeks the dose for its first two is chosen: none, 50, 75 or 100 % of 1250 mg/m2 twice a day. Seen, without error or
missing values, are the worst grade of the last cycle and the grade now (0, 1, and 2 or more), the dose of the last cycle, how
many cycles with drug brought grade 2, creatinine clearance and the cycle. The return is the dose intensity, as a share of whole
doses in all cycles, less three times the share of weeks with grade 2 or more: a week of the syndrome costs as much as three
weeks of the dose are worth. From a price of about 2.2 on, the label's rule does better than the whole dose throughout.

The standard of care is the label's: no drug while the grade is 2, then less, by how often it came. Its column for grade 2 goes
on with 100, 75 and 50 %, that for grade 3 with 75 and 50 %, and then treatment ends; since the model does not tell grade 3 from
2, both are baselines. A pause in the middle of a cycle, which the label asks for, cannot be said here: decisions wait for its
end.

Random effects as published. Body surface, creatinine clearance, eight cycles and the price of a week are design choices; the
label's steps are from knowledge and are to be read in it.

Hénin E et al. Clin Pharmacol Ther 2009;85:418, doi:10.1038/clpt.2008.220; DDMODEL214.

Left out: the tumour, so that dose stands for its effect; diarrhoea and other toxicities; days.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from posology.environments.problem import Problem
from posology.environments.spec import Action, Feature, Spec
from posology.patients.models import capecitabine_henin2009 as model
from posology.quantities import exp, named, numbers_of, replace, table, where

CYCLES, WEEKS, WITH_DRUG = 8, 3, 2
WHOLE = 2 * 1250.0  # mg/m2 a day
SHARES = (0.0, 0.5, 0.75, 1.0)
PRICE = 3.0  # of a week with grade 2, in weeks of the dose
BSA, BSA_SD = 1.8, 0.2  # m2
CRCL, CRCL_SD, CRCL_RANGE = 75.5, 25.0, (30.0, 150.0)  # mL/min
AS_GRADE_2, AS_GRADE_3 = (3, 3, 2, 1, 0), (3, 2, 1, 0, 0)  # rows by how often grade 2 came

SPEC = Spec(
    id="capecitabine-hand-foot-v1",
    observation=(
        Feature("worst grade of the cycle", "1"),
        Feature("grade now", "1"),
        Feature("share of the whole dose in the last cycle", "1"),
        Feature("cycles with drug that brought grade 2", "1"),
        Feature("creatinine clearance, by 75.5 mL/min", "1"),
        Feature("share of the cycles", "1"),
    ),
    actions=tuple(Action(f"{100 * s:g} %", s * WHOLE, "mg/m2/d", wait=7.0 * WEEKS) for s in SHARES),
    terms=("dose_intensity", "weeks_grade_2"),
    weights=(1.0, -PRICE),
    costs=("weeks_grade_2",),
    at_most=(6.0,),
    max_steps=CYCLES,
    horizon_days=7.0 * WEEKS * CYCLES,
)


class Own(NamedTuple):
    """One patient's numbers."""

    p: Any
    bsa: Any
    crcl: Any


@table
class State:
    amount: float = named("mg", "drug that drives the syndrome")
    grade: float = named("1", "grade of the week: 0, 1, or 2 for more")


def draw(key: Any) -> Own:
    """A patient: size, kidneys, and both random effects."""
    import jax
    import jax.numpy as jnp

    p, numbers = model.MODEL.Params(), numbers_of(model.Params)
    z = jax.random.normal(jax.random.fold_in(key, 0), (4,))
    bsa, crcl = BSA + BSA_SD * jnp.clip(z[2], -2, 2), jnp.clip(CRCL + CRCL_SD * z[3], *CRCL_RANGE)
    sd = numbers["k"].variance ** 0.5
    along = p.covariance / sd
    tendency = along * z[0] + (p.tendency_variance - along**2) ** 0.5 * z[1]
    own = replace(model.individual(p, {"crcl": crcl}), k=p.k * exp(sd * z[0]), tendency=tendency)
    return Own(own, bsa, crcl)


def transition(key: Any, x: Any, own: Own, given: Any) -> Any:
    """A week: the probabilities after the grade before, and the grade drawn from them."""
    import jax

    was = [where(x.grade == g, 1.0, 0.0) for g in range(3)]
    after = model.transition(None, model.State(x.amount, *was), own.p, {"capecitabine": given["dose"] * own.bsa})
    chance = jax.random.uniform(key)
    grade = where(chance < after.grade_0, 0.0, where(chance < after.grade_0 + after.grade_1, 1.0, 2.0))
    return State(after.amount, grade)


def inputs(row: Any, week: Any) -> dict[str, Any]:
    """The dose of a week, mg/m2 a day."""
    import jax.numpy as jnp

    return {"dose": where(week < WITH_DRUG, WHOLE * jnp.asarray(SHARES)[row], 0.0)}


def outcome(before: Any, along: Any, given: Any, own: Own) -> Any:
    """Dose of the cycle, and its weeks with grade 2."""
    from posology.environments.mapped import Outcome

    weeks = (along.grade >= 2).sum()
    return Outcome((given["dose"][0] / WHOLE / CYCLES, weeks / (CYCLES * WEEKS)), (1.0 * weeks,), False)


def first(x: Any) -> Any:
    """What is remembered: the worst grade of the cycle, its dose, and how many cycles with drug brought grade 2."""
    return x.grade, 0 * x.grade, 0 * x.grade


def keep(before: Any, along: Any, given: Any) -> Any:
    """The same after another cycle."""
    worst, share = along.grade.max(), given["dose"][0] / WHOLE
    return worst, share, before.kept[2] + 1.0 * ((worst >= 2) & (share > 0))


def observe(key: Any, state: Any, own: Own) -> Any:
    """What a clinic writes down."""
    worst, share, came = state.kept
    return worst, state.x.grade, share, came, own.crcl / CRCL, state.step / CYCLES


def environment(shared: Path | None = None) -> Any:
    """The patients and their cycles."""
    from dataclasses import replace

    from posology.environments.mapped import Mapped, MappedEnvironment

    weekly = replace(model.MODEL, State=State, transition=transition, baseline=lambda own: State(0 * own.p.k, 0 * own.p.k))
    said = (WHOLE, SHARES, WITH_DRUG, BSA, BSA_SD, CRCL, CRCL_SD, CRCL_RANGE)
    return MappedEnvironment(Mapped(SPEC, weekly, draw, inputs, outcome, observe, WEEKS, first=first, keep=keep, said=said))


def constant(row: int) -> Callable[[Any], Any]:
    """The same dose in every cycle."""
    return lambda seen: row


def label(rows: tuple[int, ...]) -> Callable[[Any], Any]:
    """No drug while the grade is 2; else the row for how often it came."""

    def act(seen: Any) -> Any:
        import jax.numpy as jnp

        came = jnp.clip(jnp.asarray(seen[3], jnp.int32), 0, len(rows) - 1)
        return jnp.where(seen[1] >= 2, 0, jnp.asarray(rows)[came])

    return act


PROBLEM = Problem(
    id="capecitabine-hand-foot-v1",
    title="Capecitabine and hand-foot syndrome, eight cycles",
    question="How much capecitabine in each cycle, when hand-foot syndrome takes its time to come and to go?",
    spec=SPEC,
    make=environment,
    source="Hénin 2009, doi:10.1038/clpt.2008.220, DDMODEL214",
    not_for="a patient's dose: the tumour, diarrhoea and pauses within a cycle are left out",
    credibility="A",
    params=model.Params,
    known={"constant 100 %": 0.308, "label, as for grade 2": 0.396, "label, as for grade 3": 0.378},
    policies={
        **{f"constant {100 * s:g} %": constant(i) for i, s in enumerate(SHARES)},
        "label, as for grade 2": label(AS_GRADE_2),
        "label, as for grade 3": label(AS_GRADE_3),
    },
)
