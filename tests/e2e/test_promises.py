"""Promises end kept or missed, in public."""

from datetime import timedelta

from sqlalchemy import select
from sqlmodel import col

from tests.e2e.house import House
from tests.e2e.test_publicity import canary, rolled_back
from trusthub.store.tables import Promise


def promises(hub: House) -> list[tuple[str, str]]:
    with hub.parts.hub.database.reading() as session:
        rows = session.execute(select(Promise).order_by(col(Promise.id))).scalars()
        return [(row.kind, row.standing) for row in rows]


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
    hub.heard()
    assert hub.wait()
    assert ("recovery", "missed") in promises(hub)
    assert "14:14 UTC" in newest(hub)
    assert "We missed that" in newest(hub)
    assert "sorry" in newest(hub)
    assert any("SLACK #releases reply +channel" in line for line in hub.heard())
    hub.event("rollback.finished")
    assert promises(hub).count(("recovery", "missed")) == 1


def test_silence_is_told_again_and_again(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    for _ in range(4):
        assert hub.wait()
    assert promises(hub).count(("next_update", "missed")) >= 2
    assert "Next update by" in newest(hub)


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
    hub.wait()
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
