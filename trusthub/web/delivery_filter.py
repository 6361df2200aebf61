"""What an address of the deliveries page asks for: all of it is in the query string, so that a view can be linked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

from sqlalchemy import select
from sqlmodel import col

from trusthub.channels import CHANNELS
from trusthub.domain.message import Audience
from trusthub.services import deliveries
from trusthub.services.deliveries import StaffError
from trusthub.services.hub import Hub
from trusthub.services.outgoing import MOMENTS
from trusthub.store.tables import Update
from trusthub.store.which import Standing, Which

NAMES = ("state", "channel", "to", "incident", "update", "moment", "audience", "since", "until")
_LARGEST = 2**63 - 1
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What is asked for, as words and as what they mean."""

    values: Mapping[str, str]
    """What was given, by its name in the query string."""
    which: Which
    before: int | None
    after: int

    def query(self, **more: object) -> str:
        """Return the query string of this view, or of another page of it."""
        return urlencode({**self.values} | {name: str(value) for name, value in more.items()})


def given(arguments: Mapping[str, str]) -> dict[str, str]:
    """Return the filters that a query string has, understood or not."""
    return {name: value for name in NAMES if (value := arguments.get(name, "").strip())}


def read(hub: Hub, arguments: Mapping[str, str]) -> Filter:
    """Return what the query string asks for. Raises StaffError that says which part cannot be understood."""
    values = given(arguments)
    if any("\0" in value for value in values.values()):
        raise StaffError("The address of this view has a character in it that no name has.")
    which = Which(
        standing=_one("state", values, {each.value: each for each in Standing}),
        channel=_one("channel", values, {each: each for each in CHANNELS}),
        moment=_one("moment", values, {each: each for each in MOMENTS}),
        audience=_one("audience", values, {each.value: each.value for each in Audience}),
        to=values.get("to"),
        incident_id=deliveries.incident_id(hub, values["incident"]) if "incident" in values else None,
        update_id=_update(hub, values["update"]) if "update" in values else None,
        since=_time("since", values),
        until=_time("until", values),
    )
    before = _number("before", arguments)
    return Filter(values=values, which=which, before=before, after=_number("after", arguments) or 0)


def _one(name: str, values: Mapping[str, str], known: Mapping[str, T]) -> T | None:
    value = values.get(name)
    if value is not None and value not in known:
        raise StaffError(f"There is no {name} {value!r}. There are: {', '.join(sorted(known))}.")
    return known[value] if value is not None else None


def _update(hub: Hub, public_id: str) -> int:
    with hub.database.reading() as session:
        found = session.execute(select(col(Update.id)).where(col(Update.public_id) == public_id)).scalar()
    if found is None:
        raise StaffError(f"There is no update {public_id!r}.")
    return int(found)


def _time(name: str, values: Mapping[str, str]) -> datetime | None:
    """Read a time as a browser's field writes it; it is UTC, unless it says otherwise."""
    if name not in values:
        return None
    try:
        read = datetime.fromisoformat(values[name])
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise StaffError(f"{values[name]!r} is no time. Write it like 2026-03-02T14:00.") from error


def _number(name: str, arguments: Mapping[str, str]) -> int | None:
    value = arguments.get(name, "")
    if not value:
        return None
    if not (value.isascii() and value.isdigit()) or int(value) > _LARGEST:
        raise StaffError(f"{value[:20]!r} is no number of a delivery.")
    return int(value)
