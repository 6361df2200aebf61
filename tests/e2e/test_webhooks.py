"""A webhook from site.yaml to its receiver: what it gets, and what happens when it never answers well."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import col

from tests.e2e.house import House, house
from tests.providers import Webhook, answer
from tests.providers.webhook import SECRET
from trusthub.services.failing import Failing
from trusthub.settings import packaged
from trusthub.store import holds
from trusthub.store.tables import Delivery, Disabled, Lane

PLACE = '    - {webhook: "${HOOK_URL}", secret: "${HOOK_SECRET}", name: acme}'


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with Webhook() as running:
        monkeypatch.setenv("HOOK_URL", running.url)
        monkeypatch.setenv("HOOK_SECRET", SECRET)
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path: Path, receiver: Webhook) -> Iterator[House]:
    site = tmp_path / "site.yaml"
    text = (packaged("playbooks") / "site.yaml").read_text(encoding="utf-8")
    for line in ('    - {slack: "#support"}', "    - {page: true}"):
        assert line in text
        text = text.replace(line, f"{line}\n{PLACE if 'slack' in line else PLACE.replace('acme', 'partner')}")
    site.write_text(text, encoding="utf-8")
    url = f"sqlite:///{tmp_path}/hub.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    more = {"site": site, "playbooks_dir": packaged("playbooks"), "webhook_allow_private": True}
    with house(url, tmp_path, **more) as made:
        yield made


def roll_back(hub: House) -> None:
    hub.event("rollout.started", exposure=5)
    hub.event("rollback.started", evidence="failed_analysis", reason="success-rate 0.71")


def look(hub: House) -> None:
    """Let the worker look after the house, and send what follows."""
    hub.parts.worker._housekeeping()
    hub.parts.worker.drain()


def test_a_rollback_reaches_both_audiences_and_the_public_one_reads_public_facts_only(
    hub: House, receiver: Webhook
) -> None:
    roll_back(hub)
    for _ in range(3):
        hub.wait()
    told = {(body["type"], body["data"]["audience"]): body for body in receiver.messages.values()}
    assert ("rollback.started", "support") in told
    public = told["incident.identified", "customers"]
    data = public["data"]
    assert public["version"] == 1
    assert (data["incident"]["id"], data["incident"]["state"]) == (hub.incident(), "identified")
    assert data["components"] == [{"id": "checkout", "name": "Checkout"}]
    assert data["rollout"] == {"from_version": None, "to_version": "2.8.0"}
    assert [promise["kind"] for promise in data["promises"]] == ["next_update", "recovery"]
    assert data["promises"][0]["due"][11:16] in data["text"]
    assert "success-rate" not in json.dumps(public)
    assert told["rollback.started", "support"]["data"]["rollout"]["environment"] == "production"
    assert all(body["data"]["text"] and "--" not in body["data"]["text"] for body in receiver.messages.values())


def test_a_receiver_that_answers_410_is_switched_off_and_on_again(hub: House, receiver: Webhook) -> None:
    receiver.fail(answer(410))
    hub.event("rollout.failed", evidence="failed_analysis")
    look(hub)
    assert "webhook acme: switched off" in "\n".join(hub.heard())
    asked = len(receiver.calls)
    hub.event("rollback.started")
    acme = [body["data"]["audience"] for body in receiver.messages.values()]
    assert "support" not in acme
    hub.sign_in()
    page = hub.web.get("/console/").text
    assert "webhook acme" in page
    assert "It asks for no more messages." in page
    assert "Let webhook acme go on" in page
    hub.console("/console/deliveries/resume", form_at="/console/", where="webhook:acme")
    assert "Let webhook acme go on" not in hub.web.get("/console/").text
    assert len(receiver.calls) > asked
    assert "rollback.started" in [body["type"] for body in receiver.messages.values()]
    look(hub)
    assert "switched off" not in "\n".join(hub.heard()[1:])


def test_a_destination_that_is_taken_out_of_the_site_holds_nothing(hub: House, receiver: Webhook) -> None:
    receiver.fail(answer(410))
    hub.event("rollout.failed", evidence="failed_analysis")
    look(hub)
    hub.event("rollback.started")
    with hub.parts.hub.database.reading() as session:
        mine = (col(Delivery.lane) == "webhook:acme", col(Delivery.state) == "pending")
        waiting = session.execute(sa.select(col(Delivery.id)).where(*mine)).scalars().all()
    assert waiting
    configuration = hub.parts.hub.configuration
    places = configuration.site.audiences.items()
    kept = {audience: tuple(each for each in named if each.lane != "webhook:acme") for audience, named in places}
    site = configuration.site.model_copy(update={"audiences": kept})
    changed = replace(hub.parts.hub, configuration=replace(configuration, site=site))
    Failing(changed).watch(hub.clock.forward(minutes=2))
    with hub.parts.hub.database.reading() as session:
        assert holds.paused(session) == []
        assert not session.get_one(Lane, "webhook:acme").paused
        assert session.get_one(Disabled, "webhook:acme").enabled_at == hub.clock.now
        gone = [session.get_one(Delivery, number) for number in waiting]
    assert {(row.state, row.last_error) for row in gone} == {
        ("cancelled", "Its destination was taken out of site.yaml before it was sent.")
    }


def test_a_receiver_is_switched_off_after_days_of_nothing_but_failures(hub: House, receiver: Webhook) -> None:
    for days in (0, 2, 2):
        hub.clock.forward(days=days)
        receiver.fail(answer(404))
        hub.event("rollout.failed", to_version=f"2.{len(receiver.calls)}.0")
        look(hub)
        assert "switched off" not in "\n".join(hub.heard())
    hub.clock.forward(days=2)
    receiver.fail(answer(404))
    hub.event("rollout.failed", to_version="3.0.0")
    look(hub)
    told = "\n".join(hub.heard())
    assert "webhook acme: switched off" in told
    assert "Given up so far: 4, the first of them at 14:01 UTC on 2 March 2026." in told
    look(hub)
    assert "switched off" not in "\n".join(hub.heard())


def test_one_success_forgives_all_failures_before_it(hub: House, receiver: Webhook) -> None:
    for days, fault in ((0, 404), (3, 404), (3, None), (3, 404), (3, 404)):
        hub.clock.forward(days=days)
        if fault:
            receiver.fail(answer(fault))
        hub.event("rollout.failed", to_version=f"2.{len(receiver.calls)}.0")
        look(hub)
    assert "switched off" not in "\n".join(hub.heard())
