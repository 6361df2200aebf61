"""Keeping what a rollback really was beside what its plan had estimated, and saying so."""

from dataclasses import asdict
from datetime import datetime, timedelta

from sqlmodel import Session

from trusthub.domain.outcome import minutes, outcome
from trusthub.domain.parts import Share
from trusthub.domain.plan import Plan
from trusthub.domain.rollout import Rollout as Known
from trusthub.services.desk_views import OutcomeView
from trusthub.services.facts import Facts
from trusthub.store.tables import Outcome, Rollout


def keep(session: Session, row: Rollout, known: Known, plan: Plan, now: datetime) -> None:
    """Write down how a rollback went, once it has finished, and anew when more becomes known.

    The plan's estimates are kept as they were: a plan that is changed afterwards does not look better than it was.
    """
    found = outcome(known)
    if found is None or found.took is None:
        return
    kept = session.get(Outcome, row.id) or Outcome(
        rollout_id=row.id,
        plan=plan.name,
        expected_from=round(plan.recovery.from_.total_seconds()),
        expected_to=round(plan.recovery.to.total_seconds()),
        expected_sla=plan.sla,
        took=0,
        at=now,
    )
    kept.layer, kept.took = found.layer, round(found.took.total_seconds())
    kept.shares = None if found.shares is None else [asdict(share) for share in found.shares]
    session.add(kept)


def facts(known: Known | None) -> Facts:
    """Return what a message can say of how a rollback went; nothing while it has not finished."""
    found = outcome(known) if known else None
    if found is None or found.took is None:
        return {}
    return {"layer_used": found.layer, "recovery_minutes": minutes(found.took), "sla_effect": found.shares}


def view(session: Session, row: Rollout) -> OutcomeView | None:
    """Return how a rollback went, beside its estimates, for the console."""
    kept = session.get(Outcome, row.id)
    if kept is None:
        return None
    return OutcomeView(
        plan=kept.plan,
        layer=kept.layer,
        expected_from=minutes(timedelta(seconds=kept.expected_from)),
        expected_to=minutes(timedelta(seconds=kept.expected_to)),
        took=minutes(timedelta(seconds=kept.took)),
        expected_sla=kept.expected_sla,
        shares=None if kept.shares is None else tuple(Share(**share) for share in kept.shares),
        late=kept.took > kept.expected_to,
    )
