"""A small OpenID provider on loopback, which can be made to lie in every way that is tested."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwk, jwt

CLIENT, SECRET = "posology", "between us: 100 %"


class Provider:
    """Its keys, its users' claims, and the codes that were not used yet."""

    def __init__(self) -> None:
        self.issuer = ""
        self.keys = {"first": jwk.ECKey.generate_key("P-256", {"kid": "first", "use": "sig"})}
        self.signs = "first"
        self.claims: dict[str, Any] = {}
        self.forged: str | None = None
        self.waiting: dict[str, dict[str, str]] = {}
        self.down = False
        self.documents = 0

    def rotate(self, name: str) -> None:
        """Publish a new key instead of the old ones, and sign with it."""
        self.keys = {name: jwk.ECKey.generate_key("P-256", {"kid": name, "use": "sig"})}
        self.signs = name

    def vouch(self, location: str, **claims: Any) -> str:
        """What the browser brings back after a login at the address that it was sent to: path and query."""
        asked = {k: v[0] for k, v in parse_qs(urlsplit(location).query).items()}
        code = secrets.token_urlsafe(8)
        self.waiting[code], self.claims = asked, claims
        return f"{urlsplit(asked['redirect_uri']).path}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.issuer})}"

    def document(self, path: str) -> Any:
        """Discovery and keys."""
        self.documents += 1
        if path == "/.well-known/openid-configuration":
            at = {f"{name}_endpoint": f"{self.issuer}/{name}" for name in ("authorization", "token")}
            return at | {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        return {"keys": [key.as_dict(private=False) for key in self.keys.values()]}

    def token(self, form: dict[str, str], authorization: str) -> Any:
        """An ID token for a code, once, to who began."""
        asked = self.waiting.pop(form["code"], None)
        digest = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        client = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        if client != f"{CLIENT}:between%20us%3A%20100%20%25" or asked is None:
            return None
        if digest != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return None
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "u-1", "iat": now, "exp": now + 300, "nonce": asked["nonce"],
            "preferred_username": "Ann", "groups": ["doctors"],
        } | self.claims  # fmt: skip
        made = {k: v for k, v in claims.items() if v is not None}
        return {"id_token": self.forged or jwt.encode({"alg": "ES256", "kid": self.signs}, made, self.keys[self.signs])}


@contextmanager
def answering(provider: Provider) -> Iterator[Provider]:
    """The provider while it answers on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(503 if provider.down else 200, provider.document(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            told = provider.token({k: v[0] for k, v in parse_qs(body).items()}, self.headers.get("Authorization", ""))
            self.answer(400 if told is None else 200, told or {"error": "invalid_grant"})

        def answer(self, status: int, told: Any) -> None:
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    server.server_close()
    thread.join(5)
