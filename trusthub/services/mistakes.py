"""What is wrong in a file that somebody wrote: where, why, and what to write instead."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from trusthub.errors import PlaybookError
from trusthub.services.document import Document, Place, dotted

Model = TypeVar("Model", bound=BaseModel)

_NEEDS = {
    "string": "must be text. Put quotes around it",
    "invalid_key": "must be text. Put quotes around it",
    "string_too_short": "is empty. Fill it in",
    "too_short": "is empty. Fill it in",
    "int": "must be a whole number",
    "float": "must be a number",
    "literal_error": "must be true",
    "dict": "must be keys with values, such as {key: value}",
    "model": "must be keys with values, such as {key: value}",
    "tuple": "must be a list, such as [one, two]",
    "date_from_datetime": "must be a date, such as 2026-11-27",
    "date": "must be a date, such as 2026-11-27",
}
"""What is wrong and what to do, by pydantic's name for it without `_type` and `_parsing`."""


def model(kind: type[Model], file: Document, **given: str) -> Model:
    """Return what a file holds. What is `given` comes from elsewhere, and may not stand in it.

    Raises PlaybookError that names every mistake in the file.
    """
    if not isinstance(file.value, dict):
        raise file.error("is empty. Fill it in." if file.value is None else f"{_NEEDS['dict']}.")
    problems = [_unknown(kind, file, (key,), given) for key in given if key in file.value]
    try:
        found = kind.model_validate({**file.value, **given})
    except ValidationError as error:
        problems += [_problem(kind, file, problem, given) for problem in _apart(error.errors())]
    if problems:
        raise PlaybookError("\n  ".join(map(str, problems)))
    return found


def hint(word: object, known: Iterable[str]) -> str:
    """Return the nearest valid word, or all of them when none is near."""
    near = difflib.get_close_matches(str(word), known := list(known), n=1)
    return f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known) or 'none'}."


def _apart(problems: Sequence[ErrorDetails]) -> Sequence[ErrorDetails]:
    """Leave out that a list is too short when that is only so because something in it is wrong."""
    return [
        problem
        for problem in problems
        if problem["type"] != "too_short"
        or all(other is problem or other["loc"][: len(problem["loc"])] != problem["loc"] for other in problems)
    ]


def _problem(
    kind: type[BaseModel], document: Document, problem: ErrorDetails, given: Mapping[str, str]
) -> PlaybookError:
    what = re.sub("_(type|parsing)$", "", problem["type"])
    place: Place = tuple(str(part) if what == "invalid_key" else part for part in problem["loc"] if part != "[key]")
    place = _as_written(document.value, place)
    if what == "extra_forbidden":
        return _unknown(kind, document, place, given)
    if what == "enum":
        choices = re.findall("'([^']+)'", problem["ctx"]["expected"])
        reason = f"{problem['input']!r} is unknown. {hint(problem['input'], choices)}"
    elif what == "missing":
        reason = f"is missing. Add it{_example(kind, place)}."
    else:
        reason = _NEEDS.get(what, problem["msg"].removeprefix("Value error, ")) + "."
    return document.error(f"{dotted(place)}: {reason}", place)


def _as_written(value: Any, place: Place) -> Place:
    """Leave out the position in a list where somebody wrote one thing alone."""
    kept: list[str | int] = []
    for part in place:
        if isinstance(part, int) and not isinstance(value, list):
            continue
        kept.append(part)
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            value = None
    return tuple(kept)


def _example(kind: type[BaseModel], place: Place) -> str:
    field = _fields(_inside(kind, place[:-1])).get(str(place[-1]))
    return f", such as `{place[-1]}: {field.examples[0]}`" if field and field.examples else ""


def _unknown(kind: type[BaseModel], document: Document, place: Place, given: Mapping[str, str]) -> PlaybookError:
    known = [key for key in _fields(_inside(kind, place[:-1])) if key not in given]
    return document.error(f"{dotted(place)}: this key is unknown. {hint(place[-1], known)}", place)


def _inside(kind: type[BaseModel], place: Place) -> Any:
    """Return the type of what stands at `place`, following the model down."""
    here: Any = kind
    for part in place:
        inner, field = get_args(here), _fields(here).get(str(part))
        if field is not None:
            here = field.annotation
        else:
            here = inner[1] if get_origin(here) is dict else next(iter(inner), None)
    return here


def _fields(annotation: Any) -> dict[str, FieldInfo]:
    if get_origin(annotation) in (Union, UnionType):  # `Map | None`
        annotation = next(iter(get_args(annotation)))
    fields: dict[str, FieldInfo] = getattr(annotation, "model_fields", {})
    return {field.alias or name: field for name, field in fields.items()}
