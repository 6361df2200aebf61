"""SendGrid: mail through its v3 API, as plain dicts (its own helper classes take seven times as long)."""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from trusthub.channels import mail, retry_after
from trusthub.channels.base import TIMEOUT, Outbound, Receipt
from trusthub.errors import DeliveryError

# At DEBUG it writes every header, the key's among them, and every body.
logging.getLogger("python_http_client.client").disabled = True

_OFF = {"enable": False}
_TRACKING = {"click_tracking": {**_OFF, "enable_text": False}, "open_tracking": _OFF, "subscription_tracking": _OFF}
"""Private links stay as they are, nobody is watched, and our own unsubscribe header is the only one."""

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


class SendGrid:
    """Sends one mail to one address. Needs an API key with the permission Mail Send, and nothing more."""

    def __init__(self, *, api_key: str, api_url: str, sender: mail.Sender, timeout: float = TIMEOUT) -> None:
        """The SDK has no timeout unless each call names one."""
        self._api_key, self._api_url, self._sender, self._timeout = api_key, api_url.rstrip("/"), sender, timeout

    def send(self, outbound: Outbound) -> Receipt:
        """Hand the mail over; whether it reached the mailbox comes later, through the event webhook."""
        body = _body(outbound, self._sender)
        # A client of its own for each call: it is cheap, and it changes its headers while it works.
        client = SendGridAPIClient(self._api_key, host=self._api_url).client
        try:
            answer = client.mail.send.post(request_body=body, timeout=self._timeout)
        except HTTPError as error:
            failure = _refusal(error.status_code, dict(error.headers.items()), error.body)
        except URLError as error:  # urllib's word for: the request could not be finished
            failure = DeliveryError(f"SendGrid cannot be reached: {error.reason}.")
        except (OSError, HTTPException) as error:
            text = f"SendGrid got the mail, and no answer that could be read came back ({type(error).__name__})."
            failure = DeliveryError(text, ambiguous=True)
        else:
            return Receipt(ref=answer.headers.get("X-Message-Id"), status=answer.status_code)
        raise failure  # out here, so that it does not carry the SDK's error


def _body(outbound: Outbound, sender: mail.Sender) -> dict[str, Any]:
    """The request of https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send."""
    content = [("text/plain", outbound.text), ("text/html", outbound.html)]  # in this order, SendGrid insists
    body = {
        "personalizations": [
            {
                "to": [{"email": mail.recipient(outbound.to)}],
                "headers": mail.headers(outbound, sender.domain),
                # They come back with every event. SendGrid's staff can read them: ids only.
                "custom_args": {**outbound.arguments, "trusthub_key": outbound.key},
            }
        ],
        "from": {"email": sender.address} | ({"name": sender.name} if sender.name else {}),
        "subject": mail.subject(outbound),
        "content": [{"type": kind, "value": value} for kind, value in content if value],
        "tracking_settings": _TRACKING,
    }
    return body | ({"reply_to": {"email": mail.recipient(outbound.reply_to)}} if outbound.reply_to else {})


def _refusal(status: int, headers: Mapping[str, str], body: bytes) -> DeliveryError:
    words, wait = _words(body), retry_after.seconds(headers, datetime.now(UTC))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return DeliveryError("SendGrid asks for fewer mails.", retry_after=wait, status=status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        text = f"SendGrid failed (HTTP {status}). It may have taken the mail."
        return DeliveryError(text, retry_after=wait, status=status, ambiguous=True)
    if status == HTTPStatus.UNAUTHORIZED and _NO_CREDITS in words:
        return DeliveryError(f"The SendGrid plan's mails are used up. Upgrade it, or wait.{words}", status=status)
    if status in CURES:
        return DeliveryError(f"{CURES[status]}{words}", permanent=True, status=status)
    text = f"What answered for SendGrid was HTTP {status}. Is TRUSTHUB_SENDGRID_API_URL right?"
    return DeliveryError(text, status=status)


def _words(body: bytes) -> str:
    """Return SendGrid's own reason, which names the field at fault; nothing when the body is not SendGrid's."""
    try:
        reasons = [f"{error.get('field') or 'mail'}: {error['message']}" for error in json.loads(body)["errors"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return f" ({' '.join('; '.join(reasons).split())[:300]})"
