"""What is refused before any route sees it, and the headers that every answer carries.

Refused are: an unknown host name, a body that is too long, another site's form that comes with our cookie, and who asks too
often. The content security policy allows nothing from elsewhere and nothing written inside a page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from fastapi import HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from posology.clinic.errors import Refused, Unavailable
from posology.clinic.settings import Settings
from posology.clinic.web import problems
from posology.clinic.web.rates import Buckets
from posology.clinic.web.who import identified

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
UPLOADS = ("/import", "/cohorts", "/api/import", "/api/cohorts", "/fhir")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""Of a report, a page that stands alone: its own styles and images, and nothing is run."""
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
TO_ANY_PAGE = ("/cds-services",)
FOR_ANY_PAGE = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
"""What lets the page of a hospital's system read an answer: of paths that take a token which only that page has."""
MANY_USERS = 10
"""How many users' requests one address may make (assumed: a ward behind one address)."""
OVER_TLS = {"Strict-Transport-Security": "max-age=31536000"}


class Guard:
    """The middleware; `cookie` is the name of the session's cookie."""

    def __init__(self, app: ASGIApp, settings: Settings, cookie: str) -> None:
        self.app, self.settings, self.cookie = app, settings, cookie
        self.buckets = Buckets(settings.requests_per_second, settings.burst)
        self.addresses = Buckets(MANY_USERS * settings.requests_per_second, MANY_USERS * settings.burst)
        self.logins = Buckets(settings.logins_per_minute / 60, max(1, int(settings.logins_per_minute / 2)))
        self.headers = dict(HEADERS) | (OVER_TLS if settings.https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def sends(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(FOR_ANY_PAGE if path.startswith(TO_ANY_PAGE) else {})
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        headers, path = Headers(scope=scope), str(scope["path"])
        refusal = self.refusal(scope, headers, path)
        if refusal:
            return await answer(path, *refusal)(scope, receive, sends)
        most = self.settings.largest_body
        if path.startswith(UPLOADS) and int(headers.get("content-length", most + 1)) > most and await _known(scope):
            most = self.settings.largest_upload
        too_long = f"the request is too long: at most {most:,} bytes are read here"
        if int(headers.get("content-length", 0)) > most:
            return await answer(path, 413, too_long, {})(scope, receive, sends)
        read = 0

        async def receives() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(413, too_long)  # which FastAPI lets through where it reads a body
            return message

        await self.app(scope, receives, sends)

    def refusal(self, scope: Scope, headers: Headers, path: str) -> tuple[int, str, dict[str, str]] | None:
        """Status, sentence and headers of what is refused unread; None lets it through."""
        host = headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name not in LOOPBACK and name not in self.settings.hosts:
            return 421, f"host '{name[:100]}': is not served here; POSOLOGY_HOSTS lists the names that are", {}
        length = headers.get("content-length", "0")
        if not length.isdigit() or len(length) > 15:
            return 400, "content-length: must be a number of bytes", {}
        cookies = headers.get("cookie", "")
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and f"{self.cookie}=" in cookies and not _own(headers, host):
            return 403, "the request comes from another site; open the page here and send it again", {}
        client = (scope.get("client") or ("",))[0]
        who = headers.get("authorization") or next((c for c in cookies.split("; ") if c.startswith(f"{self.cookie}=")), "")
        waits = self.buckets.take(sha256(who.encode()).hexdigest() if who else f"address {client}")
        waits = max(waits, self.addresses.take(client))  # who makes up a new token for each request has an address
        if path.startswith("/login/") or (path == "/login" and scope["method"] == "POST"):
            waits = max(waits, self.logins.take(f"address {client}"))
        if waits:
            return 429, f"too many requests; wait {math.ceil(waits)} s", {"Retry-After": str(math.ceil(waits))}
        return None


async def _known(scope: Scope) -> bool:
    """Whether who sends a large file is logged in; FastAPI reads a body before it asks."""
    try:
        await run_in_threadpool(identified, Request(scope))
    except Refused:
        return False
    except Unavailable:
        return True  # which the route will say
    return True


def _own(headers: Headers, host: str) -> bool:
    """Whether a request that changes something comes from a page of this clinic, or from no browser."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == host


def answer(path: str, status: int, sentence: str, headers: Mapping[str, str]) -> Any:
    """An answer from outside the routes: a sentence, to a program."""
    body, kind = problems.body(path, status, sentence)
    told = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    told += [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": body})

    return app
