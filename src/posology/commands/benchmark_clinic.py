"""`posology benchmark clinic|faults`: the clinic under load, and when things break."""

from __future__ import annotations

import sys
from typing import Any

import typer

from posology.commands.errors import known
from posology.commands.output import print_json, print_table

JSON = typer.Option(False, "--json", help="Print JSON.")
KIND = "sqlite, or mariadb or postgresql, whose server is started for it"


def clinic(
    database: str = typer.Option("sqlite", metavar="KIND|URL", help=f"{KIND}; or the URL of an empty database."),
    seconds: float = typer.Option(60.0, min=1, max=86_400, help="How long; 600 to see whether memory stays flat."),
    clients: int = typer.Option(16, min=1, max=1000, help="Clients that ask one request after the other, logged in before."),
    workers: int = typer.Option(2, min=1, max=64, help="Processes that answer."),
    seed: int = typer.Option(1, min=0, max=2**31 - 1, help="Of what is asked for; another one for a database that was used."),
    as_json: bool = JSON,
) -> None:
    """Requests per second, waiting times and memory of the clinic. Exit 1 below a bar.

    80 % of the requests read, 18 % write, 2 % ask for a recommendation. `posology evidence clinic-load` keeps a minute on each
    kind of database, one after the other.
    """
    from posology.benchmarks.clinic_load import KINDS, measured

    url = database if "://" in database else None
    kind = database.partition(":")[0] if url else known(database, KINDS, "kind of database")
    found = measured(kind, url, seconds, clients, workers, seed)
    print_json(found) if as_json else _told(found)
    if not all(met is not False for met in found["met"].values()):
        raise typer.Exit(1)


def _told(found: dict[str, Any]) -> None:
    columns = ("p50_ms", "p95_ms", "p99_ms", "longest_ms")
    every = [["all", found["requests"], *(found[c] for c in columns)]]
    kinds = [[name, row["requests"], *(row[c] for c in columns)] for name, row in found["kinds"].items()]
    about = f"{found['database']}, {found['workers']} workers, {found['clients']} clients, {found['seconds']:g} s"
    title = f"{about}: {found['requests_per_s']:g} requests/s, {found['failures']} failed"
    print_table(title, ["kind", "requests", *columns], every + kinds)
    print(f"compiled {found['boot_s']:g} s after the start, {found['first_boot_s']:g} s after the first one")
    for what, sentence in found["sentences"].items():
        print(f"failed: {what}: {sentence}")
    if found["without"]:
        print(f"not answered by this clinic, read records instead: {', '.join(found['without'])}")
    print("cores: " + ", ".join(f"{name} {share:.2f}" for name, share in found["cores"].items()))
    start, end, slope = (found["memory"][name] for name in ("start_mib", "end_mib", "mib_per_minute"))
    print(f"memory: {start:g} to {end:g} MiB, {slope:g} MiB a minute in the second half")
    print("below a bar: " + (", ".join(name for name, met in found["met"].items() if met is False) or "nothing"))


def faults(
    database: str = typer.Option(None, metavar="KIND", help=f"{KIND}; all of them when not given."),
    kills: int = typer.Option(50, min=1, max=10_000, help="How often the clinic is killed on each."),
    as_json: bool = JSON,
) -> None:
    """Kill the clinic while it writes, kill its database, fill its disk: what is lost, and what is answered.

    Exit 1 where it is not as it should be. `posology evidence clinic-faults` keeps the result of each kind of database.
    """
    from posology.benchmarks.clinic_faults import measured
    from posology.benchmarks.clinic_load import KINDS

    kinds = (known(database, KINDS, "kind of database"),) if database else KINDS
    found = measured(kinds, kills, lambda text: print(text, file=sys.stderr, flush=True))
    if as_json:
        print_json(found)
    else:
        rows = [[what, r["database"], r["lost"], r["half"], r["twice"], r["met"]] for what, rs in found.items() for r in rs]
        print_table("", ["fault", "database", "lost", "half", "twice", "as it should be"], rows)
    if not all(row["met"] for rows in found.values() for row in rows):
        raise typer.Exit(1)
