"""What would reach customers by itself is put before people: a card in Slack, a mail, a page of the console."""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select
from sqlmodel import col

from tests.e2e.house import SIGNING, House, house, site_with
from tests.e2e.test_publicity import canary, rolled_back
from trusthub import app
from trusthub.domain.role import Role
from trusthub.services import approving, timers
from trusthub.services.acts import Act, StaffError
from trusthub.services.approving import Answer, Press
from trusthub.settings import packaged
from trusthub.store.tables import Approval, Audit, Incident, Subscriber

HELD = "We do not say more before we know that it is true."
MIRA, JO, STRANGER = "U0MIRA0001", "U0JO000001", "U0STRANGER"
RULE = "approval: {approvers: [mira@acme.example, jo@acme.example]"
ROLES = """
roles:
  publisher:
    - {email: mira@acme.example, slack: U0MIRA0001}
    - {email: jo@acme.example, slack: U0JO000001}
"""


def files(folder: Path, rule: str = RULE + "}") -> dict[str, Path]:
    """Write the shipped site and playbooks, with approval of canaries; return what a house takes."""
    site = site_with(folder)
    site.write_text(site.read_text(encoding="utf-8") + ROLES, encoding="utf-8")
    books = folder / "playbooks"
    (books / "plans").mkdir(parents=True, exist_ok=True)
    for path in packaged("playbooks").rglob("*.*"):
        if path.name not in {"site.yaml", "README.md"}:
            (books / path.relative_to(packaged("playbooks"))).write_bytes(path.read_bytes())
    with (books / "canary.yaml").open("a", encoding="utf-8") as file:
        file.write(f"\n{rule}\n")
    return {"site": site, "playbooks_dir": books}


@pytest.fixture
def hub(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[House]:
    with house(database_url, tmp_path, **files(tmp_path, getattr(request, "param", RULE + "}"))) as made:
        yield made


def ruled(rest: str) -> pytest.MarkDecorator:
    """Let the canary's playbook say more about approval."""
    return pytest.mark.parametrize("hub", [f"{RULE}, {rest}}}"], indirect=True, ids=[rest.replace(" ", "")])


def asked(hub: House) -> Approval:
    """Return the newest question."""
    with hub.parts.hub.database.reading() as session:
        newest: Approval = session.execute(select(Approval).order_by(col(Approval.id).desc()).limit(1)).scalar_one()
        return newest


def press(hub: House, action: str, user: str = MIRA, *, value: str = "", secret: str = SIGNING) -> tuple[int, str]:
    """Press a button of the newest card in Slack; return status and what only who pressed reads."""
    row, said = asked(hub), len(hub.slack.whispers)
    payload = {
        "type": "block_actions",
        "user": {"id": user, "name": user.lower()},
        "channel": {"id": hub.slack.channel("#releases")},
        "actions": [{"action_id": f"approval-{action}", "value": value or f"{row.public_id}.{row.digest}"}],
    }
    body, stamp = urlencode({"payload": json.dumps(payload)}), str(int(time.time()))
    signed = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    answer = hub.web.post(
        "/slack/interactions",
        data=body,
        headers={"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={signed}"},
        content_type="application/x-www-form-urlencoded",
    )
    hub.parts.worker.drain()
    whispered = hub.slack.whispers[said:]
    assert all(who == user for who, _ in whispered)
    return answer.status_code, " ".join(text for _, text in whispered)


def acts(hub: House) -> list[tuple[str, str]]:
    with hub.parts.hub.database.reading() as session:
        return [
            (row.actor, row.action)
            for row in session.execute(
                select(Audit).where(col(Audit.action) != "account").order_by(col(Audit.id))
            ).scalars()
        ]


def cards(hub: House) -> list[str]:
    """Return the cards as they stand in Slack now, newest last."""
    found = [message for message in hub.slack.messages if message.thread_ts is None]
    return [message.text for message in found if "pproved" in message.text or "customers read this?" in message.text]


def asks(hub: House) -> str:
    """Let a canary go back with evidence of harm; return what people heard."""
    canary(hub)
    return rolled_back(hub)


# ---------------------------------------------------------------------------------------------- the card


def test_nothing_goes_out_and_a_card_has_everything_to_decide_on(hub: House) -> None:
    with hub.parts.hub.database.transaction() as session:
        people: dict[str, Any] = {"page_id": 1, "channel": "email", "locale": "en", "zone": "UTC"}
        now = hub.clock.now
        session.add_all(
            Subscriber(address=f"{name}@customer.example", confirmed_at=now, created_at=now, **people)
            for name in ("ana", "ben")
        )
    words = asks(hub)
    assert hub.calm
    assert "[Approve] [Edit] [Precaution] [Not an incident]" in words
    assert "[Tell customers]" not in words  # one place to decide at
    assert "Up to 5 % of Checkout requests have reached 2.8.0 since 14:03 UTC" in words
    assert "The tool's own analysis failed at up to 5 % exposure." in words
    assert "The status page and 2 recipients." in words
    assert "mira@acme.example is called now. If nobody has decided by 14:09 UTC" in words
    mails = [line for line in words.split("MAIL ") if line.startswith("mira@acme.example")]
    assert len(mails) == 1
    assert f"http://hub.example/console/approvals/{asked(hub).public_id}" in str(hub.sendgrid.messages)


def test_the_words_that_were_approved_go_out_to_the_letter(hub: House) -> None:
    asks(hub)
    proposed = asked(hub).texts["en"]["body"]
    hub.tick(minutes=2)
    assert press(hub, "approve") == (200, "")
    (incident,) = hub.summary()["incidents"]
    assert incident["status"] == "identified"
    (update,) = incident["incident_updates"]
    with hub.parts.hub.database.reading() as session:
        (row,) = session.execute(select(Incident)).scalars()
    assert "14:34 UTC" in proposed  # promised when it was asked, and not two minutes later
    assert "14:34 UTC" in update["body"]
    assert row.decision == "u0mira0001 (Slack) approved it."
    assert asked(hub).state == "approved"
    assert ("u0mira0001 (Slack)", "approved") in acts(hub)
    assert "u0mira0001 (Slack) approved it at 14:06 UTC" in cards(hub)[-1]
    assert "Approve" not in str(hub.slack.messages[-1].blocks)


def test_what_follows_needs_no_approval(hub: House) -> None:
    asks(hub)
    press(hub, "approve")
    hub.event("rollback.finished")
    assert hub.summary()["incidents"][0]["status"] == "monitoring"


@ruled("every: true")
def test_what_follows_is_asked_when_the_playbook_says_so(hub: House) -> None:
    asks(hub)
    press(hub, "approve")
    hub.event("rollback.finished")
    assert hub.summary()["incidents"][0]["status"] == "identified"
    assert asked(hub).moment == "incident.monitoring"
    press(hub, "approve", JO)
    assert hub.summary()["incidents"][0]["status"] == "monitoring"


# ---------------------------------------------------------------------------------------------- who may, who was first


def test_a_stranger_reads_why_the_press_does_nothing(hub: House) -> None:
    asks(hub)
    status, said = press(hub, "approve", STRANGER)
    assert status == 200
    assert "Only publishers decide what customers read, and your member id in Slack, U0STRANGER, is not under" in said
    assert hub.calm
    assert asked(hub).state == "pending"
    assert ("u0stranger (Slack)", "pressed approve") in acts(hub)
    assert press(hub, "approve", secret="other")[0] == 401
    assert hub.calm


def test_the_first_press_wins_and_both_are_on_record(hub: House) -> None:
    asks(hub)
    row = asked(hub)

    def decide(name: str, pressed: Press) -> str:
        act = Act(actor=name, now=hub.clock.now, email=f"{name}@acme.example", where="Slack")
        try:
            approving.decide(hub.parts.hub, row.public_id, act, Answer(press=pressed, digest=row.digest))
        except StaffError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(decide, ("mira", "jo"), (Press.APPROVE, Press.PRECAUTION)))
    hub.parts.worker.drain()
    assert sorted(map(bool, said)) == [False, True]
    assert "This has been decided. " in "".join(said)
    done = asked(hub)
    assert done.decided_by == ("mira" if not said[0] else "jo")
    assert hub.calm is bool(said[0])
    assert {actor for actor, action in acts(hub) if action.startswith("pressed ")} == {"mira", "jo"}


def test_looking_approves_nothing_and_the_console_decides(hub: House) -> None:
    asks(hub)
    hub.sign_in()
    path = f"/console/approvals/{asked(hub).public_id}"
    page = hub.web.get(path).text
    assert "Up to 5 % of Checkout requests" in page
    for query in ("", "?press=approve", f"?press=approve&digest={asked(hub).digest}"):
        assert hub.web.get(path + query).status_code == 200
        assert hub.calm
    assert (
        hub.web.post(path, data={"press": "approve", "digest": asked(hub).digest}).status_code == 400
    )  # no CSRF token
    assert hub.calm
    answer = hub.console(path, press="approve", digest=asked(hub).digest)
    assert "It is on its way to customers." in answer.text
    assert "Mira approved it at 14:04 UTC (console)." in answer.text
    assert not hub.calm


def test_a_colleague_who_is_no_publisher_may_look_only(hub: House) -> None:
    asks(hub)
    password, roles = "another horse battery staple", (Role.ADMIN,)
    app.add_user(hub.parts.settings, email="sam@acme.example", name="Sam", password=password, roles=roles)
    hub.console("/console/login", email="sam@acme.example", password=password, next="")
    path = f"/console/approvals/{asked(hub).public_id}"
    assert "Only publishers decide what customers read." in hub.web.get(path).text
    with hub.parts.hub.database.reading() as session:
        incident = session.execute(select(col(Incident.public_id))).scalar_one()
    said = hub.console(f"/console/incidents/{incident}/tell", "/console/").text
    assert "Only publishers decide what customers read" in said
    assert hub.calm


def test_words_can_be_edited_and_go_out_as_they_were_written(hub: House) -> None:
    asks(hub)
    hub.sign_in()
    row = asked(hub)
    path = f"/console/approvals/{row.public_id}"
    slow = "Checkout has been slow since 14:02 UTC, and we are sorry."
    mine = f"{slow} We are rolling back to 2.7.4. Next update by 14:34 UTC."
    said = hub.console(
        path, press="approve", digest=row.digest, edited="yes", subject_en="Checkout: slow", body_en=""
    ).text
    assert "Something is wrong with the words: The body is empty." in said
    assert hub.calm
    hub.console(path, press="approve", digest=row.digest, edited="yes", subject_en="Checkout: slow", body_en=mine)
    (update,) = hub.summary()["incidents"][0]["incident_updates"]
    assert update["body"] == mine
    assert asked(hub).state == "edited"
    assert "MAIL" not in "".join(line for line in hub.heard() if "customer.example" in line)


def test_no_publisher_approves_a_word_of_the_house_that_is_for_another_role(hub: House) -> None:
    asks(hub)
    hub.sign_in()
    row = asked(hub)
    path = f"/console/approvals/{row.public_id}"
    words = {"subject_en": "Checkout: slow", "body_en": "We are sorry. There was no breach. Next update by 14:34 UTC."}
    said = hub.console(path, press="approve", digest=row.digest, edited="yes", reason="I am sure.", **words).text
    assert "leaves only under the name of somebody with the role legal." in said
    assert hub.calm


def test_a_precaution_and_no_incident_tell_nobody(hub: House) -> None:
    asks(hub)
    press(hub, "precaution")
    assert hub.calm
    assert (asked(hub).state, asked(hub).decided_by) == ("precaution", "u0mira0001 (Slack)")
    status, said = press(hub, "approve", JO)
    assert (status, said) == (
        200,
        "This has been decided. u0mira0001 (Slack) called it a precaution at 14:04 UTC (Slack).",
    )
    assert hub.calm


# ---------------------------------------------------------------------------------------------- facts change


def test_changed_facts_ask_again(hub: House) -> None:
    asks(hub)
    first = asked(hub)
    hub.heard()
    hub.sign_in()
    with hub.parts.hub.database.reading() as session:
        incident = f"/console/incidents/{session.execute(select(col(Incident.public_id))).scalar_one()}"
    hub.console(f"{incident}/cause", incident, cause="our_change")
    status, said = press(hub, "approve")
    assert status == 200
    assert "What the words rest on has changed (cause class). Nothing was sent; there is a new question." in said
    assert hub.calm
    second = asked(hub)
    assert second.id != first.id
    words = "\n".join(hub.heard())
    assert "the kind of cause: unknown, now our_change" in words.replace("\\", "")
    assert "What these words rest on has changed" in words
    assert press(hub, "approve", value=f"{first.public_id}.{first.digest}")[1].startswith("This has been decided.")
    assert press(hub, "approve")[1] == ""
    assert (
        "We sent Checkout requests to a faulty version" in hub.summary()["incidents"][0]["incident_updates"][0]["body"]
    )


def test_news_of_the_tool_voids_the_card_at_once(hub: House) -> None:
    asks(hub)
    first = asked(hub)
    hub.event("rollback.finished")
    assert hub.calm
    second = asked(hub)
    assert (second.id != first.id, second.moment) == (True, "incident.monitoring")
    press(hub, "approve")
    assert hub.summary()["incidents"][0]["status"] == "monitoring"


# ---------------------------------------------------------------------------------------------- the deadline


def test_at_the_deadline_a_holding_message_goes_out_and_the_next_is_called(hub: House) -> None:
    asks(hub)
    hub.heard()
    hub.tick(minutes=4, seconds=59)
    assert hub.calm
    hub.tick(seconds=1)
    (incident,) = hub.summary()["incidents"]
    (update,) = incident["incident_updates"]
    assert HELD in update["body"]
    words = "\n".join(hub.heard())
    public = [hub.page("/"), hub.page(f"/incidents/{incident['id']}"), hub.page("/history.atom"), json.dumps(incident)]
    for page in public:
        assert not re.search(r"2\.8\.0|2\.7\.4|5 %|analysis|roll", page.partition("<main")[2] or page)
    assert "jo@acme.example is called now." in words
    assert "[Approve] [Edit] [Not an incident]" in words
    assert press(hub, "approve", JO)[1] == ""
    (incident,) = hub.summary()["incidents"]
    assert incident["name"] == "Checkout: a problem with 2.8.0"
    assert incident["status"] == "identified"
    assert "Up to 5 % of Checkout requests" in incident["incident_updates"][0]["body"]


def test_while_nobody_decides_promises_are_kept_by_holding_messages_only(hub: House) -> None:
    asks(hub)
    while hub.wait() and hub.clock.now.hour < 16:
        pass
    (incident,) = hub.summary()["incidents"]
    bodies = [update["body"] for update in incident["incident_updates"]]
    assert len(bodies) > 2
    assert all(HELD in body for body in bodies)
    assert asked(hub).called == 3  # each of the two twice, and then it waits


@ruled("on_timeout: send, within: 10m")
def test_send_sends_what_was_asked(hub: House) -> None:
    asks(hub)
    hub.tick(minutes=9)
    assert hub.calm
    hub.tick(minutes=1)
    assert "Up to 5 % of Checkout requests" in hub.summary()["incidents"][0]["incident_updates"][0]["body"]
    assert asked(hub).state == "sent"
    assert "Nobody had decided, so it went out at 14:14 UTC." in press(hub, "approve")[1]


@ruled("on_timeout: hold")
def test_hold_keeps_still_and_calls_the_next(hub: House) -> None:
    asks(hub)
    hub.heard()
    hub.tick(minutes=5)
    assert hub.calm
    assert "jo@acme.example is called now." in "\n".join(hub.heard())


@ruled("on_timeout: send")
def test_words_with_an_error_hold_at_once(hub: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: Any) -> tuple[dict[str, str], ...]:
        return ({"severity": "error", "locale": "en", "why": "It blames somebody.", "quote": "5 %", "rewrite": ""},)

    monkeypatch.setattr("trusthub.services.drafts.findings", wrong)
    asks(hub)
    assert HELD in hub.summary()["incidents"][0]["incident_updates"][0]["body"]
    assert "It blames somebody." in press(hub, "approve")[1]
    hub.tick(minutes=5)
    assert len(hub.summary()["incidents"][0]["incident_updates"]) == 1
    hub.sign_in()
    row = asked(hub)
    path = f"/console/approvals/{row.public_id}"
    hub.console(path, press="approve", digest=row.digest, reason="Our lawyers want it so.")
    assert asked(hub).state == "approved"
    with hub.parts.hub.database.reading() as session:
        kept = session.execute(select(Audit).where(col(Audit.action) == "approved")).scalar_one()
    assert (kept.actor, kept.detail) == ("Mira", "Our lawyers want it so.")


def test_several_workers_meet_a_deadline_once(hub: House) -> None:
    asks(hub)
    hub.clock.forward(minutes=5)
    with ThreadPoolExecutor(3) as pool:
        fired = list(pool.map(lambda _: timers.fire(hub.parts.hub, hub.clock.now), range(3)))
    assert sum(fired) >= 1
    hub.parts.worker.drain()
    assert asked(hub).called == 1
    assert len(hub.summary()["incidents"][0]["incident_updates"]) == 1
