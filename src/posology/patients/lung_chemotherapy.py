"""Lung cancer under paclitaxel every three weeks: neutrophils of one published model, tumour size of another.

`paclitaxel-henrich2017` is the drug and the marrow, `nsclc-claret2014` the tumour; their equations stand in their files. Nobody
fitted the two together. The link is ours: a dose kills as the published tumour model says, in proportion to what it is of the
full dose of 200 mg/m². That model knows no doses; of its kill, which runs on and fades from the first dose, each cycle's part
is counted at the infusion that begins it:

    intensity = cycle·early·infusion/full,   early = (1 − exp(−lam·cycle))/(lam·cycle),   full = 200 mg/m²·bsa

So six full doses, three weeks apart, meet the published curve at the start of every cycle and at the end of the last, and a
dose of three quarters does three quarters of a cycle's kill. Carboplatin, which was half of the trial's treatment, is lowered
with paclitaxel by this; of its own effect on the marrow nothing is added to what Henrich 2017 fitted under the combination.
After the last cycle the published kill would go on fading; here it has ended. No patient's marrow tells of his tumour.

Not for: single patients; a fit to data; a bolus, which would not reach the tumour; what the two papers' models are not for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from posology.patients.model import PatientModel
from posology.patients.models import nsclc_claret2014 as tumour
from posology.patients.models import paclitaxel_henrich2017 as marrow
from posology.quantities import assumed, exp, named, part, table, together

DAY = 24.0  # h
SURVIVAL = ("os_base", "os_b", "os_ttg", "os_shift", "os_asian", "os_smoker", "os_scale")  # of the tumour's model: not used here
LINK = "ours: nobody fitted marrow and tumour together"


@table
class Link:
    full_dose: float = assumed(200, "mg/m2", "dose whose effect is the published one", at=f"{LINK}; the CEPAC trial's dose")
    cycle: float = assumed(21, "d", "time over which a dose kills", at=LINK)


@table
class Own:
    full: float = named("umol", "the patient's full dose")
    cycle: float = named("d", "time over which a dose kills")


Params = together(marrow.Params, part(tumour.Params, SURVIVAL), Link)
Individual = together(marrow.Individual, part(tumour.Individual, SURVIVAL), Own)
State = together(marrow.State, tumour.State)


def individual(p: Any, c: Any) -> Any:
    full = p.full_dose * c["bsa"] * marrow.MODEL.entries["central"].scale
    return Individual(*marrow.individual(p, c), p.b, p.kl, p.kd, p.lam, full, p.cycle)


def baseline(p: Any) -> Any:
    return State(*marrow.baseline(p), *tumour.baseline(p))


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    early = (1 - exp(-p.lam * p.cycle)) / (p.lam * p.cycle)
    intensity = p.cycle * early * DAY * infusion / p.full
    of_tumour = (v / DAY for v in tumour.rates(t / DAY, x, p, intensity))
    return State(*marrow.rates(t, x, p, infusion), *of_tumour)


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {**marrow.readings(x, p), **tumour.readings(x, p)}


MODEL: PatientModel = replace(
    marrow.MODEL,
    id="lung-chemotherapy",
    title="Paclitaxel every three weeks in lung cancer: neutrophils and tumour size",
    Params=Params,
    Individual=Individual,
    State=State,
    individual=individual,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={**marrow.MODEL.reading_units, **tumour.MODEL.reading_units},
    residuals={**marrow.MODEL.residuals, **tumour.MODEL.residuals},
    logarithmic=(*marrow.MODEL.logarithmic, *tumour.MODEL.logarithmic),
    credibility="not ranked",
    source=f"{marrow.MODEL.source}; {tumour.MODEL.source}; together: ours",
    not_for="single patients; a bolus; survival; other drugs, later lines, new lesions; growth-factor support, weekly schedules",
    drug="paclitaxel",
)
