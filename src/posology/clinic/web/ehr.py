"""Who calls a hook: a hospital's system by a signed token (CDS Hooks 2.0, "Trusting CDS Clients"), or a user of ours.

The token is a JWT of ES384 or RS384 with `iss`, `aud` (the address that is called), `exp`, `iat` and `jti`, signed by a key that
an admin registered under its `kid`. It is good once and for an hour at most. What is wrong with one is not said.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials
from starlette.concurrency import run_in_threadpool

from posology.clinic.errors import Refused
from posology.clinic.store import ehr_clients
from posology.clinic.web.shared import base_of, clinic_of
from posology.clinic.web.who import bearer, needs

ALGORITHMS = ("ES384", "RS384")
LONGEST = 3600
"""Seconds that a token may be good for (assumed; CDS Hooks names five minutes as an example)."""
SKEW = 30
"""Seconds by which a client's clock may be wrong (assumed)."""
LARGEST = 8000
REFUSAL = "authorization: the token is not accepted"


def hospital_or(permission: str) -> Any:
    """The dependency of a route for registered systems, and users with a permission; it gives the caller's name.

    Raises:
        Refused: (asking) for a token or session that does not stand.
        Denied: (asking) when the user's role has no such permission.
    """
    of_user = needs(permission).dependency

    async def asked(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)] = None) -> str:
        scheme, _space, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.count(".") == 2:
            return f"EHR {await run_in_threadpool(issuer_of, request, token.strip())}"
        who = await of_user(request)
        return str(who.name)

    asked.permission = permission  # type: ignore[attr-defined]
    return Depends(asked)


def issuer_of(request: Request, token: str, now: datetime | None = None) -> str:
    """The registered system that signed a token for this address, which is used up by this.

    Raises:
        Refused: in the same words whatever is wrong with it.
    """
    engine, now = clinic_of(request).engine, now or datetime.now(UTC)
    try:
        told = claims(engine, token)
        issuer, jti, expires, issued = (told[name] for name in ("iss", "jti", "exp", "iat"))
        addresses = told["aud"] if isinstance(told["aud"], list) else [told["aud"]]
        sane = all(isinstance(t, (int, float)) and not isinstance(t, bool) for t in (expires, issued))
        if not sane or not isinstance(jti, str) or not jti or f"{base_of(request)}{request.url.path}" not in addresses:
            raise Refused(REFUSAL)
        at = now.timestamp()
        if not at - SKEW < expires <= at + LONGEST + SKEW or not expires - LONGEST - SKEW <= issued <= at + SKEW:
            raise Refused(REFUSAL)
        ehr_clients.use_token(engine, issuer, jti, datetime.fromtimestamp(expires + SKEW, UTC), now)
    except (Refused, KeyError, TypeError, OverflowError):
        raise Refused(REFUSAL) from None
    return str(issuer)


def claims(engine: Any, token: str) -> dict[str, Any]:
    """What a token says, once its signature by a registered key is checked.

    Raises:
        Refused: otherwise.
    """
    from joserfc import jws, jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key

    if len(token) > LARGEST:
        raise Refused(REFUSAL)
    try:
        shown = jws.extract_compact(token.encode())
        header, said = shown.headers(), _object(shown.payload)
        if header.get("alg") not in ALGORITHMS or not all(isinstance(v, str) for v in (header.get("kid"), said.get("iss"))):
            raise Refused(REFUSAL)
        key = ehr_clients.client_key(engine, said["iss"], header["kid"])
        if key["alg"] != header["alg"]:
            raise Refused(REFUSAL)
        made: dict[str, Any] = jwt.decode(token, import_key(key), algorithms=[key["alg"]]).claims
    except (JoseError, ValueError, TypeError, RecursionError):
        raise Refused(REFUSAL) from None
    return made


def _object(payload: bytes | None) -> dict[str, Any]:
    found = json.loads(payload or b"")
    if not isinstance(found, dict):
        raise Refused(REFUSAL)
    return found
