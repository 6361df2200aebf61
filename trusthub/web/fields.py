"""Reading the fields of console forms. What a person wrote wrongly is a StaffError that says how to write it."""

import re
from datetime import UTC, datetime, timedelta

from flask import request

from trusthub.domain.incident import Impact
from trusthub.services.acts import StaffError


def text(name: str) -> str:
    """Return what was written, without the space around it."""
    return str(request.form.get(name, "")).strip()


def required(name: str, words: str) -> str:
    """Return what was written; `words` say what is missing."""
    value = text(name)
    if not value:
        raise StaffError(f"Please write {words}.")
    return value


def number(name: str, of: str = "requests") -> int | None:
    """Return a whole number of something, or None when nothing was written."""
    value = text(name).replace(",", "")
    if value and not re.fullmatch(r"[0-9]{1,12}", value):
        raise StaffError(f"{value!r} is not a number of {of}.")
    return int(value) if value else None


def percent(name: str) -> float | None:
    """Return a share in percent (0-100), or None when nothing was written."""
    value = text(name).removesuffix("%").strip().replace(",", ".")
    if value and not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?", value):
        raise StaffError(f"{value!r} is not a share in percent. Write a number such as 3.2.")
    return float(value) if value else None


def moment(name: str) -> datetime | None:
    """Return a date and time, which are meant as UTC, or None when nothing was written."""
    value = text(name)
    try:
        return datetime.fromisoformat(value).replace(tzinfo=UTC) if value else None
    except ValueError as error:
        raise StaffError(f"{value!r} is not a time. Write it like 2026-11-22 14:02.") from error


def next_clock(name: str, now: datetime) -> datetime | None:
    """Return the next time (UTC) at which a clock shows what was written, or None when nothing was written."""
    return at_clock(text(name), now)


def at_clock(value: str, now: datetime) -> datetime | None:
    """Return the next time (UTC) at which a clock shows `value`, such as 14:30; None for an empty one."""
    if value and not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise StaffError(f"{value!r} is not a time. Write it like 14:30.")
    if not value:
        return None
    hour, minute = map(int, value.split(":"))
    at = now.astimezone(UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
    return at if at > now else at + timedelta(days=1)


def impact(name: str) -> Impact | None:
    """Return an impact, or None when nothing was chosen."""
    value = text(name)
    try:
        return Impact(value) if value else None
    except ValueError as error:
        raise StaffError("Choose an impact.") from error
