"""Staff sign in with an address and a password; the session is a signed cookie."""

from dataclasses import dataclass
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from flask import Flask, abort
from flask_login import LoginManager, UserMixin, current_user
from sqlalchemy import select
from sqlmodel import col

from trusthub.services.hub import Hub
from trusthub.store.tables import User

_HASHER = PasswordHasher()
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$POuMiydOAjxGWpUfuf6iTw$7wN9ZVfXw8/0MIks6fNS4yxzIPr612+fQfZteZUBs8A"
"""Checked when the address is unknown, so that the answer takes as long as for a known one. Nothing has this hash."""


@dataclass(frozen=True, slots=True)
class Staff(UserMixin):  # type: ignore[misc] # flask-login has no types
    """Who is signed in."""

    id: int
    name: str
    email: str

    def get_id(self) -> str:
        """Return what the session keeps."""
        return str(self.id)


def sessions(app: Flask, hub: Hub) -> None:
    """Set up sign-in: cookies only over HTTPS when the hub has it, never readable by scripts."""
    app.config.update(
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=hub.base_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
    )
    manager = LoginManager(app)
    manager.login_view = "console.login"
    manager.login_message = None

    @manager.user_loader  # type: ignore[untyped-decorator] # flask-login has no types
    def _load(user_id: str) -> Staff | None:
        with hub.database.reading() as session:
            row = session.get(User, int(user_id))
        return Staff(row.id, row.name, row.email) if row and row.active else None


def check(hub: Hub, email: str, password: str) -> Staff | None:
    """Return whose address and password these are, or None."""
    with hub.database.reading() as session:
        row = session.execute(select(User).where(col(User.email) == email.lower(), col(User.active).is_(True))).scalar()
    try:
        _HASHER.verify(row.password if row else _NOBODY, password)
    except (VerifyMismatchError, InvalidHashError):
        return None
    return Staff(row.id, row.name, row.email) if row else None


def hashed(password: str) -> str:
    """Return the argon2 hash to keep."""
    return _HASHER.hash(password)


def signed_in() -> Staff:
    """Return who is signed in; a route that calls this has been guarded already."""
    if not current_user.is_authenticated:
        abort(401)
    return Staff(current_user.id, current_user.name, current_user.email)
