"""Words that no person has read: checked before they leave, and held for a person where they break a rule."""

from collections.abc import Iterator
from datetime import datetime

import structlog
from sqlmodel import Session

from trusthub.domain import promise as rules
from trusthub.domain.incident import Impact
from trusthub.domain.message import Audience, Moment
from trusthub.domain.wording import Finding, Signature
from trusthub.rendering import signatures
from trusthub.services import promises, wording
from trusthub.services.announce import Telling, tell, word
from trusthub.services.cases import Case, pending, touch
from trusthub.services.facts import Facts, basis_facts, case_facts
from trusthub.services.hub import Hub

log = structlog.get_logger()

_LAST = frozenset({Moment.INCIDENT_RESOLVED, Moment.INCIDENT_RETRACTED})
"""After which nothing is promised."""


def held(session: Session, hub: Hub, case: Case, moment: Moment, now: datetime, **more: object) -> str | None:
    """Say why what customers would read now has to wait for a person; None when it may leave by itself.

    It waits when nobody stands for the words, or when the linter finds errors in them, in any of the page's languages.
    `more` are facts that only this update has.
    """
    if unsigned := hub.configuration.words_held(case.playbook):
        return unsigned
    moment = Moment.INCIDENT_HOLDING if case.holding else moment
    name = case.playbook.message(moment, Audience.CUSTOMERS) or moment.value
    facts = {**_facts(session, hub, case, moment, now), **more}
    found = dict.fromkeys(map(str, _errors(hub, name, facts)))
    if not found:
        return None
    log.warning("words.held", incident=case.incident.public_id, message=name, findings=list(found))
    return f"The message {name} was not sent, for it breaks our rules for words: {' '.join(found)}"


def wait(session: Session, hub: Hub, case: Case, why: str, *, now: datetime, cause: str) -> None:
    """Keep words back for a person: say why where they look, and tell those who work here, once for each reason."""
    known = why in case.incident.decision
    case.incident.decision = why
    touch(case.incident, now)
    if known:
        return
    facts = case_facts(hub, case, pending(session, case.incident))
    tell(
        session,
        hub,
        Telling(
            moment=Moment.WORDS_HELD,
            playbook=case.playbook,
            facts={**facts, "write_url": promises.write_url(hub, case)},
            conversation=case.conversation,
            cause=f"{cause}/held",
            now=now,
            impact=Impact(case.incident.impact),
            incident_id=case.incident.id,
            rollout_id=case.incident.rollout_id,
        ),
    )


def _errors(hub: Hub, name: str, facts: Facts) -> Iterator[Finding | Signature]:
    for locale in hub.page.locales:
        rendered = word(hub, name, facts, Audience.CUSTOMERS, locale=locale)
        folder = hub.configuration.templates.root
        yield from wording.errors(folder, rendered.subject, rendered.body, message=name, facts=facts, locale=locale)
        for owed in wording.signatures(folder, rendered.subject, rendered.body, locale=locale):
            signed = signatures.signer(hub.configuration.templates, name, locale)
            if not hub.configuration.site.roles.holds(owed.role, signed):
                yield owed


def _facts(session: Session, hub: Hub, case: Case, moment: Moment, now: datetime) -> Facts:
    """Return the facts as they will be once it is said: what it promises, and that customers know."""
    facts, told = case_facts(hub, case, pending(session, case.incident)), case.incident.told_at or now
    url = hub.incident_url(case.incident.public_id)
    facts.update(incident_url=url, answer_url=f"{url}#answer", customers_told=True, opened_at=told, told_at=told)
    if moment in _LAST:
        return {**facts, "resolved_at": now, "next_update": None}
    if not case.incident.public and (made := promises.estimate(session, case, now)):
        facts.update(recovery_from=made.earliest, recovery_until=made.due, **basis_facts(made))
    due = rules.next_update(now, case.playbook.pace(Impact(case.incident.impact)).every).due
    return {**facts, "next_update": due}
