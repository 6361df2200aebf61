"""A hub in processes of its own, everybody who uses it at once, and what goes wrong meanwhile.

Tools report rollouts, staff tell customers of an incident, people subscribe, write to us and read the page, each at a
pace of their own. What the hub answered well is remembered, and looked for at the providers in the end.
"""

import itertools
import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from sqlmodel import col

from tests.benchmarks import servers
from tests.e2e.house import TOKEN
from tests.e2e.soak_report import Mail, Record, Report
from tests.e2e.test_process import TRUSTHUB, children, environ, until
from tests.processes import CHECKOUT
from tests.providers import Fault, Slack, accept_then_hang, broken, hang, rate_limited
from trusthub.services import api_tokens
from trusthub.services.acts import Act
from trusthub.services.hub import utc_now
from trusthub.store.session import Database
from trusthub.store.tables import Delivery, Event
from trusthub.web.access import Scope

_OPENING = {"component": "checkout", "name": "Payments are slow"}
_WORDS = "Payments take longer than usual, and we are sorry. We are looking for the cause. Our note is {}."
_UPDATES = 5
"""On one incident; the last one resolves it."""


@dataclass(frozen=True, kw_only=True)
class Length:
    """How long a soak is, and how dense. All in seconds, but for `times`."""

    seconds: float
    every: float
    """Between two faults."""
    pace: float
    """Between two events of the tools. A channel of Slack takes one message a second."""
    read: float
    """Between two views of the page by one of two readers."""
    times: int
    """How many requests in a row a provider refuses. One message that fails five times in a row waits for minutes."""


class Processes:
    """`trusthub serve` without a worker, and two of `trusthub worker`; the second of them is never killed alone."""

    def __init__(self, environment: dict[str, str], port: int, folder: Path, servers: int) -> None:
        self._environment, self.port = environment, port
        self._log = (folder / "hub.log").open("ab")
        self._serve = ("serve", "--port", str(port), "--no-worker", "--workers", str(servers))
        self.since = 0.0
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        self._server = self._run(*self._serve)
        self._workers = [self._run("worker") for _ in range(2)]
        until(lambda: servers.answers(self.port, "/readyz"), 180)
        self.since = time.monotonic()

    def kill_worker(self) -> None:
        self._workers[0].kill()
        self._workers[0].wait()
        self._workers[0] = self._run("worker")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop everything, and wait until nothing is left."""
        for process in (self._server, *self._workers):
            process.send_signal(how)
        for process in (self._server, *self._workers):
            process.wait(30)

    def close(self) -> None:
        self.stop(signal.SIGKILL)
        self._log.close()

    def memory(self) -> dict[str, float]:
        """Return the megabytes that the servers, and the worker that lives on, have in use."""
        pids = {f"web {n}": pid for n, pid in enumerate(children(self._server.pid))}
        return {name: _resident(pid) for name, pid in {**pids, "worker": self._workers[1].pid}.items()}

    def _run(self, *command: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([*TRUSTHUB, *command], cwd=CHECKOUT, env=self._environment, stderr=self._log)


class Crowd:
    """Everybody who uses the hub. Each of them does one thing after the other, until it is over."""

    def __init__(self, port: int, token: str, mail: Mail, record: Record) -> None:
        self._port, self._token, self._mail, self._record = port, token, mail, record
        self._over = threading.Event()
        self._numbers = itertools.count(1)
        self._incident, self._said = "", 0
        self._asked: list[str] = []
        self._open = threading.local()

    @contextmanager
    def busy(self, length: Length) -> Iterator[None]:
        """Let them act until the end of the block."""
        pace = length.pace
        turns = [(pace, self._tool), (pace * 3, self._staff), (pace * 2, self._customer), (pace * 2, self._subscriber)]
        turns += [(length.read, self._reader)] * 2
        threads = [threading.Thread(target=self._repeat, args=turn) for turn in turns]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _repeat(self, seconds: float, act: Callable[[], None]) -> None:
        while not self._over.wait(seconds):
            act()

    def _tool(self) -> None:
        """Report that a rollout is planned, over and over until it is heard, as tools do."""
        mark = f"4.{next(self._numbers)}.0"
        body = {"event": "rollout.planned", "component": "search", "environment": "production", "to_version": mark}
        while self._call("POST", "/hooks/generic", body, TOKEN)[0] != HTTPStatus.OK:
            if self._over.wait(0.2):
                return
        self._record.events.add(mark)

    def _staff(self) -> None:
        """Open an incident, then tell of it, and resolve it in the end; say nothing twice."""
        mark, begun = f"u{next(self._numbers)}x", time.monotonic()
        note = _WORDS.format(mark)
        if self._incident:
            state = "resolved" if self._said == _UPDATES else "identified"
            path, body = f"/api/v1/incidents/{self._incident}/updates", {"note": note, "state": state}
        else:
            path, body = "/api/v1/incidents", {**_OPENING, "note": note}
        status, answer = self._call("POST", path, body, self._token)
        if status == HTTPStatus.CREATED:
            self._record.updates[mark] = begun
            self._said = self._said + 1 if self._said < _UPDATES + 1 else 0
            self._incident = json.loads(answer)["id"] if self._said <= _UPDATES else ""
            self._said = self._said if self._incident else 0
        elif status == HTTPStatus.CONFLICT:  # an answer to the last one was lost, and it is resolved
            self._incident, self._said = "", 0

    def _customer(self) -> None:
        if incident := self._incident:
            mark = f"c{next(self._numbers)}x"
            body = {"words": f"I cannot pay. My order is {mark}.", "email": f"{mark}@customer.example"}
            if self._call("POST", f"/incidents/{incident}/threads", body)[0] == HTTPStatus.OK:
                self._record.customers.add(mark)

    def _subscriber(self) -> None:
        """Confirm what has come by mail, and ask for another one."""
        for address in [each for each in self._asked if each in self._mail.links]:
            if self._call("POST", f"{self._mail.links[address]}/confirm", {})[0] == HTTPStatus.SEE_OTHER:
                self._record.confirmed[address] = time.monotonic()
                self._asked.remove(address)
        address = f"reader{next(self._numbers)}@customer.example"
        body = {"email": address, "incidents": "yes", "maintenance": "yes", "zone": "UTC"}
        if self._call("POST", "/subscribe", body)[0] == HTTPStatus.OK:
            self._asked.append(address)

    def _reader(self) -> None:
        begun = time.monotonic()
        if self._call("GET", "/")[0] == HTTPStatus.OK:
            self._record.reads.append((begun, time.monotonic() - begun))

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None, token: str = "") -> tuple[int, bytes]:
        """Send JSON with a token, or a form from a network of its own; status 0 when nobody answers."""
        kind, data = ("json", json.dumps(body)) if token else ("x-www-form-urlencoded", urlencode(body or {}))
        number = next(self._numbers)
        headers = {"Content-Type": f"application/{kind}", "X-Forwarded-For": f"100.{number // 250}.{number % 250}.7"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        try:
            with closing(HTTPConnection("127.0.0.1", self._port, timeout=15)) as connection:
                connection.request(method, path, data if body is not None else None, headers)
                answer = connection.getresponse()
                status, said = answer.status, answer.read()
        except (OSError, HTTPException) as error:
            status, said = 0, repr(error).encode()
        if status not in {200, 201, 303, 409}:
            self._record.failed.append((time.monotonic(), f"{method} {path}: {status} {said[:200]!r}"))
        return status, said


def faults(
    processes: Processes, slack: Slack, mail: Mail, restart: Callable[[str], None] | None, times: int
) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield what goes wrong next, without end. All of it stops once only, so that memory is seen to be flat after."""

    def both(*kinds: Callable[[], Fault]) -> None:
        for provider in (slack, mail):
            provider.fail(*(kind() for kind in kinds))

    def full_stop() -> None:
        processes.stop()
        time.sleep(1)
        processes.start()

    again: list[tuple[str, Callable[[], None]]] = [
        ("429", partial(both, *[rate_limited] * times)),
        ("500", partial(both, *[broken] * times)),
        ("hang", partial(both, *[hang, accept_then_hang][:times])),
        ("kill -9 of a worker", processes.kill_worker),
    ]
    if restart is not None:
        again += [(f"database restart, {mode}", partial(restart, mode)) for mode in ("fast", "immediate")]
    yield from again
    yield "full stop", full_stop
    yield from itertools.cycle(again)


def soak(url: str, folder: Path, restart: Callable[[str], None] | None, length: Length) -> Report:
    """Let all of it happen for so long, then wait until nothing is left to do."""
    port, record = servers.free_port(), Record()
    with Slack(clock=time.time) as slack, Mail() as mail, closing(Database(url)) as database:
        environment = environ(folder, url, slack) | {
            "TRUSTHUB_BASE_URL": f"http://127.0.0.1:{port}",
            "TRUSTHUB_SENDGRID_API_KEY": "SG.test",
            "TRUSTHUB_SENDGRID_API_URL": mail.url,
            "TRUSTHUB_MAIL_FROM": "Acme status <status@acme.example>",
            "TRUSTHUB_TRUSTED_PROXIES": "1",
        }
        processes = Processes(environment, port, folder, servers=1 if url.startswith("sqlite") else 2)
        try:
            token = _token(database)
            with Crowd(port, token, mail, record).busy(length):
                _trouble(record, processes, faults(processes, slack, mail, restart, length.times), length)
            until(lambda: _idle(database), 300)
        finally:
            processes.close()
        return Report.of(record, slack, mail, database, processes.since)


def _trouble(
    record: Record, processes: Processes, weather: Iterator[tuple[str, Callable[[], None]]], length: Length
) -> None:
    end = time.monotonic() + length.seconds
    while True:
        next_fault = min(time.monotonic() + length.every, end)
        while time.monotonic() < next_fault:
            time.sleep(min(1.0, length.every / 4))
            record.memory.append((time.monotonic(), processes.memory()))
        if time.monotonic() >= end:
            return
        name, act = next(weather)
        at = time.monotonic()
        act()
        record.faults.append((at, time.monotonic(), name))


def _token(database: Database) -> str:
    with database.transaction() as session:
        scopes, lasts = (Scope.WRITE_INCIDENTS,), timedelta(days=1)
        return api_tokens.create(session, Act(actor="Mira", now=utc_now()), name="soak", scopes=scopes, lasts=lasts)


def _idle(database: Database) -> bool:
    """Whether nothing waits: no message, and no event that a fault cut off, which the hub takes up again."""
    messages = sa.select(col(Delivery.id)).where(col(Delivery.state) == "pending").limit(1)
    events = sa.select(col(Event.id)).where(col(Event.state).in_(["received", "failed"])).limit(1)
    with database.reading() as session:
        return session.execute(messages).first() is None and session.execute(events).first() is None


def _resident(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        return 0.0  # it is just ending
