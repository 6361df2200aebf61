"""Requests that come together are kept each once, in their order."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from trusthub.store.events import Arrived, Kept, keep
from trusthub.store.session import Database
from trusthub.store.tables import Event, Seen

AT = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


def arrived(body: str, *keys: str, connection: str = "generic") -> Arrived:
    row = {
        "connection": connection,
        "source": "generic",
        "received_at": AT,
        "headers": {},
        "body": body.encode(),
        "state": "received",
        "error": "",
        "summary": "",
        "tries": 0,
    }
    return Arrived(row=row, keys=keys)


def written(database: Database, *requests: Arrived) -> list[Kept]:
    with database.transaction() as session:
        return keep(session, requests)


def bodies(database: Database) -> dict[int, str]:
    with database.reading() as session:
        return {row.id: row.body.decode() for row in session.execute(select(Event)).scalars()}


def test_what_comes_together_is_kept_in_its_order(database: Database) -> None:
    kept = written(database, arrived("a", "1"), arrived("b"), arrived("c", "2", "3"))
    assert [bodies(database)[each.id] for each in kept] == ["a", "b", "c"]
    assert [each.fresh for each in kept] == [{"1"}, set(), {"2", "3"}]
    with database.reading() as session:
        seen = {row.key: row.event_id for row in session.execute(select(Seen)).scalars()}
    assert seen == {"1": kept[0].id, "2": kept[2].id, "3": kept[2].id}


@pytest.mark.parametrize("together", [True, False])
def test_what_was_said_before_is_not_kept_again(database: Database, *, together: bool) -> None:
    first, again, more = arrived("a", "1", "2"), arrived("b", "2", "1"), arrived("c", "2", "3")
    kept = (
        written(database, first, again, more) if together else [written(database, x)[0] for x in (first, again, more)]
    )
    assert [each.fresh for each in kept] == [{"1", "2"}, set(), {"3"}]
    assert [bodies(database)[each.id] for each in kept] == ["a", "a", "c"]
    assert sorted(bodies(database).values()) == ["a", "c"]


def test_two_connections_may_use_the_same_key(database: Database) -> None:
    kept = written(database, arrived("a", "1"), arrived("b", "1", connection="other"))
    assert [each.fresh for each in kept] == [{"1"}, {"1"}]


def test_many_are_kept_at_once(database: Database) -> None:
    kept = written(database, *(arrived(str(number), f"key-{number}") for number in range(64)))
    assert [bodies(database)[each.id] for each in kept] == [str(number) for number in range(64)]
