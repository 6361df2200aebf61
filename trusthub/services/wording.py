"""The rules for words: read from templates/wording, and asked about what a person is about to say."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml

from trusthub import packaged
from trusthub.domain.message import Moment
from trusthub.domain.wording import Facts, Finding, House, Linter, Severity, Signature, Verdict, parse
from trusthub.errors import PlaybookError, WordingError
from trusthub.services.document import Loader

_LOCALE = re.compile(r"[a-z]{2}(?:-[A-Z]{2})?")

_PAGE = "https://status.example"
"""Stands for the page's address while words are read."""

STATES: Mapping[str, str] = {
    Moment.INCIDENT_INVESTIGATING: "investigating",
    Moment.INCIDENT_SEVERAL: "investigating",
    Moment.INCIDENT_IDENTIFIED: "identified",
    Moment.INCIDENT_UPDATED: "identified",
    Moment.INCIDENT_MONITORING: "monitoring",
    Moment.INCIDENT_RESOLVED: "resolved",
    Moment.INCIDENT_RETRACTED: "retracted",
    Moment.INCIDENT_HOLDING: "holding",
    Moment.INCIDENT_CORRECTED: "corrected",
    Moment.INCIDENT_UNWELCOME: "unwelcome",
    Moment.PROMISE_HOLDING: "holding",
    Moment.PROMISE_MISSED: "identified",
}
"""As what the linter reads each message; any other is a notice, to colleagues or to one customer, that owes nothing."""


@cache
def load(templates: Path) -> Linter:
    """Read the rules of each language and the house's own words. Raises PlaybookError with file and cure.

    A folder of templates without `wording/` has the packaged rules: a site's own words do not switch the checks off.
    """
    folder = templates / "wording"
    if not folder.is_dir():
        folder = packaged("templates") / "wording"
    books = {}
    for path in sorted(folder.glob("*.yaml")):
        if _LOCALE.fullmatch(path.stem):
            books[path.stem] = parse(read(path), file=str(path), lines=partial(line, path))
    if "en" not in books:
        raise PlaybookError("has no en.yaml. Copy it from the packaged templates.", file=str(folder), line=1)
    house = folder / "house.yaml"
    return Linter(
        books, House.parse(read(house), file=str(house), lines=partial(line, house)) if house.exists() else House()
    )


def whole(
    templates: Path, subject: str, body: str, *, message: str, facts: Facts, locale: str = "en"
) -> Sequence[Finding]:
    """Return what is wrong with a whole message: with its subject, its body, and what it owes by the facts.

    The page's own address in its links counts as any other: nobody chose it for these words.
    """
    linter, state, url = load(templates), STATES.get(message, "notice"), str(facts.get("page_url") or "")
    title = linter.check(subject, state="notice", locale=locale)
    words = body.replace(url, _PAGE) if url else body
    return [*title.findings, *linter.check(words, state=state, facts=facts, locale=locale).findings]


def errors(
    templates: Path, subject: str, body: str, *, message: str, facts: Facts, locale: str = "en"
) -> Sequence[Finding]:
    """Return what keeps a whole message from leaving."""
    found = whole(templates, subject, body, message=message, facts=facts, locale=locale)
    return [each for each in found if each.severity is Severity.ERROR]


class UnfitError(WordingError):
    """What a person typed may not be published as it is; `verdict` says why."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        why = " ".join(map(str, (*verdict.errors, *verdict.signatures)))
        super().__init__(f"This was not published. {why}")


def heard(templates: Path, words: str, *, state: str, locale: str = "en") -> Verdict:
    """Return what is wrong with words that a person typed.

    An update is set into a message that says sorry, what does not work and when we write again: its words owe none of
    that, and only what stands in them counts. In a `reply`, what is missing is advice.
    """
    verdict = load(templates).check(words, state=state, locale=locale)
    found = verdict.findings if state == "reply" else [finding for finding in verdict.findings if finding.quote]
    return Verdict(findings=found, signatures=verdict.signatures, notice=verdict.notice)


def admit(
    templates: Path,
    words: str,
    *,
    state: str,
    locale: str = "en",
    reason: str = "",
    holds: Callable[[str], bool] = lambda _role: False,
) -> Sequence[Finding]:
    """Return the errors in a person's words that they overrule by giving a `reason`; none when there are none.

    Raises UnfitError when there are errors and no reason, and for what no reason excuses: secrets, empty slots, and
    words of the house that are for a role which this person does not hold (`holds`).
    """
    verdict = heard(templates, words, state=state, locale=locale)
    verdict = replace(verdict, signatures=[each for each in verdict.signatures if not holds(each.role)])
    if verdict.firm or verdict.signatures or (verdict.errors and not reason.strip()):
        raise UnfitError(verdict)
    return verdict.errors


def signatures(templates: Path, *texts: str, locale: str = "en") -> Sequence[Signature]:
    """Return the words of the house in texts: each leaves only under the name of somebody with its role."""
    linter = load(templates)
    return [each for text in texts for each in linter.check(text, state="notice", locale=locale).signatures]


def read(path: Path) -> dict[str, Any]:
    """Read a file of rules. Raises PlaybookError with file and line."""
    try:
        value = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)  # noqa: S506 -- it is a safe one
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PlaybookError(f"{error.problem}.", file=str(path), line=at) from error
    except (OSError, UnicodeDecodeError) as error:
        raise PlaybookError(f"cannot be read: {error}.", file=str(path), line=1) from error
    if not isinstance(value, dict):
        raise PlaybookError("is empty. Fill it in, or delete it.", file=str(path), line=1)
    return value


def line(path: Path, place: str) -> int:
    """Return on which line of a file a place such as `rules.A01.find[0]` stands, as exactly as it is there."""
    node: Any = yaml.compose(path.read_text(encoding="utf-8"), Loader=Loader)
    at = node.start_mark.line
    for name in re.findall(r"[^.\[\]]+", place):
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == name), None)
        elif isinstance(node, yaml.SequenceNode) and name.isdigit() and int(name) < len(node.value):
            found = (node.value[int(name)],) * 2
        else:
            found = None
        if found is None:
            break
        at, node = found[0].start_mark.line, found[1]
    return int(at) + 1
