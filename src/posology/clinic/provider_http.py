"""What is asked of an identity provider over HTTP: two documents and a code for a token. Nothing else, and no redirection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from posology.clinic.errors import Refused, Unavailable
from posology.clinic.smart import address

WAIT = 5.0
"""Seconds until a provider counts as not answering (assumed: a person waits for the page)."""
MOST = 1_000_000
"""Bytes read of an answer (assumed: far more than any discovery document or key set)."""
GONE = "identity provider: does not answer; try again, or log in with a password"


def asked(url: str) -> Mapping[str, Any]:
    """The JSON object at an address.

    Raises:
        Unavailable: when there is none.
    """
    status, told = _answer("GET", url)
    if status != 200 or not isinstance(told, dict):
        raise Unavailable(f"identity provider: answered {status} without what was asked for; try again later")
    return told


def exchanged(found: Mapping[str, Any], code: str, verifier: str, back: str, client: str, secret: str) -> str:
    """The ID token for a code (OpenID Connect Core, section 3.1.3).

    Raises:
        Refused: when the provider does not take the code.
        Unavailable: when it does not answer.
    """
    where = address(found.get("token_endpoint"), "identity provider, token_endpoint")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
    basic = "client_secret_basic" in (found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"])
    if secret and basic:  # RFC 6749, section 2.3.1: both are form-encoded first
        more: dict[str, Any] = {"auth": httpx.BasicAuth(quote(client, safe=""), quote(secret, safe=""))}
    else:
        more, form = {}, form | {"client_id": client} | ({"client_secret": secret} if secret else {})
    status, told = _answer("POST", where, data=form, **more)
    if status >= 500:
        raise Unavailable(GONE)
    if status != 200 or not isinstance(told, dict) or not isinstance(told.get("id_token"), str):
        raise Refused("code: the identity provider did not take it; begin again")
    token: str = told["id_token"]
    return token


def _answer(method: str, url: str, **more: Any) -> tuple[int, Any]:
    """Status and JSON of an answer; None where it is no JSON or too long."""
    try:
        with httpx.stream(method, url, timeout=WAIT, trust_env=False, headers={"Accept": "application/json"}, **more) as answer:
            body = b""
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > MOST:
                    return answer.status_code, None
            return answer.status_code, json.loads(body)
    except (httpx.HTTPError, httpx.InvalidURL):
        raise Unavailable(GONE) from None
    except (ValueError, RecursionError):
        return answer.status_code, None
