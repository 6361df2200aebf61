"""Staff sign in with an address and a password. The cookie has a secret, and the session itself is a row."""

from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from flask import Flask, abort, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user
from limits import RateLimitItemPerHour
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import select
from sqlmodel import col

from trusthub.domain.role import Role
from trusthub.services import accounts
from trusthub.services.hub import Hub
from trusthub.store.tables import User

_HASHER = PasswordHasher()
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$POuMiydOAjxGWpUfuf6iTw$7wN9ZVfXw8/0MIks6fNS4yxzIPr612+fQfZteZUBs8A"
"""Checked when the address is unknown, so that the answer takes as long as for a known one. Nothing has this hash."""
_GUESSES = RateLimitItemPerHour(20)
"""Wrong passwords for one address, from wherever they come. An unknown one counts alike, and so gives nothing away."""
_HALF = "half way"
_HALF_WAY = 300
"""Seconds in which the second factor must follow the password."""
SHORTEST_PASSWORD = 8
"""Characters (NIST SP 800-63B, 5.1.1.2)."""


@dataclass(frozen=True, slots=True)
class Staff(UserMixin):  # type: ignore[misc] # flask-login has no types
    """Who is signed in."""

    id: int
    name: str
    email: str
    roles: frozenset[Role]
    session_id: int
    session_name: str
    """The session's public id."""
    secret: str
    second: bool = False
    """Whether they have a second factor."""
    outside: bool = False
    """Whether only the identity provider lets them in, which then looks after their second factor."""

    def get_id(self) -> str:
        """Return what the cookie keeps."""
        return self.secret


class Guesses:
    """Counts wrong passwords in memory, by each process."""

    def __init__(self) -> None:
        self._windows = MovingWindowRateLimiter(MemoryStorage())

    def too_many(self, email: str) -> bool:
        """Whether an address has had its share."""
        return not self._windows.test(_GUESSES, email.lower())

    def wrong(self, email: str) -> None:
        """Count one."""
        self._windows.hit(_GUESSES, email.lower())

    def right(self, email: str) -> None:
        """Forget what was counted."""
        self._windows.clear(_GUESSES, email.lower())


def sessions(app: Flask, hub: Hub) -> None:
    """Set up sign-in: cookies only over HTTPS when the hub has it, never readable by scripts."""
    app.config.update(
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=hub.base_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=accounts.LONGEST,
    )
    manager = LoginManager(app)
    manager.login_view = "console.login"
    manager.login_message = None

    @manager.user_loader  # type: ignore[untyped-decorator] # flask-login has no types
    def _load(secret: str) -> Staff | None:
        found = accounts.current(hub, secret)
        if found is None:
            return None
        row, user = found
        roles = accounts.roles_of(hub.configuration.site.roles, user.email, user.roles)
        return Staff(
            user.id,
            user.name,
            user.email,
            roles,
            row.id,
            row.public_id,
            secret,
            bool(user.totp_sealed),
            not user.password,
        )


def check(hub: Hub, email: str, password: str) -> User | None:
    """Return whose address and password these are, or None."""
    with hub.database.reading() as reading:
        row: User | None = reading.execute(
            select(User).where(col(User.email) == email.lower(), col(User.active).is_(True))
        ).scalar()
    try:
        _HASHER.verify((row and row.password) or _NOBODY, password)  # who comes from a provider has none
    except (VerifyMismatchError, InvalidHashError):
        return None
    return row


def enter(hub: Hub, user: User) -> None:
    """Sign somebody in, in a session that nobody could have known before."""
    session.clear()
    secret = accounts.begin(hub, user.id, request.user_agent.string)
    login_user(Staff(user.id, user.name, user.email, frozenset(), 0, "", secret))


def half_way(hub: Hub, user: User, to: str) -> None:
    """Note in the cookie, which is signed, that somebody gave the right password, and where they want to go."""
    session.clear()
    session[_HALF] = {"user": user.id, "at": hub.clock().timestamp(), "of": _password_mark(user), "to": to}


def who_is_half_way(hub: Hub) -> tuple[User, str] | None:
    """Return who gave their password within the last minutes, and where they want to go; None when nobody did."""
    noted = session.get(_HALF)
    if not noted or hub.clock().timestamp() - noted["at"] > _HALF_WAY:
        return None
    with hub.database.reading() as reading:
        user: User | None = reading.get(User, noted["user"])
    if user is None or not user.active or _password_mark(user) != noted["of"]:
        return None
    return user, noted["to"]


def _password_mark(user: User) -> str:
    """Return what changes when the password or the second factor does."""
    return accounts.digest(f"{user.password} {user.totp_sealed}")[:16]


def hashed(password: str) -> str:
    """Return the argon2 hash to keep."""
    return _HASHER.hash(password)


def signed_in() -> Staff:
    """Return who is signed in; a route that calls this has been guarded already."""
    if not current_user.is_authenticated:
        abort(401)
    staff: Staff = current_user._get_current_object()  # noqa: SLF001 -- flask-login's own way
    return staff
