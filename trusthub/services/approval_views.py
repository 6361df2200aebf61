"""What staff see of a question: the words as customers would read them, and what there is to know before deciding."""

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup
from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain.approval import Standing
from trusthub.rendering import markdown
from trusthub.services import approvals, approving
from trusthub.services.cases import read_case
from trusthub.services.drafts import Finding
from trusthub.services.hub import Hub
from trusthub.store.tables import Approval, Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class TextView:
    """The words in one language."""

    locale: str
    language: str
    subject: str
    body: str
    """As it is written: Markdown."""
    html: Markup
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalView:
    """One question."""

    public_id: str
    incident: str
    """Public id."""
    name: str
    moment: str
    texts: tuple[TextView, ...]
    digest: str
    recipients: int
    decision: str
    """The evidence, in words."""
    reason: str
    """The tool's own words."""
    links: tuple[tuple[str, str], ...]
    """Label and address of places in the tool."""
    changed: tuple[dict[str, str], ...]
    asked_at: datetime
    due: datetime | None
    approver: str | None
    at_deadline: str
    held_at: datetime | None
    public: bool
    """Whether customers have heard of the incident."""
    ended: str
    """How it ended, in words; empty while it waits."""
    sent: bool
    may: bool
    """Whether who looks may decide."""
    wrong: bool
    """Whether words go out only with a reason."""


def waiting(session: Session) -> tuple[tuple[str, str, datetime | None], ...]:
    """Return questions that wait: public id, name of the incident, and when the next one is called."""
    mine = select(Approval, Incident).join(Incident, col(Incident.id) == col(Approval.incident_id))
    rows = session.execute(mine.where(col(Approval.state) == Standing.PENDING).order_by(col(Approval.id))).all()
    return tuple((row.public_id, incident.name, row.due) for row, incident in rows)


def find(session: Session, hub: Hub, public_id: str, email: str) -> ApprovalView | None:
    """Return a question by its public id, for a colleague with that address."""
    row = session.execute(select(Approval).where(col(Approval.public_id) == public_id)).scalar()
    if row is None:
        return None
    case = read_case(session, hub, row.incident_id)
    rule = case.playbook.approval
    pending = row.state == Standing.PENDING
    wrong = bool(approvals.errors(row.findings))
    told = case.incident.public
    return ApprovalView(
        public_id=public_id,
        incident=case.incident.public_id,
        name=case.incident.name,
        moment=row.moment,
        texts=tuple(_text(hub, row, code) for code in row.texts),
        digest=row.digest,
        recipients=row.recipients,
        decision=case.incident.decision,
        reason=case.known.reason if case.known else "",
        links=tuple((link["label"], link["url"]) for link in case.rollout.links) if case.rollout else (),
        changed=tuple(row.changed),
        asked_at=row.asked_at,
        due=row.due,
        approver=rule.approver(row.called) if rule else None,
        at_deadline=rule.at_deadline(sound=not wrong, told=told).value if rule else "hold",
        held_at=row.held_at,
        public=told,
        ended="" if pending else approving.ended(row),
        sent=row.state in (Standing.APPROVED, Standing.EDITED, Standing.SENT),
        may=hub.configuration.site.roles.publishes(email),
        wrong=wrong,
    )


def _text(hub: Hub, row: Approval, code: str) -> TextView:
    words = row.texts[code]
    return TextView(
        locale=code,
        language=hub.configuration.templates.locale(code).name,
        subject=words["subject"],
        body=words["body"],
        html=markdown.to_html(words["body"]),
        findings=tuple(each for each in row.findings if each["locale"] == code),
    )
