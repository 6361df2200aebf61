"""Who does something about an incident, what stands in the way, and the record of it."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from trusthub.domain.approval import Standing
from trusthub.domain.incident import OVER, By, Impact, State
from trusthub.domain.message import Moment
from trusthub.errors import TrusthubError
from trusthub.services import approvals, incidents
from trusthub.services.approvals import End
from trusthub.services.cases import Case
from trusthub.services.hub import Hub
from trusthub.store import trail
from trusthub.store.tables import Audit


class StaffError(TrusthubError):
    """What was asked for cannot be done; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who does something, and when."""

    actor: str
    now: datetime
    email: str = ""
    """Their address, by which site.yaml gives them a role."""
    where: str = "console"
    member: str = ""
    """Their member id in Slack, when they press there."""
    via: str = ""
    """The session or token, such as `session:k3v9x0q2m7ab`."""
    reason: str = ""
    """Why words go out in which the linter found errors."""


def settle_as_precaution(session: Session, hub: Hub, case: Case, act: Act) -> None:
    """Settle a case as a precaution, in a transaction that has more to do."""
    if case.incident.public:
        raise StaffError("Customers have been told already. Resolve it, or retract it as a false alarm.")
    not_closed(case)
    decides(session, hub, case, act, Standing.PRECAUTION)
    audit(session, act, "precaution", case)
    close(case, "precaution", act)


def retract(session: Session, hub: Hub, case: Case, act: Act) -> None:
    """Call a case a false alarm, in a transaction that has more to do."""
    not_closed(case)
    not_held(case)
    decides(session, hub, case, act, Standing.FALSE_ALARM)
    row = audit(session, act, "false-alarm", case)
    close(case, "false_alarm", act)
    case.incident.impact = Impact.NONE
    if case.incident.public:
        incidents.speak(
            session, hub, case, Moment.INCIDENT_RETRACTED, now=act.now, cause=f"audit:{row.id}", author=act.actor
        )


def not_closed(case: Case) -> None:
    """Raise StaffError for a case that is over."""
    if case.incident.state in OVER or case.incident.closed_by:
        raise StaffError("This incident is closed.")


def not_held(case: Case) -> None:
    """Raise StaffError for a case of which customers get holding messages only."""
    if case.holding:
        why = "It may be an attack, or data may be at risk, so customers get holding messages only."
        raise StaffError(f"{why} Somebody with the role legal must clear it first.")


def refusal(hub: Hub, act: Act) -> str | None:
    """Say why somebody may not decide what customers read; None when they may."""
    roles = hub.configuration.site.roles
    if roles.publishes(act.email):
        return None
    me = act.email or (f"your member id in Slack, {act.member}," if act.member else act.actor)
    who = ", ".join(each.email for each in roles.publisher) or "nobody"
    return f"Only publishers decide what customers read, and {me} is not under roles.publisher in site.yaml; {who} is."


def decides(
    session: Session, hub: Hub, case: Case, act: Act, end: Standing = Standing.OVERTAKEN, *, always: bool = False
) -> None:
    """Let only a publisher take the place of a question that waits, or of one that would be asked (`always`)."""
    waits = case.approval is not None
    if (waits or (always and case.playbook.approval)) and (why := refusal(hub, act)):
        raise StaffError(why)
    if waits:
        approvals.close(session, hub, case, End(standing=end, now=act.now, by=act.actor, where=act.where))


def close(case: Case, settled: str | None, act: Act) -> None:
    incident = case.incident
    incident.settled, incident.closed_by = settled, By.PERSON
    incident.state, incident.resolved_at, incident.updated_at = State.RESOLVED, act.now, act.now


def audit(session: Session, act: Act, action: str, case: Case, detail: str = "") -> Audit:
    """Record what somebody did about a case."""
    return audit_row(session, act, action, f"incident:{case.incident.public_id}", detail)


def audit_row(session: Session, act: Act, action: str, subject: str, detail: str = "") -> Audit:
    """Record what somebody did about `subject`, such as `incident:k3v9x0q2m7ab`, and from here on what it changes."""
    row = Audit(at=act.now, actor=act.actor, action=action, subject=subject, detail=detail, via=act.via)
    session.add(row)
    session.flush()
    trail.follow(session, row.id)
    return row
