"""The `trusthub lint` command: are these words fit to be sent? It needs no settings, no database and no network."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any

import click

from trusthub import packaged

if TYPE_CHECKING:
    from trusthub.domain.wording import Linter, Verdict

_BAD_INPUT = 2
_REQUIRED = ("id", "text")
_KEYS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "id": ((str, int), "text or a number"),
    "text": ((str,), "text"),
    "state": ((str,), "text"),
    "locale": ((str,), "text"),
    "facts": ((dict,), "an object"),
}
_FORM = 'Write {"id": ..., "text": ...}.'


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option(
    "--format", "form", default="text", show_default=True, type=click.Choice(["text", "jsonl", "github"]),
    help="jsonl also reads it: one object {id, text, state, locale, facts} in each line.",
)  # fmt: skip
@click.option("--state", help="The incident's: investigating, identified, monitoring, resolved, postmortem, scheduled.")
@click.option("--locale", default="en", show_default=True, help="The language of the text.")
def lint(files: tuple[str, ...], *, form: str, state: str | None, locale: str) -> None:
    """Check the words of messages. FILE is text or Markdown; without one, or with -, standard input is read.

    Exits with 0 when nothing is wrong that blocks sending, 1 when something is, and 2 when a text could not be checked.
    """
    from trusthub.services import wording

    linter = wording.load(Path(os.environ.get("TRUSTHUB_TEMPLATES_DIR") or packaged("templates")))
    status = 0
    for name in files or ("-",):
        check = _lines if form == "jsonl" else _text
        status = max(status, *check(linter, name, {"state": state, "locale": locale}, form), 0)
    sys.exit(status)


def _text(linter: "Linter", name: str, given: dict[str, Any], form: str) -> Iterator[int]:
    """Check a file as one text; yield the exit status."""
    try:
        text = _read(name)
    except (OSError, UnicodeDecodeError) as error:
        reason = "not UTF-8. Save it as UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        yield _bad(f"{name}: {reason}.")
        return
    verdict = linter.check(text, state=given["state"], locale=given["locale"])
    for line in _for_github(name, text, verdict) if form == "github" else _for_people(name, text, verdict):
        click.echo(line)
    yield _status(verdict, name)


def _lines(linter: "Linter", name: str, given: Mapping[str, Any], _: str) -> Iterator[int]:
    """Check each line of a file as an object; yield the exit status of each."""
    try:
        with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as source:
            for number, line in enumerate(source, 1):
                if line.strip():
                    yield _line(linter, f"{name}:{number}", line, given)
    except OSError as error:
        yield _bad(f"{name}: {error.strerror}.")


def _line(linter: "Linter", place: str, line: bytes, given: Mapping[str, Any]) -> int:
    try:
        asked = _asked(json.loads(line))
    except ValueError as error:  # JSON and Unicode errors are such errors
        return _bad(f"{place}: {error}")
    state, locale = (asked.get(key) or given[key] for key in ("state", "locale"))
    verdict = linter.check(asked["text"], state=state, locale=locale, facts=asked.get("facts"))
    answer: dict[str, object] = {"id": asked["id"], "findings": [found.as_dict() for found in verdict.findings]}
    if verdict.signatures:
        answer["signatures"] = [signature.as_dict() for signature in verdict.signatures]
    if verdict.notice:
        answer["notice"] = verdict.notice
    click.echo(json.dumps(answer, ensure_ascii=False))
    return _status(verdict, place)


def _asked(value: Any) -> dict[str, Any]:
    """Return what a line asks for. Raises ValueError with the reason and the cure."""
    if not isinstance(value, dict):
        raise ValueError(f"it is no object. {_FORM}")  # noqa: TRY004 -- what is wrong with JSON is a ValueError
    for key, (kinds, what) in _KEYS.items():
        if value.get(key) is None and key in _REQUIRED:
            raise ValueError(f"{key} is missing. {_FORM}")
        if isinstance(value.get(key), bool) or not isinstance(value.get(key), (*kinds, NoneType)):
            raise ValueError(f"{key} has to be {what}.")  # noqa: TRY004 -- as above
    return value


def _read(name: str) -> str:
    return (
        (sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()).decode("utf-8-sig").replace("\r\n", "\n")
    )


def _status(verdict: "Verdict", place: str) -> int:
    if verdict.notice:
        return _bad(f"{place}: {verdict.notice}")
    return 1 if verdict.errors else 0


def _bad(words: str) -> int:
    click.echo(words, err=True)
    return _BAD_INPUT


def _place(text: str, start: int) -> tuple[int, int]:
    """Return line and column, both from 1."""
    return text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)


def _for_people(name: str, text: str, verdict: "Verdict") -> Iterator[str]:
    for found in verdict.findings:
        line, column = _place(text, found.start)
        yield f"{name}:{line}:{column}: {found.severity} {found.rule}"
        yield from _indented(f'"{_short(found.quote)}"' if found.quote else "", found.why, f"Better: {found.rewrite}")
    for signature in verdict.signatures:
        line, column = _place(text, signature.start)
        quote = text[signature.start : signature.end]
        yield f'{name}:{line}:{column}: "{quote}" needs the name of a person with role {signature.role}'
        yield from _indented(signature.why)


def _indented(*lines: str) -> Iterable[str]:
    return (f"    {line}" for line in lines if line)


def _short(quote: str, most: int = 100) -> str:
    quote = " ".join(quote.split())
    return quote if len(quote) <= most else f"{quote[:most]} ..."


def _for_github(name: str, text: str, verdict: "Verdict") -> Iterator[str]:
    """Yield GitHub's workflow commands, which it shows beside the line (docs.github.com, workflow commands)."""
    levels = {"error": "error", "warning": "warning", "advice": "notice"}
    for found in verdict.findings:
        (line, column), (last, end) = _place(text, found.start), _place(text, found.end)
        where = f"file={_property(name)},line={line},endLine={last},col={column},endColumn={end},title={found.rule}"
        yield f"::{levels[found.severity]} {where}::{_data(f'{found.why} Better: {found.rewrite}')}"


def _data(words: str) -> str:
    return words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(words: str) -> str:
    return _data(words).replace(":", "%3A").replace(",", "%2C")
