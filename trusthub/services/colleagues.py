"""Whether the people whom playbooks name are colleagues who can sign in, as far as the database can say."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlmodel import col

from trusthub.services.site import Configuration
from trusthub.settings import Settings
from trusthub.store import migrate
from trusthub.store.session import Database
from trusthub.store.tables import User


def strangers(settings: Settings, configuration: Configuration) -> Iterator[tuple[str, str, str]]:
    """Give each approver who could not answer: name of the playbook, the approver, and why not.

    Nothing is given where no playbook asks, and where the database has not been made yet.
    """
    asking = {book.name: book.approval for book in configuration.playbooks if book.approval}
    known = _colleagues(settings) if asking else None
    if known is None:
        return
    roles = configuration.site.roles
    for name, rule in asking.items():
        for approver in rule.approvers:
            mine = [address for address, called in known if approver.lower() == address or approver == called]
            if not mine:
                yield name, approver, "is no colleague. Add them with `trusthub user add`."
            elif not roles.publishes(mine[0]):
                yield name, approver, f"cannot answer: add {mine[0]} to roles.publisher in site.yaml."


def _colleagues(settings: Settings) -> list[tuple[str, str]] | None:
    """Return address and name of everybody who can sign in; None without a database that has them."""
    if settings.sqlite_file is not None and not settings.sqlite_file.exists():
        return None
    database = Database(settings.database_url)
    try:
        if migrate.pending(database):
            return None
        with database.reading() as session:
            rows = session.execute(select(col(User.email), col(User.name)).where(col(User.active).is_(True))).all()
            return [(email, name) for email, name in rows]
    finally:
        database.close()
