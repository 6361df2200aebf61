"""A customer answers, support replies, and when it is over everybody hears how it ended."""

import re

import pytest
from sqlalchemy import select
from sqlmodel import col

from tests import goldens
from tests.e2e.house import House, _steady
from tests.e2e.test_publicity import canary, rolled_back
from trusthub import app
from trusthub.domain.role import Role
from trusthub.store.tables import Thread


@pytest.fixture
def incident(hub: House) -> str:
    canary(hub)
    rolled_back(hub)
    return hub.incident()


def link(page: str) -> str:
    found = re.search(r"/threads/[\w.=-]+", page)
    assert found, page
    return found[0]


def thread_id(hub: House) -> str:
    with hub.parts.hub.database.reading() as session:
        return str(session.execute(select(col(Thread.public_id)).order_by(col(Thread.id).desc())).scalars().first())


def test_a_whole_conversation(hub: House, incident: str) -> None:
    said = ["== Ana answers on the incident page"]
    hub.heard()
    page = hub.answer(
        incident, words="I paid twice.\n\nPlease roll this back.", name="Ana", email="ana@customer.example"
    )
    private = link(page.text)
    said += [*hub.heard(), "== Mira replies in the console"]
    hub.sign_in()
    thread = thread_id(hub)
    hub.console(
        f"/console/threads/{thread}/reply", f"/console/threads/{thread}", words="You are right. It was not charged."
    )
    said += [*hub.heard(), "== Ana writes again"]
    shown = hub.web.get(private).text
    assert "You are right. It was not charged." in shown
    assert "Mira" in shown
    hub.web.post(private, data={"words": "Thank you. The receipt is still missing."})
    hub.parts.worker.drain()
    said += [*hub.heard(), "== Mira resolves the incident"]
    hub.console(f"/console/incidents/{incident}/resolve", f"/console/incidents/{incident}", note="We keep 2.7.4.")
    said += [line for line in hub.heard() if "ana@" in line]
    goldens.check("stories/conversation.txt", "\n".join(map(_steady, said)))
    assert "Is it fixed for you?" in hub.web.get(private).text


def test_without_an_address_the_private_page_is_the_way(hub: House, incident: str) -> None:
    hub.heard()
    page = hub.answer(incident, words="It fails.")
    assert not any(line.startswith("MAIL") for line in hub.heard())
    answer = hub.web.get(link(page.text))
    assert "It fails." in answer.text
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_strangers_words_stay_words(hub: House, incident: str) -> None:
    hub.heard()
    page = hub.answer(incident, words="<script>alert(1)</script> <!channel> @here [x](javascript:alert(1)) {{ 7*7 }}")
    shown = hub.web.get(link(page.text)).text
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    support = "\n".join(hub.heard())
    assert "<!channel>" not in support
    assert "@here" not in support
    assert "{{ 7*7 }}" in support
    assert "<script>" not in hub.page(f"/incidents/{incident}")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"words": " "}, "the message was empty"),
        ({"words": "x" * 5001}, "at most 5000 characters"),
        ({"words": "hello", "email": "ana@nowhere"}, "does not look complete"),
        ({"words": "hello", "email": "a@b.example\nBcc: c@d.example"}, "does not look complete"),
    ],
)
def test_what_cannot_be_taken_is_said_kindly(hub: House, incident: str, fields: dict[str, str], words: str) -> None:
    hub.heard()
    answer = hub.answer(incident, **fields)
    assert answer.status_code == 400
    assert words in answer.text
    assert hub.heard() == []


def test_a_robot_that_fills_the_hidden_field_is_not_heard(hub: House, incident: str) -> None:
    hub.heard()
    assert hub.answer(incident, words="buy", website="http://spam.example").status_code == 200
    assert hub.heard() == []


def test_another_site_cannot_post_here(hub: House, incident: str) -> None:
    answer = hub.web.post(
        f"/incidents/{incident}/threads", data={"words": "x"}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403


def test_an_unknown_incident_and_a_forged_link_open_nothing(hub: House, incident: str) -> None:
    assert hub.answer("aaaaaaaaaaaa", words="x").status_code == 404
    private = link(hub.answer(incident, words="x").text)
    assert hub.web.get(private[:-2] + "AA").status_code == 404
    assert hub.web.get("/threads/x").status_code == 404


def test_mail_stops_by_post_only(hub: House, incident: str) -> None:
    hub.answer(incident, words="x", email="ana@customer.example")
    headers = hub.sendgrid.messages[-1]["personalizations"][0].get("headers") or hub.sendgrid.messages[-1]["headers"]
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = headers["List-Unsubscribe"].strip("<>").removeprefix("http://hub.example")
    assert "a…@customer.example" in hub.web.get(path).text
    hub.heard()
    hub.sign_in()
    thread = thread_id(hub)
    reply = (f"/console/threads/{thread}/reply", f"/console/threads/{thread}")
    hub.console(*reply, words="first")
    assert len([line for line in hub.heard() if "ana@" in line]) == 1
    assert hub.web.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    hub.console(*reply, words="second")
    assert hub.heard() == []


def test_a_listed_mailbox_can_stop_mail_too(hub: House) -> None:
    canary(hub)
    body = hub.sendgrid.messages[-1]
    headers = body["personalizations"][0].get("headers") or body["headers"]
    path = headers["List-Unsubscribe"].strip("<>").removeprefix("http://hub.example")
    assert "r…@acme.example" in hub.web.get(path).text
    hub.web.post(path)
    assert not any(line.startswith("MAIL") for line in rolled_back(hub).splitlines())


def test_the_console_is_for_staff(hub: House, incident: str) -> None:
    for path in ("/console/", f"/console/incidents/{incident}", "/console/rollouts", "/console/open"):
        answer = hub.web.get(path)
        assert (answer.status_code, answer.headers["Location"].startswith("/console/login")) == (302, True)
    assert hub.web.post(f"/console/incidents/{incident}/resolve").status_code in {302, 400}
    assert not hub.calm


def test_signing_in_never_leads_elsewhere(hub: House) -> None:
    hub.sign_in()
    for target in ("https://evil.example", "//evil.example", "/\\evil.example"):
        # Signing in begins a new session, so each form has a token of its own.
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', hub.web.get("/console/login").text)
        assert token
        answer = hub.web.post(
            "/console/login",
            data={
                "csrf_token": token[1],
                "email": "mira@acme.example",
                "password": "correct horse battery staple",
                "next": target,
            },
        )
        assert answer.headers["Location"] == "/console/"


def test_a_form_without_its_token_is_refused(hub: House, incident: str) -> None:
    hub.sign_in()
    assert hub.web.post(f"/console/incidents/{incident}/resolve").status_code == 400
    assert not hub.calm


def test_a_viewer_reads_a_conversation_and_sees_no_button_that_would_be_refused(hub: House, incident: str) -> None:
    hub.answer(incident, words="It fails.")
    path = f"/console/threads/{thread_id(hub)}"
    hub.sign_in()
    assert f'action="{path}/reply"' in hub.web.get(path).text
    app.add_user(hub.parts.settings, email="vera@acme.example", name="Vera", password="a horse", roles=(Role.VIEWER,))
    hub.console("/console/logout", "/console/account")
    hub.console("/console/login", email="vera@acme.example", password="a horse")
    page = hub.web.get(path).text
    assert "It fails." in page
    assert f'action="{path}' not in page
