"""What staff type is read by the linter before customers read it."""

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from tests.e2e.house import House, house, site_with
from tests.e2e.test_feedback import thread_id
from trusthub.settings import packaged
from trusthub.store.tables import Audit

BAD = "We are sorry for any inconvenience. It will be over soon."
SECRET = "Use password=hunter2222 until then."


@pytest.fixture
def told(hub: House) -> House:
    """A hub with a public incident, and Mira at the console."""
    hub.event("rollout.started", exposure=5)
    hub.event("rollback.started", evidence="failed_analysis")
    hub.sign_in()
    return hub


def write(hub: House, note: str, *, action: str = "update", reason: str = "") -> tuple[str, str]:
    """Send words from the incident's page; return its address and what the console answers."""
    path = f"/console/incidents/{hub.incident()}"
    fields = {"note": note, "state": "identified", "reason": reason}
    answer = hub.console(f"{path}/{action}", form_at=path, **fields)
    return path, answer.text


def public(hub: House) -> str:
    return hub.page(f"/incidents/{hub.incident()}")


def audit(hub: House) -> list[tuple[str, str, str]]:
    with hub.parts.hub.database.reading() as session:
        rows = (
            session.execute(select(Audit).where(col(Audit.action) != "account").order_by(col(Audit.id))).scalars().all()
        )
        return [(row.actor, row.action, row.detail) for row in rows]


@pytest.mark.parametrize("action", ["update", "resolve"])
def test_words_with_errors_are_not_published_and_shown_again(told: House, action: str) -> None:
    _, page = write(told, BAD, action=action)
    assert "This was not published." in page
    assert f">{BAD}</textarea>" in page
    assert "<q>any inconvenience</q>" in page
    assert "inconvenience" not in public(told)
    assert audit(told) == []


def test_a_reason_publishes_them_and_is_kept_with_the_name(told: House) -> None:
    write(told, BAD, reason="Our lawyer asked for these words.")
    assert "any inconvenience" in public(told)
    (actor, action, detail), _ = audit(told)
    assert (actor, action) == ("Mira", "overruled the linter")
    assert detail.endswith(": Our lawyer asked for these words.")
    assert {"A02", "A03", "T02"} <= set(detail.partition(":")[0].split(", "))


def test_no_reason_publishes_a_secret(told: House) -> None:
    _, page = write(told, SECRET, reason="I know what I do.")
    assert "cannot be published, whatever the reason" in page
    assert 'name="reason"' not in page
    assert "hunter2222" not in public(told)
    assert audit(told) == []


def test_good_words_pass_without_a_question(told: House) -> None:
    write(told, "Cards fail, vouchers work. We are putting the earlier version back.")
    assert "Cards fail, vouchers work." in public(told)
    assert [action for _, action, _ in audit(told)] == ["update"]


def test_an_answer_owes_no_apology_but_may_not_be_vague(told: House) -> None:
    told.answer(told.incident(), words="It fails.")
    where = f"/console/threads/{thread_id(told)}"
    page = told.console(f"{where}/reply", form_at=where, words="It will work soon.").text
    assert "This was not published." in page
    told.console(f"{where}/reply", form_at=where, words="Your second payment was not charged.")
    assert [action for _, action, _ in audit(told)] == ["reply"]


HOUSE = "Nobody saw your data: there was no breach. Every order of today gets a refund."
ROLES = "\nroles: {legal: [Mira@acme.example]}\n"


def test_words_of_the_house_wait_for_their_role_whatever_the_reason(told: House) -> None:
    _, page = write(told, HOUSE, reason="The customer asked.")
    assert "This was not published." in page
    assert "under the name of somebody with the role legal" in page
    assert "under the name of somebody with the role finance" in page
    assert 'name="reason"' not in page
    assert "breach" not in public(told)


def test_words_of_the_house_leave_under_the_name_of_their_role(tmp_path: Path) -> None:
    site = site_with(tmp_path)
    site.write_text(site.read_text(encoding="utf-8") + ROLES, encoding="utf-8")
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, site=site, playbooks_dir=packaged("playbooks")) as hub:
        hub.event("rollout.started", exposure=5)
        hub.event("rollback.started", evidence="failed_analysis")
        hub.sign_in()
        write(hub, HOUSE)
        assert "breach" not in public(hub)  # one role is not the other
        write(hub, HOUSE.partition(". ")[0] + ".")
        assert "there was no breach" in public(hub)


def test_an_answer_promises_no_money_by_itself(told: House) -> None:
    told.answer(told.incident(), words="I paid twice.")
    where = f"/console/threads/{thread_id(told)}"
    page = told.console(f"{where}/reply", form_at=where, words="You get a refund today.", reason="They are right.").text
    assert "role finance" in page
    assert audit(told) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Sorry for any inconvenience"},
        {"complaint": "You may dislike it. Sorry for any inconvenience."},
        {"motive": "We apologise for any inconvenience this may have caused."},
    ],
    ids="".join,
)
def test_titles_complaints_and_motives_are_read_as_well(hub: House, changed: dict[str, str]) -> None:
    hub.sign_in()
    good = {
        "component": "checkout",
        "kind": "unwelcome",
        "name": "The new list of orders",
        "note": "The earlier list is back for everybody who asks for it.",
        "complaint": "It needs two more clicks.",
        "motive": "We wanted the page to load faster.",
    }
    page = hub.console("/console/open", form_at="/console/open", **{**good, **changed}).text
    assert "This was not published." in page
    assert "<q>any inconvenience</q>" in page
    assert hub.summary()["incidents"] == []
    hub.console("/console/open", form_at="/console/open", **good)
    assert [each["name"] for each in hub.summary()["incidents"]] == ["The new list of orders"]


def test_an_incident_is_not_opened_with_words_that_blame(told: House) -> None:
    fields = {"component": "checkout", "name": "Cards fail", "note": "This was caused by our payment provider."}
    page = told.console("/console/open", form_at="/console/open", **fields).text
    assert "caused by our payment provider" in page
    assert 'value="Cards fail"' in page
    assert "Cards fail" not in told.page()


def test_words_about_planned_work_are_read_and_kept_in_the_form(hub: House) -> None:
    hub.sign_in()
    form = "/console/maintenance"
    said = {"component": "checkout", "start": "2026-03-04T02:00", "end": "2026-03-04T03:00", "ends_itself": "1"}
    words = {"name": "A larger database", "effect": "Sorry for any inconvenience: you cannot pay."}
    page = hub.console(form, form, **said, **words)
    assert page.status_code == 422
    assert "<q>any inconvenience</q>" in page.text
    assert f">{words['effect']}</textarea>" in page.text
    assert 'value="2026-03-04T02:00"' in page.text
    assert len(re.findall(r"\schecked\b", page.text)) == 2
    assert "A larger database" not in hub.page()
    hub.console(form, form, **said, **words, reason="Our lawyer asked for these words.")
    assert "A larger database" in hub.page()
    assert audit(hub)[0][1:] == ("overruled the linter", "A02, A03: Our lawyer asked for these words.")

    work = json.loads(hub.page("/api/v2/scheduled-maintenances.json"))["scheduled_maintenances"][0]["id"]
    there = f"/console/incidents/{work}"
    for action in ("change", "cancel"):
        page = hub.console(f"/console/maintenance/{work}/{action}", there, note="We will be back soon.", **said)
        assert page.status_code == 422
        assert "<q>soon</q>" in page.text
        assert ">We will be back soon.</textarea>" in page.text
    assert "back soon" not in hub.page()
