"""How many cycles of temozolomide, and of which strength, keep a low-grade glioma small for two years?

Every 84 days, with a scan, the next three 28-day cycles are chosen: none, or a quarter, a half, three quarters or the whole of
200 mg/m2 on days 1 to 5. Seen are TP53 and 1p/19q, the diameter on each scan (error SD 1.73 mm; one scan of ten is missing) and
the cycles given. The return is what the diameter's logarithm falls in 756 days, less 0.01 for each whole cycle: a cycle is worth
giving where it makes the tumour about 1 % smaller. That price, the visits and the missing scans are design choices.

The standard of care is 18 whole cycles, the median of the 77 patients, and then none. `standard` follows it.

Mazzocco 2015, CPT Pharmacometrics Syst Pharmacol 4:728. How a smaller dose acts was not studied there: it adds less to the
virtual drug, in proportion.

Left out: blood counts (temozolomide's own limits), symptoms, seizures, surgery and radiotherapy.
"""

from __future__ import annotations

from typing import Any

from posology.data.history import Channel
from posology.environments.reward import Cost, Interval, Term
from posology.environments.spec import Action
from posology.environments.treatment import Sampling, Treatment
from posology.patients.hours import in_hours
from posology.patients.models import glioma_mazzocco2015
from posology.patients.population import Bernoulli, Distribution, Unless
from posology.quantities import log, where

CYCLE, CYCLES, VISITS = 28.0, 3, 9  # d, per visit, in 756 days
PRICE = 0.01  # of a whole cycle


def cycles(share: float) -> Action:
    """Three cycles of a share of the whole dose."""
    label = f"3 cycles of {200 * share:g} mg/m2" if share else "no cycle"
    return Action(label, share, "1", wait=CYCLE * CYCLES, interval=24 * CYCLE)


def shrinkage(i: Interval) -> Any:
    """Fall of the logarithm of the diameter."""
    return log(i.before["tumour_size"]) - log(i.after["tumour_size"])


def given(i: Interval) -> Any:
    """Whole cycles."""
    return i.total


def growing(i: Interval) -> Any:
    """1 for an interval at whose end the diameter is larger than at its start."""
    return where(i.after["tumour_size"] > i.before["tumour_size"], 1.0, 0.0)


POPULATION: dict[str, Distribution] = {
    "tp53": Bernoulli(0.41),
    "codel": Unless("tp53", 0.33 / 0.59),  # 33 % of all
}

CHANNELS = (
    Channel("tp53", "1", "covariate"),
    Channel("codel", "1", "covariate"),
    Channel("tumour_size", "mm", "reading", keep=4, log=True, centre=3.4, scale=0.6),
    Channel("dose", "1", "dose", keep=9),
)

TREATMENT = Treatment(
    id="glioma-temozolomide-v1",
    title="Temozolomide in low-grade glioma, two years of cycles",
    question="Which of nine times three cycles of temozolomide, and of which strength, keep a low-grade glioma small?",
    model=in_hours(glioma_mazzocco2015.MODEL),
    population=POPULATION,
    actions=tuple(cycles(share / 4) for share in range(5)),
    doses=VISITS,
    days=VISITS * CYCLES * CYCLE,
    samples=(Sampling("tumour_size", (CYCLE * CYCLES,), missing=0.1, at_start=True),),
    channels=CHANNELS,
    terms=(
        Term("shrinkage", 1.0, shrinkage, "fall of the logarithm of the diameter"),
        Term("cycles", -PRICE, given, "whole cycles given"),
    ),
    costs=(Cost("growing_visits", growing, float(VISITS), "visits at which the tumour is larger than at the one before"),),
    key="tumour_size",
    standard=cycles(1.0),
    standard_visits=6,
    baselines=("standard", "fixed:1", "fixed:0", "oracle-plan"),
    research_only="blood counts, which bound the drug, are not in the model",
    not_for="a patient's schedule: blood counts, symptoms, surgery and radiotherapy are left out; gliomas of high grade",
    source="Mazzocco 2015, CPT Pharmacometrics Syst Pharmacol 4:728",
)
