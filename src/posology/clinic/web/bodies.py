"""A body of JSON that a program sent, read whole, whatever kind of JSON it calls itself."""

from __future__ import annotations

import json
from typing import Any

from fastapi import HTTPException, Request

ACCEPTED = ("application/json", "application/fhir+json", "text/json", "")


async def sent(request: Request) -> Any:
    """The body as plain data; None for an empty one.

    Raises:
        HTTPException: 415 for another content type, 400 for what is no JSON.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ACCEPTED:
        raise HTTPException(415, f"content-type: '{kind[:80]}' is not read; allowed: application/fhir+json, application/json")
    body = await request.body()
    if not body.strip():
        return None
    try:
        return json.loads(body, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        said = "is nested too deeply" if isinstance(error, RecursionError) else f"is no JSON: {str(error)[:120]}"
        raise HTTPException(400, f"the body {said}") from None


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def documented(description: str) -> dict[str, Any]:
    """What the description of the interface says of a body that is read by `sent`."""
    content = {kind: {"schema": {"type": "object"}} for kind in ("application/fhir+json", "application/json")}
    return {"requestBody": {"description": description, "required": True, "content": content}}
