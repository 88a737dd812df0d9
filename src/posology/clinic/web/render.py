"""Pages: a template, what it shows, and the frame that all of them have."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from posology.clinic.web.shared import clinic_of, state

HERE = Path(__file__).parents[1]
SAID = {
    "entered": "The patient was entered.",
    "saved": "The change was saved.",
    "decided": "The decision was recorded.",
    "erased": "Everything that was kept of the patient is gone, apart from the audit trail.",
    "started": "The job was started.",
    "cancelled": "The job was cancelled.",
    "uploaded": "The file was read and kept.",
    "removed": "It was removed.",
    "password": "Your password was changed; every other session and every token of yours has ended.",
    "added": "The user was added.",
    "ended": "Every session and token of the user has ended.",
    "out": "You are logged out.",
}
"""What a page says after something was done; the address carries the word alone, so that no link can put text on a page."""


@lru_cache(maxsize=1)
def templates() -> Environment:
    """The templates; what they are not given is an error."""
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape(default=True), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    found.filters |= {"number": number, "percent": percent, "moment": moment}
    return found


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page for who asks; `title` is among its context."""
    who, nav = state(request, "who"), request.app.state.nav
    links = [(label, path) for label, path, permission in nav if who and (not permission or who.may(permission))]
    here = "/" + request.url.path.strip("/").partition("/")[0]
    frame = {
        "who": who, "links": links, "here": here, "said": SAID.get(request.query_params.get("said", ""), ""),
        "csrf": who.form_token if who else "", "demo": clinic_of(request).settings.demo,
    }  # fmt: skip
    return HTMLResponse(templates().get_template(template).render(frame | context), status)


def number(value: Any, digits: int = 3) -> str:
    """A number with the digits that count; a dash for none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if value and abs(value) >= 10**digits:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def percent(value: float | None) -> str:
    """A share as a percentage."""
    if value is None:
        return "–"
    if 0 < value < 0.001 or 0.999 < value < 1:
        return "< 0.1 %" if value < 0.5 else "> 99.9 %"
    return f"{100 * value:.0f} %" if 0.01 <= value <= 0.99 or value in (0, 1) else f"{100 * value:.1f} %"


def moment(value: datetime | None) -> str:
    """A time to the minute, in UTC."""
    return "–" if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
