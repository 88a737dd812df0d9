"""Everything that a page about one patient needs, compiled before the first patient is asked about."""

from __future__ import annotations

import time
from typing import Any

from posology.bedside.consult import DRAWS
from posology.bedside.courses import courses
from posology.bedside.recommend import recommend
from posology.bedside.regimens import MOST
from posology.data.record import Record, from_dict
from posology.environments.given import drug_of, in_mg
from posology.environments.ruled import ruled
from posology.environments.treatment import Treatment
from posology.patients.population import middle

HOUR = 3 * 504.0  # h of the made-up record at which is asked
CYCLES = 3


def made_up(treatment: Treatment) -> Record:
    """A made-up patient in the middle of the treatment's population, with doses of the standard before hour `HOUR`, the
    last of them its usual wait before it, and everything measured that the treatment measures.

    Raises:
        ValueError: for a treatment whose doses are no amounts of a drug.
    """
    in_mg(treatment.model)
    units = {c.name: c.unit for c in treatment.channels} | {c.name: c.unit for c in treatment.model.covariates}
    covariates: dict[str, Any] = {n: {"value": v, "unit": units.get(n, "1")} for n, v in _middle(treatment).items()}
    for name in treatment.measured:
        covariates[name] |= {"time": -2.0}
    wait = treatment.standard.wait * 24.0
    drug = drug_of(treatment.model)
    dose: dict[str, Any] = {"amount": treatment.standard.amount, "unit": treatment.standard.unit, "drug": drug}
    times = [HOUR - wait * (CYCLES - i) for i in range(CYCLES)]
    given = [dose | {"time": t, "duration": treatment.standard.duration} for t in times]
    value = {"name": treatment.key, "value": treatment.target, "unit": treatment.model.reading_units[treatment.key]}
    seen = [value | {"time": t + share * wait} for t in times for share in (0.4, 0.95)]
    return from_dict({"id": "made-up", "covariates": covariates, "doses": given, "observations": seen})


def _middle(treatment: Treatment) -> dict[str, float]:
    """The covariates of a patient in the middle of the population; what is measured without error is typical of them."""
    model, found = treatment.model, dict[str, float]()
    for c in model.covariates:
        if c.name in treatment.population:
            found[c.name] = middle(treatment.population[c.name], found)
        elif c.default is not None:
            found[c.name] = c.default
    for name in sorted(set(treatment.population) - set(found)):
        found[name] = middle(treatment.population[name], found)
    own = model.individual(model.Params(), found)
    return found | {m: float(getattr(own, model.covariate(m).sets)) for m in treatment.measured if model.covariate(m).sets}


def warm(treatment: Treatment, policy: str, draws: int = DRAWS) -> float:
    """Compile what `recommend` and `courses` need for records of a treatment; the seconds that it took.

    Raises:
        ValueError: as `recommend`.
    """
    begun, record, research = time.perf_counter(), made_up(treatment), bool(treatment.research_only)
    kinds = {(a.amount > 0, a.delay, a.interval, a.duration): dict[str, Any](dose=a.label) for a in ruled(treatment).actions}
    asked: list[dict[str, Any]] = [{"dose": 0}, *kinds.values()][:MOST]
    recommend(treatment, policy, record, HOUR, draws, research=research)
    courses(treatment, record, asked, HOUR, draws, research=research)
    return time.perf_counter() - begun
