"""Alerts: each is kept, and linked to the rollout that it falls into. Alone it tells nobody anything."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import or_, select
from sqlmodel import Session, col

from trusthub.domain.events import AlertEvent, Evidence, Link
from trusthub.domain.rollout import AFTERWARDS, TROUBLED, alerted, with_evidence
from trusthub.services import trouble
from trusthub.services.attempts import Heard
from trusthub.services.cases import as_told, keep, known_of
from trusthub.services.hub import Hub
from trusthub.store.tables import Alert, Rollout

_LONGEST = timedelta(days=7)
"""How far back a rollout that is still open may have begun."""
_MOST_LINKS = 12


def hear(session: Session, hub: Hub, heard: Heard[AlertEvent]) -> None:
    """Keep an alert, and let the rollout that it fell into know; customers may have to be told now."""
    alert = _kept(session, hub, heard)
    if alert.rollout_id is not None or not heard.event.firing:
        return
    row = _rollout(session, alert)
    if row is None:
        return
    before = known_of(row).evidence
    _link(row, alert)
    session.flush()
    known = as_told(session, row, known_of(row))
    if known.phase in TROUBLED and known.evidence is not before:
        trouble.reconsider(session, hub, row, known, heard)


def gather(session: Session, row: Rollout) -> None:
    """Link the alerts that came before we heard of the rollout that they fell into."""
    begun = known_of(row).started_at
    if begun is None:
        return
    waiting = session.execute(
        select(Alert).where(
            col(Alert.subject) == row.subject,
            col(Alert.started_at) >= begun,
            col(Alert.rollout_id).is_(None),
            or_(col(Alert.ended_at).is_(None), col(Alert.ended_at) > col(Alert.started_at)),  # it was heard to begin
            or_(col(Alert.environment).is_(None), col(Alert.environment).is_not_distinct_from(row.environment)),
        )
    ).scalars()
    for alert in waiting:
        if alerted(known_of(row), alert.started_at):
            _link(row, alert)


def add_links(row: Rollout, links: Sequence[Link]) -> None:
    """Add addresses in tools to a rollout's own, the newest first."""
    found = {link.url: {"label": link.label, "url": link.url} for link in links}
    found.update((known["url"], known) for known in row.links if known["url"] not in found)
    row.links = list(found.values())[:_MOST_LINKS]


def _kept(session: Session, hub: Hub, heard: Heard[AlertEvent]) -> Alert:
    event, site = heard.event, hub.configuration.site
    same = (col(Alert.connection) == heard.name, col(Alert.alert) == event.alert)
    alert = session.execute(select(Alert).where(*same).with_for_update()).scalar()
    if alert is None:
        component = site.component(event.names)
        alert = Alert(
            connection=heard.name,
            alert=event.alert,
            subject=component.id if component else event.names[0],
            environment=site.environment(
                payload=event.environment, connection=heard.connection.environment, namespace=event.namespace
            ),
            started_at=event.occurred_at,
        )
        session.add(alert)
    alert.title, alert.severity = event.title or alert.title, event.severity or alert.severity
    alert.links = [{"label": link.label, "url": link.url} for link in event.links] or alert.links or []
    if event.firing:
        alert.started_at = min(alert.started_at, event.occurred_at)
        if alert.ended_at is not None and event.occurred_at > alert.ended_at:
            alert.ended_at = None  # it was opened again
    else:
        alert.ended_at = event.occurred_at
    session.flush()
    return alert


def _rollout(session: Session, alert: Alert) -> Rollout | None:
    """Return the newest rollout that can be the cause. Without an environment of its own it must be the only place."""
    rows = session.execute(
        select(Rollout)
        .where(
            col(Rollout.subject) == alert.subject,
            col(Rollout.follows_id).is_(None),
            col(Rollout.created_at) > alert.started_at - _LONGEST,
            or_(col(Rollout.ended_at).is_(None), col(Rollout.ended_at) >= alert.started_at - AFTERWARDS),
        )
        .order_by(col(Rollout.id).desc())
        .with_for_update()
    ).scalars()
    found = [row for row in rows if alerted(known_of(row), alert.started_at)]
    places = {row.environment for row in found}
    if alert.environment is not None:
        found = [row for row in found if row.environment == alert.environment]
    elif len(places) > 1:
        return None
    return found[0] if found else None


def _link(row: Rollout, alert: Alert) -> None:
    """Let an alert be evidence of what a rollout did."""
    alert.rollout_id = row.id
    keep(row, with_evidence(known_of(row), Evidence.ALERT))
    title = f"Alert: {alert.title}" if alert.title else "Alert"
    add_links(row, [Link(label=title, url=link["url"]) for link in alert.links[:1]])
