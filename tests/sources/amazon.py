"""Signs envelopes as Amazon SNS does, with a key and a certificate of our own."""

import base64
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.sources.replay import RECEIVED


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def certificate(*, begins: datetime = RECEIVED - timedelta(days=1), elliptic: bool = False) -> bytes:
    """Return a certificate for our key, or for one of another kind, as SNS has it at SigningCertURL."""
    signer = ec.generate_private_key(ec.SECP256R1()) if elliptic else key()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=signer.public_key(),
        serial_number=7,
        not_valid_before=begins,
        not_valid_after=begins + timedelta(days=30),
    ).sign(signer, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


def canonical(envelope: dict[str, Any]) -> bytes:
    """Return what is signed, written from Amazon's description and not from our code."""
    if envelope["Type"] == "Notification":
        names = ["Message", "MessageId", *(["Subject"] if envelope.get("Subject") is not None else [])]
    else:
        names = ["Message", "MessageId", "SubscribeURL"]
    names += ["Timestamp", *(["Token"] if envelope["Type"] != "Notification" else []), "TopicArn", "Type"]
    return "".join(f"{name}\n{envelope[name]}\n" for name in names).encode()


def signed(envelope: dict[str, Any], version: str = "1") -> dict[str, Any]:
    algorithm: hashes.HashAlgorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303 -- version 1
    signature = key().sign(canonical(envelope), padding.PKCS1v15(), algorithm)
    return {**envelope, "SignatureVersion": version, "Signature": base64.b64encode(signature).decode()}
