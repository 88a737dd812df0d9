"""What all tests share: one key, float64 where an oracle needs it, real data where they are present.

Tests run in float32, as the product ships. With `POSOLOGY_REQUIRE_ALL` set, a skip is a failure;
only real data that are not on the machine may still be missing.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
NO_SHARED = "the folder ../shared with real data is not there"

# Before JAX is imported: programs compiled by an earlier run are used again.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(ROOT / ".cache" / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")
# Most of the time goes into compiling programs that run once. The same numbers come out with less optimised code,
# and code for fused loops that goes straight to LLVM takes half as long to make as code that goes through MLIR.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false")
# Tracing makes many small objects that live on in JAX's caches: looking through them for cycles is a tenth of the time.
gc.set_threshold(50_000, 20, 20)


@pytest.fixture
def key() -> Any:
    """The one random key of the tests; never a seed of the day."""
    import jax

    return jax.random.key(20240229)


@pytest.fixture
def x64() -> Iterator[None]:
    """Float64 inside the test: for oracles and gradients, never for what ships."""
    import jax

    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the project; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(NO_SHARED)
    return SHARED


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if report.skipped and os.environ.get("POSOLOGY_REQUIRE_ALL") and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if SHARED.is_dir() or "shared" not in reason:
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid}: {reason}; POSOLOGY_REQUIRE_ALL allows no skip"
    return report
