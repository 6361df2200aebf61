"""A rollback that customers ask for is put before people. They decide; deciding nothing leaves the rollout as it is."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain.message import Button, Moment
from trusthub.domain.parts import Tallied
from trusthub.services import complaints
from trusthub.services.acts import Act, StaffError, audit_row
from trusthub.services.announce import Telling, tell
from trusthub.services.cases import known_of, playbook_for
from trusthub.services.facts import Facts, rollout_facts
from trusthub.services.hub import Hub
from trusthub.store.tables import Proposal, Rollout

LEFT = "left the rollout as it is"
"""The act on record."""


def pending(session: Session, row: Rollout) -> Proposal | None:
    """Return what waits for a decision about a rollout."""
    found = select(Proposal).where(col(Proposal.rollout_id) == row.id, col(Proposal.state) == "pending")
    proposal: Proposal | None = session.execute(found).scalar()
    return proposal


def asked(session: Session, row: Rollout) -> tuple[int, int] | None:
    """Return how many customers asked for a rollback, of how many who complained, while nobody has decided."""
    found = pending(session, row)
    return (found.requests, found.complaints) if found else None


def waiting(session: Session) -> list[tuple[Proposal, Rollout]]:
    """Return what waits for a decision, the oldest first."""
    found = select(Proposal, Rollout).join(Rollout, col(Rollout.id) == col(Proposal.rollout_id))
    rows = session.execute(found.where(col(Proposal.state) == "pending").order_by(col(Proposal.id)))
    return [(proposal, row) for proposal, row in rows]


def propose(session: Session, hub: Hub, row: Rollout, tally: Tallied, tool: str | None, now: datetime) -> None:
    """Put a rollback before people. `tool` is what they can ask to roll back; None where nothing listens."""
    proposal = Proposal(rollout_id=row.id, complaints=tally.complaints, requests=tally.requests, created_at=now)
    session.add(proposal)
    session.flush()
    _tell(session, hub, row, proposal, Moment.ROLLBACK_PROPOSED, now, _buttons(hub, row, tool))


def keep(hub: Hub, public_id: str, act: Act, why: str) -> None:
    """Decide that a rollout stays as it is, for now. Raises StaffError."""
    with hub.database.transaction() as session:
        row = session.execute(select(Rollout).where(col(Rollout.public_id) == public_id).with_for_update()).scalar()
        if row is None or pending(session, row) is None:
            raise StaffError("No rollback is proposed for it, or somebody has decided already.")
        audit_row(session, act, LEFT, f"rollout:{public_id}", why)
        decide(session, hub, row, "kept", act.now, act.actor)


def decide(session: Session, hub: Hub, row: Rollout, state: str, now: datetime, who: str | None = None) -> None:
    """End what waits, if something does, and let everybody who got the question know how: asked, kept or void."""
    if (proposal := pending(session, row)) is None:
        return
    proposal.state, proposal.decided_by, proposal.decided_at = state, who, now
    session.flush()
    _tell(session, hub, row, proposal, Moment.ROLLBACK_DECIDED, now, ())


def facts_of(session: Session, hub: Hub, row: Rollout, per_network: int) -> Facts:
    """Return the facts of a rollout with what customers say of it."""
    known = known_of(row)
    plan = hub.configuration.plans[playbook_for(hub, row, known.strategy).plan]
    tally = asdict(complaints.counted(session, row, per_network))
    by_step = tuple(complaints.stepwise(session, row, per_network))
    said = {"rollback_requests": tally.pop("requests"), **tally, "complaints_by_step": by_step}
    return {**rollout_facts(hub, row, known, plan), **said}


def _tell(
    session: Session,
    hub: Hub,
    row: Rollout,
    proposal: Proposal,
    moment: Moment,
    now: datetime,
    buttons: tuple[Button, ...],
) -> None:
    playbook = playbook_for(hub, row, known_of(row).strategy)
    asked = playbook.propose_rollback
    counts = {"complaints": proposal.complaints, "rollback_requests": proposal.requests}
    facts = {
        **facts_of(session, hub, row, asked.per_network if asked else complaints.PER_NETWORK),
        **(counts if moment is Moment.ROLLBACK_DECIDED else {}),
        "threshold": asked.requests if asked else None,
        "outcome": None if proposal.state == "pending" else proposal.state,
        "decided_by": proposal.decided_by,
        "decided_at": proposal.decided_at,
    }
    told = Telling(
        moment=moment,
        playbook=playbook,
        facts=facts,
        conversation=f"proposal:{proposal.public_id}",
        cause=f"proposal:{proposal.id}/{proposal.state}",
        now=now,
        buttons=buttons,
        rollout_id=row.id,
    )
    tell(session, hub, told)


def _buttons(hub: Hub, row: Rollout, tool: str | None) -> tuple[Button, ...]:
    url = hub.console_url("rollouts", row.public_id)
    asks = [(f"Ask {tool} to roll back", "rollback-ask", True)] if tool else []
    asks += [("Leave it as it is", "rollback-keep", False), ("Look at it", "open", False)]
    return tuple(
        Button(label=label, action=action, value=row.public_id, url=url, danger=danger)
        for label, action, danger in asks
    )
