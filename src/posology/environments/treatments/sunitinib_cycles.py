"""Which daily dose of sunitinib in each of six cycles shrinks a stromal tumour without severe neutropenia and fatigue?

Every six weeks, with a scan, the dose of the next four weeks is chosen: 0, 12.5, 25, 37.5 or 50 mg a day, then two weeks
without. Seen are the neutrophils before treatment and at weeks 2, 4 and 6, four proteins in plasma (VEGF, sVEGFR-2, sVEGFR-3,
sKIT) at week 4, the sum of the largest diameters on each scan (one of ten is missing) and the doses so far. The return is
what the size's logarithm falls in 36 weeks, less 0.1 for each cycle whose neutrophils fell below 1.0, grade 3, and another
0.2 for one below 0.5, grade 4, and less 0.1 for each week with fatigue of grade 3 or more that is to be expected of the patient.
The effect on the tumour fades by 2 % a week, so that late doses do less. Those prices, visits and the missing scans are design
choices.

The standard is 50 mg a day for four weeks of six, the label's schedule, which is also the most that may be given.
Comparators: 37.5 mg for everybody, 20 % less after grade 4 (`clinical-rule`), and the plan of who knows the patient
(`oracle-plan`).

Hansson 2013 and Schindler 2016, 303 patients; `patients/sunitinib_fatigue.py` puts their parts together. Fatigue counts as the
expected days of the published chain, given the patient's own tendencies; which grade he has on a day is not drawn, so that no
policy sees it. The neutrophils' error, SD 0.406 of (anc^0.2 − 1)/0.2, is here one of the logarithm, 0.406/anc^0.2 at
3 ×10⁹/L: 0.326, an approximation of ours.

Left out: the continuous schedule of 37.5 mg, blood pressure, hand-foot syndrome, survival, growth after the course,
a gate by counts before a cycle. No spread of the clearance is known, so that levels of the drug would tell nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from posology.data.history import Channel
from posology.environments.reward import Cost, Interval, Term, dose_intensity, grade4, one
from posology.environments.spec import Action
from posology.environments.treatment import Sampling, Treatment
from posology.patients import sunitinib_fatigue
from posology.patients.model import Residual
from posology.quantities import log
from posology.safety import ctcae
from posology.safety.drugs import limits_of

CYCLES, ON, CYCLE = 6, 28.0, 42.0  # d
FULL = 50.0  # mg a day
GRADE_3, GRADE_4 = 0.1, 0.2  # prices of a cycle; one in grade 4 pays both
TIRED = 0.1  # of a week
GRADE_3_BELOW = ctcae.bounds("anc")[2]
ANC_ERROR = Residual(ln_sd=0.406 / 3**0.2, status="assumed", source="Hansson 2013, on the logarithm at 3 x10^9/L")

MODEL = replace(sunitinib_fatigue.MODEL, residuals={"anc": ANC_ERROR, **sunitinib_fatigue.MODEL.residuals})


def cycle(daily: float) -> Action:
    """Four weeks of a daily dose and two without; the amount is that of the whole cycle."""
    label = f"{daily:g} mg a day, 4 weeks of 6" if daily else "no dose"
    return Action(label, daily * ON, "mg", duration=24 * ON, wait=CYCLE)


def shrinkage(i: Interval) -> Any:
    """Fall of the logarithm of the tumour's size."""
    return log(i.before["tumour_size"]) - log(i.after["tumour_size"])


def grade3(i: Interval) -> Any:
    """A dosed cycle whose neutrophils fell below 1.0; a count that is no number is one."""
    return i.given * (1.0 - one(i.lowest >= GRADE_3_BELOW))


def tired(i: Interval) -> Any:
    """Days with fatigue of grade 3 or more that are to be expected."""
    return i.after["tired"] - i.before["tired"]


def growing(i: Interval) -> Any:
    """1 for a cycle at whose end the tumour is larger than at its start."""
    return one(i.after["tumour_size"] > i.before["tumour_size"])


def reading(name: str, ln_mean: float, keep: int = 2, scale: float = 0.6, unit: str = "pg/mL") -> Channel:
    """The last values of a reading, as logarithms."""
    return Channel(name, unit, "reading", keep=keep, log=True, centre=ln_mean, scale=scale)


CHANNELS = (
    Channel("baseline_anc", "10*9/L", "covariate", log=True, centre=1.6, scale=0.4),
    reading("anc", 1.0, 6, unit="10*9/L"),
    reading("tumour_size", 5.6, 3, unit="mm"),
    reading("vegf", 4.5),
    reading("svegfr2", 8.8, scale=0.4),
    reading("svegfr3", 10.8),
    reading("skit", 10.4),
    Channel("dose", "mg", "dose", keep=6, centre=1050, scale=500),
)
PROTEINS = tuple(Sampling(name, (ON,), at_start=True) for name in ("vegf", "svegfr2", "svegfr3", "skit"))

TREATMENT = Treatment(
    id="sunitinib-cycles-v1",
    title="Sunitinib in gastrointestinal stromal tumour, six cycles: shrinkage without severe neutropenia and fatigue",
    question="Which daily dose of sunitinib in each of six cycles shrinks a stromal tumour without neutropenia and fatigue?",
    model=MODEL,
    population={},
    actions=tuple(cycle(FULL * k / 4) for k in range(5)),
    doses=CYCLES,
    days=CYCLES * CYCLE,
    samples=(Sampling("anc", (14.0, ON, CYCLE)), Sampling("tumour_size", (CYCLE,), missing=0.1, at_start=True), *PROTEINS),
    channels=CHANNELS,
    terms=(
        Term("shrinkage", 1.0, shrinkage, "fall of the logarithm of the tumour's size"),
        Term("grade3", -GRADE_3, grade3, "cycles whose neutrophils fell below 1.0"),
        Term("grade4", -GRADE_4, grade4, "cycles whose neutrophils fell below 0.5"),
        Term("fatigue", -TIRED / 7, tired, "expected days with fatigue of grade 3 or more"),
        Term("relative_dose_intensity", 0.0, dose_intensity(FULL * ON), "dose as a share of 50 mg a day"),
    ),
    costs=(
        Cost("grade3", grade3, 1.0, "cycles whose neutrophils fell below 1.0, per course"),
        Cost("fatigue", tired, 14.0, "expected days with fatigue of grade 3 or more, per course"),
        Cost("growing_cycles", growing, float(CYCLES), "cycles at whose end the tumour is larger than at the start"),
    ),
    key="anc",
    standard=cycle(FULL),
    measured=("baseline_anc",),
    limits=limits_of("sunitinib"),
    baselines=("standard", f"fixed:{0.75 * FULL * ON:g}", "clinical-rule", "oracle-plan"),
    research_only="its ceiling has not been read in a label, and blood pressure is not in the model",
    not_for="renal carcinoma, the continuous schedule, drugs that change the clearance, survival",
    source="Hansson EK et al. CPT Pharmacometrics Syst Pharmacol 2013;2:e84, e85; Schindler E et al. 2016",
)
