"""One text under the rules of one language: what is missing, what is wrong, and where."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from trusthub.domain.wording import facts as known
from trusthub.domain.wording.findings import Finding
from trusthub.domain.wording.prose import Prose, Span
from trusthub.domain.wording.rules import Kind, Pattern, Rule, Rulebook, Severity

_ALIASES = {"rollout": "scheduled", "planned": "scheduled", "in_progress": "scheduled", "verifying": "scheduled"}
_WORD = re.compile(r"[^\W\d_]{2,40}(?:['-][^\W\d_]{1,40}){0,4}")
"""What counts as a word of a sentence; numbers and single letters do not."""
_LETTERS = 3
"""Characters that a word takes at least, with the space behind it."""
MOST = 20
"""Findings of one rule in one text. Whoever mends twenty will ask again."""


@dataclass
class Check:
    """One text under the rules of one language."""

    book: Rulebook
    prose: Prose
    given: str | None
    """The state as whoever asks knows it; it need not be one of ours."""
    facts: known.Facts

    @cached_property
    def state(self) -> str | None:
        """The state that is given or, when that is not one of ours, the one that the words tell."""
        return self._told or next(
            (name for name, patterns in self.book.states.items() if any(map(self._any_of, patterns))), None
        )

    @cached_property
    def _told(self) -> str | None:
        state = _ALIASES.get(self.given or "", self.given)
        return state if state in {*self.book.states, *self.book.owed, "postmortem"} else None

    def _weight(self, rule: Rule) -> Severity | None:
        """Return how bad breaking a rule is here. A guess can excuse from a rule, and never makes it stricter."""
        if rule.kind is Kind.PRESENCE and self._told and self._told in self.book.owed:
            return self.book.owed[self._told].get(rule.id)
        here = rule.states.get(self.state or "unknown", rule.severity)
        if self._told or here is None:
            return here
        return max((rule.severity, here), key=list(Severity).index)

    def findings(self) -> Iterator[Finding]:
        """Yield everything that is wrong."""
        for rule in self.book.rules:
            severity = self._weight(rule)
            if severity is None:
                continue
            if rule.kind is Kind.PRESENCE:
                yield from self._missing(rule, severity)
            elif rule.longest:
                yield from self._long(rule, severity)
            else:
                yield from self._wrong(rule, severity)

    def from_facts(self) -> Iterator[Finding]:
        """Yield what is missing by the facts alone, whatever the language."""
        for rule in self.book.rules:
            severity = self._weight(rule)
            if severity and rule.shows and not self._shows(rule):
                yield self._finding(rule, severity, (0, 0))

    def _missing(self, rule: Rule, severity: Severity) -> Iterator[Finding]:
        if any(map(self._any_of, rule.skip)):
            return
        if self.facts and not all(self.facts.get(name) in values for name, values in rule.facts.items()):
            return
        if self._shows(rule) and any(map(self._any_of, rule.find)):
            return
        if any(map(self._any_of, rule.partly)):
            severity = max(severity, Severity.WARNING, key=list(Severity).index)
        yield self._finding(rule, severity, (0, 0))

    def _shows(self, rule: Rule) -> bool:
        return all(
            known.shown(self.prose.folded, self.facts[name], self.facts) for name in rule.shows if name in self.facts
        )

    def _wrong(self, rule: Rule, severity: Severity) -> Iterator[Finding]:
        found = sorted(
            (span, pattern.severity or severity)
            for pattern in rule.find
            for span in spans(self.prose, pattern, self._told)
        )
        for span, weight in list(self._apart(found, merged=rule.merged))[:MOST]:
            yield self._finding(rule, weight, span)

    def _apart(self, found: Sequence[tuple[Span, Severity]], *, merged: bool) -> Iterator[tuple[Span, Severity]]:
        """Yield spans that do not overlap; with `merged`, at most one for each sentence."""
        (start, end), weight = found[0] if found else ((0, 0), Severity.ADVICE)
        for (next_start, next_end), next_weight in found[1:]:
            if next_start < (self.prose.around("sentence", start)[1] if merged else end):
                end = max(end, next_end)
                continue
            yield (start, end), weight
            (start, end), weight = (next_start, next_end), next_weight
        if end:
            yield (start, end), weight

    def _long(self, rule: Rule, severity: Severity) -> Iterator[Finding]:
        for start, end in self.prose.sentences:
            if (
                end - start > _LETTERS * rule.longest
                and len(_WORD.findall(self.prose.folded, start, end)) > rule.longest
            ):
                yield self._finding(rule, severity, (start, end))

    def _any_of(self, pattern: Pattern) -> bool:
        return next(spans(self.prose, pattern, self._told), None) is not None

    def _finding(self, rule: Rule, severity: Severity, span: Span) -> Finding:
        quote = self.prose.raw[slice(*span)]
        start = span[0] + len(quote) - len(quote.lstrip())
        quote = quote.strip()
        return Finding(
            rule=rule.id,
            severity=severity,
            start=start,
            end=start + len(quote),
            quote=quote,
            why=rule.why,
            rewrite=known.filled(rule.rewrite, self.facts, self.book.shown),
        )


def spans(prose: Prose, pattern: Pattern, state: str | None = None) -> Iterator[Span]:
    """Yield where a pattern holds. Whether something stands around it is asked once for each clause or sentence."""
    if pattern.states and state not in pattern.states:
        return
    text = prose.view(cased=pattern.cased, raw=pattern.raw)
    words = None if pattern.scope == "message" else pattern.needed
    matches = (match for region in prose.regions(words, text) for match in pattern.find.finditer(text, *region))
    found = done = 0
    for match in matches:
        if match.start() < done or match.end() == match.start():
            continue
        end = match.end()
        around = prose.around(pattern.scope, match.start()) if pattern.near or pattern.then else (0, 0)
        if pattern.near and not prose.search(pattern.near, around):
            done = around[1]
            continue
        if pattern.then:
            follows = pattern.then.search(text, end, around[1])
            if not follows:
                done = around[1]
                continue
            end = follows.end()
        if any(prose.search(what, prose.around(where, match.start())) for where, what in pattern.unless):
            done = prose.around("clause", match.start())[1]
            continue
        yield (match.start(), end)
        done = end
        found += 1
        if found >= MOST:
            return
