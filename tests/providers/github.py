"""GitHub's API for an App that answers deployment protection rules, over TLS and as strict as the documentation.

https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
https://docs.github.com/en/rest/actions/workflow-runs#review-custom-deployment-protection-rules-for-a-workflow-run
"""

import base64
import binascii
import json
import re
import time
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.providers.certificate import tls_context
from tests.providers.http import Answer, Call, HttpProvider

APP, INSTALLATION, RUN = "200311", 48120773, 13511220340
FIXED = "github_pat_fixed"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()
_ISSUED = "ghs_short-lived"
_REVIEW = rf"/api/v3/repos/acme/checkout/actions/runs/{RUN}/deployment_protection_rule"
_LONGEST = 600
"""Seconds that a token of an App may be valid."""


class GitHub(HttpProvider):
    """A gate's `api` is `github.url`."""

    def __init__(self) -> None:
        super().__init__()
        # The handshake belongs to the thread of its connection: a client that breaks off must not hold up the others.
        self._server.socket = tls_context().wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.reviews: list[dict[str, Any]] = []
        """What was answered, each once."""

    @property
    def url(self) -> str:
        return f"{self.address.replace('http:', 'https:')}/api/v3"

    @property
    def callback(self) -> str:
        return f"{self.url.removesuffix('/api/v3')}{_REVIEW}"

    def take(self, call: Call) -> tuple[Answer, bool]:
        if "user-agent" not in call.headers:
            return _no(403, "Request forbidden by administrative rules. Please make sure it has a User-Agent header.")
        _, _, token = call.headers.get("authorization", "").partition("Bearer ")
        if call.path == f"/api/v3/app/installations/{INSTALLATION}/access_tokens":
            problem = _wrong(token)
            return _no(401, problem) if problem else (Answer(status=201, body={"token": _ISSUED}), False)
        if token not in {FIXED, _ISSUED}:
            return _no(401, "Bad credentials")
        if not re.fullmatch(_REVIEW, call.path):
            return _no(404, "Not Found")
        return self._review(call.body)

    def _review(self, body: dict[str, Any]) -> tuple[Answer, bool]:
        if set(body) != {"environment_name", "state", "comment"} or body["state"] not in {"approved", "rejected"}:
            return _no(422, "Validation Failed")
        if any(review["environment_name"] == body["environment_name"] for review in self.reviews):
            return _no(422, "The deployment protection rule was reviewed already.")
        self.reviews.append(body)
        return Answer(status=204, headers={"X-RateLimit-Remaining": "4999", "X-RateLimit-Reset": "1790000000"}), True


def _no(status: int, message: str) -> tuple[Answer, bool]:
    said = {"message": message, "documentation_url": "https://docs.github.com/rest"}
    headers: Mapping[str, str] = {"X-RateLimit-Remaining": "4999", "X-RateLimit-Reset": "9999999999"}
    return Answer(status=status, body=said, headers=headers), False


def _wrong(token: str) -> str:
    """Return what GitHub says to a token of the App that it does not accept; nothing to one that it does."""
    try:
        text, _, signature = token.rpartition(".")
        KEY.public_key().verify(_bytes(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
        header, claims = (json.loads(_bytes(part)) for part in text.split("."))
    except (InvalidSignature, ValueError, binascii.Error):
        return "A JSON web token could not be decoded"
    now = time.time()
    if header != {"alg": "RS256", "typ": "JWT"} or claims["iss"] != APP:
        return "Integration not found"
    if not claims["iat"] <= now < claims["exp"] <= now + _LONGEST:
        return "'Expiration time' claim ('exp') is too far in the future"
    return ""


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
