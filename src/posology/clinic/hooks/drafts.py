"""The dose of a draft order in a call, so that `cards.py` can hold it against what is recommended."""

from __future__ import annotations

from posology.clinic.hooks.request import Request, resources
from posology.data.names import is_drug
from posology.data.readers import fhir
from posology.data.record import Record
from posology.environments.given import drug_of, recorded
from posology.environments.treatment import Treatment


def draft_mg(call: Request, record: Record, treatment: Treatment) -> float | None:
    """The largest single dose in mg of the treatment's drug among the draft orders; at `order-select` of those selected.

    None where no order is of this drug. Doses per m2 or kg take the size in `record`.

    Raises:
        ValueError: with the path in the draft orders of what cannot be read.
    """
    drug = drug_of(treatment.model)
    drafts = [r for r in resources(call.context.draftOrders or {}) if _selected(call, f"{r.get('resourceType')}/{r.get('id')}")]
    if not drafts:
        return None
    patient = {"reference": f"Patient/{record.id}"}
    entries = [{"resource": {**r, "subject": patient}} for r in drafts if r.get("resourceType") == "MedicationRequest"]
    found = fhir.records({"resourceType": "Bundle", "entry": entries}, "context.draftOrders")
    doses = [d for r in found for d in r.doses if d.status == "planned" and d.drug and is_drug(d.drug, drug)]
    now = [dose.model_copy(update={"time": _last(record)}) for dose in doses]
    return max((recorded(record, dose, treatment.model) for dose in now), default=None)


def _selected(call: Request, name: str) -> bool:
    return call.hook != "order-select" or name in (call.context.selections or [])


def _last(record: Record) -> float:
    """The hour of the latest entry: the size that is known now."""
    times = [o.time for o in record.observations] + [d.time for d in record.doses]
    return max([*times, *(m.time for ms in record.covariates.values() for m in ms if m.time is not None), 0.0])
