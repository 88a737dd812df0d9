"""What the page of the clinic shows beside its text: the settings, and what was measured, read from `docs/results`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from learned import read

Table = Callable[[Iterable[str], Iterable[Iterable[Any]]], str]
NOT_YET = "Not measured yet: `posology evidence {}` does.\n"
LOAD = (
    "database", "seconds", "requests/s", "failed", "p50 ms", "p95 ms", "p99 ms", "recommendation p95 ms", "compiled after s",
    "on the first start", "MiB a minute in the second half", "below a bar",
)  # fmt: skip
FAULTS = ("fault", "database", "how often", "acknowledged, refused or results", "lost", "half", "twice", "as it should be")


def write(folder: Path, table: Table) -> None:
    """Write the parts that `clinic.md` includes."""
    parts = folder / "generated"
    parts.mkdir(exist_ok=True)
    (parts / "clinic-settings.part").write_text(settings(table), encoding="utf-8")
    (parts / "clinic-load.part").write_text(load(read(folder / "results", "clinic-load"), table), encoding="utf-8")
    (parts / "clinic-faults.part").write_text(faults(read(folder / "results", "clinic-faults"), table), encoding="utf-8")


def settings(table: Table) -> str:
    """A row for every setting: its variable, its default, what it means."""
    from posology.clinic.settings import Settings

    rows = []
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = "" if default in (None, "", (), {}) else str(default).lower() if isinstance(default, bool) else str(default)
        rows.append((f"`POSOLOGY_{name.upper()}`", shown, field.description))
    return table(("variable", "unless given", "meaning"), rows)


def load(found: Any, table: Table) -> str:
    """The clinic under load, a row for each kind of database."""
    if not found:
        return NOT_YET.format("clinic-load")
    rows = [
        (
            row["database"], round(row["seconds"]), row["requests_per_s"], row["failures"], row["p50_ms"], row["p95_ms"],
            row["p99_ms"], row["recommendation_alone"]["p95_ms"], row["boot_s"], row["first_boot_s"],
            "" if row["met"]["mib_per_minute"] is None else row["memory"]["mib_per_minute"],  # a minute is too short
            ", ".join(name for name, met in row["met"].items() if met is False) or "nothing",
        )
        for row in found
    ]  # fmt: skip
    first = found[0]
    told = f"{first['workers']} workers, {first['clients']} clients, {first['cpus']} cores. "
    shares = [
        f"{row['database']} " + ", ".join(f"{name} {share:.2f} cores" for name, share in row["cores"].items())
        for row in found if isinstance(row["cores"], dict)
    ]  # fmt: skip
    told += "The clients shared the machine" + (f" ({'; '.join(shares)})." if shares else ".")
    return f"{table(LOAD, rows)}\n{told}\n"


def faults(found: Any, table: Table) -> str:
    """What was lost and what was answered when things broke."""
    if not found:
        return NOT_YET.format("clinic-faults")
    return table(FAULTS, _faults(found))


def _faults(found: Any) -> Iterator[tuple[Any, ...]]:
    for row in found["kills"]:
        yield "clinic killed", row["database"], row["kills"], row["acknowledged"], *_wrong(row)
    for row in found["database_lost"]:
        yield f"database killed, back after {row['gone_s']:g} s", row["database"], 1, row["refused"], *_wrong(row)
    for row in found["worker_lost"]:
        yield f"worker {row['fate']}", row["database"], 1, row["results"], *_wrong(row)
    for row in found["disk_full"]:
        yield "disk full", row["database"], 1, row["refused"], *_wrong(row)


def _wrong(row: Any) -> tuple[Any, ...]:
    return row["lost"], row["half"], row["twice"], row["met"]
