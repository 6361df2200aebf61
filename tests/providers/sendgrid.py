"""SendGrid's mail/send, with the rules that its documentation gives.

Where TRUSTHUB_REFERENCE names a folder with SendGrid's own description (tsg_mail_v3.json), each request must fit that
too. Without it, only the rules that are written here are checked.
"""

import itertools
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from tests.providers.http import Answer, Call, HttpProvider

# https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send: these may not be overridden.
OWN_HEADERS = {"x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"}
OWN_HEADERS |= {"to", "from", "subject", "reply-to", "cc", "bcc"}

MOST, LARGEST = 1000, 10_000
"""Personalizations of a request; bytes of the substitutions, and of the custom arguments, of one."""


@cache
def description() -> dict[str, Any] | None:
    """Return the schema of a request as SendGrid publishes it, or None where it is not at hand."""
    folder = os.environ.get("TRUSTHUB_REFERENCE")
    file = next(Path(folder).rglob("tsg_mail_v3.json"), None) if folder else None
    if file is None:
        return None
    document = json.loads(file.read_text(encoding="utf-8"))
    body = document["components"]["requestBodies"]["PostMailSend"]["content"]["application/json"]["schema"]
    return {"components": document["components"], **body}


def read(body: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Yield what each recipient of a request reads, with their own values in it."""
    for person in body["personalizations"]:
        mail = {part["type"]: part["value"] for part in body["content"]}
        mail |= {"reply_to": body["reply_to"]["email"]} if "reply_to" in body else {}
        for tag, value in person.get("substitutions", {}).items():
            mail = {kind: words.replace(tag, value) for kind, words in mail.items()}
        subject = person.get("subject") or body["subject"]
        yield {"to": person["to"][0]["email"], "subject": subject, **mail, **person.get("headers", {})}


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
        if problem := _problem(call.body) or _misfit(call.body):
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
        "No custom arg may be an address: SendGrid's staff read them.": any("@" in str(value) for value in arguments),
        "There is a limit of 1000 personalizations per request.": len(envelopes) > MOST,
        "Each personalization is for one recipient, who sees no other.": not all(
            len(e["to"]) == 1 and not e.get("cc") and not e.get("bcc") for e in envelopes
        ),
        "Substitutions are at most 10000 bytes per personalization.": any(
            len(json.dumps(e.get("substitutions", {}))) > LARGEST for e in envelopes
        ),
        "Nobody is tracked.": any(
            body.get("tracking_settings", {}).get(f"{kind}_tracking") is None
            or any(body["tracking_settings"][f"{kind}_tracking"].values())
            for kind in ("click", "open", "subscription")
        ),
    }
    return next((problem for problem, present in checks.items() if present), None)


def _misfit(body: dict[str, Any]) -> str | None:
    """Say where a request differs from SendGrid's description: in a kind, or by a name that is not in it."""
    schema = description()
    if schema is None:
        return None
    try:
        jsonschema.Draft202012Validator(schema).validate(body)
    except jsonschema.ValidationError as error:
        return f"{error.json_path}: {error.message}"
    people = set(schema["properties"]["personalizations"]["items"]["properties"])
    strange = set(body) - set(schema["properties"])
    strange |= {name for person in body["personalizations"] for name in person} - people
    return f"SendGrid has no {min(strange)}." if strange else None
