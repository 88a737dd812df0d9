"""How Posology is called: one file per verb, one line per verb in `COMMANDS`.

A verb is a function that Typer understands (or a `typer.Typer` with verbs of its own). Files of
verbs import nothing heavy at their top, so that `--help` and `list` answer at once: JAX and the
rest are imported inside the functions.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from posology.commands.errors import guarded

COMMANDS: dict[str, str] = {
    "list": "posology.commands.listing:list_members",  # a module named list would hide the built-in
    "describe": "posology.commands.describe:describe",
    "simulate": "posology.commands.simulate:simulate",
    "sample": "posology.commands.sample:sample",
    "train": "posology.commands.train:train",
    "tune": "posology.commands.tune:tune",
    "trial": "posology.commands.trial:trial",
    "individualise": "posology.commands.individualise:individualise",
    "forecast": "posology.commands.forecast:forecast",
    "report": "posology.commands.report:report",
    "benchmark": "posology.commands.benchmark:benchmark",
    "evidence": "posology.commands.evidence:evidence",
    "recommend": "posology.commands.recommend:recommend",
    "cohort": "posology.commands.cohort:cohort",
    "symptoms": "posology.commands.symptoms:symptoms",
    "db": "posology.commands.db:db",
    "audit": "posology.commands.audit:audit",
    "user": "posology.commands.user:user",
    "explain": "posology.commands.explain:explain",
    "demo": "posology.commands.demo:demo",
    "ehr": "posology.commands.ehr:ehr",
    "serve": "posology.commands.serve:serve",
    "work": "posology.commands.work:work",
    "screenshots": "posology.commands.screenshots:screenshots",
    "doctor": "posology.commands.doctor:doctor",
}


def load(name: str) -> Any:
    """The command of that name, ready to be invoked; its file is imported now."""
    module, attribute = COMMANDS[name].split(":")
    target = getattr(importlib.import_module(module), attribute)
    if isinstance(target, typer.Typer):
        return typer.main.get_command(target)
    app = typer.Typer(add_completion=False)
    app.command(name)(target)
    return typer.main.get_command(app)


class LazyGroup(TyperGroup):
    """The verbs of `COMMANDS`, imported when they are called or when help lists them."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return load(cmd_name) if cmd_name in COMMANDS else None


def version() -> str:
    """The installed version."""
    from importlib import metadata

    try:
        return metadata.version("posology")
    except metadata.PackageNotFoundError:
        return "unknown (not installed; see `posology doctor`)"


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"posology {version()}")
        raise typer.Exit()


app = typer.Typer(name="posology", cls=LazyGroup, no_args_is_help=False, add_completion=False)


@app.callback(invoke_without_command=True)
def posology(
    ctx: typer.Context,
    show: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Print the version."),
) -> None:
    """Learn, test and explain who should get which dose, when. Research use only, not a medical device."""
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())


def run(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code: 0 good, 1 could not, 2 usage."""
    # Compiled programs are kept between runs: compiling dominates short ones.
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", os.path.join(".cache", "jax"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")
    command = typer.main.get_command(app)
    return guarded(lambda: command.main(arguments, prog_name="posology", standalone_mode=False))


def main() -> None:
    """Entry point of the command `posology`."""
    sys.exit(run())
