"""Logging in through an OpenID provider: authorization code with PKCE, an ID token that is checked, and a role or no login.

    begin = provider.begin(secret(), back)          → where the browser goes; the secret stays in its cookie
    person = provider.finish(cookie, query, back)   → who came back: subject, name, role

The cookie holds one random secret, and state, nonce and verifier are made of it: what comes back fits the browser that went.
Endpoints and keys are those of the configured issuer's discovery document, whose addresses are https, but for this machine's
own. OpenID Connect Core 1.0, sections 3.1.2 and 3.1.3; RFC 7636 (PKCE); RFC 9207 (the issuer in the answer); RFC 9700.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from posology.clinic.columns import sha256
from posology.clinic.errors import Refused, Unavailable
from posology.clinic.id_token import Keys, UnknownKey, checked, keys_of
from posology.clinic.provider_http import asked, exchanged
from posology.clinic.settings import Settings
from posology.clinic.smart import address, challenge
from posology.clinic.store.users import LONGEST_NAME

FRESH = 3600.0
"""Seconds for which discovery and keys are kept (assumed: providers publish a new key long before they use it)."""
COOL = 10.0
"""Seconds between two looks for a key that is not known (assumed): made-up key ids must not make us ask without end."""
LASTS = 600
"""Seconds that a login through the provider may take (assumed: time to find a second factor)."""
USED = 10_000
"""States kept as used; the provider itself takes a code once (RFC 6749, section 4.1.2)."""


class Person(NamedTuple):
    """Whom the provider vouches for; `role` is None where none follows."""

    subject: str
    name: str
    role: str | None


def secret() -> str:
    """What the browser keeps in its cookie while it is away: 256 random bits."""
    return secrets.token_urlsafe(32)


def part(secret: str, name: str) -> str:
    """State, nonce or verifier of a secret: 43 characters that do not tell it."""
    return urlsafe_b64encode(hmac.digest(secret.encode(), name.encode(), "sha256")).rstrip(b"=").decode()


@dataclass
class Provider:
    """The configured provider, with what was last read from it."""

    issuer: str
    client_id: str
    client_secret: str
    scope: str
    claim: str
    roles: Mapping[str, str]
    cool: float = COOL
    clock: Callable[[], float] = time.time
    _read: dict[str, tuple[float, Any]] = field(default_factory=dict)
    _used: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def begin(self, secret: str, back: str) -> str:
        """The address that a browser is sent to; `back` is where it returns.

        Raises:
            Unavailable: when the provider does not answer.
        """
        query = {
            "response_type": "code", "client_id": self.client_id, "redirect_uri": back, "scope": self.scope,
            "state": part(secret, "state"), "nonce": part(secret, "nonce"),
            "code_challenge": challenge(part(secret, "verifier")), "code_challenge_method": "S256",
        }  # fmt: skip
        where = address(self._discovery().get("authorization_endpoint"), "identity provider, authorization_endpoint")
        return f"{where}{'&' if urlsplit(where).query else '?'}{urlencode(query)}"

    def finish(self, secret: str, query: Mapping[str, str], back: str) -> Person:
        """Who came back with the answer of the provider.

        Raises:
            Refused: with a sentence, for an answer that does not fit the browser, was used before or does not hold.
            Unavailable: when the provider does not answer.
        """
        code = self._code(secret, query)
        verifier, found = part(secret, "verifier"), self._discovery()
        token = exchanged(found, code, verifier, back, self.client_id, self.client_secret)
        wanted = self.issuer, self.client_id, part(secret, "nonce")
        try:
            claims = checked(token, self._keys(FRESH), *wanted, now=self.clock())
        except UnknownKey:
            try:
                claims = checked(token, self._keys(self.cool), *wanted, now=self.clock())
            except UnknownKey as unknown:
                raise Refused(str(unknown)) from None
        return Person(claims["sub"], self._name(claims), self._role(claims))

    def _code(self, secret: str, query: Mapping[str, str]) -> str:
        state = part(secret, "state")
        if not secret or not hmac.compare_digest(query.get("state", "").encode(), state.encode()):
            raise Refused(f"state: the login was not begun in this browser, or {LASTS // 60} minutes have passed; begin again")
        if query.get("iss", self.issuer) != self.issuer:
            raise Refused("iss: the answer is of another identity provider; begin again")
        if self._discovery().get("authorization_response_iss_parameter_supported") is True and "iss" not in query:
            raise Refused("iss: is missing in the answer of the identity provider; begin again")
        with self._lock:
            if state in self._used:
                raise Refused("state: was used before; begin again")
            self._used[state] = None
            if len(self._used) > USED:
                self._used.popitem(last=False)
        if "error" in query:
            why = query["error"] if re.fullmatch("[a-z_]{1,60}", query["error"]) else "an unknown error"
            raise Refused(f"error: the identity provider did not let you in ({why})")
        if not query.get("code"):
            raise Refused("code: is missing in the answer of the identity provider; begin again")
        return query["code"]

    def _discovery(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._kept(self.issuer.rstrip("/") + "/.well-known/openid-configuration", FRESH)
        if found.get("issuer") != self.issuer:
            raise Unavailable(f"identity provider: says that it is {str(found.get('issuer'))[:200]!r}, not {self.issuer!r}")
        return found

    def _keys(self, fresh: float) -> Keys:
        return keys_of(self._kept(address(self._discovery().get("jwks_uri"), "identity provider, jwks_uri"), fresh))

    def _kept(self, url: str, fresh: float) -> Any:
        now = time.monotonic()
        since, found = self._read.get(url, (now, None))
        if found is None or now - since >= fresh:
            found = asked(url)
            self._read[url] = now, found
        return found

    def _name(self, claims: Mapping[str, Any]) -> str:
        """A name that says where it is from; what cannot be one becomes a short hash of the subject."""
        told = next((v for k in ("preferred_username", "email", "sub") if isinstance(v := claims.get(k), str) and v.strip()), "")
        host = urlsplit(self.issuer).hostname or ""
        name = f"{told.strip()}@{host}"
        if len(name) > LONGEST_NAME or not name.isprintable():
            name = f"{sha256(claims['sub'])[:16]}@{host}"[:LONGEST_NAME]
        return name

    def _role(self, claims: Mapping[str, Any]) -> str | None:
        told = claims.get(self.claim)
        has = [told] if isinstance(told, str) else told if isinstance(told, list) else []
        return next((role for value, role in self.roles.items() if value in has), None)


def provider(settings: Settings) -> Provider | None:
    """The provider of the settings; None where none is configured.

    Raises:
        ValueError: for an issuer that is not https, or without client id or roles.
    """
    if not settings.oidc_issuer:
        return None
    issuer = address(settings.oidc_issuer, "oidc_issuer")
    if not settings.oidc_client_id:
        raise ValueError("oidc_client_id: is empty; it is what the identity provider calls this clinic")
    if not settings.oidc_roles:
        raise ValueError("oidc_roles: is empty, so that nobody could log in; map values of a claim to roles")
    kept = settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else ""
    return Provider(
        issuer, settings.oidc_client_id, kept, settings.oidc_scope, settings.oidc_claim, settings.oidc_roles
    )  # fmt: skip
