"""What a command says when it cannot go on: one sentence on stderr and an exit code, no traceback.

Exit 2 is wrong usage (an unknown command, option or id); exit 1 is anything that could not be done
(wrong data, a missing file, an interruption). Set `POSOLOGY_TRACEBACK=1` to see where it happened.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer
from typer.exceptions import TyperException

GOOD, COULD_NOT, USAGE = 0, 1, 2
INTERRUPTED = 130  # what Typer makes of Ctrl-C


def known(name: str, ids: Iterable[str], what: str) -> str:
    """`name` itself when it is one of `ids`.

    Raises:
        typer.BadParameter: (exit 2) naming the ids there are.
    """
    listed = sorted(ids)
    if name in listed:
        return name
    raise typer.BadParameter(f"unknown {what} '{name}'; known: {', '.join(listed) or 'none yet'}")


def patients_of(treatment_id: str) -> Any:
    """The treatment of that id, whose patients can be dosed.

    Raises:
        typer.BadParameter: (exit 2) naming the treatments there are, or saying that it is none.
    """
    from posology.environments.catalogue import PROBLEMS, TREATMENTS

    if treatment_id in PROBLEMS:
        raise typer.BadParameter(
            f"{treatment_id} is a published control problem: `posology train` learns it, nobody is dosed by it"
        )
    return TREATMENTS[known(treatment_id, TREATMENTS, "treatment")]


def writable(path: Path | None, option: str, folder: bool = False) -> None:
    """Refuse a place to write to before the work rather than after it.

    Raises:
        ValueError: for a folder where a file is asked for, a device, or a path below what is no folder.
    """
    if path is None:
        return
    kind = "folder" if folder else "file"
    if path.exists() and not (path.is_dir() if folder else path.is_file()):
        raise ValueError(f"{option} {path}: is there and is no {kind}; name a {kind} that can be written")
    above = next(p for p in path.absolute().parents if p.exists())
    try:
        with tempfile.TemporaryFile(dir=above):  # the only question whose answer holds for every file system
            pass
    except OSError:
        raise ValueError(f"{option} {path}: cannot be written: {above} is no folder that takes a file") from None


def sentence(error: BaseException) -> str:
    """An exception as one line that a reader can act on."""
    if isinstance(error, ModuleNotFoundError):
        return f"this needs the package {error.name}, which is not installed; `posology doctor` says how to mend it"
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename is not None else ""
        return f"{error.strerror}{where}"
    said = " ".join(str(error).split())
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in said:
        return "this needs more memory than there is; ask for fewer patients, shorter times or smaller numbers"
    if isinstance(error, ValueError):
        return said or "a value could not be used"
    return f"unexpected {type(error).__name__}: {said} (POSOLOGY_TRACEBACK=1 shows where)"


def guarded(call: Callable[[], Any]) -> int:
    """Run `call` and return the exit code; every failure becomes one sentence on stderr."""
    try:
        code = call()
    except TyperException as error:
        told = error.format_message() if hasattr(error, "format_message") else str(error)
        return _say(" ".join(told.split()) or "stopped", getattr(error, "exit_code", COULD_NOT))
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        if os.environ.get("POSOLOGY_TRACEBACK"):
            raise
        return _say(sentence(error), COULD_NOT)
    if code == INTERRUPTED:
        return _say("stopped by the keyboard before the end", COULD_NOT)
    return code if isinstance(code, int) else GOOD


def _say(text: str, code: int) -> int:
    print(f"posology: {text}", file=sys.stderr)
    return code
