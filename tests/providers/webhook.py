"""A receiver of webhooks that does what the contract tells receivers to do: verify, drop repeats, answer 204."""

import base64
from typing import Any

from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from tests.providers.http import Answer, Call, HttpProvider

SECRET = "whsec_" + base64.b64encode(b"s3cret-of-the-webhook-32-bytes!!").decode()


class Webhook(HttpProvider):
    """Its secret is SECRET unless it is told another; None verifies nothing."""

    def __init__(self, secret: str | None = SECRET) -> None:
        super().__init__()
        self._secret = secret
        self.messages: dict[str, dict[str, Any]] = {}
        """What was taken, by its id: a repeat changes nothing."""

    @property
    def url(self) -> str:
        return f"{self.address}/hooks/t0ken-in-the-path"

    def take(self, call: Call) -> tuple[Answer, bool]:
        try:
            if self._secret:
                Verifier(self._secret).verify(call.raw, dict(call.headers))
        except WebhookVerificationError:
            return Answer(status=401), False
        self.messages[call.headers["webhook-id"]] = call.body
        return Answer(status=204), True
