"""Limit sets by drug.

Label numbers are attributed to the labels and still have to be read there: `unverified`. The steps
by bilirubin were read in Joerger 2007. Waiting at most twice in a row is ours.
"""

from __future__ import annotations

from posology.safety import rules
from posology.safety.limits import (
    Limit,
    anc_gate,
    bilirubin_steps,
    clearance_steps,
    delay_when_closed,
    most_delays,
    normal_liver,
    single_dose,
)

CARBOPLATIN_AUC = rules.CEILINGS["carboplatin"][0].amount  # mg.min/mL
SUNITINIB_CYCLE = 28.0 * rules.CEILINGS["sunitinib"][0].amount  # mg: every day for four weeks


def three_weekly(maximum: float, drug: str, *more: Limit) -> tuple[Limit, ...]:
    """Limits of a taxane every three weeks: largest dose, `more`, recovered ANC, at most two delays."""
    label = f"{drug} label"
    gate = anc_gate(source=label, status="unverified")
    largest = single_dose(f"{drug}-maximum", maximum, "mg/m2", source=label, status="unverified")
    return largest, *more, gate, delay_when_closed(gate), most_delays(2)


def paclitaxel(full: float = 175.0) -> tuple[Limit, ...]:
    """Paclitaxel every three weeks, up to `full` mg/m2; its reductions for bilirubin are Joerger's."""
    (normal, first), *reduced = rules.PACLITAXEL_STEPS
    steps = ((normal, full), *reduced)
    status = "verified" if full == first else "assumed"
    return three_weekly(
        full, "paclitaxel", bilirubin_steps("paclitaxel-bilirubin", steps, source=rules.JOERGER, status=status)
    )


LIMITS: dict[str, tuple[Limit, ...]] = {
    "paclitaxel": paclitaxel(175.0),
    "paclitaxel-200": paclitaxel(200.0),
    "nab-paclitaxel": three_weekly(260.0, "nab-paclitaxel"),
    "docetaxel": three_weekly(
        100.0, "docetaxel", normal_liver("docetaxel-liver", source="docetaxel label", status="unverified")
    ),
    "vancomycin": (
        single_dose("vancomycin-daily-maximum", 4500.0, "mg/d", source="design choice", status="assumed"),
        single_dose("vancomycin-daily-maximum-per-kg", 60.0, "mg/kg/d", source="design choice", status="assumed"),
    ),
    "phenobarbital-neonate": (
        single_dose(
            "phenobarbital-daily-maximum",
            5.0,
            "mg/kg/d",
            source="typical label for maintenance in neonates; not for a loading dose",
            status="assumed",
        ),
    ),
}

# The most of a drug and nothing else, whatever the patient's facts say beside size: no gate, no organ function, no count.
CEILING_ONLY: dict[str, tuple[Limit, ...]] = {
    "busulfan": (
        single_dose("busulfan-daily-maximum", 8.0, "mg/kg/d", source="design choice: 2 mg/kg every six hours", status="assumed"),
    ),
    "mercaptopurine": (
        single_dose(
            "mercaptopurine-daily-maximum",
            1.5 * rules.FULL_MERCAPTOPURINE,
            "mg/m2/d",
            source="design choice: one and a half times the 75 mg/m2 of NOPHO ALL-92",
            status="assumed",
        ),
    ),
    "carboplatin": (
        single_dose(
            "carboplatin-maximum",
            rules.calvert(CARBOPLATIN_AUC, rules.GFR_CAP),
            "mg",
            source="carboplatin label: AUC 6 mg.min/mL at a filtration of at most 125 mL/min",
            status="unverified",
        ),
    ),
    "fluorouracil-infusion": (
        single_dose("fluorouracil-infusion-maximum", 4000.0, "mg/m2", source="design choice, over 46 hours", status="assumed"),
    ),
    "sunitinib": (
        single_dose(
            "sunitinib-maximum",
            SUNITINIB_CYCLE,
            "mg",
            source="sunitinib label: 50 mg a day for four weeks of six",
            status="unverified",
        ),
    ),
}

METHOTREXATE = 5000.0  # mg/m2 over 24 hours: the dose that shares by kidney function are of

# The most of a drug, and by kidney function where the clearance is known; a dose of these drugs waits for no count.
BY_KIDNEY: dict[str, tuple[Limit, ...]] = {
    "methotrexate": (
        single_dose("methotrexate-maximum", 8000.0, "mg/m2", source="design choice, over 24 hours", status="assumed"),
        clearance_steps(
            "methotrexate-renal",
            rules.RENAL["methotrexate"].steps,
            METHOTREXATE,
            "mg/m2",
            source=rules.RENAL["methotrexate"].source,
            status=rules.RENAL["methotrexate"].status,
            when_missing="ignore",
        ),
    ),
}


def limits_of(name: str) -> tuple[Limit, ...]:
    """The limit set of that name.

    Raises:
        ValueError: naming the known sets.
    """
    known = {**LIMITS, **CEILING_ONLY, **BY_KIDNEY}
    if name not in known:
        raise ValueError(f"unknown limit set '{name}'; known: {', '.join(known)}")
    return known[name]
