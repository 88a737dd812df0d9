"""Limits that follow from a patient's genes, kidneys and liver, and from what was given before: the rules of `rules.py`.

They stand beside a treatment's own limits, at the bedside or in a shield around a policy, and are no part of the treatment: its
returns and its fingerprint stay what they are. Facts behind them come from a record, or from channels of a history (`facts.py`).

    limits_for(drug, usual, unit, own)      the rules that there are for a drug whose usual dose is `usual`

A share of 1 bounds nothing: that the usual dose may be given says nothing of larger ones, which the treatment's own limits bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from posology.safety import rules
from posology.safety.limits import Facts, Limit, clearance_steps, cumulative, single_dose
from posology.safety.units import unit_of

WORST = ("assumed", "unverified", "verified")  # statuses, the weakest first


def _of_genes(facts: Facts, usual: float) -> tuple[Any, Any, Any]:
    import jax.numpy as jnp

    free = (facts.gene_share >= 1) | (facts.responded > 0)
    return 0.0, jnp.where(free, jnp.inf, facts.gene_share * usual), facts.gene_share > 0


def _of_liver(facts: Facts, usual: float) -> tuple[Any, Any, Any]:
    import jax.numpy as jnp

    share = facts.liver_share
    return 0.0, jnp.where(share >= 1, jnp.inf, share * usual), share > 0


def _of_filtration(facts: Facts, auc: float, cap: float, other: float) -> tuple[Any, Any, Any]:
    import jax.numpy as jnp

    return 0.0, auc * (jnp.minimum(facts.crcl, cap) + other), True


def fluoropyrimidine_share(score: Any) -> Any:
    """Share of the usual first dose at an activity score of DPYD, 0 where the drug is to be avoided, NaN for no score."""
    import jax.numpy as jnp

    share: Any = jnp.where(jnp.isnan(score), jnp.nan, 0.0)
    for step in reversed(rules.fluoropyrimidine_steps()):
        share = jnp.where(score >= step.least, step.share, share)
    return share


def gene_start(drug: str, usual: float, unit: str) -> Limit:
    """The first dose by pharmacogenes: a share of the usual one, until a level or a count was measured after a dose. Where the
    drug is to be avoided nothing may be given, ever. Unknown genes bound nothing, as the rules say; `missing` names them."""
    genes, said = " and ".join(rules.genes_of(drug)), [a for a in _advice(drug) if a.share != 1]
    return Limit(
        f"{drug}-genes",
        f"a first dose of at most the share of {usual:g} {unit} that {genes} advise, until a response is measured; none where "
        "the drug is to be avoided",
        "; ".join(dict.fromkeys(a.source for a in said)),
        min((a.status for a in said), key=WORST.index),
        _of_genes,
        (("usual", usual),),
        unit,
        (("gene_share",),),
        when_missing="ignore",
    )


def _advice(drug: str) -> list[rules.Advice]:
    family = rules.FAMILY.get(drug, drug)
    return [drugs[family] for drugs in rules.PHARMACOGENES.values() if family in drugs]


def renal_steps(drug: str, usual: float, unit: str) -> Limit:
    """A share of the usual dose by creatinine clearance; none where it is contraindicated or the clearance is not known."""
    organ = rules.RENAL[drug]
    return clearance_steps(f"{drug}-renal", organ.steps, usual, unit, source=organ.source, status=organ.status)


def liver_steps(drug: str, usual: float, unit: str) -> Limit:
    """A share of the usual dose by bilirubin; none where it is contraindicated or the bilirubin is not known."""
    liver = rules.HEPATIC[drug]
    listed = ", ".join(f"{100 * share:g} % from {least:g}" for least, share in liver.steps)
    says = f"by bilirubin in mg/dL, of {usual:g} {unit}: {listed}"
    numbers = (("usual", usual),)
    needs = (("liver_share", "bilirubin"),)
    return Limit(f"{drug}-liver", says, liver.source, liver.status, _of_liver, numbers, unit, needs)


def filtration(drug: str, auc: float, *, source: str, status: str) -> Limit:
    """At most what Calvert's formula gives for an area of `auc` mg·min/mL at this creatinine clearance."""
    return Limit(
        f"{drug}-calvert",
        f"no dose above Calvert's for an area of {auc:g} mg.min/mL: {auc:g} x (creatinine clearance, at most {rules.GFR_CAP:g} "
        f"mL/min, + {rules.NON_RENAL:g}) mg",
        source,
        status,
        _of_filtration,
        (("auc", auc), ("cap", rules.GFR_CAP), ("other", rules.NON_RENAL)),
        "mg",
        (("crcl",),),
    )


def ceiling(drug: str, c: rules.Ceiling) -> Limit | None:
    """The limit of a ceiling; None for one whose unit is no mass, but for an area under the curve."""
    if c.unit == rules.AUC:
        return filtration(drug, c.amount, source=f"{drug} {c.source}; Calvert 1989", status=c.status)
    try:
        unit_of(c.unit)
    except ValueError:
        return None
    if c.per == "lifetime":
        return cumulative(f"{drug}-lifetime", c.amount, source=f"{drug} {c.source}", status=c.status)
    unit = f"{c.unit}/d" if c.per == "day" else c.unit
    return single_dose(f"{drug}-ceiling", c.amount, unit, source=f"{drug} {c.source}", status=c.status)


def limits_for(drug: str, usual: float, unit: str, own: Sequence[Limit] = ()) -> tuple[Limit, ...]:
    """The limits that the rules make for a drug, beside `own`; no ceiling that these hold already.

    Args:
        usual: the usual dose in `unit`, which shares are of.
    """
    found = [ceiling(drug, c) for c in rules.CEILINGS.get(drug, ()) if not repeats(c, unit, own)]
    if rules.genes_of(drug):
        found.append(gene_start(drug, usual, unit))
    if drug in rules.RENAL:
        found.append(renal_steps(drug, usual, unit))
    if drug in rules.HEPATIC:
        found.append(liver_steps(drug, usual, unit))
    return tuple(x for x in found if x is not None)


def repeats(c: rules.Ceiling, unit: str, own: Sequence[Limit]) -> bool:
    """Whether a ceiling makes no limit: a largest dose of `own` is as strict, or it is a day's and doses are of longer times."""
    if c.per == "lifetime" or c.unit == rules.AUC:
        return False
    if c.per == "day" and not unit.endswith("/d"):
        return True
    same = f"{c.unit}/d" if c.per == "day" else c.unit
    return any(x.unit == same and dict(x.numbers).get("maximum", float("inf")) <= c.amount for x in own)
