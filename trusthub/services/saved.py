"""Answers that need not be written anew: templates/replies, filled with what is known; what is not stays a slot.

The linter lets no slot leave, so a person completes each of them.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from sqlmodel import Session

from trusthub.domain.wording import FIRM
from trusthub.errors import PlaybookError
from trusthub.rendering.messages import Messages, names
from trusthub.rendering.mistakes import bare
from trusthub.rendering.templates import Templates
from trusthub.services import feedback, wording
from trusthub.services.hub import Hub
from trusthub.services.topic import of_thread
from trusthub.store.tables import Person, Thread


def choices(hub: Hub, thread: Thread) -> tuple[tuple[str, str], ...]:
    """Return name and title of each saved answer in the language of a thread."""
    templates, code = hub.configuration.templates, feedback.language(hub, thread)
    return tuple((name, _book(templates, code).line(f"{name}/subject.txt")) for name in known(templates, code))


def fill(session: Session, hub: Hub, thread: Thread, name: str) -> str:
    """Return a saved answer with what is known of a thread; empty when there is none of that name."""
    templates, code = hub.configuration.templates, feedback.language(hub, thread)
    if name not in known(templates, code):
        return ""
    person = session.get_one(Person, thread.person_id)
    facts = {**of_thread(session, hub, thread).facts, "customer_name": person.name}
    return _book(templates, code).render(name, facts, public=True).body


def known(templates: Templates, code: str) -> tuple[str, ...]:
    """Return the names of the saved answers in a language."""
    return names(_folder(templates, code))


def check(templates: Templates, codes: tuple[str, ...]) -> None:
    """Try every saved answer with all that can be known and unknown. Raises PlaybookError with all that is wrong."""
    problems = [
        problem for code in codes for name in known(templates, code) for problem in _wrong(templates, code, name)
    ]
    if problems:
        first, *others = problems
        raise PlaybookError("\n  ".join([bare(first), *map(str, others)]), file=first.file, line=first.line)


def _wrong(templates: Templates, code: str, name: str) -> Iterator[PlaybookError]:
    book = _book(templates, code)
    problems = book.check(name)
    yield from problems
    if problems:
        return
    path = str(_folder(templates, code) / name / "body.md")
    source = Path(path).read_text(encoding="utf-8")
    for finding in wording.heard(templates.root, _spoken(source), state="reply", locale=code).errors:
        if finding.quote and finding.rule not in FIRM:  # slots are for the person who answers
            yield PlaybookError(f"{finding.why} It says {finding.quote!r}.", file=path, line=1)


def _spoken(source: str) -> str:
    """Return what a template says itself, without what it asks and what it fills in."""
    return "\n".join(line for line in source.splitlines() if not line.lstrip().startswith("{%"))


def _folder(templates: Templates, code: str) -> Path:
    return templates.locale(code).messages.parent / "replies"


@lru_cache(maxsize=8)
def _book(templates: Templates, code: str) -> Messages:
    locale = templates.locale(code)
    return Messages(_folder(templates, code), locale.messages, locale.speech)
