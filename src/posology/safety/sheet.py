"""All that is recorded of one drug of oncology as plain data: ceilings, organs, genes, interactions, limits of its treatments."""

from __future__ import annotations

from typing import Any

from posology.safety import alleles, drugs, rules
from posology.safety.interactions import INTERACTIONS, MEMBERS, Interaction
from posology.safety.use import DISCLAIMER

LIMITS = {**drugs.LIMITS, **drugs.CEILING_ONLY, **drugs.BY_KIDNEY}
# Ways to give one drug that have limits of their own; its genes and interactions are those of the drug.
SAME_DRUG = {"fluorouracil-bolus": "fluorouracil", "fluorouracil-infusion": "fluorouracil", "paclitaxel-200": "paclitaxel"}
CALVERT = (
    f"area (mg·min/mL) × (creatinine clearance in mL/min, at most {rules.GFR_CAP:g}, + {rules.NON_RENAL:g}) = mg; "
    "Calvert 1989, J Clin Oncol 7:1748"
)


def names() -> tuple[str, ...]:
    """Every drug of which a rule, an interaction or a limit is recorded, by name."""
    in_genes = {drug for told in rules.PHARMACOGENES.values() for drug in told} - set(rules.FAMILY.values())
    found = {*rules.CEILINGS, *rules.RENAL, *rules.HEPATIC, *rules.FAMILY, *in_genes, *INTERACTIONS, *LIMITS}
    return tuple(sorted(found))


def sheet(drug: str) -> dict[str, Any]:
    """What is recorded of that drug; shares are fractions of the usual dose, None: to be avoided.

    Raises:
        ValueError: naming the drugs there are.
    """
    if drug not in names():
        raise ValueError(f"drug '{drug}': nothing is recorded of it; allowed: {', '.join(names())}")
    return {
        "id": drug,
        "title": drug[0].upper() + drug[1:].replace("-", " "),
        "ceilings": [c.__dict__ for c in rules.CEILINGS.get(drug, ())],
        "kidney": _organ(rules.RENAL.get(drug), "mL/min creatinine clearance"),
        "liver": _organ(rules.HEPATIC.get(drug), "mg/dL bilirubin"),
        "genes": genes(drug),
        "alleles": {"source": alleles.SOURCE, "status": alleles.STATUS},
        "interactions": [_interaction(other, i) for other, i in INTERACTIONS.get(SAME_DRUG.get(drug, drug), {}).items()],
        "limits": [{"sentence": m.sentence, "status": m.status, "source": m.source} for m in LIMITS.get(drug, ())],
        "formula": CALVERT if drug == "carboplatin" else None,
        "disclaimer": DISCLAIMER,
    }


def genes(drug: str) -> list[dict[str, Any]]:
    """What each phenotype, or activity score, of each gene advises for a drug's first dose."""
    drug = SAME_DRUG.get(drug, drug)
    family = rules.FAMILY.get(drug, drug)
    told = [(gene, p, by[family]) for (gene, p), by in rules.PHARMACOGENES.items() if family in by]
    if drug == "mercaptopurine":
        told.append(("TPMT and NUDT15", "both intermediate", rules.BOTH_INTERMEDIATE))
    return [{"gene": gene, "phenotype": p, **advice._asdict()} for gene, p, advice in told]


def _organ(of: rules.Organ | rules.Liver | None, unit: str) -> dict[str, Any] | None:
    """The shares from each value on, in rising order."""
    if of is None:
        return None
    steps = [{"from": step.least, "share": step.share} for step in sorted(of.steps)]
    return {"unit": unit, "steps": steps, "status": of.status, "source": of.source}


def _interaction(other: str, of: Interaction) -> dict[str, Any]:
    return {
        "with": other,
        "members": MEMBERS.get(other, ()),
        "effect": of.kind,
        "factor": of.factor,
        "of": of.of or None,
        "why": of.why,
        "printed": of.printed or None,
        "status": of.status,
        "source": of.source,
    }
