"""/trusthub in Slack, its forms, and feedback that a customer gave there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from tests.e2e.house import House, house
from tests.e2e.slack_in import JO, STRANGER, answered, colleagues, command, interact, message, shortcut, submit
from tests.e2e.test_approvals import asked, files
from tests.e2e.test_feedback import thread_id
from tests.e2e.test_publicity import canary, rolled_back
from trusthub.store.tables import Person, Thread


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[House]:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path) as made:
        colleagues(made)
        canary(made)
        rolled_back(made)
        made.answer(made.incident(), words="I paid twice.", name="Ana", email="ana@customer.example")
        made.heard()
        yield made


def test_status_thread_and_help_say_how_things_stand(hub: House) -> None:
    incident = hub.incident()
    told = command(hub, "status", JO)
    assert f"`{incident}`" in told
    assert "identified, customers know" in told
    assert "1 customer waits for our answer." in told
    shown = command(hub, f"thread {thread_id(hub)}", JO)
    assert "waits for us" in shown
    assert "I paid twice." in shown
    assert "ana@customer.example" not in shown
    assert "There is no such thread" in command(hub, "thread none")
    for text in ("", "help"):
        assert command(hub, text, STRANGER).startswith("`/trusthub status`")
    assert "Did you mean `/trusthub status`?" in command(hub, "statsu")
    assert "There is no command `&lt;b&gt;`." in command(hub, "<b>")


def test_a_command_needs_the_role_that_the_console_asks_for(hub: House) -> None:
    assert f"trusthub user slack YOUR-ADDRESS {STRANGER}" in command(hub, "status", STRANGER)
    for text in ("update", "approve", "promise 15:00"):
        assert "This needs the role publisher." in command(hub, text, JO)
    assert hub.slack.views == []


def test_an_update_is_published_from_a_form(hub: House) -> None:
    incident = hub.incident()
    assert command(hub, f"update {incident[:5]}") == ""
    assert hub.slack.views[-1]["title"]["text"] == f"Update {incident}"
    wrong = submit(hub, state="monitoring", words="We are sorry if you were affected.")
    assert wrong["response_action"] == "errors"
    assert "Instead of" in wrong["errors"]["words"]
    assert "recovery" in submit(hub, state="monitoring", words="It works.", recovery="soon")["errors"]
    assert "words" in submit(hub, state="monitoring", words=" ")["errors"]
    assert "This needs the role publisher." in submit(hub, JO, state="monitoring", words="It works.")["errors"]["words"]
    before = len(hub.summary()["incidents"][0]["incident_updates"])
    assert submit(hub, state="monitoring", words="All requests reach 2.7.4 again.") == {}
    (shown,) = hub.summary()["incidents"]
    assert (shown["status"], len(shown["incident_updates"])) == ("monitoring", before + 1)
    assert "All requests reach 2.7.4 again." in shown["incident_updates"][0]["body"]


def test_a_promise_is_said_in_public(hub: House) -> None:
    assert "By when does it work again?" in command(hub, "promise")
    assert "is not a time" in command(hub, "promise soon")
    assert command(hub, f"promise {hub.incident()} 15:45") == ""
    assert submit(hub, words="We move all requests back.") == {}
    assert "15:45" in hub.page(f"/incidents/{hub.incident()}")


def test_an_incident_that_there_is_not_gets_the_nearest(hub: House) -> None:
    incident = hub.incident()
    assert f"Did you mean {incident}?" in command(hub, f"update {incident[:-1]}!")
    hub.event("rollback.finished")
    while hub.wait():
        pass
    assert command(hub, "update") == "No incident is open."
    assert "No incident is open." in command(hub, "status")


def test_approve_shows_the_words_and_a_button_for_exactly_these(tmp_path: Path) -> None:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **files(tmp_path)) as hub:
        colleagues(hub)
        assert command(hub, "approve") == "Nothing waits for a publisher."
        canary(hub)
        rolled_back(hub)
        assert hub.calm
        shown, row = answered(hub, "approve"), asked(hub)
        assert row.texts["en"]["subject"] in shown["text"].replace("&lt;", "<").replace("&amp;", "&")
        *_, buttons = shown["blocks"]
        press = {"type": "block_actions", "actions": buttons["elements"], "channel": {"id": "C0RELEASES"}}
        interact(hub, press, STRANGER)
        assert hub.calm
        interact(hub, press)
        assert not hub.calm


def test_what_a_customer_said_in_slack_becomes_a_thread(hub: House) -> None:
    said = message(hub, "Your new feature feels invasive &amp; I want it gone.", STRANGER, thread_ts=None)
    shortcut(hub, "record_feedback", said, JO)
    assert "This needs the role support." in hub.slack.whispers[-1][1]
    shortcut(hub, "record_feedback", said)
    (view,) = hub.slack.views
    words = view["blocks"][1]["element"]["initial_value"]
    assert words == "Your new feature feels invasive & I want it gone."
    about = view["blocks"][0]["element"]["options"]
    values = {each["value"] for each in about}
    assert f"incident:{hub.incident()}" in values
    component = next(each["value"] for each in about if each["text"]["text"] == "Search")
    mailed = len(hub.sendgrid.messages)
    assert "email" in submit(hub, about=component, email="ana")["errors"]
    assert submit(hub, about=component, name="Cleo") == {}
    assert len(hub.sendgrid.messages) == mailed
    with hub.parts.hub.database.reading() as session:
        row, person = session.execute(
            select(Thread, Person)
            .join(Person, col(Person.id) == col(Thread.person_id))
            .order_by(col(Thread.id).desc())
            .limit(1)
        ).one()
    assert (person.name, person.email, row.incident_id) == ("Cleo", None, None)
    assert row.recorded_by == "Mira (Slack)"
    assert row.recorded_url == f"https://acme.slack.com/archives/{said['channel']}/p{said['ts'].replace('.', '')}"
    (heard,) = [each for each in hub.slack.messages if "feels invasive" in each.text]
    assert "wrote it down for them.* They get no mail of ours" in heard.text
    hub.sign_in()
    shown = hub.page(f"/console/threads/{row.public_id}")
    assert "wrote it down for them" in shown
    assert row.recorded_url in shown
    assert submit(hub, about=f"incident:{hub.incident()}", email="cleo@customer.example") == {}
    assert len(hub.sendgrid.messages) == mailed + 1
    assert "is not on the page any more" in submit(hub, about="component:none")["errors"]["words"]
