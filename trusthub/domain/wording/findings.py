"""What the linter found, and what it could not look at."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from trusthub.domain.wording.rules import Severity

FIRM = frozenset({"L02", "L03"})
"""Rules that nobody can overrule: secrets, personal data, and slots that were never filled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to put right. `start` and `end` count characters, and are equal when something is missing."""

    rule: str
    severity: Severity
    start: int
    end: int
    quote: str
    why: str
    rewrite: str

    def __str__(self) -> str:
        """In one line: which rule, where and why."""
        return f"{self.rule}{f' “{self.quote}”' if self.quote else ''}: {self.why}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A word that needs a person's name under it before it leaves, such as *breach*."""

    word: str
    start: int
    end: int
    role: str
    why: str

    def __str__(self) -> str:
        """In one line: who has to send it, and why."""
        return f"What says “{self.word}” leaves only under the name of somebody with the role {self.role}. {self.why}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to one text."""

    findings: Sequence[Finding]
    signatures: Sequence[Signature] = ()
    notice: str = ""
    """Why some rules were not checked; empty when all were."""

    @property
    def errors(self) -> Sequence[Finding]:
        """The findings that keep a message from leaving."""
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]

    @property
    def firm(self) -> Sequence[Finding]:
        """The errors that no reason overrules."""
        return [finding for finding in self.errors if finding.rule in FIRM]
