"""`posology cohort describe|deidentify`: what a file of patients holds, and the file without identities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from posology.commands.errors import writable
from posology.commands.output import print_json, print_table

cohort = typer.Typer(add_completion=False, help="Files of patients: JSON records, long CSV, NONMEM data or a FHIR bundle.")


@cohort.command()
def describe(
    file: Path = typer.Argument(help="Patients: JSON, long CSV, NONMEM or a FHIR bundle."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """What the file holds and what is odd about it: units, ranges, gaps, duplicates, patients that cannot be read."""
    from posology.data.quality import quality

    try:
        found = quality(file)
    except ValueError as error:
        raise ValueError(f"{file}: {str(error).removeprefix(str(file)).lstrip(', :')}") from None
    if as_json:
        return print_json(found)
    twice, doses = found["duplicates"], found["doses"]
    print(f"{found['patients']} patients in {found['rows']} rows, {doses['count']} doses of {doses['patients']} of them")
    print(f"Twice: {twice['patients']} ids, {twice['doses']} doses, {twice['observations']} observations")
    if found["out_of_order"]:
        print(f"Out of order: {found['out_of_order']} rows")
    header = ["name", "values", "patients without", "unit", "min", "median", "max", "far out", "below limit", "converted"]
    for title, kind in (("Covariates:", "covariates"), ("Observations:", "observations")):
        rows = [[n, *(v[k] for k in ("count", "missing", "unit", "min", "median", "max", "far_out", "below_limit")),
                 sum(v["converted"].values())] for n, v in found[kind].items()]  # fmt: skip
        print_table(title, header, rows)
    if found["refused"]:
        print_table(f"Cannot be read, {found['refused']} patients:", ["why"], [[said] for said in found["sentences"]])


@cohort.command()
def deidentify(
    file: Path = typer.Argument(help="Patients: JSON, long CSV, NONMEM or a FHIR bundle."),
    out: Path = typer.Option(..., "--out", help="Where to write, as .json or .csv."),
    k: int = typer.Option(5, "--k", min=1, max=1000, help="Least number of patients that must look alike."),
    dates: str = typer.Option("intervals", help="intervals, year, or shifted (not Safe Harbor)."),
    exact: bool = typer.Option(False, "--exact", help="Ages, weights and heights as recorded, not the middle of a band."),
    keep_rare: bool = typer.Option(False, "--keep-rare", help="Also release the patients that fewer than k look like."),
    terms: Path = typer.Option(None, help="A text file of more terms that may stay, one a line."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Write the patients without identities (Safe Harbor), and say what was removed and how many look alike.

    What is free text stays only where it is a known term. No file can be promised to identify nobody: read the report.
    """
    if out.suffix.lower() not in (".json", ".csv"):
        raise typer.BadParameter(f"--out {out}: name a file that ends in .json or .csv")
    if out.absolute() == file.absolute():
        raise typer.BadParameter("--out is the file to be read; name another")
    writable(out, "--out")
    from posology.clinic.terms import known
    from posology.data import deidentify as ways
    from posology.data.readers import read_cohort, write
    from posology.data.readers.text import load

    allowed = known().more(load(terms).splitlines()) if terms else known()
    kept, report = ways.deidentify(read_cohort(file), allowed, k, dates, exact, not keep_rare)
    if kept:
        write(kept, out)
    report = {"out": str(out) if kept else None, **report}
    if as_json:
        return print_json(report)
    _show(report)


def _show(report: dict[str, Any]) -> None:
    looks = report["anonymity"]
    print(
        f"{report['released']} of {report['patients']} patients"
        + (f" in {report['out']}" if report["out"] else ": nothing was written")
        + f"; left out: {report['suppressed']} that fewer than {looks['k']} look like, {len(report['withheld'])} withheld"
    )
    if not report["safe_harbor"]:
        print("Not Safe Harbor: shifted dates are dates.")
    print(f"Smallest group that looks alike: {looks['after']['smallest']} (before: {looks['smallest']})")
    named = [[name, n] for name, n in looks["below_k_without"].items()]
    print_table(f"Patients below k = {looks['k']} if this were left out ({looks['below_k']} now):", ["", "patients"], named)
    gone = [[r["record"], r["field"], r["why"]] for r in report["removed"]]
    gone += [[w["record"], "the record", w["why"]] for w in report["withheld"]]
    if gone:
        print_table("Removed, by number of the record in the file:", ["record", "where", "why"], gone)
    print(f"Not counted, and still known to somebody: {looks['not_counted']}.")
