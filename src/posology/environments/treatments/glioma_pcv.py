"""How many courses of procarbazine, lomustine and vincristine, how strong, keep a low-grade glioma small for two years?

Every six weeks, with a scan, the next course is chosen: none, or a quarter, a half, three quarters or the whole of one. Seen
are the diameter on each scan (one of ten is missing) and the courses given. The return is what the diameter's logarithm falls
in 102 weeks, less 0.02 for each whole course: a course is worth giving where it makes the tumour about 2 % smaller. That
price, twice that of a cycle of temozolomide in `glioma-temozolomide-v1` because a course weighs more on a patient, the visits
and the missing scans are design choices.

The standard of care is six whole courses, one every six weeks, and then none. `standard` follows it.

Ribba 2012, Clin Cancer Res 18:5071, PCV arm. The error of a measured diameter is not known: that of Mazzocco 2015, an SD of
1.73 mm, is assumed. All patients share the effect of one course, whose spread was not found. How part of a course acts was
not studied: it adds less to the virtual drug, in proportion, as in Yauney and Shah 2018 (PMLR 85:161), whose doses these are.

Left out: blood counts and nerves, which bound these drugs, symptoms, seizures, surgery and radiotherapy.
"""

from __future__ import annotations

from dataclasses import replace

from posology.data.history import Channel
from posology.environments.reward import Cost, Term
from posology.environments.spec import Action
from posology.environments.treatment import Sampling, Treatment
from posology.environments.treatments.glioma_temozolomide import given, growing, shrinkage
from posology.patients.hours import in_hours
from posology.patients.model import Residual
from posology.patients.models import glioma_ribba2012

EVERY, VISITS, COURSES = 42.0, 17, 6  # d; in 714 days
PRICE = 0.02  # of a whole course
ERROR = Residual(additive=1.73, status="assumed", source="Mazzocco 2015; that of Ribba 2012 is not known")

MODEL = in_hours(replace(glioma_ribba2012.MODEL, residuals={"tumour_size": ERROR}))


def course(share: float) -> Action:
    """A share of one course, and six weeks until the next visit."""
    return Action(f"{share:g} of a course" if share else "no course", share, "1", wait=EVERY)


CHANNELS = (
    Channel("tumour_size", "mm", "reading", keep=6, log=True, centre=3.8, scale=0.5),
    Channel("dose", "1", "dose", keep=8),
)

TREATMENT = Treatment(
    id="glioma-pcv-v1",
    title="Procarbazine, lomustine and vincristine in low-grade glioma, two years of courses",
    question="Which of seventeen times a course of PCV, and of which strength, keep a low-grade glioma small for two years?",
    model=MODEL,
    population={},
    actions=tuple(course(share / 4) for share in range(5)),
    doses=VISITS,
    days=VISITS * EVERY,
    samples=(Sampling("tumour_size", (EVERY,), missing=0.1, at_start=True),),
    channels=CHANNELS,
    terms=(
        Term("shrinkage", 1.0, shrinkage, "fall of the logarithm of the diameter"),
        Term("courses", -PRICE, given, "whole courses given"),
    ),
    costs=(Cost("growing_visits", growing, float(VISITS), "visits at which the tumour is larger than at the one before"),),
    key="tumour_size",
    standard=course(1.0),
    standard_visits=COURSES,
    baselines=("standard", "fixed:1", "fixed:0", "oracle-plan"),
    research_only="blood counts, which bound the drugs, are not in the model",
    not_for="a patient's schedule: blood counts, nerves, symptoms, surgery and radiotherapy are left out; gliomas of high grade",
    source="Ribba 2012, Clin Cancer Res 18:5071",
)
