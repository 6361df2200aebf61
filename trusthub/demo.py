"""The story that `make demo` tells, through real HTTP: a rollout goes wrong, people are told, a customer answers."""

import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml
from rich.console import Console

from trusthub import app
from trusthub.settings import Settings, packaged

_PATIENCE = 20.0
"""Seconds that one step may take before the demo says that it failed."""
_STAFF = ("mira@acme.example", "Mira")
_ANA = ("Ana", "ana@customer.example")
_EDITED = " (edited in place)"
_CLOSED = "fixed"
"""A word of the closing message's subject."""
_WORDS = "I paid twice and got one receipt. Please roll this back."
_REPLY = (
    "You are right. Your first payment did not go through and was not charged. We are back on the earlier version. "
    "Your receipt is complete. What should we look at first for you?"
)

say = Console(highlight=False, soft_wrap=True)


class DemoError(Exception):
    """The story did not go as it should."""


@dataclass(slots=True)
class Client:
    """Speaks HTTP to the hub; keeps cookies, as a browser would."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
        """Send one request; return status and text."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def form(self, path: str, **fields: str) -> str:
        """Post a form; return the answer's text. Raises DemoError when it is refused."""
        body = urlencode(fields).encode()
        status, text = self.call("POST", path, body, Content_Type="application/x-www-form-urlencoded")
        if status >= 400:  # noqa: PLR2004 -- HTTP's border between taken and refused
            raise DemoError(f"POST {path} was answered with {status}")
        return text

    def json(self, path: str) -> Any:
        """Get a JSON document."""
        return json.loads(self.call("GET", path)[1])


def play(*, once: bool, port: int) -> int:
    """Start a hub, tell the story, and stay up (or exit with `once`). Return the exit status."""
    with tempfile.TemporaryDirectory(prefix="trusthub-demo-") as folder:
        environment, password = _environment(Path(folder), port)
        with _hub(environment, port):
            story = Story(Client(port), pause=0.1 if once else 1.5)
            try:
                story.tell(password)
            except DemoError as error:
                say.print(f"\n[red]The story stopped: {error}.[/red] The hub's last words:")
                say.print((Path(folder) / "hub.log").read_text(encoding="utf-8")[-4000:], markup=False)
                return 1
            _addresses(port, password, story)
            if not once:
                _stay()
    return 0


class Story:
    """One evening at Acme, step by step, with every message as it arrives."""

    def __init__(self, client: Client, *, pause: float) -> None:
        """`pause` is in seconds, between steps."""
        self._client, self._pause = client, pause
        self._seen, self._since = 0, time.monotonic()
        self.arrived: list[tuple[str, str]] = []
        self.incident, self.thread = "", ""

    def tell(self, password: str) -> None:
        """Play every step and check that what it should cause arrived."""
        argo = _Argo()
        team, support, mailbox, ana = "#releases", "#support", "mail to releases@acme.example", f"mail to {_ANA[1]}"
        self._step("Version 2.7.4 of Checkout is complete", lambda: self._argo(argo.completed("2.7.4")))
        self._expect((team, "2.7.4"), (mailbox, "2.7.4"))
        self._step("A canary of 2.8.0 begins", lambda: self._argo(argo.updated("2.8.0")))
        self._expect((team, "started"), (mailbox, "started"))
        for step, percent in enumerate(("0.1", "1", "5")):
            self._step(f"{percent} % of requests reach it", partial(self._argo_step, argo, step))
            self._expect((team, f"{percent} %{_EDITED}"))
        self._step("The analysis fails, and Argo aborts", lambda: self._argo(argo.failed(), argo.aborted()))
        self.incident = self._on_page("identified")
        self._expect((team, "rolling back"), (mailbox, "rolling back"), (support, "we are rolling back"))
        self._step("All traffic is back on 2.7.4", lambda: self._argo(argo.returned()))
        self._on_page("monitoring")
        self._expect((team, "back on 2.7.4"), (mailbox, "back on 2.7.4"), (support, "we are watching"))
        self._step("A customer answers on the incident page", self._answer)
        self._expect((support, "Ana wrote"), (ana, "we have your message"))
        self._step("Support replies in the console", lambda: self._reply(password))
        self._expect((ana, "Mira answered"))
        self._step("Mira calls it resolved", self._resolve)
        self._on_page("resolved")
        self._expect((ana, _CLOSED), (team, "resolved"), (support, "resolved"), (mailbox, "resolved"))

    def _step(self, title: str, do: Callable[[], None]) -> None:
        time.sleep(self._pause)
        say.print(f"\n[bold]{title}[/bold]")
        self._since = time.monotonic()
        do()

    def _argo_step(self, argo: "_Argo", step: int) -> None:
        self._argo(argo.step(step))

    def _argo(self, *bodies: dict[str, Any]) -> None:
        for body in bodies:
            status, text = self._client.call("POST", "/hooks/argo-rollouts", json.dumps(body).encode())
            if status != 200 or json.loads(text)["state"] != "done":  # noqa: PLR2004 -- HTTP's OK
                raise DemoError(f"the hub answered {status}: {text}")

    def _expect(self, *expected: tuple[str, str]) -> None:
        """Print what arrives until each place has heard the words expected there."""
        missing = set(expected)
        while missing:
            for message in self._client.json(f"/sandbox/messages.json?after={self._seen}"):
                self._seen = message["id"]
                place, words = _heard(message)
                missing -= {wanted for wanted in missing if _is(wanted, place, words)}
                self.arrived.append((place, words))
                say.print(f"  {time.monotonic() - self._since:5.2f} s  [cyan]{place}[/cyan]  {words}")
            self._wait("nobody heard " + ", ".join(f"{words!r} in {place}" for place, words in sorted(missing)))

    def _on_page(self, state: str) -> str:
        """Wait until the public page shows an incident in `state`; return its id."""
        while True:
            summary = self._client.json("/api/v2/summary.json")
            found = self._incidents(summary, state)
            if found:
                say.print(f"  {time.monotonic() - self._since:5.2f} s  [cyan]public page[/cyan]  {found[1]}: {state}")
                return found[0]
            self._wait(f"the public page does not show {state}")

    def _incidents(self, summary: dict[str, Any], state: str) -> tuple[str, str] | None:
        if state == "resolved":
            page = self._client.call("GET", f"/incidents/{self.incident}")[1]
            done = not summary["incidents"] and "Resolved" in page
            return (self.incident, "the incident") if done else None
        return next(((row["id"], row["name"]) for row in summary["incidents"] if row["status"] == state), None)

    def _wait(self, problem: str) -> None:
        if time.monotonic() - self._since > _PATIENCE:
            raise DemoError(problem)
        time.sleep(0.02)

    def _answer(self) -> None:
        text = self._client.form(f"/incidents/{self.incident}/threads", words=_WORDS, name=_ANA[0], email=_ANA[1])
        link = re.search(r"/threads/[\w.=-]+", text)
        if link is None:
            raise DemoError("the customer got no private link")
        self.thread = link[0]

    def _reply(self, password: str) -> None:
        client = self._client
        client.form(
            "/console/login", email=_STAFF[0], password=password, next="", csrf_token=self._csrf("/console/login")
        )
        thread = re.search(r"/console/threads/(\w+)", client.call("GET", "/console/")[1])
        if thread is None:
            raise DemoError("the console does not list the customer's thread")
        path = f"/console/threads/{thread[1]}"
        client.form(f"{path}/reply", words=_REPLY, csrf_token=self._csrf(path))
        if "You are right" not in client.call("GET", self.thread)[1]:
            raise DemoError("the customer's page does not show the reply")

    def _resolve(self) -> None:
        path = f"/console/incidents/{self.incident}"
        self._client.form(
            f"{path}/resolve",
            csrf_token=self._csrf(path),
            note="We found the cause in 2.8.0 and keep 2.7.4 until it is mended.",
        )

    def _csrf(self, path: str) -> str:
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self._client.call("GET", path)[1])
        if token is None:
            raise DemoError(f"{path} has no form")
        return token[1]


class _Argo:
    """Speaks as Argo Rollouts does with the template of `trusthub/sources/README.md`."""

    def __init__(self) -> None:
        self._revision, self._version = 0, ""
        self._status: dict[str, Any] = {}

    def updated(self, version: str) -> dict[str, Any]:
        self._revision, self._version = self._revision + 1, version
        return self._body("on-rollout-updated")

    def completed(self, version: str) -> dict[str, Any]:
        self._revision, self._version = self._revision + 1, version
        self._status = {"phase": "Healthy"}
        return self._body("on-rollout-completed")

    def step(self, number: int) -> dict[str, Any]:
        self._status = {"phase": "Progressing", "currentStepIndex": number * 2}
        return self._body("on-rollout-step-completed")

    def failed(self) -> dict[str, Any]:
        return self._body("on-analysis-run-failed", self._analysis())

    def aborted(self) -> dict[str, Any]:
        return self._body("on-rollout-aborted", self._analysis())

    def returned(self) -> dict[str, Any]:
        self._status = {"phase": "Degraded", "abort": True, "canary": {"weights": {"canary": {"weight": 0}}}}
        return self._body("on-traffic-weight-updated", self._analysis())

    def _body(self, trigger: str, *runs: dict[str, Any]) -> dict[str, Any]:
        steps = [{"setWeight": 1}, {"pause": {}}, {"setWeight": 10}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}]
        return {
            "trigger": trigger,
            "rollout": {
                "metadata": {
                    "name": "checkout",
                    "namespace": "payments",
                    "uid": "6b1f3c1e-demo",
                    "annotations": {"rollout.argoproj.io/revision": str(self._revision)},
                },
                "spec": {
                    "strategy": {"canary": {"steps": steps, "trafficRouting": {"maxTrafficWeight": 1000}}},
                    "template": {
                        "spec": {
                            "containers": [
                                {"name": "checkout", "image": f"registry.acme.example/checkout:{self._version}"}
                            ]
                        }
                    },
                },
                "status": {"currentPodHash": f"hash{self._revision}", "stableRS": "hash1", **self._status},
            },
            "analysisRuns": list(runs),
        }

    def _analysis(self) -> dict[str, Any]:
        return {
            "metadata": {
                "name": "checkout-2-success-rate",
                "labels": {"rollouts-pod-template-hash": f"hash{self._revision}"},
                "annotations": {"rollout.argoproj.io/revision": str(self._revision)},
            },
            "status": {
                "phase": "Failed",
                "message": 'Metric "success-rate" assessed Failed due to failed (2) > failureLimit (1)',
                "metricResults": [{"name": "success-rate", "phase": "Failed", "measurements": [{"value": "0.71"}]}],
            },
        }


def _environment(folder: Path, port: int) -> tuple[dict[str, str], str]:
    """Return the environment of the demo's hub, and the password of its one member of staff."""
    address = f"http://127.0.0.1:{port}"
    site = yaml.safe_load((packaged("playbooks") / "site.yaml").read_text(encoding="utf-8"))
    site["page"]["url"] = address
    (folder / "site.yaml").write_text(yaml.safe_dump(site, sort_keys=False), encoding="utf-8")
    chosen = {
        "TRUSTHUB_DATABASE_URL": f"sqlite:///{folder}/demo.db",
        "TRUSTHUB_BASE_URL": address,
        "TRUSTHUB_SECRET_KEY": secrets.token_urlsafe(32),
        "TRUSTHUB_SITE": str(folder / "site.yaml"),
        "TRUSTHUB_PLAYBOOKS_DIR": str(packaged("playbooks")),
        "TRUSTHUB_SLACK_BOT_TOKEN": "xoxb-demo",
        "TRUSTHUB_SLACK_API_URL": f"{address}/sandbox/slack/api/",
        "TRUSTHUB_SENDGRID_API_KEY": "SG.demo",
        "TRUSTHUB_SENDGRID_API_URL": f"{address}/sandbox/sendgrid",
        "TRUSTHUB_MAIL_FROM": "Acme status <status@acme.example>",
        "TRUSTHUB_DEMO": "true",
    }
    password = secrets.token_urlsafe(9)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRUSTHUB_")}
    settings = Settings(database_url=chosen["TRUSTHUB_DATABASE_URL"])
    app.add_user(settings, email=_STAFF[0], name=_STAFF[1], password=password)
    return inherited | chosen, password


@contextmanager
def _hub(environment: dict[str, str], port: int) -> Iterator[None]:
    """Run `trusthub serve` and wait until it answers."""
    command = [sys.executable, "-m", "trusthub", "serve", "--port", str(port)]
    log = Path(environment["TRUSTHUB_SITE"]).parent / "hub.log"
    with (
        log.open("w", encoding="utf-8") as output,
        subprocess.Popen(command, env=environment, stderr=output) as process,  # noqa: S603 -- our own command
    ):
        try:
            _until_up(process, port, log)
            yield
        finally:
            process.terminate()
            process.wait(timeout=15)


def _until_up(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError, HTTPException):
            if Client(port).call("GET", "/readyz")[0] == 200:  # noqa: PLR2004 -- HTTP's OK
                return
        time.sleep(0.05)
    raise SystemExit(f"The hub did not start.\n{log.read_text(encoding='utf-8')}")


def _is(wanted: tuple[str, str], place: str, words: str) -> bool:
    """Whether a message is the one that was expected; an edit is only when an edit was."""
    return wanted[0] == place and wanted[1] in words and words.endswith(_EDITED) == wanted[1].endswith(_EDITED)


def _heard(message: dict[str, Any]) -> tuple[str, str]:
    """Return where a message arrived and its first words."""
    payload = message["payload"]
    if message["kind"] == "slack":
        edited = _EDITED if payload.get("method") == "chat.update" else ""
        return _channel(payload), _first_line(payload.get("text", "")) + edited
    to = payload["personalizations"][0]["to"][0]["email"]
    return f"mail to {to}", payload["personalizations"][0].get("subject") or payload["subject"]


def _channel(payload: dict[str, Any]) -> str:
    name = str(payload.get("channel_name") or payload.get("channel", ""))
    return name if name.startswith("#") else f"#{name}"


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].strip("*") if text.strip() else ""


def _addresses(port: int, password: str, story: Story) -> None:
    address = f"http://127.0.0.1:{port}"
    say.print(f"\n[green]Everything arrived: {len(story.arrived)} messages.[/green] Have a look:")
    for words, path in (
        ("the public page", "/"),
        ("the incident", f"/incidents/{story.incident}"),
        ("Ana's private page", story.thread),
        ("Slack and mail as they arrived", "/sandbox"),
        (f"the console ({_STAFF[0]}, password {password})", "/console/"),
    ):
        say.print(f"  {address}{path}  {words}")


def _stay() -> None:
    say.print("\nCtrl-C stops the demo.")
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)
