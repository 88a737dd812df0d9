"""Why this dose: what moved it, what would have changed it, and how far the explanation goes."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from posology.clinic.api.patients import Key, Reads
from posology.clinic.errors import NotFound, Unavailable
from posology.clinic.pages.dose import Word, asked_of, frame
from posology.clinic.web.advice import explained_later
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
    return page(request, "why.html", **context | {"answer": answer, "most": most or 1.0})
