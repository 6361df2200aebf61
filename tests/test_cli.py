"""The `trusthub` command as people type it."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select
from sqlmodel import col

from trusthub import __version__, app, settings
from trusthub.cli import main
from trusthub.services import intake
from trusthub.settings import packaged
from trusthub.store.session import Database
from trusthub.store.tables import Event, User

COMMAND = Path(sys.executable).with_name("trusthub")
SITE = packaged("playbooks") / "site.yaml"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Work in an empty folder, with the shipped site and a database of one's own."""
    for name in [name for name in os.environ if name.startswith("TRUSTHUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TRUSTHUB_SITE", str(SITE))
    monkeypatch.setenv("TRUSTHUB_DATABASE_URL", f"sqlite:///{tmp_path}/hub.db")
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, typed: str = "") -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, arguments, input=typed)


def trusthub(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a process of its own."""
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def database(folder: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{folder}/hub.db")
    yield opened
    opened.close()


# ------------------------------------------------------------------------------------------------ help


def commands(group: click.Group, *above: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*above, name)
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)


@pytest.mark.parametrize("path", [(), *commands(main)], ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    result = run(*path, "--help")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: {' '.join(('main', *path))}")
    command: click.Command = main
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    assert (command.help or "").rstrip().endswith((".", "number"))
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_the_version() -> None:
    assert run("--version").output == f"trusthub, version {__version__}\n"


def test_help_does_not_wait_for_the_web_framework() -> None:
    code = "import sys, trusthub.cli; sys.exit(bool({'flask', 'sqlalchemy', 'jinja2'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ------------------------------------------------------------------------------------------------ check


def test_what_we_ship_passes_the_check() -> None:
    result = run("check")
    assert result.exit_code == 0
    first, unsigned, *rest = result.output.splitlines()
    counts = r"3 components, 11 playbooks, \d+ messages, rules for words in 2 languages"
    assert re.fullmatch(rf"{SITE}: {counts}\. All checked\.", first)
    assert re.fullmatch(r"\d+ texts for customers are not signed; `trusthub sign` signs them:", unsigned)
    assert [line for line in rest if not line.endswith(" is not signed")][:2] == [
        f"Warning: connection {name} has no secret and TRUSTHUB_HOOK_TOKEN is not set: it answers 401."
        for name in ("argo-prod", "flagger-prod")
    ]


def test_the_check_names_the_channels_that_lead_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = "is kept in the sandbox and not sent. Set TRUSTHUB_"
    said = [line for line in run("check").output.splitlines() if kept in line]
    assert [line.split()[4] for line in said] == ["email", "slack"]
    monkeypatch.setenv("TRUSTHUB_SLACK_BOT_TOKEN", "xoxb-test")
    monkeypatch.setenv("TRUSTHUB_SMTP_URL", "smtp://127.0.0.1")
    assert kept not in run("check").output


def test_no_warning_when_hooks_have_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTHUB_HOOK_TOKEN", "hunter2")
    assert "401" not in run("check").output


def test_a_gate_without_a_secret_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    gates = 'gates:\n  open: {kind: generic, secret: "${SET}"}\n  shut: {kind: generic, secret: "${UNSET}"}\n'
    site.write_text(SITE.read_text(encoding="utf-8") + gates, encoding="utf-8")
    for name, value in {"TRUSTHUB_SITE": str(site), "TRUSTHUB_PLAYBOOKS_DIR": str(SITE.parent), "SET": "x"}.items():
        monkeypatch.setenv(name, value)
    said = run("check").output.splitlines()
    assert [line for line in said if line.startswith("Warning: gate")] == [
        "Warning: gate shut has no secret: it answers 401."
    ]


def test_the_check_finds_a_destination_that_cannot_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SITE.read_text(encoding="utf-8").replace("- {page: true}", '- {apprise: "${TEAMS_URL}", name: teams}')
    (tmp_path / "site.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("TRUSTHUB_SITE", str(tmp_path / "site.yaml"))
    monkeypatch.setenv("TRUSTHUB_PLAYBOOKS_DIR", str(SITE.parent))
    monkeypatch.setenv("TEAMS_URL", "nosuchservice://t0ken")
    result = run("check")
    assert result.exit_code != 0
    assert "apprise:teams: apprise cannot read the address." in result.output + str(result.exception)
    assert "t0ken" not in result.output


def test_nothing_in_the_working_directory_replaces_what_is_packaged(tmp_path: Path) -> None:
    for name in ("templates/messages/rollback.started/body.md", "playbooks/default.yaml", "trusthub/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{{ broken", encoding="utf-8")
    (tmp_path / ".env").write_text("TRUSTHUB_SITE=/nowhere\n", encoding="utf-8")
    (tmp_path / "yaml.py").write_text("raise SystemExit('imported from the working directory')\n", encoding="utf-8")
    done = trusthub("check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{SITE}: ")


# ------------------------------------------------------------------------------------------------ mistakes


def copy_of_the_site(folder: Path, old: str, new: str) -> Path:
    text = SITE.read_text(encoding="utf-8")
    assert old in text
    path = folder / "site.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


@pytest.mark.parametrize("command", [("check",), ("serve", "--port", "0")], ids=" ".join)
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  name: Acme", "  nmae: Acme", r"N: page\.name: is missing\. .*\n  site\.yaml:N: page\.nmae: this key is .*"),
        ("  name: Acme", "  name: [Acme", r"N: is not YAML: .*"),
        ("source: flagger", "source: flager", r"N: connections\.flagger-prod\.source: 'flager' is unknown\. .*"),
    ],
)
def test_a_mistake_in_the_site_is_one_clear_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: tuple[str, ...], old: str, new: str, message: str
) -> None:
    monkeypatch.setenv("TRUSTHUB_SITE", str(copy_of_the_site(tmp_path, old, new)))
    monkeypatch.setenv("TRUSTHUB_PLAYBOOKS_DIR", str(packaged("playbooks")))
    result = run(*command)
    assert result.exit_code == 1
    said = re.sub(r"(?<=site.yaml:)\d+", "N", result.output.replace(f"{tmp_path}/", ""))
    assert re.fullmatch(rf"Error: site\.yaml:{message}\n", said)
    assert not (tmp_path / "hub.db").exists()


@pytest.mark.parametrize(
    "command", [("check",), ("serve", "--port", "0"), ("worker",), ("publish", "out")], ids=" ".join
)
def test_a_site_that_is_not_there_is_one_clear_message(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.delenv("TRUSTHUB_SITE")
    result = run(*command)
    reason = "playbooks/site.yaml:1: cannot be read: No such file or directory."
    cure = "Set TRUSTHUB_SITE, or run where playbooks/site.yaml is."
    assert (result.exit_code, result.output) == (1, f"Error: {reason} {cure}\n")


def test_a_process_of_its_own_shows_no_traceback_either(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRUSTHUB_TEMPLATES_DIR", str(tmp_path))
    done = trusthub("serve", "--port", "0")
    message = "has no messages. Set TRUSTHUB_TEMPLATES_DIR to a folder that has messages/."
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"Error: {tmp_path}:1: {message}\n")


def test_a_wrong_environment_is_one_clear_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTHUB_BASE_URL", "hub")
    monkeypatch.setenv("TRUSTHUB_TRUSTED_PROXIES", "hunter2")
    for command in (("check",), ("serve", "--port", "0"), ("db", "upgrade"), ("replay", "1")):
        result = run(*command)
        assert result.exit_code == 1
        assert result.output.splitlines() == [
            "Error: The environment is not right:",
            "  TRUSTHUB_BASE_URL: Write an address such as https://hub.example.com.",
            "  TRUSTHUB_TRUSTED_PROXIES: Input should be a valid integer, unable to parse string as an integer.",
        ]


def test_a_database_that_cannot_be_used_is_one_clear_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTHUB_DATABASE_URL", "sqlite:////proc/none/hub.db")
    result = run("db", "upgrade")
    assert (result.exit_code, result.output) == (1, "Error: /proc/none cannot be used: No such file or directory.\n")
    monkeypatch.setenv("TRUSTHUB_DATABASE_URL", "postgresql://hub:hunter2@127.0.0.1:1/hub")
    result = run("db", "upgrade")
    assert result.exit_code == 1
    assert result.output.startswith("Error: The database cannot be used: ")
    assert "hunter2" not in result.output


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise LookupError("ours")

    monkeypatch.setattr("trusthub.settings.load", broken)
    assert isinstance(run("check").exception, LookupError)


# ------------------------------------------------------------------------------------------------ serve


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workers", "2"], "SQLite serves one process. Use --workers 1, or PostgreSQL."),
        (["--workers", "0"], "Invalid value for '--workers': 0 is not in the range x>=1."),
        (["--port", "70000"], "Invalid value for '--port': 70000 is not in the range 0<=x<=65535."),
    ],
)
def test_what_serve_refuses(arguments: list[str], message: str) -> None:
    result = run("serve", *arguments)
    assert result.exit_code == 2
    assert result.output.endswith(f"Error: {message}\n")


@pytest.mark.parametrize("host", ["192.0.2.1", "hub.acme.example", "::"])
def test_the_demo_serves_this_machine_only(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("TRUSTHUB_DEMO", "true")
    result = run("serve", "--host", host)
    assert result.exit_code == 2
    assert result.output.endswith("Error: The demo leaves its hooks open, so it serves on loopback only.\n")


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run("serve", "--port", str(port))
    assert result.exit_code == 2
    message = f"127.0.0.1:{port} cannot be used: Address already in use. Choose another --host or --port."
    assert result.output.endswith(f"Error: {message}\n")


def test_postgresql_needs_a_key_that_all_processes_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTHUB_DATABASE_URL", "postgresql://hub@127.0.0.1:1/hub")
    result = run("serve", "--port", "0")
    message = "TRUSTHUB_SECRET_KEY is needed with PostgreSQL: every process must sign with the same one."
    assert (result.exit_code, result.output) == (1, f"Error: {message}\n")


@contextmanager
def serving() -> Iterator[int]:
    """Serve in a process of its own; yield its port, and end it politely."""
    command, pipe = [str(COMMAND), "serve", "--port", "0", "--no-worker"], subprocess.PIPE
    with subprocess.Popen(command, stderr=pipe, text=True) as server:
        try:
            assert server.stderr is not None
            said = re.fullmatch(rf"trusthub {__version__} on http://127\.0\.0\.1:(\d+)\n", server.stderr.readline())
            assert said
            yield int(said[1])
        finally:
            server.terminate()
            server.communicate(timeout=30)
    assert server.returncode == 0


def answers(port: int) -> bool:
    """Ask until the server is up."""
    for _ in range(200):
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == HTTPStatus.OK
        except ConnectionError:
            time.sleep(0.05)
        finally:
            connection.close()
    return False


def test_one_server_for_a_sqlite_file(tmp_path: Path) -> None:
    with serving() as port:
        second = trusthub("serve", "--port", "0")
        message = f"Another `trusthub serve` uses {tmp_path}/hub.db. Stop it, or use PostgreSQL for several."
        assert (second.returncode, second.stdout, second.stderr) == (1, "", f"Error: {message}\n")
        assert answers(port)
    with serving() as port:
        assert answers(port)  # the file is free again


@pytest.mark.parametrize(
    ("variable", "value", "arguments", "handed_down"),
    [
        ("BASE_URL", None, [], "http://127.0.0.1:PORT"),
        ("BASE_URL", "", [], "http://127.0.0.1:PORT"),
        ("BASE_URL", "https://hub.acme.example", [], "https://hub.acme.example"),
        ("BASE_URL_FILE", "https://hub.acme.example", [], None),
        ("EMBEDDED_WORKER", None, [], None),
        ("EMBEDDED_WORKER", "true", ["--no-worker"], "false"),
        ("EMBEDDED_WORKER_FILE", "true", ["--no-worker"], "false"),
    ],
)
def test_what_the_serving_processes_are_told(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variable: str,
    value: str | None,
    arguments: list[str],
    handed_down: str | None,
) -> None:
    server = Mock()
    monkeypatch.setattr("granian.Granian", server)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    if value is not None and variable.endswith("_FILE"):
        (tmp_path / "value").write_text(value, encoding="utf-8")
        os.environ[f"TRUSTHUB_{variable}"] = str(tmp_path / "value")
    elif value is not None:
        os.environ[f"TRUSTHUB_{variable}"] = value
    assert run("serve", "--port", "0", *arguments).exit_code == 0
    expected = handed_down and handed_down.replace("PORT", str(server.call_args.kwargs["port"]))
    assert os.environ.get(f"TRUSTHUB_{variable.removesuffix('_FILE')}") == expected
    settings.load()  # what was handed down is no contradiction


# ------------------------------------------------------------------------------------------------ db


def test_the_life_of_a_database() -> None:
    assert "lacks the migrations" in run("db", "check").output
    assert run("db", "upgrade").output == "The database is up to date.\n"
    check = run("db", "check")
    assert (check.exit_code, check.output.splitlines()[-1]) == (
        0,
        "The database has the shape this version expects.",
    )
    assert run("db", "downgrade", "base").output == "The database is at base.\n"
    check = run("db", "check")
    assert check.exit_code == 1
    assert re.fullmatch(
        r"Error: The database lacks the migrations [\w, ]+\. Run `trusthub db upgrade`\.\n", check.output
    )
    assert run("db", "upgrade", "head").exit_code == 0


def test_a_revision_that_is_not_there() -> None:
    result = run("db", "upgrade", "9999")
    assert (result.exit_code, result.output) == (1, "Error: Can't locate revision identified by '9999'.\n")


# ------------------------------------------------------------------------------------------------ user


def test_a_person_is_let_in_and_changed(tmp_path: Path) -> None:
    done = trusthub("user", "add", "Mira@acme.example", "--name", "Mira", "--password", "correct horse")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Mira@acme.example can sign in. Roles: admin.\n", "")
    result = run("user", "add", "mira@acme.example", "--name", "Mira B.", typed="battery staple\nbattery staple\n")
    assert result.exit_code == 0
    assert "battery" not in result.output
    with database(tmp_path) as opened, opened.reading() as session:
        (row,) = session.execute(select(User)).scalars()
        assert (row.email, row.name, row.active) == ("mira@acme.example", "Mira B.", True)
        assert row.password.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("email", "name", "password", "message"),
    [
        ("mira", "Mira", "long enough", "'mira' is not an email address. Write name@example.com."),
        ("m@a.example", " ", "long enough", "The name is empty, and customers would read it."),
        ("m@a.example", "Mira", "short", "The password is too short. Take 8 characters or more."),
    ],
)
def test_who_is_not_let_in(tmp_path: Path, email: str, name: str, password: str, message: str) -> None:
    result = run("user", "add", email, "--name", name, "--password", password)
    assert result.exit_code == 2
    assert result.output.endswith(f"Error: {message}\n")
    assert not (tmp_path / "hub.db").exists()


def test_an_account_is_a_member_of_slack_until_that_is_taken_back(tmp_path: Path) -> None:
    for email in ("mira@acme.example", "jo@acme.example"):
        assert run("user", "add", email, "--name", "Mira", "--password", "correct horse").exit_code == 0
    assert run("user", "slack", "Mira@acme.example", "U0MIRA0001").output == (
        "Mira@acme.example is U0MIRA0001 in Slack.\n"
    )
    taken = run("user", "slack", "jo@acme.example", "U0MIRA0001")
    assert (taken.exit_code, taken.output) == (1, "Error: U0MIRA0001 is mira@acme.example.\n")
    assert (
        run("user", "slack", "ana@acme.example", "U0ANA00001").output
        == "Error: There is no account ana@acme.example.\n"
    )
    for wrong in (["mira"], [], ["U0MIRA0001", "--nobody"]):
        assert run("user", "slack", "mira@acme.example", *wrong).exit_code == 2
    assert run("user", "slack", "mira@acme.example", "--nobody").exit_code == 0
    with database(tmp_path) as opened, opened.reading() as session:
        assert [row.slack for row in session.execute(select(User)).scalars()] == [None, None]


# ------------------------------------------------------------------------------------------------ publish, replay


def test_the_page_is_written_as_files(tmp_path: Path) -> None:
    done = trusthub("publish", "out")
    assert (done.returncode, done.stdout) == (0, "The page is in out.\n")
    assert "Acme" in (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "out/api/v2/summary.json").read_text(encoding="utf-8"))["page"]["name"] == "Acme"


def test_publishing_needs_a_folder() -> None:
    result = run("publish")
    assert result.exit_code == 2
    assert result.output.endswith("Error: Name a folder, or set TRUSTHUB_PUBLISH_DIR.\n")


def keep(folder: Path, body: bytes, state: str) -> int:
    """Keep an event as a hook would have."""
    run("db", "upgrade")
    with database(folder) as opened, opened.transaction() as session:
        event = Event(
            connection="generic",
            source="generic",
            received_at=datetime(2026, 3, 2, 14, 0, tzinfo=UTC),
            headers={},
            body=body,
            state=state,
        )
        session.add(event)
        session.flush()
        return event.id


def test_a_failed_event_is_understood_once_more(tmp_path: Path) -> None:
    number = keep(tmp_path, b'{"event": "rollout.started", "component": "checkout", "to_version": "2.8.0"}', "failed")
    done = trusthub("replay", str(number))
    assert (done.returncode, done.stdout) == (0, f"Event {number}: done\n")
    with database(tmp_path) as opened, opened.reading() as session:
        assert session.execute(select(col(Event.state))).scalars().all() == ["done"]


def test_an_event_that_cannot_be_read_still_cannot(tmp_path: Path) -> None:
    number = keep(tmp_path, b"not JSON", "rejected")
    done = trusthub("replay", str(number))
    assert done.returncode == 1
    reason = "Expecting value: line 1 column 1 (char 0)"
    assert done.stderr == f"Error: The body is not JSON: {reason}. Send one JSON object.\n"


def test_an_event_that_is_not_there() -> None:
    done = trusthub("replay", "7")
    assert (done.returncode, done.stderr) == (1, "Error: There is no event 7.\n")


def test_an_event_that_fails_again_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "build", lambda _: SimpleNamespace(hub=None))
    monkeypatch.setattr(intake, "replay", lambda *_: "failed")
    result = run("replay", "7")
    assert (result.exit_code, result.output) == (1, "Error: Event 7 failed again. The log above says why.\n")
