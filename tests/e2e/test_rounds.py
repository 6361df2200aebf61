"""What goes to every open thread of an incident goes a few at a time, and holds up nothing else."""

from pathlib import Path

import pytest
from sqlalchemy import func, insert, select
from sqlmodel import col

from tests.e2e.house import House, house
from tests.e2e.test_feedback import link
from tests.e2e.test_publicity import canary, rolled_back
from trusthub.domain.message import FACTS
from trusthub.services import rounds
from trusthub.store.tables import Person, Thread, ThreadMessage, ThreadRound

MANY, WITH_ADDRESS = 1000, 20


def closed(hub: House) -> int:
    with hub.parts.hub.database.reading() as session:
        found = select(func.count()).select_from(Thread).where(col(Thread.state) == "closed")
        return int(session.execute(found).scalar_one())


def crowd(hub: House, count: int) -> None:
    """Let many customers have written, of whom each twentieth left an address."""
    with hub.parts.hub.database.transaction(quiet=True) as session:
        pattern = session.execute(select(Thread)).scalars().one()
        like, at = pattern.model_dump(exclude={"id"}), hub.clock.now
        numbers = range(2, count + 1)
        people = [
            {"id": n, "email": f"c{n}@customer.example" if n % WITH_ADDRESS == 0 else None, "created_at": at}
            for n in numbers
        ]
        session.execute(insert(Person), people)
        session.execute(insert(Thread), [{**like, "id": n, "person_id": n, "public_id": f"t{n:011}"} for n in numbers])


def test_a_thousand_closing_messages_let_others_through(tmp_path: Path) -> None:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path) as hub:
        canary(hub)
        rolled_back(hub)
        incident = hub.incident()
        hub.answer(incident, words="It fails.", name="Ana")
        crowd(hub, MANY)
        hub.sign_in()
        hub.heard()
        hub.console(f"/console/incidents/{incident}/resolve", f"/console/incidents/{incident}", note="We keep 2.7.4.")
        assert closed(hub) == rounds.BATCH  # and the person who resolved it waited for no more than that
        hub.tick(seconds=1)
        assert closed(hub) == 2 * rounds.BATCH
        hub.event("rollout.started", to_version="2.9.0")
        assert any("2.9.0" in each for each in hub.heard())
        assert closed(hub) < MANY / 2
        while closed(hub) < MANY:
            before = closed(hub)
            hub.tick(seconds=1)
            assert before < closed(hub) <= before + rounds.BATCH
        personal = [each for each in hub.sendgrid.messages if "@customer.example" in str(each)]
        assert len(personal) == MANY // WITH_ADDRESS
        with hub.parts.hub.database.reading() as session:
            assert session.execute(select(ThreadRound)).first() is None
            told = select(func.count(func.distinct(col(ThreadMessage.thread_id)))).where(col(ThreadMessage.by) == "hub")
            assert session.execute(told).scalar_one() == MANY


def test_who_writes_before_their_turn_is_not_closed(hub: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "BATCH", 1)
    canary(hub)
    rolled_back(hub)
    incident = hub.incident()
    first, second = (link(hub.answer(incident, words="It fails.", name=name).text) for name in ("Ana", "Bo"))
    hub.sign_in()
    hub.clock.forward(seconds=1)
    hub.console(f"/console/incidents/{incident}/resolve", f"/console/incidents/{incident}", note="We keep 2.7.4.")
    hub.clock.forward(seconds=1)
    hub.web.post(second, data={"words": "It fails again."})
    hub.tick(seconds=1)
    hub.tick(seconds=1)
    assert "Is it fixed for you?" in hub.web.get(first).text
    assert "Is it fixed for you?" not in hub.web.get(second).text


@pytest.mark.parametrize("name", [name for name, fact in FACTS.items() if fact.public])
def test_every_public_fact_can_wait(name: str) -> None:
    sample = FACTS[name].sample
    kept = rounds.unpack(rounds.pack(sample))
    assert kept == (tuple(sample) if isinstance(sample, list) else sample)
