"""What a customer can do in a thread besides words: files, a click, and how it ended."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col
from urllib3 import encode_multipart_formdata

from tests.e2e import inbound
from tests.e2e.house import House, house
from tests.e2e.test_feedback import link, thread_id
from tests.e2e.test_inbound import ANA, address, said
from tests.e2e.test_languages import speaking
from tests.e2e.test_publicity import canary, rolled_back
from trusthub.domain import attachment
from trusthub.store.tables import Component, Thread


def png(width: int = 2, height: int = 2) -> bytes:
    """Return a picture of one colour; of a large one no more than its header says so."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x0c\x8c\xe9" * 2) * 2)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("bomb", b"\0" * 1_000_000)
    return made.getvalue()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[House]:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **inbound.OPEN) as made:
        canary(made)
        rolled_back(made)
        made.heard()
        yield made


def send(hub: House, *files: tuple[str, bytes]) -> tuple[int, str]:
    body, kind = encode_multipart_formdata([("words", "Look."), *(("files", file) for file in files)])
    answer = hub.web.post(f"/incidents/{hub.incident()}/threads", data=body, content_type=kind)
    return answer.status_code, answer.text


def state(hub: House) -> Thread:
    with hub.parts.hub.database.reading() as session:
        newest: Thread | None = session.execute(select(Thread).order_by(col(Thread.id).desc())).scalars().first()
    assert newest
    return newest


def test_a_file_is_for_the_customer_and_staff_only(hub: House) -> None:
    status, page = send(hub, ('"><img src=x onerror=alert(1)>.png', png()))
    assert status == 200
    private = link(page)
    shown = hub.web.get(private).text
    assert "<img" not in shown
    path = next(part for part in shown.split('"') if "/files/" in part).removeprefix("http://hub.example")
    file = hub.web.get(path)
    assert (file.data, file.mimetype) == (png(), "image/png")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in file.headers["Content-Security-Policy"]
    assert file.headers["Cache-Control"] == "no-store"
    name = path.rpartition("/")[2]
    other = link(send(hub)[1])
    for elsewhere in (f"{other}/files/{name}", f"{private}x/files/{name}", f"{private}/files/{'a' * 12}"):
        assert hub.web.get(elsewhere).status_code == 404
    staff = f"/console/threads/{state(hub).public_id}/files/{name}"
    assert hub.web.get(staff).status_code == 302
    hub.sign_in()
    assert hub.web.get(staff).status_code == 404
    with hub.parts.hub.database.reading() as session:
        first = session.execute(select(col(Thread.public_id)).order_by(col(Thread.id))).scalars().first()
    assert hub.web.get(f"/console/threads/{first}/files/{name}").data == png()
    folder = hub.parts.settings.files
    assert folder is not None
    assert [(each.stat().st_mode & 0o777, each.name) for each in folder.iterdir()] == [(0o600, name)]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([("a.png", archive())], "We take pictures"),
        ([("a.txt", b"\0\1\2")], "We take pictures"),
        ([("a.svg", b"\x00<svg onload=alert(1)>")], "We take pictures"),
        ([("a.png", png(100_000, 100_000))], "40 million pixels"),
        ([("a.png", png()[:20])], "could not be read"),
        ([("a.txt", b"x" * (attachment.LARGEST + 1))], "at most 5 MB"),
        ([(f"{n}.txt", b"x") for n in range(4)], "At most 3 files"),
    ],
    ids=["zip", "binary", "svg", "bomb", "cut", "large", "many"],
)
def test_a_file_that_we_do_not_take_is_refused_kindly(hub: House, files: list[tuple[str, bytes]], why: str) -> None:
    status, page = send(hub, *files)
    assert status == 400
    assert why in page
    assert hub.heard() == []


def test_a_form_that_is_far_too_large_is_refused(hub: House) -> None:
    status, page = send(hub, *((f"{n}.txt", b"x" * 6_000_000) for n in range(3)))
    assert status == 413
    assert "at most 5 MB" in page


def test_files_come_by_mail_too_and_a_strangers_stay_hidden(hub: House) -> None:
    private = link(hub.answer(hub.incident(), words="x", email="ana@customer.example").text)
    files = [("shot.png", png()), ("virus.zip", archive())]
    inbound.post(hub, inbound.form(sender=ANA, to=address(hub), text="See.", files=files))
    shown = hub.web.get(private).text
    assert "shot.png" in shown
    assert "virus" not in shown
    inbound.post(hub, inbound.form(sender="eve@evil.example", to=address(hub), text="Mine.", files=[("eve.txt", b"x")]))
    assert "eve.txt" not in hub.web.get(private).text
    hub.sign_in()
    console = f"/console/threads/{thread_id(hub)}"
    name = next(part for part in hub.web.get(console).text.split('"') if "/files/" in part and part > console)
    assert "eve.txt" in hub.web.get(console).text
    hidden = hub.web.get(console).text.split(">eve.txt<")[0].rpartition("/files/")[2].partition('"')[0]
    assert hub.web.get(f"{private}/files/{hidden}").status_code == 404
    assert hub.web.get(f"{console}/files/{hidden}").status_code == 200
    assert name


def test_me_too_counts_each_network_once(hub: House) -> None:
    path = f"/incidents/{hub.incident()}/me-too"
    for place, number in (("192.0.2.7", 1), ("192.0.2.9", 1), ("198.51.100.1", 2), ("2001:db8::1", 3)):
        page = hub.web.post(path, environ_overrides={"REMOTE_ADDR": place})
        assert page.status_code == 200
        assert ("You are the first" in page.text) is (number == 1)
    assert "3 have said so" in page.text
    assert hub.heard() == []
    hub.tick(minutes=6)
    hub.keep_house()
    assert "3 have said so." in hub.page(f"/incidents/{hub.incident()}")
    assert hub.web.post(path, headers={"Origin": "https://evil.example"}).status_code == 403
    assert hub.web.post("/incidents/aaaaaaaaaaaa/me-too").status_code == 404
    answers = [hub.web.post(path).status_code for _ in range(12)]
    assert answers[-1] == 429


def test_a_component_takes_a_thread_without_an_incident(hub: House) -> None:
    with hub.parts.hub.database.reading() as session:
        found = session.execute(select(Component).where(col(Component.key) == "search")).scalar_one()
    page = hub.web.get(f"/components/{found.public_id}").text
    assert "We know of no problem with Search now." in page
    data = {"words": "It finds nothing.", "pain": "blocking", "email": "ana@customer.example"}
    answer = hub.web.post(f"/components/{found.public_id}/threads", data=data)
    hub.parts.worker.drain()
    heard = "\n".join(hub.heard())
    assert "Search: a customer wrote to us" in heard
    assert "They say that it blocks them." in heard
    assert "Search: we have your message" in heard
    private = link(answer.text)
    assert "It finds nothing." in hub.web.get(private).text
    hub.sign_in()
    console = f"/console/threads/{thread_id(hub)}"
    assert "without an incident" in hub.web.get(console).text
    assert hub.web.get("/console/").status_code == 200
    hub.console(f"{console}/reply", console, words="You are right. We look into it.")
    hub.console(f"{console}/close", console)
    assert "Is it fixed for you?" in hub.web.get(private).text
    assert "incident" not in "\n".join(line for line in hub.heard() if "is it fixed" in line)
    assert hub.web.get("/components/aaaaaaaaaaaa").status_code == 404


def test_a_component_with_trouble_shows_the_answer_before_the_form(hub: House) -> None:
    with hub.parts.hub.database.reading() as session:
        found = session.execute(select(Component).where(col(Component.key) == "checkout")).scalar_one()
    page = hub.web.get(f"/components/{found.public_id}").text
    assert page.index("Next update by") < page.index("This hits me too") < page.index("It is something else")


def test_no_opens_it_again_and_yes_closes_it(hub: House) -> None:
    incident = hub.incident()
    private = link(hub.answer(incident, words="It fails.", email="ana@customer.example").text)
    hub.sign_in()
    hub.console(f"/console/incidents/{incident}/resolve", f"/console/incidents/{incident}", note="We keep 2.7.4.")
    page = hub.web.get(private).text
    assert "No, it is not" in page
    assert "How did we treat you?" not in page
    hub.heard()
    hub.web.post(f"{private}/fixed", data={"fixed": "no"})
    hub.web.post(f"{private}/fixed", data={"fixed": "no"})
    hub.parts.worker.drain()
    assert state(hub).state == "open"
    assert [words for _, words, _ in said(hub)].count("No, it is not fixed.") == 1
    assert any("No, it is not fixed." in line for line in hub.heard())
    hub.web.post(f"{private}/fixed", data={"fixed": "yes"})
    assert (state(hub).state, state(hub).fixed) == ("closed", True)
    assert "How did we treat you?" in hub.web.get(private).text
    for rating in ("0", "6", "x"):
        assert hub.web.post(f"{private}/rating", data={"rating": rating}).status_code == 404
    hub.web.post(f"{private}/rating", data={"rating": "4"})
    hub.web.post(f"{private}/rating", data={"rating": "1"})
    assert state(hub).rating == 4
    assert "How did we treat you?" not in hub.web.get(private).text
    assert hub.web.post("/threads/x.y.1.z/fixed", data={"fixed": "yes"}).status_code == 404


def test_public_updates_reach_every_open_thread_and_the_mail_of_who_asked(hub: House) -> None:
    incident = hub.incident()
    ana = link(hub.answer(incident, words="It fails.", email="ana@customer.example", updates="yes").text)
    ben = link(hub.answer(incident, words="It fails.", email="ben@customer.example").text)
    hub.heard()
    hub.sign_in()
    path = f"/console/incidents/{incident}"
    hub.console(f"{path}/update", path, note="We have counted the failed requests.", state="identified")
    for private in (ana, ben):
        assert "We have counted the failed requests." in hub.web.get(private).text
    mails = [line for line in hub.heard() if line.startswith("MAIL") and "customer.example" in line]
    assert [line.split()[1] for line in mails] == ["ana@customer.example"]
    assert state(hub).state == "open"


def test_the_acknowledgement_says_how_long_first_answers_took(hub: House) -> None:
    hub.sign_in()
    for minutes in (5, 20, 25, 40, 90):
        hub.answer(hub.incident(), words="x")
        hub.clock.forward(minutes=minutes)
        console = f"/console/threads/{thread_id(hub)}"
        hub.console(f"{console}/reply", console, words="You are right. We look into it.")
    page = hub.answer(hub.incident(), words="x", email="ana@customer.example").text
    assert "Half of our latest 5 first answers came within 30 minutes." in page
    assert any("5 first answers came within 30 minutes" in line for line in hub.heard())
    hub.clock.forward(hours=2)
    assert "first answers" not in hub.answer(hub.incident(), words="y").text


def test_a_threads_pages_speak_its_language(tmp_path: Path) -> None:
    with speaking(tmp_path, "[en, de]") as hub:
        canary(hub)
        rolled_back(hub)
        empty = hub.answer(hub.incident(), words=" ", locale="de")
        assert "die Nachricht war leer" in empty.text
        taken = hub.answer(hub.incident(), words="Es geht nicht.", locale="de")
        assert '<html lang="de">' in taken.text
        assert "Ihr Gespräch mit uns" in taken.text
        page = hub.web.get(link(taken.text)).text
        assert '<html lang="de">' in page
        assert "Wir schulden Ihnen eine Antwort" in page
        assert "Ihre Nachricht" in page
        unknown = hub.web.get("/threads/x", headers={"Accept-Language": "de-AT,de;q=0.9"})
        assert "Dieser Link öffnet nichts" in unknown.text
        assert "Diese Seite gibt es nicht" in hub.web.get("/de/nowhere").text
        assert "There is no such page" in hub.web.get("/nowhere").text
        with hub.parts.hub.database.reading() as session:
            found = session.execute(select(Component).where(col(Component.key) == "search")).scalar_one()
        assert "Was haben Sie versucht" in hub.web.get(f"/de/components/{found.public_id}").text
        assert hub.web.get(f"/fr/components/{found.public_id}").status_code == 404
