"""The clinic's server computes in one thread per process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from posology.commands.serve import ONE_THREAD

PROGRAM = """
import json
from collections import Counter
from pathlib import Path

import jax.numpy as jnp
import numpy as np

np.ones((300, 300)) @ np.ones((300, 300))
before = len(list(Path("/proc/self/task").iterdir()))
(jnp.ones((300, 300)) @ jnp.ones((300, 300))).block_until_ready()
names = Counter((task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir())
print(json.dumps([before, names["tf_XLAEigen"]]))
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc, which is not here")
def test_numpy_and_xla_compute_in_one_thread_each():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [1, 1]
