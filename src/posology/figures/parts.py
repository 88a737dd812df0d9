"""Parts of HTML that all reports share: a chart as an image, a table, a list. Whatever they are given is escaped."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from posology.figures import style


def figure(chart: Any) -> str:
    """A chart as an image of its own, so that names inside one drawing never meet those of another."""
    image = base64.b64encode(style.svg(chart).encode()).decode()
    words = escape(str(chart.to_dict()["description"]), quote=True)
    return f'<figure><img alt="{words}" src="data:image/svg+xml;base64,{image}"></figure>'


def grid(cells: Sequence[Sequence[str]]) -> str:
    """A table whose first row is the header; it scrolls inside its frame, which the keyboard must reach as well."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in cells[0])
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>' + "".join(f"<td>{_cell(cell)}</td>" for cell in row[1:]) + "</tr>"
        for row in cells[1:]
    )
    open_frame = '<div class="scroll" tabindex="0" role="region" aria-label="Table">'
    return f"{open_frame}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _cell(text: str) -> str:
    """A value with its interval below it, as journals print them: a table of many endpoints fits the page."""
    found = re.fullmatch(r"(\S+) (\(\S+ to \S+\))", text)
    return f'{escape(found[1])} <span class="interval">{escape(found[2])}</span>' if found else escape(text)


def items(texts: Iterable[str]) -> str:
    """Entries of a list."""
    return "".join(f"<li>{escape(text)}</li>" for text in texts)
