"""What came of a bundle that was sent to us, as OperationOutcome: what is wrong and where, or what was left out.

    records, outcome = imported(raw)

Nothing is read of a bundle with a fault: a dose that silently vanished could make the next one too high. The path is the
subset of FHIRPath that R4 asks for here: names and indices. http://hl7.org/fhir/R4/operationoutcome.html.
"""

from __future__ import annotations

from typing import Any

from posology.clinic.fhir.parts import said
from posology.data.readers import fhir
from posology.data.readers.fhir_draft import Refused
from posology.data.record import Record

WHERE = "Bundle"  # what a sentence calls a bundle that has no file


def imported(raw: Any, where: str = WHERE) -> tuple[list[Record], dict[str, Any]]:
    """The records of a bundle or resource, and what to answer; no record where it is refused."""
    try:
        if not isinstance(raw, dict):
            raise Refused(f"{where}: must be an object with a resourceType, got {type(raw).__name__}", "$this")
        records = fhir.records(raw, where)
    except ValueError as error:
        return [], outcome(error)
    except RecursionError:
        return [], outcome(Refused(f"{where}: is nested too deeply to be read", "$this"))
    return records, accepted(records)


KINDS = {
    401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported", 406: "not-supported", 409: "conflict",
    413: "too-long", 415: "not-supported", 421: "not-supported", 429: "throttled", 503: "transient", 500: "exception",
}  # fmt: skip
"""The kind of fault of a status, in the codes of http://hl7.org/fhir/issue-type; of others the sentence tells."""


def told(status: int, sentence: str) -> dict[str, Any]:
    """Why a request was not done."""
    text = said(sentence)
    return _outcome([{"severity": "error", "code": KINDS.get(status) or _code(text), "details": {"text": text}}])


def outcome(error: ValueError) -> dict[str, Any]:
    """A refusal: one issue of severity error, with the path of the fault where it is known."""
    text = said(str(error))
    issue: dict[str, Any] = {"severity": "error", "code": _code(text), "details": {"text": text}}
    path = getattr(error, "path", None)
    return _outcome([issue | ({"expression": [path]} if path else {})])


def accepted(records: list[Record]) -> dict[str, Any]:
    """What was read, by patient, and everything that was left out or assumed."""
    issues: list[dict[str, Any]] = []
    for record in records:
        counts = f"{len(record.covariates)} covariates, {len(record.observations)} observations, {len(record.doses)} doses"
        texts = (f"patient '{record.id}': {counts} read", *(f"patient '{record.id}': {note}" for note in record.notes))
        issues += [{"severity": "information", "code": "informational", "details": {"text": said(text)}} for text in texts]
    return _outcome(issues or [{"severity": "information", "code": "informational", "details": {"text": "nothing to read"}}])


def _outcome(issues: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": issues}


def _code(text: str) -> str:
    """The kind of fault in the codes of http://hl7.org/fhir/issue-type."""
    if text.endswith("is missing"):
        return "required"
    return "structure" if "must be an object" in text or "must be a list" in text else "value"
