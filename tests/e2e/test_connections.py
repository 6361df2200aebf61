"""How the tools are connected: what is heard, refused, not understood, not watched, and what falls silent."""

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update
from sqlmodel import col

from tests.e2e.house import START, TOKEN, House, house
from tests.sources import replay
from trusthub.cli import main
from trusthub.cli.connect import Arrivals
from trusthub.services import silence
from trusthub.services.rehearsal import Heard, rehearse
from trusthub.services.site import load
from trusthub.settings import packaged
from trusthub.sources import SOURCES
from trusthub.store.tables import Delivery, Event, Suppression

UNKNOWN = {"event": {"id": "1", "event_type": "schedule.moved", "data": {}}}
STARTED = {"event": "rollout.started", "component": "worker", "environment": "production", "to_version": "2.8.0"}
SITE = """\
page: {name: Acme, url: https://status.acme.example, time_zone: UTC, support: support@acme.example}
components:
  - {id: checkout, name: Checkout, watches: [acme/checkout, checkout]}
environments: {public: [production]}
audiences: {stakeholders: [{slack: "#releases"}], support: [{slack: "#support"}], customers: [{page: true}]}
connections:
  deploys: {source: generic, expect: 4h}
  argo-prod: {source: argo-rollouts}
"""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[House]:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, site=site(tmp_path)) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/hub.db" if sqlite else request.getfixturevalue("postgres_url")
    with house(url, tmp_path, site=site(tmp_path)) as made:
        yield made


@pytest.fixture
def command(small: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A hub whose commands see the same database, site and token."""
    made = small.parts.settings
    monkeypatch.setenv("TRUSTHUB_DATABASE_URL", made.database_url)
    monkeypatch.setenv("TRUSTHUB_SITE", str(made.site))
    monkeypatch.setenv("TRUSTHUB_HOOK_TOKEN", TOKEN)
    monkeypatch.setenv("TRUSTHUB_SECRET_KEY", "test-secret")
    monkeypatch.setenv("TRUSTHUB_BASE_URL", "https://hub.acme.example")
    monkeypatch.setenv("COLUMNS", "200")
    return small


def site(folder: Path) -> Path:
    path = folder / "site.yaml"
    path.write_text(SITE, encoding="utf-8")
    folder.joinpath("default.yaml").write_text(
        (Path(__file__).parents[2] / "playbooks" / "default.yaml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    folder.joinpath("plans").mkdir()
    for plan in (Path(__file__).parents[2] / "playbooks" / "plans").iterdir():
        folder.joinpath("plans", plan.name).write_text(plan.read_text(encoding="utf-8"), encoding="utf-8")
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def messages(hub: House) -> list[tuple[str, str]]:
    with hub.parts.hub.database.reading() as session:
        rows = session.execute(select(Delivery).order_by(col(Delivery.id))).scalars()
        return [(row.moment, row.payload["subject"]) for row in rows if not row.payload.get("edit")]


# ------------------------------------------------------------------------------------------------ silence


def test_a_connection_that_falls_silent_is_told_once_and_once_when_it_speaks(both: House) -> None:
    hub = both.parts.hub
    silence.watch(hub, both.clock.now)
    both.hook("deploys", {**STARTED, "id": "1"})
    before = len(messages(both))
    both.clock.forward(hours=3, minutes=59)
    silence.watch(hub, both.clock.now)
    assert messages(both)[before:] == []
    both.clock.forward(minutes=1)
    for _ in range(3):
        silence.watch(hub, both.clock.forward(minutes=1))
    assert messages(both)[before:] == [("connection.silent", "deploys: nothing heard since 14:00 UTC on 2 March 2026")]
    both.hook("deploys", {**STARTED, "id": "2"})
    spoken = len(messages(both))
    for _ in range(3):
        silence.watch(hub, both.clock.forward(seconds=10))
    assert messages(both)[spoken:] == [("connection.heard", "deploys: heard again")]


def test_of_two_workers_one_tells(both: House) -> None:
    hub = both.parts.hub
    silence.watch(hub, both.clock.now)
    both.clock.forward(hours=5)
    begin = threading.Barrier(4)

    def watch(_number: int) -> None:
        begin.wait()
        silence.watch(hub, both.clock.now)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(watch, range(4)))
    assert [moment for moment, _ in messages(both)] == ["connection.silent"]


# ------------------------------------------------------------------------------------------------ what there is


def test_what_is_refused_unknown_and_unwatched_is_shown(command: House) -> None:
    command.clock.now = datetime.now(UTC)
    at = f"{command.clock.now:%Y-%m-%d %H:%M} UTC"
    command.hook("deploys", STARTED)
    command.hook("pagerduty", UNKNOWN)
    command.web.post("/hooks/argo-prod", data=b"{}", headers={"Authorization": "Bearer wrong"})
    result = run("connections")
    assert result.exit_code == 0, result.output
    words = " ".join(result.output.split())
    assert f"deploys generic {at} rollout.started" in words
    assert f"argo-prod argo-rollouts never 1, last {at}" in words
    assert "argo-prod refused the last request because: Send `Authorization: Bearer <token>`" in words
    assert f"pagerduty pagerduty {at} schedule.moved 1 unknown" in words
    assert f"No component watches worker. deploys spoke of it, the last time at {at}." in words
    assert "- {id: worker, name: Worker, watches: [worker]}" in words


def test_a_script_reads_the_same_as_json(command: House) -> None:
    command.hook("pagerduty", UNKNOWN)
    found = json.loads(run("connections", "--json").output)
    assert [each["name"] for each in found["connections"]] == ["deploys", "argo-prod", "pagerduty"]
    assert found["events"][0]["what"] == "schedule.moved"
    assert found["events"][0]["at"] == START.isoformat()


def test_nothing_is_connected_yet(command: House) -> None:
    result = run("connections")
    assert "never" in result.output
    assert "No component watches" not in result.output


# ------------------------------------------------------------------------------------------------ the console


def test_staff_see_it_and_understand_an_event_again(both: House) -> None:
    both.hook("pagerduty", UNKNOWN)
    both.hook("deploys", STARTED)
    hub = both.parts.hub
    with hub.database.transaction() as session:
        session.execute(update(Event).where(col(Event.connection) == "deploys").values(state="failed", error="Once."))
    assert both.web.get("/console/connections").status_code == 302
    both.sign_in()
    page = both.web.get("/console/connections").text
    assert page.count("Understand again") == 2
    assert "Failed inside the hub" in page
    answer = both.console("/console/connections/events/2", "/console/connections")
    assert "Event 2 is understood now. No customer was told because of it." in answer.text
    assert answer.text.count("Understand again") == 1
    again = both.console("/console/connections/events/1", "/console/connections")
    assert "Event 1 is of the type schedule.moved, which this version still does not know." in again.text
    assert "There is no such event." in both.console("/console/connections/events/99", "/console/connections").text


def test_an_event_is_not_understood_without_the_form(small: House) -> None:
    small.hook("pagerduty", UNKNOWN)
    small.sign_in()
    assert small.web.post("/console/connections/events/1").status_code == 400


# ------------------------------------------------------------------------------------------------ once more


def canary(hub: House) -> None:
    """Let a canary of Checkout fail before the eyes of its customers, and be rolled back."""
    common = {"component": "checkout", "to_version": "2.8.0", "from_version": "2.7.4", "strategy": "canary"}
    for event, more in (
        ("rollout.started", {}),
        ("rollout.progressed", {"exposure": 25}),
        ("rollback.started", {"evidence": "failed_analysis"}),
        ("rollback.finished", {}),
    ):
        hub.clock.forward(minutes=1)
        hub.hook("deploys", {"event": event, "environment": "production", "id": event, **common, **more})


def test_a_rehearsal_shows_who_would_have_heard_what(command: House) -> None:
    canary(command)
    told, now = messages(command), datetime.now(UTC)
    sent = (len(command.slack.accepted), len(command.sendgrid.messages))
    days = (now - START).days + 1
    result = run("replay", "--since", f"{days}d", "--dry-run")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert re.match(r"2026-03-02 14:01:00 +stakeholders +#releases +Checkout: ", lines[1])
    assert [line for line in lines if "customers" in line and "the public page" in line]
    assert re.fullmatch(r"4 events, \d+ messages\. Nothing was sent, and nothing was changed\.", lines[-1])
    assert messages(command) == told
    assert sent == (len(command.slack.accepted), len(command.sendgrid.messages))


def rehearsal(hub: House, since: datetime) -> list[Heard]:
    return rehearse(hub.parts.hub, since).heard


def test_a_rehearsal_knows_the_versions_from_before(both: House) -> None:
    for day, version in enumerate(("2.7.4", "2.8.0", "2.7.4")):
        both.clock.now = START + timedelta(days=day)
        for event in ("rollout.started", "rollout.completed"):
            both.clock.forward(minutes=1)
            both.hook("deploys", {**STARTED, "component": "checkout", "event": event, "to_version": version})
    told = [moment for moment, _ in messages(both)]
    assert "rollback.finished" in told  # no event says so
    moments = [one.moment for one in rehearsal(both, both.clock.now - timedelta(hours=1))]
    assert "rollback.finished" in moments
    assert len(moments) < len(told)


def test_a_rehearsal_says_once_that_an_update_is_late_and_when(command: House) -> None:
    canary(command)
    for _ in range(12):  # others go on, and nobody looks after the incident
        command.clock.forward(hours=1)
        command.hook("deploys", STARTED)
    late = [one for one in rehearsal(command, START) if one.moment == "promise.missed"]
    assert len({one.at for one in late}) == 1
    assert timedelta(hours=1) < late[0].at - START < timedelta(hours=2)  # after two updates that say what is known
    command.clock.forward(days=1)
    assert [one for one in rehearsal(command, START) if one.moment == "promise.missed"] == late


def test_a_rehearsal_leaves_out_who_unsubscribed(both: House) -> None:
    site_file = both.parts.settings.site
    site_file.write_text(SITE.replace('[{slack: "#releases"}]', "[{email: releases@acme.example}]"), encoding="utf-8")
    today = replace(both.parts.hub, configuration=load(both.parts.settings))
    canary(both)
    assert "email:releases@acme.example" in {one.destination for one in rehearse(today, START).heard}
    with both.parts.hub.database.transaction() as session:
        session.add(Suppression(address="releases@acme.example", reason="asked", at=both.clock.now))
    assert "email:releases@acme.example" not in {one.destination for one in rehearse(today, START).heard}


def test_a_rehearsal_does_not_hear_who_is_not_connected_any_more(command: House) -> None:
    canary(command)
    site_file = command.parts.settings.site
    site_file.write_text(SITE.replace("deploys:", "other:"), encoding="utf-8")
    days = (datetime.now(UTC) - START).days + 1
    result = run("replay", "--since", f"{days}d", "--dry-run")
    assert "4 events came over connections that are no more, and would be refused." in result.output
    assert "0 events, 0 messages." in result.output


def test_a_rehearsal_without_events(command: House) -> None:
    assert "0 events, 0 messages." in run("replay", "--since", "1h", "--dry-run").output


@pytest.mark.parametrize("arguments", ["", "--since 1d", "--dry-run", "1 --since 1d", "1 --dry-run"])
def test_many_events_are_only_looked_at(command: House, arguments: str) -> None:
    result = run("replay", *arguments.split())
    assert result.exit_code == 2
    assert "Name one EVENT, or give --since with --dry-run" in " ".join(result.output.replace("│", " ").split())


def test_a_request_is_captured_without_what_is_private(command: House) -> None:
    said = {**STARTED, "actor": "ana@acme.com", "reason": f"asked by ana@acme.com with {TOKEN} from 10.1.2.3"}
    command.hook("deploys", said)
    result = run("capture", "deploys", "--event", "1")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        **STARTED,
        "actor": "person-1@customer.example",
        "reason": "asked by person-1@customer.example with scrubbed from 192.0.2.1",
    }
    assert "Read it before you hand it on" in result.stderr
    assert "rollout.started" in result.stderr


def test_what_would_say_something_else_is_not_captured(command: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTHUB_HOOK_TOKEN", f"{TOKEN} started")  # a secret that is a word of the event as well
    command.hook("deploys", STARTED)
    result = run("capture", "deploys", "--event", "1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Event 1 says something else once it is scrubbed" in result.stderr


def test_headers_are_scrubbed_too(command: House) -> None:
    path = replay.folder("cdevents") / "service.deployed.v0.4.binary.json"
    sent = {**replay.headers("cdevents", path), "ce-source": "https://ci.globex.internal/job/7"}
    assert command.hook("cdevents", path.read_bytes(), sent).status_code == 200
    result = run("capture", "cdevents", "--event", "1")
    assert result.exit_code == 0, result.output
    assert "globex" not in result.output
    assert '"ce-source": "https://host-' in result.stderr


def test_the_next_request_is_captured_into_a_file(command: House, waits: threading.Event, tmp_path: Path) -> None:
    path = tmp_path / "fixture.json"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(run, "capture", "deploys", "--output", str(path), "--wait", "20s")
        assert waits.wait(20)
        command.hook("deploys", STARTED)
        result = waiting.result(30)
    assert result.exit_code == 0, result.output
    assert json.loads(path.read_text(encoding="utf-8")) == STARTED


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["deploys", "--event", "7"], "There is no event 7 over deploys."),
        (["nobody"], "There is no connection 'nobody'."),
        (["deploys", "--event", "1"], "The body of event 1 is not JSON"),
        (["deploys", "--wait", "1s"], "Nothing came."),
    ],
)
def test_what_cannot_be_captured(command: House, arguments: list[str], words: str) -> None:
    command.hook("deploys", b"{")
    result = run("capture", *arguments)
    assert result.exit_code == 1
    assert words in " ".join(result.output.split())


# ------------------------------------------------------------------------------------------------ connecting


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """A database that commands find as it should be."""
    folder = tmp_path_factory.mktemp("connect")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRUSTHUB_DATABASE_URL", f"sqlite:///{folder}/hub.db")
        patch.setenv("TRUSTHUB_SITE", str(packaged("playbooks") / "site.yaml"))
        patch.delenv("TRUSTHUB_HOOK_TOKEN", raising=False)
        yield patch


@pytest.mark.parametrize("source", SOURCES)
def test_every_tool_has_something_to_paste(migrated: pytest.MonkeyPatch, source: str) -> None:
    result = run("connect", source, "--name", f"{source}-new", "--hub", "https://hub.acme.example", "--no-wait")
    assert result.exit_code == 0, result.output
    assert f"https://hub.acme.example/hooks/{source}-new" in result.output
    secret = re.search(r"^ +([A-Z_0-9]+_HOOK_SECRET)=(.+)$", result.output, re.MULTILINE)
    assert secret, result.output
    assert f"{source}-new: {{source: {source}, " in result.output
    assert f'secret: "${{{secret[1]}}}"}}' in result.output
    pasted = result.output.partition("\n2. In ")[2]
    assert "status.example.com" not in pasted
    assert "paste-the-" not in pasted
    assert secret[2] in pasted or secret[2] == "<the secret that it shows>"


@pytest.mark.parametrize(
    ("source", "listed"), [("pagerduty", "{source: pagerduty, environment: production}"), ("statuspage", None)]
)
def test_the_common_token_is_not_offered_where_it_cannot_do(command: House, source: str, listed: str | None) -> None:
    """PagerDuty makes its own secret, and a status page can name no environment."""
    if listed:
        file = command.parts.settings.site
        file.write_text(SITE.replace("connections:", f"connections:\n  {source}: {listed}"), encoding="utf-8")
    result = run("connect", source, "--no-wait")
    assert "takes TRUSTHUB_HOOK_TOKEN" not in result.output
    wanted = (
        f'    {source}: {{source: {source}, environment: production, secret: "${{{source.upper()}_HOOK_SECRET}}"}}\n'
    )
    assert wanted in result.output


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Is set as soon as a command waits for what comes."""
    begun, wait = threading.Event(), Arrivals.wait

    def announced(arrivals: Arrivals, span: timedelta) -> Iterator[Event | str]:
        begun.set()
        yield from wait(arrivals, span)

    monkeypatch.setattr(Arrivals, "wait", announced)
    return begun


def coming(hub: House, name: str, waits: threading.Event, *requests: tuple[dict[str, Any], str]) -> Result:
    """Run `trusthub connect generic` while requests come."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(run, "connect", "generic", "--name", name, "--wait", "20s")
        assert waits.wait(20)
        for body, token in requests:
            hub.web.post(f"/hooks/{name}", data=json.dumps(body), headers={"Authorization": f"Bearer {token}"})
        return waiting.result(30)


def test_the_first_event_is_explained(command: House, waits: threading.Event) -> None:
    command.hook("deploys", {**STARTED, "id": "before"})
    found = coming(
        command,
        "deploys",
        waits,
        ({**STARTED, "id": "wrong"}, "wrong-token"),
        ({**STARTED, "id": "first", "to_version": "2.9.0"}, TOKEN),
    )
    assert found.exit_code == 0, found.output
    assert "Nothing: this connection takes TRUSTHUB_HOOK_TOKEN." in found.output
    assert "Refused: Send `Authorization: Bearer <token>` with the token of this connection." in found.output
    assert "rollout.started. It says: started to 2.9.0." in found.output
    assert "No component watches worker." in found.output
    assert "It happens in production, which customers use." in found.output


def test_who_waits_in_vain_is_told_so(command: House) -> None:
    result = run("connect", "generic", "--wait", "1s")
    assert result.exit_code == 1
    assert result.output.endswith("`trusthub connections` shows what comes later.\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["githup"], "There is no source 'githup'. Did you mean 'github'?"),
        (["github", "--name", "a/b"], "'a/b' cannot be a part of an address."),
        (["github", "--name", "deploys"], "The connection deploys is for generic already."),
        (["github", "--wait", "soon"], "soon"),
    ],
)
def test_what_cannot_be_connected(command: House, arguments: list[str], words: str) -> None:
    result = run("connect", *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())


def test_the_line_that_was_pasted_meanwhile_counts(command: House, waits: threading.Event) -> None:
    """The hub was restarted with the new line; the command that asked for it waits since before that."""
    path = replay.folder("pagerduty") / "incident.triggered.json"
    file = command.parts.settings.site
    pasted = "connections:\n  pagerduty: {source: pagerduty, environment: production}"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(run, "connect", "pagerduty", "--wait", "20s")
        assert waits.wait(20)
        file.write_text(SITE.replace("connections:", pasted), encoding="utf-8")
        command.hook("pagerduty", path.read_bytes(), replay.headers("pagerduty", path))
        found = waiting.result(30)
    assert found.exit_code == 0, found.output
    assert "It happens in production, which customers use." in found.output
