"""The list of subscribers, for its owner: taken in from a file, shown, and one taken out."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from trusthub.errors import PayloadError
from trusthub.services.cases import the_page
from trusthub.services.feedback import is_address
from trusthub.services.hub import Hub
from trusthub.services.subscribe import Wish
from trusthub.store.tables import Component, Recipient, Subscriber, SubscriberComponent
from trusthub.store.types import public_id

_CHUNK = 1000
"""Rows that are held in memory at a time."""
_COLUMNS = ("address", "components", "locale", "zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an import did."""

    read: int
    new: int
    stopped: int
    """Who had stopped mail, and stays without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One line of the list."""

    address: str
    components: tuple[str, ...]
    state: str


def take(hub: Hub, file: Path, now: datetime) -> Taken:
    """Take the subscribers of a CSV file over, as confirmed: who brings the list answers for it.

    Raises PayloadError with the line of the first mistake, and takes nothing then. Known subscribers get the
    components, locale and zone of the file; who had stopped mail stays without.
    """
    for _ in _read(hub, file):
        pass
    with hub.database.transaction() as session:
        page, before = the_page(session, hub).id, _count(session)
        stopped = read = 0
        wishes = _read(hub, file)
        while chunk := list(islice(wishes, _CHUNK)):
            read += len(chunk)
            stopped += _put(session, page, chunk, now)
        return Taken(read=read, new=_count(session) - before, stopped=stopped)


def everybody(session: Session) -> Iterator[Listed]:
    """Yield the subscribers in the order in which they came."""
    mine = col(SubscriberComponent.subscriber_id) == col(Subscriber.id)
    chosen = select(Subscriber, col(Component.key)).outerjoin(SubscriberComponent, mine)
    chosen = chosen.outerjoin(Component, col(Component.id) == col(SubscriberComponent.component_id))
    rows = session.execute(chosen.order_by(col(Subscriber.id), col(Component.key)).execution_options(yield_per=_CHUNK))
    last: Subscriber | None = None
    keys: list[str] = []
    for subscriber, key in rows:
        if last is not None and subscriber.id != last.id:
            yield Listed(address=last.address, components=tuple(keys), state=_state(last))
            keys = []
        last, keys = subscriber, [*keys, *([key] if key else [])]
    if last is not None:
        yield Listed(address=last.address, components=tuple(keys), state=_state(last))


def remove(hub: Hub, address: str) -> bool:
    """Forget a subscriber: the row, and the address in what was sent. Return whether there was one."""
    with hub.database.transaction() as session:
        found = select(col(Subscriber.id)).where(col(Subscriber.address) == address.lower())
        ids = list(session.execute(found).scalars())
        mail = update(Recipient).where(col(Recipient.subscriber_id).in_(ids))
        session.execute(mail.values(subscriber_id=None, address=""))
        session.execute(delete(SubscriberComponent).where(col(SubscriberComponent.subscriber_id).in_(ids)))
        session.execute(delete(Subscriber).where(col(Subscriber.id).in_(ids)))
    return bool(ids)


def _state(subscriber: Subscriber) -> str:
    return "stopped" if subscriber.stopped_at else "hears" if subscriber.confirmed_at else "not confirmed"


def _count(session: Session) -> int:
    return session.execute(select(func.count()).select_from(Subscriber)).scalar() or 0


def _put(session: Session, page_id: int, wishes: Sequence[Wish], now: datetime) -> int:
    """Insert or change one chunk with a few statements; return how many of it have stopped mail."""
    upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = upsert(Subscriber)
    row = row.on_conflict_do_update(
        index_elements=["page_id", "channel", "address", "about"],
        set_={
            "locale": row.excluded.locale,
            "zone": row.excluded.zone,
            "confirmed_at": func.coalesce(col(Subscriber.confirmed_at), row.excluded.confirmed_at),
        },
    )
    fixed = {
        "page_id": page_id,
        "channel": "email",
        "about": "",
        "link_version": 1,
        "confirmed_at": now,
        "created_at": now,
    }
    rows = {
        wish.address: {"address": wish.address, "public_id": public_id(), "locale": wish.locale, "zone": wish.zone}
        for wish in wishes
    }
    connection = session.connection()
    connection.execute(row, [{**fixed, **each} for each in rows.values()])
    mine = select(col(Subscriber.id)).where(col(Subscriber.page_id) == page_id, col(Subscriber.address).in_(list(rows)))
    connection.execute(delete(SubscriberComponent).where(col(SubscriberComponent.subscriber_id).in_(mine)))
    chosen = [{"who": w.address, "what": key} for w in {w.address: w for w in wishes}.values() for key in w.components]
    if chosen:
        pair = select(col(Subscriber.id), col(Component.id)).join(Component, col(Component.key) == bindparam("what"))
        pair = pair.where(
            col(Subscriber.page_id) == page_id,
            col(Subscriber.address) == bindparam("who"),
        )
        into = insert(SubscriberComponent).from_select(["subscriber_id", "component_id"], pair)
        connection.execute(into, chosen)
    stopped = mine.where(col(Subscriber.stopped_at).is_not(None))
    return session.execute(select(func.count()).select_from(stopped.subquery())).scalar() or 0


def _read(hub: Hub, file: Path) -> Iterator[Wish]:
    known = {component.id for component in hub.configuration.site.components}
    with file.open(encoding="utf-8-sig", newline="") as text:
        try:
            yield from _wishes(csv.DictReader(text), known, file)
        except UnicodeDecodeError as error:
            raise PayloadError(f"{file} is not UTF-8. Save it as UTF-8.") from error
        except csv.Error as error:
            raise PayloadError(f"{file} is not CSV: {error}.") from error


def _wishes(rows: "csv.DictReader[str]", known: set[str], file: Path) -> Iterator[Wish]:
    names = rows.fieldnames or ()
    if "address" not in names or (odd := set(names) - set(_COLUMNS)):
        wrong = f"has no column {min(odd)!r} here" if "address" in names else "needs the column 'address'"
        raise PayloadError(f"{file}:1: {wrong}. The first line names the columns: {', '.join(_COLUMNS)}.")
    for row in rows:
        try:
            yield _wish(row, known)
        except ValueError as error:
            raise PayloadError(f"{file}:{rows.line_num}: {error}") from error


def _wish(row: dict[str, str], known: Iterable[str]) -> Wish:
    """Read one row. Raises ValueError with reason and cure."""
    if None in row:
        raise ValueError("has more fields than the first line. Put quotes around a field with commas.")
    given = {name: (value or "").strip() for name, value in row.items()}
    if not is_address(given["address"]):
        raise ValueError(f"{given['address']!r} is not a mail address. Correct or remove the line.")
    components = frozenset(given.get("components", "").split())
    if odd := sorted(components - set(known)):
        raise ValueError(f"site.yaml has no component {odd[0]!r}. There are: {', '.join(sorted(known))}.")
    zone = given.get("zone") or "UTC"
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{zone!r} is not a time zone. Write an IANA name such as Europe/Berlin.") from error
    locale = given.get("locale") or "en"
    return Wish(address=given["address"].lower(), components=components, locale=locale, zone=zone)
