"""A hub on a database of its own, which is thrown away, with a clock that somebody moves."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from trusthub.services import sync, timers
from trusthub.services.hub import Hub
from trusthub.services.site import Configuration
from trusthub.services.tokens import Tokens
from trusthub.store import migrate
from trusthub.store.session import Database


@dataclass(slots=True)
class Clock:
    """Stands still until it is moved."""

    now: datetime

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@contextmanager
def scratch(configuration: Configuration, base_url: str, clock: Clock) -> Iterator[Hub]:
    """Lend a hub with a configuration that knows nothing yet, and speaks to nobody."""
    with TemporaryDirectory(prefix="trusthub-") as folder:
        database = Database(f"sqlite:///{Path(folder)}/hub.db", durable=False)
        made = Hub(database, configuration, Tokens(secrets.token_urlsafe()), base_url, clock)
        try:
            migrate.upgrade(made.database)
            sync.sync(made, clock.now)
            yield made
        finally:
            made.database.close()


def next_due(hub: Hub) -> datetime | None:
    """Return when the next timer of a hub is due."""
    with hub.database.reading() as session:
        return timers.next_due(session)
