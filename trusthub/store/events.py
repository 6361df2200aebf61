"""Requests kept as they came, each once: any number of them in three statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, tuple_
from sqlmodel import Session, col

from trusthub.store.tables import Event, Seen

# Not as objects of the session: keeping count of one costs as much as the insert.
_EVENT, _SEEN = Event.__table__, Seen.__table__  # type: ignore[attr-defined]
_INSERT = insert(_EVENT).returning(_EVENT.c.id, sort_by_parameter_order=True)
_REMEMBER = insert(_SEEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A request, and the duplicate keys of what it says; none when it says nothing that could be repeated."""

    row: Mapping[str, Any]
    """Columns of the event."""
    keys: Sequence[str] = ()

    @property
    def names(self) -> list[tuple[str, str]]:
        """The keys with their connection: two connections may use the same."""
        return [(self.row["connection"], key) for key in self.keys]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Where a request is kept: as a row of its own, or as the first that said the same."""

    id: int
    fresh: frozenset[str] = frozenset()
    """The keys that were not seen before."""


def keep(session: Session, arrived: Sequence[Arrived]) -> list[Kept]:
    """Keep requests in the order in which they came, each unless all it says was said before.

    Raises IntegrityError when another process keeps the same at the same moment.
    """
    seen = _seen(session, [name for each in arrived for name in each.names])
    first: dict[tuple[str, str], int] = {}
    for number, each in enumerate(arrived):
        for name in each.names:
            if name not in seen:
                first.setdefault(name, number)
    brought = set(first.values())
    new = [number for number, each in enumerate(arrived) if number in brought or not each.keys]
    ids = dict(zip(new, _insert(session, [arrived[number].row for number in new]), strict=True))
    _remember(session, arrived, first, ids)
    seen |= {name: ids[number] for name, number in first.items()}
    return [
        Kept(
            id=ids[number] if number in ids else min(seen[name] for name in each.names),
            fresh=frozenset(name[1] for name in each.names if first.get(name) == number),
        )
        for number, each in enumerate(arrived)
    ]


def _seen(session: Session, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    if not names:
        return {}
    known = tuple_(col(Seen.connection), col(Seen.key)).in_(names)
    rows = session.execute(select(col(Seen.connection), col(Seen.key), col(Seen.event_id)).where(known)).all()
    return {(connection, key): event_id for connection, key, event_id in rows}


def _insert(session: Session, rows: Sequence[Mapping[str, Any]]) -> Sequence[int]:
    return session.connection().execute(_INSERT, rows).scalars().all() if rows else ()


def _remember(
    session: Session, arrived: Sequence[Arrived], first: Mapping[tuple[str, str], int], ids: Mapping[int, int]
) -> None:
    rows = [
        {"connection": connection, "key": key, "event_id": ids[number], "at": arrived[number].row["received_at"]}
        for (connection, key), number in first.items()
    ]
    if rows:
        session.connection().execute(_REMEMBER, rows)
