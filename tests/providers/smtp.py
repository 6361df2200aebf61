"""A mail server, with STARTTLS, TLS or neither, with a login or without."""

import asyncio
import threading
from collections import deque
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Literal, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.providers.certificate import tls_context

USER, PASSWORD = "trusthub", "correct horse"


@dataclass(frozen=True)
class SmtpFault:
    """How the next MAIL, RCPT or DATA ends. Without a reply the server hangs (`hang`) or drops the connection."""

    at: Literal["MAIL", "RCPT", "DATA"]
    reply: str | None = None
    accept: bool = False
    """The mail is taken all the same."""
    hang: bool = False


class Smtp:
    """TRUSTHUB_SMTP_URL is `smtp.url`."""

    def __init__(self, tls: Literal["none", "starttls", "smtps"] = "none", *, login: bool = False) -> None:
        self.messages: list[EmailMessage] = []
        self.logins: list[str] = []
        self.connections = 0
        self._skip: dict[str, int] = {}
        self._faults: deque[SmtpFault] = deque()
        self._changed = threading.Condition()
        self._closing = asyncio.Event()
        self._scheme = "smtps" if tls == "smtps" else "smtp"
        self._user = f"{USER}:{PASSWORD.replace(' ', '%20')}@" if login else ""
        self._controller = _Controller(
            self,
            hostname="127.0.0.1",
            port=0,
            ssl_context=tls_context() if tls == "smtps" else None,
            tls_context=tls_context() if tls == "starttls" else None,
            authenticator=self._authenticate if login else None,
            auth_require_tls=False,
            auth_exclude_mechanism=[] if login else ["LOGIN", "PLAIN"],
            enable_SMTPUTF8=False,
        )

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.loop.call_soon_threadsafe(self._closing.set)
        self._controller.stop()

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self._user}127.0.0.1:{self._controller.port}"

    def fail(self, *faults: SmtpFault) -> None:
        """Queue faults: each waits for the first command of its kind."""
        self._faults.extend(faults)

    def skip(self, command: str, count: int) -> None:
        """Let so many commands of a kind end well before the faults."""
        self._skip[command] = count

    def wait_for(self, count: int, timeout: float = 10.0) -> list[EmailMessage]:
        """Wait until so many mails were taken, and return them."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.messages) >= count, timeout):
                raise AssertionError(f"{len(self.messages)} of {count} mails came within {timeout} s")
            return list(self.messages)

    # aiosmtpd's hooks
    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not hasattr(session, "counted"):
            session.counted = True  # type: ignore[attr-defined]  # a session is a connection
            self.connections += 1
        envelope.mail_from = address
        return await self._reply("MAIL", server)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self._reply("RCPT", server)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        fault = self._faults[0] if self._fails("DATA") else None
        if fault is None or fault.accept:
            with self._changed:
                assert isinstance(envelope.content, bytes)
                self.messages.append(message_from_bytes(envelope.content, EmailMessage, policy=default))
                self._changed.notify_all()
        return await self._reply("DATA", server)

    def _fails(self, command: str) -> bool:
        return bool(self._faults) and self._faults[0].at == command and not self._skip.get(command)

    async def _reply(self, command: str, server: SMTP) -> str:
        if not self._fails(command):
            self._skip[command] = max(0, self._skip.get(command, 0) - 1)
            return "250 OK"
        fault = self._faults.popleft()
        if fault.reply:
            return fault.reply
        if fault.hang:
            await self._closing.wait()
        assert server.transport is not None
        server.transport.close()
        return "421 closed"

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.logins.append(mechanism)
        good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=False)


class _Controller(Controller):
    """Takes any free port: the original knocks at the port it was told, which is 0."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]
