"""What a MedicationRequest orders of a treatment's drug: one dose, now, for this patient; or why it cannot be carried out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from posology.data.names import is_drug
from posology.data.readers import fhir
from posology.data.record import Dose
from posology.data.units import convert
from posology.environments.given import drug_of
from posology.environments.records import SIZE_OF
from posology.environments.treatment import Treatment

DAY_OFF = 86400.0  # s by which the time of an order may differ from that of the visit, a design choice
TOLD = "order, MedicationRequest.dosageInstruction[0]"


class Asked(NamedTuple):
    """A dose in the unit of the treatment's table, and the hours until it is repeated (0: it is not)."""

    amount: float
    every: float


def asked(treatment: Treatment, request: Any, patient: str, now: datetime, covariates: Mapping[str, Any]) -> Asked:
    """What is ordered.

    Raises:
        ValueError: with the path, for another patient, drug or time, a unit that does not fit, or no dose or several.
    """
    if not isinstance(request, dict) or request.get("resourceType") != "MedicationRequest":
        raise ValueError("order, resourceType: must be MedicationRequest")
    if request.get("doNotPerform"):
        raise ValueError("order, MedicationRequest.doNotPerform: must be false; let the patient wait instead")
    dose, at = _dose(_of(patient, request))
    drug = drug_of(treatment.model)
    if not is_drug(dose.drug, drug):
        raise ValueError(f"order, MedicationRequest.medicationCodeableConcept: must be {drug}, got '{dose.drug}'")
    if abs((at - now).total_seconds()) > DAY_OFF:
        raise ValueError(f"{TOLD}.timing: must be within a day of {now.isoformat()}, got {at.isoformat()}")
    return Asked(_amount(treatment, dose, covariates), _every(treatment, dose))


def _of(patient: str, request: dict[str, Any]) -> dict[str, Any]:
    """The request with this patient as its subject, where it names no other one of ours."""
    subject = request.get("subject")
    named = subject.get("reference") if isinstance(subject, dict) else None
    if isinstance(named, str) and named.startswith("Patient/") and named != f"Patient/{patient}":
        raise ValueError(f"order, MedicationRequest.subject.reference: must be Patient/{patient}, got {named}")
    return {**request, "subject": {"reference": f"Patient/{patient}"}}


def _dose(request: dict[str, Any]) -> tuple[Dose, datetime]:
    (found,) = fhir.records(request, "order")
    doses = [d for d in found.doses if d.status == "planned"]
    if len(doses) != 1 or found.start is None:
        said = "; ".join(found.notes) or "nothing is planned in it"
        raise ValueError(f"order, MedicationRequest.dosageInstruction: must hold one planned dose, got {len(doses)} ({said})")
    return doses[0], found.start + timedelta(hours=doses[0].time)


def _amount(treatment: Treatment, dose: Dose, covariates: Mapping[str, Any]) -> float:
    unit = treatment.standard.unit
    if dose.unit == unit:
        return dose.amount
    per = unit.partition("/")[2]
    try:
        return convert(dose.amount, dose.unit, "mg", drug_of(treatment.model)) / (float(covariates[SIZE_OF[per]]) if per else 1.0)
    except ValueError as error:
        raise ValueError(f"{TOLD}.doseAndRate[0].doseQuantity: {error}") from None


def _every(treatment: Treatment, dose: Dose) -> float:
    """Hours between doses as ordered, where the treatment knows that interval; its usual one where the order does not say."""
    if not dose.ii:
        return treatment.standard.interval
    known = sorted({a.interval for a in treatment.actions if a.amount})
    near = [hours for hours in known if abs(hours - dose.ii) < 1e-6]
    if not near:
        allowed = ", ".join(f"{hours:g} h" for hours in known)
        raise ValueError(f"{TOLD}.timing.repeat: every {dose.ii:g} h is not known to {treatment.id}; allowed: {allowed}")
    return near[0]
