"""What may be said to whom: every fact a template can read, and whether the public may read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from trusthub.domain.events import Evidence, Link
from trusthub.domain.parts import Change, Heard, Share, Tallied, Told, WayBack


class Moment(StrEnum):
    """An occasion on which a playbook may tell somebody something."""

    ROLLOUT_PLANNED = "rollout.planned"
    ROLLOUT_STARTED = "rollout.started"
    ROLLOUT_PROGRESSED = "rollout.progressed"
    ROLLOUT_PAUSED = "rollout.paused"
    ROLLOUT_COMPLETED = "rollout.completed"
    ROLLOUT_COMPLAINTS = "rollout.complaints"
    ROLLOUT_FAILED = "rollout.failed"
    ROLLBACK_PROPOSED = "rollback.proposed"
    ROLLBACK_DECIDED = "rollback.decided"
    ROLLBACK_STARTED = "rollback.started"
    ROLLBACK_FINISHED = "rollback.finished"
    INCIDENT_INVESTIGATING = "incident.investigating"
    INCIDENT_SEVERAL = "incident.several"
    INCIDENT_IDENTIFIED = "incident.identified"
    INCIDENT_UPDATED = "incident.updated"
    INCIDENT_MONITORING = "incident.monitoring"
    INCIDENT_RESOLVED = "incident.resolved"
    INCIDENT_RETRACTED = "incident.retracted"
    INCIDENT_HOLDING = "incident.holding"
    INCIDENT_CORRECTED = "incident.corrected"
    INCIDENT_POSTMORTEM = "incident.postmortem"
    PROMISE_DUE_SOON = "promise.due_soon"
    PROMISE_HOLDING = "promise.holding"
    INCIDENT_UNWELCOME = "incident.unwelcome"
    PROMISE_MISSED = "promise.missed"
    MAINTENANCE_PLANNED = "maintenance.planned"
    MAINTENANCE_REMINDER = "maintenance.reminder"
    MAINTENANCE_STARTED = "maintenance.started"
    MAINTENANCE_UPDATED = "maintenance.updated"
    MAINTENANCE_OVERRUN = "maintenance.overrun"
    MAINTENANCE_COMPLETED = "maintenance.completed"
    MAINTENANCE_CANCELLED = "maintenance.cancelled"
    THREAD_OPENED = "thread.opened"
    THREAD_RECEIVED = "thread.received"
    THREAD_REPLIED = "thread.replied"
    THREAD_CLOSED = "thread.closed"
    AFFECTED_TOLD = "affected.told"
    AFFECTED_ENDED = "affected.ended"
    AFFECTED_ANSWERED = "affected.answered"
    SUBSCRIBER_ASKED = "subscriber.asked"
    SUBSCRIBER_KNOWN = "subscriber.known"
    CONNECTION_SILENT = "connection.silent"
    CONNECTION_HEARD = "connection.heard"
    DESTINATION_DISABLED = "destination.disabled"
    CHANNEL_STUCK = "channel.stuck"
    APPROVAL_ASKED = "approval.asked"
    APPROVAL_DECIDED = "approval.decided"
    WORDS_HELD = "words.held"
    TRUST_MONTHLY = "trust.monthly"


class Audience(StrEnum):
    """Who hears. Customers are the public; the other two work here."""

    STAKEHOLDERS = "stakeholders"
    SUPPORT = "support"
    CUSTOMERS = "customers"

    @property
    def public(self) -> bool:
        """Whether what is said to this audience is said in public."""
        return self is Audience.CUSTOMERS


@dataclass(frozen=True, slots=True)
class Fact:
    """One name that templates can read: who may read it, and where its value comes from."""

    public: bool
    source: str
    sample: object
    optional: bool = False
    """Whether the value may be None; a template must then say what it says without it."""


_NOON = datetime(2026, 11, 22, 14, 2, tzinfo=UTC)


def _public(source: str, sample: object, *, optional: bool = False) -> Fact:
    return Fact(public=True, source=source, sample=sample, optional=optional)


def _internal(source: str, sample: object, *, optional: bool = False) -> Fact:
    return Fact(public=False, source=source, sample=sample, optional=optional)


FACTS: Mapping[str, Fact] = {
    # the page
    "page": _public("site.yaml page.name", "Acme"),
    "page_url": _public("site.yaml page.url", "https://status.acme.example"),
    "support_address": _public("site.yaml page.support", "support@acme.example", optional=True),
    # the component and its versions; a version that looks like a branch, host or path stays internal (public_version)
    "component": _public(
        "site.yaml component name; internal messages: the tool's name when it is not listed", "Checkout"
    ),
    "components": _public("names of the components that the incident touches", ("Checkout", "Search", "Sign-in")),
    "to_version": _public("event to_version, when it reads as a version", "2.8.0", optional=True),
    "from_version": _public("event from_version or our version history", "2.7.4", optional=True),
    # how far it went: exposure is not harm
    "peak": _public("highest exposure of the rollout, percent", 5.0, optional=True),
    "exposed_from": _public("first time exposure was above 0", _NOON, optional=True),
    "exposed_until": _public(
        "time exposure returned to 0; None while it lasts", _NOON.replace(minute=9), optional=True
    ),
    "sticky": _public("component.routing is sticky: a share of requests is a share of customers", False),
    "customers": _public("component.customers, with sticky routing only", 48200, optional=True),
    "customers_hit": _public("number of customers who were hit, as a person counted them", 312, optional=True),
    "failed": _public("number of failed requests, from a measurement or a person", 1204, optional=True),
    "exposure": _public("exposure now, percent", 5.0, optional=True),
    "task": _public("component.task: what customers do with it", "pay for an order", optional=True),
    "symptom": _public(
        "component.symptoms, by the metric that failed; None when it names none, or more than one",
        "were slow",
        optional=True,
    ),
    "evidence": _public(
        "how we know of harm: failed_analysis, alert, complaints or person", Evidence.FAILED_ANALYSIS, optional=True
    ),
    # the incident
    "incident_url": _public(
        "page.url and the incident's public id; None when customers have not been told",
        "https://status.acme.example/incidents/k3v9x0q2m7ab",
        optional=True,
    ),
    "answer_url": _public(
        "where to answer on the incident", "https://status.acme.example/incidents/k3v9x0q2m7ab#answer", optional=True
    ),
    "incident_name": _public("the incident's title", "Checkout: a problem with 2.8.0", optional=True),
    "opened_at": _public("when the incident was first told", _NOON.replace(minute=6), optional=True),
    "rollback_started_at": _public("event time of the rollback's start", _NOON.replace(minute=6), optional=True),
    "rollback_finished_at": _public("event time of the rollback's end", _NOON.replace(minute=9), optional=True),
    "resolved_at": _public("when the incident was resolved", _NOON.replace(minute=40), optional=True),
    "told_at": _public("when a false alarm was told", _NOON.replace(minute=6), optional=True),
    "cause_class": _public(
        "a person, or a failed check of a rollout that going back has ended: our_change, our_system, dependency, "
        "attack or unknown",
        "our_change",
    ),
    "safeguard_missing": _public("a person: we should have found it before it reached customers", True),
    "last_told_at": _public("when the update before this one was written", _NOON.replace(minute=6), optional=True),
    "minutes": _public("whole minutes since it began", 34, optional=True),
    "rollback_minutes": _public("whole minutes since the rollback began, while it lasts", 30, optional=True),
    "reports": _public("how many customers wrote to us about it", 7, optional=True),
    "new_reports": _public("how many of them since the update before this one", 3, optional=True),
    # what a person corrected: the names of what we said otherwise, and what we had said
    "corrected": _public(
        "names of what is corrected: peak, failed, customers, began, ended, impact", ("peak", "failed", "customers")
    ),
    "corrected_at": _public("when a person corrected it", _NOON.replace(minute=40), optional=True),
    "said_peak": _public("peak, as we said it before the correction", 5.0, optional=True),
    "said_failed": _public("failed, as we said it before", 900, optional=True),
    "said_customers": _public("customers_hit, as we said it before", 410, optional=True),
    "said_began": _public("when it began, as we said it before", _NOON.replace(minute=1), optional=True),
    "said_ended": _public("when it ended, as we said it before", _NOON.replace(minute=12), optional=True),
    "said_impact": _public("impact, as we said it before", "minor", optional=True),
    "impact": _public("the incident's impact: none, minor, major or critical", "major", optional=True),
    "began": _public("when it began, as a person corrected it", _NOON.replace(minute=2), optional=True),
    "note": _public("words a person wrote for this update", "We are restoring the index now.", optional=True),
    "complaint": _public(
        "a person: what customers dislike", "The list of orders needs two more clicks.", optional=True
    ),
    "motive": _public(
        "a person: what we meant by a change, and whom it helped", "It loads faster for new customers.", optional=True
    ),
    # planned work
    "window_from": _public("when planned work begins", _NOON.replace(minute=5), optional=True),
    "window_until": _public("when we said that planned work ends", _NOON.replace(minute=35), optional=True),
    "window_began": _public("when planned work began; None before", _NOON.replace(minute=5), optional=True),
    "said_from": _public("window_from, as we said it before a change", _NOON.replace(minute=3), optional=True),
    "said_until": _public("window_until, as we said it before a change", _NOON.replace(minute=30), optional=True),
    "verifying": _public("whether planned work is done and being checked", False),
    "effect": _public("a person: what customers cannot do meanwhile", "You cannot pay for an order.", optional=True),
    "advice": _public("a person: what customers can do about it", "Pay before 14:00 UTC.", optional=True),
    "calendar_url": _public(
        "the incident's calendar entry; None for what was not planned",
        "https://status.acme.example/incidents/k3v9x0q2m7ab.ics",
        optional=True,
    ),
    # promises
    "next_update": _public("promise next_update: when we write again", _NOON.replace(minute=36), optional=True),
    "recovery_from": _public("rollback start plus plan.recovery.from", _NOON.replace(minute=8), optional=True),
    "recovery_until": _public("rollback start plus plan.recovery.to", _NOON.replace(minute=16), optional=True),
    "recovery_basis": _public(
        "plan.recovery.basis, written by a person", "traffic returns to the earlier version at once", optional=True
    ),
    "recovery_count": _public("number of comparable rollbacks that the recovery rests on", 4, optional=True),
    "recovery_shortest": _public("minutes that the shortest of them took", 3, optional=True),
    "recovery_longest": _public("minutes that the longest of them took", 8, optional=True),
    "promise_kind": _public("next_update or recovery", "next_update", optional=True),
    "promised_by": _public("the time we promised, and missed or have to keep", _NOON.replace(minute=36), optional=True),
    # one customer's thread
    "customer_name": _public("what the customer calls themselves", "Ana", optional=True),
    "customer_words": _public("what the customer wrote", "My payment failed twice.", optional=True),
    "reply": _public("what a person answered", "You are right. Your second payment was not charged.", optional=True),
    "replied_by": _public("name the answering person goes by", "Mira", optional=True),
    "reply_within": _public("seconds within which half of the latest first answers came", 1800.0, optional=True),
    "reply_count": _public("number of first answers that says so", 12, optional=True),
    "answer_by_mail": _public("whether an answer to a mail reaches us", True, optional=True),
    "thread_url": _public("the customer's private page", "https://status.acme.example/threads/t0ken", optional=True),
    "affected": _public("whether an incident hit the reader, by the list that somebody gave us", True),
    # what somebody asked to hear by mail
    "confirm_url": _public("the page that begins mail", "https://status.acme.example/subscriptions/t0ken"),
    "confirm_by": _public("until when it does", _NOON.replace(day=23)),
    "manage_url": _public("the page that changes or stops mail", "https://status.acme.example/subscriptions/t0ken"),
    # staff only
    "pain": _internal("what the customer says of how it hurts: blocking, painful or minor", "blocking", optional=True),
    "files": _internal("number of files that came with the words", 1, optional=True),
    "recorded_by": _internal("which of us wrote down what the customer said elsewhere", "Mira (Slack)", optional=True),
    "held": _internal("whether the words came from another address than the customer's", True, optional=True),
    "wants_rollback": _internal("whether the customer wants the change rolled back", True, optional=True),
    "console_url": _internal("the incident, rollout or thread in the console", "https://status.acme.example/console/"),
    "write_url": _internal(
        "the form that keeps a promise", "https://status.acme.example/console/incidents/7#write", optional=True
    ),
    "promise_owner": _internal("who keeps the promise: who wrote, else plan.owner", "Mira", optional=True),
    "ends_itself": _internal("whether planned work is over when its time is, by itself", True, optional=True),
    "holdings_left": _internal("holding updates that the hub still writes by itself", 2, optional=True),
    "environment": _internal("payload, else connection, else listed namespace", "production", optional=True),
    "strategy": _internal("event strategy", "canary"),
    "step": _internal("event step", 2, optional=True),
    "steps": _internal("event steps", 4, optional=True),
    "tool": _internal("name of the source that spoke", "argo-rollouts"),
    "artifact": _internal(
        "event artifact: image, purl or commit", "registry.acme.example/checkout:2.8.0", optional=True
    ),
    "actor": _internal("event actor", "release-bot", optional=True),
    "reason": _internal("the tool's words", "metric success-rate: 0.71 < 0.99", optional=True),
    "links": _internal(
        "addresses in the tool: list of label, url",
        (Link(label="Rollout in Argo", url="https://argo.acme.example/rollout/checkout"),),
    ),
    "customers_told": _internal("whether customers were told by this moment", True),
    "decision": _internal("why customers were or were not told, one sentence", "The analysis failed at 5 % exposure."),
    "reverts": _internal(
        "the version this rollback brings back, when only our history says so", "2.7.4", optional=True
    ),
    "known_risks": _internal("plan.known_risks and the event's", ("Payments in flight are retried once.",)),
    "unknown_risks": _internal("plan.unknown_risks and the event's", ("Load above 2,000 requests a second.",)),
    "plan_title": _internal("plan.title", "Going back from a canary"),
    "plan_summary": _internal("plan.summary", "Set the canary weight to 0; the earlier version takes all traffic."),
    "sla": _internal("plan.sla", "Up to 10 minutes of errors for the exposed share."),
    "plan_recovery_from": _internal("plan.recovery.from, in seconds", 120),
    "plan_recovery_until": _internal("plan.recovery.to, in seconds", 600),
    "plan_owner": _internal("plan.owner", "Payments on call"),
    "plan_artifact": _internal("plan.artifact.what", "the image of the earlier version, named by its digest"),
    "plan_versions": _internal("plan.artifact.versions", "the registry keeps the last ten versions"),
    "plan_layers": _internal(
        "plan.layers: list of layer, how, minutes, owner", (WayBack("traffic", "Set the weight to 0.", 2.0, "on call"),)
    ),
    "triggers": _internal("plan.triggers", ("The analysis of the rollout has failed.",)),
    "last_drilled": _internal("plan.last_drilled", datetime(2026, 11, 1, tzinfo=UTC), optional=True),
    "layer_used": _internal(
        "toggle, traffic, schema or configuration, by the strategy of what was rolled back", "traffic", optional=True
    ),
    "recovery_minutes": _internal("end of the rollback less its start, minutes", 3, optional=True),
    "sla_effect": _internal(
        "exposure x time: list of percent, minutes; None when the tool does not say how many",
        (Share(5.0, 7),),
        optional=True,
    ),
    "connection": _internal("name of the connection in site.yaml", "argo-prod", optional=True),
    "expected": _internal("connection.expect, in seconds", 86400, optional=True),
    "silent_since": _internal("when the connection was heard before it fell silent", _NOON, optional=True),
    "heard_at": _internal("when it was heard again", _NOON.replace(minute=58), optional=True),
    "destination": _internal("channel and name of a destination that fails", "webhook acme", optional=True),
    "failing_since": _internal("when the first message to it was given up", _NOON, optional=True),
    "undelivered": _internal("how many messages to it were given up in a row", 3, optional=True),
    # what people approve before customers read it
    "proposed": _internal(
        "what customers would read in each language, quoted",
        "**English: Checkout: a problem with 2.8.0**\n\n> Checkout is not working as it should, and we are sorry.",
        optional=True,
    ),
    "recipients": _internal("how many it would be sent to", 1204, optional=True),
    "findings": _internal("what is wrong with the words, one sentence each", ("Say when you write again.",)),
    "changed": _internal("facts that changed since the last question", (Change("peak", "5", "25"),)),
    "approver": _internal("who is called, by approval.approvers", "mira@acme.example", optional=True),
    "decide_by": _internal("when the next one is called", _NOON.replace(minute=11), optional=True),
    "at_deadline": _internal("what happens then: holding, send or hold", "holding", optional=True),
    "held_at": _internal("when customers got a holding message instead", _NOON.replace(minute=11), optional=True),
    "outcome": _internal(
        "approved, edited, precaution, false_alarm, sent, void or overtaken; of a proposal asked, kept or void",
        "approved",
        optional=True,
    ),
    "decided_by": _internal("who decided", "Mira", optional=True),
    "decided_at": _internal("when", _NOON.replace(minute=10), optional=True),
    # what customers say of a rollout
    "complaints": _internal("real customers who complain about the rollout", 8, optional=True),
    "blocking": _internal("how many of them say that they cannot go on", 2, optional=True),
    "painful": _internal("how many say that it is painful", 3, optional=True),
    "minor": _internal("how many say that it is minor", 1, optional=True),
    "rollback_requests": _internal("how many of them ask for a rollback", 5, optional=True),
    "complaints_by_step": _internal(
        "the same by the rollout's steps: list of since, percent, tally",
        (
            Heard(_NOON, 1.0, Tallied(complaints=3, blocking=1, requests=1)),
            Heard(_NOON.replace(minute=12), 5.0, Tallied(complaints=5, blocking=1, painful=3, minor=1, requests=4)),
        ),
    ),
    "threshold": _internal("propose_rollback.requests", 5, optional=True),
    # the trust report of a month
    "trust_month": _internal("the month that is over", datetime(2026, 10, 1, tzinfo=UTC)),
    "trust_lines": _internal(
        "its figures: list of metric, shape, n, value, base_n, base",
        (
            Told(metric="promises", shape="share", n=24, value=95.8, base_n=230, base=91.3),
            Told(metric="acknowledgement", shape="median", n=4, value=6.0, base_n=40, base=9.0),
        ),
    ),
    "has_address": _internal("whether the customer left an email address", True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """Something a reader at work can press. Slack shows a button, mail shows the address."""

    label: str
    action: str
    value: str
    url: str
    danger: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One message in words, before a channel gives it its shape. `body` is Markdown."""

    subject: str
    body: str
    slack: str | None = None
    """Markdown for Slack where it differs."""
    buttons: tuple[Button, ...] = ()


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them: `Checkout, Search and Sign-in`."""
    *others, last = names or ("",)
    return f"{', '.join(others)} and {last}" if others else last
