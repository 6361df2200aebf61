"""Following rollouts: each event changes what is known, and some changes are moments worth telling."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain.events import RolloutEvent
from trusthub.domain.incident import By, State, impact_of
from trusthub.domain.message import Moment
from trusthub.domain.rollout import TROUBLED, observe
from trusthub.domain.rollout import Rollout as Known
from trusthub.services import alerts, attempts, trouble
from trusthub.services.announce import Telling, tell
from trusthub.services.attempts import Heard
from trusthub.services.cases import as_told, keep, known_of, playbook_for
from trusthub.services.facts import rollout_facts
from trusthub.services.hub import Hub
from trusthub.store.tables import Incident, Rollout

_TROUBLE = frozenset({Moment.ROLLOUT_FAILED, Moment.ROLLBACK_STARTED, Moment.ROLLBACK_FINISHED})


def follow(session: Session, hub: Hub, heard: Heard[RolloutEvent]) -> None:
    """Apply one event: update its rollout, and tell whoever its playbook names."""
    row, event = attempts.rollout_of(session, hub, heard)
    before, moment = _observe(session, row, event)
    if row.follows_id is not None:
        lead = session.get_one(Rollout, row.follows_id, with_for_update=True)
        told, known = known_of(lead), known_of(row)
        passed = attempts.passed_on(told, known, event)
        if known.measured and not told.measured:
            attempts.take_over(session, lead, row)
            before, moment = told, None if moment in told.moments else moment
        elif passed is None:
            return
        else:
            before, moment = _observe(session, lead, passed)
        row = lead
    alerts.add_links(row, event.links)
    alerts.gather(session, row)
    _act(session, hub, row, before, moment, heard)


def announce(session: Session, hub: Hub, row: Rollout, heard: Heard[RolloutEvent]) -> None:
    """Tell of a rollout's risks, although its tool has said already that it begins."""
    _tell(session, hub, row, known_of(row), Moment.ROLLOUT_PLANNED, heard)


def _observe(session: Session, row: Rollout, event: RolloutEvent) -> tuple[Known, Moment | None]:
    """Let a row take in an event; return what was known before, and the moment that it is."""
    before, versions = known_of(row), attempts.history(session, row)
    known, moment = observe(before, replace(event, to_version=versions.name(event)), versions)
    keep(row, known)
    session.flush()
    return before, moment


def _act(
    session: Session, hub: Hub, row: Rollout, before: Known, moment: Moment | None, heard: Heard[RolloutEvent]
) -> None:
    known = as_told(session, row, known_of(row))
    if moment in _TROUBLE:
        trouble.arose(session, hub, row, known, moment, heard)
    elif moment is not None and not (heard.event.retold and before.phase is None):  # a list of what was there already
        _tell(session, hub, row, known, moment, heard)
    elif known.phase in TROUBLED and (known.evidence, known.peak) != (before.evidence, before.peak):
        trouble.reconsider(session, hub, row, known, heard)
    if moment is Moment.ROLLOUT_COMPLETED:
        _overtake(session, row, heard.now)


def _tell(session: Session, hub: Hub, row: Rollout, known: Known, moment: Moment, heard: Heard[RolloutEvent]) -> None:
    playbook = playbook_for(hub, row, known.strategy)
    facts = rollout_facts(hub, row, known, hub.configuration.plans[playbook.plan])
    facts["known_risks"] = (*facts["known_risks"], *heard.event.known_risks)
    facts["unknown_risks"] = (*facts["unknown_risks"], *heard.event.unknown_risks)
    tell(
        session,
        hub,
        Telling(
            moment=moment,
            playbook=playbook,
            facts=facts,
            conversation=f"rollout:{row.public_id}",
            cause=heard.cause,
            now=heard.now,
            impact=impact_of(known.peak),
            rollout_id=row.id,
            event_id=heard.event_id,
        ),
    )


def _overtake(session: Session, row: Rollout, now: datetime) -> None:
    """A later version is complete: what staff were asked about an earlier one needs no answer any more."""
    open_questions = (
        select(Incident)
        .join(Rollout, col(Incident.rollout_id) == Rollout.id)
        .where(
            col(Rollout.subject) == row.subject,
            col(Rollout.environment).is_not_distinct_from(row.environment),
            col(Incident.public).is_(False),
            col(Incident.state) != State.RESOLVED,
            col(Incident.opened_by) == By.MACHINE,
        )
    )
    for incident in session.execute(open_questions).scalars():
        incident.state, incident.resolved_at, incident.updated_at = State.RESOLVED, now, now
        incident.closed_by = By.MACHINE
