"""Column types that keep the same value on SQLite, MariaDB, MySQL and PostgreSQL.

Numbers are `Double` (a `Float` is four bytes on MariaDB), text compares byte by byte on all of them
(their default collations take 'a' for 'A'), JSON is plain ASCII text (JSONB rewrites numbers), and times are
UTC with microseconds (DATETIME drops them; SQLite and MariaDB keep no zone).
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, String, Text
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine

NAME = 200
"""Most characters of an id, a name or a unit (assumed: far more than any that is in use)."""
_BINARY: dict[str, Any] = {"charset": "utf8mb4", "collation": "utf8mb4_bin"}


def canonical(value: Any) -> str:
    """One JSON text for equal values: sorted keys, no spaces, ASCII.

    Raises:
        ValueError: for a number that is not finite.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def whole(text: str) -> str:
    """A canonical JSON text, when every character in it is one: what could be kept, but never shown again, is refused.

    Raises:
        ValueError: for half of a surrogate pair.
    """
    if "\\ud" in text:  # pairs of them are characters beyond the first 65,536
        try:
            json.dumps(json.loads(text), ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("text: holds a character that is none (half of a surrogate pair)") from None
    return text


def sha256(text: str) -> str:
    """SHA-256 of a text in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def text(length: int = NAME) -> TypeEngine[str]:
    """Text of at most `length` characters, compared and ordered by code point."""
    plain = String(length)
    plain = plain.with_variant(mysql.VARCHAR(length, **_BINARY), "mysql", "mariadb")
    return plain.with_variant(String(length, collation="C"), "postgresql")


def long_text() -> TypeEngine[str]:
    """Text without a limit that matters."""
    return Text().with_variant(mysql.LONGTEXT(**_BINARY), "mysql", "mariadb")


class Json(TypeDecorator[Any]):
    """Plain data as canonical JSON text: exact, and equal on every database."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        longest: TypeEngine[Any] = mysql.LONGTEXT(**_BINARY) if dialect.name in ("mysql", "mariadb") else Text()
        return dialect.type_descriptor(longest)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else whole(canonical(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Utc(TypeDecorator[datetime]):
    """A time with a zone, kept in UTC to the microsecond."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        zoned: TypeEngine[Any] = postgresql.TIMESTAMP(timezone=True) if dialect.name == "postgresql" else DateTime()
        return dialect.type_descriptor(zoned)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"time {value.isoformat()}: has no time zone")
        stamp = value.astimezone(UTC)
        return stamp if dialect.name == "postgresql" else stamp.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
