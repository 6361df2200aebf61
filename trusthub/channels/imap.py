"""IMAP: a mailbox to read customers' answers from, for those who have no provider that posts them."""

import contextlib
import imaplib
import re
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from trusthub.errors import DeliveryError, PlaybookError

_TIMEOUT = 20.0
"""Seconds for each answer of the server."""
_MOST = 50
"""Mails in one look: the worker has other things to do."""
_LARGEST = 34 * 1024 * 1024
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_FORM = "imaps://user:password@host/INBOX"


@dataclass(frozen=True, slots=True)
class Account:
    """One folder on one server."""

    host: str
    port: int
    user: str
    password: str
    folder: str
    secure: bool


def read(url: str) -> Account:
    """Read TRUSTHUB_IMAP_URL. Raises PlaybookError, which does not show it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    secure = parts.scheme == "imaps"
    local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if not (secure or (parts.scheme == "imap" and local)) or not (parts.hostname and parts.username and parts.password):
        hint = "Without TLS (imap://) only a server on this machine is read."
        raise PlaybookError(f"TRUSTHUB_IMAP_URL is not right. Write {_FORM}; % : / @ in it as %25 %3A %2F %40. {hint}")
    folder = unquote(parts.path.lstrip("/")) or "INBOX"
    if not folder.isprintable() or not folder.isascii():
        raise PlaybookError("TRUSTHUB_IMAP_URL names a folder with letters that IMAP cannot take. Use plain letters.")
    name, password = unquote(parts.username), unquote(parts.password)
    return Account(parts.hostname, port or (993 if secure else 143), name, password, folder, secure)


def poll(account: Account, take: Callable[[bytes], None]) -> int:
    """Hand every mail that is not seen to `take`, and mark it as seen only once that has returned. Return how many.

    A crash in between hands the same mail over again. Raises DeliveryError when the server cannot be asked.
    """
    try:
        with contextlib.closing(_Line(account)) as line:
            count = 0
            for uid in line.unseen()[:_MOST]:
                if (raw := line.fetch(uid)) is not None:
                    take(raw)
                    count += 1
                line.seen(uid)
            return count
    except (imaplib.IMAP4.error, OSError, ssl.SSLError) as error:
        raise DeliveryError(f"The mailbox cannot be read: {type(error).__name__}.") from error


class _Line:
    """A connection that has opened the folder."""

    def __init__(self, account: Account) -> None:
        if account.secure:
            context = ssl.create_default_context()
            self._imap: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                account.host, account.port, ssl_context=context, timeout=_TIMEOUT
            )
        else:
            self._imap = imaplib.IMAP4(account.host, account.port, timeout=_TIMEOUT)
        quoted = account.folder.replace("\\", "\\\\").replace('"', '\\"')
        try:
            self._imap.login(account.user, account.password)
            self._ok(self._imap.select(f'"{quoted}"'))
        except BaseException:
            self.close()
            raise

    def unseen(self) -> list[str]:
        """Return the UIDs of what nobody has read, oldest first."""
        (found,) = self._ok(self._imap.uid("SEARCH", "UNSEEN"))
        return found.decode().split() if isinstance(found, bytes) else []

    def fetch(self, uid: str) -> bytes | None:
        """Return a mail without marking it; None when it is too large to be read, or gone."""
        told = self._ok(self._imap.uid("FETCH", uid, "(RFC822.SIZE)"))
        size = _SIZE.search(b" ".join(each for each in told if isinstance(each, bytes)))
        if size is None or int(size[1]) > _LARGEST:
            return None
        found = self._ok(self._imap.uid("FETCH", uid, "(BODY.PEEK[])"))
        return next((bytes(part[1]) for part in found if isinstance(part, tuple)), None)

    def seen(self, uid: str) -> None:
        """Mark a mail as read."""
        self._ok(self._imap.uid("STORE", uid, "+FLAGS", "(\\Seen)"))

    def close(self) -> None:
        """Say goodbye."""
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            self._imap.logout()
        with contextlib.suppress(OSError):
            self._imap.shutdown()

    @staticmethod
    def _ok(answer: tuple[str, Sequence[object]]) -> Sequence[object]:
        kind, found = answer
        if kind != "OK":
            raise imaplib.IMAP4.error(kind)
        return found
