"""What is asked of a hospital's system in a SMART launch: its configuration, a token, the patient's chart.

Answers are bounded in time, size and number of pages; a redirection is not followed, and the next page of a search is asked only
where the search was. Errors are sentences that never hold a token.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from posology.clinic import smart
from posology.clinic.errors import Unavailable

SECONDS, LARGEST, PAGES = 10.0, 20_000_000, 50
"""Of one answer: seconds and bytes; and pages of one search (assumed: a long stay in hospital)."""
NEEDED = ("Patient", "Observation", "MedicationAdministration")
"""Without these no record is made; what else cannot be read is noted in it."""


def configuration(issuer: str) -> smart.Endpoints:
    """Where a system authorises and gives tokens.

    Raises:
        Unavailable: when it does not answer; ValueError for a configuration that cannot be used.
    """
    with _client() as client:
        status, told = _asked(client, "GET", f"{issuer.rstrip('/')}/.well-known/smart-configuration")
    if status != 200 or not isinstance(told, dict):
        raise Unavailable(f"iss: {issuer} gives no smart-configuration (status {status})")
    return smart.endpoints(told)


def token(pending: smart.Pending, code: str) -> Any:
    """What the token endpoint answers to a code; a refusal is among it.

    Raises:
        Unavailable: when it does not answer.
    """
    with _client() as client:
        return _asked(client, "POST", pending.token_endpoint, data=smart.token_request(pending, code))[1]


def chart(granted: smart.Granted) -> tuple[dict[str, Any], list[str]]:
    """All of a patient that a record is made of, as a bundle, and what could not be read of it.

    Raises:
        Unavailable: when the system does not answer; ValueError when it refuses what is needed.
    """
    base, found, notes = granted.fhir_server.rstrip("/"), list[dict[str, Any]](), list[str]()
    with _client(granted.access_token) as client:
        for kind in smart.READ:
            asked = f"{base}/{kind}/{quote(granted.patient, safe='')}"
            if kind != "Patient":
                asked = f"{base}/{kind}?{urlencode({'patient': granted.patient})}"
            try:
                found += list(_resources(client, base, kind, asked))
            except ValueError as error:
                if kind in NEEDED or isinstance(error, Unavailable):
                    raise
                notes.append(str(error))
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in found]}, notes


def _resources(client: httpx.Client, base: str, kind: str, url: str) -> Iterator[dict[str, Any]]:
    """The resources of a kind behind an address, page after page."""
    for _ in range(PAGES):
        status, told = _asked(client, "GET", url)
        if status != 200 or not isinstance(told, dict):
            raise ValueError(f"{kind}: the hospital's system does not give it (status {status})")
        if told.get("resourceType") == kind:
            yield told
            return
        entries, links = told.get("entry", []), told.get("link", [])
        if told.get("resourceType") != "Bundle" or not isinstance(entries, list) or not isinstance(links, list):
            raise ValueError(f"{kind}: the answer must be a Bundle, got {str(told.get('resourceType'))[:40]!r}")
        listed = (e.get("resource") for e in entries if isinstance(e, dict))
        yield from (r for r in listed if isinstance(r, dict) and r.get("resourceType") == kind)
        following = next((x.get("url") for x in links if isinstance(x, dict) and x.get("relation") == "next"), None)
        if following is None:
            return
        if not isinstance(following, str) or not (following + "/").startswith((f"{base}/", f"{base}?")):
            raise ValueError(f"{kind}: its next page is not on the hospital's own server")
        url = following
    raise ValueError(f"{kind}: has more than {PAGES} pages")


def _client(token: str = "") -> httpx.Client:
    headers = {"Accept": "application/fhir+json, application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    return httpx.Client(timeout=SECONDS, follow_redirects=False, trust_env=False, headers=headers)


def _asked(client: httpx.Client, method: str, url: str, **more: Any) -> tuple[int, Any]:
    """Status and plain data of an answer; None where it is no JSON."""
    with _told(url), client.stream(method, url, **more) as answer:
        read = bytearray()
        for part in answer.iter_bytes():
            read += part
            if len(read) > LARGEST:
                raise ValueError(f"the answer of {httpx.URL(url).host} is longer than {LARGEST:,} bytes")
    try:
        return answer.status_code, json.loads(bytes(read))
    except (ValueError, RecursionError):
        return answer.status_code, None


@contextmanager
def _told(url: str) -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        host = url.partition("://")[2].partition("/")[0]
        raise Unavailable(f"the hospital's system at {host[:100]} does not answer ({type(error).__name__})") from None
