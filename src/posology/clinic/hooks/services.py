"""What we offer: for each treatment a service at three moments of work, with the data that it asks for.

    GET {base}/cds-services    discovery(["paclitaxel-label-v1"])

The templates ask for what a record is made of and no more. A service's id is `<treatment>.<hook>`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from posology.bedside.sentences import DISCLAIMER
from posology.environments.catalogue import TREATMENTS

WHEN = {
    "patient-view": "when the patient's chart is opened",
    "order-select": "when a drug is chosen for an order",
    "order-sign": "when the order is about to be signed",
}

PREFETCH = {
    "patient": "Patient/{{context.patientId}}",
    "laboratory": "Observation?patient={{context.patientId}}&category=laboratory",
    "body": "Observation?patient={{context.patientId}}&category=vital-signs",
    "given": "MedicationAdministration?patient={{context.patientId}}",
    "requested": "MedicationRequest?patient={{context.patientId}}&status=active,on-hold",
    "conditions": "Condition?patient={{context.patientId}}&clinical-status=active",
    "allergies": "AllergyIntolerance?patient={{context.patientId}}",
}
NEEDED = ("patient", "laboratory", "given")  # without these no dose is thought about; what else is absent is noted


class Service(NamedTuple):
    """Which treatment is asked about at which hook."""

    treatment: str
    hook: str

    @property
    def id(self) -> str:
        """The last part of the service's address."""
        return f"{self.treatment}.{self.hook}"


def discovery(treatments: Iterable[str]) -> dict[str, Any]:
    """The answer of the discovery endpoint for these treatments.

    Raises:
        ValueError: for an unknown treatment.
    """
    return {"services": [_described(Service(_known(t), hook)) for t in treatments for hook in WHEN]}


def service(id: str) -> Service:
    """The service of that id.

    Raises:
        ValueError: for an unknown treatment or hook.
    """
    treatment, _, hook = id.rpartition(".")
    if hook not in WHEN:
        raise ValueError(f"service '{id}': its hook '{hook}' is not offered; allowed: {', '.join(WHEN)}")
    return Service(_known(treatment), hook)


def _known(treatment: str) -> str:
    if treatment not in TREATMENTS:
        raise ValueError(f"treatment '{treatment}' is not known; allowed: {', '.join(TREATMENTS)}")
    return treatment


def _described(service: Service) -> dict[str, Any]:
    t = TREATMENTS[service.treatment]
    return {
        "id": service.id,
        "hook": service.hook,
        "title": f"{t.title} (research)",
        "description": f"{t.question} Asked {WHEN[service.hook]}. Not for: {t.not_for}. {DISCLAIMER}",
        "usageRequirements": f"Prefetched data are read, nothing is fetched; needed: {', '.join(NEEDED)}.",
        "prefetch": dict(PREFETCH),
    }
