"""The page of dosing rules, from `safety/rules.py`: ceilings, kidneys, liver, genes, each number with its status and source."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from posology.safety import alleles, rules

Table = Callable[[Iterable[str], Iterable[Iterable[Any]]], str]

INTRO = """# Dosing rules

What may be given at most, by drug, organ function and genes. [A recommendation](recommend.md) says under `rules` which of them
apply to a patient, and is bound by them. They are no part of a treatment: trials and fingerprints know only a treatment's own
limits. *verified* was read in the source named, *unverified* is attributed to it and still has to be read there, *assumed* is
ours. Written from `safety/rules.py` at each build.
"""
CEILINGS = """## Ceilings

The most of a drug in a dose, a cycle, a day or a lifetime. Where two numbers stand in the literature, the stricter one of a
lifetime's dose and the higher one of a single dose.
"""
CALVERT = f"""Carboplatin is dosed by Calvert's formula (1989, J Clin Oncol 7:1748): area in mg·min/mL × (creatinine clearance
in mL/min, at most {rules.GFR_CAP:g}, + {rules.NON_RENAL:g}) = mg.
"""
RENAL = """## Kidneys

Share of the usual dose from a creatinine clearance on; below the last step, or where the clearance is not known, nothing may be
given. A clearance that is not recorded comes by Cockcroft and Gault from creatinine, age, weight and sex, in adults.
"""
LIVER = """## Liver

Share of the usual dose from a bilirubin on, in mg/dL to one decimal.
"""
TAXANES = """The largest paclitaxel dose every three weeks by bilirubin over the upper limit of normal, verified in Joerger 2007:
{steps}; none above. Docetaxel: none with bilirubin above the upper limit, or with AST or ALT
above 1.5 times and ALP above 2.5 times theirs (label, unverified). Both are limits of their treatments.
"""
GENES = f"""## Genes

Share of the usual *first* dose, by the middle of a printed range, until a level or a count is measured after a dose. Where a drug
is to be avoided nothing may be given. An unknown gene is no bound, and is named under `missing`. Genotypes are read as phenotype,
activity score or two alleles ({alleles.SOURCE}; {alleles.STATUS}). Where genes disagree the lower dose counts; two
intermediate genes of mercaptopurine count together; an intermediate one gets no cut where the usual dose is below
{rules.FULL_MERCAPTOPURINE:g} mg/m² a day.

Irinotecan is the control: intermediate metabolisers of UGT1A1 get the same dose as normal ones, and only poor ones less.
"""


def percent(share: float | None) -> str:
    """A share as a percentage; None: to be avoided."""
    return "none" if share is None else f"{100 * share:.3g} %"


def steps_of(steps: Iterable[rules.Step]) -> str:
    """Shares by the value from which each holds."""
    return ", ".join(f"{percent(s.share)} from {s.least:g}" for s in steps)


def page(table: Table) -> str:
    """The page, with the caller's way to write a table."""
    ceilings = [[d, c.amount, c.unit, c.per, c.status, c.source] for d, cs in rules.CEILINGS.items() for c in cs]
    kidneys = [[drug, steps_of(o.steps), "mL/min", o.status, o.source] for drug, o in rules.RENAL.items()]
    liver = [[drug, steps_of(o.steps), "mg/dL", o.status, o.source] for drug, o in rules.HEPATIC.items()]
    told = [(g, p, d, a) for (g, p), drugs in rules.PHARMACOGENES.items() for d, a in drugs.items()]
    told.append(("TPMT and NUDT15", "both intermediate", "mercaptopurine", rules.BOTH_INTERMEDIATE))
    genes = [[g, p, d, percent(a.share), a.printed, a.why, a.status, a.source] for g, p, d, a in told]
    steps = ", ".join(f"{dose:g} mg/m² up to {times:g}" for times, dose in rules.PACLITAXEL_STEPS)
    by_organ = ("drug", "share of the dose", "unit", "status", "source")
    return "\n".join(
        [
            INTRO, CEILINGS, table(("drug", "most", "unit", "per", "status", "source"), ceilings), CALVERT,
            RENAL, table(by_organ, kidneys), LIVER, table(by_organ, liver), TAXANES.format(steps=steps),
            GENES, table(("gene", "phenotype or score", "drug", "first dose", "printed", "why", "status", "source"), genes),
        ]
    )  # fmt: skip
