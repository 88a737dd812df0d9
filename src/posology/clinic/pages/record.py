"""Entering, editing and importing records; while somebody types, the form is checked by the reader that a file goes through."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import JSONResponse, RedirectResponse, Response

from posology.bedside.complete import gaps
from posology.clinic import entry, offers, store
from posology.clinic.api.patients import Key, Writes
from posology.clinic.errors import Conflict
from posology.clinic.web.forms import Columns
from posology.clinic.web.render import page
from posology.clinic.web.shared import clinic_of, looked_at
from posology.data.names import POSSIBLE
from posology.data.readers import parse
from posology.data.record import from_dict
from posology.environments.given import drug_of
from posology.environments.treatment import Treatment

NAV: list[tuple[str, str, str]] = []
router = APIRouter()
IMPORT = "Import patients"
BLANK = 2
"""Empty rows at the end of each part of a form."""
UNITS = {
    "height": ["cm", "m"], "weight": ["kg", "g"], "age": ["a", "mo", "d"], "bsa": ["m2"], "male": ["1"], "female": ["1"],
    "bilirubin": ["umol/L", "mg/dL"], "creatinine": ["umol/L", "mg/dL"], "anc": ["10*9/L", "/uL"],
    "baseline_anc": ["10*9/L", "/uL"], "albumin": ["g/L", "g/dL"], "concentration": ["mg/L", "ug/L"],
}  # fmt: skip
"""Units that laboratories write, the one offered first in front."""
CLEARANCE = {"creatinine": "umol/L", "age": "a", "weight": "kg", "male": "1"}
"""What a creatinine clearance is computed from."""
ALONE = ("id", "zone", "start", "genotypes", *entry.LISTS, "reason", "version")
"""Fields of the form that have one value."""


@router.get("/patients/new")
def new(request: Request, who: Writes, treatment: Annotated[str, Query(max_length=100)] = "") -> Response:
    """An empty form, with a row for everything that a dose of the treatment rests on."""
    return shown(request, {"id": [""], "zone": ["+00:00"]}, "", chosen(treatment))


@router.post("/patients/new")
def enter(request: Request, who: Writes, form: Columns) -> Response:
    """Enter a new patient."""
    try:
        key = store.create(clinic_of(request).engine, from_dict(entry.raw_of(form), "record"), who.name)
    except ValueError as error:
        return shown(request, form, str(error), chosen(entry.one(form, "treatment")), status_of(error))
    return RedirectResponse(f"/patients/{key}" + ("/dose" if "dose" in form else "?said=entered"), 303)


@router.get("/patients/{key}/edit")
def edit(request: Request, who: Writes, key: Key) -> Response:
    """The form with a patient's record."""
    found = store.read(clinic_of(request).engine, key)
    looked_at(request, who.name, key)
    form = entry.form_of(found.record) | {"version": [str(found.version)]}
    return shown(request, form, "", offers.for_record(found.record), key=key)


@router.post("/patients/{key}/edit")
def change(request: Request, who: Writes, key: Key, form: Columns) -> Response:
    """Replace the record that the form was made of; another edit in between is not overwritten."""
    version = entry.one(form, "version")
    try:
        if not version.isdigit() or len(version) > 9:
            raise ValueError("version: is missing; open the record again")
        engine, record = clinic_of(request).engine, from_dict(entry.raw_of(form), "record")
        kept = store.read(engine, key, int(version)).record  # notes of a reader have no field in the form
        record = record.model_copy(update={"notes": kept.notes})
        store.edit(engine, key, int(version), record, who.name, entry.one(form, "reason"))
    except ValueError as error:
        return shown(request, form, str(error), chosen(entry.one(form, "treatment")), status_of(error), key)
    return RedirectResponse(f"/patients/{key}?said=saved", 303)


@router.post("/patients/check")
def check(request: Request, who: Writes, form: Columns) -> Response:
    """Say what is wrong in a form so far, and what is missing for a dose; nothing is kept."""
    try:
        found, missing = entry.slips(form), list[dict[str, Any]]()
        if not [s for s in found if s.field != "id"]:
            raw = entry.raw_of(form)
            record = from_dict(raw | {"id": raw["id"] or "x"}, "record")
            missing = [gap._asdict() for gap in gaps(chosen(entry.one(form, "treatment")), record)]
    except ValueError as error:
        found, missing = [entry.Slip("", None, str(error))], []
    return JSONResponse({"slips": [slip._asdict() for slip in found], "gaps": missing})


@router.get("/import")
def importing(request: Request, who: Writes) -> Response:
    """The form to import a file."""
    return page(request, "import.html", title=IMPORT, sentence="", text="", done=[])


@router.post("/import")
def imported(
    request: Request, who: Writes, text: Annotated[str, Form()] = "", file: Annotated[UploadFile | None, File()] = None
) -> Response:
    """Enter every patient of a file or of pasted text, or none: JSON, long CSV, NONMEM data or a FHIR R4 bundle."""
    sent = file if file is not None and file.filename else None
    name = PurePath(sent.filename or "").name[:100] if sent else "text"
    try:
        records = parse(sent.file.read().decode() if sent else text, name)
        keys = store.create_all(clinic_of(request).engine, records, who.name, "imported")
    except UnicodeDecodeError:
        return page(request, "import.html", 422, title=IMPORT, sentence=f"{name}: is not UTF-8 text", text="", done=[])
    except ValueError as error:
        return page(request, "import.html", status_of(error), title=IMPORT, sentence=str(error), text=text, done=[])
    done = [(key, r.id, len(r.doses), len(r.observations), r.notes) for key, r in zip(keys, records, strict=True)]
    return page(request, "import.html", title=IMPORT, sentence="", text="", done=done)


def chosen(treatment: str) -> Treatment:
    """The treatment that a form is for: one that is offered."""
    known = {t.id: t for t in offers.treatments()}
    return known.get(treatment) or next(iter(known.values()))


def status_of(error: ValueError) -> int:
    """The status of a form that could not be kept."""
    return 409 if isinstance(error, Conflict) else 422


def shown(
    request: Request, form: dict[str, list[str]], sentence: str, treatment: Treatment, status: int = 200, key: str = ""
) -> Response:
    """The form with what was typed, what is wrong in it, and empty rows to go on."""
    slips = entry.slips(form) if status != 200 else []
    context: dict[str, Any] = {
        "title": "Edit the record" if key else "New patient", "key": key, "sentence": sentence, "treatment": treatment.id,
        "treatments": [(t.id, drug_of(t.model)) for t in offers.treatments()],
        "one": {name: entry.one(form, name) for name in ALONE},
        "rows": {part: rows(form, part, treatment) for part in entry.PARTS}, "units": UNITS,
        "slips": {(s.field, s.row): s.sentence for s in slips}, "names": sorted(POSSIBLE),
        "readings": sorted(treatment.model.reading_units), "drug": drug_of(treatment.model),
        "unit": treatment.standard.unit.partition("/")[0],
    }  # fmt: skip
    return page(request, "record.html", status, **context)


def rows(form: dict[str, list[str]], part: str, treatment: Treatment) -> list[dict[str, str]]:
    """The rows of a part as typed; in a new form, a row for each covariate of the treatment; then empty ones."""
    names = entry.PARTS[part]
    length = max((len(form.get(f"{part}.{c}", ())) for c in names), default=0)
    found = [{c: (form.get(f"{part}.{c}", []) + [""] * length)[i] for c in names} for i in range(length)]
    if part == "covariates":
        have = {row["name"] for row in found}
        more = [(name, UNITS.get(name, [unit])[0]) for name, unit in wanted(treatment) if name not in have]
        found += [dict.fromkeys(names, "") | {"name": name, "unit": unit} for name, unit in more]
    blank = sum(not any(row[c] for c in names) for row in found)
    return found + [dict.fromkeys(names, "")] * max(0, BLANK - blank)


def wanted(t: Treatment) -> list[tuple[str, str]]:
    """What a dose of a treatment rests on, with units: covariates, and height and weight for a surface."""
    names = {c.name: c.unit for c in t.model.covariates}
    if "bsa" in names or t.standard.unit.endswith("/m2"):
        names = {k: v for k, v in names.items() if k != "bsa"} | {"height": "cm", "weight": "kg"}
    if "crcl" in names:
        names = {k: v for k, v in names.items() if k != "crcl"} | CLEARANCE
    if any("bilirubin" in need for limit in t.limits for need in limit.needs):
        names.setdefault("bilirubin", "umol/L")
    first = ("male", "age", "height", "weight")
    return sorted(names.items(), key=lambda row: (first.index(row[0]) if row[0] in first else len(first)))
