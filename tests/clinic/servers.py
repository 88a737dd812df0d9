"""Database servers for the tests of the data layer; what they cannot start is skipped with a plain line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from posology.benchmarks import servers


@contextmanager
def url_of(kind: str) -> Iterator[str]:
    """The URL of a running server of a kind, as quick as it can be."""
    try:
        with servers.SERVERS[kind](durable=False) as server:
            yield server.url
    except servers.Missing as missing:
        pytest.skip(f"{missing}; its database is not tested")
