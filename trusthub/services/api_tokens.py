"""What programs show instead of signing in: scoped, short-lived, kept as a hash, shown once."""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlmodel import Session, col

from trusthub.services.accounts import digest
from trusthub.services.acts import Act, StaffError, audit_row
from trusthub.services.hub import Hub
from trusthub.store.tables import ApiToken

PREFIX = "trusthub_"
"""What each begins with, so that scanners for secrets can find one where it should not be."""
_GLANCE = timedelta(minutes=5)
LONGEST = timedelta(days=366)


def create(session: Session, act: Act, *, name: str, scopes: Collection[str], lasts: timedelta) -> str:
    """Make a token and return it; it is shown never again. Raises StaffError for one that does not end in time."""
    if not name.strip() or not scopes:
        raise StaffError("Give the token a name and at least one scope.")
    if not timedelta() < lasts <= LONGEST:
        raise StaffError(f"A token lasts up to {LONGEST.days} days.")
    secret = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        name=name.strip(),
        digest=digest(secret),
        scopes=sorted(set(scopes)),
        created_by=act.actor,
        created_at=act.now,
        expires_at=act.now + lasts,
    )
    session.add(row)
    session.flush()
    audit_row(session, act, "create token", f"token:{row.public_id}", f"{row.name}: {', '.join(row.scopes)}")
    return secret


def revoke(session: Session, act: Act, public_id: str) -> None:
    """Make a token open nothing from now on. Raises StaffError when there is none such."""
    row = session.execute(select(ApiToken).where(col(ApiToken.public_id) == public_id)).scalar()
    if row is None or row.revoked_at is not None:
        raise StaffError("There is no such token. It may have been revoked.")
    audit_row(session, act, "revoke token", f"token:{row.public_id}")
    row.revoked_at = act.now


def every(session: Session) -> list[ApiToken]:
    """Return all tokens, the newest first."""
    return list(session.execute(select(ApiToken).order_by(col(ApiToken.id).desc())).scalars())


def read(hub: Hub, secret: str, now: datetime) -> ApiToken | None:
    """Return the token that a program showed; None when it opens nothing (any more)."""
    with hub.database.reading() as session:
        row: ApiToken | None = session.execute(select(ApiToken).where(col(ApiToken.digest) == digest(secret))).scalar()
    if row is None or row.revoked_at is not None or row.expires_at <= now:
        return None
    if row.used_at is None or now - row.used_at > _GLANCE:
        with hub.database.transaction(quiet=True) as session:
            session.execute(update(ApiToken).where(col(ApiToken.id) == row.id).values(used_at=now))
    return row
