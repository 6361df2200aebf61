"""Promises end kept or missed, in public."""

import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from tests.e2e.house import House, house
from tests.e2e.test_publicity import canary, rolled_back
from trusthub.services import timers
from trusthub.settings import packaged
from trusthub.store.tables import Incident, Promise


def promises(hub: House) -> list[tuple[str, str]]:
    with hub.parts.hub.database.reading() as session:
        rows = session.execute(select(Promise).order_by(col(Promise.id))).scalars()
        return [(row.kind, row.standing) for row in rows]


def until(hub: House, clock: str) -> None:
    """Let everything happen that is due by a time of this day."""
    hour, minute = map(int, clock.split(":"))
    end = hub.clock.now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    while (due := next_due(hub)) is not None and due <= end:
        assert hub.wait()
    hub.clock.now = max(hub.clock.now, end)


def next_due(hub: House) -> datetime | None:
    with hub.parts.hub.database.reading() as session:
        return timers.next_due(session)


def told(hub: House, note: str) -> None:
    """Let a person open an incident, two minutes after the last event."""
    hub.clock.now = hub.clock.now.replace(minute=5)
    hub.sign_in()
    hub.console("/console/open", component="checkout", name="Payments fail", note=note)


def write(hub: House, **fields: str) -> str:
    """Let a person write an update; return what they see next."""
    path = f"/console/incidents/{hub.incident()}"
    return hub.console(f"{path}/update", form_at=path, **fields).text


def went_back(hub: House, version: str, minutes: float, **more: str) -> None:
    """Let a rollback happen that takes so long, and that nobody is told of."""
    hub.event("rollout.progressed", exposure=5, to_version=version, **more)
    hub.event("rollback.started", to_version=version, **more)
    hub.clock.forward(minutes=minutes - 1)
    hub.event("rollback.finished", to_version=version, **more)


def books(folder: Path, *, playbook: str = "", owner: str = "") -> dict[str, Path]:
    """Copy the shipped playbooks, with a line more in that for canaries, or another owner of its plan."""
    made = folder / "playbooks"
    shutil.copytree(packaged("playbooks"), made)
    book, plan = made / "canary.yaml", made / "plans/canary.md"
    book.write_text(book.read_text(encoding="utf-8").replace("\nplan:", f"\n{playbook}\nplan:", 1), encoding="utf-8")
    if owner:
        text = re.sub(r"^owner: .*", f"owner: {owner}", plan.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
        plan.write_text(text, encoding="utf-8")
    return {"site": made / "site.yaml", "playbooks_dir": made}


def newest(hub: House) -> str:
    (incident,) = hub.summary()["incidents"]
    return str(incident["incident_updates"][0]["body"])


def test_recovery_and_next_update_are_promised_together(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    assert sorted(promises(hub)) == [("next_update", "pending"), ("recovery", "pending")]
    assert "We expect to finish between 14:06 and 14:14 UTC." in newest(hub)
    assert "Next update by 14:34 UTC, even if nothing has changed." in newest(hub)


def test_both_are_kept_by_a_rollback_in_time(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    hub.event("rollback.finished")
    assert sorted(promises(hub)) == [("next_update", "kept"), ("next_update", "pending"), ("recovery", "kept")]


def test_a_missed_recovery_is_said_and_a_new_time_given(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    until(hub, "14:14")
    assert ("recovery", "missed") in promises(hub)
    assert "14:14 UTC" in newest(hub)
    assert "We missed that" in newest(hub)
    assert "sorry" in newest(hub)
    assert any("SLACK #releases reply +channel" in line for line in hub.heard())
    hub.event("rollback.finished")
    assert promises(hub).count(("recovery", "missed")) == 1


def test_silence_is_bridged_with_what_we_know_and_then_told(hub: House) -> None:
    canary(hub)
    told(hub, note="We look at each payment.")
    until(hub, "14:35")
    assert promises(hub) == [("next_update", "kept"), ("next_update", "pending")]
    assert "It has lasted 30 minutes now, and it is not solved." in newest(hub)
    assert "Next update by 15:05 UTC" in newest(hub)
    until(hub, "15:05")
    assert "What has changed since 14:35 UTC. It has lasted 60 minutes now" in newest(hub)
    until(hub, "15:35")
    assert "We promised you an update by 15:35 UTC" in newest(hub)
    assert promises(hub)[2:] == [("next_update", "missed"), ("next_update", "pending")]
    until(hub, "16:05")  # nobody has written since: there is nothing left to bridge
    assert "We promised you an update by 16:05 UTC" in newest(hub)


def test_a_persons_words_begin_the_count_anew(hub: House) -> None:
    canary(hub)
    told(hub, note="We look at each payment.")
    until(hub, "15:05")
    write(hub, note="We found it: cards fail.", state="investigating")
    until(hub, "16:05")
    assert all(standing != "missed" for _, standing in promises(hub))
    assert "Our system wrote this by itself" in newest(hub)
    until(hub, "16:35")
    assert ("next_update", "missed") in promises(hub)


def test_a_holding_update_says_what_has_changed(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    incident = hub.incident()
    until(hub, "14:14")
    hub.clock.forward(minutes=2)
    hub.answer(incident, words="My payment failed.")
    hub.answer(incident, words="Mine, too.")
    hub.clock.now = hub.clock.now.replace(minute=20)
    hub.event("rollback.started", exposure=2, evidence="failed_analysis")
    until(hub, "14:44")
    said = newest(hub)
    assert "What has changed since 14:14 UTC. The rollback from 2.8.0 to 2.7.4 has taken 40 minutes now" in said
    assert "2 % of Checkout requests reach 2.8.0 now. 2 customers have written to us since then." in said


def test_a_worker_that_comes_late_keeps_nothing(hub: House) -> None:
    canary(hub)
    told(hub, note="We look at each payment.")
    hub.clock.now = hub.clock.now.replace(hour=14, minute=36)
    hub.parts.worker.drain()
    assert ("next_update", "missed") in promises(hub)
    assert "We missed that time" in newest(hub)


# ------------------------------------------------------------------------------------------ reminders and owners


def test_who_promised_is_reminded_in_time(hub: House) -> None:
    canary(hub)
    told(hub, note="We look at each payment.")
    hub.heard()
    until(hub, "14:25")
    heard = hub.heard()
    assert {line.split("\n")[0] for line in heard} == {
        "SLACK #releases post",
        "SLACK #support reply +channel",
        "MAIL mira@acme.example",
        "MAIL releases@acme.example",
    }
    for line in heard:
        assert "Customers expect an update on Checkout by 14:35 UTC on 2 March 2026" in line
        assert "Mira keeps this promise." in line
        assert "/console/incidents/ID#write" in line
        assert "That happens twice in a row at most." in line
    assert promises(hub) == [("next_update", "pending")]


def test_a_recovery_is_reminded_of_too_and_its_owner_is_the_plans(tmp_path: Path) -> None:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **books(tmp_path, owner="payments@acme.example")) as hub:
        canary(hub)
        rolled_back(hub)
        until(hub, "14:11")
        (mail,) = [line for line in hub.heard() if line.startswith("MAIL payments@acme.example")]
    assert "Customers expect that Checkout works again by 14:14 UTC" in mail
    assert "payments@acme.example keeps this promise." in mail


def test_the_playbook_says_how_early_people_are_reminded(tmp_path: Path) -> None:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **books(tmp_path, playbook="remind_before: 5m")) as hub:
        canary(hub)
        rolled_back(hub)
        reminded = []
        for _ in range(4):
            hub.wait()
            reminded += [f"{hub.clock.now:%H:%M}"] * any("customers expect" in line.lower() for line in hub.heard())
    assert reminded[0] == "14:09"


def test_nobody_is_reminded_of_what_a_quiet_window_keeps(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    hub.event("rollback.finished")
    hub.heard()
    until(hub, "14:34")
    assert hub.heard() == []


def test_who_has_written_is_not_reminded(hub: House) -> None:
    canary(hub)
    told(hub, note="We look at each payment.")
    hub.clock.now = hub.clock.now.replace(minute=20)
    write(hub, note="We found it: cards fail.", state="identified")
    hub.heard()
    until(hub, "14:25")
    assert hub.heard() == []


# ------------------------------------------------------------------------------------------ recovery


def test_three_rollbacks_of_our_own_are_the_basis(hub: House) -> None:
    for number, minutes in enumerate((3, 8, 5)):
        went_back(hub, f"2.7.{number}", minutes)
    hub.event("rollout.completed", to_version="2.7.4")
    hub.event("rollout.progressed", exposure=5)
    rolled_back(hub)
    began = hub.clock.now
    assert "We say so because the last 3 rollbacks of Checkout took 3 to 8 minutes." in newest(hub)
    assert f"between {began + timedelta(minutes=3):%H:%M} and {began + timedelta(minutes=8):%H:%M} UTC" in newest(hub)
    assert "the last 3 rollbacks of Checkout took 3 to 8 minutes" in hub.page(f"/incidents/{hub.incident()}")


@pytest.mark.parametrize(
    "other",
    [{"strategy": "rolling"}, {"environment": "staging"}, {"component": "search"}],
    ids=["strategy", "environment", "component"],
)
def test_what_is_not_comparable_does_not_count(hub: House, other: dict[str, str]) -> None:
    for number, minutes in enumerate((3, 8, 5)):
        went_back(hub, f"2.7.{number}", minutes, **(other if number == 1 else {}))
    hub.event("rollout.completed", to_version="2.7.4")
    hub.event("rollout.progressed", exposure=5)
    rolled_back(hub)
    assert "We say so because the earlier version is still running" in newest(hub)


def test_nothing_is_promised_that_has_passed_already(hub: House) -> None:
    canary(hub)
    rolled_back(hub, evidence="none")
    hub.clock.forward(minutes=30)
    hub.sign_in()
    with hub.parts.hub.database.reading() as session:
        incident = session.execute(select(col(Incident.public_id)).order_by(col(Incident.id).desc())).scalars().first()
    hub.console(f"/console/incidents/{incident}/tell", form_at=f"/console/incidents/{incident}")
    assert promises(hub) == [("next_update", "pending")]
    assert "We do not know yet when we will have finished." in newest(hub)


def test_a_person_promises_recovery_and_it_replaces_what_was_promised(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    hub.sign_in()
    write(hub, note="Two servers are slow to stop.", state="identified", recovery="14:30")
    assert "We expect to finish by 14:30 UTC." in newest(hub)
    assert promises(hub).count(("recovery", "withdrawn")) == promises(hub).count(("recovery", "pending")) == 1
    write(hub, note="All is back.", state="monitoring")
    assert ("recovery", "kept") in promises(hub)


def test_a_time_that_no_clock_shows_is_refused(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    hub.sign_in()
    before = promises(hub)
    assert "is not a time. Write it like 14:30." in write(hub, note="Soon.", state="identified", recovery="25:10")
    assert promises(hub) == before


def test_a_false_alarm_takes_the_promises_back(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    hub.sign_in()
    path = f"/console/incidents/{hub.incident()}"
    hub.console(f"{path}/false-alarm", form_at=path)
    assert sorted(promises(hub)) == [("next_update", "kept"), ("recovery", "withdrawn")]


def test_a_promise_is_missed_only_once_however_many_look(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    hub.clock.now += timedelta(hours=3)
    hub.parts.worker.drain()
    heard = [line for line in hub.heard() if line.startswith("SLACK #support reply")]
    hub.parts.worker.drain()
    assert hub.heard() == []
    assert len(heard) == 1


def test_quiet_resolves_and_asks_nothing_of_anybody(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    hub.event("rollback.finished")
    incident = hub.incident()
    while not hub.calm:
        assert hub.wait()
    assert hub.clock.now.strftime("%H:%M") == "14:35"
    assert "Resolved" in hub.page(f"/incidents/{incident}")
    assert all(standing != "missed" for _, standing in promises(hub))


def test_the_incident_page_keeps_the_record(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    incident = hub.incident()
    until(hub, "14:14")
    hub.event("rollback.finished")
    page = hub.page(f"/incidents/{incident}").lower()
    assert "missed" in page
    assert "kept" in page


def test_however_long_a_note_is_the_first_message_in_slack_says_when_we_write_again(hub: House) -> None:
    hub.event("rollout.started", exposure=5)
    hub.event("rollback.started", evidence="failed_analysis")
    for _ in range(3):
        hub.wait()
    hub.sign_in()
    before, path = len(hub.slack.messages), f"/console/incidents/{hub.incident()}"
    note = "\n\n".join(["We are looking at each payment by hand, one after the other."] * 120)
    hub.console(f"{path}/update", form_at=path, note=note, state="identified")
    first, second, *_ = hub.slack.messages[before:]
    assert "Next update by" in first.text
    assert first.text.count("We are looking") + second.text.count("We are looking") > 50


def test_what_a_person_watches_ends_by_itself_after_their_last_word(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    hub.sign_in()
    path = f"/console/incidents/{hub.incident()}"

    def watched() -> None:
        hub.console(f"{path}/update", path, note="The earlier version is back for everybody.", state="monitoring")

    watched()
    hub.tick(minutes=20)
    watched()
    hub.tick(minutes=29)
    assert hub.summary()["incidents"][0]["status"] == "monitoring"
    hub.tick(minutes=1)
    assert hub.summary()["incidents"] == []
    with hub.parts.hub.database.reading() as session:
        assert session.execute(select(col(Incident.closed_by))).scalar_one() == "machine"
