"""SendGrid: mail through its v3 API, as plain dicts (its own helper classes take seven times as long)."""

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPException
from json.encoder import encode_basestring_ascii as quoted
from typing import Any
from urllib.error import URLError

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from trusthub.channels import mail, retry_after
from trusthub.channels.base import PERSONAL, REPLY, TIMEOUT, Envelope, Ledger, Outbound, Receipt
from trusthub.channels.splice import Splice
from trusthub.errors import DeliveryError

# At DEBUG it writes every header, the key's among them, and every body.
logging.getLogger("python_http_client.client").disabled = True

_OFF = {"enable": False}
_TRACKING = {"click_tracking": {**_OFF, "enable_text": False}, "open_tracking": _OFF, "subscription_tracking": _OFF}
"""Private links stay as they are, nobody is watched, and our own unsubscribe header is the only one."""

_JSON = {"Content-Type": "application/json; charset=utf-8"}
"""Not the SDK's own spelling of it: with that it would make JSON of what is JSON already."""
MOST = 1000
"""Recipients in a request; the limit of the same page as `_frame`'s."""
_PLACE = re.compile(r"personalizations\W+(\d+)\b")
"""How SendGrid names a recipient at fault: `personalizations.3.to.0.email`."""

_ANSWER = "-trusthub-answer-"
"""Stands for what REPLY becomes for one reader. SendGrid puts substitutions into `reply_to` too."""
_KEY = "Make a new API key with the permission Mail Send and set TRUSTHUB_SENDGRID_API_KEY."
CURES: Mapping[int, str] = {
    400: "SendGrid cannot read the mail.",
    401: f"SendGrid does not accept the API key. {_KEY}",
    403: f"SendGrid forbids it. Verify the sender of TRUSTHUB_MAIL_FROM under Sender Authentication. Or: {_KEY}",
    404: "No such call: is TRUSTHUB_SENDGRID_API_URL right? It is https://api.sendgrid.com or its EU form.",
    405: "No such call: is TRUSTHUB_SENDGRID_API_URL right? It is https://api.sendgrid.com or its EU form.",
    413: "The mail is too large: 30 MB is SendGrid's limit. Shorten the message's template.",
    451: "The account's data stays in another region. Set TRUSTHUB_SENDGRID_API_URL to https://api.eu.sendgrid.com.",
}
_NO_CREDITS = "credits exceeded"
"""SendGrid answers 401 when the plan's mails are used up: https://github.com/sendgrid/sendgrid-nodejs/issues/1032"""


class _Body(bytes):
    """A request that nobody prints: the SDK makes text of it for its log, even when that is off."""

    def encode(self, _encoding: str) -> bytes:
        """Return it as it is: the SDK would make bytes of a text."""
        return self

    def __format__(self, _form: str) -> str:
        return f"{len(self)} bytes"


class _NamedError(DeliveryError):
    """SendGrid names the recipients for whom it did not take a request."""

    def __init__(self, reasons: Mapping[int, str], status: int) -> None:
        super().__init__("; ".join(reasons.values()), permanent=True, status=status)
        self.reasons = reasons
        """By place in `personalizations`."""


class SendGrid:
    """Sends one mail, or one text to many in one request. Needs an API key with the permission Mail Send, no more."""

    def __init__(self, *, api_key: str, api_url: str, sender: mail.Sender, timeout: float = TIMEOUT) -> None:
        """The SDK has no timeout unless each call names one."""
        self._api_key, self._api_url, self._sender, self._timeout = api_key, api_url.rstrip("/"), sender, timeout

    def send(self, outbound: Outbound) -> Receipt:
        """Hand the mail over; whether it reached the mailbox comes later, through the event webhook."""
        headers = mail.headers(outbound, self._sender.domain)
        person = _person(mail.recipient(outbound.to), headers, outbound.arguments)
        return self._post(_frame(outbound, mail.of(outbound, self._sender)), [json.dumps(person)])

    def send_many(self, outbound: Outbound, envelopes: Sequence[Envelope], ledger: Ledger) -> Receipt:
        """Hand the mail over, each recipient in a personalization of their own.

        SendGrid takes a request whole or not at all; when it names recipients at fault, the others go without them.
        """
        frame, person = _frame(outbound, mail.of(outbound, self._sender)), _personal(outbound, self._sender)
        receipt, left = Receipt(), list(envelopes)
        while left:
            now, left = left[:MOST], left[MOST:]
            try:
                receipt = self._post(frame, [person(each) for each in now])
            except _NamedError as error:
                for place, why in error.reasons.items():
                    ledger.refused([now[place]], why)
                left = [each for place, each in enumerate(now) if place not in error.reasons] + left
            else:
                ledger.taken(now, receipt.ref)
        return receipt

    def _post(self, frame: str, people: list[str]) -> Receipt:
        # A client of its own for each call: it is cheap, and it changes its headers while it works.
        client = SendGridAPIClient(self._api_key, host=self._api_url).client
        body = _Body(f'{{"personalizations": [{", ".join(people)}], {frame[1:]}'.encode("ascii"))
        try:
            answer = client.mail.send.post(request_body=body, request_headers=_JSON, timeout=self._timeout)
        except HTTPError as error:
            failure = _refusal(error.status_code, dict(error.headers.items()), error.body, len(people))
        except URLError as error:  # urllib's word for: the request could not be finished
            failure = DeliveryError(f"SendGrid cannot be reached: {error.reason}.")
        except (OSError, HTTPException) as error:
            text = f"SendGrid got the mail, and no answer that could be read came back ({type(error).__name__})."
            failure = DeliveryError(text, ambiguous=True)
        else:
            return Receipt(ref=answer.headers.get("X-Message-Id"), status=answer.status_code)
        raise failure  # out here, so that it does not carry the SDK's error


def _frame(outbound: Outbound, sender: mail.Sender) -> str:
    """Return a request, as JSON, without its recipients.

    https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
    """
    content = [("text/plain", outbound.text), ("text/html", outbound.html)]  # in this order, SendGrid insists
    body = {
        "from": {"email": sender.address} | ({"name": sender.name} if sender.name else {}),
        "subject": mail.subject(outbound),
        "content": [{"type": kind, "value": value} for kind, value in content if value],
        "tracking_settings": _TRACKING,
    }
    body |= {"reply_to": {"email": mail.recipient(outbound.reply_to)}} if outbound.reply_to else {}
    return json.dumps(body)


def _person(address: str, headers: Mapping[str, str], arguments: Mapping[str, str]) -> dict[str, Any]:
    # The arguments come back with every event. SendGrid's staff can read them: ids only.
    return {"to": [{"email": address}], "headers": headers, "custom_args": arguments}


def _personal(outbound: Outbound, sender: mail.Sender) -> Callable[[Envelope], str]:
    """Return what makes a personalization, as JSON, of a recipient."""
    arguments = {**outbound.arguments, "recipient": mail.RECIPIENT}
    person = _person(mail.ADDRESS, mail.personal(outbound, sender.domain), arguments)
    answers = {REPLY: _ANSWER} if REPLY in (outbound.reply_to or "") else {}
    text = json.dumps({**person, "substitutions": {PERSONAL: mail.TOKEN, **answers}})
    splice = Splice(text, json.dumps(mail.ADDRESS), mail.RECIPIENT, mail.TOKEN, _ANSWER)

    def make(envelope: Envelope) -> str:
        number, address, token, reply = envelope
        return splice.fill(quoted(address), str(number), token, reply)

    return make


def _refusal(status: int, headers: Mapping[str, str], body: bytes, people: int) -> DeliveryError:
    words, wait = _words(body), retry_after.seconds(headers, datetime.now(UTC))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return DeliveryError("SendGrid asks for fewer mails.", retry_after=wait, status=status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        text = f"SendGrid failed (HTTP {status}). It may have taken the mail."
        return DeliveryError(text, retry_after=wait, status=status, ambiguous=True)
    if status == HTTPStatus.UNAUTHORIZED and _NO_CREDITS in words:
        return DeliveryError(f"The SendGrid plan's mails are used up. Upgrade it, or wait.{words}", status=status)
    if status == HTTPStatus.BAD_REQUEST and people > 1 and (named := _named(body, people)):
        return _NamedError(named, status)
    if status in CURES:
        return DeliveryError(f"{CURES[status]}{words}", permanent=True, status=status)
    text = f"What answered for SendGrid was HTTP {status}. Is TRUSTHUB_SENDGRID_API_URL right?"
    return DeliveryError(text, status=status)


def _words(body: bytes) -> str:
    """Return SendGrid's own reason, which names the field at fault; nothing when the body is not SendGrid's."""
    reasons = "; ".join(f"{field}: {message}" for field, message in _reasons(body))
    return f" ({' '.join(reasons.split())[:300]})" if reasons else ""


def _named(body: bytes, people: int) -> dict[int, str]:
    """Return why SendGrid refuses which recipients, by their place, as far as it names any."""
    found = ((_PLACE.match(field), message) for field, message in _reasons(body))
    named = {int(place[1]): message for place, message in found if place}
    return {place: message for place, message in named.items() if place < people}


def _reasons(body: bytes) -> list[tuple[str, str]]:
    """Return field and message of each error; none when the body is not SendGrid's."""
    try:
        return [(str(error.get("field") or "mail"), error["message"]) for error in json.loads(body)["errors"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
