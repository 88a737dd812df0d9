"""One thread of a process computes, all others read and write: so that a page of plain data never waits for a patient's model.

Answers are kept for a while by what they follow from, as page, interface and hook ask the same one after the other.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any

from posology.clinic.errors import Unavailable

WAITING = 20
"""Questions that may wait for the thread; more are refused, to be asked again (assumed: half of the 40 threads with which a
server's process reads and writes, so that the others stay free)."""
KEPT = 256
"""Answers kept, the one not asked for longest goes first (assumed: 20 MB at most, a day of one ward)."""

Answer = dict[str, Any]


class Computing:
    """The thread, who waits for it, and the answers that were given lately."""

    def __init__(self, waiting: int = WAITING, kept: int = KEPT) -> None:
        self.most, self.keeps = waiting, kept
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="computing")
        self.lock, self.waiting = Lock(), 0
        self.answers: OrderedDict[Any, str] = OrderedDict()
        self.begun: OrderedDict[Any, Future[Answer]] = OrderedDict()

    def answer(self, key: Any, ask: Callable[[], Answer]) -> Answer:
        """What `ask` answers, computed in the thread or remembered from when `key` was asked last; a copy for each caller.

        Raises:
            Unavailable: when too many wait already; otherwise what `ask` raises, which is not remembered.
        """
        known = self.known(key)
        return known if known is not None else self._begin(key, ask).result()

    def later(self, key: Any, ask: Callable[[], Answer]) -> Answer | None:
        """What `ask` answers when it is there; until then None, while it is computed.

        Raises:
            Unavailable: when too many wait already; once, what `ask` raised.
        """
        with self.lock:
            running = self.begun.pop(key, None)
        known = self.known(key)
        if known is not None:
            return known
        running = running or self._begin(key, ask)
        if running.done():
            return running.result()
        with self.lock:
            self.begun[key] = running
            while len(self.begun) > self.keeps:  # what nobody came back for
                self.begun.popitem(last=False)
        return None

    def known(self, key: Any) -> Answer | None:
        """A copy of the answer that is kept for a key."""
        with self.lock:
            if key not in self.answers:
                return None
            self.answers.move_to_end(key)
            text = self.answers[key]
        found: Answer = json.loads(text)
        return found

    def close(self) -> None:
        """Give up what waits, and the thread."""
        self.thread.shutdown(wait=False, cancel_futures=True)

    def _begin(self, key: Any, ask: Callable[[], Answer]) -> Future[Answer]:
        with self.lock:
            if self.waiting >= self.most:
                raise Unavailable(f"{self.waiting} questions wait to be computed; ask again in a moment")
            self.waiting += 1
        try:
            return self.thread.submit(self._computed, key, ask)
        except RuntimeError:
            self._left()
            raise Unavailable("the clinic is closing; ask again in a moment") from None

    def _left(self) -> None:
        with self.lock:
            self.waiting -= 1

    def _computed(self, key: Any, ask: Callable[[], Answer]) -> Answer:
        try:
            known = self.known(key)  # whoever waited before may have asked the same
            if known is not None:
                return known
            text = json.dumps(ask(), allow_nan=False)
        finally:
            self._left()
        with self.lock:
            self.answers[key] = text
            if len(self.answers) > self.keeps:
                self.answers.popitem(last=False)
        answer: Answer = json.loads(text)
        return answer
