"""What is answered when something cannot be done: a status and one sentence, as a page to people and as JSON to programs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from posology.clinic.errors import Conflict, Denied, NotFound, Refused, TooMany, Unavailable
from posology.clinic.web import problems
from posology.clinic.web.render import page

log = logging.getLogger("posology.clinic")
STATUS: Mapping[type[ValueError], int] = {
    NotFound: 404, Conflict: 409, Refused: 401, Denied: 403, TooMany: 429, Unavailable: 503,
}  # fmt: skip
TITLES = {
    400: "This could not be read", 401: "Log in first", 403: "Not allowed", 404: "Not here", 405: "Not possible here",
    406: "Not in this form", 412: "Something is missing", 415: "Not in this form",
    409: "Somebody else was first", 413: "Too long", 422: "Something is not right", 429: "Too many requests",
    503: "Not available now", 500: "A fault of ours",
}  # fmt: skip
PROGRAMS = ("/api/", "/fhir", "/cds-services", "/health", "/openapi.json")
AGAIN = {429: {"Retry-After": "1"}, 503: {"Retry-After": "2"}}


class Problem(BaseModel):
    """Why something was not done."""

    detail: str = Field(description="One sentence that names the field, the value and what is allowed.")


PROBLEMS: dict[int | str, dict[str, Any]] = {
    # a schema instead of a model: refusals are JSON also where the answer is a table or a page
    status: {"description": TITLES[status], "content": {"application/json": {"schema": Problem.model_json_schema()}}}
    for status in (400, 401, 403, 404, 409, 413, 422, 429, 503)
}
"""The answers that any route for programs may give, for its documentation."""


def for_programs(request: Request) -> bool:
    """Whether an answer goes to a program."""
    return request.url.path.startswith(PROGRAMS) or "application/json" in request.headers.get("accept", "")


def problem(request: Request, status: int, sentence: str) -> Response:
    """The answer of a request that could not be done."""
    headers = AGAIN.get(status, {})
    sentence = sentence.encode("utf-8", "backslashreplace").decode()  # it may quote what is no text
    if for_programs(request):
        body, kind = problems.body(request.url.path, status, sentence)
        return Response(body, status, headers, kind)
    if status == 401 and request.method in ("GET", "HEAD"):
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(asked, safe='')}", 303)
    found = page(request, "problem.html", status=status, title=TITLES.get(status, TITLES[422]), sentence=sentence)
    found.headers.update(headers)
    return found


def said(error: RequestValidationError) -> str:
    """A sentence for fields that are missing or of another kind."""
    parts = []
    for found in error.errors()[:3]:
        where = ".".join(str(p) for p in found["loc"][1:]) or str(found["loc"][0])
        given = found.get("input")
        shown = f", got '{str(given)[:60]}'" if isinstance(given, (str, int, float)) and given != "" else ""
        parts.append(f"{where}: {found['msg'].removeprefix('Value error, ')}{shown}")
    return "; ".join(parts)


def unnamed(sentence: str) -> str:
    """A sentence about the database without its address."""
    address, colon, rest = sentence.partition(": ")
    return f"the database {rest}" if colon and address.startswith("database ") and "://" in address else sentence


def install(app: FastAPI) -> None:
    """Let an app answer with sentences."""

    @app.exception_handler(ValueError)
    def _value(request: Request, error: ValueError) -> Response:
        status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 422)
        if status == 503:
            log.warning("%s", error)  # with its address, which is nobody's business who asks
        return problem(request, status, unnamed(str(error)))

    @app.exception_handler(RequestValidationError)
    def _fields(request: Request, error: RequestValidationError) -> Response:
        return problem(request, 422, said(error))

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        sentence = f"{request.method} {request.url.path}: is not here" if error.status_code == 404 else str(error.detail)
        found = problem(request, error.status_code, sentence)
        found.headers.update(error.headers or {})  # which methods are allowed
        return found

    @app.exception_handler(Exception)
    def _fault(request: Request, error: Exception) -> Response:
        log.exception("a fault in %s %s", request.method, request.scope.get("route") and request.scope["route"].path)
        return problem(request, 500, "something went wrong inside the clinic; it was logged, and nothing was changed")
