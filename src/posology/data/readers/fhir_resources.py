"""The parts of FHIR R4 resources that a record is made of, as small pydantic models.

Fields that we do not read are ignored; those we read must have their type. Values outside FHIR's own
value sets are judged by the reader, which knows what to say about them.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from posology.data.record import Real


class Part(BaseModel):
    """A piece of a resource."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Coding(Part):
    system: str | None = None
    code: str | None = None
    display: str | None = None


class Concept(Part):
    coding: list[Coding] = []
    text: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_code(cls, raw: Any) -> Any:
        # Older writers put a bare code where R4 has a concept: "clinicalStatus": "active".
        return {"text": raw} if isinstance(raw, str) else raw

    @property
    def words(self) -> str:
        """What the concept says: its text, or the first display, or the first code."""
        shown = [c.display for c in self.coding] + [c.code for c in self.coding]
        return (self.text or next((s for s in shown if s), "") or "").strip()

    def has(self, *codes: str) -> bool:
        """Whether one of the codings is one of these codes."""
        return any(c.code in codes for c in self.coding) or (self.text or "").strip().lower() in codes


class Quantity(Part):
    value: Real | None = None
    unit: str | None = None
    code: str | None = None
    comparator: str | None = None


class Ratio(Part):
    numerator: Quantity = Quantity()
    denominator: Quantity = Quantity()


class Period(Part):
    start: str | None = None
    end: str | None = None


class Reference(Part):
    reference: str | None = None
    display: str | None = None


class Extension(Part):
    url: str = ""
    extension: list[Extension] = []
    valueDecimal: Real | None = None
    valueInteger: int | None = None
    valueBoolean: bool | None = None
    valueDateTime: str | None = None


class Patient(Part):
    id: str | None = None
    gender: str | None = None
    birthDate: str | None = None


class Observation(Part):
    status: str = ""
    code: Concept = Concept()
    category: list[Concept] = []
    effectiveDateTime: str | None = None
    effectiveInstant: str | None = None
    effectivePeriod: Period = Period()
    valueQuantity: Quantity | None = None
    valueString: str | None = None
    component: list[Any] = []

    @property
    def when(self) -> str | None:
        """When it was measured."""
        return self.effectiveDateTime or self.effectiveInstant or self.effectivePeriod.start


class Dosage(Part):
    """`dosage` of an administration."""

    route: Concept = Concept()
    dose: Quantity | None = None
    rateQuantity: Quantity | None = None
    rateRatio: Ratio | None = None


class Medicated(Part):
    """What administrations, requests and statements share."""

    status: str = ""
    extension: list[Extension] = []
    medicationCodeableConcept: Concept = Concept()
    medicationReference: Reference = Reference()

    @property
    def drug(self) -> str:
        """The drug's name, empty where none is given."""
        return self.medicationCodeableConcept.words or (self.medicationReference.display or "").strip()


class MedicationAdministration(Medicated):
    effectiveDateTime: str | None = None
    effectivePeriod: Period = Period()
    dosage: Dosage | None = None


class Repeat(Part):
    boundsPeriod: Period = Period()
    count: Annotated[int, Field(ge=1)] | None = None
    duration: Real | None = None
    durationUnit: str | None = None
    frequency: Annotated[int, Field(ge=1)] | None = None
    period: Real | None = None
    periodUnit: str | None = None


class Timing(Part):
    event: list[str] = []
    repeat: Repeat = Repeat()


class DoseAndRate(Part):
    doseQuantity: Quantity | None = None
    rateQuantity: Quantity | None = None
    rateRatio: Ratio | None = None


class Instruction(Part):
    """`dosageInstruction` of a request."""

    timing: Timing = Timing()
    route: Concept = Concept()
    doseAndRate: list[DoseAndRate] = []


class MedicationRequest(Medicated):
    authoredOn: str | None = None
    dosageInstruction: list[Instruction] = []


class Stated(Part):
    """Condition and AllergyIntolerance: what it is and whether it holds."""

    code: Concept = Concept()
    clinicalStatus: Concept = Concept()
    verificationStatus: Concept = Concept()


RESOURCES: dict[str, Any] = {
    "Patient": Patient,
    "Observation": Observation,
    "MedicationAdministration": MedicationAdministration,
    "MedicationRequest": MedicationRequest,
    "MedicationStatement": Medicated,
    "Condition": Stated,
    "AllergyIntolerance": Stated,
}
