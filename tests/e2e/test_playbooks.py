"""What playbooks change in the running hub: who hears under which conditions, how often, and what is kept of it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from tests.e2e.house import START, House, house
from trusthub.domain.message import Moment
from trusthub.settings import packaged
from trusthub.store.tables import Delivery, Incident, Outcome, Promise


@contextmanager
def with_playbooks(folder: Path, **more: str) -> Iterator[House]:
    """Build a hub with the shipped playbooks, of which some say more."""
    books = shutil.copytree(packaged("playbooks"), folder / "playbooks", ignore=shutil.ignore_patterns("__*"))
    for name, text in more.items():
        file = books / f"{name}.yaml"
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        file.write_text(before + text, encoding="utf-8")
    with house(f"sqlite:///{folder}/hub.db", folder, site=books / "site.yaml") as made:
        yield made


def rows(hub: House, table: type[Any]) -> list[Any]:
    with hub.parts.hub.database.reading() as session:
        return list(session.exec(select(table)).all())


def moments(hub: House, lane: str) -> list[str]:
    return [row.moment for row in rows(hub, Delivery) if row.lane == lane and not row.payload.get("edit")]


WHEN = """
tell:
  rollout.progressed:
    stakeholders: {message: rollout.progressed, when: {exposure: ">= 25", impact: major}}
  rollback.started: {support: {message: rollback.started, when: {peak: ">= 50"}}}
  incident.identified: {customers: {message: incident.identified, when: {impact: major}}}
"""


def test_an_audience_hears_when_its_conditions_hold(tmp_path: Path) -> None:
    with with_playbooks(tmp_path, canary=WHEN) as hub:
        hub.event("rollout.started")
        for share in (5, 25, 50):
            hub.event("rollout.progressed", exposure=share)
        progressed = [row for row in rows(hub, Delivery) if row.moment == Moment.ROLLOUT_PROGRESSED]
        assert [row.payload["subject"] for row in progressed] == ["Checkout: 2.8.0 is at 50 %"]
        hub.event("rollback.started", evidence="failed_analysis")
        assert "rollback.started" in moments(hub, "slack:#support")


def test_customers_read_on_the_page_what_a_condition_does_not_send(tmp_path: Path) -> None:
    with with_playbooks(tmp_path, canary=WHEN) as hub:
        hub.event("rollout.progressed", exposure=5)
        hub.event("rollback.started", evidence="failed_analysis")
        assert "2.8.0" in hub.page(f"/incidents/{hub.incident()}")
        assert moments(hub, "page:main") == ["incident.identified"]
        assert "rollback.started" not in moments(hub, "slack:#support")


def test_how_often_follows_from_how_bad_it_is(tmp_path: Path) -> None:
    worse = "extends: canary\nmatch: {strategy: canary, severity: [major, critical]}\ncadence: {major: {every: 15m}}\n"
    with with_playbooks(tmp_path, worse=worse) as hub:
        hub.event("rollout.progressed", exposure=5)
        hub.event("rollback.started", evidence="failed_analysis")
        (incident,) = rows(hub, Incident)
        assert (incident.impact, incident.playbook) == ("minor", "canary")
        assert next_update(hub) == timedelta(minutes=30)
        hub.event("rollout.progressed", exposure=60)  # said late: it had gone further than we knew
        hub.event("rollback.finished")
        (incident,) = rows(hub, Incident)
        assert (incident.impact, incident.playbook) == ("major", "worse")
        assert next_update(hub) == timedelta(minutes=15)


def next_update(hub: House) -> timedelta:
    (due,) = [made.due for made in rows(hub, Promise) if made.kind == "next_update" and made.standing == "pending"]
    left: timedelta = due - hub.clock.now
    return left


def test_a_playbook_sets_what_a_wave_is(tmp_path: Path) -> None:
    with with_playbooks(tmp_path, canary="wave: {more_than: 1, within: 5m}\n") as hub:
        for index in range(3):
            about = {"to_version": f"2.8.{index}", "attempt": str(index)}
            hub.event("rollout.progressed", exposure=5, **about)
            hub.event("rollback.started", evidence="failed_analysis", **about)
        names = [incident["name"] for incident in hub.summary()["incidents"]]
        assert sorted(names) == ["Checkout: a problem with 2.8.0", "Several components have problems"]
        decisions = {row.decision for row in rows(hub, Incident) if not row.public}
        assert len(decisions) == 1
        assert decisions.pop().startswith("More than 1 incident wanted to go public by themselves within 5 minutes.")


def test_what_a_rollback_really_was_stands_beside_its_estimates(tmp_path: Path) -> None:
    with with_playbooks(tmp_path) as hub:
        hub.event("rollout.progressed", exposure=5, from_version="2.7.4")
        hub.event("rollout.progressed", exposure=25)
        hub.event("rollback.started", evidence="failed_analysis")
        assert rows(hub, Outcome) == []
        hub.clock.forward(minutes=11)
        hub.event("rollback.finished")
        (kept,) = rows(hub, Outcome)
        assert (kept.plan, kept.layer, kept.took) == ("canary", "traffic", 12 * 60)
        assert (kept.expected_from, kept.expected_to) == (120, 600)
        assert kept.shares == [{"percent": 25.0, "minutes": 13}, {"percent": 5.0, "minutes": 1}]
        words = " ".join("\n".join(hub.heard()).split())
        assert "We went back on the traffic. It took 12 minutes; the plan had estimated 2 to 10 minutes." in words
        assert "At most 25 % of requests for 13 minutes, 5 % of requests for 1 minute." in words
        hub.sign_in()
        (incident,) = rows(hub, Incident)
        page = hub.web.get(f"/console/rollouts/{incident.conversation.partition(':')[2]}").text
        assert "12 minutes, longer than estimated" in page
        assert "At most 25 % of requests for 13 minutes, 5 % of requests for 1 minute." in " ".join(page.split())


# ------------------------------------------------------------------------------------------------ unwelcome

DISLIKED = {
    "component": "checkout",
    "kind": "unwelcome",
    "name": "The new list of orders",
    "note": "You can switch the earlier list on in your settings.",
    "complaint": "It needs two more clicks.",
    "motive": "We wanted it to load faster, and it saved us servers.",
}


def test_a_change_that_customers_dislike_breaks_nothing(tmp_path: Path) -> None:
    with with_playbooks(tmp_path) as hub:
        hub.sign_in()
        hub.console("/console/open", **DISLIKED)
        summary = hub.summary()
        assert {component["status"] for component in summary["components"]} == {"operational"}
        (incident,) = summary["incidents"]
        assert (incident["impact"], incident["status"]) == ("none", "identified")
        page = hub.page(f"/incidents/{incident['id']}")
        for words in ("You are right", *(DISLIKED[key] for key in ("note", "complaint", "motive"))):
            assert words in page
        assert next_update(hub) == timedelta(hours=24)
        hub.console(
            f"/console/incidents/{incident['id']}/update", "/console/open", state="identified", note="It is on."
        )
        hub.console(f"/console/incidents/{incident['id']}/resolve", "/console/open", note="Everybody has it back.")
        page = hub.page(f"/incidents/{incident['id']}")
        assert "What we did" in page
        assert "as it should" not in page  # nothing was broken, so no word says so


def test_a_missed_promise_about_such_a_change_says_so(tmp_path: Path) -> None:
    with with_playbooks(tmp_path) as hub:
        hub.sign_in()
        hub.console("/console/open", **DISLIKED)
        while hub.clock.now < START + timedelta(hours=73) and hub.wait():
            pass
        page = hub.page(f"/incidents/{hub.incident()}")
        assert "We missed that time" in page
        assert "has not been working" not in page
        assert "requests failed" not in page


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"motive": ""}, "Please write what customers dislike, and what you meant by the change."),
        ({"complaint": ""}, "Please write what customers dislike, and what you meant by the change."),
        ({"kind": "other"}, "Choose what it is."),
    ],
)
def test_the_motive_and_the_complaint_come_from_a_person(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    with with_playbooks(tmp_path) as hub:
        hub.sign_in()
        assert said in hub.console("/console/open", **{**DISLIKED, **changed}).text
        assert hub.calm


def test_what_does_not_work_needs_neither(tmp_path: Path) -> None:
    with with_playbooks(tmp_path) as hub:
        hub.sign_in()
        hub.console("/console/open", component="checkout", name="Payments fail", note="We look into it.")
        (incident,) = rows(hub, Incident)
        assert (incident.playbook, incident.impact, incident.motive) == ("manual", "minor", "")
