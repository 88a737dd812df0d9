"""Sphinx: pages in Markdown; the page of every model is written from the catalogue at each build."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "src"))
sys.path.insert(0, str(HERE))

project = "Posology"
author = "The Posology authors"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Posology"
exclude_patterns = ["_build", "results/*"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3


def write_pages(app: Any) -> None:
    from generate import write

    write(HERE)


def setup(app: Any) -> None:
    app.connect("builder-inited", write_pages)
