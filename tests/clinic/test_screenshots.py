"""Pictures of the demo's pages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from web_clients import CHROMIUM

PROGRAM = """
import json, sys
from pathlib import Path
from posology.benchmarks.screenshots import pictures

pages = {"": ("/nowhere",), "clinician": ("/patients/{key}",)}
print(json.dumps([[p.path, p.scheme, p.status, str(p.file or "")] for p in pictures(Path(sys.argv[1]), pages)]))
"""


def test_a_page_is_drawn_light_and_dark_and_one_that_is_not_there_is_named(tmp_path):
    if not Path(CHROMIUM).exists():
        pytest.skip("chromium is not installed; no pictures are drawn")
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=True)
    absent, light, dark = json.loads(done.stdout)
    assert absent == ["/nowhere", "light", 404, ""]
    assert [light[1:3], dark[1:3]] == [["light", 200], ["dark", 200]]
    assert len(light[0]) == len("/patients/") + 32  # the key of a patient, which the clinician's list gave
    first, second = (Path(row[3]).read_bytes() for row in (light, dark))
    assert first.startswith(b"\x89PNG") and second.startswith(b"\x89PNG") and first != second
