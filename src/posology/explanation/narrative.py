"""The rule trace, and one paragraph that a clinician would say. Nothing is said that is not in the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from posology.environments.spec import Action
from posology.safety.limits import Facts, Limit

SAID = 3  # inputs that are named
WORTH = 0.05  # share of the prediction's SD below which no measurement is proposed


def trace(
    limits: Sequence[Limit], facts: Facts, actions: Sequence[Action], permits: np.ndarray, bound_by: str | None
) -> list[dict[str, Any]]:
    """Every limit that was looked at: what it read, what it leaves of the doses, and whether it bound.

    Args:
        permits: whether each limit permits each action, `[L, A]`.
    """
    is_dose = np.array([a.amount > 0 for a in actions])
    rows = []
    for limit, open_ in zip(limits, permits, strict=True):
        doses = [a for a, ok in zip(actions, open_, strict=True) if ok and a.amount]
        if limit.offer:
            waits = bool(open_[[a.delay for a in actions]].any())
            effect = "offers a wait" if waits else "offers no wait"
        elif open_[is_dose].all():
            effect = "permits every dose"
        else:
            effect = f"permits at most {max(doses, key=lambda a: a.amount).label}" if doses else "permits no dose"
        rows.append(
            {
                "limit": limit.id,
                "sentence": limit.sentence,
                "looked_at": {names[-1]: _value(facts, names) for names in limit.needs},
                "effect": effect,
                "bound": limit.id == bound_by,
                "source": limit.source,
                "status": limit.status,
            }
        )
    return rows


def _value(facts: Facts, names: Sequence[str]) -> float | None:
    """The first of alternative facts that is known."""
    values = (float(np.asarray(getattr(facts, name))) for name in names)
    known = next((v for v in values if np.isfinite(v)), None)
    return None if known is None else float(f"{known:.6g}")


def sentence(answer: Mapping[str, Any]) -> str:
    """The paragraph, from the keys of an answer: what is chosen, what moved it, what would change it, what is not known."""
    parts = [_choice(answer), _moved(answer["attribution"]), _changed(answer["counterfactual"]), _likewise(answer)]
    return " ".join(p for p in [*parts, _treelike(answer["tree"]), _next(answer["next_lab"])] if p)


def _choice(answer: Mapping[str, Any]) -> str:
    chosen, wanted = answer["chosen"], answer["attribution"]["chosen"]
    if answer["abstained"]:
        return f"No dose is recommended: {answer['abstained']}. What follows explains what {answer['policy']} answers, {wanted}."
    dose = f"{chosen['label']} ({chosen['mg']:g} mg)" if chosen["dose"] else chosen["label"]
    bound = [row["limit"] for row in answer["trace"] if row["bound"]]
    return f"{answer['policy']} gives {dose}." + (f" The limit {bound[0]} bound the choice." if bound else " No limit bound it.")


def _moved(a: Mapping[str, Any]) -> str:
    """What moved the choice, and how far it lies from that for a typical patient."""
    usual = f"A typical patient of the treatment at the same visit would get {_dose(a['typical'], a['unit'])}"
    rows = sorted((r for r in a["inputs"] if abs(r["value"]) >= a["least"]), key=lambda r: -abs(r["value"]))
    if not rows:
        return f"{usual}; no single input moved that by {a['least']:g} {a['unit']} or more."
    named = "; ".join(f"{r['name']} {r['value']:+.3g} ({r['said']}; typically {r['typically']})" for r in rows[:SAID])
    how = "" if a["method"] == "exact" else f" (estimates; standard errors up to {max(r['error'] for r in a['inputs']):.2g})"
    if abs(a["actual"] - a["typical"]) < a["least"]:
        return f"{usual}, and so does this one, in whom these offset each other: {named}{how}."
    return f"{usual}; the difference of {a['actual'] - a['typical']:+.4g} {a['unit']} came most from {named}{how}."


def _dose(amount: float, unit: str) -> str:
    return f"{amount:.4g} {unit}" if amount else "no dose"


def _changed(c: Mapping[str, Any]) -> str:
    rows = [c[kind][0] for kind in ("lower", "higher") if c[kind]]
    if not c["facts"]:
        return ""
    if not rows:
        return "No change of a single fact within its range would have led to another dose."
    said = " ".join(row["sentence"] for row in rows)
    none = [kind for kind in ("lower", "higher") if not c[kind]]
    return said + (f" No single fact within its range would have led to a {none[0]} dose." if none else "")


def _likewise(answer: Mapping[str, Any]) -> str:
    n = answer["neighbours"]
    row = next((o for o in n["options"] if o["label"] == n["of"]), None)
    if row is None or not row["harm"]:
        return ""
    harms = ", ".join(f"{name.replace('_', ' ')} in {100 * share:.0f} %" for name, share in row["harm"].items())
    return f"In the {n['number']} virtual patients most like this one {row['label']} led to {harms}."


def _treelike(t: Mapping[str, Any]) -> str:
    f = t["fidelity"]
    often = f"{100 * f['mean']:.0f} % of held-out visits ({100 * f['lower']:.0f} to {100 * f['upper']:.0f} %)"
    tree = f"A decision tree that gives the policy's dose at {often}"
    if not t["agrees"]:
        return f"{tree} gives {t['says']} here: it does not explain this choice."
    why = f", by {' and '.join(t['path'])}" if t["path"] else ""
    return f"{tree} gives the same here{why}."


def _next(lab: Mapping[str, Any]) -> str:
    best = lab["best"]
    if best is None or best["narrows"] < WORTH:
        return f"No measurement in the coming interval is expected to narrow the prediction of {lab['of']} by 5 % or more."
    return (
        f"Measuring {best['reading']} on day {best['day']} would narrow the prediction of {lab['of']} most, its SD (of ln) by "
        f"about {100 * best['narrows']:.0f} %."
    )
