"""Words that a house lets out only under somebody's name: law, money and safety hang on them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from trusthub.domain.wording.findings import Signature
from trusthub.domain.wording.literals import needed
from trusthub.domain.wording.prose import Prose
from trusthub.domain.wording.rules import Lines, first
from trusthub.errors import PlaybookError

ROLES = ("legal", "finance", "publisher")
"""The roles that site.yaml gives to people who let words out."""
ROUTES = ("safety", "legal", "press")
"""The roles whose people answer what a customer wrote, the most urgent first."""


@dataclass(frozen=True)
class Word:
    """One entry of house.yaml."""

    name: str
    role: str
    why: str
    find: Mapping[str, "re.Pattern[str]"]
    """By language."""

    def within(self, prose: Prose, language: str) -> Iterator["re.Match[str]"]:
        """Yield each place where a text says it."""
        if pattern := self.find.get(language):
            for region in prose.regions(self._needed[language], prose.folded):
                yield from pattern.finditer(prose.folded, *region)

    @cached_property
    def _needed(self) -> Mapping[str, frozenset[str] | None]:
        return {language: needed(pattern) for language, pattern in self.find.items()}


@dataclass(frozen=True, slots=True)
class House:
    """The words of house.yaml."""

    words: Sequence[Word] = ()

    def signatures(self, prose: Prose, locale: str) -> Iterator[Signature]:
        """Yield each place where a text says one of the words, with who has to sign it."""
        language = locale.partition("-")[0]
        for word in self.words:
            for found in word.within(prose, language):
                yield Signature(word=word.name, start=found.start(), end=found.end(), role=word.role, why=word.why)

    @classmethod
    def parse(
        cls, value: Mapping[str, Any], *, file: str = "", lines: Lines = first, roles: Sequence[str] = ROLES
    ) -> "House":
        """Read house.yaml: a role and a reason for each word, and its forms by language. Raises PlaybookError."""
        words = []
        for name, entry in value.get("words", {}).items():
            missing = {"role", "why", "forms"} - set(entry if isinstance(entry, dict) else ())
            if missing:
                raise PlaybookError(
                    f"words.{name}: {min(missing)} is missing. Add it.", file=file, line=lines(f"words.{name}")
                )
            if entry["role"] not in roles:
                message = f"words.{name}.role: {entry['role']!r} is unknown. Write one of {', '.join(roles)}."
                raise PlaybookError(message, file=file, line=lines(f"words.{name}.role"))
            forms = {
                language: re.compile(rf"\b(?:{'|'.join(map(_form, each))})\b")
                for language, each in entry["forms"].items()
            }
            words.append(Word(name, entry["role"], entry["why"], forms))
        return cls(tuple(words))


def _form(form: str) -> str:
    """Return one form as a pattern: letters as they are, `*` for any ending, a space for any white space."""
    return re.escape(form.lower()).replace(r"\*", r"\w{0,20}").replace(r"\ ", r"\s{1,9}")
