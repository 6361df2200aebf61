"""SendGrid's mail/send, with the rules that its documentation gives."""

import itertools
from typing import Any

from tests.providers.http import Answer, Call, HttpProvider

# https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send: these may not be overridden.
OWN_HEADERS = {"x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"}
OWN_HEADERS |= {"to", "from", "subject", "reply-to", "cc", "bcc"}


class SendGrid(HttpProvider):
    """TRUSTHUB_SENDGRID_API_URL is `sendgrid.url`; the key is any."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count(1)

    @property
    def url(self) -> str:
        return self.address

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The bodies that were taken."""
        return [call.body for call in self.accepted]

    def take(self, call: Call) -> tuple[Answer, bool]:
        if not call.headers.get("authorization", "").startswith("Bearer "):
            return _error(401, "authorization required")
        if call.path != "/v3/mail/send":
            return _error(404, "not found")
        if problem := _problem(call.body):
            return _error(400, problem)
        return Answer(status=202, headers={"X-Message-Id": f"sendgrid-{next(self._numbers):04}"}), True


def _error(status: int, message: str) -> tuple[Answer, bool]:
    return Answer(status=status, body={"errors": [{"message": message, "field": None, "help": None}]}), False


def _problem(body: dict[str, Any]) -> str | None:
    envelopes = body.get("personalizations", [])
    kinds = [part["type"] for part in body.get("content", [])]
    headers = {name.lower() for envelope in envelopes for name in envelope.get("headers", {})}
    arguments = [value for envelope in envelopes for value in envelope.get("custom_args", {}).values()]
    checks = {
        "The personalizations field is required and must have at least one personalization.": not envelopes,
        "The to array is required for all personalization objects.": not all(e.get("to") for e in envelopes),
        "The from object must be provided for every email send.": not body.get("from", {}).get("email"),
        "The subject is required.": not body.get("subject"),
        "The content value must be a string at least one character in length.": not kinds
        or not all(part["value"] for part in body["content"]),
        "If present, text/plain and text/html may only be provided once, text/plain first.": kinds
        != sorted(set(kinds))[::-1],
        "The header is reserved and cannot be used.": bool(headers & OWN_HEADERS),
        "Custom arg values must be strings.": not all(isinstance(value, str) for value in arguments),
    }
    return next((problem for problem, present in checks.items() if present), None)
