"""What a thread is about: an incident, or a component with which somebody has trouble of their own."""

from dataclasses import dataclass, field

from sqlmodel import Session

from trusthub.domain.playbook import Playbook
from trusthub.services.announce import Texts
from trusthub.services.cases import Case, pending, read_case
from trusthub.services.facts import Facts, case_facts, page_facts
from trusthub.services.hub import Hub
from trusthub.services.voices import discreet
from trusthub.store.tables import Component, Incident, Thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What is known of it, and the playbook that says who hears."""

    playbook: Playbook
    facts: Facts
    incident_id: int | None = None
    said: Texts = field(default_factory=dict)
    """Words that stand as they are, by language."""


def of_case(session: Session, hub: Hub, case: Case) -> Topic:
    """Return an incident as a topic."""
    facts = case_facts(hub, case, pending(session, case.incident))
    return Topic(playbook=case.playbook, facts=facts, incident_id=case.incident.id)


def of_component(hub: Hub, component: Component) -> Topic:
    """Return a component as a topic."""
    playbook = hub.configuration.playbook(component=component.key, environment=None)
    return Topic(playbook=playbook, facts={**page_facts(hub), "component": component.name})


def of_thread(session: Session, hub: Hub, thread: Thread) -> Topic:
    """Return what a thread is about."""
    if thread.incident_id is None:
        return of_component(hub, session.get_one(Component, thread.component_id))
    return of_case(session, hub, read_case(session, hub, thread.incident_id))


def name_and_url(session: Session, hub: Hub, thread: Thread, locale: str = "") -> tuple[str, str]:
    """Return what readers call it, and its public page."""
    if thread.incident_id is None:
        component = session.get_one(Component, thread.component_id)
        return component.name, hub.component_url(component.public_id, locale)
    incident = session.get_one(Incident, thread.incident_id)
    name = discreet(hub, incident.names.get(locale) or incident.name, locale or hub.page.main)
    return name, hub.incident_url(incident.public_id, locale)
