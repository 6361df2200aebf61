"""`trusthub gate` against a hub behind a real socket, and against none."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select
from sqlmodel import col
from werkzeug.serving import make_server

from tests.e2e.house import House, house
from tests.e2e.test_gates import breaks_down, site_with_gates
from tests.providers import Call, HttpProvider, broken, drop, rate_limited
from tests.providers.http import Answer
from trusthub.cli import gate as command
from trusthub.cli import main
from trusthub.store.tables import Audit, Event

CHANGE = ("--component", "checkout", "--version", "2.8.0", "--environment", "production")
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATE", "gate-token")
    monkeypatch.setenv("TRUSTHUB_GATE_TOKEN", "gate-token")
    monkeypatch.setattr(command, "_PAUSE", 0.02)


@contextmanager
def listening(hub: House) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, hub.parts.flask, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    made_on = f"sqlite:///{tmp_path}/hub.db"
    with house(made_on, tmp_path, **site_with_gates(tmp_path)) as made, listening(made) as url:
        monkeypatch.setenv("TRUSTHUB_BASE_URL", url)
        yield made


def gate(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["gate", *arguments])


def test_yes_and_no_and_the_reason(hub: House) -> None:
    told = gate("deploy", *CHANGE, "--known-risk", "Sessions end.", "--unknown-risk", "Load.", "--actor", "nora")
    assert told.exit_code == 1
    assert told.output == "No: The notice of its risks is on its way to stakeholders. Ask again.\n"
    hub.parts.worker.drain()
    (post, mail) = hub.heard()
    assert "Sessions end." in post
    assert "Load." in mail
    assert "Announced by nora" in mail
    told = gate("deploy", *CHANGE)
    assert told.exit_code == 0
    assert told.output == "Go: Stakeholders were told of its risks, and the plan says how to go back.\n"


def test_it_waits_for_the_notice(hub: House) -> None:
    worker = threading.Thread(target=hub.parts.worker.run)
    worker.start()
    try:
        told = gate("deploy", *CHANGE, "--wait", "30s")
    finally:
        hub.parts.worker.stop()
        worker.join()
    assert told.exit_code == 0
    waiting, go = told.output.splitlines()
    assert waiting == "Waiting: The notice of its risks is on its way to stakeholders. Ask again."
    assert go.startswith("Go: Stakeholders were told")


def test_a_rollback_passes_and_moves_nothing(hub: House) -> None:
    told = gate("deploy", *CHANGE, "--rollback")
    assert (told.exit_code, told.output) == (
        0,
        "Go: It brings back what was there before. Nothing holds up a rollback.\n",
    )
    with hub.parts.hub.database.reading() as session:
        assert session.execute(select(Event)).all() == []


def test_a_broken_glass_passes_and_is_on_record(hub: House) -> None:
    told = gate("deploy", *CHANGE, "--break-glass", "Mira: payments fail")
    assert (told.exit_code, told.output) == (0, "Go: Mira broke the glass: payments fail\n")
    with hub.parts.hub.database.reading() as session:
        assert session.execute(select(col(Audit.actor), col(Audit.detail))).all() == [("Mira", "payments fail")]


def test_with_a_broken_database_the_answer_is_as_if_nobody_answered(hub: House) -> None:
    breaks_down(hub)
    told = gate("deploy", *CHANGE)
    assert (told.exit_code, told.output) == (
        1,
        "No: The hub cannot look at what it knows right now. Ask again. A rollback passes: --rollback.\n",
    )
    assert gate("deploy", *CHANGE, "--if-unreachable", "pass").exit_code == 0
    assert gate("deploy", *CHANGE, "--rollback").output.startswith("Go: ")


@pytest.mark.parametrize("always", [("--rollback",), ("--break-glass", "Mira: payments fail")], ids=["back", "glass"])
def test_nothing_holds_up_what_always_passes(
    hub: House, monkeypatch: pytest.MonkeyPatch, always: tuple[str, ...]
) -> None:
    for arguments in (
        ("deploy", "--hub", NOWHERE),
        ("nowhere",),
        ("locked",),
        (f"{NOWHERE}/gates/deploy", "--wait", "1h"),
        ("no name",),
    ):
        told = gate(*arguments, *CHANGE, *always)
        assert told.exit_code == 0
        assert told.output.startswith("Warning: it passes, but the gate did not say so: ")
        assert told.output.endswith("The hub has no record of it: write down who did it and why.\n")
    monkeypatch.setenv("TRUSTHUB_GATE_TOKEN_FILE", "/nowhere/token")
    assert gate("deploy", *CHANGE, *always).exit_code == 0


def test_a_hub_that_nobody_reaches_is_no_unless_told_otherwise() -> None:
    reason = "The hub cannot be reached (NewConnectionError)."
    told = gate("deploy", "--hub", NOWHERE, *CHANGE, "--wait", "0s")
    assert (told.exit_code, told.output) == (1, f"No: {reason} A rollback passes: --rollback.\n")
    told = gate("deploy", "--hub", NOWHERE, *CHANGE, "--if-unreachable", "pass")
    assert (told.exit_code, told.output) == (0, f"Warning: it passes unasked (--if-unreachable pass): {reason}\n")


def test_what_is_used_wrongly_is_told(hub: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for arguments, words in (
        (("deploi", *CHANGE), "There is no such gate. Gates are off until site.yaml names them."),
        (("deploy", *CHANGE, "--strategy", "canari"), "strategy 'canari' is unknown. Send one of:"),
        (("deploy", *CHANGE, "--break-glass", "urgent"), "Say who and why: --break-glass"),
        (("deploy", *CHANGE, "--wait", "soon"), "'soon' is not a duration."),
        (("no name", *CHANGE), "'no name' is no name of a gate."),
        (("deploy",), "Missing option '--component'"),
    ):
        told = gate(*arguments)
        assert told.exit_code == 2
        assert words in told.output
    (tmp_path / "token").write_text("gate-token\n", encoding="utf-8")
    monkeypatch.setenv("TRUSTHUB_GATE_TOKEN", "guess")
    told = gate("deploy", *CHANGE)
    assert told.exit_code == 2
    assert "This is not the secret of this gate." in told.output
    assert "guess" not in told.output
    monkeypatch.setenv("TRUSTHUB_GATE_TOKEN_FILE", str(tmp_path / "token"))
    assert gate("deploy", *CHANGE).exit_code == 1
    monkeypatch.delenv("TRUSTHUB_BASE_URL")
    assert "Where is the hub? Set TRUSTHUB_BASE_URL" in gate("deploy", *CHANGE).output


class Moody(HttpProvider):
    """A gate that says no and then yes, with a proxy in front."""

    def take(self, call: Call) -> tuple[Answer, bool]:
        first = len(self.calls) < 4
        said = {"ok": not first, "reason": "Ask again." if first else "Told."}
        return Answer(status=409 if first else 200, body=said), True


def test_what_passes_by_itself_is_waited_for() -> None:
    with Moody() as server:
        server.fail(broken(502), drop(), rate_limited(0))
        told = gate(f"{server.address}/gates/deploy", *CHANGE, "--wait", "30s")
        assert (told.exit_code, told.output.splitlines()) == (
            0,
            [
                "Waiting: What answered is no gate of a hub (HTTP 502).",
                "Waiting: The hub cannot be reached (ProtocolError).",
                "Waiting: ratelimited",
                "Waiting: Ask again.",
                "Go: Told.",
            ],
        )
        assert server.calls[0].headers["authorization"] == "Bearer gate-token"
        assert server.calls[0].body == {
            "component": "checkout",
            "to_version": "2.8.0",
            "environment": "production",
        }
