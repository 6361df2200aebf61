"""What is no history goes after its period, a little at a time; what is history stays."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

from tests.e2e.house import House, house, site_with
from tests.e2e.test_history import ended
from tests.e2e.test_publicity import canary
from tests.services.office import message
from trusthub.services import tidying
from trusthub.services.tidying import BATCH, Tidying
from trusthub.settings import packaged
from trusthub.store import outbox
from trusthub.store.tables import Attempt, Delivery, Event, Incident, Recipient, Sandbox, Seen, Update

GROWS = (Event, Seen, Delivery, Attempt, Recipient, Sandbox)


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[House]:
    with house(database_url, tmp_path) as made:
        yield made


def count(hub: House, *tables: type[Any]) -> list[int]:
    with hub.parts.hub.database.reading() as session:
        return [session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables]


def tidy(hub: House, **by: float) -> int:
    """Let time pass, and the worker do its rounds until it rests; return how many it took."""
    rounds, worker = 0, Tidying(hub.parts.hub)
    now = hub.clock.forward(**by)
    while worker._next <= now:
        worker.watch(now)
        rounds += 1
    return rounds


def test_what_grows_goes_and_history_stays(hub: House) -> None:
    incident = ended(hub)
    with hub.parts.hub.database.transaction() as session:
        session.add(Sandbox(kind="kept", at=hub.clock()))
    before, history = count(hub, *GROWS), count(hub, Incident, Update)
    assert min(before) > 0
    page = hub.page(f"/incidents/{incident}")
    tidy(hub, days=6)
    assert count(hub, *GROWS) == before
    tidy(hub, days=29)
    assert count(hub, *GROWS) == [before[0], 0, *before[2:5], 0]
    tidy(hub, days=60)
    assert count(hub, *GROWS) == [0, 0, *before[2:5], 0]
    tidy(hub, days=90)
    assert count(hub, *GROWS) == [0] * len(GROWS)
    assert count(hub, Incident, Update) == history
    assert hub.page(f"/incidents/{incident}") == page
    hub.event("rollout.planned", to_version="3.0.0")  # and it goes on
    assert count(hub, Event) == [1]
    hub.keep_house()


def test_what_is_not_over_is_kept(hub: House) -> None:
    canary(hub)
    hub.event("rollback.started", evidence="failed_analysis")
    assert hub.incident()
    with hub.parts.hub.database.transaction() as session:
        outbox.enqueue(session, [message(hub.clock(), "slack:#elsewhere", 1)], hub.clock())
        session.add(
            Event(connection="generic", source="generic", received_at=hub.clock(), body=b"{}", state="received")
        )
        told = session.execute(
            sa.select(sa.func.count()).select_from(Delivery).where(sa.column("incident_id").is_not(None))
        ).scalar_one()
    tidy(hub, days=999)
    with hub.parts.hub.database.reading() as session:
        states = [row.state for row in session.execute(sa.select(Event)).scalars()]
        kept = session.execute(sa.select(Delivery)).scalars().all()
    assert states == ["received"]
    assert {row.lane for row in kept if row.incident_id is None} == {"slack:#elsewhere"}
    assert sum(row.incident_id is not None for row in kept) == told > 0


def test_what_is_on_legal_hold_is_kept(hub: House) -> None:
    incident = ended(hub)
    with hub.parts.hub.database.transaction() as session:
        session.execute(sa.update(Incident).where(col(Incident.public_id) == incident).values(legal_hold_by="Lena"))
    mine = sa.select(sa.func.count()).where(col(Delivery.incident_id).is_not(None))
    with hub.parts.hub.database.reading() as session:
        before, events = session.execute(mine).scalar_one(), count(hub, Event)
    tidy(hub, days=999)
    with hub.parts.hub.database.reading() as session:
        assert session.execute(mine).scalar_one() == before > 0
    assert count(hub, Event) == events


def test_many_rows_go_in_small_batches(hub: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidying, "BATCH", 10)
    assert BATCH <= 500
    with hub.parts.hub.database.transaction() as session:
        sent = message(hub.clock(), "email:list/0", 1, state="done")
        session.add(sent)
        session.flush()
        session.add_all(Recipient(delivery_id=sent.id, address=f"{each}@customer.example") for each in range(35))
        session.add_all(Sandbox(kind="kept", at=hub.clock()) for _ in range(35))
        session.add_all(Seen(connection="generic", key=str(each), event_id=1, at=hub.clock()) for each in range(35))
    assert tidy(hub, days=200) >= 4
    assert count(hub, Recipient, Sandbox, Seen, Delivery) == [0, 0, 0, 0]
    assert tidy(hub, minutes=1) == 1


def test_a_full_look_costs_little_when_nothing_is_old(hub: House) -> None:
    with hub.parts.hub.database.transaction() as session:
        session.add_all(Sandbox(kind="kept", at=hub.clock()) for _ in range(5))
    worker = Tidying(hub.parts.hub)
    worker.watch(hub.clock())
    assert worker._next == hub.clock() + timedelta(hours=1)
    assert count(hub, Sandbox) == [5]


def test_the_site_says_how_long(database_url: str, tmp_path: Path) -> None:
    site = site_with(tmp_path, publishing="auto\nretention: {sandbox: forever, seen: 2d}")
    with house(database_url, tmp_path, site=site, playbooks_dir=packaged("playbooks")) as hub:
        ended(hub)
        with hub.parts.hub.database.transaction() as session:
            session.add(Sandbox(kind="kept", at=hub.clock()))
        tidy(hub, days=3)
        assert count(hub, Seen, Sandbox) == [0, 1]
        tidy(hub, days=9999)
        assert count(hub, Sandbox) == [1]
