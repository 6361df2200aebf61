"""Several pages from one hub: each host its own, and of a closed one no byte for those who may not read it."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col
from werkzeug.test import Client

from tests.databases import database_url
from tests.e2e.house import House, house
from tests.providers import sendgrid
from trusthub.domain.affected import Hit
from trusthub.domain.message import Moment
from trusthub.services import affected, closed
from trusthub.services.acts import Act
from trusthub.services.maintenance import Plan, plan
from trusthub.settings import packaged
from trusthub.store.tables import Component, Delivery, Incident, Page, Snapshot

__all__ = ["database_url"]

SECRET = "Zauberwort"
"""In every field of the closed page, and nowhere else."""
OPEN, CLOSED = "status.acme.example", f"{SECRET.lower()}.acme.example"
PAGES = f"""
pages:
  main:
    name: Acme
    host: {OPEN}
    zone: Europe/Berlin
    support: support@acme.example
    trust: true
    components: [checkout, search]
  inside:
    name: {SECRET} inside
    host: {CLOSED}
    access: link
    locales: [en, de]
    sender: {SECRET} <news@{CLOSED}>
    support: help@{CLOSED}
    intro: {{en: About {SECRET}., de: Von {SECRET}.}}
    footer: {{en: By {SECRET}., de: Von {SECRET}.}}
    components: [ledger, checkout]
components:
  - {{id: checkout, name: Checkout, group: Payments, watches: [acme/checkout]}}
  - {{id: search, name: Search, group: Shop}}
  - {{id: ledger, name: {SECRET} ledger, group: {SECRET} group, description: Where {SECRET} is, watches: [acme/ledger]}}
"""


def site(folder: Path, pages: str = PAGES) -> Path:
    """Write the shipped site with pages instead of a page; return where."""
    text = (packaged("playbooks") / "site.yaml").read_text(encoding="utf-8")
    rest = text[text.index("# Only what happens here") :]
    (folder / "site.yaml").write_text(pages + rest, encoding="utf-8")
    return folder / "site.yaml"


def here(folder: Path) -> dict[str, Path]:
    return {"publish_dir": folder / "published", "playbooks_dir": packaged("playbooks")}


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[House]:
    with house(database_url, tmp_path, site=site(tmp_path), **here(tmp_path)) as made:
        yield made


def get(hub: House, path: str, host: str = OPEN, **headers: str) -> Any:
    return stranger(hub).get(path, headers={"Host": host, **headers})


def post(hub: House, path: str, host: str = OPEN, **more: Any) -> Any:
    headers = {"Host": host, **more.pop("headers", {})}
    return stranger(hub).post(path, headers=headers, environ_base={"REMOTE_ADDR": "192.0.2.1"}, **more)


def stranger(hub: House) -> Client:
    """Return a browser that keeps nothing."""
    return Client(hub.parts.wsgi, use_cookies=False)


def enter(hub: House) -> str:
    """Open the closed page by its link; return its cookie."""
    answer = get(hub, closed.link(hub.parts.hub, "inside").removeprefix(f"https://{CLOSED}"), CLOSED)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    said = answer.headers["Set-Cookie"]
    assert all(word in said for word in ("HttpOnly", "Secure", "SameSite=Lax"))
    return str(said.partition(";")[0])


def join(hub: House, host: str, address: str, **headers: str) -> None:
    """Subscribe to a page, and confirm."""
    wish = {"email": address, "incidents": "yes", "maintenance": "yes"}
    assert post(hub, "/subscribe", host, data=wish, headers=headers).status_code == 200
    text = mails(hub, address)[-1]["text/plain"]
    found = re.search(r"(/subscriptions/[\w.]+)", text)
    assert found, text
    assert post(hub, f"{found[1]}/confirm", host, headers=headers).status_code == 303


def mails(hub: House, address: str) -> list[dict[str, str]]:
    hub.parts.worker.drain()
    return [mail for body in hub.sendgrid.messages for mail in sendgrid.read(body) if mail["to"] == address]


def fails(hub: House, component: str, version: str = "2.8.0") -> None:
    """Let a rollout of a component fail and go back, and let customers hear of it."""
    about = {"component": component, "to_version": version}
    for event in ("rollout.started", "rollout.progressed"):
        hub.event(event, exposure=5, **about)
    hub.event("rollout.failed", evidence="failed_analysis", **about)
    hub.event("rollback.started", **about)
    hub.event("rollback.finished", **about)
    hub.tick(minutes=2)


def by_hand(hub: House, name: str, component: str, note: str) -> None:
    """Open an incident in the console."""
    hub.sign_in()
    answer = hub.console("/console/open", component=component, name=name, note=note, kind="manual", reason="It is so.")
    assert name in answer.text, answer.text


def planned(hub: House, name: str, *components: str, effect: str) -> None:
    """Plan work on several components."""
    start = hub.clock() + timedelta(days=2)
    work = Plan(
        components=components,
        name={"en": name},
        effect={"en": effect},
        advice={"en": effect},
        start=start,
        end=start + timedelta(hours=1),
    )
    plan(hub.parts.hub, Act(actor="Mira", now=hub.clock()), work)
    hub.parts.worker.drain()


def names(hub: House, page: str) -> list[str]:
    """Return what is published of a page."""
    with hub.parts.hub.database.reading() as session:
        found = sa.select(col(Snapshot.path)).join(Page, col(Page.id) == Snapshot.page_id)
        return list(session.execute(found.where(col(Page.key) == page)).scalars())


def test_no_byte_of_a_closed_page_reaches_who_may_not_read_it(hub: House, tmp_path: Path) -> None:
    cookie = enter(hub)
    join(hub, OPEN, "ana@customer.example")
    join(hub, CLOSED, "bo@partner.example", Cookie=cookie)
    fails(hub, "acme/ledger")
    fails(hub, "acme/checkout", "3.0.0")
    by_hand(hub, f"{SECRET} is slow", "ledger", note=f"{SECRET} again.")
    planned(hub, f"Moving {SECRET} ledger", "checkout", "ledger", effect=f"No {SECRET} ledger.")
    hub.tick(days=1, hours=1)
    with hub.parts.hub.database.reading() as session:
        ids = [*session.execute(sa.select(col(Incident.public_id))).scalars()]
        ids += session.execute(sa.select(col(Component.public_id))).scalars()
        ledger = session.execute(sa.select(col(Component.public_id)).where(col(Component.key) == "ledger")).scalar_one()
        first = session.execute(sa.select(col(Incident.public_id)).order_by(col(Incident.id)).limit(1)).scalar_one()
    known, private = names(hub, "main"), names(hub, "inside")
    assert len(private) > len(known) > 20
    routes = [f"/{kind}/{each}" for kind in ("incidents", "components") for each in ids]
    routes += [*known, *private, "/subscribe", "/subscribe?incident=x", "/nothing", "/api/v2/nothing.json", "/de/"]
    routes += [f"/subscribe?incident={each}" for each in ids] + ["/threads/a.b.1.c", "/subscriptions/a.b.1.c"]
    routes += ["/trust", "/affected"]
    for host in (OPEN, "hub.example", "elsewhere.example", CLOSED):
        for path in routes:
            answer = get(hub, path, host)
            told = f"{answer.text}{answer.headers}".lower().replace(CLOSED, "") if host == CLOSED else None
            assert SECRET.lower() not in (told or f"{answer.text}{answer.headers}".lower()), (host, path)
            assert host != CLOSED or answer.status_code == 403, path
    for path in (f"/incidents/{first}/me-too", f"/incidents/{first}/threads", f"/components/{ledger}/threads"):
        answer = post(hub, path, data={"words": "x"})
        assert (answer.status_code, SECRET in answer.text) == (404, False), path
    for file in (tmp_path / "published").rglob("*"):
        assert "inside" not in file.parts
        assert not file.is_file() or SECRET.lower().encode() not in file.read_bytes().lower(), file
    assert (tmp_path / "published" / "main" / "index.html").is_file()
    assert not (tmp_path / "published" / "index.html").exists()
    ana = [body for body in hub.sendgrid.messages if "ana@customer.example" in json.dumps(body)]
    assert len(ana) > 3
    assert "A problem with part of our service" in get(hub, "/").text  # the work on both, without the other's name
    assert SECRET.lower() not in json.dumps(ana).lower()


def test_each_page_has_its_words_links_sender_and_languages(hub: House) -> None:
    cookie = enter(hub)
    join(hub, OPEN, "ana@customer.example")
    join(hub, CLOSED, "bo@partner.example", Cookie=cookie)
    fails(hub, "acme/ledger")
    bo = mails(hub, "bo@partner.example")[-1]
    assert f"https://{CLOSED}/incidents/" in bo["text/plain"]
    assert f"{SECRET} ledger" in bo["text/plain"]
    assert "hub.example" not in bo["text/plain"]
    (body,) = [each for each in hub.sendgrid.messages[-9:] if SECRET in json.dumps(each["subject"])][-1:]
    assert body["from"] == {"email": f"news@{CLOSED}", "name": SECRET}
    assert len(mails(hub, "ana@customer.example")) == 1  # the question whether she wants mail
    inside = json.loads(get(hub, "/api/v2/summary.json", CLOSED, Cookie=cookie).data)
    assert [each["name"] for each in inside["components"] if not each["group"]] == ["Checkout", f"{SECRET} ledger"]
    assert hub.calm
    assert "Alle Zeiten sind UTC" in get(hub, "/de/", CLOSED, Cookie=cookie).text
    fails(hub, "acme/checkout", "3.0.0")  # on both pages
    assert f"https://{OPEN}/incidents/" in mails(hub, "ana@customer.example")[-1]["text/plain"]
    assert f"https://{CLOSED}/incidents/" in mails(hub, "bo@partner.example")[-1]["text/plain"]
    assert len(json.loads(get(hub, "/api/v2/incidents.json").data)["incidents"]) == 1
    assert len(json.loads(get(hub, "/api/v2/incidents.json", CLOSED, Cookie=cookie).data)["incidents"]) == 2
    with hub.parts.hub.database.reading() as session:
        keys = session.execute(sa.select(col(Delivery.key)).where(col(Delivery.moment) == Moment.INCIDENT_MONITORING))
        assert len(set(keys.scalars())) >= 3


def test_an_update_may_have_words_for_one_page(hub: House) -> None:
    cookie = enter(hub)
    join(hub, OPEN, "ana@customer.example")
    join(hub, CLOSED, "bo@partner.example", Cookie=cookie)
    fails(hub, "acme/checkout")
    hub.sign_in()
    at = f"/console/incidents/{hub.incident()}"
    said = {"note": "A disk was full.", "note_on_inside": "Your disk was full.", "state": "monitoring", "reason": "So."}
    assert f"for the readers of {SECRET} inside" in hub.console(f"{at}/update", at, **said).text
    all_, mine = "A disk", "Your disk"
    both = {OPEN: ("ana@customer.example", all_, mine), CLOSED: ("bo@partner.example", mine, all_)}
    for host, (address, words, others) in both.items():
        text = get(hub, "/", host, Cookie=cookie).text
        assert (words in text, others in text) == (True, False)
        mail = mails(hub, address)[-1]["text/plain"]
        assert (words in mail, others in mail) == (True, False)


def test_a_conversation_on_a_closed_page_stays_there(hub: House) -> None:
    cookie = enter(hub)
    fails(hub, "acme/ledger")
    incident = json.loads(get(hub, "/api/v2/incidents.json", CLOSED, Cookie=cookie).data)["incidents"][0]["id"]
    said = {"words": "It is broken", "email": "bo@partner.example"}
    headers = {"Cookie": cookie, "Origin": f"https://{CLOSED}"}
    answer = post(hub, f"/incidents/{incident}/threads", CLOSED, data=said, headers=headers)
    assert answer.status_code == 200
    thread = re.search(rf"https://{CLOSED}(/threads/[\w.]+)", answer.text)
    assert thread
    assert "It is broken" in get(hub, thread[1], CLOSED, Cookie=cookie).text
    assert get(hub, thread[1], CLOSED).status_code == 403
    assert get(hub, thread[1]).status_code == 404
    stop = re.search(r"/subscriptions/[\w.]+", mails(hub, "bo@partner.example")[-1]["text/plain"])
    assert stop
    assert get(hub, stop[0], CLOSED).status_code == 403
    assert post(hub, stop[0], CLOSED).status_code == 200  # the mail reader's own button
    assert post(hub, "/subscriptions/a.b.1.c", CLOSED).status_code == 403


def test_a_link_lets_in_until_it_is_rotated(hub: House) -> None:
    first = closed.link(hub.parts.hub, "inside")
    cookie, bearer = enter(hub), f"Bearer {first.rpartition('/')[2]}"
    for headers in ({"Cookie": cookie}, {"Authorization": bearer}):
        answer = get(hub, "/", CLOSED, **headers)
        assert answer.status_code == 200
        assert f"About {SECRET}" in answer.text
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert (answer.headers["X-Robots-Tag"], answer.headers["Referrer-Policy"]) == ("noindex", "no-referrer")
        assert "Access-Control-Allow-Origin" not in get(hub, "/api/v2/status.json", CLOSED, **headers).headers
    assert get(hub, f"/enter/{first[:-1]}0", CLOSED).status_code == 403
    second = closed.link(hub.parts.hub, "inside", rotate=True)
    assert second != first
    for headers in ({"Cookie": cookie}, {"Authorization": bearer}):
        assert get(hub, "/", CLOSED, **headers).status_code == 403
    assert get(hub, f"/enter/{first.rpartition('/')[2]}", CLOSED).status_code == 403
    assert get(hub, f"/enter/{second.rpartition('/')[2]}?next=//evil.example", CLOSED).headers["Location"] == "/"


def test_the_host_that_a_proxy_names_chooses_the_page(hub: House) -> None:
    assert get(hub, "/", OPEN, **{"X-Forwarded-Host": CLOSED}).status_code == 200  # nobody is in front that counts
    assert get(hub, "/", f"{OPEN.upper()}:443").status_code == 200
    assert get(hub, "/", f"{CLOSED.upper()}:443").status_code == 403


def test_whom_a_closed_incident_hit_hears_of_it_there_alone(hub: House) -> None:
    fails(hub, "acme/ledger")
    with hub.parts.hub.database.reading() as session:
        incident = session.execute(sa.select(col(Incident.public_id))).scalar_one()
    listed = [Hit(id="c1", address="bo@partner.example"), Hit(id="c2", address="ana@customer.example")]
    affected.add(hub.parts.hub, incident, listed, Act(actor="Mira", now=hub.clock()))
    hub.keep_house()
    (told,) = mails(hub, "bo@partner.example")
    assert SECRET in told["text/plain"]  # it hit them, so they know the name
    for host, headers in ((OPEN, {}), (CLOSED, {"Cookie": enter(hub)})):
        asked = post(hub, "/affected", host, data={"email": "ana@customer.example"}, headers=headers)
        assert asked.status_code == 200, asked.text
    elsewhere, there = mails(hub, "ana@customer.example")[-2:]
    assert SECRET not in f"{elsewhere}"
    assert SECRET in there["text/plain"]
