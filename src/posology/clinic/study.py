"""The classifiers behind the pages on symptoms: fitted once per process, in a thread of their own, when first asked for.

Fitting the four takes half a minute of one core, which nobody should wait for: whoever asks is told what is ready. The table
of how well they do is kept as a file, under a name that holds everything it depends on, so that it outlives the process; the
classifiers themselves are not stored (a fitted tree has no safe file format, and fitting again gives the same one).
"""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import os
from hashlib import sha256
from importlib import metadata, resources
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from posology.clinic.errors import Unavailable
from posology.symptoms import classifiers, generator

log = logging.getLogger("posology.clinic")
ORDER = ("naive-bayes", "decision-tree", "logistic-regression", "random-forest")  # quickest first
LASTS = "half a minute to a minute and a half"


class Study:
    """The classifiers fitted on `rows` synthetic patients, and their comparison, kept in `folder`."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.folder, self.rows = folder, rows
        self.failed = ""
        self._fitted: list[str] = []
        self._compared: dict[str, Any] | None = None
        self._thread: Thread | None = None
        self._lock = Lock()

    @property
    def file(self) -> Path:
        """Where the comparison is kept: another table, generator, choice or library has another name."""
        tables = [resources.files("posology.symptoms").joinpath(f"{name}.toml").read_bytes() for name in ("diseases", "drugs")]
        seeds = (classifiers.DATA_SEED, classifiers.SPLIT_SEED, classifiers.FIT_SEED)
        versions = [metadata.version(name) for name in ("scikit-learn", "posology")]
        choices = [(kind.chosen, kind.fixed) for kind in classifiers.CLASSIFIERS.values()]
        rest = (self.rows, seeds, generator.NOISE, generator.MISSING, versions, choices)
        return self.folder / f"compared-{sha256(b''.join([*tables, repr(rest).encode()])).hexdigest()[:16]}.json"

    def start(self) -> None:
        """Begin to fit, unless that was begun."""
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._work, name="symptoms", daemon=True)
                self._thread.start()

    def ready(self) -> tuple[str, ...]:
        """The classifiers that are fitted, in the order of the catalogue; the others are on their way."""
        self.start()
        return tuple(name for name in classifiers.CLASSIFIERS if name in self._fitted)

    def compared(self) -> dict[str, Any] | None:
        """The comparison; None while it is being made."""
        if self._compared is None:
            self._compared = self._kept()
        if self._compared is None:
            self.start()
        return self._compared

    def waiting(self, what: str) -> str:
        """The sentence for who has to ask again for `what`.

        Raises:
            Unavailable: when asking again is of no use, because fitting failed.
        """
        if self.failed:
            raise Unavailable(self.failed)
        return f"{what}: is being fitted, which takes {LASTS}; ask again then"

    def wait(self, seconds: float) -> None:
        """Wait until what was begun is fitted and compared, or so long."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _work(self) -> None:
        from posology.symptoms.performance import compare

        try:
            for name in ORDER:
                classifiers.fitted(name, self.rows)
                self._fitted.append(name)
            if self._compared is None and (found := self._kept()) is None:
                found = compare(self.rows)
                self._keep(found)
                self._compared = found
            given_back()
        except Exception:
            log.exception("the classifiers of symptoms could not be fitted")
            self.failed = "the classifiers could not be fitted; the reason was logged, and Bayes' rule needs none of them"

    def _kept(self) -> dict[str, Any] | None:
        try:
            found = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def _keep(self, found: dict[str, Any]) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = self.file.with_suffix(f".{os.getpid()}.partial")
            partial.write_text(json.dumps(found), encoding="utf-8")
            partial.replace(self.file)
        except OSError:
            log.warning("the comparison of classifiers could not be kept in %s", self.folder)


def given_back() -> None:
    """Return to the system what fitting freed: without it a process keeps half a gigabyte for nothing (300 instead of 870 MB)."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None  # GNU's library alone has it
    if trim is not None:
        trim(0)
