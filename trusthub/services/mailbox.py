"""Reading a mailbox by IMAP, beside the worker: a server that hangs must hold up no delivery."""

import threading
from datetime import datetime, timedelta

import structlog

from trusthub.channels import imap, mail_in
from trusthub.channels.imap import Account
from trusthub.errors import DeliveryError, PayloadError
from trusthub.services import inbox
from trusthub.services.hub import Hub

log = structlog.get_logger()

PAUSE = timedelta(seconds=30)
"""Between looks. A customer who answers by mail does not wait for seconds."""


class Mailbox:
    """One mailbox. Several workers may read it: each mail counts once, by its Message-ID."""

    def __init__(self, hub: Hub, account: Account) -> None:
        """Prepare to look."""
        self._hub, self._account = hub, account
        self._looked: datetime | None = None
        self._busy = threading.Lock()

    def watch(self, now: datetime) -> None:
        """Look when it is time to, in a thread of its own, unless the last look still lasts."""
        if (self._looked is None or now - self._looked >= PAUSE) and not self._busy.locked():
            self._looked = now
            threading.Thread(target=self._look_quietly, name="imap", daemon=True).start()

    def look(self) -> int:
        """Take in what is new and return how many mails that were. Raises DeliveryError when it cannot be read."""
        with self._busy:
            return imap.poll(self._account, self._take)

    def _look_quietly(self) -> None:
        try:
            self.look()
        except DeliveryError as error:
            log.warning("imap.failed", error=str(error))
        except Exception:  # what could not be taken stays unread, and is tried again
            log.exception("imap.crashed")

    def _take(self, raw: bytes) -> None:
        try:
            inbox.receive(self._hub, mail_in.message(raw), self._hub.clock())
        except PayloadError as error:  # reading it again would not help
            log.warning("imap.unreadable", error=str(error))
