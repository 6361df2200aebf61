"""What templates may do to words. A value that passes no filter becomes words, which mean nothing in Markdown."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from jinja2 import Undefined
from jinja2.exceptions import FilterArgumentError


class Written(str):
    """Markdown that may stand as it is: written here by a person, or made safe."""

    __slots__ = ()


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
        message = f"cannot be written as it is: {kind(value)}"
        raise FilterArgumentError(message)
    return re.sub(r"\s+", " ", _CONTROL.sub(" ", str(value)))


def _text(value: object) -> str:
    if isinstance(value, Undefined) or not isinstance(value, str):
        message = f"needs words, and got {kind(value)}"
        raise FilterArgumentError(message)
    return _CONTROL.sub(" ", value.replace("\r\n", "\n").replace("\r", "\n"))


def kind(value: object) -> str:
    """Return what a value is, in words for the author of a template, and what to do with it."""
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
    "clause": clause,
    "length": len,
    "link": link,
    "markdown": markdown,
    "quote": quote,
    "words": words,
}
"""The filters that say the same in every language; `rendering.speech` has the others."""
