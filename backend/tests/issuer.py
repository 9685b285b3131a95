"""An issuer of single sign-on: a small one in a thread, which says whatever a test wants it to."""

import hashlib
import json
import secrets
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "expenses"
SECRET = "the secret that the issuer has given us"

Claims = dict[str, Any]


class Issuer:
    """It knows one person, by `claims`: one that is None is left out. `sign` makes ID tokens."""

    def __init__(self) -> None:
        self.url = ""
        self.key = _usual_key()
        self.claims: Claims = {
            "sub": "248289761001",
            "email": "ada@contoso.example",
            "email_verified": True,
        }
        self.metadata: Claims = {}
        self.userinfo: Claims = {}
        self.sign: Callable[[Claims], str] = self.signed
        self.fetched: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}

    def signed(self, claims: Claims, key: Any = None, **header: str) -> str:
        key = key or self.key
        return jwt.encode({"alg": "RS256", "kid": "first"} | header, claims, key)

    def authorize(self, address: str) -> str:
        """Where the browser is sent back to, with a code."""
        asked = dict(parse_qsl(urlsplit(address).query))
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        answer = {"code": code, "state": asked["state"]}
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    # What the product asks.

    def answer_get(self, path: str) -> Claims | None:
        self.fetched.append(path)
        match path:
            case "/.well-known/openid-configuration":
                return {
                    "issuer": self.url,
                    "authorization_endpoint": f"{self.url}/authorize",
                    "token_endpoint": f"{self.url}/token",
                    "userinfo_endpoint": f"{self.url}/userinfo",
                    "jwks_uri": f"{self.url}/keys",
                    "response_types_supported": ["code"],
                    "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
                } | self.metadata
            case "/keys":
                return {"keys": [self.key.as_dict(private=False)]}
            case "/userinfo":
                return self.userinfo
        return None

    def exchange(self, form: dict[str, str], authorization: str) -> Claims:
        """A code is good for one token, for the client that it was made for and proves to be it."""
        asked = self._codes.pop(form.get("code", ""), None)
        verifier = form.get("code_verifier", "").encode()
        challenge = urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=").decode()
        client = b64decode(authorization.removeprefix("Basic ")).decode()
        if (
            asked is None
            or client != f"{CLIENT}:{SECRET}"
            or asked.get("code_challenge_method") != "S256"
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form.get("redirect_uri")
        ):
            return {"error": "invalid_grant"}
        now = int(time.time())
        usual = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300}
        claims = usual | {"nonce": asked["nonce"]} | self.claims
        token = self.sign({name: value for name, value in claims.items() if value is not None})
        return {"access_token": "a", "token_type": "Bearer", "id_token": token}


def new_key(name: str) -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": name})


@cache
def _usual_key() -> RSAKey:
    return new_key("first")


@contextmanager
def listening_issuer() -> Iterator[Issuer]:
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(issuer.answer_get(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            answer = issuer.exchange(form, self.headers.get("Authorization", ""))
            self._send(answer, 400 if "error" in answer else 200)

        def _send(self, answer: Claims | None, status: int = 200) -> None:
            body = json.dumps(answer).encode()
            self.send_response(404 if answer is None else status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        issuer.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join(10)
