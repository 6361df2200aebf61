"""One update in the voice of each page that has it: its links and languages, about what it shows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlmodel import Session

from trusthub.domain.page import Access
from trusthub.services.announce import Texts
from trusthub.services.cases import Case, pages_of, pending, read_case
from trusthub.services.facts import Facts, case_facts
from trusthub.services.hub import Hub
from trusthub.services.language import Translations


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A page, what it knows of an incident, and what a person wrote for it."""

    hub: Hub
    case: Case
    facts: Facts
    edited: Texts


def voices(
    session: Session,
    hub: Hub,
    case: Case,
    edited: Texts,
    more: Mapping[str, object],
    notes: Mapping[str, Translations],
) -> tuple[Voice, ...]:
    """Return the voice of each of several pages that shows something of an incident; none for a page alone.

    `notes` are a person's words for one page, by its key, which stand there instead of what `more` has for all.
    What would betray the name of something that only a closed page shows is left out of the words of the others:
    the rest of the message says what there is to say.
    """
    if hub.alone:
        return ()
    session.flush()
    found = []
    for page in pages_of(hub, case.components):
        mine = read_case(session, page, case.incident.id)
        facts = {**case_facts(page, mine, pending(session, mine.incident)), **more}
        facts["note"] = notes.get(page.page.key, facts["note"])
        safe = {name: None if betrays(page, value) else value for name, value in facts.items()}
        safe["incident_name"] = {code: title(page, mine, code) for code in page.page.locales}
        found.append(Voice(hub=page, case=mine, facts=safe, edited={} if betrays(page, edited) else edited))
    return tuple(found)


def readers(session: Session, hub: Hub, incident_id: int) -> list[tuple[str, str]]:
    """Return key and name of each page that an incident is on, where there are several to write for."""
    found = () if hub.alone else pages_of(hub, read_case(session, hub, incident_id).components)
    return [(each.page.key, each.page.name) for each in found] if len(found) > 1 else []


def title(hub: Hub, case: Case, code: str) -> str:
    """Return what a page calls an incident in one of its languages."""
    incident = case.incident
    return discreet(hub, incident.names.get(code) or incident.name, code)


def discreet(hub: Hub, name: str, code: str) -> str:
    """Return the name of an incident, or one that says less where the page must not say it."""
    if not betrays(hub, name):
        return name
    return hub.configuration.templates.locale(code).said("A problem with part of our service").unescape()


def betrays(hub: Hub, said: Any) -> bool:
    """Whether words, or any of several, name what only a closed page shows, on another page."""
    if hub.on is None or hub.alone:
        return False
    if isinstance(said, str):
        found = _pattern(_secret(hub))
        return found is not None and found.search(said) is not None
    if isinstance(said, Mapping):
        return any(betrays(hub, each) for each in said.values())
    return isinstance(said, list | tuple) and any(betrays(hub, each) for each in said)


def _secret(hub: Hub) -> frozenset[str]:
    """Return the names that a page must not say."""
    site = hub.configuration.site
    names = {component.id: component.name for component in site.components}
    open_to_all = [each for each in site.every_page if each.access is Access.PUBLIC]
    may = {names[key] for page in (*open_to_all, hub.page) for key in page.components or ()}
    closed = [each for each in site.every_page if each.access is not Access.PUBLIC and each.key != hub.page.key]
    words = {*names.values(), *(each.name for each in closed), *(each.host for each in closed)}
    return frozenset(words - may - {each.name for each in (*open_to_all, hub.page)})


@lru_cache
def _pattern(names: frozenset[str]) -> re.Pattern[str] | None:
    one = "|".join(map(re.escape, sorted(names)))
    return re.compile(rf"(?<!\w)(?:{one})(?!\w)", re.IGNORECASE) if names else None
