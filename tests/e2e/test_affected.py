"""Those whom an incident hit hear of it personally, the page stays calm, and nobody learns on a screen who they are."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import col
from werkzeug.test import TestResponse

from tests.e2e.house import House, house
from tests.providers import sendgrid
from trusthub.services import affected, api_tokens
from trusthub.services.acts import Act
from trusthub.services.customers import erase, export
from trusthub.store.tables import Affected, Delivery, Incident, Person
from trusthub.web.access import Scope

CSV = "id,address,locale\nc-1,Ana@customer.example,en\nc-2,bo@customer.example,en\nc-3,,\n"


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    url = f"sqlite:///{tmp_path}/hub.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with house(url, tmp_path) as made:
        made.event("rollout.started", exposure=0.1)
        made.event("rollback.started", evidence="failed_analysis")
        yield made


def token(hub: House) -> str:
    with hub.parts.hub.database.transaction() as session:
        act = Act(actor="Mira", now=hub.clock.now)
        return api_tokens.create(
            session, act, name="data team", scopes=[Scope.WRITE_INCIDENTS], lasts=timedelta(days=90)
        )


def incident(hub: House) -> str:
    with hub.parts.hub.database.reading() as session:
        return str(session.execute(select(col(Incident.public_id))).scalar_one())


def hit(hub: House, body: dict[str, Any], number: str = "") -> TestResponse:
    path = f"/api/v1/incidents/{number or incident(hub)}/affected"
    answer = hub.web.post(path, json=body, headers={"Authorization": f"Bearer {token(hub)}"})
    hub.clock.forward(minutes=1)
    hub.keep_house()
    return answer


def mails(hub: House, to: str) -> list[dict[str, str]]:
    found = [mail for body in hub.sendgrid.messages for mail in sendgrid.read(body)]
    return [mail for mail in found if mail["to"].lower() == to]


def asks(hub: House, address: str) -> str:
    answer = hub.web.post("/affected", data={"email": address})
    assert answer.status_code == 200, answer.text
    hub.parts.worker.drain()
    return answer.text


def kept(hub: House, table: Any) -> int:
    with hub.parts.hub.database.reading() as session:
        return int(session.execute(select(func.count()).select_from(table)).scalar_one())


def test_they_hear_of_a_small_canary_while_the_page_stays_calm(hub: House) -> None:
    answer = hit(hub, {"csv": CSV, "ids": ["c-9", "bo@customer.example"]})
    assert (answer.status_code, answer.json) == (201, {"count": 4, "reachable": 2})
    assert hub.calm
    (mail,) = mails(hub, "ana@customer.example")
    assert mail["subject"] == "Checkout: a problem that hit you"
    assert "By our records it hit you" in mail["text/plain"]
    assert "Up to 0.1 % of Checkout requests" in mail["text/plain"]
    assert "a problem with Checkout hit you, by our records" in mail["text/plain"]
    assert "/components/" in mail["text/plain"]
    assert len(mails(hub, "bo@customer.example")) == 1
    hit(hub, {"csv": CSV})
    assert len(mails(hub, "bo@customer.example")) == 1
    hub.event("rollback.finished", exposure=0)
    hub.sign_in()
    path = f"/console/incidents/{incident(hub)}"
    hub.console(f"{path}/precaution", form_at=path)
    hub.clock.forward(minutes=1)
    hub.keep_house()
    assert [each["subject"] for each in mails(hub, "ana@customer.example")][1:] == ["Checkout: it is over"]
    assert hub.calm


def test_the_answer_is_the_same_on_the_screen_and_goes_to_the_mailbox(hub: House) -> None:
    hit(hub, {"csv": CSV})
    screens = {asks(hub, each) for each in ("ana@customer.example", "stranger@customer.example")}
    assert len(screens) == 1
    assert "Yes, one did." in mails(hub, "ana@customer.example")[-1]["text/plain"]
    (no,) = mails(hub, "stranger@customer.example")
    assert "We know of none." in no["text/plain"]
    assert "Checkout" not in no["text/plain"]
    for _ in range(4):
        screens.add(asks(hub, "stranger@customer.example"))
    assert len(mails(hub, "stranger@customer.example")) == affected.ASKS
    assert len(screens) == 1


def test_while_data_may_be_at_risk_nobody_reads_more_than_a_holding_message(hub: House) -> None:
    number = incident(hub)
    hub.sign_in()
    path = f"/console/incidents/{number}"
    answer = hub.web.post(
        f"/api/v1/incidents/{number}/affected", json={"csv": CSV}, headers={"Authorization": f"Bearer {token(hub)}"}
    )
    assert answer.status_code == 201
    hub.console(f"{path}/cause", form_at=path, cause="attack")
    hub.clock.forward(minutes=1)
    hub.keep_house()
    assert mails(hub, "ana@customer.example") == []
    asks(hub, "ana@customer.example")
    (mail,) = mails(hub, "ana@customer.example")
    assert "0.1 %" not in mail["text/plain"]
    for _ in range(4):
        asks(hub, "ana@customer.example")
    assert len(mails(hub, "ana@customer.example")) == affected.ASKS
    assert hit(hub, {"ids": ["cy@customer.example"]}).status_code == 409


def test_a_form_of_another_site_and_half_an_address_are_refused(hub: House) -> None:
    data = {"email": "ana@customer.example"}
    assert hub.web.post("/affected", data=data, headers={"Origin": "https://evil.example"}).status_code == 403
    assert hub.web.post("/affected", data={"email": "ana@"}).status_code == 400
    assert hub.web.post("/affected", data={**data, "website": "x"}).status_code == 200
    hub.parts.worker.drain()
    assert mails(hub, "ana@customer.example") == []
    assert 'action="http://hub.example/affected"' in hub.web.get("/affected").text


@pytest.mark.parametrize(("body", "pointer"), [({"csv": "mail\nx"}, "/csv"), ({"ids": ["a@"]}, "/ids")])
def test_a_list_that_is_not_understood_says_why(hub: House, body: dict[str, Any], pointer: str) -> None:
    answer = hit(hub, body)
    assert (answer.status_code, (answer.json or {})["pointer"]) == (422, pointer)
    assert hit(hub, {"ids": []}, "nothing").status_code == 404
    assert kept(hub, Affected) == 0


def test_it_is_forgotten_soon_and_not_while_it_is_on_hold(hub: House) -> None:
    hit(hub, {"csv": CSV})
    hub.sign_in()
    path = f"/console/incidents/{incident(hub)}"
    hub.console(f"{path}/precaution", form_at=path)
    hub.clock.forward(minutes=1)
    hub.keep_house()
    hub.console(f"{path}/legal-hold", form_at=path)
    hub.clock.forward(days=15)
    affected.forget(hub.parts.hub, hub.clock.now)
    assert kept(hub, Affected) == 3
    hub.console(f"{path}/legal-release", form_at=path)
    affected.forget(hub.parts.hub, hub.clock.now)
    assert (kept(hub, Affected), kept(hub, Person)) == (0, 0)
    with hub.parts.hub.database.reading() as session:
        lanes = session.execute(select(col(Delivery.lane))).scalars().all()
    assert not [lane for lane in lanes if "customer.example" in lane]


def test_what_is_kept_can_be_read_and_erased(hub: House) -> None:
    hit(hub, {"csv": CSV})
    act = Act(actor="Mira", now=hub.clock.now)
    assert len(export(hub.parts.hub, "ana@customer.example", act)["affected"]) == 1
    erase(hub.parts.hub, "ana@customer.example", act)
    with hub.parts.hub.database.reading() as session:
        rows = [row.model_dump_json() for row in session.execute(select(Delivery)).scalars()]
        people = session.execute(select(col(Person.email))).scalars().all()
    assert not [row for row in rows if "ana@customer.example" in row.lower()]
    assert set(people) == {None, "bo@customer.example"}
    assert kept(hub, Affected) == 2
