"""A text as the rules see it: what is not prose is blank, every offset stays, sentences and clauses are known."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

Span = tuple[int, int]
"""Where something begins and ends, in characters of the text as it was given."""

_NOT_PROSE = re.compile(
    r"^(?P<fence>```|~~~)[^\n]*\n.*?(?:^(?P=fence)[^\n]*$|\Z)"
    r"|<!--.*?(?:-->|\Z)"
    r"|`[^`\n]{1,400}`"
    r"|(?<=\]\()[^()\s]{1,2000}(?: \"[^\"\n]{0,200}\")?(?=\))"
    r"|\bhttps?://[^\s<>()]{1,2000}",
    re.MULTILINE | re.DOTALL,
)
"""Code, comments and addresses."""
_HEADERS = re.compile(
    r"^[ \t*#_>\[]{0,9}\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?(?: ?UTC|Z)?[ \t*\]:_]{0,9}$"
    r"|\A\s{0,9}[\[*]{1,2}(?:planned|scheduled|investigating|identified|monitoring|update|resolved|postmortem)[\]*]{1,2}",
    re.MULTILINE | re.IGNORECASE,
)
"""When and as what a post was published, written into its text: it tells nothing about the incident."""
_STATE = re.compile(r"\A\s{0,9}\[(\w{1,20})\]")
_EMPHASIS = re.compile(r"\*\*|__|~~|(?<!\w)[*_](?=\w)|(?<=[\w.])[*_](?!\w)")
_CAPITALS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜ", "abcdefghijklmnopqrstuvwxyzäöü")
_TYPED = {
    "\u2019": "'",
    "\u2018": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u00a0": " ",
    "\u2010": "-",
    "\u2011": "-",
    "\u2013": "-",
}
"""What people type for what programs paste."""
_SENTENCE = re.compile(
    r"[.!?\n](?:"
    r"(?<!\n)[.!?]{0,8}[\"')\]]{0,3}(?=\s+(?:[A-ZÄÖÜ\d\"'(\[#>*•\u2013-]|https?:|$))"
    r"|(?<=\n)\s{0,99}?\n"
    r"|(?<=\n)(?=[ \t]*(?:[-*•#>]|\d{1,3}[.)] ))"
    r"|(?<=[^\n.!?,;]{2}\n)(?=[ \t]*[A-ZÄÖÜ\[])"
    r")"
)
"""Where a sentence may end: at a full stop, an empty line, an item of a list, or a line that stands for itself."""
_ABBREVIATED = re.compile(r"\b(?:e\.g|i\.e|a\.m|p\.m|approx|incl|vs|no|z\.B|ca|Nr|bzw|ggf)\.$", re.IGNORECASE)
_ORDINAL = re.compile(
    r"(?<=\d)\.\s{1,3}(?:Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember)\b"
)
"""The full stop of a German date, which ends no sentence."""
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
"""A sign that means itself in Markdown."""
_LINE_IS_FULL = 60
"""Characters. A line at least this long was probably broken by an editor, and its sentence goes on."""


@dataclass
class Prose:
    """One text and its parts. Work grows with its length, whatever is in it."""

    raw: str
    clause_ends: "re.Pattern[str]"
    """Where a clause ends within its sentence; it differs from language to language."""
    _places: dict[tuple[str, int], set[int]] = field(default_factory=dict)
    _found: "dict[tuple[re.Pattern[str], Span], re.Match[str] | None]" = field(default_factory=dict)

    @cached_property
    def plain(self) -> str:
        """The prose with its capitals."""
        text = self.raw
        if any(sign in text for sign in ("`", "~~~", "<!--", "](", "http")):
            text = _NOT_PROSE.sub(_blank, text)
        if "\\" in text:
            text = _ESCAPED.sub(r"\1 ", text)
        if any(sign in text for sign in "*_~"):
            text = _EMPHASIS.sub(_blank, text)
        return _HEADERS.sub(_blank, text) if "\n" in text or text[:9].lstrip()[:1] in set("[*") else text

    @cached_property
    def folded(self) -> str:
        """The prose in small letters, with plain quotation marks and spaces."""
        return _folded(self.plain)

    def view(self, *, cased: bool, raw: bool) -> str:
        """Return the text as a pattern reads it."""
        if raw:
            return self.raw if cased else self._folded_raw
        return self.plain if cased else self.folded

    @cached_property
    def _folded_raw(self) -> str:
        return _folded(self.raw)

    @cached_property
    def header(self) -> str | None:
        """The state that the text names in front of itself, as in `[resolved] Exports work again`."""
        found = _STATE.match(self.raw)
        return found[1].lower() if found else None

    @cached_property
    def sentences(self) -> list[Span]:
        """All sentences, in order, without gaps."""
        ends = [match.end() for match in _SENTENCE.finditer(self.plain) if self._ends(match)]
        return list(_between(ends, len(self.plain)))

    def _ends(self, match: "re.Match[str]") -> bool:
        if match[0].startswith("."):
            at = match.start()
            return not (_ABBREVIATED.search(self.plain, max(0, at - 8), at + 1) or _ORDINAL.match(self.plain, at))
        if match[0] == "\n":
            line = match.start() - self.plain.rfind("\n", 0, match.start())
            listed = self.plain[match.end() : match.end() + 12].lstrip()[:1] in set("-*•#>123456789")
            return listed or line <= _LINE_IS_FULL
        return True

    @cached_property
    def clauses(self) -> list[Span]:
        """All clauses, in order, without gaps."""
        ends = {end for _, end in self.sentences}
        return list(_between(sorted(ends | {m.end() for m in self.clause_ends.finditer(self.folded)}), len(self.plain)))

    def around(self, scope: str, position: int) -> Span:
        """Return the clause, the sentence, the sentence `before`, or the message that holds a position."""
        if scope == "message":
            return (0, len(self.raw))
        units = self.clauses if scope == "clause" else self.sentences
        index = max(0, bisect_right(units, (position, len(self.raw))) - 1)
        if scope == "before":
            return units[index - 1] if index else (0, 0)
        return units[index] if units else (0, 0)

    def regions(self, words: Iterable[str] | None, text: str) -> Iterator[Span]:
        """Yield the sentences of a view of this text that hold one of some words; with None, the whole text."""
        if words is None:
            yield (0, len(text))
            return
        places = sorted(set[int]().union(*(self._holding(word, text) for word in words)))
        yield from (self.sentences[index] for index in places)

    def _holding(self, word: str, text: str) -> set[int]:
        """Return which sentences of a view hold a word."""
        key = (word, id(text))
        if key not in self._places:
            places = self._places[key] = set()
            find, starts, units = text.find, self._starts, self.sentences
            at = find(word)
            while at >= 0:
                index = max(0, bisect_right(starts, at) - 1)
                places.add(index)
                at = find(word, max(at + 1, units[index][1]))
        return self._places[key]

    @cached_property
    def _starts(self) -> list[int]:
        """Where sentences begin: numbers are compared in half of the time that spans take."""
        return [start for start, _ in self.sentences]

    def search(self, pattern: "re.Pattern[str]", span: Span) -> "re.Match[str] | None":
        """Return the first match in a span of the folded text; each question is worked out once."""
        key = (pattern, span)
        if key not in self._found:
            self._found[key] = pattern.search(self.folded, *span)
        return self._found[key]


def _folded(text: str) -> str:
    """Return a text of the same length, so that offsets stay, in which what is typed and pasted is the same."""
    small = text.lower()
    if len(small) != len(text):  # a Turkish capital becomes two
        small = text.translate(_CAPITALS)
    if not small.isascii():
        for pasted, typed in _TYPED.items():
            small = small.replace(pasted, typed)
    return small


def _blank(match: "re.Match[str]") -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _between(ends: list[int], length: int) -> Iterator[Span]:
    start = 0
    for end in ends:
        if end > start:
            yield (start, end)
            start = end
    if start < length:
        yield (start, length)
