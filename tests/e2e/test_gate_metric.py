"""The customer as a rollout metric: who counts, who does not, and that nobody outside can fake a crowd."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from tests.e2e.house import House, house
from tests.e2e.test_gates import acts, breaks_down, site_with_gates
from trusthub.store.tables import Thread


@contextmanager
def complained_about(url: str, folder: Path) -> Iterator[House]:
    """Run a hub where Checkout 2.8.0 is at 5 %, and a person has opened an incident about Checkout."""
    with house(url, folder, **site_with_gates(folder)) as made:
        made.event("rollout.progressed", exposure=5)
        made.sign_in()
        made.console("/console/open", component="checkout", name="Payments fail", note="We look into it.")
        yield made


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATE", "gate-token")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[House]:
    with complained_about(f"sqlite:///{tmp_path}/hub.db", tmp_path) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    sqlite = f"sqlite:///{tmp_path}/hub.db"
    url = sqlite if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with complained_about(url, tmp_path) as made:
        yield made


def measured(hub: House, **query: str) -> dict[str, Any]:
    asked = query or {"namespace": "payments", "name": "checkout"}
    answer = hub.web.get("/gates/complaints", query_string=asked, headers={"Authorization": "Bearer gate-token"})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json or {}
    assert set(found) == {"complaints", "rollback_requests", "healthy", "since", "reason"}
    return found


def complains(hub: House, name: str, address: str, **more: str) -> str:
    """Write on the incident from a network address; return the private link that was mailed."""
    fields = {"words": "My payment fails.", "name": name, "email": f"{name}@customer.example", **more}
    answer = hub.web.post(f"/incidents/{hub.incident()}/threads", data=fields, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == 200
    hub.parts.worker.drain()
    text = "\n".join(hub.heard())
    (link,) = {str(found) for found in re.findall(r"http://hub\.example(/threads/[\w.]+)", _mailed(hub, name))}
    assert link not in answer.text
    assert "They want the change rolled back." in text or "rollback" not in more
    return link


def _mailed(hub: House, name: str) -> str:
    for body in reversed(hub.sendgrid.messages):
        if body["personalizations"][0]["to"][0]["email"] == f"{name}@customer.example":
            return str(next(part["value"] for part in body["content"] if part["type"] == "text/plain"))
    return ""


def counts(hub: House) -> tuple[int, int]:
    found = measured(hub)
    return found["complaints"], found["rollback_requests"]


def test_a_customer_counts_once_they_say_that_the_address_is_theirs(either: House) -> None:
    hub = either
    assert measured(hub) == {
        "complaints": 0,
        "rollback_requests": 0,
        "healthy": True,
        "since": "2026-03-02T14:01:00+00:00",
        "reason": "Healthy means complaints at most 2, requests at most 1.",
    }
    link = complains(hub, "ana", "192.0.2.7", rollback="yes")
    assert counts(hub) == (0, 0)
    for _ in range(3):  # a mail scanner opens every link
        shown = hub.web.get(link).text
    assert counts(hub) == (0, 0)
    assert "Yes, it is mine" in shown
    assert hub.web.post(f"{link}/confirm").status_code == 303
    assert counts(hub) == (1, 1)
    shown = hub.web.get(link).text
    assert "Yes, it is mine" not in shown
    assert "your voice counts" in shown


def test_the_link_that_the_browser_shows_confirms_nothing(hub: House) -> None:
    mailed = complains(hub, "ana", "192.0.2.7")
    answer = hub.answer(hub.incident(), words="It fails.", email="victim@customer.example")
    shown = re.search(r"/threads/[\w.]+", answer.text)
    assert shown
    assert "Yes, it is mine" not in hub.web.get(shown[0]).text
    assert hub.web.post(f"{shown[0]}/confirm").status_code == 404
    assert hub.web.post(shown[0], data={"words": "more"}).status_code == 303
    assert counts(hub) == (0, 0)
    assert hub.web.post(mailed, data={"words": "It still fails."}).status_code == 303
    assert counts(hub) == (1, 0)


def test_staff_may_know_a_customer(hub: House) -> None:
    complains(hub, "ana", "192.0.2.7")
    with hub.parts.hub.database.reading() as session:
        (thread,) = session.execute(select(col(Thread.public_id))).scalars()
    path = f"/console/threads/{thread}"
    shown = hub.console(f"{path}/confirm", path).text
    assert "Mira knows them to be real." in shown
    assert "I know this customer is real" not in shown
    assert counts(hub) == (1, 0)
    assert ("Mira", "confirm", "") in acts(hub)
    assert "Mira has confirmed this customer already." in hub.console(f"{path}/confirm", path).text


def test_a_crowd_from_one_network_counts_as_few(either: House) -> None:
    hub = either
    for number in range(4):
        hub.web.post(f"{complains(hub, f'robot{number}', f'192.0.2.{number}', rollback='yes')}/confirm")
    assert counts(hub) == (2, 2)
    assert measured(hub)["healthy"] is False
    hub.web.post(f"{complains(hub, 'ana', '198.51.100.7')}/confirm")
    assert counts(hub) == (3, 2)
    with hub.parts.hub.database.reading() as session:
        networks = session.execute(select(col(Thread.network))).scalars().all()
    assert len(set(networks)) == 2
    assert not any("192" in (network or "") for network in networks)


def test_one_customer_with_many_threads_counts_once(hub: House) -> None:
    for address in ("192.0.2.7", "198.51.100.7", "203.0.113.7"):
        hub.web.post(f"{complains(hub, 'ana', address)}/confirm")
    assert counts(hub) == (1, 0)


def test_a_step_begins_the_count_anew(hub: House) -> None:
    hub.web.post(f"{complains(hub, 'ana', '192.0.2.7')}/confirm")
    hub.event("rollout.progressed", exposure=20)
    found = measured(hub)
    assert (found["complaints"], found["since"]) == (0, "2026-03-02T14:02:00+00:00")
    hub.web.post(f"{complains(hub, 'ben', '192.0.2.8')}/confirm")
    assert counts(hub) == (1, 0)


def test_complaints_about_what_was_before_are_not_the_rollouts(hub: House) -> None:
    hub.event("rollout.completed")
    hub.event("rollout.progressed", exposure=5, to_version="2.9.0")
    hub.web.post(f"{complains(hub, 'ana', '192.0.2.7')}/confirm")
    assert counts(hub) == (0, 0)


def test_a_persons_word_makes_it_unhealthy(hub: House) -> None:
    (rollout,) = re.findall(r"/console/rollouts/\w+", hub.web.get("/console/rollouts").text)
    shown = hub.console(f"{rollout}/rollback", rollout, why="Payments fail.").text
    assert "Mira asked generic to roll back" in shown
    found = measured(hub)
    assert (found["healthy"], found["reason"]) == (False, "Mira asked for a rollback in the console.")


def test_it_never_fails_and_never_blames_where_nothing_is_known(either: House) -> None:
    hub = either
    asked = {"name": "search"}
    assert measured(hub, **asked) | {"reason": ""} == {
        "complaints": 0, "rollback_requests": 0, "healthy": True, "since": None, "reason": "",
    }  # fmt: skip
    hub.event("rollout.progressed", exposure=5, environment="staging")
    several = measured(hub, name="checkout")
    assert several["reason"].startswith("Rollouts of checkout are under way in several environments.")
    assert measured(hub, component="checkout", environment="production")["since"]
    body = {"namespace": "payments", "name": "checkout", "environment": "production"}
    assert hub.ask("complaints", body).json == measured(hub, **body)
    breaks_down(hub)
    found = measured(hub)
    assert (found["healthy"], found["reason"]) == (
        True,
        "The hub cannot count right now. That is no reason to go back.",
    )


def test_the_wish_can_be_told_only_where_there_is_a_change(hub: House) -> None:
    first = hub.incident()
    assert "I want this change rolled back" in hub.page(f"/incidents/{first}")
    hub.console("/console/open", component="search", name="Search is slow", note="We look into it.")
    other = next(found["id"] for found in hub.summary()["incidents"] if found["name"] == "Search is slow")
    assert "I want this change rolled back" not in hub.page(f"/incidents/{other}")
    hub.event("rollback.started", evidence="failed_analysis")
    going_back = next(found["id"] for found in hub.summary()["incidents"] if found["id"] not in {first, other})
    assert "I want this change rolled back" not in hub.page(f"/incidents/{going_back}")
