"""Whether words can be sent: rules as data (templates/wording), applied to one text with what is known about it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from trusthub.domain.wording.check import Check
from trusthub.domain.wording.facts import Facts
from trusthub.domain.wording.findings import FIRM, Finding, Signature, Verdict
from trusthub.domain.wording.house import House
from trusthub.domain.wording.prose import Prose
from trusthub.domain.wording.rules import Rulebook, Severity, parse

__all__ = ["FIRM", "LONGEST", "Finding", "House", "Linter", "Rulebook", "Severity", "Signature", "Verdict", "parse"]

LONGEST = 20_000
"""Characters that are looked at. No message is this long; what is longer is an error, so nothing leaves unchecked."""


@dataclass(frozen=True)
class Linter:
    """The rules of all languages that have some, by locale, and the house's own words."""

    books: Mapping[str, Rulebook]
    house: House = field(default_factory=House)

    def check(self, text: str, *, locale: str = "en", state: str | None = None, facts: Facts | None = None) -> Verdict:
        """Return what is wrong with a text.

        `state` is the incident's (`investigating`, ..., or `scheduled`); without one, or with one that is unknown, the
        text's own words tell it. Of a language without rules only what the facts demand is checked, and the notice
        says so.
        """
        book = self.books.get(locale) or self.books.get(locale.partition("-")[0])
        given = {name: value for name, value in (facts or {}).items() if value is not None}
        rules = book or self.books["en"]
        prose = Prose(text[:LONGEST], rules.clause_ends)
        check = Check(rules, prose, state or prose.header, given)
        if book is None:
            notice = f"Not checked: there are no rules for {locale!r} (there are: {', '.join(sorted(self.books))})."
            return Verdict(findings=list(check.from_facts()), notice=notice)
        findings = [*check.findings(), *_too_long(text, book)]
        return Verdict(findings=sorted(findings, key=_order), signatures=list(self.house.signatures(prose, locale)))


def _order(finding: Finding) -> tuple[int, int, str]:
    return (finding.start, finding.end, finding.rule)


def _too_long(text: str, book: Rulebook) -> Iterator[Finding]:
    if len(text) <= LONGEST:
        return
    rule = book.by_id["L07"]
    yield Finding(
        rule=rule.id,
        severity=Severity.ERROR,
        start=LONGEST,
        end=len(text),
        quote=text[LONGEST:],
        why=f"Of {len(text):,} characters only the first {LONGEST:,} were checked. {rule.why}",
        rewrite=rule.rewrite,
    )
