"""What would reach customers by itself is put before people first, where a playbook asks for that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from trusthub.domain.approval import ApprovalRule, OnTimeout, Standing, differing
from trusthub.domain.incident import By, Impact, State
from trusthub.domain.message import Button, Moment
from trusthub.domain.parts import Change
from trusthub.rendering import filters
from trusthub.services import drafts, incidents, promises
from trusthub.services.announce import Telling, Texts, tell
from trusthub.services.cases import Case, pending, touch, wake
from trusthub.services.drafts import ERROR, Draft, draft
from trusthub.services.facts import Facts, case_facts
from trusthub.services.hub import Hub
from trusthub.services.incidents import Approved
from trusthub.store.tables import Approval


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a question ended, and who decided it where; nobody when the clock did."""

    standing: Standing
    now: datetime
    by: str | None = None
    where: str = "clock"


_LEAST = timedelta(minutes=1)
"""What people have at least when they are asked anew: customers have waited since the first question."""


def first(session: Session, hub: Hub, case: Case, moment: Moment, *, now: datetime, cause: str) -> None:
    """Tell customers for the first time, or ask people whether to."""
    if case.playbook.approval is None:
        incidents.go_public(session, hub, case, moment, now=now, cause=cause)
    else:
        _ask(session, hub, case, case.playbook.approval, moment, now)


def further(
    session: Session, hub: Hub, case: Case, moment: Moment, *, now: datetime, cause: str, again: bool = False
) -> None:
    """Let a machine move a public incident on, or ask people whether to.

    They are asked while they have not answered about what came before, and where a playbook has every update approved.
    """
    rule = case.playbook.approval
    if rule is None or not (rule.every or case.approval):
        incidents.progress(session, hub, case, moment, now=now, cause=cause, again=again)
    elif incidents.may_move(case, moment, again=again):
        _ask(session, hub, case, rule, moment, now)


def errors(findings: Sequence[drafts.Finding]) -> list[drafts.Finding]:
    """Return the findings that keep words from leaving without a person's reason."""
    return [each for each in findings if each["severity"] == ERROR]


# ---------------------------------------------------------------------------------------------- asking


def _ask(session: Session, hub: Hub, case: Case, rule: ApprovalRule, moment: Moment, now: datetime) -> None:
    old = case.approval
    if old is None:
        made, changed = draft(session, hub, case, moment, now), list[dict[str, str]]()
    else:
        changed = changes(old, draft(session, hub, case, moment, old.worded_at), now)
        if not changed:
            return
        made = draft(session, hub, case, moment, now)
        close(session, hub, case, End(standing=Standing.VOID, now=now))
    row = Approval(
        incident_id=case.incident.id,
        moment=made.moment,
        changed=changed,
        called=old.called if old else 0,
        asked_at=now,
        held_at=old.held_at if old else None,
        due=max(old.due, now + _LEAST) if old and old.due else now + rule.within,
        **_worded(made, now),
    )
    session.add(row)
    session.flush()
    case.approval = row
    _wake(session, case, row)
    _call(session, hub, case, row, now)
    if errors(row.findings) and old is None:
        overdue(session, hub, case, now=now, cause=f"approval:{row.id}")


def ask_anew(session: Session, hub: Hub, case: Case, now: datetime) -> list[dict[str, str]]:
    """Ask again when what a question rests on is not so any more. Return what has changed; nothing when it stands."""
    row, rule = case.approval, case.playbook.approval
    if row is None or rule is None:
        return []
    moment = Moment(row.moment)
    changed = changes(row, draft(session, hub, case, moment, row.worded_at), now)
    if changed:
        _ask(session, hub, case, rule, moment, now)
    return changed


def changes(row: Approval, made: Draft, now: datetime) -> list[dict[str, str]]:
    """Return what is not as it was when people were asked: `name`, `before` and `after`."""
    found = [
        {"name": name, "before": row.facts.get(name, ""), "after": made.facts.get(name, "")}
        for name in differing(row.facts, made.facts)
    ]
    if row.moment != made.moment:
        found.insert(0, {"name": "message", "before": row.moment, "after": made.moment})
    if made.next_update is not None and made.next_update <= now:
        found.append({"name": "next_update", "before": row.facts.get("next_update", ""), "after": ""})
    if not found and row.digest != made.digest:
        found.append({"name": "words", "before": "", "after": ""})
    return found


def _word(session: Session, hub: Hub, case: Case, row: Approval, now: datetime) -> None:
    """Write the words anew: what they promise is counted from now."""
    for name, value in _worded(draft(session, hub, case, Moment(row.moment), now), now).items():
        setattr(row, name, value)


def _worded(made: Draft, now: datetime) -> dict[str, Any]:
    return {
        "texts": made.texts,
        "digest": made.digest,
        "facts": made.facts,
        "recipients": made.recipients,
        "findings": list(made.findings),
        "worded_at": now,
    }


def _wake(session: Session, case: Case, row: Approval) -> None:
    if row.due is not None:
        wake(session, case.incident, "approval", row.due)


# ---------------------------------------------------------------------------------------------- nobody answers


def overdue(session: Session, hub: Hub, case: Case, *, now: datetime, cause: str, may_tell: bool = True) -> None:
    """Nobody has decided in time, or something is wrong with the words: do what the playbook says, and call the next.

    Without `may_tell`, customers hear nothing of it now.
    """
    row, rule = case.approval, case.playbook.approval
    if row is None or rule is None:
        return
    _word(session, hub, case, row, now)
    held = hub.configuration.words_held(case.playbook) is not None
    deed = rule.at_deadline(sound=not (held or errors(row.findings)), told=case.incident.public)
    if deed is OnTimeout.SEND and may_tell:
        publish(session, hub, case, End(standing=Standing.SENT, now=now), cause=cause)
        return
    if deed is OnTimeout.HOLDING and may_tell and not held:
        incidents.hold(session, hub, case, now=now, cause=cause)
        row.held_at = now
        _word(session, hub, case, row, now)
    row.called += 1
    more = rule.approver(row.called + 1) is not None
    row.due = now + rule.within if more else None
    _wake(session, case, row)
    _call(session, hub, case, row, now)


# ---------------------------------------------------------------------------------------------- the end of a question


def publish(session: Session, hub: Hub, case: Case, end: End, *, cause: str, edited: Texts | None = None) -> None:
    """Tell customers what was asked about; words that a person `edited` instead, by language."""
    row, introduced = case.approval, case.introduced
    if row is None:
        return
    moment, approved = Moment(row.moment), Approved(worded_at=row.worded_at, edited=edited)
    close(session, hub, case, end)
    say = incidents.go_on if introduced else incidents.go_public
    say(session, hub, case, moment, now=end.now, cause=cause, approved=approved)
    if case.incident.state == State.RESOLVED:
        case.incident.closed_by = By.PERSON if end.by else By.MACHINE


def close(session: Session, hub: Hub, case: Case, end: End) -> None:
    """End a question, and let everybody who got it know how."""
    row = case.approval
    if row is None:
        return
    row.state, row.decided_by, row.how, row.decided_at, row.due = end.standing, end.by, end.where, end.now, None
    case.approval = None
    touch(case.incident, end.now)
    session.flush()
    more: Facts = {"outcome": end.standing.value, "decided_by": end.by, "decided_at": end.now}
    told = _telling(session, hub, case, row, Moment.APPROVAL_DECIDED, end.now)
    tell(session, hub, replace(told, facts=told.facts | more, cause=f"approval:{row.id}/end"))


# ---------------------------------------------------------------------------------------------- the card


def _call(session: Session, hub: Hub, case: Case, row: Approval, now: datetime) -> None:
    """Put the words before people, and call the approver whose turn it is."""
    rule = case.playbook.approval
    approver = rule.approver(row.called) if rule else None
    told = _telling(session, hub, case, row, Moment.APPROVAL_ASKED, now)
    told = replace(
        told,
        facts={**told.facts, "approver": approver},
        cause=f"approval:{row.id}/{row.called}",
        buttons=_buttons(hub, case, row),
        also=promises.addresses_of(session, approver) if approver else (),
    )
    tell(session, hub, told)


def _buttons(hub: Hub, case: Case, row: Approval) -> tuple[Button, ...]:
    value, url = f"{row.public_id}.{row.digest}", hub.console_url("approvals", row.public_id)
    asks = [("Approve", "approval-approve", False), ("Edit", "open", False)]
    asks += [] if case.incident.public else [("Precaution", "approval-precaution", False)]
    asks += [("Not an incident", "approval-false-alarm", True)]
    return tuple(
        Button(label=label, action=action, value=value, url=url, danger=danger) for label, action, danger in asks
    )


def _telling(session: Session, hub: Hub, case: Case, row: Approval, moment: Moment, now: datetime) -> Telling:
    return Telling(
        moment=moment,
        playbook=case.playbook,
        facts={**case_facts(hub, case, pending(session, case.incident)), **_facts(hub, case, row)},
        conversation=f"approval:{row.public_id}",
        cause=f"approval:{row.id}",
        now=now,
        impact=Impact(case.incident.impact),
        incident_id=case.incident.id,
        rollout_id=case.incident.rollout_id,
    )


def _facts(hub: Hub, case: Case, row: Approval) -> Facts:
    rule, language = case.playbook.approval, hub.configuration.templates.locale
    deed = rule and rule.at_deadline(sound=not errors(row.findings), told=case.incident.public).value
    return {
        "proposed": "\n\n".join(_quoted(language(locale).name, words) for locale, words in row.texts.items()),
        "recipients": row.recipients,
        "findings": tuple(each["why"] for each in row.findings),
        "changed": tuple(Change(**each) for each in row.changed),
        "decide_by": row.due,
        "at_deadline": deed if row.due else None,
        "held_at": row.held_at,
        "console_url": hub.console_url("approvals", row.public_id),
    }


def _quoted(language: str, words: Mapping[str, str]) -> str:
    title, body = filters.words(f"{language}: {words['subject']}"), filters.Written(words["body"])
    return f"**{title}**\n\n{filters.quote(body)}"
