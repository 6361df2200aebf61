"""An identity provider on loopback: discovery, keys, and ID tokens that are really signed."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.providers.http import Answer, Call, HttpProvider

CLIENT, SECRET = "trusthub", "client-secret"


class Identity(HttpProvider):
    """It signs in whoever `claims` say. `header` and `key` are what it signs with, `says` what it says about itself."""

    answers_get = True

    def __init__(self) -> None:
        super().__init__()
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.shown = self.key
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.claims: dict[str, Any] = {}
        self.says: dict[str, Any] = {}
        self.asked: dict[str, str] = {}

    @property
    def issuer(self) -> str:
        return self.address

    def sign_in(self, address: str, now: float, **claims: Any) -> dict[str, str]:
        """Take a browser that was sent here, and return the query with which it is sent back."""
        self.asked = dict(parse_qsl(urlsplit(address).query))
        assert self.asked["response_type"] == "code"
        assert self.asked["code_challenge_method"] == "S256"
        usual = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "248289761001",
            "nonce": self.asked["nonce"],
            "iat": int(now),
            "exp": int(now) + 300,
            "email": "Lena@Acme.example",
            "email_verified": True,
            "name": "Lena",
        }
        self.claims = {name: value for name, value in (usual | claims).items() if value is not None}
        return {"code": "the-code", "state": self.asked["state"]}

    def token(self) -> str:
        if self.header["alg"] == "none":
            parts = [base64.urlsafe_b64encode(_json(part)).decode().rstrip("=") for part in (self.header, self.claims)]
            return ".".join((*parts, ""))
        return jwt.encode(self.header, self.claims, self.key, algorithms=[self.header["alg"]])

    def take(self, call: Call) -> tuple[Answer, bool]:
        if call.path == "/.well-known/openid-configuration":
            there = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            urls = {name: f"{self.address}/{path}" for name, path in there.items()}
            return Answer(status=200, body={"issuer": self.issuer, **urls, **self.says}), True
        if call.path == "/keys":
            return Answer(status=200, body={"keys": [self.shown.as_dict(private=False)]}), True
        return (Answer(status=200, body={"id_token": self.token()}), True) if self._right(call) else (_REFUSED, False)

    def _right(self, call: Call) -> bool:
        form = dict(parse_qsl(call.raw.decode()))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode()
        pair = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        return (
            call.headers["authorization"] == f"Basic {pair}"
            and form["code"] == "the-code"
            and form["redirect_uri"] == self.asked["redirect_uri"]
            and challenge.rstrip("=") == self.asked["code_challenge"]
        )


_REFUSED = Answer(status=400, body={"error": "invalid_grant"})


def _json(part: dict[str, Any]) -> bytes:
    return json.dumps(part).encode()
