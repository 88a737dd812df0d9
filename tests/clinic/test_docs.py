"""The page on running the clinic shows every setting, and reads what was measured as the benchmarks write it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from posology.clinic.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def clinical(monkeypatch) -> Any:
    """The file of the docs that writes the page's parts."""
    monkeypatch.syspath_prepend(str(DOCS))
    spec = importlib.util.spec_from_file_location("clinical", DOCS / "clinical.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("learned", None)


def as_rows(columns, rows) -> str:
    return "\n".join(" | ".join(map(str, row)) for row in (list(columns), *rows))


def test_every_setting_stands_on_the_page_with_its_meaning(clinical):
    text = clinical.settings(as_rows)
    for name, field in Settings.model_fields.items():
        assert f"`POSOLOGY_{name.upper()}`" in text
        assert field.description and field.description in text


def test_what_was_measured_is_shown_and_what_was_not_says_how(clinical):
    from posology.benchmarks.clinic_load import met, percentiles

    assert "posology evidence clinic-load" in clinical.load(None, as_rows)
    assert "posology evidence clinic-faults" in clinical.faults(None, as_rows)
    row = {
        "database": "sqlite", "workers": 2, "clients": 16, "cpus": 2, "seconds": 60.0, "requests_per_s": 190.0, "failures": 0,
        **percentiles([0.01, 0.02]), "recommendation_alone": percentiles([0.2]), "boot_s": 4.0, "first_boot_s": 20.0,
        "memory": {"mib_per_minute": 0.2}, "cores": {"workers": 1.6}, "threads": [{"tf_XLAEigen": 1}], "audit": {"ok": True},
    }  # fmt: skip
    text = clinical.load([row | {"met": met(row)}], as_rows)
    assert "requests_per_s, recommendation_p95_ms" in text and "workers 1.60 cores" in text
    lost = {"lost": 1, "half": 0, "twice": 0, "met": False}
    killed = {"database": "mariadb", "kills": 50, "acknowledged": 900, **lost}
    gone, full = {"database": "mariadb", "gone_s": 2.1, "refused": 28, **lost}, {"database": "sqlite", "refused": 40, **lost}
    worker = {"database": "sqlite", "fate": "paused", "results": 1, **lost}
    text = clinical.faults({"kills": [killed], "database_lost": [gone], "worker_lost": [worker], "disk_full": [full]}, as_rows)
    assert "clinic killed | mariadb | 50 | 900 | 1 | 0 | 0 | False" in text and "back after 2.1 s" in text
