"""FHIR R4 bundles: Patient, Observation, MedicationAdministration, MedicationRequest, MedicationStatement,
Condition and AllergyIntolerance. Everything else is counted and said in `Record.notes`.

Administrations are doses given (`not-done`: missed), requests are doses planned. Body measurements and
the chemistry that models read as covariates become covariates, all other numbers observations, unless
our own category says which (a bundle written here). A date without a time counts as 00:00 UTC, noted.
A resource we read that has a wrong number, unit or date is refused, not skipped: a dose or neutrophil
count that silently vanished could make the next dose too high.

LOINC codes are used under the LOINC licence (https://loinc.org/license).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import ValidationError

from posology.data import times
from posology.data.faults import describe, made_of
from posology.data.names import canonical
from posology.data.readers import fhir_doses
from posology.data.readers import fhir_resources as r4
from posology.data.readers.fhir_draft import VOID, Draft, Refused, Wrong, unit_of
from posology.data.readers.fhir_write import LOINC, RELATIVE, SECTION, START, to_fhir
from posology.data.record import Observation, Record, from_dict
from posology.data.units import convert

_COVARIATES = ("weight", "height", "bsa", "age", "bilirubin", "creatinine", "albumin", "aag")

Entry = tuple[int, dict[str, Any]]

# Where a resource holds what a record keeps of it.
_VALUES = {"Observation": "valueQuantity", "MedicationAdministration": "dosage", "MedicationRequest": "dosageInstruction"}


def records(raw: Any, where: str, refused: list[str] | None = None) -> list[Record]:
    """The patients of a bundle or of one resource; `refused` as in `made_of`.

    Raises:
        Refused: (a ValueError) with file, entry and field, and the FHIRPath of the fault.
    """
    entries = _entries(raw, where)
    aliases = _patients(raw, entries)
    own: dict[str, list[Entry]] = {}
    for number, resource in entries:
        # A resource that is not read (a list, a device, a group) must not found a patient.
        read = resource["resourceType"] in r4.RESOURCES
        owner = _patient_of(resource, aliases)
        own.setdefault(owner if read or owner in aliases.values() else "", []).append((number, resource))
    unowned = own.pop("", [])
    if not own:
        named = (_patient_of(resource, aliases) for _, resource in unowned)
        own[next((name for name in named if name), "unknown")] = []
    if len(own) > 1:
        for number, resource in unowned:
            if resource.get("resourceType") in r4.RESOURCES:
                said = f"{where}, entry {number} ({resource['resourceType']}), field subject: is missing"
                raise Refused(said, _path(raw, number, "subject"))
    else:
        next(iter(own.values())).extend(unowned)
    return made_of((partial(_record, patient, resources, raw, where) for patient, resources in own.items()), refused)


def _entries(raw: dict[str, Any], where: str) -> list[Entry]:
    if not isinstance(raw.get("resourceType"), str):
        raise Refused(f"{where}, field resourceType: must be text such as Bundle", "resourceType")
    if raw["resourceType"] != "Bundle":
        return [(1, raw)]
    listed = raw.get("entry", [])
    if not isinstance(listed, list):
        raise Refused(f"{where}, field entry: must be a list", "Bundle.entry")
    entries: list[Entry] = []
    for number, entry in enumerate(listed, 1):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            said = f"{where}, entry {number}, field resource: must be an object with a resourceType"
            raise Refused(said, f"Bundle.entry[{number - 1}]")
        entries.append((number, resource))
    return entries


def _patients(raw: dict[str, Any], entries: list[Entry]) -> dict[str, str]:
    """Every way to refer to each Patient of the bundle → its id."""
    listed = raw.get("entry", []) if raw.get("resourceType") == "Bundle" else []
    aliases: dict[str, str] = {}
    for number, resource in entries:
        name = resource.get("id")
        if resource["resourceType"] == "Patient" and isinstance(name, str):
            url = listed[number - 1].get("fullUrl") if listed else None
            aliases.update({key: name for key in (f"Patient/{name}", f"urn:uuid:{name}", url) if isinstance(key, str)})
    return aliases


def _patient_of(resource: dict[str, Any], aliases: Mapping[str, str]) -> str:
    if resource["resourceType"] == "Patient":
        return str(resource.get("id") or "unknown")
    for name in ("subject", "patient"):
        target = resource.get(name)
        reference = target.get("reference") if isinstance(target, dict) else None
        if isinstance(reference, str) and reference:
            plain = reference.split("/_history/")[0]
            return aliases.get(plain) or re.split(r"[/:]", plain)[-1] or "unknown"
    return ""


def _record(patient: str, entries: list[Entry], bundle: dict[str, Any], where: str) -> Record:
    draft = Draft(patient)
    draft.raw["id"] = patient
    for number, resource in entries:
        kind = resource["resourceType"]
        place = f"entry {number} ({kind})"
        if kind not in r4.RESOURCES:
            draft.notes[f"{kind} not read"] += 1
            continue
        try:
            _HANDLERS[kind](draft, r4.RESOURCES[kind].model_validate(resource), place)
            if kind == "Patient" and resource.get("birthDate"):
                draft.births.append((resource["birthDate"], _path(bundle, number, "birthDate")))
        except ValidationError as error:
            raise Refused(describe(error, f"{where}, {place}"), _path(bundle, number, _field(error))) from None
        except Wrong as error:
            raise Refused(f"{where}, {place}, {error}", _path(bundle, number, error.field_name)) from None
    start, relative = _origin(bundle, where)
    if start:
        draft.raw["start"] = start
    _tidy(draft)
    notes = [f"{count} × {what}" if count > 1 else what for what, count in sorted(draft.notes.items())]
    try:
        record = from_dict(draft.raw, where, draft.places).noted(*notes)
    except ValueError as error:
        raise Refused(str(error), _place_of(str(error), where, bundle)) from None
    record = _with_age(record, draft.births, where)
    return record.model_copy(update={"start": None}) if relative else record


def _path(raw: dict[str, Any], number: int, field: str = "") -> str:
    """The FHIRPath of a field of an entry, or of the resource itself where it is no bundle."""
    at = f"Bundle.entry[{number - 1}].resource" if raw["resourceType"] == "Bundle" else raw["resourceType"]
    return f"{at}.{field}" if field else at


def _field(error: ValidationError) -> str:
    """The FHIRPath, inside its resource, of the first fault of a validation."""
    parts = error.errors(include_url=False)[0]["loc"]
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in parts).removeprefix(".")


def _place_of(said: str, where: str, bundle: dict[str, Any]) -> str:
    """The FHIRPath of the value that a record refused: the place that the sentence names first, else the whole."""
    found = re.match(r", entry (\d+) \((\w+)\)", said.removeprefix(where))
    if not found:
        return str(bundle["resourceType"])
    return _path(bundle, int(found[1]), _VALUES.get(found[2], ""))


def _origin(bundle: dict[str, Any], where: str) -> tuple[str | None, bool]:
    """Hour 0 of a bundle that was written here, and whether its dates only stand for hours."""
    meta = bundle.get("meta")
    listed = meta.get("extension", []) if isinstance(meta, dict) else []
    try:
        extensions = [r4.Extension.model_validate(e) for e in listed] if isinstance(listed, list) else []
    except ValidationError as error:
        raise Refused(describe(error, f"{where}, field meta.extension"), "Bundle.meta.extension") from None
    start = next((e.valueDateTime for e in extensions if e.url == START), None)
    return start, any(e.url == RELATIVE and e.valueBoolean for e in extensions)


def _tidy(draft: Draft) -> None:
    """A covariate is constant or dated: drop undated values beside dated ones."""
    for name, values in draft.raw["covariates"].items():
        dated = [m for m in values if "time" in m]
        if dated and len(dated) < len(values):
            draft.notes[f"{name} without a date left out"] += len(values) - len(dated)
        draft.raw["covariates"][name] = dated or values


def _with_age(record: Record, births: list[tuple[str, str]], where: str) -> Record:
    if not births or "age" in record.covariates:
        return record
    if record.start is None:
        return record.noted("birth date not used: nothing in the record has a date to count the age at")
    birth, path = births[0]
    spelled = birth + {4: "-07-01", 7: "-15"}.get(len(birth), "")  # the middle of an unknown part
    try:
        born = times.parse(spelled + "T00:00:00+00:00")
        if not isinstance(born, datetime):
            raise ValueError("must be a date")
        age = convert(times.hours_between(born, record.start), "h", "a")
        raw = {"id": record.id, "covariates": {"age": {"value": age, "unit": "a"}}}
        made = from_dict(raw).covariates | record.covariates
    except ValueError as error:
        raise Refused(f"{where}, Patient, field birthDate: '{birth}': {error}", path) from None
    note = f"age at the first date from birth date{'' if len(birth) == 10 else ' (year or month only)'}"
    return record.model_copy(update={"covariates": dict(sorted(made.items()))}).noted(note)


def _patient(draft: Draft, patient: r4.Patient, place: str) -> None:
    if patient.gender in ("male", "female"):
        draft.raw["covariates"]["male"] = [{"value": float(patient.gender == "male"), "unit": "1"}]
    elif patient.gender:
        draft.notes[f"gender {patient.gender} is neither male nor female: covariate male left out"] += 1


def _observation(draft: Draft, seen: r4.Observation, place: str) -> None:
    label = seen.code.words or "unnamed"
    section = next((c.code for kind in seen.category for c in kind.coding if c.system == SECTION), None)
    if seen.component:
        draft.notes[f"components of Observation '{label}' not read"] += 1
    if seen.status in VOID:
        draft.notes[f"Observation '{label}' {seen.status}: left out"] += 1
    elif section == "genotype":
        draft.raw.setdefault("genotypes", {})[label] = seen.valueString or ""
    elif seen.valueQuantity is None or seen.valueQuantity.value is None:
        draft.notes["Observation without a number not read"] += 1
    else:
        _number(draft, seen, seen.valueQuantity, section, label, place)


def _number(
    draft: Draft, seen: r4.Observation, quantity: r4.Quantity, section: str | None, label: str, place: str
) -> None:
    known = next((LOINC[c.code] for c in seen.code.coding if c.code and c.code in LOINC), None)
    try:
        name = canonical(seen.code.text or "") if section else known or canonical(label)
    except ValueError:
        draft.notes[f"Observation '{label}' not read: it has no name in letters"] += 1
        return
    covariate = section == "covariate" or (section is None and name in _COVARIATES)
    needed = bool(known or section or covariate or name == "anc")
    try:
        entry: dict[str, Any] = {"value": quantity.value, "unit": unit_of(quantity, "valueQuantity")}
        if seen.when:
            entry["time"] = draft.when(seen.when, "effectiveDateTime")
        if not needed:
            Observation.model_validate({**entry, "name": name, "time": 0.0})
    except ValueError as error:
        if needed:
            raise
        said = "" if isinstance(error, ValidationError) else f" ({error})"
        draft.notes[f"Observation '{label}' not read{said}"] += 1
        return
    if quantity.comparator in (">", ">="):
        draft.notes[
            f"Observation '{label}' {quantity.comparator}{quantity.value:g} not read: only an upper bound fits"
        ] += 1
    elif covariate:
        if quantity.comparator:
            draft.notes[f"{name} {quantity.comparator}{quantity.value:g} read as {quantity.value:g}"] += 1
        values = draft.raw["covariates"].setdefault(name, [])
        if entry not in values:
            values.append(entry)
            draft.places[("covariates", name, len(values) - 1)] = place
    elif "time" not in entry:
        draft.notes[f"Observation '{label}' without a date not read"] += 1
    else:
        entry |= {"name": name, "below": quantity.comparator in ("<", "<=")}
        draft.add("observations", entry, place)


def _stated(kind: str) -> Any:
    def handle(draft: Draft, stated: r4.Stated, place: str) -> None:
        words = stated.code.words
        if stated.clinicalStatus.has(*VOID) or stated.verificationStatus.has(*VOID):
            draft.notes[f"'{words}' is not active: not among the {kind}"] += 1
        elif not words:
            draft.notes[f"one of the {kind} has no name"] += 1
        else:
            draft.listed(kind, words)

    return handle


_HANDLERS: dict[str, Any] = {
    "Patient": _patient,
    "Observation": _observation,
    "MedicationAdministration": fhir_doses.administration,
    "MedicationRequest": fhir_doses.request,
    "MedicationStatement": fhir_doses.statement,
    "Condition": _stated("conditions"),
    "AllergyIntolerance": _stated("allergies"),
}

__all__ = ["records", "to_fhir"]
