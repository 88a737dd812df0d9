"""`posology individualise MODEL --patient FILE`: a patient's own parameters, or those of a whole cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from posology.commands.errors import known, writable
from posology.commands.output import print_json, print_table
from posology.commands.recommend import patients

METHODS = ("map", "particles", "nuts")


def show(found: dict[str, Any]) -> None:
    """One patient for people: parameters, measurements, what was assumed."""
    from posology.figures.individual import number, patient_summary

    columns = ["parameter", "meaning", "unit", "typical", "estimate", "90 % interval", "SD left"]
    rows = [
        [p["symbol"], p["meaning"], p["unit"], number(p["typical"]), number(p["estimate"]),
         f"{number(p['lower'])} to {number(p['upper'])}", f"{100 * p['sd_left']:.0f} %"]
        for p in found["parameters"]
    ]  # fmt: skip
    title = f"Patient {found['patient']}, {found['model']}, {found['method']}, known up to hour {found['time']:g}"
    print_table(title, columns, rows)
    columns = ["time (h)", "reading", "measured", "predicted", "90 % band", "inside"]
    rows = [
        [number(m["time"]), f"{m['reading']} ({m['unit']})", ("< " if m["below"] else "") + number(m["value"]),
         number(m["predicted"]), f"{number(m['lower'])} to {number(m['upper'])}", m["inside"]]
        for m in found["measurements"]
    ]  # fmt: skip
    if rows:
        print_table("Measured and predicted", columns, rows)
    _say(found, patient_summary(found))


def show_all(found: dict[str, Any]) -> None:
    """A cohort for people."""
    from posology.figures.individual import cohort_summary, number

    columns = ["parameter", "meaning", "unit", "typical", "median", "5 to 95 %", "shrinkage", "SD left"]
    rows = [
        [p["symbol"], p["meaning"], p["unit"], number(p["typical"]), number(p["median"]),
         f"{number(p['p5'])} to {number(p['p95'])}", f"{100 * p['shrinkage']:.0f} %", f"{100 * p['sd_left']:.0f} %"]
        for p in found["parameters"]
    ]  # fmt: skip
    print_table(f"{found['patients']} patients, {found['model']}, {found['method']}", columns, rows)
    _say(found, cohort_summary(found))


def _say(found: dict[str, Any], sentences: list[str]) -> None:
    print("\n".join(sentences))
    for note in found["assumed"]:
        print(f"  - {note}")
    unread = f" ({len(found['not_verified'])} of its numbers are not verified; see --json)" if found["not_verified"] else ""
    print(f"Numbers of the model: {found['status']}{unread}. Not for: {found['not_for']}.\n{found['disclaimer']}")


def individualise(
    model_id: str = typer.Argument(metavar="MODEL", help="A model's id (see `posology list models`)."),
    patient: Path = typer.Option(..., "--patient", help="A record or a cohort: JSON, long CSV, NONMEM or FHIR R4."),
    one: str = typer.Option(None, "--id", help="The patient's id where the file holds several; all of them unless given."),
    method: str = typer.Option("map", help="map (with Laplace intervals), particles, or nuts (slow; for one patient)."),
    at: str = typer.Option(None, "--at", help="Hours of the record or a date with a zone; the last entry unless given."),
    until: float = typer.Option(0.0, "--until", min=0, help="Hours after that to follow, under the doses that are planned."),
    report: Path = typer.Option(None, "--report", help="An HTML file to write."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Estimate a patient's own parameters from his record, or those of every patient of a cohort. Research use only."""
    from posology.patients import catalogue

    model = catalogue.model(known(model_id, catalogue.ids(), "model"))
    known(method, METHODS, "method")
    writable(report, "--report")
    records = patients(patient, one)
    from posology.figures import individual

    if len(records) > 1:
        if method != "map" or until:
            only = "only --method map without --until works"
            raise typer.BadParameter(f"{patient} holds {len(records)} patients, for whom {only}; name one by --id")
        from posology.bedside.cohort import individualise_all

        found = individualise_all(model, records, at, check=report is not None)
        page, printed = individual.of_cohort, show_all
    else:
        from posology.bedside.individualise import individualise as answer

        found = answer(model, records[0], at, until, method)
        page, printed = individual.of_patient, show
    if report is not None:
        individual.write(report, page(found, model.title))
    print_json(found) if as_json else printed(found)
    if report is not None and not as_json:
        print(f"Report: {report}")
