"""A real IMAP server on loopback: pymap, in a process of its own, with one mailbox in memory."""

import imaplib
import socket
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Self

USER, PASSWORD = "hub", "p@ss/word"
_PATIENCE = 20.0


class Imap:
    """The server, and the hand that puts mail into its mailbox."""

    def __enter__(self) -> Self:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [
            str(Path(sys.executable).with_name("pymap")),
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--no-tls",
        ]
        backend = ["dict", "--demo-data", "--demo-user", USER, "--demo-password", PASSWORD]
        self._process = subprocess.Popen([*command, *backend], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait()
        with self._client() as client:
            client.select("INBOX")
            client.store("1:*", "+FLAGS", "(\\Deleted)")
            client.expunge()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)

    @property
    def url(self) -> str:
        """The address with its user and password."""
        return f"imap://{USER}:p%40ss%2Fword@127.0.0.1:{self.port}/INBOX"

    def put(self, mail: EmailMessage | bytes) -> None:
        """Let a mail arrive."""
        raw = mail if isinstance(mail, bytes) else mail.as_bytes()
        with self._client() as client:
            assert client.append("INBOX", "", "", raw)[0] == "OK"

    def unseen(self) -> int:
        """Return how many mails nobody has read."""
        with self._client() as client:
            client.select("INBOX", readonly=True)
            return len(client.search(None, "UNSEEN")[1][0].split())

    def _client(self) -> imaplib.IMAP4:
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=10)
        client.login(USER, PASSWORD)
        return client

    def _wait(self) -> None:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return
