"""SMART App Launch from a hospital's system (EHR launch) with PKCE: what is sent and what is checked, no network.

    begin = launch(settings, iss, launch, verifier(), endpoints)   → begin.url, and begin.pending to keep in the session
    code = callback(begin.pending, query)                          → the code, after state and error were checked
    body = token_request(begin.pending, code)                      → sent to the token endpoint
    granted = token(response, begin.pending, now)                  → access token, patient, expiry

SMART App Launch 2 (https://hl7.org/fhir/smart-app-launch), OAuth 2 (RFC 6749), PKCE with S256 (RFC 7636). Only issuers of
the list are spoken to: anybody can send a browser to a launch address with an issuer of his own. Addresses are https, but
for this machine's own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

READ = ("Patient", "Observation", "MedicationAdministration", "MedicationRequest", "Condition", "AllergyIntolerance")
SCOPE = " ".join(("launch", "openid", "fhirUser", *(f"patient/{kind}.rs" for kind in READ)))
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")  # RFC 7636, section 4.1
_HERE = ("localhost", "127.0.0.1", "::1")


class Settings(NamedTuple):
    """How we are registered: client, where the browser comes back to, and the issuers that may launch us."""

    client_id: str
    redirect_uri: str
    issuers: tuple[str, ...]
    scope: str = SCOPE


class Endpoints(NamedTuple):
    """Where a hospital's system authorises and gives tokens."""

    authorize: str
    token: str


class Pending(NamedTuple):
    """What the session keeps until the browser comes back; never shown to it."""

    issuer: str
    state: str
    verifier: str
    redirect_uri: str
    client_id: str
    token_endpoint: str


class Begun(NamedTuple):
    """Where the browser is sent, and what is kept."""

    url: str
    pending: Pending


class Granted(NamedTuple):
    """What the hospital's system granted."""

    access_token: str
    patient: str
    expires: datetime
    scope: str
    fhir_server: str


def verifier() -> str:
    """A fresh secret of 43 characters, 256 bits (RFC 7636, section 4.1)."""
    return secrets.token_urlsafe(32)


def challenge(verifier: str) -> str:
    """BASE64URL(SHA256(verifier)) without padding (RFC 7636, section 4.2).

    Raises:
        ValueError: for a verifier that the standard does not allow.
    """
    if not _VERIFIER.fullmatch(verifier):
        raise ValueError(f"code_verifier: has {len(verifier)} characters; allowed are 43 to 128 letters, digits, -, ., _ and ~")
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def endpoints(configuration: Mapping[str, Any]) -> Endpoints:
    """The addresses in a `.well-known/smart-configuration`.

    Raises:
        ValueError: naming the field, for an address that is missing or not https, or a system without PKCE S256.
    """
    methods = configuration.get("code_challenge_methods_supported", [])
    if not isinstance(methods, list) or "S256" not in methods:
        raise ValueError(f"smart-configuration, code_challenge_methods_supported: must hold S256, got {methods!r}")
    names = ("authorization_endpoint", "token_endpoint")
    return Endpoints(*(address(configuration.get(name), f"smart-configuration, {name}") for name in names))


def address(url: Any, where: str) -> str:
    """The address itself, when it is https, or http on this machine.

    Raises:
        ValueError: naming the field.
    """
    parts = urlsplit(url) if isinstance(url, str) else None
    good = parts and parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE))
    if not good or (parts and (parts.username or parts.fragment)):
        raise ValueError(f"{where}: must be an https address without user name and fragment, got {url!r}")
    return str(url)


def launch(settings: Settings, iss: str, launch: str, verifier: str, at: Endpoints, state: str = "") -> Begun:
    """Where to send a browser that a hospital's system launched us from.

    Args:
        iss, launch: as they stand in the launch address.
        state: a fresh random one unless given.

    Raises:
        ValueError: for an issuer that is not on the list, or no launch context.
    """
    issuer = allowed(settings, iss)
    if not launch:
        raise ValueError("launch: is missing; the hospital's system sends it with an EHR launch")
    state = state or secrets.token_urlsafe(32)
    query = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": settings.redirect_uri,
        "launch": launch,
        "scope": settings.scope,
        "state": state,
        "aud": issuer,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
    }
    joined = "&" if urlsplit(at.authorize).query else "?"
    pending = Pending(issuer, state, verifier, settings.redirect_uri, settings.client_id, at.token)
    return Begun(f"{at.authorize}{joined}{urlencode(query)}", pending)


def allowed(settings: Settings, iss: str) -> str:
    """The issuer as it stands on the list; a slash at the end makes no difference, anything else does.

    Raises:
        ValueError: for an issuer that is not on it.
    """
    for issuer in settings.issuers:
        if iss.rstrip("/") == issuer.rstrip("/"):
            return address(issuer, "iss")
    raise ValueError(f"iss: {iss!r} may not launch us; allowed: {', '.join(settings.issuers) or 'none'}")


def callback(pending: Pending, query: Mapping[str, str]) -> str:
    """The code that the browser brought back.

    Raises:
        ValueError: for another state than the one kept, a refusal, or no code.
    """
    if not hmac.compare_digest(query.get("state", "").encode(), pending.state.encode()):
        raise ValueError("state: is not the one that was sent; begin the launch again")
    if "error" in query:
        why = query.get("error_description") or "no reason given"
        raise ValueError(f"error: the hospital's system refused with {query['error']!r} ({why!r})")
    if not query.get("code"):
        raise ValueError("code: is missing in the answer of the hospital's system")
    return query["code"]


def token_request(pending: Pending, code: str) -> dict[str, str]:
    """The form fields that are sent to `pending.token_endpoint` (RFC 6749, section 4.1.3; RFC 7636, section 4.5)."""
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": pending.redirect_uri,
        "client_id": pending.client_id,
        "code_verifier": pending.verifier,
    }


def token(response: Any, pending: Pending, now: datetime) -> Granted:
    """What the token endpoint answered; `now` has a zone.

    Raises:
        ValueError: naming the field, for a refusal, or a token that is not a bearer's, has no end or no patient.
    """
    if not isinstance(response, Mapping):
        raise ValueError(f"token response: must be an object, got {type(response).__name__}")
    if "error" in response:
        raise ValueError(f"token response, error: the hospital's system refused with {response['error']!r}")
    for name in ("access_token", "token_type", "scope", "patient"):
        if not isinstance(response.get(name), str) or not response[name]:
            raise ValueError(f"token response, {name}: must be text that is not empty, got {_shown(name, response.get(name))}")
    if response["token_type"].lower() != "bearer":
        raise ValueError(f"token response, token_type: must be Bearer, got {response['token_type']!r}")
    lasts = response.get("expires_in")
    if isinstance(lasts, bool) or not isinstance(lasts, int) or not 0 < lasts <= 86400:
        raise ValueError(f"token response, expires_in: must be whole seconds from 1 to 86400, got {lasts!r}")
    expires = now + timedelta(seconds=lasts)
    return Granted(response["access_token"], response["patient"], expires, response["scope"], pending.issuer)


def _shown(name: str, value: Any) -> str:
    """A wrong value in a sentence; never what may be a secret."""
    return f"a {type(value).__name__}" if "token" in name and value else repr(value)
