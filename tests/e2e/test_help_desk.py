"""An existing help desk: its conversations are heard here, and what is said here goes back to it, signed."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col
from werkzeug.test import TestResponse

from tests.e2e.house import House, house
from tests.providers import Webhook
from tests.providers.webhook import SECRET
from trusthub.services import api_tokens, complaints
from trusthub.services.acts import Act
from trusthub.settings import packaged
from trusthub.store.tables import Rollout, Thread
from trusthub.web.access import Scope

THERE = {"system": "zendesk", "id": "4711", "url": "https://acme.zendesk.example/tickets/4711"}
NEW = {"external": THERE, "component": "checkout", "words": "I cannot pay.", "name": "Ana", "verified": True}


@pytest.fixture
def desk() -> Iterator[Webhook]:
    with Webhook() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, desk: Webhook
) -> Iterator[House]:
    monkeypatch.setenv("DESK", desk.url)
    monkeypatch.setenv("DESK_SECRET", SECRET)
    place = '\nhelp_desks:\n  zendesk: {webhook: "${DESK}", secret: "${DESK_SECRET}", name: zendesk}\n'
    site = tmp_path / "site.yaml"
    site.write_text((packaged("playbooks") / "site.yaml").read_text(encoding="utf-8") + place, encoding="utf-8")
    url = f"sqlite:///{tmp_path}/hub.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    more = {"site": site, "playbooks_dir": packaged("playbooks"), "webhook_allow_private": True}
    with house(url, tmp_path, **more) as made:
        yield made


def call(hub: House, path: str, body: dict[str, Any]) -> TestResponse:
    with hub.parts.hub.database.transaction() as session:
        act = Act(actor="Mira", now=hub.clock.now)
        scopes = [Scope.WRITE_THREADS]
        token = api_tokens.create(session, act, name="zendesk", scopes=scopes, lasts=timedelta(days=90))
    answer = hub.web.post(f"/api/v1{path}", json=body, headers={"Authorization": f"Bearer {token}"})
    hub.parts.worker.drain()
    return answer


def taken(hub: House, **more: Any) -> str:
    answer = call(hub, "/threads", {**NEW, **more})
    assert answer.status_code == 201, answer.text
    return str((answer.json or {})["id"])


def told(desk: Webhook) -> list[tuple[str, str, str]]:
    found = [(body["type"], body["data"]["message"]["by"], body["data"]) for body in desk.messages.values()]
    return [(kind, by, data["message"]["body"].split("\n")[0]) for kind, by, data in found]


def test_what_is_said_here_goes_back_signed_and_nothing_else(hub: House, desk: Webhook) -> None:
    number = taken(hub, email="ana@customer.example")
    assert "Ana wrote to us" in "\n".join(hub.heard())
    assert desk.messages == {}
    hub.sign_in()
    path = f"/console/threads/{number}"
    assert "4711" in hub.web.get(path).text
    hub.console(f"{path}/reply", form_at=path, words="You are right. We have taken it back.")
    assert told(desk) == [("thread.replied", "staff", "You are right. We have taken it back.")]
    (body,) = desk.messages.values()
    assert body["data"]["thread"]["external"] == THERE
    assert body["data"]["thread"]["state"] == "answered"
    assert body["data"]["message"]["author"] == "Mira"
    assert not any("ana@customer.example" in str(mail) for mail in hub.sendgrid.messages)
    hub.console(f"{path}/close", form_at=path)
    assert [kind for kind, *_ in told(desk)] == ["thread.replied", "thread.closed"]


def test_what_is_said_there_is_heard_here_and_not_told_back(hub: House, desk: Webhook) -> None:
    number = taken(hub)
    assert call(hub, f"/threads/{number}/messages", {"words": "It still fails."}).status_code == 201
    answer = {"words": "We look into it.", "author": "Lena"}
    assert call(hub, f"/threads/{number}/messages", answer).status_code == 201
    assert desk.messages == {}
    hub.sign_in()
    shown = hub.web.get(f"/console/threads/{number}").text
    assert "It still fails." in shown
    assert "Lena" in shown
    refused = call(hub, "/threads/aaaaaaaaaaaa/messages", {"words": "x"})
    assert (refused.status_code, refused.content_type) == (409, "application/problem+json")


def test_public_updates_reach_the_help_desk(hub: House, desk: Webhook) -> None:
    hub.event("rollout.started", exposure=5)
    hub.event("rollback.started", evidence="failed_analysis")
    taken(hub, component="", incident=hub.incident())
    hub.event("rollback.finished", exposure=0)
    assert [kind for kind, *_ in told(desk)] == ["incident.monitoring"]


def test_one_conversation_there_is_one_here(hub: House) -> None:
    assert taken(hub) == taken(hub, words="Something else.")
    with hub.parts.hub.database.reading() as session:
        (row,) = session.execute(select(Thread)).scalars()
        count = session.execute(select(col(Thread.confirmed_by))).scalars().all()
    assert (row.external_id, row.mail) == ("4711", False)
    assert count == ["zendesk (API)"]


def test_customers_whom_the_desk_vouches_for_each_count(hub: House) -> None:
    hub.event("rollout.started", exposure=5)
    for number in range(5):
        taken(hub, external={**THERE, "id": str(number)}, wants_rollback=True)
    taken(hub, external={**THERE, "id": "unknown"}, verified=False)
    with hub.parts.hub.database.reading() as session:
        (row,) = session.execute(select(Rollout)).scalars()
        counted = complaints.counted(session, row)
    assert (counted.complaints, counted.requests) == (5, 5)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"external": {**THERE, "system": "zendsk"}}, "There are: zendesk."),
        ({"component": "checkot"}, "site.yaml has no component 'checkot'."),
        ({"incident": "nothing"}, "Customers know of no such incident."),
        ({"email": "ana@"}, "The email address cannot be one."),
    ],
)
def test_what_cannot_be_taken_says_why(hub: House, change: dict[str, Any], why: str) -> None:
    answer = call(hub, "/threads", {**NEW, **change})
    assert answer.status_code == 409
    assert why in (answer.json or {})["detail"]


def test_the_description_has_both_ways(hub: House) -> None:
    described = hub.web.get("/api/v1/openapi.json").json or {}
    assert "post" in described["paths"]["/threads"]
    assert "DeskCall" in described["components"]["schemas"]
    assert "DeskCall" in str(described["webhooks"]["helpDesk"])
