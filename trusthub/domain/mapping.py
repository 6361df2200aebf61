"""`map:` in site.yaml: where in any tool's JSON the keys of our own contract are.

Each value is an expression of JMESPath (https://jmespath.org/specification.html), read over the body of a request.
"""

import base64
import binascii
import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

import jmespath
from jmespath.exceptions import JMESPathError, ParseError
from jmespath.functions import Functions, signature
from jmespath.parser import ParsedResult
from jmespath.visitor import Options
from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo, field_validator, model_validator

from trusthub.domain.contract import ALERT_KEYS, KEYS, WORDS
from trusthub.domain.events import Evidence, Strategy
from trusthub.domain.written import Strict
from trusthub.errors import PayloadError

IGNORE = "ignore"
"""In a table of events: it is known, and means nothing here."""
NOTHING: tuple[object, ...] = (None, "", [], {})
_TEXT_OR_NULL: Any = {"types": ["string", "null"]}


class Reading(Functions):
    """JMESPath's functions and three of our own, for one request."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        """Take the headers, with names in lower case."""
        self._headers = headers

    @signature({"types": ["string"]})
    def _func_header(self, name: str) -> str | None:
        """header('X-Type'): what the tool said in a header."""
        return self._headers.get(name.lower())

    @signature({"types": []})
    def _func_decode(self, value: object) -> object:
        """decode(message.data): the JSON inside a text, plain or in base64. What is no text stays as it is."""
        if not isinstance(value, str):
            return value
        for read in (str.encode, base64.b64decode):
            try:
                return json.loads(read(value))
            except (ValueError, binascii.Error, RecursionError):
                continue
        return None

    @signature(_TEXT_OR_NULL, {"types": ["string"]})
    def _func_split(self, text: str | None, separator: str) -> list[str]:
        """split('a/b', '/'): the parts of a text."""
        return text.split(separator) if text and separator else []


def _calls(node: Any) -> Iterator[Any]:
    """Yield each call of a function in an expression's tree."""
    if node["type"] == "function_expression":
        yield node
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _calls(child)


def _compiled(text: object) -> ParsedResult:
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is no expression. Write a name such as deployment.status")  # noqa: TRY004 -- pydantic's
    try:
        found = jmespath.compile(text)
    except JMESPathError as error:
        where = f" from character {error.lex_position + 1} on" if isinstance(error, ParseError) else ""
        raise ValueError(f"{text!r} is no JMESPath{where}. See https://jmespath.org") from error
    for call in _calls(found.parsed):
        takes = Reading.FUNCTION_TABLE.get(call["value"], {}).get("signature")
        if takes is None:
            near = difflib.get_close_matches(call["value"], Reading.FUNCTION_TABLE, n=1)
            hint = f"Write {near[0]!r}" if near else "See https://jmespath.org/specification.html#functions"
            raise ValueError(f"there is no function {call['value']!r}. {hint}")
        given = len(call["children"])
        if given != len(takes) and not (takes and takes[-1].get("variadic") and given > len(takes)):
            raise ValueError(f"{call['value']}() takes {len(takes)} things, not {given}")
        if call["value"] == "header" and call["children"][0]["type"] != "literal":
            raise ValueError("header() takes a name in quotes, such as header('X-Type')")
    return found


Expression = Annotated[ParsedResult, PlainValidator(_compiled)]


class Lookup(Strict):
    """Where one value is, and what the tool's word for it means here."""

    from_: tuple[Expression, ...] = Field(default=(), alias="from")
    """Tried in this order."""
    always: str | None = Field(default=None, min_length=1)
    """The value itself, whatever the request says."""
    table: dict[str, str] = Field(default_factory=dict)
    """From the tool's words to ours. A word that is not in it says nothing."""

    @field_validator("from_", mode="before")
    @classmethod
    def _one_or_more(cls, said: object) -> object:
        return said if isinstance(said, list) else [said]

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if bool(self.from_) == bool(self.always):
            raise ValueError("needs `from` or `always`, and not both")
        if self.always and self.table:
            raise ValueError("`table` needs `from`. What is always so needs no table")
        return self

    def all(self, body: object, reading: Options) -> list[Any]:
        """Return everything that is there, in order; a list that was found counts as its members.

        Raises PayloadError when the body is not what the expression takes, with the expression.
        """
        if self.always:
            return [self.always]
        found: list[Any] = []
        for expression in self.from_:
            value = search(expression, body, reading)
            found += value if isinstance(value, list) else [value]
        return [value for value in found if value not in NOTHING]

    def one(self, body: object, reading: Options) -> Any:
        """Return the first that is there, in our words; None when there is none, or no word of ours for it."""
        if self.always:
            return self.always
        for expression in self.from_:
            value = search(expression, body, reading)
            if value not in NOTHING:
                return self.table.get(_word(value)) if self.table else value
        return None


def search(expression: ParsedResult, body: object, reading: Options) -> Any:
    """Return what an expression finds. Raises PayloadError when the body is not what its functions take."""
    try:
        return expression.search(body, reading)
    except (JMESPathError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        message = f"The map's {expression.expression!r} cannot be read here: {str(error).removesuffix('.')}."
        raise PayloadError(message) from error


def _word(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _short(said: object) -> object:
    """Read `component: app.name` as `component: {from: app.name}`."""
    return said if said is None or isinstance(said, dict | Lookup) else {"from": said}


Value = Annotated[Lookup | None, BeforeValidator(_short)]


class Signature(Strict):
    """The header that holds the HMAC-SHA256 of the body in hexadecimal."""

    header: str = Field(min_length=1)
    prefix: str = ""


class Map(Strict):
    """For each key of our contract, where it is."""

    like: str | None = None
    """A map that comes with the hub. What else stands here replaces the same keys of it."""
    signature: Signature | None = None
    body: Expression | None = None
    """What the other expressions are read over; the whole body without it."""
    event: Value = None
    component: Value = None
    environment: Value = None
    attempt: Value = None
    from_version: Value = None
    to_version: Value = None
    artifact: Value = None
    strategy: Value = None
    exposure: Value = None
    step: Value = None
    steps: Value = None
    evidence: Value = None
    metrics: Value = None
    reason: Value = None
    actor: Value = None
    occurred_at: Value = None
    id: Value = None
    links: dict[str, Expression] = Field(default_factory=dict)
    """By the label that staff read."""
    known_risks: Value = None
    unknown_risks: Value = None
    rollback: Value = None
    alert: Value = None
    title: Value = None
    severity: Value = None

    @field_validator("event", "strategy", "evidence")
    @classmethod
    def _in_our_words(cls, said: Lookup | None, info: ValidationInfo) -> Lookup | None:
        known = _OURS[str(info.field_name)]
        given = [*said.table.values(), said.always] if said else []
        for word in given:
            if word is not None and word not in known:
                near = difflib.get_close_matches(word, known, n=1)
                hint = f"Write {near[0]!r}" if near else f"There are: {', '.join(known)}"
                raise ValueError(f"{word!r} is no word of ours. {hint}")
        return said

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        missing = [key for key in ("event", "component") if getattr(self, key) is None]
        if missing and self.like is None:
            raise ValueError(f"{' and '.join(missing)} must be said. Add where the tool has it, or `like: <tool>`")
        return self

    def over(self, base: "Map") -> "Map":
        """Return `base` with what stands here in its place."""
        return base.model_copy(update={key: getattr(self, key) for key in self.model_fields_set - {"like"}})

    @property
    def headers(self) -> frozenset[str]:
        """The names of the headers that are read, in lower case."""
        lookups = [getattr(self, key) for key in {*KEYS, *ALERT_KEYS} - {"links"}]
        expressions = [expression for lookup in lookups if lookup for expression in lookup.from_]
        trees = [each.parsed for each in (*expressions, *self.links.values(), self.body) if each]
        calls = [call for tree in trees for call in _calls(tree) if call["value"] == "header"]
        return frozenset(str(call["children"][0]["value"]).lower() for call in calls)


_OURS = {
    "event": [*WORDS, IGNORE],
    "strategy": [word.value for word in Strategy],
    "evidence": [word.value for word in Evidence if word is not Evidence.PERSON],
}
"""The keys whose values are words of ours."""
