"""Hospitals' systems that may ask at our hooks: who they are, the public keys that an admin registered, tokens they have used.

Keys are never fetched from an address that a token names: what was not registered here signs nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, delete, insert, select, update

from posology.clinic import audit
from posology.clinic.columns import sha256
from posology.clinic.database import reading, writing
from posology.clinic.errors import Conflict, NotFound, Refused
from posology.clinic.store.rows import fitting
from posology.clinic.tables import ehr_clients, ehr_tokens

MOST_KEYS = 10


def add_client(engine: Engine, issuer: str, name: str, keys: Mapping[str, Any], actor: str) -> str:
    """Register a system by the `iss` of its tokens and its JSON Web Key Set; the key of the registration.

    Raises:
        ValueError: for an empty name, or a set that is not of public ES384 or RS384 keys with a `kid` each.
        Conflict: when the issuer is registered already, retired or not.
    """
    for field, value in (("issuer", issuer), ("name", name)):
        if not value.strip() or not value.isprintable():
            raise ValueError(f"{field}: must be text of one line that is not empty")
    made, key = public_keys(keys), secrets.token_hex(16)
    row = {"id": key, "issuer": issuer, "name": name.strip(), "keys": made, "made": datetime.now(UTC), "retired": None}
    with audit.writing(engine, actor) as writer:
        if writer.connection.execute(select(ehr_clients.c.id).where(ehr_clients.c.issuer == issuer)).first() is not None:
            raise Conflict(f"issuer '{issuer}': is registered already; new keys need a new registration under another issuer")
        writer.connection.execute(insert(ehr_clients).values(**fitting(ehr_clients, row | {"actor": actor})))
        kids = [key["kid"] for key in made]
        writer.note("hospital system added", f"ehr/{key}", {"issuer": issuer, "keys": kids})
    return key


def retire_client(engine: Engine, key: str, actor: str) -> None:
    """Let a system ask no longer; it stays listed.

    Raises:
        NotFound: when there is none of that key in use.
    """
    with audit.writing(engine, actor) as writer:
        used = (ehr_clients.c.id == key) & ehr_clients.c.retired.is_(None)
        if not writer.connection.execute(update(ehr_clients).where(used).values(retired=datetime.now(UTC))).rowcount:
            raise NotFound(f"hospital system '{key}': is not registered")
        writer.note("hospital system retired", f"ehr/{key}")


def list_clients(engine: Engine) -> list[dict[str, Any]]:
    """All systems by issuer, retired ones too."""
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(select(ehr_clients).order_by(ehr_clients.c.issuer)).mappings()]


def client_key(engine: Engine, issuer: str, kid: str) -> dict[str, Any]:
    """The public key of that `kid` that is registered for an issuer.

    Raises:
        Refused: when there is none, or the system was retired.
    """
    with reading(engine) as connection:
        used = (ehr_clients.c.issuer == issuer) & ehr_clients.c.retired.is_(None)
        keys = connection.execute(select(ehr_clients.c["keys"]).where(used)).scalar_one_or_none()
    found = next((key for key in keys or () if key["kid"] == kid), None)
    if found is None:
        raise Refused("the key is not registered")
    return dict(found)


def use_token(engine: Engine, issuer: str, jti: str, expires: datetime, now: datetime | None = None) -> None:
    """Note that a token was used; those that have expired are forgotten.

    Raises:
        Refused: when it was used before.
    """
    row = {"digest": sha256(f"{len(issuer)} {issuer} {jti}"), "expires": expires}
    try:
        with writing(engine) as connection:
            connection.execute(delete(ehr_tokens).where(ehr_tokens.c.expires < (now or datetime.now(UTC))))
            connection.execute(insert(ehr_tokens).values(**row))
    except Conflict:
        raise Refused("the token was used before") from None


def public_keys(keys: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The keys of a set, public members alone.

    Raises:
        ValueError: naming the key that cannot be used.
    """
    listed = keys.get("keys")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_KEYS:
        raise ValueError(f"keys: must be a JSON Web Key Set of 1 to {MOST_KEYS} keys")
    found = [_public(key, f"keys[{i}]") for i, key in enumerate(listed)]
    if len({key["kid"] for key in found}) < len(found):
        raise ValueError("keys: must each have a kid of its own")
    return found


def _public(key: Any, where: str) -> dict[str, Any]:
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, RSAKey

    if not isinstance(key, dict) or not isinstance(key.get("kid"), str) or not 1 <= len(key["kid"]) <= 200:
        raise ValueError(f"{where}: must be an object with a kid of 1 to 200 characters")
    if "d" in key:
        raise ValueError(f"{where}: is a private key; register the public one, and make a new pair: this one is no longer secret")
    kinds: dict[Any, tuple[str, tuple[str, ...], Any]] = {
        "EC": ("ES384", ("crv", "x", "y"), ECKey),
        "RSA": ("RS384", ("n", "e"), RSAKey),
    }
    if not isinstance(key.get("kty"), str) or key["kty"] not in kinds or key.get("crv", "P-384") != "P-384":
        raise ValueError(f"{where}: must be an EC key on P-384 (ES384) or an RSA key (RS384)")
    algorithm, members, kind = kinds[key["kty"]]
    try:
        made = kind.import_key({"kty": key["kty"]} | {m: key[m] for m in members})
        bits = made.public_key.key_size
    except (JoseError, ValueError, TypeError, KeyError):
        raise ValueError(f"{where}: cannot be read as a key") from None
    if kind is RSAKey and not 2048 <= bits <= 8192:
        raise ValueError(f"{where}: has {bits} bits; an RSA key must have 2048 to 8192")
    return {"kty": key["kty"], "kid": key["kid"], "alg": algorithm} | {m: key[m] for m in members}
