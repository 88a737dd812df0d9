"""The virtual hospital over HTTP: charts are searched, orders are posted, time is moved; faults are OperationOutcomes.

    GET  /fhir/Patient                       everybody, as a searchset
    GET  /fhir/{kind}?patient={id}           what is known now; GET /fhir/Patient/{id} for the one
    POST /fhir/MedicationRequest             an order for a patient who waits for one
    GET  /time                               the calendar, who waits for an order, days until the next visit
    POST /time                               {"days": 21}: time passes, results appear
    POST /time/wait                          {"patient": id, "days": 7}: a patient gets nothing until the next visit

One hospital per process, in memory; its patients are simulated, so there is no login. It listens on loopback alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated, Any

from fastapi import Body, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from posology.clinic import virtual_ehr as ehr
from posology.clinic.errors import NotFound
from posology.clinic.fhir import faults
from posology.clinic.fhir.served import searchset
from posology.environments.treatment import Treatment

JSON = "application/fhir+json"
Order = Annotated[dict[str, Any], Body(description="A MedicationRequest of the treatment's drug.", media_type=JSON)]


class Days(BaseModel):
    """How much time passes."""

    model_config = ConfigDict(extra="forbid")

    days: float = Field(gt=0, le=36_500, allow_inf_nan=False)


class Wait(BaseModel):
    """Who gets nothing, and until when; the shortest wait that the treatment knows unless said."""

    model_config = ConfigDict(extra="forbid")

    patient: str = Field(max_length=64)
    days: float | None = Field(default=None, gt=0, le=36_500, allow_inf_nan=False)


@dataclass
class Hospital:
    """The hospital as it stands, which one request at a time may change."""

    state: ehr.State
    lock: Lock = field(default_factory=Lock)

    def patient(self, id: str) -> int:
        """The number of a patient.

        Raises:
            NotFound: when there is none of that id.
        """
        for i in range(len(self.state.courses)):
            if ehr.name_of(self.state, i) == id:
                return i
        raise NotFound(f"Patient/{id[:64]}: is not here")

    def time(self) -> dict[str, Any]:
        """The calendar, and who waits for an order."""
        now, waiting = ehr.now(self.state).isoformat(), [ehr.name_of(self.state, i) for i in ehr.due(self.state)]
        return {"now": now, "day": self.state.day, "due": waiting, "next_visit_days": ehr.ends(self.state)}


def create_ehr(treatment: Treatment, patients: int, seed: int) -> FastAPI:
    """The application of a hospital with so many patients of a treatment.

    Raises:
        ValueError: as `virtual_ehr.begin`.
    """
    hospital = Hospital(ehr.begin(treatment, patients, seed))
    app = FastAPI(title="Posology: a virtual hospital", description=__doc__, docs_url=None, redoc_url=None)
    app.state.hospital = hospital

    @app.get("/fhir/Patient")
    def everybody(request: Request) -> Response:
        """All patients."""
        charts = (ehr.chart(hospital.state, i) for i in range(patients))
        return _searched(request, [resource for chart in charts for resource in _of_kind(chart, "Patient")])

    @app.get("/fhir/Patient/{id}")
    def patient(id: str) -> Response:
        """One patient."""
        return _fhir(_of_kind(ehr.chart(hospital.state, hospital.patient(id)), "Patient")[0])

    @app.get("/fhir/{kind}")
    def search(request: Request, kind: str, patient: str) -> Response:
        """What is known of a patient now, of one kind."""
        number = hospital.patient(patient.removeprefix("Patient/"))
        return _searched(request, _of_kind(ehr.chart(hospital.state, number), kind))

    @app.post("/fhir/MedicationRequest", status_code=201)
    def order(asked: Order) -> Response:
        """Give what is ordered, now, until the next visit."""
        subject = asked.get("subject")
        told = subject.get("reference") if isinstance(subject, dict) else None
        if not isinstance(told, str) or not told.startswith("Patient/"):
            raise ValueError("order, MedicationRequest.subject.reference: must be Patient/ and the id of a patient here")
        with hospital.lock:
            hospital.state = ehr.order(hospital.state, hospital.patient(told.removeprefix("Patient/")), asked)
        return _fhir(asked, 201)

    @app.get("/time")
    def time() -> dict[str, Any]:
        """The calendar, and who waits for an order."""
        return hospital.time()

    @app.post("/time")
    def passes(asked: Days) -> dict[str, Any]:
        """Let time pass; nobody who waits for an order is passed over."""
        with hospital.lock:
            hospital.state = ehr.advance(hospital.state, asked.days)
        return hospital.time()

    @app.post("/time/wait")
    def wait(asked: Wait) -> dict[str, Any]:
        """Give a patient nothing until the next visit."""
        with hospital.lock:
            hospital.state = ehr.wait(hospital.state, hospital.patient(asked.patient), asked.days)
        return hospital.time()

    @app.exception_handler(ValueError)
    def refused(request: Request, error: ValueError) -> Response:
        status = 404 if isinstance(error, NotFound) else 422
        return _fhir(faults.told(status, str(error)), status)

    @app.exception_handler(RequestValidationError)
    def unread(request: Request, error: RequestValidationError) -> Response:
        found = error.errors()[0]
        return _fhir(faults.told(422, f"{'.'.join(str(p) for p in found['loc'])}: {found['msg']}"), 422)

    return app


def _of_kind(chart: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [e["resource"] for e in chart["entry"] if e["resource"]["resourceType"] == kind]


def _searched(request: Request, found: list[dict[str, Any]]) -> Response:
    base = f"{str(request.base_url).rstrip('/')}/fhir"
    asked = request.url.path.rpartition("/")[2] + (f"?{request.url.query}" if request.url.query else "")
    return _fhir(searchset(base, asked, found, len(found)))


def _fhir(resource: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse(resource, status, media_type=JSON)
