"""Dosing rules of oncology as data: the most of a drug, organ function, pharmacogenes, Calvert's formula.

Label numbers are attributed to the labels and still have to be read there (`unverified`) unless they say otherwise. Where two
numbers stand in the literature the choice follows one principle: of a lifetime's dose and of contraindications the stricter one,
of a single dose the higher one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

LABEL, CPIC, ASTRA = "label", "CPIC", "AstraDose, secondary"
JOERGER = "Joerger 2007, PMC2203269"
AUC = "mg.min/mL"  # unit of a ceiling that Calvert's formula makes a dose
GFR_CAP, NON_RENAL = 125.0, 25.0  # mL/min: of the filtration in Calvert's formula, and what is not filtered


@dataclass(frozen=True)
class Ceiling:
    """The most that may be given `per` dose, cycle, day or lifetime."""

    amount: float
    unit: str
    per: str
    status: str = "unverified"
    source: str = LABEL


class Step(NamedTuple):
    """From a value of organ function on (at least `least`), this share of the dose; 0: contraindicated."""

    least: float
    share: float


@dataclass(frozen=True)
class Organ:
    """Shares of the dose by creatinine clearance (mL/min), highest step first; below the last one the drug is contraindicated."""

    steps: tuple[Step, ...]
    status: str = "unverified"
    source: str = ASTRA


@dataclass(frozen=True)
class Liver:
    """Shares of the dose by bilirubin (mg/dL to one decimal, as printed), rising; the last step is the most that is printed."""

    steps: tuple[Step, ...]
    status: str = "unverified"
    source: str = ASTRA


class Delayed(NamedTuple):
    """A level above `level` (umol/L) at `hour` after the start of the infusion tells delayed elimination."""

    hour: float
    level: float


@dataclass(frozen=True)
class Rescue:
    """Leucovorin from `begin` (hours after the start of the infusion) until the level is below `end` (umol/L)."""

    begin: float
    end: float
    status: str = "unverified"
    source: str = "common practice"


class Advice(NamedTuple):
    """What a rule says: share of the usual dose, or None where the drug is to be avoided; the range that is printed; why."""

    share: float | None
    printed: str
    why: str
    status: str
    source: str


CEILINGS: dict[str, tuple[Ceiling, ...]] = {
    "doxorubicin": (Ceiling(450, "mg/m2", "lifetime"),),
    "epirubicin": (Ceiling(900, "mg/m2", "lifetime"),),
    "idarubicin": (Ceiling(150, "mg/m2", "lifetime"),),
    "mitoxantrone": (Ceiling(140, "mg/m2", "lifetime"),),
    "daunorubicin": (Ceiling(550, "mg/m2", "lifetime"),),
    "bleomycin": (Ceiling(400, "U", "lifetime"),),
    "mitomycin": (Ceiling(50, "mg/m2", "lifetime"),),
    "carmustine": (Ceiling(1400, "mg/m2", "lifetime"),),
    "cisplatin": (Ceiling(120, "mg/m2", "cycle"),),
    "docetaxel": (Ceiling(100, "mg/m2", "cycle"),),
    "paclitaxel": (Ceiling(200, "mg/m2", "cycle"),),
    "carboplatin": (Ceiling(6, AUC, "cycle"),),
    "vincristine": (Ceiling(2, "mg", "dose"),),
    "irinotecan": (Ceiling(350, "mg/m2", "cycle"),),
    "gemcitabine": (Ceiling(1250, "mg/m2", "dose"),),
    "etoposide": (Ceiling(120, "mg/m2", "dose"),),
    "capecitabine": (Ceiling(2500, "mg/m2", "day"),),
    "temozolomide": (Ceiling(200, "mg/m2", "day"),),
    "fluorouracil-bolus": (Ceiling(500, "mg/m2", "dose"),),
    "oxaliplatin": (Ceiling(130, "mg/m2", "cycle"), Ceiling(780, "mg/m2", "lifetime")),
    "sunitinib": (Ceiling(50, "mg", "day"),),
    "erlotinib": (Ceiling(150, "mg", "day"),),
    "imatinib": (Ceiling(800, "mg", "day"),),
}

RENAL: dict[str, Organ] = {
    "cisplatin": Organ((Step(60, 1.0), Step(45, 0.5), Step(30, 0.25))),
    "capecitabine": Organ((Step(50, 1.0), Step(30, 0.75))),
    "bleomycin": Organ((Step(50, 1.0), Step(40, 0.7), Step(30, 0.6), Step(20, 0.55), Step(10, 0.45), Step(0, 0.4))),
    "pemetrexed": Organ((Step(45, 1.0),)),
    "methotrexate": Organ((Step(50, 1.0), Step(30, 0.5))),
    "oxaliplatin": Organ((Step(30, 1.0),)),
}

MG_PER_DL = 17.1  # umol/L of bilirubin
# Above the last printed step 0: contraindicated for doxorubicin; for vincristine nothing is printed there, so that none is given.
HEPATIC: dict[str, Liver] = {
    "doxorubicin": Liver((Step(0, 1.0), Step(1.2, 0.5), Step(3.1, 0.25), Step(5.1, 0.0))),
    "vincristine": Liver((Step(0, 1.0), Step(1.5, 0.5), Step(3.1, 0.0))),
}
# By bilirubin over the upper limit of normal: the largest dose of paclitaxel every three weeks, mg/m2; more: none. Joerger 2007.
PACLITAXEL_STEPS = ((1.25, 175.0), (2.0, 115.0), (3.5, 100.0), (10.0, 70.0))

FULL_MERCAPTOPURINE = 75.0  # mg/m2 a day: an intermediate metaboliser who starts lower needs no cut

# Drugs that one rule of a gene is for.
FAMILY = {"fluorouracil": "fluoropyrimidine", "capecitabine": "fluoropyrimidine"}

# After methotrexate over 24 hours or less: above any of these levels, creatinine being clearly raised, glucarpidase may be
# indicated. Verified in the abstract of the consensus, Ramsey 2018, Oncologist 23:52, PMC5759822.
DELAYED_METHOTREXATE = (Delayed(36, 30.0), Delayed(42, 10.0), Delayed(48, 5.0))
LEUCOVORIN = Rescue(42.0, 0.2, source="begin: NOPHO, Taylor 2020; end: common practice")

# (gene, phenotype or activity score) -> drug -> advice. Where a range is printed its middle is the default.
PHARMACOGENES: dict[tuple[str, str], dict[str, Advice]] = {
    ("DPYD", "2"): {"fluoropyrimidine": Advice(1.0, "label dose", "normal metaboliser", "verified", "CPIC 2017, PMC5760397")},
    ("DPYD", "1.5"): {"fluoropyrimidine": Advice(0.5, "50 %", "start at half, then titrate", "verified", "CPIC, 2018 update")},
    ("DPYD", "1"): {
        "fluoropyrimidine": Advice(
            0.5, "50 %", "start at half, then titrate; two alleles c.2846A>T may need less", "verified", "CPIC, 2018 update"
        )
    },
    ("DPYD", "0.5"): {
        "fluoropyrimidine": Advice(None, "avoid; less than 25 % with level guidance", "poor metaboliser", "verified", "CPIC 2017")
    },
    ("DPYD", "0"): {"fluoropyrimidine": Advice(None, "avoid", "no enzyme activity", "verified", "CPIC 2017")},
    ("TPMT", "normal"): {"mercaptopurine": Advice(1.0, "normal dose", "normal metaboliser", "verified", CPIC)},
    ("TPMT", "intermediate"): {
        "mercaptopurine": Advice(0.55, "30-80 % of 75 mg/m2 and more", "intermediate metaboliser", "verified", CPIC)
    },
    ("TPMT", "poor"): {
        "mercaptopurine": Advice(0.1 * 3 / 7, "10 %, three times a week", "poor metaboliser", "unverified", "CPIC, in part")
    },
    ("NUDT15", "normal"): {"mercaptopurine": Advice(1.0, "normal dose", "normal metaboliser", "verified", CPIC)},
    ("NUDT15", "intermediate"): {
        "mercaptopurine": Advice(0.55, "30-80 % of 75 mg/m2 and more", "intermediate metaboliser", "verified", CPIC)
    },
    ("NUDT15", "poor"): {
        "mercaptopurine": Advice(10 / FULL_MERCAPTOPURINE, "10 mg/m2 a day", "poor metaboliser", "unverified", "CPIC, in part")
    },
    ("UGT1A1", "normal"): {"irinotecan": Advice(1.0, "normal dose", "normal metaboliser", "verified", "DPWG 2022, PMC10474017")},
    ("UGT1A1", "intermediate"): {
        "irinotecan": Advice(1.0, "no action", "no lower dose is advised", "verified", "DPWG 2022, PMC10474017")
    },
    ("UGT1A1", "poor"): {
        "irinotecan": Advice(0.7, "70 %, raised by neutrophils", "poor metaboliser", "verified", "DPWG 2022, PMC10474017")
    },
}
BOTH_INTERMEDIATE = Advice(0.35, "20-50 %", "intermediate in TPMT and NUDT15", "verified", "CPIC, 2024")


def calvert(auc: float, gfr: float) -> float:
    """Carboplatin dose (mg) for an area under the curve (mg·min/mL) at a glomerular filtration (mL/min), capped at 125.

    Calvert 1989, J Clin Oncol 7:1748.

    Raises:
        ValueError: naming the number that is no amount.
    """
    for name, value, unit in (("auc", auc, "mg.min/mL"), ("gfr", gfr, "mL/min")):
        if not value > 0:
            raise ValueError(f"{name}: {value} is not allowed; it must be above 0 {unit}")
    return auc * (min(gfr, GFR_CAP) + NON_RENAL)


def renal_share(drug: str, crcl: float) -> float:
    """Share of the dose at a creatinine clearance (mL/min); 0: contraindicated, also where the clearance is no number.

    Raises:
        ValueError: for a drug without a rule, naming those with one.
    """
    if drug not in RENAL:
        raise ValueError(f"no renal rule for '{drug}'; there is one for {', '.join(RENAL)}")
    return next((step.share for step in RENAL[drug].steps if crcl >= step.least), 0.0)


def hepatic_share(drug: str, bilirubin: float) -> float:
    """Share of the dose at a bilirubin (umol/L); 0: none may be given, also where the bilirubin is no number.

    Raises:
        ValueError: for a drug without a rule, naming those with one.
    """
    if drug not in HEPATIC:
        raise ValueError(f"no rule by bilirubin for '{drug}'; there is one for {', '.join(HEPATIC)}")
    printed = round(bilirubin / MG_PER_DL, 1) if bilirubin >= 0 else float("nan")
    return next((step.share for step in reversed(HEPATIC[drug].steps) if printed >= step.least), 0.0)


def genes_of(drug: str) -> tuple[str, ...]:
    """The genes that have a rule for a drug."""
    return tuple(sorted({gene for (gene, _), drugs in PHARMACOGENES.items() if FAMILY.get(drug, drug) in drugs}))


def fluoropyrimidine_steps() -> tuple[Step, ...]:
    """Shares of the first dose by the activity score of DPYD, highest step first; to be avoided: 0."""
    found = [(float(score), drugs["fluoropyrimidine"].share or 0.0) for (g, score), drugs in PHARMACOGENES.items() if g == "DPYD"]
    return tuple(Step(*pair) for pair in sorted(found, reverse=True))


def advised(drug: str, phenotypes: dict[str, str], usual: float | None = None) -> tuple[Advice, tuple[str, ...]]:
    """The lower of what a patient's genes advise, and the genes that matter for the drug and are not known.

    Args:
        phenotypes: gene -> phenotype, or activity score of DPYD.
        usual: daily starting dose of mercaptopurine (mg/m2), whose cut depends on it.

    Raises:
        ValueError: for a phenotype that has no rule, naming those of the gene.
    """
    drug, genes = FAMILY.get(drug, drug), genes_of(drug)
    known = {g: phenotypes[g] for g in genes if g in phenotypes}
    for gene, phenotype in known.items():
        if (gene, phenotype) not in PHARMACOGENES:
            allowed = ", ".join(p for g, p in PHARMACOGENES if g == gene)
            raise ValueError(f"{gene}: '{phenotype}' is not known; allowed: {allowed}")
    found = [PHARMACOGENES[pair][drug] for pair in known.items()]
    if drug == "mercaptopurine":
        found = thiopurine(known, found, usual)
    missing = tuple(g for g in genes if g not in phenotypes)
    normal = Advice(1.0, "normal dose", "no gene is known" if missing else "no gene matters", "assumed", "design choice")
    lowest = min(found, key=lambda a: -1.0 if a.share is None else a.share, default=normal)
    return lowest, missing


def thiopurine(known: dict[str, str], found: list[Advice], usual: float | None) -> list[Advice]:
    """Two intermediate genes count together; an intermediate metaboliser whose usual dose is already low gets no cut."""
    if usual is not None and usual < FULL_MERCAPTOPURINE:
        uncut = lambda a: a._replace(share=1.0, why="the usual dose is already low")  # noqa: E731
        pairs = zip(found, known.values(), strict=True)
        found = [uncut(a) if phenotype == "intermediate" else a for a, phenotype in pairs]
    return [*found, BOTH_INTERMEDIATE] if list(known.values()) == ["intermediate"] * 2 else found
