"""A person answers what they were asked before customers read it. The first answer counts; each press is on record."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain.approval import Standing
from trusthub.domain.message import Moment
from trusthub.services import acts, approvals, drafts
from trusthub.services.acts import Act, StaffError
from trusthub.services.announce import Texts
from trusthub.services.approvals import End
from trusthub.services.cases import Case, open_case
from trusthub.services.hub import Hub
from trusthub.store.tables import Approval


class Press(StrEnum):
    """What can be pressed."""

    APPROVE = "approve"
    PRECAUTION = "precaution"
    FALSE_ALARM = "false-alarm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person presses, and what they saw."""

    press: Press
    digest: str
    """The words that they saw, by their hash."""
    texts: Texts | None = None
    """Words that they wrote instead, in each language of the page."""
    reason: str = ""
    """Why words go out in which something is wrong."""


ENDED: Mapping[str, str] = {
    Standing.APPROVED: "approved it",
    Standing.EDITED: "approved it with words of their own",
    Standing.PRECAUTION: "called it a precaution",
    Standing.FALSE_ALARM: "called it no incident",
    Standing.OVERTAKEN: "decided on the page of the incident",
}


def decide(hub: Hub, public_id: str, act: Act, answer: Answer) -> None:
    """Do what a publisher answers. Raises StaffError with what was done instead, when it is not that."""
    with hub.database.transaction() as session:
        row, case = _asked(session, hub, public_id)
        acts.audit_row(session, act, f"pressed {answer.press}", f"incident:{case.incident.public_id}", act.where)
        why = _refusal(session, hub, case, row, act, answer)
        if why is None:
            try:
                with session.begin_nested():
                    _do(session, hub, case, row, act, answer)
            except StaffError as error:
                why = str(error)
    if why is not None:  # only now, so that the press stays on record
        raise StaffError(why)


def ended(row: Approval) -> str:
    """Return how a question ended, as a sentence."""
    at = f"{row.decided_at:%H:%M} UTC" if row.decided_at else "an unknown time"
    if row.state == Standing.VOID:
        return f"What it rests on had changed at {at}, and a new question took its place."
    if row.state == Standing.SENT:
        return f"Nobody had decided, so it went out at {at}."
    return f"{row.decided_by} {ENDED[row.state]} at {at} ({row.how})."


def _asked(session: Session, hub: Hub, public_id: str) -> tuple[Approval, Case]:
    """Return a question under the lock of its incident, so that two who press take turns."""
    mine = select(Approval).where(col(Approval.public_id) == public_id)
    row: Approval | None = session.execute(mine).scalar()
    if row is None:
        raise StaffError("There is no such question.")
    case = open_case(session, hub, row.incident_id)
    session.refresh(row)
    return row, case


def _refusal(session: Session, hub: Hub, case: Case, row: Approval, act: Act, answer: Answer) -> str | None:
    """Return why a press does nothing, or something else; None when it counts."""
    if why := acts.refusal(hub, act):
        return why
    if row.state != Standing.PENDING:
        return f"This has been decided. {ended(row)}"
    return _stale(session, hub, case, row, act, answer) if answer.press is Press.APPROVE else None


def _stale(session: Session, hub: Hub, case: Case, row: Approval, act: Act, answer: Answer) -> str | None:
    """Return why these words cannot go out; None when they can."""
    if answer.digest != row.digest:
        return "The words were written anew after you opened them. Nothing was sent. Please read them again."
    if changed := approvals.ask_anew(session, hub, case, act.now):
        names = ", ".join(each["name"].replace("_", " ") for each in changed)
        return f"What the words rest on has changed ({names}). Nothing was sent; there is a new question."
    found = drafts.findings(hub, answer.texts, Moment(row.moment)) if answer.texts else row.findings
    roles = hub.configuration.site.roles
    wrong = [each for each in approvals.errors(found) if not roles.holds(each.get("role", ""), act.email)]
    if others := {each["why"] for each in wrong if "role" in each}:
        return f"{' '.join(sorted(others))} Edit the words, or let them decide."
    if drafts.firm(found):
        return "Secrets, personal data and empty slots cannot be published, whatever the reason. Edit the words."
    if wrong and not answer.reason.strip():
        said = " ".join(each["why"] for each in wrong)
        return f"Something is wrong with the words: {said} Edit them in the console, or say there why they go out so."
    return None


def _do(session: Session, hub: Hub, case: Case, row: Approval, act: Act, answer: Answer) -> None:
    if answer.press is Press.PRECAUTION:
        acts.settle_as_precaution(session, hub, case, act)
    elif answer.press is Press.FALSE_ALARM:
        acts.retract(session, hub, case, act)
    else:
        edited = {code: words for code, words in (answer.texts or {}).items() if words != row.texts.get(code)}
        standing = Standing.EDITED if edited else Standing.APPROVED
        about, why = f"incident:{case.incident.public_id}", answer.reason.strip()
        record = acts.audit_row(session, act, standing.value, about, why)
        case.incident.decision = f"{act.actor} {ENDED[standing]}."
        end = End(standing=standing, now=act.now, by=act.actor, where=act.where)
        approvals.publish(session, hub, case, end, cause=f"audit:{record.id}", edited=edited)
