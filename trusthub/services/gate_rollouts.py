"""Which rollout a gate is asked about: what a tool asks and what it reports is one and the same."""

from sqlalchemy import ColumnElement, select
from sqlmodel import Session, col

from trusthub.domain.events import RolloutEvent
from trusthub.domain.site import Connection, Gate, GateKind
from trusthub.services.hub import Hub
from trusthub.store.tables import Rollout

_REPORTS = {
    GateKind.FLAGGER_CONFIRM: "flagger",
    GateKind.FLAGGER_ROLLBACK: "flagger",
    GateKind.ARGO_METRIC: "argo-rollouts",
    GateKind.GITHUB_PROTECTION: "github",
    GateKind.GENERIC: "generic",
}
"""The source that reads what the tool reports."""


def reporter(hub: Hub, gate: Gate) -> tuple[str, Connection]:
    """Return the connection over which the tool that asks at a gate reports, by its name."""
    source, site = _REPORTS[gate.kind], hub.configuration.site
    named = gate.connection or next((name for name, it in site.connections.items() if it.source == source), source)
    return named, hub.configuration.connection(named) or Connection(source=source)


def place_of(hub: Hub, gate: Gate, event: RolloutEvent) -> Rollout:
    """Return what a row about the event would say, to look for those that say the same. It is never stored."""
    site, (name, connection) = hub.configuration.site, reporter(hub, gate)
    component = site.component(event.names)
    return Rollout(
        connection=name,
        attempt=event.attempt,
        source=connection.source,
        subject=component.id if component else event.names[0],
        environment=site.environment(
            payload=event.environment, connection=connection.environment, namespace=event.namespace
        ),
        to_version=event.to_version,
    )


def rollout_at(session: Session, place: Rollout) -> Rollout | None:
    """Return the rollout that is asked about: by the tool's own name for it, else by its version.

    By its version only as another tool speaks of it: the tool that asks would have used the name.
    """
    row = _newest(session, col(Rollout.connection) == place.connection, col(Rollout.attempt) == place.attempt)
    if row is None and place.to_version:
        row = _newest(
            session,
            col(Rollout.subject) == place.subject,
            col(Rollout.environment).is_not_distinct_from(place.environment),
            col(Rollout.connection) != place.connection,
            col(Rollout.to_version) == place.to_version,
            col(Rollout.ended_at).is_(None),
        )
    return session.get(Rollout, row.follows_id) if row and row.follows_id else row


def _newest(session: Session, *where: ColumnElement[bool]) -> Rollout | None:
    row: Rollout | None = session.execute(
        select(Rollout).where(*where).order_by(col(Rollout.id).desc()).limit(1)
    ).scalar()
    return row
