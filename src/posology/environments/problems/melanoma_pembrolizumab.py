"""For how many cycles does a melanoma in a model of antigen-presenting and effector cells need pembrolizumab?

Equations of `melanoma-tsur2019`. Every three weeks, 17 times, treatment is on or off for the next. Seen, without error, are the
tumour as a logarithm (0: as at the start), its change in three weeks, whether treatment is on, the cycles on it so far, and the
time. The return is the fall of ln tumour cells in 51 weeks, down to one cell, less 0.1 for each cycle on.

Baselines: never, always, four cycles and then none, and until the tumour is a millionth of what it was, or gone.

Tsur N et al. J Transl Med 2019;17:338. Unverified: the structure follows the paper's words and the drug's term is a reading of
ours; with it a tumour hardly responds or is gone within weeks. Patients are drawn evenly, on logarithmic scales, from the
ranges that the paper gives for its numbers, which are no spread between patients; 10⁹ cells at the start, cycles, the price of
one and what is seen are design choices. What learners find here says something about the equations and nothing about melanoma.

Left out: dose, toxicity, survival, a response by any criterion.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from posology.environments.problem import Problem
from posology.environments.spec import Action, Feature, Spec
from posology.patients.models import melanoma_tsur2019 as model
from posology.quantities import exp, log, maximum, named, numbers_of, replace, table, where

CYCLES, DAYS, PARTS = 17, 21.0, 84
PRICE = 0.1
RANGES = {
    "aim": (1161.0, 2986.0),
    "b": (3.70e4, 1.476e5),
    "apem": (10.0, 1e4),
    "gm": (0.003269, 0.08664),
    "g": (2.019e7, 1e8),
}
LN_START = log(numbers_of(model.Params)["tumour0"].value)

SPEC = Spec(
    id="melanoma-pembrolizumab-v1",
    observation=(
        Feature("ln share of the tumour at the start", "1"),
        Feature("change of it in a cycle", "1"),
        Feature("on treatment", "1"),
        Feature("share of cycles on treatment so far", "1"),
        Feature("share of the cycles", "1"),
    ),
    actions=(Action("off", 0.0, "1", wait=DAYS), Action("on", 1.0, "1", duration=24 * DAYS, wait=DAYS)),
    terms=("shrinkage", "cycles"),
    weights=(1.0, -PRICE),
    costs=("cycles",),
    at_most=(float(CYCLES),),
    max_steps=CYCLES,
    horizon_days=CYCLES * DAYS,
)


@table
class State:
    antigen: float = named("1", "antigen-presenting cells")
    effector: float = named("1", "effector cells")
    ln_tumour: float = named("1", "logarithm of the number of tumour cells; 0, the last of them, stays")


def draw(key: Any) -> Any:
    """A patient from the published ranges."""
    import jax

    def between(i: int, low: float, high: float) -> Any:
        return exp(jax.random.uniform(jax.random.fold_in(key, i), minval=log(low), maxval=log(high)))

    return replace(model.MODEL.Params(), **{name: between(i, *ends) for i, (name, ends) in enumerate(RANGES.items())})


def baseline(p: Any) -> State:
    """At rest with the tumour."""
    x = model.baseline(p)
    return State(x.antigen, x.effector, log(x.tumour))


def transition(key: Any, x: Any, p: Any, given: Any) -> Any:
    """A cycle, with the tumour as its logarithm: it falls by many orders of magnitude."""
    from posology.patients.integrate import runge_kutta

    def rates(y: Any) -> Any:
        tumour = exp(y.ln_tumour)
        d = model.rates(0.0, model.State(y.antigen, y.effector, tumour), p, given["drug"])
        return State(d.antigen, d.effector, d.tumour / tumour)

    after = runge_kutta(rates, x, DAYS / PARTS, PARTS)
    return replace(after, ln_tumour=where(x.ln_tumour <= 0, 0.0, maximum(after.ln_tumour, 0.0)))


def outcome(before: Any, along: Any, given: Any, p: Any) -> Any:
    """Fall of the logarithm, and the cycle."""
    from posology.environments.mapped import Outcome, last

    on = given["drug"][0]
    return Outcome((before.x.ln_tumour - last(along).ln_tumour, on), (on,), False)


def first(x: Any) -> Any:
    """What is remembered: whether treatment is on, cycles on it, and the tumour a cycle ago."""
    return 0 * x.antigen, 0 * x.antigen, x.ln_tumour


def keep(before: Any, along: Any, given: Any) -> Any:
    """The same after another cycle."""
    on = given["drug"][0]
    return on, before.kept[1] + on, before.x.ln_tumour


def observe(key: Any, state: Any, p: Any) -> Any:
    """Tumour, treatment and time."""
    on, cycles, before = state.kept
    now = state.x.ln_tumour
    return now - LN_START, now - before, on, cycles / CYCLES, state.step / CYCLES


def environment(shared: Path | None = None) -> Any:
    """The patients and their cycles."""
    from dataclasses import replace

    from posology.environments.mapped import Mapped, MappedEnvironment, stepped

    cycle = replace(stepped(model.MODEL, DAYS, PARTS), State=State, transition=transition, baseline=baseline)
    inputs = lambda row, k: {"drug": 1.0 * row}  # noqa: E731
    said = (PARTS, sorted(RANGES.items()))
    return MappedEnvironment(Mapped(SPEC, cycle, draw, inputs, outcome, observe, first=first, keep=keep, said=said))


PROBLEM = Problem(
    id="melanoma-pembrolizumab-v1",
    title="Pembrolizumab on or off in a model of melanoma, structure only",
    question="For how many cycles does a melanoma in a model of two immune cells need pembrolizumab?",
    spec=SPEC,
    make=environment,
    source="Tsur 2019, J Transl Med 17:338; structure unverified",
    not_for="any clinical statement: the equations are a reading of ours, and patients are drawn from ranges of its numbers",
    credibility="B",
    params=model.Params,
    known={"never": -9.12, "always": -1.53, "four cycles": -2.70, "until gone": -1.11},
    policies={
        "never": lambda seen: 0,
        "always": lambda seen: 1,
        "four cycles": lambda seen: where(seen[4] < 3.5 / CYCLES, 1, 0),
        "until a millionth": lambda seen: where(seen[0] > log(1e-6), 1, 0),
        "until gone": lambda seen: where(seen[0] > 1e-3 - LN_START, 1, 0),
    },
)
