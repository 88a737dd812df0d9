"""Why this dose: what moved it, what would have changed it, and how far the explanation goes."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from posology.clinic.api.patients import Key, Reads
from posology.clinic.errors import NotFound, Unavailable
from posology.clinic.pages.dose import Asked, Word, asked_of, frame
from posology.clinic.web.advice import explained_later
from posology.clinic.web.guard import REPORT_POLICY
from posology.clinic.web.render import page

NAV: list[tuple[str, str, str]] = []
router = APIRouter(prefix="/patients")
AGAIN = "2"
"""Seconds after which a browser asks again while an explanation is worked out."""


@router.get("/{key}/why")
def why(request: Request, who: Reads, key: Key, treatment: Word = "", policy: Word = "", at: Word = "") -> Response:
    """Why the policy proposes its dose for this patient."""
    asked = asked_of(request, who.name, key, treatment, policy, at)
    context: dict[str, Any] = frame(request, asked, "why") | {"answer": None}
    try:
        answer = explained_later(request, asked.offer, asked.patient.record, asked.at or None)
    except (NotFound, Unavailable):
        raise
    except ValueError as error:
        return page(request, "why.html", 422, **context | {"sentence": str(error)})
    if answer is None:
        waiting = page(request, "why.html", **context)
        waiting.headers["Refresh"] = AGAIN
        return waiting
    most = max([abs(i["value"]) + i["error"] for i in answer["attribution"]["inputs"]], default=0.0)
    link = f"/patients/{key}/why/report?{query_of(asked)}"
    return page(request, "why.html", **context | {"answer": answer, "most": most or 1.0, "report": link})


@router.get("/{key}/why/report")
def report(request: Request, who: Reads, key: Key, treatment: Word = "", policy: Word = "", at: Word = "") -> Response:
    """The same as one page that needs nothing outside itself and runs nothing, to keep or to print; while it is worked out, the
    page that waits, which also says why there is none."""
    asked = asked_of(request, who.name, key, treatment, policy, at)
    try:
        answer = explained_later(request, asked.offer, asked.patient.record, asked.at or None)
    except (NotFound, Unavailable):
        raise
    except ValueError:
        answer = None
    if answer is None:
        return RedirectResponse(f"/patients/{key}/why?{query_of(asked)}", 303)
    from posology.figures.explanation import report as written

    return HTMLResponse(written(answer), headers={"Content-Security-Policy": REPORT_POLICY})


def query_of(asked: Asked) -> str:
    """The question as the query of an address."""
    named = {"treatment": asked.offer.treatment.id, "policy": asked.offer.name, "at": asked.at}
    return urlencode({name: value for name, value in named.items() if value})
