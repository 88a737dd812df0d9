"""One kernel per step on a processor: several results of one fused loop.

XLA fuses arithmetic into loops over the population, by default with one result per loop. A step of
a patient has a dozen results that share most of their arithmetic, so each loop computed it again:
3.6 times the operations for paclitaxel, and a compiler that had as much more to translate.
"""

from __future__ import annotations

import os

OPTION = "--xla_backend_extra_options=xla_cpu_use_multi_output_fusion=true"


def share_work() -> None:
    """Ask for fused loops with several results, before JAX first compiles; flags of a user's own stay as they are."""
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_backend_extra_options" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {OPTION}".strip()
