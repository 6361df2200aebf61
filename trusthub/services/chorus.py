"""What customers say of rollouts that are under way, told to the people who roll out while it still matters.

In Slack one message below the rollout changes with the counts; so many complaints are no more noise than one. When a
playbook's threshold is passed, a rollback is put before people, once.
"""

from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from trusthub.domain.message import Moment
from trusthub.domain.parts import Tallied
from trusthub.domain.rollout import UNDER_WAY
from trusthub.services import complaints, gate_rollback, proposals
from trusthub.services.announce import Telling, tell
from trusthub.services.cases import known_of, playbook_for
from trusthub.services.hub import Hub
from trusthub.services.seldom import Seldom
from trusthub.store.tables import Chorus, Proposal, Rollout, Thread

LOOK = timedelta(seconds=15)
"""Between two looks of one process."""
PACE = timedelta(minutes=2)
"""Between two changes of what Slack shows of one rollout."""
_LATELY = timedelta(days=14)
"""A rollout that began longer ago, and whose end nobody told, is not looked at any more."""


class Listening:
    """Looks for new voices, once in a while."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._seldom = hub, Seldom(LOOK)

    def watch(self, now: datetime) -> None:
        """Look at each rollout that is under way. Of several workers, one tells."""
        if not self._seldom.due(now):
            return
        with self._hub.database.reading() as session:
            found = _spoken_of(session, self._hub, now) + _overtaken(session)
        for number in found:
            with suppress(IntegrityError), self._hub.database.transaction() as session:  # another worker was first
                row = session.execute(select(Rollout).where(col(Rollout.id) == number).with_for_update()).scalar_one()
                hear(session, self._hub, row, now)


def hear(session: Session, hub: Hub, row: Rollout, now: datetime) -> None:
    """Tell what customers say of a rollout now, and propose a rollback when so many ask for one."""
    if row.phase not in UNDER_WAY:
        proposals.decide(session, hub, row, "void", now)
        return
    playbook = playbook_for(hub, row, known_of(row).strategy)
    threshold = playbook.propose_rollback
    tally = complaints.counted(session, row, threshold.per_network if threshold else complaints.PER_NETWORK)
    if threshold and threshold.passed(tally) and not _settled(session, row):
        tool = row.source if gate_rollback.may_ask(session, hub, row) else None
        proposals.propose(session, hub, row, tally, tool, now)
    _show(session, hub, row, tally, now)


def _show(session: Session, hub: Hub, row: Rollout, tally: Tallied, now: datetime) -> None:
    """Let the message below the rollout change, unless it has just changed or says so already."""
    kept, said = session.get(Chorus, row.id), asdict(tally)
    if not tally.complaints or (kept and (kept.told == said or kept.told_at + PACE > now)):
        return
    session.merge(Chorus(rollout_id=row.id, told=said, told_at=now))
    playbook = playbook_for(hub, row, known_of(row).strategy)
    asked = playbook.propose_rollback
    conversation = f"rollout:{row.public_id}"
    told = Telling(
        moment=Moment.ROLLOUT_COMPLAINTS,
        playbook=playbook,
        facts=proposals.facts_of(session, hub, row, asked.per_network if asked else complaints.PER_NETWORK),
        conversation=f"{conversation}/complaints",
        under=conversation,
        cause=f"{conversation}/complaints:{now.isoformat()}",
        now=now,
        rollout_id=row.id,
    )
    tell(session, hub, told)


def _spoken_of(session: Session, hub: Hub, now: datetime) -> list[int]:
    """Return the rollouts under way where customers are, on whose component somebody wrote since they began."""
    wrote = exists().where(col(Thread.updated_at) >= col(Rollout.created_at))  # it has an index
    found = select(col(Rollout.id)).where(
        col(Rollout.phase).in_(UNDER_WAY),
        col(Rollout.follows_id).is_(None),
        col(Rollout.environment).in_(hub.configuration.site.environments.public),
        col(Rollout.created_at) > now - _LATELY,
        wrote,
    )
    return list(session.execute(found.order_by(col(Rollout.id))).scalars())


def _overtaken(session: Session) -> list[int]:
    """Return the rollouts that are over although a question about them waits."""
    waits = select(col(Proposal.rollout_id)).where(col(Proposal.state) == "pending")
    over = select(col(Rollout.id)).where(col(Rollout.id).in_(waits), col(Rollout.phase).not_in(UNDER_WAY))
    return list(session.execute(over).scalars())


def _settled(session: Session, row: Rollout) -> bool:
    """Whether people were asked already, or one of them has asked the tool without being asked."""
    if gate_rollback.asker(session, row.public_id):
        return True
    return session.execute(select(col(Proposal.id)).where(col(Proposal.rollout_id) == row.id)).first() is not None
