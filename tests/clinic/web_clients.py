"""Clients of a clinic that runs in the test: as programs ask, and as a browser does."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from posology.clinic.demo import PASSWORD

BASE = "http://127.0.0.1"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
CHROMIUM = "/usr/bin/chromium"


def client(app: FastAPI, **more: Any) -> TestClient:
    """A client without login; answers are as they are, redirections too."""
    return TestClient(app, base_url=BASE, follow_redirects=False, raise_server_exceptions=False, **more)


def logged_in(app: FastAPI, role: str) -> TestClient:
    """A browser's client that is logged in as the demo's user of a role; its forms carry the session's token."""
    found = client(app)
    name = f"demo-{role.replace(' ', '-')}"
    assert found.post("/login", data={"name": name, "password": PASSWORD}).status_code == 303
    found.headers["X-CSRF-Token"] = token_in(found.get("/account").text)
    return found


def token_in(page: str) -> str:
    """The token against forged forms that a page carries."""
    return page.partition('<meta name="csrf" content="')[2].partition('"')[0]


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The address of the app while it answers on loopback."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


class Watched:
    """What a page must not do: ask another host, write an error to the console, break its own security policy."""

    def __init__(self, page: Any, base: str) -> None:
        self.page, self.base, self.faults = page, base, list[str]()
        self.expected: tuple[str, ...] = ()
        page.on("request", self._asked)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"error in a script: {error}"))

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.base, "data:", "about:", "blob:")):
            self.faults.append(f"asked {request.url}")

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning") and not any(word in message.text for word in self.expected):
            self.faults.append(f"console: {message.text}")


def violations(page: Any) -> list[str]:
    """What axe finds on a page, in light and in dark."""
    from axe_playwright_python.sync_playwright import Axe

    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for fault in Axe().run(page).response["violations"]:
            nodes = "; ".join(node["html"][:120] for node in fault["nodes"][:3])
            found.append(f"{scheme}: {fault['id']}: {fault['help']}: {nodes}")
    page.emulate_media(color_scheme="light")
    return found
