"""What customers would read, before they do: the words, what these rest on, how many would get them, what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from trusthub.domain.approval import digest
from trusthub.domain.incident import Impact
from trusthub.domain.message import FACTS, Audience, Moment
from trusthub.domain.wording import FIRM
from trusthub.services import incidents, recipients, wording
from trusthub.services.announce import Texts
from trusthub.services.cases import Case, pages_of, the_page
from trusthub.services.facts import Facts
from trusthub.services.hub import Hub
from trusthub.services.recipients import News

Finding = dict[str, str]
"""What is wrong with words: `severity` (error, or less), `locale`, `why`, `quote`, `rewrite` and `rule`.

What is right only under the name of somebody with a role has that `role` as well.
"""
ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One update as it would go out."""

    moment: Moment
    """What it was asked to be. Where more would be too much, the texts are a holding message."""
    texts: Texts
    facts: Mapping[str, str]
    """What the texts rest on, in words."""
    recipients: int
    findings: tuple[Finding, ...]
    next_update: datetime | None
    """When the texts promise to write again."""

    @property
    def digest(self) -> str:
        """The hash of the texts."""
        return digest(self.texts)


def draft(session: Session, hub: Hub, case: Case, moment: Moment, now: datetime) -> Draft:
    """Return what customers would read if it were said now, which it is not."""
    said, texts, facts = incidents.draft(session, hub, case, moment, now)
    return Draft(
        moment=moment,
        texts=texts,
        facts=_rests_on(hub, case, said, facts),
        recipients=_recipients(session, hub, case, said, facts),
        findings=findings(hub, texts, said, facts),
        next_update=facts.get("next_update"),
    )


def findings(hub: Hub, texts: Texts, moment: Moment, facts: Facts | None = None) -> tuple[Finding, ...]:
    """Return what is wrong with words in each language; what the message owes is read from `facts` first."""
    root, known = hub.configuration.templates.root, {"page_url": hub.page.url, **(facts or {})}
    found: list[Finding] = []
    for locale, words in texts.items():
        found += (_finding(locale, f"The {part} is empty.") for part in ("subject", "body") if not words[part].strip())
        found += (
            _finding(locale, each.why, severity=each.severity, quote=each.quote, rewrite=each.rewrite, rule=each.rule)
            for each in wording.whole(root, **words, message=moment, facts=known, locale=locale)
        )
        found += (
            _finding(locale, str(each), quote=each.word, role=each.role)
            for each in wording.signatures(root, words["subject"], words["body"], locale=locale)
        )
    return tuple(found)


def firm(found: Sequence[Finding]) -> bool:
    """Whether something is wrong that no reason excuses: a secret, personal data, an empty slot."""
    return any(each.get("rule") in FIRM for each in found)


def _finding(locale: str, why: str, *, severity: str = ERROR, **more: str) -> Finding:
    return {"severity": str(severity), "locale": locale, "why": why, "quote": "", "rewrite": "", "rule": "", **more}


def _rests_on(hub: Hub, case: Case, moment: Moment, facts: Facts) -> dict[str, str]:
    """Return the facts that the words read in any language."""
    templates, message = hub.configuration.templates, case.playbook.message(moment, Audience.CUSTOMERS) or moment.value
    read = {name for locale in hub.page.locales for name in templates.facts_of(message, locale)} & FACTS.keys()
    return {name: _say(hub, facts.get(name)) for name in sorted(read) if name not in _ITS_OWN}


_ITS_OWN = frozenset({"incident_url", "answer_url", "incident_name", "page", "page_url", "support_address"})
"""What a message reads that says nothing about what happened."""


def _say(hub: Hub, value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return hub.configuration.templates.locale(hub.page.main).speech.clock(value)
        case float():
            return f"{value:g}"
        case list() | tuple():
            return ", ".join(str(each) for each in value)
        case _:
            return str(value)


def _recipients(session: Session, hub: Hub, case: Case, moment: Moment, facts: Facts) -> int:
    """Count who would be sent it: subscribers, and the places of the customers' audience besides the page."""
    told = case.playbook.tell.get(moment, {}).get(Audience.CUSTOMERS)
    impact = Impact(case.incident.impact)
    if told is None or not told.when.holds(exposure=facts["exposure"], peak=facts["peak"], impact=impact):
        return 0
    places = hub.configuration.site.audiences.get(Audience.CUSTOMERS, ())
    pages = {the_page(session, each).id for each in pages_of(hub, case.components)}
    news = [News(id=0, incident_id=case.incident.id, page_id=each, moment=moment) for each in pages]
    subscribed = sum(recipients.count(session, each) for each in news) if any(place.page for place in places) else 0
    return subscribed + sum(not place.page for place in places)
