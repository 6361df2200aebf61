"""Timers fire once, however many workers look, and one that fails holds up no other."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
import sqlalchemy as sa
from sqlmodel import col

from tests.e2e.house import House, house
from tests.e2e.test_publicity import canary, rolled_back
from trusthub.domain.message import Moment
from trusthub.services import timers
from trusthub.store.tables import Delivery, Promise, Timer


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[House]:
    """A public incident with promises, of which all are overdue."""
    with house(database_url, tmp_path) as made:
        canary(made)
        rolled_back(made)
        made.clock.forward(minutes=40)
        yield made


def fire(hub: House) -> int:
    return timers.fire(hub.parts.hub, hub.clock())


def missed(hub: House) -> list[str]:
    with hub.parts.hub.database.reading() as session:
        rows = session.execute(sa.select(col(Promise.kind)).where(col(Promise.standing) == "missed"))
        return sorted(rows.scalars())


def due(hub: House) -> int:
    with hub.parts.hub.database.reading() as session:
        waits = sa.select(sa.func.count()).where(col(Timer.state) == "pending", col(Timer.due) <= hub.clock())
        return int(session.execute(waits).scalar_one())


def test_several_workers_fire_each_timer_once(hub: House) -> None:
    together, workers = due(hub), 4
    begin = threading.Barrier(workers)

    def look() -> int:
        begin.wait()
        return sum(iter(lambda: fire(hub), 0))

    with ThreadPoolExecutor(workers) as pool:
        fired = [future.result(60) for future in [pool.submit(look) for _ in range(workers)]]
    assert sum(fired) == together >= 2
    assert missed(hub) == ["next_update", "recovery"]
    assert fire(hub) == 0


@pytest.mark.parametrize(
    ("minutes", "moment"), [(20, Moment.PROMISE_DUE_SOON), (30, Moment.PROMISE_HOLDING)], ids=["reminder", "holding"]
)
def test_two_workers_remind_and_hold_once(database_url: str, tmp_path: Path, minutes: int, moment: Moment) -> None:
    with house(database_url, tmp_path) as hub:
        hub.sign_in()
        hub.console("/console/open", component="checkout", name="Payments fail", note="We look at each payment.")
        hub.clock.forward(minutes=minutes)
        begin = threading.Barrier(2)

        def look() -> int:
            begin.wait()
            return sum(iter(lambda: fire(hub), 0))

        with ThreadPoolExecutor(2) as pool:
            fired = [future.result(60) for future in [pool.submit(look) for _ in range(2)]]
        with hub.parts.hub.database.reading() as session:
            sent = session.execute(sa.select(Delivery).where(col(Delivery.moment) == moment)).scalars().all()
        assert sum(fired) >= 1
        posted = Counter(delivery.lane for delivery in sent if not delivery.payload.get("edit"))
        assert set(posted.values()) == {1}
        assert due(hub) == 0


def test_a_timer_that_fails_is_tried_again_and_the_others_fire(hub: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub.parts.hub.database.transaction() as session:
        (first, *_) = session.execute(sa.select(Timer).order_by(col(Timer.due))).scalars()
        first.kind = "broken"
    together = due(hub)

    def crash(*_: object) -> NoReturn:
        raise KeyError("a bug")

    monkeypatch.setitem(timers._FIRE, "broken", crash)
    assert fire(hub) == together >= 2
    assert fire(hub) == 0
    monkeypatch.setitem(timers._FIRE, "broken", lambda *_: None)
    hub.clock.now += timedelta(minutes=1)
    assert fire(hub) == 1
