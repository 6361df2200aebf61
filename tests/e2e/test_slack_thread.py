"""A customer's thread in Slack: what is marked reaches the customer, what they answer comes back, all else stays."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from tests.e2e import inbound, slack_in
from tests.e2e.house import House, house
from tests.e2e.slack_in import JO, MIRA, STRANGER, changed, colleagues, deleted, event, message, shortcut, signed
from tests.e2e.test_feedback import link
from tests.e2e.test_inbound import ANA, address
from tests.e2e.test_publicity import canary, rolled_back
from tests.providers import sendgrid
from tests.providers.http import broken
from trusthub.services import customers
from trusthub.services.acts import Act
from trusthub.store.tables import Audit, SlackEvent, ThreadMessage, User

WORDS = "You are right, and we are sorry. We are going back to 2.7.4 now."


@pytest.fixture
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    kind = getattr(request, "param", "sqlite")
    url = f"sqlite:///{tmp_path}/hub.db" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    with house(url, tmp_path, **inbound.OPEN) as made:
        colleagues(made)
        canary(made)
        rolled_back(made)
        made.heard()
        yield made


@pytest.fixture
def page(hub: House) -> str:
    """Let Ana write, and return her private page."""
    private = link(hub.answer(hub.incident(), words="I paid twice.", name="Ana", email="ana@customer.example").text)
    hub.heard()
    return private


def mails(hub: House) -> list[str]:
    everything = [mail for body in hub.sendgrid.messages for mail in sendgrid.read(body)]
    return [mail["text/plain"] for mail in everything if mail["to"] == "ana@customer.example"]


def below(hub: House) -> list[str]:
    """Return what the hub said in the customer's thread in Slack, below its first message."""
    channel = hub.slack.channel("#support")
    return [each.text for each in hub.slack.messages if each.thread_ts and each.channel == channel]


def staff_said(hub: House) -> list[ThreadMessage]:
    with hub.parts.hub.database.reading() as session:
        mine = select(ThreadMessage).where(col(ThreadMessage.by) == "staff").order_by(col(ThreadMessage.id))
        return list(session.execute(mine).scalars())


@pytest.mark.parametrize("hub", ["sqlite", "postgresql"], indirect=True)
def test_the_whole_conversation(hub: House, page: str) -> None:
    (root,) = [each for each in hub.slack.messages if "I paid twice." in each.text]
    assert "ana@customer.example" not in json.dumps(root.blocks) + root.text
    before = len(mails(hub))
    assert event(hub, message(hub, f"customer: {WORDS}")).json == {"ok": True}
    (mail,) = mails(hub)[before:]
    assert WORDS in mail
    assert "Mira" in hub.page(page)
    assert WORDS in hub.page(page)
    assert below(hub)[-1].startswith("Sent to the customer, by email and on their private page.")
    inbound.post(hub, inbound.form(sender=ANA, to=address(hub), text="Thank you. When is it done?"))
    answers = [each for each in hub.slack.messages if "When is it done?" in each.text and each.thread_ts]
    assert [each.thread_ts for each in answers] == [root.ts]
    event(hub, message(hub, "Customer: At 15:00 UTC at the latest."))
    assert "At 15:00 UTC at the latest." in hub.page(page)
    assert len(mails(hub)) == before + 2
    assert [row.via for row in staff_said(hub)] == ["slack", "slack"]
    said = "".join(each.text + json.dumps(each.blocks) for each in hub.slack.messages)
    assert "ana@customer.example" not in said


def test_what_is_not_marked_stays_inside_and_that_is_said_once(hub: House, page: str) -> None:
    event(hub, message(hub, "She is a large customer, careful."))
    event(hub, message(hub, "I look into it.", JO))
    assert staff_said(hub) == []
    assert "large customer" not in hub.page(page)
    assert [text for text in below(hub) if "stays among colleagues" in text] == below(hub)[-1:]


def test_an_event_that_is_sent_again_changes_nothing(hub: House, page: str) -> None:
    said = message(hub, f"customer: {WORDS}")
    for number in range(3):
        retry = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": "http_timeout"} if number else {}
        assert event(hub, said, key="Ev0AGAIN", **retry).status_code == 200
    event(hub, said)  # another event about the same message
    assert len(staff_said(hub)) == 1
    assert hub.page(page).count(WORDS) == 1


def test_slack_has_its_answer_before_anything_is_done(hub: House, page: str) -> None:
    body = json.dumps({"type": "event_callback", "event_id": "Ev0LATER", "event": message(hub, f"customer: {WORDS}")})
    calls = len(hub.slack.calls)
    assert hub.web.post("/slack/events", data=body, headers=signed(body)).status_code == 200
    assert len(hub.slack.calls) == calls
    assert WORDS not in hub.page(page)
    hub.keep_house()
    assert WORDS in hub.page(page)
    with hub.parts.hub.database.reading() as session:
        (kept,) = session.execute(select(SlackEvent).where(col(SlackEvent.key) == "Ev0LATER")).scalars()
    assert (kept.state, kept.body) == ("done", {})


_REFUSED = [
    (STRANGER, f"customer: {WORDS}", {}, "We do not know who you are"),
    (JO, f"customer: {WORDS}", {}, "needs the role support"),
    (MIRA, "customer: We are sorry if you were affected.", {}, "Instead of"),
    (MIRA, "customer: <@U0JO000001> looks into it.", {}, "It mentions a person"),
    (MIRA, "customer:  ", {}, "There are no words after"),
    (MIRA, "customer: " + "long " * 1100, {}, "more than 5,000 characters"),
    (MIRA, "customer: See this.", {"subtype": "file_share", "files": [{"id": "F1"}]}, "Files cannot go"),
]


def test_what_may_not_be_sent_is_told_to_its_author_alone(hub: House, page: str) -> None:
    before, mailed, shown = below(hub), len(mails(hub)), hub.page(page)
    for user, text, more, why in _REFUSED:
        event(hub, message(hub, text, user, **more))
        (who, told) = hub.slack.whispers[-1]
        assert (who, why in told, "sent" in told) == (user, True, True), told
        assert staff_said(hub) == []
    assert (below(hub), len(mails(hub)), hub.page(page)) == (before, mailed, shown)


def test_a_refused_reply_goes_out_once_its_author_corrects_it(hub: House, page: str) -> None:
    said = message(hub, "customer: We are sorry if you were affected.")
    event(hub, said)
    event(hub, changed(said, f"customer: {WORDS}"))
    assert [row.body for row in staff_said(hub)] == [WORDS]
    assert WORDS in hub.page(page)


def test_an_edit_corrects_the_page_and_mails_nothing(hub: House, page: str) -> None:
    said = message(hub, "customer: We are sorry. It works again at 15:00 UTC &amp; not before.")
    event(hub, said)
    assert "15:00 UTC &amp; not before" in hub.page(page)
    mailed = len(mails(hub))
    hub.clock.forward(minutes=3)
    event(hub, changed(said, "customer: We are sorry. It works again at 15:30 UTC."))
    shown = hub.page(page)
    assert ("15:30 UTC" in shown, "15:00 UTC" in shown, "Corrected at" in shown) == (True, False, True)
    assert len(mails(hub)) == mailed
    event(hub, changed(said, "customer: We are sorry if you were affected."))
    assert "The customer still reads what you wrote before." in hub.slack.whispers[-1][1]
    assert "15:30 UTC" in hub.page(page)
    event(hub, changed({**said, "user": JO}, "customer: Never mind."))
    assert "Never mind." not in hub.page(page)


def test_a_deletion_is_noted_and_hides_nothing(hub: House, page: str) -> None:
    said = message(hub, f"customer: {WORDS}")
    event(hub, said)
    event(hub, deleted(said))
    assert WORDS in hub.page(page)
    assert "We took this back at" in hub.page(page)
    assert "This had been sent to the customer already." in below(hub)[-1]
    with hub.parts.hub.database.reading() as session:
        assert "delete reply" in session.execute(select(col(Audit.action))).scalars().all()


def test_an_edit_brings_nothing_of_an_erased_customer_back(hub: House, page: str) -> None:
    said = message(hub, f"customer: {WORDS}")
    event(hub, said)
    customers.erase(hub.parts.hub, "ana@customer.example", Act(actor="Mira", now=hub.clock.now))
    event(hub, changed(said, "customer: Ana, we are sorry."))
    assert [row.body for row in staff_said(hub)] == [customers.ERASED]


def test_the_menu_of_a_message_sends_it_too(hub: House, page: str) -> None:
    said = message(hub, WORDS)
    event(hub, said)
    assert WORDS not in hub.page(page)
    shortcut(hub, "send_to_customer", said, JO)
    assert hub.slack.whispers[-1] == (JO, "Only who wrote it can send it: the customer reads it under their name.")
    shortcut(hub, "send_to_customer", said)
    assert hub.slack.whispers[-1] == (MIRA, "Sent to the customer.")
    assert WORDS in hub.page(page)
    shortcut(hub, "send_to_customer", said)
    assert hub.slack.whispers[-1] == (MIRA, "The customer has it already.")
    assert len(staff_said(hub)) == 1


def test_our_own_messages_and_other_threads_are_left_alone(hub: House, page: str) -> None:
    for said in (
        message(hub, f"customer: {WORDS}", bot_id="B0TRUSTHUB"),
        message(hub, f"customer: {WORDS}", subtype="bot_message"),
        message(hub, f"customer: {WORDS}", subtype="channel_join"),
        message(hub, f"customer: {WORDS}", thread_ts="1790000999.000100"),
        message(hub, f"customer: {WORDS}", channel="C0ELSEWHERE"),
        {"type": "reaction_added", "user": MIRA},
    ):
        assert event(hub, said).status_code == 200
    assert staff_said(hub) == []
    assert hub.slack.whispers == []
    assert hub.page(page)


def test_an_account_that_may_not_sign_in_may_not_answer(hub: House, page: str) -> None:
    with hub.parts.hub.database.transaction() as session:
        session.execute(select(User).where(col(User.slack) == MIRA)).scalar_one().active = False
    event(hub, message(hub, f"customer: {WORDS}"))
    assert "We do not know who you are" in hub.slack.whispers[-1][1]
    assert WORDS not in hub.page(page)


def test_slack_that_does_not_answer_does_not_stop_the_reply(hub: House, page: str) -> None:
    hub.slack.fail(broken())
    event(hub, message(hub, f"customer: {WORDS}"))
    assert WORDS in hub.page(page)


def test_slack_shows_that_the_address_is_ours(hub: House) -> None:
    body = json.dumps({"type": "url_verification", "token": "t", "challenge": "3eZbrw1aBm2rZgRN"})
    assert hub.web.post("/slack/events", data=body, headers=signed(body)).json == {"challenge": "3eZbrw1aBm2rZgRN"}
    assert hub.web.post("/slack/events", data=body).status_code == 401


@pytest.mark.parametrize("path", ["events", "commands", "interactions"])
def test_only_slack_gets_in(hub: House, path: str) -> None:
    body = '{"type": "url_verification", "challenge": "x"}'
    good = signed(body)
    bad = [
        signed(body, secret="another"),
        signed(body, age=301),
        {},
        good | {"X-Slack-Signature": good["X-Slack-Signature"][:-1]},
        good | {"X-Slack-Request-Timestamp": str(int(good["X-Slack-Request-Timestamp"]) - 1)},
        good | {"X-Slack-Request-Timestamp": "soon"},
    ]
    for headers in bad:
        assert hub.web.post(f"/slack/{path}", data=body, headers=headers).status_code == 401, headers
    assert hub.web.post(f"/slack/{path}", data=body + " ", headers=good).status_code == 401
    assert slack_in.event(hub, {"type": "message"}).status_code == 200
