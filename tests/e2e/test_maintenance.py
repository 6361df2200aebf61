"""Planned work from the console's form to its end, as customers and their calendars see it."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest
from sqlalchemy import select
from sqlmodel import col

from tests.e2e.house import START, House, house, site_with
from tests.e2e.test_promises import promises
from tests.e2e.test_statuspage import INCIDENT
from trusthub.services import timers
from trusthub.store.tables import Audit, Update

BEGIN, END = datetime(2026, 3, 4, 2, 0, tzinfo=UTC), datetime(2026, 3, 4, 3, 0, tzinfo=UTC)
EFFECT = "You cannot pay for an order."


def plan(hub: House, **fields: str) -> str:
    """Plan an hour of work on Checkout by the console's form; return its id."""
    hub.sign_in()
    said = {"component": "checkout", "name": "Checkout moves to a larger database", "effect": EFFECT}
    answer = hub.console("/console/maintenance", **said, **{"start": _form(BEGIN), "end": _form(END)} | fields)
    assert "Customers have been told" in answer.text, answer.text
    (work,) = listed(hub, "/upcoming")
    return str(work["id"])


def act(hub: House, work: str, action: str, **fields: str) -> str:
    form = f"/console/incidents/{work}"
    return hub.console(f"/console/maintenance/{work}/{action}", form_at=form, **fields).text


def at(hub: House, moment: datetime) -> None:
    """Let everything happen that is due by a time, each at its own."""
    while (due := _next(hub)) is not None and due <= moment:
        assert hub.wait()
    hub.clock.now = max(hub.clock.now, moment)
    hub.parts.worker.drain()


def listed(hub: House, which: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(hub.page(f"/api/v2/scheduled-maintenances{which}.json"))[
        "scheduled_maintenances"
    ]
    return found


def moments(hub: House) -> list[str]:
    with hub.parts.hub.database.reading() as session:
        return list(session.execute(select(col(Update.moment)).order_by(col(Update.id))).scalars())


def status(hub: House) -> str:
    return next(str(row["status"]) for row in hub.summary()["components"] if row["name"] == "Checkout")


def entry(hub: House, path: str) -> icalendar.Event:
    (event,) = icalendar.Calendar.from_ical(hub.web.get(path).data).walk("VEVENT")
    assert isinstance(event, icalendar.Event)
    return event


def _next(hub: House) -> datetime | None:
    with hub.parts.hub.database.reading() as session:
        return timers.next_due(session)


def _form(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M}"


def test_from_the_plan_to_an_overrun_and_its_end(either: House) -> None:
    hub = either
    work = plan(hub)
    assert moments(hub) == ["maintenance.planned"]
    assert hub.calm, "what is only planned is no trouble yet"
    assert any("from 02:00 to 03:00 UTC on 4 March 2026" in line for line in hub.heard())

    at(hub, BEGIN - timedelta(hours=24))
    assert moments(hub)[1:] == ["maintenance.reminder"]
    at(hub, BEGIN - timedelta(minutes=1))
    assert moments(hub)[1:] == ["maintenance.reminder"] * 2
    assert (status(hub), promises(hub)) == ("operational", [])

    at(hub, BEGIN)
    assert moments(hub)[3:] == ["maintenance.started"]
    assert (status(hub), promises(hub)) == ("under_maintenance", [("recovery", "pending")])
    assert hub.summary()["status"] == {"indicator": "maintenance", "description": "Service Under Maintenance"}
    assert "We are working on Checkout" in hub.page()

    at(hub, END)
    assert moments(hub)[4:] == ["maintenance.overrun"]
    assert promises(hub) == [("recovery", "missed"), ("next_update", "pending")]
    (active,) = listed(hub, "/active")
    words = active["incident_updates"][0]["body"]
    assert "by 03:00 UTC on 4 March 2026. We have missed that time, and we are sorry." in words
    assert "Next update by 03:30 UTC, even if nothing has changed." in words
    assert any("SLACK #releases reply +channel" in line for line in hub.heard())

    hub.clock.forward(minutes=10)
    act(hub, work, "finish", note="The copy took longer than on our test machine.")
    assert moments(hub)[5:] == ["maintenance.completed"]
    assert promises(hub) == [("recovery", "missed"), ("next_update", "kept")]
    words = listed(hub)[0]["incident_updates"][0]["body"]
    assert "We finished the planned work on Checkout at 03:10 UTC on 4 March 2026." in words
    assert "later than 03:00 UTC, the time that we had given you, and we are sorry." in words
    assert status(hub) == "operational"
    assert hub.calm


def test_work_that_ends_by_itself_keeps_its_time(hub: House) -> None:
    plan(hub, ends_itself="1")
    at(hub, END)
    assert moments(hub)[-2:] == ["maintenance.started", "maintenance.completed"]
    assert promises(hub) == [("recovery", "kept")]
    assert "sorry" not in listed(hub)[0]["incident_updates"][0]["body"]
    assert hub.calm


def test_it_does_not_end_by_itself_while_something_is_broken(hub: House) -> None:
    plan(hub, ends_itself="1")
    at(hub, BEGIN)
    hub.console("/console/open", component="checkout", name="Payments fail", note="We look at each payment.")
    assert status(hub) == "degraded_performance", "what is broken counts more than what is planned"
    at(hub, END)
    assert "maintenance.overrun" in moments(hub)
    assert "maintenance.completed" not in moments(hub)
    path = f"/console/incidents/{hub.incident()}"
    hub.console(f"{path}/resolve", form_at=path)
    assert status(hub) == "under_maintenance"


def test_a_start_during_an_incident_does_not_hide_it(hub: House) -> None:
    plan(hub)
    at(hub, BEGIN - timedelta(minutes=2))
    hub.console("/console/open", component="checkout", name="Payments fail", note="We look at each payment.")
    at(hub, BEGIN)
    assert status(hub) == "degraded_performance"


def test_an_extension_in_time_is_no_missed_promise(hub: House) -> None:
    work = plan(hub)
    at(hub, BEGIN)
    hub.clock.forward(minutes=30)
    act(hub, work, "change", end=_form(END + timedelta(hours=1)), note="One table is larger than we thought.")
    words = listed(hub, "/active")[0]["incident_updates"][0]["body"]
    assert "takes longer than we said, and we are sorry" in words
    assert "by 04:00 UTC on 4 March 2026, not by 03:00 UTC." in words
    at(hub, END)
    assert moments(hub)[-1] == "maintenance.updated", "the first end is no end any more"
    assert promises(hub) == [("recovery", "withdrawn"), ("recovery", "pending")]
    hub.clock.forward(minutes=30)
    act(hub, work, "change", verifying="1", end=_form(END + timedelta(hours=1)))
    assert listed(hub, "/active")[0]["status"] == "verifying"
    act(hub, work, "finish")
    assert promises(hub) == [("recovery", "withdrawn"), ("recovery", "kept")]


def test_after_an_overrun_a_new_end_is_promised(hub: House) -> None:
    work = plan(hub)
    at(hub, END)
    act(hub, work, "change", end=_form(END + timedelta(hours=1)))
    assert promises(hub) == [("recovery", "missed"), ("next_update", "kept"), ("recovery", "pending")]
    at(hub, END + timedelta(hours=1))
    assert moments(hub)[-2:] == ["maintenance.updated", "maintenance.overrun"]


def test_silence_after_an_overrun_is_bridged_and_then_said(hub: House) -> None:
    plan(hub)
    at(hub, END + timedelta(hours=2))
    assert moments(hub)[-3:] == ["promise.holding", "promise.missed", "promise.missed"]
    assert "We also promised you news by" in listed(hub, "/active")[0]["incident_updates"][0]["body"]


def test_another_window_has_its_own_timers(hub: House) -> None:
    work = plan(hub)
    later = timedelta(days=1)
    act(hub, work, "change", start=_form(BEGIN + later), end=_form(END + later))
    words = listed(hub, "/upcoming")[0]["incident_updates"][0]["body"]
    assert "from 02:00 to 03:00 UTC on 5 March 2026, not from 02:00 to 03:00 UTC on 4 March 2026" in words
    at(hub, END)
    assert moments(hub) == ["maintenance.planned", "maintenance.updated", "maintenance.reminder"]
    at(hub, BEGIN + later)
    assert moments(hub)[3:] == ["maintenance.reminder", "maintenance.started"]


def test_what_is_cancelled_never_begins(hub: House) -> None:
    work = plan(hub)
    ana = hub.answer(work, words="Please not on Wednesday.", email="ana@customer.example")
    assert ana.status_code == 200
    act(hub, work, "cancel", note="We found a way without it.")
    at(hub, END)
    assert moments(hub) == ["maintenance.planned", "maintenance.cancelled"]
    assert promises(hub) == []
    (gone,) = listed(hub)
    assert (gone["status"], listed(hub, "/upcoming")) == ("completed", [])
    event = entry(hub, f"/incidents/{work}.ics")
    assert event["STATUS"] == "CANCELLED"
    assert "Cancelled" in hub.page(f"/incidents/{work}")
    assert any("will not do the work on Checkout" in line and "ana@customer.example" in line for line in hub.heard())


def test_two_workers_begin_it_once(either: House) -> None:
    hub = either
    plan(hub)
    hub.clock.now = BEGIN
    both = [threading.Thread(target=timers.fire, args=(hub.parts.hub, BEGIN)) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert moments(hub) == ["maintenance.planned", "maintenance.started"], "a reminder that is late is left out"


def test_a_hub_that_slept_through_it_says_only_how_it_is(hub: House) -> None:
    plan(hub)
    hub.tick(days=3)
    assert moments(hub) == ["maintenance.planned", "maintenance.overrun"]


def test_statuspages_documents_have_its_keys_and_no_others(hub: House) -> None:
    work = plan(hub)
    for which in ("", "/upcoming", "/active"):
        document = json.loads(hub.page(f"/api/v2/scheduled-maintenances{which}.json"))
        assert list(document) == ["page", "scheduled_maintenances"]
    (row,) = listed(hub, "/upcoming")
    assert list(row) == [*INCIDENT, "scheduled_for", "scheduled_until"]
    assert (row["id"], row["status"], row["impact"]) == (work, "scheduled", "maintenance")
    assert row["scheduled_for"] == "2026-03-04T03:00:00.000+01:00"
    assert hub.summary()["scheduled_maintenances"] == [row]
    assert (listed(hub), listed(hub, "/active")) == ([row], [])
    at(hub, BEGIN)
    assert [each["status"] for each in listed(hub, "/active")] == ["in_progress"]
    assert listed(hub, "/upcoming") == []
    assert hub.summary()["incidents"] == []
    act(hub, work, "finish")
    assert [each["status"] for each in listed(hub)] == ["completed"]
    assert hub.summary()["scheduled_maintenances"] == []


def test_calendars_get_an_entry_that_changes_with_the_plan(hub: House) -> None:
    work = plan(hub, advice="Pay before 02:00 UTC; nothing else changes.")
    answer = hub.web.get("/calendar.ics")
    assert answer.content_type == "text/calendar; charset=utf-8"
    calendar = icalendar.Calendar.from_ical(answer.data)
    assert (calendar["VERSION"], calendar["METHOD"], calendar["PRODID"]) == (
        "2.0", "PUBLISH", "-//trusthub//status page//EN",
    )  # fmt: skip
    assert all(len(line) <= 75 for line in answer.data.split(b"\r\n"))  # RFC 5545, 3.1
    first = entry(hub, "/calendar.ics")
    assert first.to_ical() == entry(hub, f"/incidents/{work}.ics").to_ical()
    assert first["UID"] == f"{work}@status.acme.example"
    assert (first.decoded("DTSTART"), first.decoded("DTEND")) == (BEGIN, END)
    assert first["STATUS"] == "CONFIRMED"
    assert b"DTSTART:20260304T020000Z" in answer.data
    assert EFFECT in str(first["DESCRIPTION"])
    assert f"/incidents/{work}" in str(first["DESCRIPTION"])
    act(hub, work, "change", start=_form(BEGIN + timedelta(days=1)), end=_form(END + timedelta(days=1)))
    moved = entry(hub, "/calendar.ics")
    assert moved["UID"] == first["UID"]
    assert int(moved.sequence) > int(first.sequence)
    assert moved.decoded("DTSTART") == BEGIN + timedelta(days=1)
    at(hub, BEGIN + timedelta(days=1, minutes=20))
    act(hub, work, "finish")
    assert entry(hub, "/calendar.ics").decoded("DTEND") == BEGIN + timedelta(days=1, minutes=20)


def test_each_language_has_its_page_and_its_calendar(tmp_path: Path) -> None:
    site = site_with(tmp_path)
    text = site.read_text(encoding="utf-8").replace("page:", "page:\n  locales: [en, de]", 1)
    site.write_text(text, encoding="utf-8")
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, site=site) as hub:
        work = plan(hub, name_de="Checkout zieht um", effect_de="Sie können keine Bestellung bezahlen.")
        page = hub.page(f"/de/incidents/{work}")
        assert "Checkout zieht um" in page
        assert "Sie können keine Bestellung bezahlen." in page
        assert "am 4. März 2026 von 02:00 bis 03:00 Uhr UTC" in page
        assert "Geplante Arbeiten" in hub.page("/de/")
        assert "von 02:00 bis 03:00 Uhr UTC" in hub.page("/de/")
        event = entry(hub, f"/de/incidents/{work}.ics")
        assert event["SUMMARY"] == "Checkout zieht um"
        assert event["UID"] == entry(hub, f"/incidents/{work}.ics")["UID"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"start": _form(START)}, "has to begin in the future"),
        ({"end": _form(BEGIN)}, "has to end after it begins"),
        ({"component": "cart"}, "There is no component &#39;cart&#39;."),
        ({"name": " "}, "Please write a title."),
        ({"effect": ""}, "Please write what customers cannot do meanwhile."),
        ({"start": "tomorrow"}, "is not a time"),
        ({"end": ""}, "Please write when the work ends."),
    ],
)
def test_a_plan_that_cannot_be_is_refused_and_changes_nothing(hub: House, fields: dict[str, str], why: str) -> None:
    hub.sign_in()
    said = {"component": "checkout", "name": "Checkout moves", "effect": EFFECT}
    answer = hub.console("/console/maintenance", **said | {"start": _form(BEGIN), "end": _form(END)} | fields)
    assert why in answer.text
    assert listed(hub) == []


def test_what_cannot_be_done_is_refused_with_the_reason(hub: House) -> None:
    work = plan(hub)
    assert "Cancel it, or give it another time." in act(hub, work, "finish")
    assert "Nothing is different." in act(hub, work, "change", start=_form(BEGIN), end=_form(END))
    form = f"/console/incidents/{work}"
    assert "This is planned work." in hub.console(f"{form}/resolve", form_at=form).text
    at(hub, BEGIN)
    assert "Say that it is finished" in act(hub, work, "cancel")
    assert "Only its end can be changed." in act(hub, work, "change", start=_form(BEGIN - timedelta(hours=1)))
    act(hub, work, "finish")
    hub.clock.forward(minutes=1)
    assert "This work is over." in hub.console(f"/console/maintenance/{work}/finish", form_at="/console/open").text
    with hub.parts.hub.database.reading() as session:
        rows = session.execute(select(Audit).where(col(Audit.subject) == f"incident:{work}")).scalars()
        assert [(row.actor, row.action) for row in rows] == [("Mira", "plan"), ("Mira", "finish")]
