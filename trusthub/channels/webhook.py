"""Webhooks: a message as JSON to an address of your own, signed by Standard Webhooks (https://www.standardwebhooks.com).

README.md beside this file is the contract; VERSION changes when a receiver has to.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from standardwebhooks import Webhook as Signer

from trusthub.channels import retry_after
from trusthub.channels.base import Outbound, Receipt
from trusthub.channels.http import Answer, Door, HttpError
from trusthub.domain.destination import Destination
from trusthub.errors import DeliveryError

VERSION = 1
_UNKNOWN = "site.yaml does not name this webhook any more."
_SIGNED = "Does it know the secret of site.yaml?"
CURES: Mapping[int, str] = {
    400: "It cannot read the message.",
    401: f"It does not accept the signature. {_SIGNED}",
    403: f"It forbids the message. {_SIGNED}",
    404: "Nothing is at this address. Correct it in site.yaml.",
    405: "It takes no POST. Correct the address in site.yaml.",
    410: "It asks for no more messages. Take the webhook out of site.yaml.",
    413: "The message is too large for it.",
    415: "It takes no JSON. Correct the address in site.yaml.",
    422: "It cannot read the message.",
}
"""What no retry can help. Other refusals in the 400s are tried again: 408, 409, 423, 425 and the like pass."""


class Webhook:
    """Posts to the addresses of site.yaml, each by the name that its lane has."""

    def __init__(self, destinations: Mapping[str, Destination], door: Door) -> None:
        """`destinations` are those of site.yaml by lane."""
        self._destinations, self._door = destinations, door

    def send(self, outbound: Outbound) -> Receipt:
        """Post the message. Any answer in the 200s means that it was taken."""
        place = self._destinations.get(f"webhook:{outbound.to}")
        if place is None or place.webhook is None:
            raise DeliveryError(_UNKNOWN, permanent=True)
        body, key = _body(outbound), message_id(outbound.key)
        try:
            answer = self._door.post(place.webhook, body.encode(), _headers(key, body, place.secret))
        except HttpError as error:
            failure = _unanswered(error)
        else:
            if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
                return Receipt(ref=key, status=answer.status)
            failure = _refusal(answer)
        raise failure


def message_id(key: str) -> str:
    """Return the `webhook-id` of a message, which is the same whenever it is sent: receivers drop repeats by it."""
    return f"msg_{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def _body(outbound: Outbound) -> str:
    """`timestamp` is when it happened, not when it is sent: a repeat has the same body."""
    contract = {
        "type": outbound.arguments.get("moment", ""),
        "timestamp": outbound.data.get("at"),
        "version": VERSION,
        "data": {
            **{name: value for name, value in outbound.data.items() if name != "at"},
            "subject": outbound.subject,
            "text": outbound.text,
            "html": outbound.html,
            "links": [{"label": button.label, "url": button.url} for button in outbound.buttons],
        },
    }
    return json.dumps(contract, ensure_ascii=False)


def _headers(key: str, body: str, secrets: tuple[str, ...]) -> dict[str, str]:
    now = datetime.now(UTC)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "trusthub",
        "Idempotency-Key": key,
        "webhook-id": key,
        "webhook-timestamp": str(int(now.timestamp())),
    }
    # While a secret is being changed there are two, and a signature by each: the receiver knows one of them.
    signatures = " ".join(Signer(secret).sign(key, now, body) for secret in secrets)
    return headers | ({"webhook-signature": signatures} if signatures else {})


def _unanswered(error: HttpError) -> DeliveryError:
    if error.forbidden:
        return DeliveryError(f"The webhook was not asked. {error}", permanent=True)
    if error.sent:
        return DeliveryError(f"The webhook got the message, and no answer came: {error}.", ambiguous=True)
    return DeliveryError(f"The webhook cannot be reached: {error}.")


def _refusal(answer: Answer) -> DeliveryError:
    status, wait = answer.status, retry_after.seconds(answer.headers, datetime.now(UTC))
    if status in CURES:
        return DeliveryError(f"The webhook answered {status}. {CURES[status]}", permanent=True, status=status)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return DeliveryError("The webhook asks for fewer messages.", retry_after=wait, status=status)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        text = f"The webhook answered {status}, and points elsewhere. Put its new address into site.yaml."
        return DeliveryError(text, status=status)
    # 503 says by itself that nothing was done (RFC 9110, 15.6.4).
    unclear = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.SERVICE_UNAVAILABLE
    text = f"The webhook answered {status}.{' It may have taken the message.' if unclear else ''}"
    return DeliveryError(text, retry_after=wait, status=status, ambiguous=unclear)
