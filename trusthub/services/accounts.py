"""Accounts of those who work here, their roles, and the browsers in which they are signed in."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlmodel import Session, col

from trusthub.domain.role import Role, effective
from trusthub.domain.roles import Roles
from trusthub.services.acts import Act, StaffError, audit_row
from trusthub.services.hub import Hub
from trusthub.store.tables import StaffSession, User

IDLE = timedelta(hours=12)
"""A session that nobody used for so long is over."""
LONGEST = timedelta(days=7)
"""A session is over after this, however much it is used."""
_GLANCE = timedelta(minutes=5)
"""How exactly the last use is kept: not every page should write."""


def digest(secret: str) -> str:
    """Return what is kept of a random secret of 256 bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def roles_of(given: Roles, email: str, kept: list[str]) -> frozenset[Role]:
    """Return what somebody may do: what their account says, and what site.yaml gives their address besides.

    site.yaml has to name publishers with their Slack ids, so that playbooks can be checked without a database; nobody
    has to say the same twice.
    """
    by_site = [role for role in (Role.PUBLISHER, Role.LEGAL) if given.holds(role, email)]
    return effective([*kept, *by_site])


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who works here, as Slack knows them."""

    email: str
    name: str
    """As customers read it; empty for who has no account."""
    roles: frozenset[Role]


def of_member(session: Session, hub: Hub, member: str) -> Colleague | None:
    """Return who has a member id in Slack: by their account, else as site.yaml has it; None for everybody else.

    An account that may not sign in may do nothing in Slack either.
    """
    given = hub.configuration.site.roles
    email = given.address_of(member)
    mine = (col(User.slack) == member) | ((col(User.email) == email.lower()) & col(User.slack).is_(None))
    row = session.execute(select(User).where(mine).order_by(col(User.slack).is_(None))).scalars().first()
    if not member or (row is None and not email) or (row is not None and not row.active):
        return None
    if row is None:
        return Colleague(email, "", roles_of(given, email, []))
    return Colleague(row.email, row.name, roles_of(given, row.email, row.roles))


def set_member(session: Session, *, email: str, member: str | None, now: datetime) -> None:
    """Say who somebody is in Slack; None for nobody. Raises StaffError when that cannot be."""
    row = session.execute(select(User).where(col(User.email) == email.lower())).scalar()
    if row is None:
        raise StaffError(f"There is no account {email}.")
    taken = session.execute(select(User).where(col(User.slack) == member, col(User.id) != row.id)).scalar()
    if member is not None and taken is not None:
        raise StaffError(f"{member} is {taken.email}.")
    audit_row(session, Act(actor="command line", now=now), "account", f"staff:{row.id}", f"slack: {member or 'nobody'}")
    row.slack = member


def save(
    session: Session, *, email: str, name: str, hashed: str, roles: tuple[Role, ...] | None, now: datetime
) -> list[str]:
    """Make or change an account, and return its roles. `hashed` is the password's argon2 hash.

    The first account is an admin, a later one a viewer unless `roles` say more; a known one keeps its roles without
    `roles`. Whoever was signed in with the old password is signed out.
    """
    row = session.execute(select(User).where(col(User.email) == email.lower())).scalar()
    first = session.execute(select(col(User.id)).limit(1)).first() is None
    if row is None:
        row = User(email=email.lower(), name=name, password="", roles=[Role.VIEWER], created_at=now)
    if roles is not None:
        row.roles = sorted(set(roles))
    if first:
        row.roles = [Role.ADMIN]
    row.name, row.password, row.active = name, hashed, True
    session.add(row)
    session.flush()
    act = Act(actor="command line", now=now)
    audit_row(session, act, "account", f"staff:{row.id}", f"roles: {', '.join(row.roles)}")
    end_all(session, row.id, now)
    return row.roles


def begin(hub: Hub, user_id: int, agent: str) -> str:
    """Sign somebody in: return the secret that their cookie keeps."""
    secret, now = secrets.token_urlsafe(32), hub.clock()
    with hub.database.transaction(quiet=True) as session:
        row = StaffSession(user_id=user_id, digest=digest(secret), agent=agent[:200], created_at=now, seen_at=now)
        session.add(row)
    return secret


def current(hub: Hub, secret: str) -> tuple[StaffSession, User] | None:
    """Return the session and account of a cookie; None when it is over, ended, or the account may not sign in."""
    now = hub.clock()
    query = select(StaffSession, User).join(User, col(User.id) == col(StaffSession.user_id))
    with hub.database.reading() as session:
        found = session.execute(query.where(col(StaffSession.digest) == digest(secret))).first()
    if found is None or not found[1].active or not _lives(found[0], now):
        return None
    row, user = found
    if now - row.seen_at > _GLANCE:
        with hub.database.transaction(quiet=True) as session:
            session.execute(update(StaffSession).where(col(StaffSession.id) == row.id).values(seen_at=now))
    return row, user


def living(session: Session, now: datetime, user_id: int | None = None) -> list[tuple[StaffSession, User]]:
    """Return the sessions that are not over, of everybody or of one, the latest used first."""
    query = select(StaffSession, User).join(User, col(User.id) == col(StaffSession.user_id))
    query = query.where(col(StaffSession.ended_at).is_(None), col(StaffSession.seen_at) > now - IDLE)
    if user_id is not None:
        query = query.where(col(StaffSession.user_id) == user_id)
    rows = session.execute(query.order_by(col(StaffSession.seen_at).desc(), col(StaffSession.id).desc())).all()
    return [(row, user) for row, user in rows if _lives(row, now)]


def end(hub: Hub, public_id: str, act: Act, *, only_of: int | None) -> None:
    """End a session; `only_of` whom, unless an admin asks. Raises StaffError when there is none such."""
    with hub.database.transaction(quiet=True) as session:
        row = session.execute(select(StaffSession).where(col(StaffSession.public_id) == public_id)).scalar()
        if row is None or row.ended_at is not None or only_of not in {None, row.user_id}:
            raise StaffError("There is no such session. It may have ended.")
        row.ended_at = act.now
        audit_row(session, act, "end session", f"staff:{row.user_id}", public_id)


def change_password(hub: Hub, user_id: int, hashed: str, act: Act, *, keep: int) -> None:
    """Set a new password, and end all sessions but the one in which it was set, `keep`."""
    with hub.database.transaction(quiet=True) as session:
        session.get_one(User, user_id).password = hashed
        audit_row(session, act, "new password", f"staff:{user_id}")
        end_all(session, user_id, act.now, but=keep)


def end_all(session: Session, user_id: int, now: datetime, but: int = 0) -> None:
    """End all sessions of somebody, but one."""
    mine = (col(StaffSession.user_id) == user_id, col(StaffSession.ended_at).is_(None), col(StaffSession.id) != but)
    session.execute(update(StaffSession).where(*mine).values(ended_at=now))


def _lives(row: StaffSession, now: datetime) -> bool:
    return row.ended_at is None and now - row.seen_at <= IDLE and now - row.created_at <= LONGEST
