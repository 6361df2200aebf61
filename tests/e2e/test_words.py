"""What staff type is read by the linter before customers read it."""

import pytest
from sqlalchemy import select
from sqlmodel import col

from tests.e2e.house import House
from tests.e2e.test_feedback import thread_id
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
        rows = session.execute(select(Audit).order_by(col(Audit.id))).scalars().all()
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


def test_an_incident_is_not_opened_with_words_that_blame(told: House) -> None:
    fields = {"component": "checkout", "name": "Cards fail", "note": "This was caused by our payment provider."}
    page = told.console("/console/open", form_at="/console/open", **fields).text
    assert "caused by our payment provider" in page
    assert 'value="Cards fail"' in page
    assert "Cards fail" not in told.page()
