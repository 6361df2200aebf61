"""A second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for whoever lost theirs.

The app's secret is encrypted with a key made from TRUSTHUB_SECRET_KEY: who reads the database alone can make no codes.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import update
from sqlmodel import Session, col

from trusthub.services.accounts import digest, end_all
from trusthub.services.acts import Act, StaffError, audit_row
from trusthub.services.hub import Hub
from trusthub.store.tables import User

RECOVERY = 10
"""Codes that somebody gets, each for one use."""
_SLACK = 1
"""Half minutes by which a phone's clock may be off, either way (RFC 6238, 5.2)."""
ROTATED = (
    "The hub's secret key has changed since you set up your authenticator, so its codes cannot be checked any more. "
    "Use a recovery code, or ask an admin to reset your second factor; then set it up anew."
)


@dataclass(frozen=True, slots=True)
class Fresh:
    """A secret that is nobody's yet: sealed for the form that brings it back, and as what an app reads."""

    sealed: str
    secret: str
    uri: str


def fresh(hub: Hub, user_id: int, email: str) -> Fresh:
    """Make a secret for somebody, kept nowhere until they show that their app has it."""
    secret = pyotp.random_base32()
    return Fresh(_seal(hub, user_id, secret), secret, _uri(hub, secret, email))


def again(hub: Hub, user_id: int, email: str, sealed: str) -> Fresh | None:
    """Return the secret of a form that comes back; None when it was not made for them."""
    secret = _open(hub, user_id, sealed)
    return Fresh(sealed, secret, _uri(hub, secret, email)) if secret else None


def enrol(hub: Hub, user_id: int, sealed: str, code: str, act: Act, *, keep: int) -> list[str]:
    """Turn the second factor on, end the other sessions than `keep`, and return the recovery codes, shown only now.

    Raises StaffError when there is one already, or when the code is not the app's.
    """
    secret = _open(hub, user_id, sealed)
    step = _step(secret, code, hub) if secret else None
    if step is None:
        raise StaffError("This code is not right. Wait for the next one; if it fails again, check the phone's clock.")
    codes = [f"{secrets.token_hex(3)}-{secrets.token_hex(3)}-{secrets.token_hex(3)}" for _ in range(RECOVERY)]
    with hub.database.transaction(quiet=True) as session:
        user = session.get_one(User, user_id)
        if user.totp_sealed:
            raise StaffError("There is a second factor already. Remove it first.")
        user.totp_sealed, user.totp_step, user.recovery = sealed, step, [digest(code) for code in codes]
        audit_row(session, act, "second factor", f"staff:{user_id}", "set up")
        end_all(session, user_id, act.now, but=keep)
    return codes


def remove(session: Session, user: User, act: Act) -> None:
    """Take somebody's second factor away."""
    user.totp_sealed, user.totp_step, user.recovery = "", 0, []
    audit_row(session, act, "second factor", f"staff:{user.id}", "removed")


def passes(hub: Hub, user: User, given: str) -> bool:
    """Whether `given` is a code of their app or a recovery code, and use it up: it never passes again.

    Raises StaffError with ROTATED when it is no recovery code and the app's secret cannot be read any more.
    """
    code = "".join(given.split()).lower()
    if digest(code) in user.recovery:
        return _use_recovery(hub, user.id, digest(code))
    secret = _open(hub, user.id, user.totp_sealed)
    if secret is None:
        raise StaffError(ROTATED)
    step = _step(secret, code, hub)
    if step is None:
        return False
    newer = (col(User.id) == user.id, col(User.totp_step) < step, col(User.totp_sealed) == user.totp_sealed)
    with hub.database.transaction(quiet=True) as session:
        return bool(session.execute(update(User).where(*newer).values(totp_step=step)).rowcount)  # type: ignore[attr-defined]


def _use_recovery(hub: Hub, user_id: int, hashed: str) -> bool:
    with hub.database.transaction(quiet=True) as session:
        user = session.get_one(User, user_id, with_for_update=True)
        if hashed not in user.recovery:
            return False  # somebody was faster
        user.recovery = [each for each in user.recovery if each != hashed]
        act = Act(actor=user.name, now=hub.clock())
        audit_row(session, act, "recovery code", f"staff:{user_id}", f"{len(user.recovery)} left")
    return True


def _step(secret: str, code: str, hub: Hub) -> int | None:
    """Return the half minute that a code is of, or None."""
    app = pyotp.TOTP(secret)
    now, given, found = app.timecode(hub.clock()), "".join(code.split()), None
    for step in range(now - _SLACK, now + _SLACK + 1):
        if hmac.compare_digest(app.generate_otp(step).encode(), given.encode()):
            found = step
    return found


def _uri(hub: Hub, secret: str, email: str) -> str:
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=hub.page.name)


def _seal(hub: Hub, user_id: int, secret: str) -> str:
    return _box(hub).encrypt(f"{user_id}:{secret}".encode()).decode()


def _open(hub: Hub, user_id: int, sealed: str) -> str | None:
    try:
        whose, _, secret = _box(hub).decrypt(sealed.encode()).decode().partition(":")
    except InvalidToken:
        return None
    return secret if whose == str(user_id) else None


def _box(hub: Hub) -> Fernet:
    key = HKDF(SHA256(), 32, salt=None, info=b"trusthub second factor").derive(hub.tokens.secret.encode())
    return Fernet(urlsafe_b64encode(key))
