"""A program that asks a clinic over HTTP: one connection kept open, one session, little processor time of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

T = TypeVar("T")
END = b"\r\n\r\n"


class Answer(NamedTuple):
    """An answer's status, headers (names in small letters) and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as plain data."""
        return json.loads(self.body)

    @property
    def sentence(self) -> str:
        """Why something was not done; the beginning of the body where it is no such answer."""
        try:
            return str(self.json()["detail"])
        except (ValueError, KeyError, TypeError):
            return self.body[:200].decode(errors="replace")


class Client:
    """One after another, requests over one connection to loopback; it is opened again after it was lost."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.fixed = f"Host: 127.0.0.1:{port}\r\n"
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Answer:
        """Send a request and read its answer; plain data as a body is sent as JSON.

        Raises:
            OSError: when nobody listens, or the connection ends before the answer is whole.
        """
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        told = f"Content-Type: {kind}\r\nContent-Length: {len(raw)}\r\n" if method not in ("GET", "HEAD") else ""
        try:
            if self.reader is None or self.writer is None:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)
            self.writer.write(f"{method} {path} HTTP/1.1\r\n{self.fixed}{told}\r\n".encode() + raw)
            return await self._answer(self.reader)
        except (asyncio.IncompleteReadError, OSError) as lost:
            self.close()
            raise ConnectionError(f"{method} {path}: the connection was lost") from lost
        except asyncio.CancelledError:  # what is still to come of this answer is none of the next one
            self.close()
            raise

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        lines = (await reader.readuntil(END))[: -len(END)].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("transfer-encoding") == "chunked":
            body = await _chunks(reader)
        if headers.get("connection") == "close":
            self.close()
        return Answer(int(lines[0].split(" ", 2)[1]), headers, body)

    async def log_in(self, name: str, password: str) -> None:
        """Begin a session, which all requests after this one carry.

        Raises:
            ValueError: when the clinic does not let one in.
        """
        form = urlencode({"name": name, "password": password, "next": "/account"}).encode()
        answer = await self.ask("POST", "/login", form, "application/x-www-form-urlencoded")
        cookie = answer.headers.get("set-cookie", "").partition(";")[0]
        if answer.status != 303 or not cookie:
            raise ValueError(f"login of {name}: answered {answer.status}: {answer.sentence}")
        self.fixed += f"Cookie: {cookie}\r\n"
        page = (await self.ask("GET", "/account")).body.decode()
        token = page.partition('<meta name="csrf" content="')[2].partition('"')[0]
        self.fixed += f"X-CSRF-Token: {token}\r\n"

    def close(self) -> None:
        """Let the connection go."""
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    found = b""
    while length := int((await reader.readline()).split(b";")[0], 16):
        found += await reader.readexactly(length)
        await reader.readline()
    await reader.readline()
    return found


def finished(work: Coroutine[Any, Any, T]) -> T:
    """What asynchronous work returns, done in a thread of its own: whoever asks may have a loop already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
