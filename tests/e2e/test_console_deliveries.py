"""The console's pages about messages on their way, through the front door, on both databases."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import col

from tests.e2e.house import House, house
from tests.e2e.test_publicity import canary, rolled_back
from tests.providers import refused
from tests.services.test_mailing import join
from trusthub.domain.recipient import Fate, MailNews
from trusthub.services import deliveries as service
from trusthub.services import recipients
from trusthub.services.deliveries import Act
from trusthub.store.tables import Audit, Delivery, Recipient

LIST = "/console/deliveries"


@pytest.fixture
def either(database_url: str, tmp_path: Path) -> Iterator[House]:
    with house(database_url, tmp_path) as made:
        yield made


def told(hub: House) -> str:
    """Let an incident go public with two subscribers, while Slack refuses three messages; return its id."""
    join(hub, "ana@customer.example", "ben@customer.example")
    canary(hub)
    hub.slack.fail(*[refused("is_archived")] * 3)
    rolled_back(hub)
    hub.sign_in()
    return hub.incident()


def deliveries(hub: House, **where: object) -> list[Delivery]:
    query = sa.select(Delivery).order_by(col(Delivery.id))
    for name, value in where.items():
        query = query.where(getattr(Delivery, name) == value)
    with hub.parts.hub.database.reading() as session:
        return list(session.execute(query).scalars())


def given_up(hub: House) -> list[Delivery]:
    return deliveries(hub, state="dead")


def audits(hub: House) -> list[tuple[str, str, str]]:
    with hub.parts.hub.database.reading() as session:
        rows = session.execute(sa.select(Audit).where(col(Audit.action) != "account").order_by(col(Audit.id))).scalars()
        return [(row.actor, row.action, row.subject) for row in rows]


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def numbers(html: str) -> list[int]:
    """The deliveries that a page lists, in its order."""
    return [int(number) for number in re.findall(r'href="/console/deliveries/(\d+)">', html)]


@pytest.mark.parametrize(
    "path", [LIST, f"{LIST}/1", f"{LIST}/1/html", f"{LIST}/progress", f"{LIST}/requeue", f"{LIST}?state=failed"]
)
def test_a_stranger_signs_in_first(hub: House, path: str) -> None:
    answer = hub.web.get(path)
    assert (answer.status_code, answer.location.partition("?")[0]) == (302, "/console/login")


@pytest.mark.parametrize("path", ["1/requeue", "requeue", "pause", "resume"])
def test_nothing_is_done_without_the_forms_token(hub: House, path: str) -> None:
    assert hub.web.post(f"{LIST}/{path}", data={"where": "slack", "why": "x"}).status_code == 302  # to sign in
    hub.sign_in()
    assert hub.web.post(f"{LIST}/{path}", data={"where": "slack", "why": "x"}).status_code == 400
    assert audits(hub) == []


def test_every_message_says_how_it_stands_and_can_be_found(either: House) -> None:
    told(either)
    rows = deliveries(either)
    page = either.web.get(LIST).text
    assert numbers(page) == [row.id for row in rows][::-1]
    assert "mail to 1 subscriber" in page
    cases = {
        "state=failed": [row for row in rows if row.state == "dead"],
        "state=delivered": [row for row in rows if row.state == "done" and not row.lane.startswith("email")],
        "state=accepted": [row for row in rows if row.state == "done" and row.lane.startswith("email")],
        "state=cancelled": [row for row in rows if row.state == "cancelled"],
        "state=waiting": [],
        "state=sending": [],
        "state=held": [],
        "state=doubtful": [],
        "state=returned": [],
        "channel=page": [row for row in rows if row.lane.startswith("page:")],
        "to=SUPPORT": [row for row in rows if "support" in row.lane],
        "to=%25": [],
        "moment=rollback.started": [row for row in rows if row.moment == "rollback.started"],
        "audience=customers": [row for row in rows if row.audience == "customers"],
        f"incident={either.incident()}": [row for row in rows if row.incident_id],
        "since=2026-03-02T14:02&until=2026-03-02T14:03": [row for row in rows if f"{row.created_at:%H:%M}" == "14:02"],
        "until=2026-03-02T14:00:00Z": [],
    }
    for query, meant in cases.items():
        assert numbers(either.web.get(f"{LIST}?{query}").text) == [row.id for row in meant][::-1], query
    assert cases["state=failed"]
    assert cases["audience=customers"]
    assert cases["moment=rollback.started"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("state=x'; DROP TABLE delivery; --", "There is no state"),
        ("channel=fax", "There is no channel"),
        ("moment=%00", "has a character in it"),
        ("to=%00", "has a character in it"),
        ("incident=%27 OR 1=1", "There is no incident"),
        ("update=nothing", "There is no update"),
        ("since=yesterday", "is no time"),
        ("since=0001-01-01T00:00%2B23:00", "is no time"),
        ("before=-1", "is no number"),
        ("before=99999999999999999999", "is no number"),
        ("after=²", "is no number"),
    ],
)
def test_what_a_filter_cannot_be_is_told_and_shows_nothing(either: House, query: str, words: str) -> None:
    either.sign_in()
    for path in (LIST, f"{LIST}/requeue"):
        answer = either.web.get(f"{path}?{query}")
        assert (answer.status_code, words in answer.text) == (400, True)
        assert "<b>" not in answer.text.partition("notice tone-critical")[2]


def test_a_filter_is_text_and_not_html(hub: House) -> None:
    told(hub)
    page = hub.web.get(f'{LIST}?to="><script>alert(1)</script>').text
    assert "<script>alert" not in page
    assert "No message is like that." in page


def test_pages_follow_each_other_and_lose_nothing(hub: House, monkeypatch: pytest.MonkeyPatch) -> None:
    told(hub)
    monkeypatch.setattr("trusthub.services.outgoing.PAGE", 4)
    every, seen = [row.id for row in deliveries(hub)][::-1], list[int]()
    pages: list[list[int]] = []
    query: str | None = ""
    while query is not None:
        page = hub.web.get(f"{LIST}?{query}").text
        pages.append(numbers(page))
        seen += pages[-1]
        older = re.search(r'href="/console/deliveries\?(before=\d+)" rel="next"', page)
        query = older[1] if older else None
    assert seen == every
    newer = re.search(r'href="/console/deliveries\?(after=\d+)" rel="prev"', page)
    assert newer
    assert numbers(hub.web.get(f"{LIST}?{newer[1]}").text) == every[-len(pages[-1]) - 4 : -len(pages[-1])]


def test_one_is_sent_once_more_and_says_that_it_is_late(either: House) -> None:
    told(either)
    dead = given_up(either)[-1]  # the others are an edit and what follows it: newer words may take their place
    either.clock.forward(hours=2)
    page = either.console(f"{LIST}/{dead.id}/requeue", form_at=f"{LIST}/{dead.id}").text
    assert "1 will be sent once more, and says that it is late." in page
    assert deliveries(either, id=dead.id)[0].state == "done"
    assert any("This message is late." in message.text for message in either.slack.messages)
    shown = text(either.web.get(f"{LIST}/{dead.id}").text)
    assert "Sent once more" in shown
    assert "This message is late." in shown
    assert audits(either)[-1][:2] == ("Mira", "requeue")


def test_many_are_sent_once_more_only_as_they_were_confirmed(either: House) -> None:
    told(either)
    dead, count = given_up(either)[0], len(given_up(either))
    query = f"{LIST}/requeue?channel=slack"
    assert f"Send {count} message{'s' if count > 1 else ''} once more?" in either.web.get(query).text
    other = either.console(query, form_at=query, count="7")
    assert f"Nothing was sent: by now it would be {count}, not 7." in other.text
    assert deliveries(either, id=dead.id)[0].state == "dead"
    assert "None of these was given up" in either.web.get(f"{LIST}/requeue?channel=email").text
    assert "There is no channel" in either.console(f"{LIST}/requeue?channel=fax", form_at=query, count="1").text
    assert f"{count} will be sent once more" in either.console(query, form_at=query, count=str(count)).text
    assert given_up(either) == []
    assert audits(either) == [("Mira", "requeue", f"deliveries:{count}")]


def test_a_place_is_held_with_its_reason_and_let_go(either: House) -> None:
    told(either)
    refused_at = either.console(f"{LIST}/pause", form_at=LIST, where="slack", why="")
    assert "Please write why it is held." in refused_at.text
    assert "There is no channel fax." in either.console(f"{LIST}/pause", form_at=LIST, where="fax", why="x").text
    page = either.console(f"{LIST}/pause", form_at=LIST, where="slack", why="The wrong channel heard of it.").text
    assert "slack is on hold." in page
    either.event("rollback.finished")
    for path in (LIST, "/console/", f"{LIST}/{deliveries(either, lane='slack:#releases')[0].id}"):
        assert "The wrong channel heard of it." in either.web.get(path).text
    held = [row.id for row in deliveries(either, state="pending")]
    assert held
    assert numbers(either.web.get(f"{LIST}?state=held").text) == held[::-1]
    assert "slack goes on." in either.console(f"{LIST}/resume", form_at=LIST, where="slack").text
    assert numbers(either.web.get(f"{LIST}?state=held").text) == []
    assert deliveries(either, state="pending") == []
    assert audits(either) == [("Mira", "pause", "deliveries:slack"), ("Mira", "resume", "deliveries:slack")]


def test_a_delivery_shows_its_words_and_keeps_private_links(either: House) -> None:
    told(either)
    batch = next(row for row in deliveries(either) if row.lane.startswith("email:subscribers/"))
    page = either.web.get(f"{LIST}/{batch.id}").text
    assert "we are sorry" in text(page)
    frame = either.web.get(f"{LIST}/{batch.id}/html")
    assert "sandbox;" in frame.headers["Content-Security-Policy"]
    assert "/subscriptions/…" in frame.text
    mailbox = next(row for row in deliveries(either) if "@acme" in row.lane)
    token = mailbox.payload["unsubscribe"]
    for path in (f"{LIST}/{mailbox.id}", f"{LIST}/{mailbox.id}/html"):
        assert token not in either.web.get(path).text
    assert either.web.get(f"{LIST}/999999").status_code == 404
    assert either.web.get(f"{LIST}/99999999999999999999").status_code == 404
    assert either.web.get(f"{LIST}/{batch.id}?fate=nonsense").status_code == 404


def learn(hub: House, address: str, fate: Fate, reason: str = "") -> None:
    """Let the provider tell what became of the newest mail to an address."""
    with hub.parts.hub.database.transaction() as session:
        mine = sa.select(sa.func.max(col(Recipient.id))).where(col(Recipient.address) == address)
        news = MailNews(recipient=session.execute(mine).scalar_one(), fate=fate, at=hub.clock(), reason=reason)
        recipients.learn(session, [news], hub.clock())


def test_what_became_of_each_recipient_can_be_read_counted_and_found(either: House) -> None:
    incident = told(either)
    learn(either, "ana@customer.example", Fate.DELIVERED)
    learn(either, "ben@customer.example", Fate.BOUNCED, "550 no such user")
    (ben,) = [row for row in deliveries(either) if "ben@" in text(either.web.get(f"{LIST}/{row.id}").text)]
    shown = text(either.web.get(f"{LIST}/{ben.id}?address=BEN").text)
    assert "ben@customer.example Bounced" in shown
    assert "550 no such user" in shown
    assert "Nobody like that is among them." in either.web.get(f"{LIST}/{ben.id}?address=ana").text
    assert "ben@" in either.web.get(f"{LIST}/{ben.id}?fate=bounced").text
    assert "Nobody like that" in either.web.get(f"{LIST}/{ben.id}?fate=delivered").text
    assert numbers(either.web.get(f"{LIST}?state=returned").text) == [ben.id]
    either.clock.forward(seconds=11)
    page = text(either.web.get(f"/console/incidents/{incident}").text)
    assert "2 of 2 handed over, 1 delivered, 1 bounced." in page
    assert "550 no such user" in page


def test_an_incident_says_who_was_told_what(either: House) -> None:
    incident = told(either)
    page = text(either.web.get(f"/console/incidents/{incident}").text)
    told_part = page.partition("Who was told what")[2]
    for audience in ("Stakeholders", "Support", "Customers"):
        assert audience in told_part
    assert "Slack #releases : accepted 14:0" in told_part
    assert "mail to 2 subscribers" in told_part
    assert "the public page : accepted" in told_part
    assert "Given up." in told_part
    assert "is_archived" in told_part
    assert either.web.get("/console/incidents/nothing00000").status_code == 404


def test_an_incident_opened_by_hand_lists_only_its_own_messages(hub: House) -> None:
    told(hub)
    answer = hub.console("/console/open", component="search", name="Search is slow", note="We are looking.")
    part = text(answer.text).partition("Who was told what")[2]
    assert "Search: update" in part
    assert "2.8.0" not in part


def test_progress_is_said_while_it_is_made_and_when_it_is_done(either: House) -> None:
    join(either, "ana@customer.example", "ben@customer.example")
    canary(either)
    either.sign_in()
    act = Act(actor="Mira", now=either.clock())
    service.pause(either.parts.hub, "email", act, "a test")
    rolled_back(either)
    waits = either.web.get(f"{LIST}/progress").text
    assert 'class="progress going"' in waits
    assert "It is on hold." in waits
    service.resume(either.parts.hub, "email", act)
    assert "It waits for its turn." in either.web.get(f"{LIST}/progress").text
    either.tick(seconds=1)
    done = text(either.web.get(f"{LIST}/progress?incident={either.incident()}").text)
    assert "Recipients 2 Handed over 2 Delivered 0" in done
    assert "All were handed over or given up by" in done
    learn(either, "ana@customer.example", Fate.DELIVERED)
    either.clock.forward(seconds=11)
    later = text(either.web.get(f"{LIST}/progress").text)
    assert "Delivered 1" in later
    assert "The provider still tells what becomes of 1." in later
    either.clock.now += timedelta(hours=1)
    assert "Nothing is on its way to subscribers." in either.web.get(f"{LIST}/progress").text
