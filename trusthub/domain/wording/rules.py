"""Rules as data: what a wording file may contain, and how it becomes something that can be searched for."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from trusthub.domain.wording.literals import needed
from trusthub.errors import PlaybookError


class Severity(StrEnum):
    """How bad a finding is. An error blocks sending."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


class Kind(StrEnum):
    """What a rule looks at."""

    PRESENCE = "presence"
    """Something that has to be there."""
    SPAN = "span"
    """Words that should not be there."""
    CTX = "ctx"
    """Words that contradict a state or a fact."""


@dataclass(frozen=True)
class Pattern:
    """Words to find, and what has to stand around them or must not."""

    find: "re.Pattern[str]"
    then: "re.Pattern[str] | None" = None
    """Has to follow within the scope; the finding reaches to its end."""
    near: "re.Pattern[str] | None" = None
    """Has to stand somewhere in the scope."""
    scope: str = "clause"
    unless: Sequence[tuple[str, "re.Pattern[str]"]] = ()
    """Where (clause, sentence, before, message) must not be what."""
    states: frozenset[str] = frozenset()
    """In which states it counts; empty means in all."""
    severity: Severity | None = None
    cased: bool = False
    """Whether capitals matter; without it, patterns read small letters."""
    raw: bool = False
    """Whether it reads code and addresses as well, and not only prose."""

    @cached_property
    def needed(self) -> frozenset[str] | None:
        """Words of which each text that matches holds at least one; None when there are none to name."""
        return needed(self.find)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a wording file."""

    id: str
    name: str
    kind: Kind
    severity: Severity
    why: str
    rewrite: str
    find: Sequence[Pattern] = ()
    """Span and context rules: each match is a finding. Presence rules: one match satisfies the rule."""
    partly: Sequence[Pattern] = ()
    """Presence rules: what satisfies the rule by half, and makes its finding a warning."""
    skip: Sequence[Pattern] = ()
    """Presence rules: what shows that the rule does not apply to this message."""
    shows: Sequence[str] = ()
    """Presence rules: facts that the text has to say when they are known."""
    facts: Mapping[str, Sequence[str]]
    """Presence rules: when facts are known at all, the rule applies only if these have one of these values."""
    states: Mapping[str, Severity | None]
    """Severity by state where it differs; None where the rule does not apply."""
    longest: int = 0
    """Words a sentence may have."""
    merged: bool = False
    """Whether what is found in one sentence is one finding."""


@dataclass(frozen=True)
class Rulebook:
    """The rules of one language."""

    locale: str
    clause_ends: "re.Pattern[str]"
    states: Mapping[str, Sequence[Pattern]]
    """What shows in which state a message is that does not say so, the likeliest first."""
    rules: Sequence[Rule]
    owed: Mapping[str, Mapping[str, Severity]]
    """By kind of message that is no update of a failure: which presence rules it owes, and how bad it is without."""
    shown: Mapping[str, str]
    """What stands in a rewrite for a fact that is not given."""

    @cached_property
    def by_id(self) -> Mapping[str, Rule]:
        """The rules by their id."""
        return {rule.id: rule for rule in self.rules}


_WORD = re.compile(r"(?<!\\)\{([a-z_]+)\}")
_RULE_KEYS = {
    "name",
    "kind",
    "severity",
    "why",
    "rewrite",
    "find",
    "partly",
    "skip",
    "shows",
    "facts",
    "states",
    "longest",
    "merged",
}
_PATTERN_KEYS = {"find", "then", "near", "scope", "unless", "states", "severity", "cased", "raw"}
_SCOPES = ("clause", "sentence", "before", "message")


def parse(value: Mapping[str, Any], *, file: str = "") -> Rulebook:
    """Return the rules in a wording file that has been read as YAML. Raises PlaybookError naming rule and cure."""
    reader = _Reader(file)
    words: dict[str, str] = {}
    for name, pattern in value["words"].items():
        words[name] = reader.expand(pattern, words, f"words.{name}")
    reader.words = words
    return Rulebook(
        locale=value["locale"],
        clause_ends=reader.compiled(value["clause_ends"], "clause_ends"),
        states={name: reader.patterns(each, f"states.{name}") for name, each in value["states"].items()},
        rules=tuple(reader.rule(id_, each) for id_, each in value["rules"].items()),
        owed={
            kind: {rule: Severity(severity) for rule, severity in rules.items()}
            for kind, rules in value.get("owed", {}).items()
        },
        shown=value.get("shown", {}),
    )


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.words: Mapping[str, str] = {}

    def error(self, place: str, reason: str) -> PlaybookError:
        return PlaybookError(f"{place}: {reason}", file=self.file, line=1)

    def expand(self, pattern: str, words: Mapping[str, str], place: str) -> str:
        """Put the named words into a pattern."""
        try:
            return _WORD.sub(lambda match: f"(?:{words[match[1]]})", pattern)
        except KeyError as missing:
            known = ", ".join(words) or "none"
            raise self.error(place, f"{{{missing.args[0]}}} is not in `words`. There are: {known}.") from None

    def compiled(self, pattern: str, place: str, *, cased: bool = False) -> "re.Pattern[str]":
        """Compile a pattern; a space in it stands for any white space, so that it matches over the end of a line."""
        try:
            spaced = self.expand(pattern, self.words, place)
            spaced = spaced if cased else spaced.replace(" ?", r"\s{0,9}").replace(" ", r"\s{1,9}")
            return re.compile(spaced, re.MULTILINE)
        except re.error as error:
            raise self.error(place, f"{pattern!r} is not a regular expression: {error}.") from error

    def patterns(self, value: Iterable[Any] | str, place: str) -> Sequence[Pattern]:
        """Return one or several patterns."""
        each = [value] if isinstance(value, str | dict) else value
        return tuple(self.pattern(one, f"{place}[{index}]") for index, one in enumerate(each))

    def pattern(self, value: Any, place: str) -> Pattern:
        """Return one pattern: a regular expression, or one with what has to stand around it."""
        given: dict[str, Any] = {"find": value} if isinstance(value, str) else dict(value)
        if strange := given.keys() - _PATTERN_KEYS:
            raise self.error(place, f"{min(strange)!r} is unknown. There are: {', '.join(sorted(_PATTERN_KEYS))}.")
        cased = given.get("cased", False)
        optional = {
            key: self.compiled(given[key], f"{place}.{key}", cased=cased) for key in ("then", "near") if key in given
        }
        unless = tuple(
            (scope, self.compiled(pattern, f"{place}.unless"))
            for scope, pattern in given.get("unless", {}).items()
            if scope in _SCOPES
        )
        return Pattern(
            self.compiled(given["find"], place, cased=cased),
            scope=given.get("scope", "clause"),
            unless=unless,
            states=frozenset(given.get("states", ())),
            severity=Severity(given["severity"]) if "severity" in given else None,
            cased=cased,
            raw=given.get("raw", False),
            **optional,
        )

    def rule(self, id_: str, value: Mapping[str, Any]) -> Rule:
        """Return one rule."""
        if strange := value.keys() - _RULE_KEYS:
            raise self.error(
                f"rules.{id_}", f"{min(strange)!r} is unknown. There are: {', '.join(sorted(_RULE_KEYS))}."
            )
        states = {
            state: None if severity == "none" else Severity(severity)
            for state, severity in value.get("states", {}).items()
        }
        found = {key: self.patterns(value.get(key, ()), f"rules.{id_}.{key}") for key in ("find", "partly", "skip")}
        return Rule(
            id=id_,
            name=value["name"],
            kind=Kind(value["kind"]),
            severity=Severity(value["severity"]),
            why=value["why"],
            rewrite=value["rewrite"],
            shows=tuple(value.get("shows", ())),
            facts=value.get("facts", {}),
            states=states,
            longest=value.get("longest", 0),
            merged=value.get("merged", False),
            **found,
        )
