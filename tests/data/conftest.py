from __future__ import annotations

import sys
from pathlib import Path

import pytest

# hypothesis strategies cannot be fixtures, and importlib mode puts no test folder on the path
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """An empty folder that the test runs in, so that messages name plain files."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
