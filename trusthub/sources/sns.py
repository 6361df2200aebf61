"""Amazon SNS over HTTPS: what it puts around a message, and how it signs that.

See https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html and
https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html.
"""

import re
from base64 import b64decode, b64encode
from datetime import timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from trusthub.errors import PayloadError, SignatureError
from trusthub.sources.base import Inbound, Payload, fresh

SUBSCRIPTION = "SubscriptionConfirmation"
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
"""Which members a signature is over, in this order, by the type of the envelope."""
CONFIRMATIONS = frozenset(SIGNED) - {"Notification"}
HASHES: dict[str, hashes.HashAlgorithm] = {
    "1": hashes.SHA1(),  # noqa: S303 -- what every topic signs with until its owner sets SignatureVersion to 2
    "2": hashes.SHA256(),
}
LIFETIME = timedelta(minutes=65)
"""SNS repeats a message for an hour at most, with its first time in it. The rest is for clocks."""
_HOST = r"https://sns\.[a-z]{2,4}(-[a-z]+)+-\d{1,2}\.amazonaws\.com(\.cn)?"
"""With the name of a region: `sns.s3.amazonaws.com` is a bucket, and a bucket can be anybody's."""
_CERTIFICATE = re.compile(rf"{_HOST}/[\w.-]+\.pem", re.ASCII)
_SUBSCRIBE = re.compile(rf"{_HOST}/\?Action=ConfirmSubscription&[\w.~%:&=+-]+", re.ASCII)
_KEPT = 8
"""Certificates. Amazon has one in each region, for years."""


class Certificates:
    """The certificates that SNS signs with, each fetched once."""

    def __init__(self) -> None:
        self._known: dict[str, x509.Certificate] = {}

    def get(self, url: str, inbound: Inbound) -> x509.Certificate:
        """Return the certificate at `url`, which must be Amazon's. Raises SignatureError, and what `fetch` raises."""
        if not _CERTIFICATE.fullmatch(url):
            message = f"SigningCertURL is no address of Amazon SNS: {url:.200}"
            raise SignatureError(message)
        if url not in self._known:
            try:
                found = x509.load_pem_x509_certificate(inbound.fetch(url))
            except ValueError as error:
                message = f"There is no certificate at {url}."
                raise SignatureError(message) from error
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[url] = found
        return self._known[url]


def is_envelope(payload: Payload) -> bool:
    """Whether a body is an envelope of SNS, which must be signed, and not the bare message of another sender."""
    return payload.get("TopicArn") is not None


def verify(envelope: Payload, inbound: Inbound, certificates: Certificates) -> None:
    """Raise SignatureError unless Amazon SNS signed the envelope within the last hour.

    Anybody's topic is signed like that: who the topic belongs to, the signature does not say.
    """
    try:
        fields, algorithm = SIGNED.get(envelope.text("Type")), HASHES.get(envelope.text("SignatureVersion"))
        url, signature = envelope.text("SigningCertURL"), envelope.text("Signature")
        sent_at = envelope.time("Timestamp")
        if fields is None or algorithm is None or sent_at is None:
            raise SignatureError("Type, SignatureVersion or Timestamp is none that Amazon SNS is known to send.")
        signed = _canonical(envelope, fields)
    except PayloadError as error:
        raise SignatureError(str(error)) from error
    fresh(inbound, sent_at, LIFETIME)
    certificate = certificates.get(url, inbound)
    key = certificate.public_key()
    in_force = certificate.not_valid_before_utc <= inbound.received_at <= certificate.not_valid_after_utc
    if not in_force or not isinstance(key, rsa.RSAPublicKey):
        raise SignatureError("The certificate of the signature is out of date, or is not of Amazon's kind.")
    try:
        raw = b64decode(signature, validate=True)
        if b64encode(raw).decode() != signature:  # the last letter has bits that mean nothing (RFC 4648, section 3.5)
            raise SignatureError("The signature in the body is not as Amazon SNS writes it.")
        key.verify(raw, signed, padding.PKCS1v15(), algorithm)
    except (InvalidSignature, ValueError) as error:
        raise SignatureError("The signature in the body does not fit what Amazon SNS signs.") from error


def subscribe_url(envelope: Payload) -> str | None:
    """Return where to confirm a subscription, if the envelope asks for it and the address is Amazon's."""
    url = envelope.hint("SubscribeURL") if envelope.hint("Type") == SUBSCRIPTION else None
    return url if url and _SUBSCRIBE.fullmatch(url) else None


def _canonical(envelope: Payload, fields: tuple[str, ...]) -> bytes:
    said = {name: envelope.get(name) if name == "Subject" else envelope[name] for name in fields}
    return "".join(f"{name}\n{value.text()}\n" for name, value in said.items() if value is not None).encode()
