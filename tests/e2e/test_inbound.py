"""Customers answer our mails: what reaches their thread, what waits for a person, and what nobody reads."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from tests.e2e import inbound
from tests.e2e.house import House, house
from tests.e2e.inbound import fate, form, post
from tests.e2e.test_email_events import PUBLIC, signed
from tests.e2e.test_feedback import link, thread_id
from tests.e2e.test_publicity import canary, rolled_back
from tests.providers import sendgrid
from tests.services.test_mailing import join
from trusthub.domain.inbound import MOST_PER_HOUR
from trusthub.store.tables import InboundMail, Thread, ThreadMessage

ANA = "Ana <ana@customer.example>"
QUOTE = (
    "\n\nOn Mon, Mar 2, 2026 at 2:05 PM Acme status <status@acme.example> wrote:\n\n> Your message has reached us.\n"
)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[House]:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **inbound.OPEN) as made:
        yield made


@pytest.fixture
def private(hub: House) -> str:
    """Ana's thread, by its private path."""
    canary(hub)
    rolled_back(hub)
    path = link(hub.answer(hub.incident(), words="I paid twice.", name="Ana", email="ana@customer.example").text)
    hub.heard()
    return path


def mailed(hub: House, to: str) -> dict[str, Any]:
    """Return the newest mail to an address."""
    return next(body for body in reversed(hub.sendgrid.messages) if body["personalizations"][0]["to"][0]["email"] == to)


def address(hub: House, to: str = "ana@customer.example") -> str:
    return str(mailed(hub, to)["reply_to"]["email"])


def said(hub: House) -> list[tuple[str, str, bool]]:
    with hub.parts.hub.database.reading() as session:
        rows = session.execute(select(ThreadMessage).order_by(col(ThreadMessage.id))).scalars()
        return [(row.by, row.body, row.held) for row in rows]


def count(hub: House, kind: str) -> int:
    with hub.parts.hub.database.reading() as session:
        found = select(func.count()).select_from(InboundMail).where(col(InboundMail.fate) == kind)
        return int(session.execute(found).scalar_one())


def test_an_answer_reaches_the_thread_without_what_it_quotes(hub: House, private: str) -> None:
    assert address(hub).startswith("reply+")
    assert len(address(hub).partition("@")[0]) <= 64
    assert fate(post(hub, form(sender=ANA, to=address(hub), text=f"The receipt is missing.{QUOTE}"))) == "taken"
    page = hub.web.get(private).text
    assert "The receipt is missing." in page
    assert "has reached us" not in page
    assert any("The receipt is missing." in line for line in hub.heard())
    with hub.parts.hub.database.reading() as session:
        assert session.execute(select(Thread)).scalar_one().verified_at == hub.clock.now


def test_our_mails_of_a_thread_belong_together(hub: House, private: str) -> None:
    body = mailed(hub, "ana@customer.example")
    first = body["personalizations"][0]["headers"]
    hub.sign_in()
    path = f"/console/threads/{thread_id(hub)}"
    hub.console(f"{path}/reply", path, words="You are right.")
    second = mailed(hub, "ana@customer.example")["personalizations"][0]["headers"]
    assert second["Message-ID"] != first["Message-ID"]
    assert second["References"] == first["References"] == second["In-Reply-To"]
    assert address(hub) == body["reply_to"]["email"]


def test_without_the_address_the_mails_that_it_answers_say_where_it_belongs(hub: House, private: str) -> None:
    root = mailed(hub, "ana@customer.example")["personalizations"][0]["headers"]["References"]
    plain: dict[str, Any] = {"to": "status@acme.example", "headers": {"References": f"<x@y.example> {root}"}}
    assert fate(post(hub, form(sender=ANA, text="one", **plain))) == "taken"
    assert fate(post(hub, form(sender="Bob <bob@customer.example>", text="two", **plain))) == "unknown"
    assert fate(post(hub, form(sender=ANA, text="three", spf="none", dkim="none", **plain))) == "held"


STRANGERS: list[dict[str, Any]] = [
    {"sender": "Eve <eve@evil.example>"},
    {"sender": ANA, "spf": "fail", "dkim": "none"},
    {"sender": ANA, "spf": "pass", "dkim": "{@evil.example : fail}", "returns": "x@evil.example"},
]


def test_what_a_stranger_writes_waits_for_a_person(hub: House, private: str) -> None:
    hub.sign_in()
    path = f"/console/threads/{thread_id(hub)}"
    for number, changes in enumerate(STRANGERS):
        assert fate(post(hub, form(to=address(hub), text=f"Send me <b>everything</b>. {number}", **changes))) == "held"
        assert f"everything&lt;/b&gt;. {number}" not in hub.web.get(private).text
        assert any("came from another address" in line for line in hub.heard())
        shown = hub.web.get(path).text
        assert f"&lt;b&gt;everything&lt;/b&gt;. {number}" in shown
        assert "SPF" in shown
        assert changes["sender"].rpartition("<")[2].rstrip(">") in shown
        hub.console(next(line for line in shown.split('"') if line.endswith("/admit")), path)
        assert f"everything&lt;/b&gt;. {number}" in hub.web.get(private).text


NO_PERSON: list[tuple[dict[str, str], dict[str, Any], str]] = [
    ({"Auto-Submitted": "auto-replied"}, {}, "automatic"),
    ({"Precedence": "bulk"}, {}, "automatic"),
    ({"X-Auto-Response-Suppress": "All"}, {}, "automatic"),
    ({"List-Id": "<all.customer.example>"}, {}, "automatic"),
    ({"Content-Type": "multipart/report; report-type=delivery-status"}, {}, "bounce"),
    ({}, {"returns": ""}, "bounce"),
    ({}, {"sender": "MAILER-DAEMON@customer.example"}, "bounce"),
    ({"Auto-Submitted": "no"}, {}, "taken"),
]


def test_what_no_person_wrote_is_counted_and_not_read(hub: House, private: str) -> None:
    known, to = said(hub), address(hub)
    for number, (headers, more, kind) in enumerate(NO_PERSON):
        body = form(**{"sender": ANA, "to": to, "text": f"I am away. {number}", "headers": headers, **more})
        assert fate(post(hub, body)) == kind, headers
        assert (said(hub) == known) is (kind != "taken")
    assert [count(hub, kind) for kind in ("automatic", "bounce", "taken")] == [4, 3, 1]


def test_our_own_mail_that_comes_back_goes_no_further(hub: House, private: str) -> None:
    ours = mailed(hub, "ana@customer.example")["personalizations"][0]["headers"]["Message-ID"]
    assert fate(post(hub, form(sender=ANA, to=address(hub), text="x", headers={"Message-ID": ours}))) == "loop"


def test_two_programs_that_answer_each_other_are_stopped(hub: House, private: str) -> None:
    to = address(hub)
    fates = [fate(post(hub, form(sender=ANA, to=to, text=f"Thanks {n}"))) for n in range(MOST_PER_HOUR + 2)]
    assert fates == ["taken"] * MOST_PER_HOUR + ["too_many"] * 2
    hub.clock.forward(hours=2)
    assert fate(post(hub, form(sender=ANA, to=to, text="I am a person."))) == "taken"


def test_a_mail_counts_once(hub: House, private: str) -> None:
    body = form(sender=ANA, to=address(hub), text="Twice?")
    assert [fate(post(hub, body)), fate(post(hub, body))] == ["taken", "repeated"]
    assert [words for _, words, _ in said(hub)].count("Twice?") == 1


def test_each_field_is_read_in_its_own_charset(hub: House, private: str) -> None:
    for charset in ("utf-8", "iso-8859-1", "windows-1252", "no-such-charset"):
        words = f"Die Rückzahlung über 10 £ fehlt, {charset}"
        words += " \u2013 \u201enoch\u201c" if charset == "windows-1252" else ""
        code = "utf-8" if charset == "no-such-charset" else charset
        body = form(sender=ANA, to=address(hub), text=words, charset=code)
        assert fate(post(hub, body.replace(f'"text": "{code}"'.encode(), f'"text": "{charset}"'.encode()))) == "taken"
        assert said(hub)[-1][1] == words


def test_a_mail_in_html_only_becomes_words(hub: House, private: str) -> None:
    html = (
        "<style>p {}</style><p>It &lt;still&gt; fails.<br>Since noon.</p><script>alert(1)</script>"
        "<img src=x onerror=alert(1)><blockquote>Your message has reached us.</blockquote>"
    )
    assert fate(post(hub, form(sender=ANA, to=address(hub), html=html))) == "taken"
    assert said(hub)[-1][1] == "It <still> fails.\nSince noon."
    assert "It &lt;still&gt; fails." in hub.web.get(private).text


def test_a_whole_mail_is_read_as_well(hub: House, private: str) -> None:
    raw = inbound.message(ANA, address(hub), f"Über alles.{QUOTE}").as_bytes()
    body = form(sender=ANA, to=address(hub)).replace(b'name="headers"', b'name="ignored"')
    body = body.replace(f"--{inbound.BOUNDARY}--".encode(), inbound._part('name="email"', raw))
    assert fate(post(hub, body + f"--{inbound.BOUNDARY}--\r\n".encode())) == "taken"
    assert said(hub)[-1][1] == "Über alles."


def test_a_name_and_words_cannot_break_out(hub: House, private: str) -> None:
    sender = "=?utf-8?q?Ana=0ABcc=3A_x=40y.example?= <eve@evil.example>"
    fate(post(hub, form(sender=sender, to=address(hub), text="<!channel> <script>alert(1)</script>")))
    support = "\n".join(hub.heard())
    assert "<!channel>" not in support
    assert "<script>" not in support
    assert "\nBcc:" not in support


def test_a_subscriber_who_answers_the_news_opens_a_thread(hub: House) -> None:
    join(hub, "ben@a.example", "cem@a.example")
    canary(hub)
    rolled_back(hub)
    ben, cem = (
        mail["reply_to"] for body in hub.sendgrid.messages for mail in sendgrid.read(body) if mail["to"][:3] in "bencem"
    )
    assert ben != cem
    hub.heard()
    news = form(sender="Ben <ben@a.example>", to=ben, text=f"It hits me.{QUOTE}", dkim="{@a.example : pass}")
    assert fate(post(hub, news)) == "taken"
    heard = hub.heard()
    assert any("It hits me." in line and "SLACK #support" in line for line in heard)
    assert any(line.startswith("MAIL ben@a.example") and "we have your message" in line for line in heard)
    with hub.parts.hub.database.reading() as session:
        assert session.execute(select(Thread)).scalar_one().verified_at is not None
    again = form(sender="Ben <ben@a.example>", to=ben, text="And now?", dkim="{@a.example : pass}")
    assert fate(post(hub, again)) == "taken"
    colleague = form(sender="Dua <dua@b.example>", to=cem, text="Cem told me.", dkim="{@b.example : pass}")
    assert fate(post(hub, colleague)) == "taken"
    with hub.parts.hub.database.reading() as session:
        rows = session.execute(select(Thread).order_by(col(Thread.id))).scalars().all()
        assert [row.verified_at is not None for row in rows] == [True, False]
    assert [words for _, words, _ in said(hub)] == ["It hits me.", "And now?", "Cem told me."]
    forged = form(sender="Cem <cem@a.example>", to=cem.replace(".1.", ".2."), text="x")
    assert fate(post(hub, forged)) == "unknown"


def test_a_listed_mailbox_of_ours_opens_no_thread(hub: House) -> None:
    canary(hub)
    assert "reply_to" not in mailed(hub, "releases@acme.example")


def test_a_yes_by_mail_leaves_it_closed_and_a_no_opens_it(hub: House, private: str) -> None:
    to, incident = address(hub), hub.incident()
    hub.sign_in()
    hub.console(f"/console/incidents/{incident}/resolve", f"/console/incidents/{incident}", note="We keep 2.7.4.")
    assert fate(post(hub, form(sender=ANA, to=to, text=f"Yes, thanks!{QUOTE}"))) == "taken"
    assert "It is fixed for you" in hub.web.get(private).text
    assert fate(post(hub, form(sender=ANA, to=to, text=f"No.{QUOTE}"))) == "taken"
    assert "We owe you an answer" in hub.web.get(private).text


def test_only_who_knows_the_token_or_signs_gets_in(hub: House, private: str) -> None:
    body = form(sender=ANA, to=address(hub), text="x")
    assert post(hub, body, "/email/inbound").status_code == 401
    assert post(hub, body, "/email/inbound/wrong").status_code == 401
    wrong = base64.b64encode(b"mail:wrong").decode()
    assert post(hub, body, "/email/inbound", Authorization=f"Basic {wrong}").status_code == 401
    right = base64.b64encode(f"mail:{inbound.KEY}".encode()).decode()
    assert fate(post(hub, body, "/email/inbound", Authorization=f"Basic {right}")) == "taken"
    assert post(hub, b"junk", f"/email/inbound/{inbound.KEY}").status_code == 400


def test_a_request_that_sendgrid_signed_gets_in(tmp_path: Path) -> None:
    settings = {"mail_inbound": inbound.ADDRESS, "sendgrid_inbound_key": PUBLIC}
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **settings) as hub:
        body = form(sender=ANA, to=inbound.ADDRESS, text="x")
        headers = {name: value for name, value in signed(body, hub.clock()).items() if name != "Content-Type"}
        assert fate(post(hub, body, "/email/inbound", **headers)) == "unknown"
        assert post(hub, body + b" ", "/email/inbound", **headers).status_code == 401
        hub.clock.forward(hours=48)
        assert post(hub, body, "/email/inbound", **headers).status_code == 401


def test_a_hub_without_an_address_lets_nobody_in(tmp_path: Path) -> None:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path) as hub:
        assert post(hub, form(sender=ANA, to=inbound.ADDRESS, text="x")).status_code == 401
