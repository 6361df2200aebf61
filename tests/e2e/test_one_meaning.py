"""Whatever the tools call it, how often and in which order: one rollout, one incident, one story."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from tests.e2e.house import House, house, site_with
from tests.sources.replay import folder
from trusthub.domain.message import Moment
from trusthub.services import intake, rollouts
from trusthub.store.tables import Alert, Delivery, Event, Incident, Rollout

PIPELINE = "deploys"
"""A second connection, of a deploy job that knows no exposure."""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[House]:
    site = site_with(tmp_path)
    text = site.read_text(encoding="utf-8")
    site.write_text(text + f"  {PIPELINE}: {{source: generic, environment: production}}\n", encoding="utf-8")
    playbooks = {"site": site, "playbooks_dir": Path("playbooks").resolve()}
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **playbooks) as made:
        yield made


def deploy(hub: House, event: str, **more: Any) -> None:
    """Say something as the deploy job."""
    hub.clock.forward(minutes=1)
    body = {"event": event, "component": "checkout", "to_version": "2.8.0", "attempt": "job-7", **more}
    assert hub.hook(PIPELINE, body).json["state"] == "done"  # type: ignore[index]


def alert(hub: House, status: str = "firing", *, minutes_ago: float = 0.0, **labels: str) -> None:
    """Send what Alertmanager sends."""
    began = hub.clock.now.timestamp() - minutes_ago * 60
    stamp = hub.clock.now.fromtimestamp(began, hub.clock.now.tzinfo).isoformat()
    one = {
        "status": status,
        "labels": {"alertname": "ManyErrors", "service": "checkout", "severity": "critical", **labels},
        "annotations": {"summary": "Checkout answers 500"},
        "startsAt": stamp,
        "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else hub.clock.now.isoformat(),
        "generatorURL": "https://prometheus.acme.example/graph",
        "fingerprint": "c0ffee",
    }
    body = {"version": "4", "status": status, "receiver": "trusthub", "groupKey": "{}", "alerts": [one]}
    answer = hub.hook("alertmanager", {**body, "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}})
    assert answer.json["state"] == "done", answer.text  # type: ignore[index]


def rows(hub: House, table: Any) -> list[Any]:
    with hub.parts.hub.database.reading() as session:
        return list(session.execute(select(table).order_by(table.id)).scalars())


def leads(hub: House) -> list[Rollout]:
    return [row for row in rows(hub, Rollout) if row.follows_id is None]


def told(hub: House, moment: Moment) -> int:
    """Count the messages about a moment in #releases; edits are of an earlier one."""
    with hub.parts.hub.database.reading() as session:
        found = session.execute(select(Delivery).where(col(Delivery.lane) == "slack:#releases")).scalars()
        return sum(1 for each in found if each.moment == moment and not each.payload.get("edit"))


# ------------------------------------------------------------------------------------------------ two tools


def test_a_deploy_job_and_a_canary_controller_speak_of_one_rollout(hub: House) -> None:
    deploy(hub, "rollout.started")
    hub.event("rollout.started", exposure=0)
    deploy(hub, "rollout.completed")  # the job is done: it handed over
    hub.event("rollout.progressed", exposure=5)
    (row,) = leads(hub)
    assert (row.phase, row.connection, row.known["steps"][-1]["percent"]) == ("progressing", "generic", 5.0)
    assert told(hub, Moment.ROLLOUT_STARTED) == 1
    assert told(hub, Moment.ROLLOUT_COMPLETED) == 0
    hub.event("rollback.started", evidence="failed_analysis")
    hub.event("rollback.finished")
    assert len(rows(hub, Incident)) == 1
    assert hub.summary()["incidents"][0]["status"] == "monitoring"
    assert told(hub, Moment.ROLLBACK_STARTED) == told(hub, Moment.ROLLBACK_FINISHED) == 1


def test_success_of_a_job_is_not_everybody_even_when_it_comes_first(hub: House) -> None:
    deploy(hub, "rollout.completed")
    hub.event("rollout.progressed", exposure=5)
    (row,) = leads(hub)
    assert (row.phase, row.connection) == ("progressing", "generic")
    hub.event("rollback.started", evidence="failed_analysis")
    assert "Up to 5 % of Checkout requests" in hub.summary()["incidents"][0]["incident_updates"][0]["body"]


def test_once_a_tool_knows_exposure_a_job_completes_nothing(hub: House) -> None:
    hub.event("rollout.progressed", exposure=50, to_version="2.7.4")
    hub.event("rollout.completed", to_version="2.7.4")
    deploy(hub, "rollout.completed")
    assert [row.phase for row in leads(hub)] == ["completed", None]
    assert told(hub, Moment.ROLLOUT_COMPLETED) == 1
    hub.event("rollout.progressed", exposure=5)
    hub.event("rollback.started", evidence="failed_analysis")
    assert "from 2.8.0 to 2.7.4" in hub.summary()["incidents"][0]["incident_updates"][0]["body"]


def test_two_jobs_that_know_no_exposure_are_one_rollout_too(hub: House) -> None:
    deploy(hub, "rollout.started")
    hub.event("rollout.started")
    deploy(hub, "rollout.completed")
    hub.event("rollout.completed")
    assert [row.phase for row in leads(hub)] == ["completed"]
    assert told(hub, Moment.ROLLOUT_STARTED) == told(hub, Moment.ROLLOUT_COMPLETED) == 1


@pytest.mark.parametrize("more", [{"to_version": "2.8.1"}, {"environment": "staging"}, {"component": "search"}])
def test_another_version_place_or_component_is_another_rollout(hub: House, more: dict[str, str]) -> None:
    deploy(hub, "rollout.started")
    hub.event("rollout.started", **more)
    assert len(leads(hub)) == 2


def test_a_tag_and_its_commit_are_one_version(hub: House) -> None:
    sha = "9f1c2d3e4b5a69788796a5b4c3d2e1f009182736"
    deploy(hub, "rollout.completed", attempt="1", to_version="2.7.4", artifact=sha)
    deploy(hub, "rollout.completed", attempt="2", to_version="2.8.0", artifact="0" * 40)
    deploy(hub, "rollout.started", attempt="3", to_version=sha[:7], artifact=sha)
    assert told(hub, Moment.ROLLBACK_STARTED) == 1
    assert rows(hub, Rollout)[-1].to_version == "2.7.4"


# ------------------------------------------------------------------------------------------------ alerts


def aborted(hub: House) -> None:
    """A person aborts a canary at 5 %: no evidence of harm by itself."""
    hub.event("rollout.completed", to_version="2.7.4")
    hub.event("rollout.started")
    hub.event("rollout.progressed", exposure=5)


def test_an_alert_during_the_rollout_is_evidence(hub: House) -> None:
    aborted(hub)
    alert(hub)
    assert hub.calm
    hub.event("rollback.started")
    assert "Our own monitoring raised an alert." in hub.summary()["incidents"][0]["incident_updates"][0]["body"]
    assert "Alert: Checkout answers 500" in "\n".join(hub.heard())


def test_an_alert_that_arrives_after_the_abort_changes_the_decision(hub: House) -> None:
    aborted(hub)
    hub.event("rollback.started")
    assert hub.calm
    alert(hub, minutes_ago=0.5)
    assert hub.summary()["incidents"][0]["status"] == "identified"


def test_an_alert_that_arrives_before_its_rollout_is_heard_of(hub: House) -> None:
    began = hub.clock.now
    alert(hub, minutes_ago=-0.0)
    hub.event("rollout.progressed", exposure=5, occurred_at=began.isoformat())
    hub.event("rollback.started")
    assert rows(hub, Alert)[0].rollout_id is not None
    assert not hub.calm


@pytest.mark.parametrize(
    ("labels", "minutes_ago"),
    [({"environment": "staging"}, 0), ({"service": "search"}, 0), ({}, 60)],
    ids=["elsewhere", "other-component", "before"],
)
def test_other_alerts_are_kept_and_prove_nothing(hub: House, labels: dict[str, str], minutes_ago: int) -> None:
    aborted(hub)
    alert(hub, minutes_ago=minutes_ago, **labels)
    hub.event("rollback.started")
    assert hub.calm
    assert [found.rollout_id for found in rows(hub, Alert)] == [None]


def test_an_alert_that_is_only_heard_to_end_proves_nothing(hub: House) -> None:
    aborted(hub)
    alert(hub, "resolved", minutes_ago=300)
    hub.event("rollback.started")
    assert hub.calm


def test_an_alert_that_begins_again_has_no_end(hub: House) -> None:
    alert(hub)
    alert(hub, "resolved")
    hub.clock.forward(minutes=5)
    pagerduty = {"event": {"id": "1", "event_type": "incident.triggered", "data": {"id": "Q1"}}}
    for number, kind in enumerate(("incident.triggered", "incident.resolved", "incident.reopened")):
        pagerduty["event"] |= {"id": str(number), "event_type": kind}
        hub.clock.forward(minutes=1)
        assert hub.hook("pagerduty", pagerduty).status_code == 200
    assert [found.ended_at is None for found in rows(hub, Alert)] == [False, True]


def test_an_alert_alone_tells_nobody(hub: House) -> None:
    alert(hub)
    alert(hub, "resolved")
    assert hub.heard() == []
    (kept,) = rows(hub, Alert)
    assert kept.ended_at is not None


# ------------------------------------------------------------------------------------------------ again


def test_abort_retry_abort_is_one_incident(hub: House) -> None:
    hub.event("rollout.completed", to_version="2.7.4")
    for turn in ("first", "second"):
        hub.event("rollout.started", attempt="rollout-9", id=f"{turn} started")
        hub.event("rollout.progressed", attempt="rollout-9", exposure=5, id=f"{turn} progressed")
        hub.event("rollback.started", attempt="rollout-9", evidence="failed_analysis", id=f"{turn} aborted")
        hub.event("rollback.finished", attempt="rollout-9", id=f"{turn} finished")
    (incident,) = rows(hub, Incident)
    assert incident.public
    (shown,) = hub.summary()["incidents"]
    states = [update["status"] for update in shown["incident_updates"]]
    assert states == ["monitoring", "identified", "monitoring", "identified"]
    assert [row.round for row in rows(hub, Rollout) if row.attempt == "rollout-9"] == [1, 2]
    conversations = {row.conversation for row in rows(hub, Delivery) if row.incident_id == incident.id}
    assert conversations == {incident.conversation}


def test_a_retry_that_works_ends_well(hub: House) -> None:
    hub.event("rollout.started", attempt="rollout-9")
    hub.event("rollback.started", attempt="rollout-9")
    hub.event("rollback.finished", attempt="rollout-9")
    hub.event("rollout.progressed", attempt="rollout-9", exposure=50)
    hub.event("rollout.completed", attempt="rollout-9")
    assert [row.phase for row in leads(hub)] == ["rolled_back", "completed"]
    assert hub.calm


def test_a_late_event_of_the_first_try_does_not_touch_the_second(hub: House) -> None:
    first = hub.clock.now
    for event in ("rollout.started", "rollback.started", "rollback.finished", "rollout.progressed"):
        hub.event(event, attempt="rollout-9", occurred_at=hub.clock.forward(minutes=1).isoformat())
    hub.event("rollback.finished", attempt="rollout-9", occurred_at=first.isoformat())
    assert [row.phase for row in leads(hub)] == ["rolled_back", "progressing"]


def test_two_tries_that_end_at_the_same_moment_are_no_mistake(hub: House) -> None:
    begun = hub.clock.now
    for minute, event in enumerate(("started", "finished", "progressed", "finished")):
        body = {"event": f"{'rollback' if event == 'finished' else 'rollout'}.{event}", "id": str(minute)}
        at = begun.replace(minute=minute * 2).isoformat()
        hub.clock.now = begun.replace(minute=30)
        place = {"component": "checkout", "environment": "production", "attempt": "9", "strategy": "canary"}
        assert hub.hook("generic", {**body, **place, "occurred_at": at}).json["state"] == "done"  # type: ignore[index]
    assert len(rows(hub, Incident)) == 1


def test_half_an_hour_later_it_is_another_incident(hub: House) -> None:
    for attempt in ("1", "2"):
        hub.event("rollout.progressed", attempt=attempt, exposure=5)
        hub.event("rollback.started", attempt=attempt, evidence="failed_analysis")
        hub.event("rollback.finished", attempt=attempt)
        hub.tick(minutes=31)
    assert len(rows(hub, Incident)) == 2


def test_what_a_person_closed_is_not_opened_again(hub: House) -> None:
    hub.sign_in()
    hub.event("rollout.progressed", attempt="1", exposure=5)
    hub.event("rollback.started", attempt="1", evidence="failed_analysis")
    incident = hub.incident()
    hub.console(f"/console/incidents/{incident}/false-alarm", form_at=f"/console/incidents/{incident}")
    hub.event("rollout.progressed", attempt="2", exposure=5)
    hub.event("rollback.started", attempt="2", evidence="failed_analysis")
    assert len(rows(hub, Incident)) == 2


# ------------------------------------------------------------------------------------------------ flags


def flag(hub: House, event: str, **more: Any) -> None:
    hub.event(event, **{"strategy": "flag", "to_version": None, "attempt": "acme/production/one-page", **more})


def test_a_flag_that_is_switched_off_during_its_rollout_is_a_rollback(hub: House) -> None:
    flag(hub, "rollout.progressed", exposure=20)
    flag(hub, "rollback.finished")
    assert told(hub, Moment.ROLLBACK_FINISHED) == 1
    flag(hub, "rollout.progressed", exposure=20)
    flag(hub, "rollout.completed")
    assert [row.phase for row in leads(hub)] == ["rolled_back", "completed"]


def test_a_flag_that_is_tidied_up_is_none(hub: House) -> None:
    flag(hub, "rollback.finished", attempt="acme/production/unheard-of")
    flag(hub, "rollout.completed")
    hub.tick(days=3)
    flag(hub, "rollback.finished")
    assert told(hub, Moment.ROLLBACK_FINISHED) == 0


# ------------------------------------------------------------------------------------------------ the fuse


def storm(hub: House, count: int, *, first: int = 0) -> None:
    """Let rollouts of all components fail within a few minutes."""
    for index in range(first, first + count):
        for event, more in (
            ("rollout.progressed", {"exposure": 5}),
            ("rollback.started", {"evidence": "failed_analysis"}),
        ):
            body = {
                "event": event,
                "component": ("checkout", "search", "accounts")[index % 3],
                "environment": "production",
                "to_version": f"2.8.{index}",
                "attempt": f"storm-{index}",
                **more,
            }
            assert hub.hook("generic", body).status_code == 200
        hub.clock.forward(seconds=20)


def test_after_three_incidents_one_message_stands_for_the_rest(hub: House) -> None:
    storm(hub, 7)
    shown = hub.summary()["incidents"]
    assert len(shown) == 4
    several = next(incident for incident in shown if incident["name"] == "Several components have problems")
    assert (
        "There are problems with Checkout, Search and Accounts, and we are sorry."
        in (several["incident_updates"][0]["body"])
    )
    assert {component["name"] for component in several["components"]} == {"Checkout", "Search", "Accounts"}
    words = "\n".join(hub.heard())
    assert words.count("SLACK #support post\n    *Acme has several problems, we are looking into them*") == 1
    assert "More than 3 incidents wanted to go public by themselves within 10 minutes." in words
    waiting = [incident for incident in rows(hub, Incident) if not incident.public]
    assert len(waiting) == 4
    hub.sign_in()
    page = hub.web.get(f"/console/incidents/{waiting[0].public_id}").text
    assert "Tell customers" in page


def test_three_incidents_do_not_trip_it_and_neither_do_slow_ones(hub: House) -> None:
    storm(hub, 3)
    hub.tick(minutes=11)
    storm(hub, 1, first=3)
    assert [incident.combined for incident in rows(hub, Incident)] == [False] * 4
    assert all(incident.public for incident in rows(hub, Incident))


def test_no_machine_ends_what_stands_for_several(hub: House) -> None:
    storm(hub, 5)
    for _ in range(20):
        hub.wait()
    (several,) = (incident for incident in rows(hub, Incident) if incident.combined)
    assert several.state == "investigating"
    hub.sign_in()
    where = f"/console/incidents/{several.public_id}"
    hub.console(f"{where}/update", form_at=where, note="All of them are repaired.", state="resolved")
    (several,) = (incident for incident in rows(hub, Incident) if incident.combined)
    assert several.state == "resolved"


# ------------------------------------------------------------------------------------------------ late, replayed, swept


def test_a_replay_addresses_no_customer(hub: House, monkeypatch: pytest.MonkeyPatch) -> None:
    aborted(hub)
    with monkeypatch.context() as patched:
        patched.setattr(rollouts, "follow", _broken)
        hub.event("rollback.started", evidence="failed_analysis")
    assert intake.replay(hub.parts.hub, rows(hub, Event)[-1].id, hub.clock.now) == "done"
    hub.parts.worker.drain()
    assert hub.calm
    assert "The event was told again, by a relist, an import or a replay" in "\n".join(hub.heard())


def test_what_failed_is_tried_again_by_itself_and_told(hub: House, monkeypatch: pytest.MonkeyPatch) -> None:
    aborted(hub)
    with monkeypatch.context() as patched:
        patched.setattr(rollouts, "follow", _broken)
        hub.event("rollback.started", evidence="failed_analysis")
        assert intake.sweep(hub.parts.hub, hub.clock.forward(seconds=61)) == 1
        assert intake.sweep(hub.parts.hub, hub.clock.forward(seconds=5)) == 0  # it waits longer after each try
    assert (rows(hub, Event)[-1].state, rows(hub, Event)[-1].tries) == ("failed", 2)
    assert intake.sweep(hub.parts.hub, hub.clock.forward(minutes=2)) == 1
    hub.parts.worker.drain()
    assert rows(hub, Event)[-1].state == "done"
    assert hub.summary()["incidents"][0]["status"] == "identified"


def test_a_mistake_that_stays_is_not_tried_for_ever(hub: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollouts, "follow", _broken)
    hub.event("rollout.started")
    for _ in range(20):
        intake.sweep(hub.parts.hub, hub.clock.forward(hours=1))
    assert rows(hub, Event)[-1].tries == 6


def _broken(*_: object) -> None:
    raise ZeroDivisionError("a bug")


@pytest.mark.parametrize("retold", [True, False])
def test_a_list_of_what_is_there_already_tells_nobody(hub: House, *, retold: bool) -> None:
    body = json.loads((folder("kubernetes") / "Deployment.completed.json").read_bytes())
    assert hub.hook("kubernetes", {**body, "retold": retold}).status_code == 200
    assert bool(hub.heard()) is not retold
