"""What templates may do to a value. One that passes no filter becomes words, which mean nothing in Markdown."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from jinja2 import Undefined
from jinja2.exceptions import FilterArgumentError

from trusthub.domain.message import listed as as_listed


class Written(str):
    """Markdown that may stand as it is: written here by a person, or made safe."""

    __slots__ = ()


# ------------------------------------------------------------------------------------------ times, always UTC


def clock(at: object, *day: object) -> str:
    """Return `14:02 UTC`. With `day` (a time, or None): with the date, unless it is that of `day`."""
    when = _utc(at)
    return f"{when:%H:%M} UTC" if not day or _same_day(when, day[0]) else moment(when)


def date(at: object) -> str:
    """Return `22 November 2026`."""
    when = _utc(at)
    return f"{when.day} {when:%B %Y}"


def moment(at: object) -> str:
    """Return `14:02 UTC on 22 November 2026`."""
    when = _utc(at)
    return f"{when:%H:%M} UTC on {date(when)}"


def period(start: object, end: object, day: object = None) -> str:
    """Return `from 14:02 to 14:09 UTC`, with the date unless it is that of `day`; with both when they differ."""
    return _range(_utc(start), _utc(end), day, ("at", "from", "to"))


def between(start: object, end: object, day: object = None) -> str:
    """Return `between 14:08 and 14:16 UTC`, dated as `period` is."""
    return _range(_utc(start), _utc(end), day, ("by", "between", "and"))


def _range(start: datetime, end: datetime, day: object, words: tuple[str, str, str]) -> str:
    at, first, then = words
    if f"{start:%F %H:%M}" == f"{end:%F %H:%M}":
        return f"{at} {clock(end, day)}"
    if start.date() != end.date():
        return f"{first} {moment(start)} {then} {moment(end)}"
    return f"{first} {start:%H:%M} {then} {clock(end, day)}"


def _same_day(when: datetime, day: object) -> bool:
    return day is not None and when.date() == _utc(day).date()


def _utc(at: object) -> datetime:
    if not isinstance(at, datetime) or at.tzinfo is None:
        message = f"needs a time with its zone, and got {_kind(at)}"
        raise FilterArgumentError(message)
    return at.astimezone(UTC)


# ------------------------------------------------------------------------------------------ numbers


def percent(value: object) -> str:
    """Return `5 %` for 5.0 and `0.1 %` for 0.1. What is above 0 never reads as 0."""
    share = _number(value)
    text = f"{share:.1f}" if share >= 1 else f"{max(share, 0.01) if share else 0:.2f}"
    return f"{text.rstrip('0').rstrip('.')} %" if "." in text else f"{text} %"


def number(value: object) -> str:
    """Return `48,200` for 48200."""
    amount = _number(value)
    return f"{amount:,.0f}" if amount == int(amount) else f"{amount:,}"


def share(value: object, whole: object) -> str:
    """Return how many `value` percent of `whole` are, rounded up: 5 percent of 48200 is `2,410`."""
    return number(math.ceil(round(_number(value) * _number(whole) / 100, 6)))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"needs a number, and got {_kind(value)}"
        raise FilterArgumentError(message)
    return value


# ------------------------------------------------------------------------------------------ words

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of text: neither belongs in words."""
_MARK = re.compile(r"[\\`*_{}\[\]()#>!]")
_ENTITY = {"&": "&amp;", "<": "&lt;", "|": "&#124;", "~": "&#126;"}
_LIST = re.compile(r"(?<![^\n])([-+.:=])|(?<![^\n])(\d+)([.)])(?=\s|$)")
_AUTOMATIC = re.compile(r"(?<=:)(?=//)|(?<=mailto:)|(?<=\w\.)(?=[^\W\d_]{2})|(?<=@)(?=\w)", re.IGNORECASE)
"""Where a mail reader or a chat would recognise an address or a mention by itself."""
_BREAK = "\u200b"
"""A space without width."""
_ADDRESS = re.compile(r"(?:https?://|mailto:)\S+", re.IGNORECASE)
_MAILBOX = re.compile(r"[^\s@:]+@[^\s@:]+")
_UNSAFE_IN_ADDRESS = re.compile(r"[\s<>\"'`\\()\[\]|*_]")


def words(text: object) -> Written:
    """Return untrusted text, line by line, so that no part of it is a link, a heading, a list, a mention or HTML."""
    return Written("\n\n".join("  \n".join(_lines(part)) for part in re.split(r"\n\s*\n", _text(text).strip())))


def quote(text: object) -> Written:
    """Return a stranger's words as a quotation in which even a mail reader that looks for links finds none.

    Words that are already safe (`reason | words | quote`) are quoted as they are, so that they can be copied.
    """
    safe = text if isinstance(text, Written) else words(_AUTOMATIC.sub(_BREAK, _text(text)))
    return Written("\n".join(f"> {line}" if line else ">" for line in safe.split("\n")))


def markdown(text: object) -> Written:
    """Return what a person who works here wrote: Markdown, in which a new line is a new line."""
    return Written(re.sub(r"(?<=\S)[ \t]*\n(?=\S)", "  \n", _text(text).strip()))


def link(url: object, label: object) -> Written:
    """Return a Markdown link. What is no web or mail address becomes words."""
    address = _text(url).strip()
    if _MAILBOX.fullmatch(address):
        address = f"mailto:{address}"
    if not _ADDRESS.fullmatch(address):
        return words(f"{label} ({address})")
    return Written(f"[{plain(label)}](<{_UNSAFE_IN_ADDRESS.sub(lambda found: f'%{ord(found[0]):02X}', address)}>)")


def listed(names: object) -> str:
    """Return names as a sentence has them: `Checkout, Search and Sign-in`."""
    if not isinstance(names, list | tuple):
        message = f"listed needs a list, and this is {_kind(names)}."
        raise FilterArgumentError(message)
    return as_listed([_one_line(name) for name in names])


def clause(text: object) -> str:
    """Return a sentence as a part of another: in one line, without its full stop."""
    return " ".join(_text(text).split()).rstrip(".")


def plain(value: object) -> str:
    """Return what `{{ value }}` writes into a body: one line of words. What is no word or number is a mistake."""
    if isinstance(value, Written):
        return value
    text = _one_line(value)
    return Written(" " * text.startswith(" ") + "".join(_lines(text)) + " " * (text.endswith(" ") and text != " "))


def single_line(value: object) -> str:
    """Return what `{{ value }}` writes into a subject, which is no Markdown."""
    return _one_line(value)


def _lines(text: str) -> list[str]:
    marked = _MARK.sub(r"\\\g<0>", text)
    safe = re.sub(r"[&<|~]", lambda found: _ENTITY[found[0]], marked)
    return [_LIST.sub(_not_a_list, line.strip()) for line in safe.splitlines() if line.strip()]


def _not_a_list(found: re.Match[str]) -> str:
    return f"{found[2]}\\{found[3]}" if found[2] else f"&#{ord(found[1])};"


def _one_line(value: object) -> str:
    if isinstance(value, Undefined):
        return str(value)  # raises, and says which name it is
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        message = f"cannot be written as it is: {_kind(value)}"
        raise FilterArgumentError(message)
    return re.sub(r"\s+", " ", _CONTROL.sub(" ", str(value)))


def _text(value: object) -> str:
    if isinstance(value, Undefined) or not isinstance(value, str):
        message = f"needs words, and got {_kind(value)}"
        raise FilterArgumentError(message)
    return _CONTROL.sub(" ", value.replace("\r\n", "\n").replace("\r", "\n"))


def _kind(value: object) -> str:
    kinds: Mapping[type, str] = {
        type(None): "nothing, because this fact may be unknown: ask {% if ... %} first",
        datetime: "a time: use the filter clock or moment",
        bool: "yes or no: use {% if ... %}",
        tuple: "a list: use {% for ... %}",
        list: "a list: use {% for ... %}",
        str: "words",
        int: "a number",
        float: "a number",
    }
    return kinds.get(type(value), f"a {type(value).__name__}")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "between": between,
    "clause": clause,
    "clock": clock,
    "date": date,
    "length": len,
    "link": link,
    "listed": listed,
    "markdown": markdown,
    "moment": moment,
    "number": number,
    "percent": percent,
    "period": period,
    "quote": quote,
    "share": share,
    "words": words,
}
"""Every filter that a message may use."""
