"""How often one may ask: a bucket of tokens per user or address, filled at a steady rate."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

MOST = 20_000
"""Buckets kept; the one not used for longest goes first, and it is full by then in all but an attack."""


class Buckets:
    """Buckets by key, in the memory of one process. `take` says how long to wait, 0.0 for not at all."""

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_second, self.burst, self.clock = per_second, float(burst), clock
        self.kept: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Take a token of a key's bucket; seconds until there is one where it is empty."""
        now = self.clock()
        left, since = self.kept.pop(key, (self.burst, now))
        left = min(self.burst, left + (now - since) * self.per_second)
        waits = 0.0 if left >= 1 else (1 - left) / self.per_second
        self.kept[key] = (left - 1 if left >= 1 else left, now)
        if len(self.kept) > MOST:
            self.kept.popitem(last=False)
        return waits
