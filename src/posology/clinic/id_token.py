"""The ID token of an identity provider: signed by one of its keys, for us, now, for this browser; else refused by a sentence."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from math import isfinite
from typing import Any

from joserfc import jwk, jws, jwt
from joserfc.errors import JoseError

from posology.clinic.errors import Refused

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures with a private key alone: `none` proves nothing, and HS256 would take the public key for a shared secret."""
KINDS = ("RSA", "EC")
LEEWAY = 60.0
"""Seconds by which clocks may differ (assumed; RFC 7519, section 4.1.4, speaks of a few minutes at most)."""
Keys = Mapping[str, Any]


class UnknownKey(Exception):
    """The token names a key that was not among those read."""


def keys_of(published: Mapping[str, Any]) -> Keys:
    """The public keys for signatures in a key set, by their id; others are left out."""
    told = published.get("keys")
    found: dict[str, Any] = {}
    for raw in told if isinstance(told, list) else []:
        if isinstance(raw, dict) and raw.get("kty") in KINDS and raw.get("use", "sig") == "sig":
            try:
                found[str(raw.get("kid", ""))] = jwk.import_key(raw)
            except (JoseError, ValueError, TypeError, KeyError):
                continue  # one key that we do not understand must not keep the others out
    return found


def checked(token: str, keys: Keys, issuer: str, client_id: str, nonce: str, now: float) -> dict[str, Any]:
    """The claims of an ID token (OpenID Connect Core, section 3.1.3.7). `now` is in seconds since 1970.

    Raises:
        Refused: with a sentence that says what does not hold.
        UnknownKey: when its key is not among `keys`.
    """
    claims = _signed(token, keys)
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    if claims.get("iss") != issuer:
        raise Refused("ID token, iss: is of another identity provider")
    if client_id not in audiences or ((len(audiences) > 1 or "azp" in claims) and claims.get("azp") != client_id):
        raise Refused("ID token, aud: was made for another program")
    if not _number(claims.get("exp")) or claims["exp"] <= now - LEEWAY:
        raise Refused("ID token, exp: has expired; begin again")
    for name in ("iat", "nbf"):
        if (name == "iat" or name in claims) and (not _number(claims.get(name)) or claims[name] > now + LEEWAY):
            raise Refused(f"ID token, {name}: lies in the future; is the clock of this machine right?")
    told = claims.get("nonce")
    if not isinstance(told, str) or not hmac.compare_digest(told.encode("utf-8", "replace"), nonce.encode()):
        raise Refused("ID token, nonce: is not the one of this login; begin again")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255 or not subject.isascii() or not subject.isprintable():
        raise Refused("ID token, sub: must be 1 to 255 ASCII characters")
    return claims


def _signed(token: str, keys: Keys) -> dict[str, Any]:
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, RecursionError):
        raise Refused("ID token: is not a signed token") from None
    if header.get("alg") not in ALGORITHMS:
        raise Refused(f"ID token, alg: must be one of {', '.join(ALGORITHMS)}, got {str(header.get('alg'))[:20]!r}")
    kid = header.get("kid")
    # A provider with one key may leave its id out.
    key = next(iter(keys.values())) if kid is None and len(keys) == 1 else keys.get(str(kid))
    if key is None:
        raise UnknownKey("ID token, kid: was signed with a key that the identity provider does not publish")
    try:
        return dict(jwt.decode(token, key, algorithms=[header["alg"]]).claims)
    except (JoseError, ValueError, RecursionError):
        raise Refused("ID token: its signature is not that of the identity provider") from None


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
