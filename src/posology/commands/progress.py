"""Progress on stderr: a bar on a terminal, nothing where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def told(what: str, total: int) -> Iterator[Callable[[str, int], None]]:
    """Yields `report(name, done)`; each name gets a bar of its own."""
    if not sys.stderr.isatty():
        yield lambda name, done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, object] = {}

        def report(name: str, done: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(f"{what} {name}", total=total)
            bars.update(tasks[name], completed=done)  # type: ignore[arg-type]

        yield report
