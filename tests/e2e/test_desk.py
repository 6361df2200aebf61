"""The list that support works through: who comes first, whose it is, what is searched for."""

import html
import re

import pytest
from sqlalchemy import select
from sqlmodel import col

from tests.e2e.house import House
from tests.e2e.test_feedback import link, thread_id
from tests.e2e.test_publicity import canary, rolled_back
from trusthub import app
from trusthub.domain.role import Role
from trusthub.services import queue
from trusthub.services.queue import Wanted
from trusthub.store.tables import Thread, User


@pytest.fixture
def incident(hub: House) -> str:
    canary(hub)
    rolled_back(hub)
    hub.heard()
    return hub.incident()


def customers(hub: House, query: str = "") -> list[str]:
    """Return who is listed, in order."""
    page = hub.web.get(f"/console/threads{query}")
    assert page.status_code == 200, page.text
    return re.findall(r'<td>\s*<a href="/console/threads/\w{12}">([^<]+)</a>', page.text)


def thread(hub: House) -> Thread:
    with hub.parts.hub.database.reading() as session:
        found: Thread | None = session.execute(select(Thread).order_by(col(Thread.id).desc())).scalars().first()
    assert found
    return found


def write(hub: House, incident: str, name: str, words: str = "It fails.", **more: str) -> str:
    hub.clock.forward(minutes=1)
    return link(hub.answer(incident, words=words, name=name, **more).text)


def test_the_worst_comes_first_and_then_the_longest_waiting(hub: House, incident: str) -> None:
    write(hub, incident, "Ana", pain="minor")
    write(hub, incident, "Bo", pain="painful")
    write(hub, incident, "Cem", pain="painful")
    write(hub, incident, "Dana", pain="blocking")
    write(hub, incident, "Eli", words="My lawyer will write to you.")
    hub.sign_in()
    assert customers(hub) == ["Eli", "Dana", "Bo", "Cem", "Ana"]
    assert customers(hub, "?role=legal") == ["Eli"]
    assert customers(hub, "?pain=painful") == ["Bo", "Cem"]
    assert customers(hub, f"?incident={incident}&component=checkout&whose=nobody&state=open") == customers(hub)
    assert customers(hub, "?component=search") == []


def test_the_clock_starts_with_the_first_word_and_stops_with_an_answer(hub: House, incident: str) -> None:
    private = write(hub, incident, "Ana")
    since = hub.clock.now
    assert thread(hub).waiting_since == since
    hub.clock.forward(minutes=5)
    hub.web.post(private, data={"words": "Are you there?"})
    assert thread(hub).waiting_since == since
    hub.sign_in()
    assert "No answer yet" in hub.web.get("/console/threads").text
    hub.console(f"/console/threads/{thread_id(hub)}/reply", f"/console/threads/{thread_id(hub)}", words="I am.")
    assert (thread(hub).waiting_since, customers(hub), customers(hub, "?state=answered")) == (None, [], ["Ana"])
    hub.clock.forward(minutes=5)
    hub.web.post(private, data={"words": "Thank you. It fails still."})
    assert thread(hub).waiting_since == hub.clock.now
    assert "No answer yet" not in hub.web.get("/console/threads").text


def test_words_for_named_people_reach_them(hub: House, incident: str) -> None:
    roles = hub.parts.hub.configuration.site.roles
    object.__setattr__(roles, "press", ("press@acme.example",))
    hub.parts.worker.drain()
    write(hub, incident, "Fay", words="I am a journalist and ask what happened.")
    assert any("press@acme.example" in each for each in hub.heard())


def test_pages_follow_each_other_and_miss_nobody(hub: House, incident: str) -> None:
    names = [write(hub, incident, f"C{number}", pain="minor") and f"C{number}" for number in range(7)]
    with hub.parts.hub.database.reading() as session:
        for wanted, expected in ((Wanted(), names), (Wanted(state="all"), names[::-1])):
            found, after = [], ""
            while True:
                sheet = queue.sheet(session, wanted, after=after, many=3)
                found += [line.customer for line in sheet.lines]
                after = sheet.after
                if not after:
                    break
            assert found == expected
    hub.sign_in()
    assert hub.web.get("/console/threads?after=nonsense").status_code == 400
    assert hub.web.get("/console/threads?state=gone").status_code == 400


def test_search_finds_words_names_and_for_support_addresses(hub: House, incident: str) -> None:
    write(hub, incident, "Ana", words="100 % of my orders fail.", email="ana@customer.example")
    write(hub, incident, "Bo", words="1000 orders fail.")
    hub.sign_in()
    assert customers(hub, "?words=100+%25") == ["Ana"]
    assert customers(hub, "?words=ORDERS+fail") == ["Ana", "Bo"]
    assert customers(hub, "?words=bo") == ["Bo"]
    assert customers(hub, "?words=checkout") == ["Ana", "Bo"]
    assert customers(hub, "?words=ana@customer") == ["Ana"]
    app.add_user(
        hub.parts.settings, email="vi@acme.example", name="Vi", password="correct horse battery", roles=(Role.VIEWER,)
    )
    hub.console("/console/logout", "/console/")
    hub.console("/console/login", email="vi@acme.example", password="correct horse battery", next="")
    assert customers(hub, "?words=ana@customer") == []
    assert customers(hub, "?words=bo") == ["Bo"]


def test_a_thread_has_an_owner_and_notes_that_no_customer_reads(hub: House, incident: str) -> None:
    private = write(hub, incident, "Ana", email="ana@customer.example")
    hub.sign_in()
    path = f"/console/threads/{thread_id(hub)}"
    with hub.parts.hub.database.reading() as session:
        mira = session.execute(select(col(User.id))).scalar_one()
    hub.console(f"{path}/assign", path, to=str(mira))
    assert customers(hub, "?whose=me") == ["Ana"]
    assert customers(hub, "?whose=nobody") == []
    shown = hub.console(f"{path}/note", path, note="They are on the <early> access list.").text
    assert "They are on the &lt;early&gt; access list." in shown
    assert "early" not in hub.web.get(private).text
    assert not [each for each in hub.heard() if "early" in each]
    hub.console(f"{path}/assign", path, to="")
    assert customers(hub, "?whose=nobody") == ["Ana"]
    assert "Choose somebody who works here" in hub.console(f"{path}/assign", path, to="4711").text


def test_two_answers_do_not_cross(hub: House, incident: str) -> None:
    private = write(hub, incident, "Ana")
    hub.sign_in()
    path = f"/console/threads/{thread_id(hub)}"
    seen = re.search(r'name="seen"\s+value="(\d+)"', hub.web.get(path).text)
    assert seen
    hub.console(f"{path}/reply", path, words="It is mended.", seen=seen[1])
    late = hub.console(f"{path}/reply", path, words="We look into it.", seen=seen[1])
    assert late.status_code == 409
    assert "Mira answered at" in late.text
    assert "We look into it." in late.text
    assert "We look into it." not in hub.web.get(private).text
    hub.console(f"{path}/reply", path, words="We look into it.", seen=seen[1], anyway="1")
    assert "We look into it." in hub.web.get(private).text


def test_colleagues_see_who_has_a_thread_open_and_who_writes(hub: House, incident: str) -> None:
    write(hub, incident, "Ana")
    hub.sign_in()
    path = f"/console/threads/{thread_id(hub)}"
    hub.console(f"{path}/here", path, writing="1")
    assert "is writing" not in hub.web.get(path).text  # nobody is told of themselves
    app.add_user(
        hub.parts.settings, email="jo@acme.example", name="Jo", password="correct horse battery", roles=(Role.SUPPORT,)
    )
    hub.console("/console/logout", "/console/")
    hub.console("/console/login", email="jo@acme.example", password="correct horse battery", next="")
    assert "Mira is writing an answer" in hub.web.get(path).text
    assert "Mira is writing an answer" in hub.console(f"{path}/here", path, writing="0").text
    hub.clock.forward(seconds=31)
    assert "Mira is writing" not in hub.console(f"{path}/here", path, writing="0").text


@pytest.mark.parametrize(("code", "right"), [("en", "you are right"), ("de", "Sie haben recht")])
def test_a_saved_answer_is_filled_and_does_not_leave_with_a_slot(
    hub: House, incident: str, code: str, right: str
) -> None:
    private = write(hub, incident, "Ana")
    with hub.parts.hub.database.transaction(quiet=True) as session:
        session.get_one(Thread, 1).locale = code
    object.__setattr__(hub.parts.hub.configuration.site.page, "locales", ("en", "de"))
    hub.sign_in()
    path = f"/console/threads/{thread_id(hub)}"
    page = hub.web.get(f"{path}?saved=right").text
    words = html.unescape(page.split("<textarea")[1].partition(">")[2].partition("</textarea>")[0])
    assert "Ana" in words
    assert right in words
    assert hub.console(f"{path}/reply", path, words=words).status_code == 422
    assert right not in hub.web.get(private).text
    filled = re.sub(r"\[[^\]]+\]", "14:30", words)
    hub.console(f"{path}/reply", path, words=filled)
    assert right in hub.web.get(private).text
    assert hub.web.get(f"{path}?saved=../right").status_code == 200


def test_an_answer_to_many_is_seen_first_and_can_be_taken_back(hub: House, incident: str) -> None:
    pages = [write(hub, incident, name, email=f"{name}@customer.example") for name in ("Ana", "Bo")]
    lawyer = write(hub, incident, "Eli", words="My lawyer will write to you.", email="eli@customer.example")
    hub.sign_in()
    hub.heard()
    path, words = f"/console/many/{incident}", "You are right. It works again since 14:05 UTC."
    seen = hub.console(path, path, words=words).text
    assert "2 customers get it" in seen
    assert "1 waits for named people" in seen
    assert "Hello Ana" in seen
    assert hub.heard() == []
    mark = re.search(r'name="looked"\s+value="(\w+)"', seen)
    assert mark
    go = {"words": words, "send": "1", "looked": mark[1]}
    assert (
        "Take it back" not in hub.console(path, path, **{**go, "words": f"{words} Ana."}).text
    )  # nobody has seen that
    assert "Take it back" in hub.console(path, path, **go).text
    hub.tick(seconds=29)
    assert not any(words in hub.web.get(page).text for page in pages)
    assert "Nobody got it" in hub.console(f"{path}/undo", path).text
    hub.tick(seconds=60)
    assert not any(words in hub.web.get(page).text for page in pages)
    hub.heard()
    hub.console(path, path, **go)
    hub.clock.forward(seconds=5)
    hub.web.post(pages[1], data={"words": "It got worse."})
    hub.parts.worker.drain()
    hub.heard()
    hub.tick(seconds=30)
    assert words in hub.web.get(pages[0]).text
    assert [each.split()[1] for each in hub.heard() if each.startswith("MAIL")] == ["Ana@customer.example"]
    assert words not in hub.web.get(lawyer).text
    assert customers(hub) == ["Eli", "Bo"]
    assert "It has left already" in hub.console(f"{path}/undo", path).text
