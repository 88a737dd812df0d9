"""A tree of a treatment's policy, fitted once in a process, and what it says of one patient."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from posology.bedside.consult import Consultation
from posology.bedside.doser import Doser
from posology.environments.protocol import Chosen, State, TreatmentEnvironment
from posology.environments.spec import Action
from posology.environments.treatment import Treatment
from posology.evaluation.arms import Arm
from posology.evaluation.collect import collect
from posology.explanation import distillation
from posology.explanation.readable import readable

PATIENTS, FEWER = 400, 100  # whose simulated visits a tree is fitted and judged on; of a planner, whose choices are slow
DISTINCT = 40  # doses beyond which those between rows of the table count as the nearest row


@lru_cache(maxsize=8)
def _tree(asked: Treatment, who: Doser) -> tuple[distillation.Distilled, bool]:
    """The tree, and whether doses between rows of the table count in it as the nearest row."""
    env = TreatmentEnvironment(asked)
    plans = who.policy is None and bool(jax.tree.leaves(who.arm.memory()))
    patients = env.draw(jax.random.key(1), FEWER if plans else PATIENTS)
    table = collect(env, _as_measured(who.arm, asked), patients, jax.random.key(2))
    names = [name for name, _ in table.layout.action]
    amount, wait, every = (table.action[:, names.index(n)] for n in ("amount", "wait", "every"))
    given = [Chosen(*row) for row in zip(amount.tolist(), wait.tolist(), every.tolist(), strict=True)]
    rounds = len({_label(asked, g) for g in given}) > DISTINCT
    labels = [_label(asked, g, rounds) for g in given]
    distinct = list(dict.fromkeys(labels))
    chosen = np.array([distinct.index(label) for label in labels])
    return distillation.distilled(readable(asked, table.observation), chosen, distinct, table.subject), rounds


def _as_measured(arm: Arm, treatment: Treatment) -> Arm:
    """The arm as it doses a record: the lowest value measured since the last dose stands for the true one."""
    names = [k.name for k in treatment.channels]
    dose, key = names.index("dose"), names.index(treatment.key)

    def choose(env: Any, key_: Any, state: State, *rest: Any) -> Any:
        h = state.history
        last = jnp.max(jnp.where(h.present & (h.what == dose), h.time, -jnp.inf))
        mine = h.present & (h.what == key) & (h.time > last)
        lowest = jnp.where(mine.any(), jnp.min(jnp.where(mine, h.value, jnp.inf)), jnp.nan)
        seen = state._replace(last_lowest=jnp.where(jnp.isfinite(last), lowest, jnp.inf))
        return arm.choose(env, key_, seen, *rest)

    return replace(arm, choose=choose)


def _label(treatment: Treatment, given: Chosen, rounds: bool = False) -> str:
    """What was given in words: a row of the table, and an amount between rows as itself unless it `rounds` to the nearest."""

    def far(a: Action) -> tuple[bool, bool, float]:
        return a.wait != given.wait, bool(given.amount) and a.interval != given.every, abs(a.amount - given.amount)

    near = min(treatment.actions, key=far)
    if rounds or far(near)[2] <= 1e-4 * max(given.amount, 1.0):
        return near.label
    return f"{given.amount:.4g} {treatment.standard.unit}" + (f" every {given.every:g} h" if given.every else "")


def tree(c: Consultation) -> dict[str, Any]:
    """The distilled tree with its fidelity, and what it says of this patient."""
    d, rounds = _tree(c.asked, c.who)
    here = readable(c.asked, c.view.observation)
    path, says = distillation.path(d, here.values[0])
    a = c.decision.action
    chosen = _label(c.asked, Chosen(a.amount, a.wait, a.interval), rounds) if a else None
    return {
        "fidelity": d.fidelity._asdict(),
        "commonest_dose": d.commonest,
        "fitted": dict(zip(("visits", "patients"), d.fitted, strict=True)),
        "judged": dict(zip(("visits", "patients"), d.judged, strict=True)),
        "rules": distillation.rules(d),
        "path": path,
        "says": says,
        "agrees": says == chosen,
        "features": {n: None if np.isnan(v) else float(f"{v:.5g}") for n, v in zip(here.names, here.values[0], strict=True)},
        "units": dict(zip(here.names, here.units, strict=True)),
    }
