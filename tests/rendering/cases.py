"""The circumstances in which each message is shown: every one that changes words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trusthub.domain.events import Link
from trusthub.domain.message import Rendered
from trusthub.domain.parts import Change, Heard, Share, Tallied, Told, WayBack
from trusthub.domain.trust import METRICS
from trusthub.rendering.templates import Templates

CHECKOUT = Path(__file__).parents[2]
TEMPLATES = Templates(CHECKOUT / "templates")

Facts = dict[str, object]


@dataclass(frozen=True, slots=True)
class Case:
    message: str
    variant: str
    facts: Facts

    locale: str = "en"

    def __str__(self) -> str:
        """As its approved files are called: only other languages than English have their code in it."""
        return f"{self.message}.{self.variant}" + (f".{self.locale}" if self.locale != "en" else "")

    @property
    def public(self) -> bool:
        """Whether customers read it. What support hears about a customer is not for the customer."""
        return self.message.startswith(
            ("incident.", "maintenance.", "promise.holding", "promise.missed")
        ) or self.message in (
            "thread.opened",
            "thread.replied",
            "thread.closed",
            "affected.told",
            "affected.ended",
            "affected.answered",
            "subscriber.asked",
            "subscriber.known",
        )


def render(case: Case) -> Rendered:
    """Return a case in its language."""
    return TEMPLATES.render(case.message, case.facts, public=case.public, locale=case.locale)


def _at(hour: int, minute: int, *, day: int = 22) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


_SUBSCRIBER: Facts = {
    "page": "Acme",
    "page_url": "https://status.acme.example",
    "support_address": "support@acme.example",
    "incident_name": None,
    "confirm_url": "https://hub.acme.example/subscriptions/t0k3n",
    "confirm_by": _at(14, 2, day=23),
    "manage_url": "https://hub.acme.example/subscriptions/t0k3n",
}
_INCIDENT = "https://status.acme.example/incidents/k3v9x0q2m7ab"
_SITE: Facts = {
    "page": "Acme",
    "page_url": "https://status.acme.example",
    "support_address": "support@acme.example",
    "component": "Checkout",
    "corrected": (),
    "sticky": False,
    "cause_class": "unknown",
    "safeguard_missing": False,
}
_TOLD: Facts = {
    "incident_url": _INCIDENT,
    "answer_url": f"{_INCIDENT}#answer",
    "incident_name": "Checkout: a problem with 2.8.0",
    "opened_at": _at(14, 6),
    "next_update": _at(14, 36),
}
_VERSIONS: Facts = {"to_version": "2.8.0", "from_version": "2.7.4"}
_EXPOSED: Facts = _SITE | _TOLD | _VERSIONS | {"peak": 5.0, "exposed_from": _at(14, 2), "evidence": "failed_analysis"}
_ONGOING: Facts = _EXPOSED | {
    "rollback_started_at": _at(14, 6),
    "recovery_from": _at(14, 8),
    "recovery_until": _at(14, 16),
    "recovery_basis": "the earlier version is still running and takes the requests back at once",
}
_OURS: Facts = {"cause_class": "our_change"}
_ENDED: Facts = _ONGOING | _OURS | {"exposed_until": _at(14, 9), "rollback_finished_at": _at(14, 9)}
_RESOLVED: Facts = _ENDED | {"resolved_at": _at(14, 40), "next_update": None}
_NO_ROLLOUT: Facts = _SITE | _TOLD
_UNKNOWN_VERSIONS: Facts = {"to_version": None, "from_version": None}
_UNKNOWN_PEAK: Facts = {"peak": None, "exposed_from": None, "exposed_until": None}
_STICKY: Facts = {"sticky": True, "customers": 48200}
_YESTERDAY = timedelta(days=1)
_OVERNIGHT: Facts = {
    "exposed_from": _at(23, 50),
    "exposed_until": _at(0, 12, day=23),
    "opened_at": _at(23, 58),
    "rollback_started_at": _at(23, 58),
    "rollback_finished_at": _at(0, 12, day=23),
    "next_update": _at(0, 42, day=23),
    "resolved_at": None,
}
_OVERNIGHT_ONGOING: Facts = _OVERNIGHT | {
    "exposed_until": None,
    "rollback_finished_at": None,
    "recovery_from": _at(23, 59),
    "recovery_until": _at(0, 8, day=23),
}
_NO_WINDOW: Facts = {"verifying": False}
_PLANNED: Facts = (
    _SITE
    | _TOLD
    | _NO_WINDOW
    | {
        "incident_name": "Checkout moves to a larger database",
        "next_update": None,
        "window_from": _at(2, 0, day=28),
        "window_until": _at(3, 0, day=28),
        "effect": "You cannot pay for an order.",
        "calendar_url": f"{_INCIDENT}.ics",
    }
)
_ADVICE: Facts = {"advice": "Pay before 02:00 UTC, or keep the order in your cart."}
_WORK_NOTE: Facts = {"note": "We copy one table more."}
_BEGUN: Facts = _PLANNED | {"window_began": _at(2, 0, day=28)}
_LATE: Facts = _BEGUN | {
    "next_update": _at(3, 30, day=28),
    "promise_kind": "recovery",
    "promised_by": _at(3, 0, day=28),
}
_DONE: Facts = _BEGUN | {"resolved_at": _at(2, 50, day=28)}
_HIT: Facts = {"affected": True}
_TRUST = "https://hub.acme.example/console/trust?month=2026-10"
_OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
_FIGURES = tuple(
    Told(
        metric=metric.id,
        shape=metric.shape,
        n=24,
        value=95.8 if metric.shape == "share" else 6.0,
        base_n=230,
        base=91.3 if metric.shape == "share" else 9.0,
    )
    for metric in METRICS.values()
)
_FEW_FIGURES = (
    Told(metric="promises", shape="share", n=4, value=None, base_n=0, base=None),
    Told(metric="acknowledgement", shape="median", n=1, value=1.0, base_n=3, base=0.4),
    Told(metric="silence", shape="total", n=2, value=0.0, base_n=3, base=12.5),
)
_COMPLAINTS: Facts = {
    "complaints": 8,
    "blocking": 2,
    "painful": 3,
    "minor": 1,
    "rollback_requests": 5,
    "complaints_by_step": (
        Heard(_at(14, 2), 1.0, Tallied(complaints=3, blocking=1, requests=1)),
        Heard(_at(14, 12), 5.0, Tallied(complaints=5, blocking=1, painful=3, minor=1, requests=4)),
    ),
}
_ONE_COMPLAINT: Facts = {
    "complaints": 1,
    "blocking": 0,
    "painful": 0,
    "minor": 0,
    "rollback_requests": 1,
    "complaints_by_step": (Heard(_at(14, 2), None, Tallied(complaints=1, requests=1)),),
}
_STAFF: Facts = {
    "console_url": "https://hub.acme.example/console/incidents/7",
    "environment": "production",
    "strategy": "canary",
    "exposure": 5.0,
    "step": 2,
    "steps": 4,
    "tool": "argo-rollouts",
    "artifact": "registry.acme.example/checkout:2.8.0",
    "actor": "release-bot",
    "reason": None,
    "links": (Link(label="Rollout in Argo", url="https://argo.acme.example/rollouts/payments/checkout"),),
    "customers_told": False,
    "decision": "At most 5 % was exposed; customers are told from 10 % on.",
    "reverts": None,
    "known_risks": ("Requests that are under way when the share goes to 0 can fail.", "Caches are shared."),
    "unknown_risks": ("How 2.8.0 behaves above 2,000 requests a second.",),
    "plan_title": "Going back from a canary",
    "plan_summary": "Set the share of the new version to 0, so that the earlier version takes all requests again.",
    "plan_recovery_from": 120,
    "plan_recovery_until": 600,
    "plan_owner": "Payments on call",
    "plan_artifact": "the image of the earlier version, named by its digest",
    "plan_versions": "the registry keeps the last ten versions",
    "plan_layers": (
        WayBack("toggle", "Switch off flags that 2.8.0 switched on.", 1.0, "on call"),
        WayBack("traffic", "Set the canary weight to 0.", 2.0, "on call"),
        WayBack("schema", "Leave the schema as it is.", 0.0, "owner of the database"),
        WayBack("configuration", "Nothing moves.", 0.0, "on call"),
    ),
    "triggers": ("The analysis of the rollout has failed.", "Three customers have confirmed the same harm."),
    "last_drilled": _at(0, 0, day=1),
    "sla": "Requests of the exposed share can fail until the share is 0, at most 10 minutes after we begin.",
    "has_address": True,
}
_OUTCOME: Facts = {"layer_used": "traffic", "recovery_minutes": 3, "sla_effect": (Share(5.0, 7),)}
_DISLIKED: Facts = {
    "complaint": "The list of orders needs two more clicks, and it forgets where you were.",
    "motive": "We wanted the page to load faster. It helped people with many orders, and it saved us servers.",
    "note": "Since 22 November 2026, you can switch the earlier list on in your settings.",
}
_REASON: Facts = {"reason": "Metric success-rate assessed Failed: 0.71 < 0.99\nafter 3 of 3 measurements"}
_WE_TOLD: Facts = {"customers_told": True, "decision": "The tool's own analysis failed at up to 5 % exposure."}
_NOBODY: Facts = {
    **dict.fromkeys(("environment", "exposure", "step", "steps", "artifact", "actor", "reason")),
    "strategy": "unknown",
    "links": (),
    "known_risks": (),
    "unknown_risks": (),
}
_UNTOLD: Facts = dict.fromkeys(("incident_url", "answer_url", "incident_name", "opened_at", "next_update"))
_ANA: Facts = {
    "customer_name": "Ana",
    "customer_words": "My payment failed twice.\nDid you charge me?",
    "thread_url": "https://status.acme.example/threads/t0k3n",
}
_ANSWERED: Facts = _ANA | {
    "reply": "You are right, and we did not charge you.\n\nYou can see it in [your orders](https://acme.example/orders).",
    "replied_by": "Mira",
}
_CONNECTION: Facts = {
    "connection": "argo-prod",
    "expected": 86400,
    "silent_since": _at(14, 2),
    "console_url": "https://hub.acme.example/console/connections",
}
_DESTINATION: Facts = {
    "destination": "webhook acme",
    "failing_since": _at(14, 2),
    "undelivered": 3,
    "reason": "The webhook cannot be reached: Connection refused.",
    "console_url": "https://hub.acme.example/console/",
}
_NOTE: Facts = {
    "note": "We have found it: 2.8.0 does not wait for the bank.\n\n- Cards fail\n- Vouchers work\n\nNo data was lost."
}

_ASKED: Facts = {
    "console_url": "https://hub.acme.example/console/approvals/k3v9x0q2m7ab",
    "proposed": "**English: Checkout: a problem with 2.8.0**\n\n> Checkout is not working, and we are sorry.\n>\n"
    "> **Next update by 14:36 UTC, even if nothing has changed.**",
    "recipients": 1204,
    "findings": (),
    "changed": (),
    "approver": "mira@acme.example",
    "decide_by": _at(14, 11),
    "at_deadline": "holding",
}
_CHANGED = (Change("peak", "5", "25"), Change("rollback_finished_at", "", "14:09 UTC"), Change("words", "", ""))
_CORRECTED: Facts = {
    "corrected": ("peak", "failed", "customers", "began", "ended", "impact"),
    "corrected_at": _at(14, 40),
    "peak": 3.2,
    "failed": 1204,
    "customers_hit": 312,
    "began": _at(14, 2),
    "impact": "major",
    "said_peak": 5.0,
    "said_impact": "minor",
}
_DUE: Facts = {
    "promise_kind": "next_update",
    "promise_owner": "Mira",
    "last_told_at": _at(14, 6),
    "write_url": "https://hub.acme.example/console/incidents/7#write",
}
_KEPT_BACK = "The message incident.monitoring (en) is not signed, and only signed words leave by themselves."
_TASK: Facts = {"task": "pay for an order", "symptom": "ended in an error"}
_HISTORY: Facts = {"recovery_basis": None, "recovery_count": 4, "recovery_shortest": 3, "recovery_longest": 8}

_IDENTIFIED = {
    "ongoing": _ONGOING,
    "ended": _ENDED,
    "unknown-peak": _ONGOING | {"peak": None},
    "unknown-reach": _ONGOING | _UNKNOWN_PEAK,
    "unknown-versions": _ONGOING | _UNKNOWN_VERSIONS,
    "nothing-known": _ONGOING | _UNKNOWN_PEAK | _UNKNOWN_VERSIONS | {"recovery_until": None, "evidence": "person"},
    "sticky": _ONGOING | _STICKY,
    "sticky-ended": _ENDED | _STICKY,
    "sticky-without-count": _ONGOING | {"sticky": True},
    "failed": _ONGOING | {"failed": 1204},
    "failed-ended": _ENDED | {"failed": 1},
    "failed-unknown-peak": _ONGOING | {"peak": None, "failed": 1204},
    "nobody-reached": _ENDED | _UNKNOWN_PEAK | {"peak": 0.0, "evidence": "person"},
    "overnight": _ONGOING | _OVERNIGHT_ONGOING,
    "overnight-ended": _ENDED | _OVERNIGHT,
    "task": _ENDED | _TASK,
    "symptom": _ONGOING | {"symptom": "were slow"},
    "history": _ONGOING | _HISTORY,
    "alert": _EXPOSED | {"evidence": "alert"},
    "complaints": _ONGOING | {"evidence": "complaints", "peak": 0.1},
    "no-rollout": _NO_ROLLOUT,
    "our-change": _ONGOING | _OURS,
    "our-change-without-rollback": _EXPOSED | _OURS | {"evidence": "person", "safeguard_missing": True},
    "our-system": _NO_ROLLOUT | {"cause_class": "our_system"},
    "dependency": _NO_ROLLOUT | {"cause_class": "dependency"},
    "ended-other-cause": _ENDED | {"cause_class": "our_system"},
    "safeguard": _ENDED | {"safeguard_missing": True},
}
_VARIANTS: Mapping[str, Mapping[str, Facts]] = {
    "incident.investigating": {
        "release": _EXPOSED | {"evidence": "alert"},
        "failed-analysis": _EXPOSED,
        "no-rollout": _NO_ROLLOUT | {"evidence": "complaints"},
        "no-address": _NO_ROLLOUT | {"evidence": "person", "answer_url": None},
    },
    "incident.several": {
        "three": _NO_ROLLOUT | {"components": ("Checkout", "Search", "Sign-in")},
        "one": _NO_ROLLOUT | {"components": ("Checkout",)},
    },
    "incident.identified": _IDENTIFIED,
    "incident.updated": {
        "ongoing": _ONGOING | _NOTE,
        "ended": _ENDED | {"failed": 1204, "note": "We have counted the failed requests. No data was lost."},
        "no-note": _ONGOING,
        "no-rollout": _NO_ROLLOUT | _NOTE,
    },
    "incident.monitoring": {
        "ended": _ENDED,
        "failed": _ENDED | {"failed": 1204} | _NOTE,
        "unknown-versions": _ENDED | _UNKNOWN_VERSIONS,
        "no-rollout": _NO_ROLLOUT | {"note": "We raised the limit that turned cards away. No data was lost."},
    },
    "incident.resolved": {
        "ended": _RESOLVED,
        "note": _RESOLVED | {"failed": 1204, "note": "No data was lost. We charged nobody twice."},
        "sticky": _RESOLVED | _STICKY,
        "safeguard": _RESOLVED | {"safeguard_missing": True},
        "dependency": _RESOLVED | {"cause_class": "dependency"},
        "unknown-peak": _RESOLVED | {"peak": None},
        "no-rollout": _NO_ROLLOUT | {"resolved_at": _at(14, 40), "next_update": None},
    },
    "incident.holding": {
        "rollout": _ONGOING | {"cause_class": "attack"},
        "missed": _NO_ROLLOUT | {"cause_class": "attack", "promised_by": _at(14, 36), "next_update": _at(15, 6)},
    },
    "incident.unwelcome": {
        "opened": _NO_ROLLOUT | _DISLIKED | {"next_update": _at(14, 6, day=23)},
        "nothing-known": _NO_ROLLOUT,
        "missed": _NO_ROLLOUT
        | _DISLIKED
        | {"note": None, "promised_by": _at(14, 6), "next_update": _at(14, 6, day=23)},
        "resolved": _NO_ROLLOUT | _DISLIKED | {"resolved_at": _at(14, 40), "next_update": None},
    },
    "incident.retracted": {
        "plain": _EXPOSED | {"told_at": _at(14, 6)},
        "note": _EXPOSED | {"told_at": _at(14, 6), "note": "The check itself was broken. Checkout was not."},
        "unknown-time": _NO_ROLLOUT,
    },
    "incident.corrected": {
        "peak": _ENDED
        | {"peak": 3.2, "corrected": ("peak",), "corrected_at": _at(14, 40), "said_peak": 5.0}
        | {"note": "We counted the requests in the log of the load balancer."},
        "everything": _ENDED
        | _CORRECTED
        | {"said_failed": 900, "said_customers": 410, "said_began": _at(14, 1), "said_ended": _at(14, 12)},
        "nothing-said": _ENDED | _CORRECTED | {"said_peak": None, "said_impact": None},
        "sticky": _RESOLVED
        | _STICKY
        | {"peak": 3.2, "corrected": ("peak",), "corrected_at": _at(9, 0, day=23), "said_peak": 5.0},
        "no-rollout": _NO_ROLLOUT
        | {"failed": 1204, "corrected": ("failed",), "corrected_at": _at(14, 40), "said_failed": None},
    },
    "incident.postmortem": {
        "full": _RESOLVED | {"began": _at(14, 2)},
        "when-is-unknown": _NO_ROLLOUT | {"next_update": None, "resolved_at": _at(14, 40)},
    },
    "words.held": {
        "told": _ONGOING | _STAFF | _DUE | {"customers_told": True, "next_update": _at(14, 36), "decision": _KEPT_BACK},
        "not-told": _ONGOING | _STAFF | _DUE | {"customers_told": False, "next_update": None, "decision": _KEPT_BACK},
    },
    "promise.due_soon": {
        "update": _ONGOING | _STAFF | _DUE | {"promised_by": _at(14, 36), "holdings_left": 2},
        "last": _ONGOING | _STAFF | _DUE | {"promised_by": _at(14, 36), "holdings_left": 1, "new_reports": 3},
        "none-left": _ONGOING
        | _STAFF
        | _DUE
        | {"promised_by": _at(14, 36), "holdings_left": 0, "promise_owner": None, "failed": 12},
        "recovery": _ONGOING
        | _STAFF
        | _DUE
        | {"promise_kind": "recovery", "promised_by": _at(14, 16), "holdings_left": 2},
        "work": _BEGUN
        | _STAFF
        | _DUE
        | {"promise_kind": "recovery", "promised_by": _at(3, 0, day=28), "ends_itself": True},
    },
    "promise.holding": {
        "rolling-back": _ONGOING
        | {"exposure": 5.0, "minutes": 34, "rollback_minutes": 30, "last_told_at": _at(14, 6)}
        | {"reports": 7, "new_reports": 3, "next_update": _at(15, 6), "recovery_until": None},
        "nobody-reaches-it": _ONGOING
        | {"exposure": 0.0, "minutes": 34, "rollback_minutes": 30, "last_told_at": _at(14, 6), "reports": 1}
        | {"recovery_from": _at(14, 38), "recovery_until": _at(14, 46), "next_update": _at(15, 6)},
        "watching": _ENDED
        | {"exposure": 0.0, "minutes": 68, "last_told_at": _at(14, 40), "reports": 4, "new_reports": 4}
        | {"next_update": _at(15, 40)},
        "no-rollout": _NO_ROLLOUT | {"minutes": 60, "last_told_at": _at(14, 36), "next_update": _at(15, 36)},
    },
    "promise.missed": {
        "update": _ONGOING | {"promise_kind": "next_update", "promised_by": _at(14, 36), "next_update": _at(15, 6)},
        "recovery": _ONGOING
        | {
            "promise_kind": "recovery",
            "promised_by": _at(14, 16),
            "recovery_from": _at(14, 30),
            "recovery_until": _at(14, 45),
        },
        "recovery-unknown": _ONGOING | {"promise_kind": "recovery", "promised_by": _at(14, 16), "recovery_until": None},
        "no-rollout": _NO_ROLLOUT
        | {"promise_kind": "next_update", "promised_by": _at(14, 36), "next_update": _at(15, 6)},
    },
    "rollout.planned": {
        "full": _EXPOSED | _STAFF,
        "unknown": _EXPOSED | _STAFF | _NOBODY | _UNKNOWN_VERSIONS,
        "migration": _EXPOSED | _STAFF | {"strategy": "migration", "artifact": None, "last_drilled": None},
        "traffic": _EXPOSED | _STAFF | {"strategy": "traffic"},
        "configuration": _EXPOSED | _STAFF | {"strategy": "configuration"},
    },
    "rollout.started": {
        "full": _EXPOSED | _STAFF,
        "nobody-yet": _EXPOSED | _STAFF | {"exposure": 0.0, "strategy": "blue_green"},
        "unknown": _EXPOSED | _STAFF | _NOBODY | _UNKNOWN_VERSIONS,
    },
    "rollout.progressed": {
        "full": _EXPOSED | _STAFF | {"exposure": 25.0, "step": 3},
        "unknown": _EXPOSED | _STAFF | _NOBODY | _UNKNOWN_VERSIONS,
    },
    "rollout.paused": {
        "full": _EXPOSED | _STAFF | _REASON,
        "unknown": _EXPOSED | _STAFF | _NOBODY | _UNKNOWN_VERSIONS,
    },
    "rollout.completed": {
        "full": _EXPOSED | _STAFF | {"exposure": 100.0},
        "unknown": _EXPOSED | _STAFF | _NOBODY | _UNKNOWN_VERSIONS,
    },
    "rollout.failed": {
        "told": _EXPOSED | _STAFF | _REASON | _WE_TOLD,
        "untold": _EXPOSED | _UNTOLD | _STAFF | _REASON,
        "unknown": _SITE | _STAFF | _NOBODY,
    },
    "rollback.started": {
        "told": _ONGOING | _STAFF | _REASON | _WE_TOLD,
        "untold": _ONGOING | _UNTOLD | _STAFF | _REASON,
        "reverts": _ONGOING | _UNTOLD | _STAFF | {"reverts": "2.7.4", "tool": "github"},
        "unknown": _SITE | _STAFF | _NOBODY | {"rollback_started_at": _at(14, 6)},
        "since-yesterday": _ONGOING | _STAFF | {"exposed_from": _at(14, 2) - _YESTERDAY},
    },
    "rollback.finished": {
        "told": _ENDED | _STAFF | _OUTCOME | _WE_TOLD,
        "untold": _ENDED | _UNTOLD | _STAFF | {"recovery_minutes": 1, "layer_used": None, "sla_effect": None},
        "stages": _ENDED | _STAFF | _OUTCOME | {"layer_used": "toggle", "sla_effect": (Share(25.0, 1), Share(5.0, 7))},
        "schema": _ENDED | _UNTOLD | _STAFF | _OUTCOME | {"layer_used": "schema", "sla_effect": ()},
        "settings": _ENDED | _STAFF | _OUTCOME | {"layer_used": "configuration", "sla_effect": (Share(100.0, 1),)},
        "late": _ENDED
        | _STAFF
        | _WE_TOLD
        | _OUTCOME
        | {"rollback_finished_at": _at(14, 25), "exposed_until": _at(14, 25), "recovery_minutes": 19},
        "unknown": _SITE | _STAFF | _NOBODY | {"rollback_finished_at": _at(14, 9)},
    },
    "thread.opened": {
        "full": _ONGOING | _ANA,
        "nameless": _ONGOING | _ANA | {"customer_name": None},
        "by-mail": _ONGOING | _ANA | {"answer_by_mail": True, "reply_within": 1800.0, "reply_count": 12},
    },
    "thread.received": {
        "rollback": _ONGOING | _STAFF | _ANA | {"wants_rollback": True},
        "ongoing": _ONGOING | _STAFF | _ANA,
        "ended": _ENDED | _STAFF | _ANA,
        "blocking": _ONGOING | _STAFF | _ANA | {"pain": "blocking", "files": 2},
        "held": _ONGOING | _STAFF | _ANA | {"pain": "painful", "held": True},
        "recorded": _ONGOING | _STAFF | _ANA | {"recorded_by": "Mira (Slack)", "has_address": False},
        "nameless": _NO_ROLLOUT
        | _STAFF
        | _ANA
        | {"customer_name": None, "incident_name": None, "incident_url": None, "has_address": False, "pain": "minor"},
    },
    "thread.replied": {
        "full": _ONGOING | _ANSWERED,
        "nameless": _ONGOING | _ANSWERED | {"customer_name": None, "replied_by": None},
        "by-mail": _ONGOING | _ANSWERED | {"answer_by_mail": True},
    },
    "thread.closed": {
        "full": _RESOLVED | _ANA,
        "note": _RESOLVED | _ANA | {"failed": 1204, "note": "We charged nobody twice."},
        "no-rollout": _NO_ROLLOUT | {"customer_name": None, "resolved_at": _at(14, 40), "next_update": None},
        "unwelcome": _NO_ROLLOUT | _ANA | _DISLIKED | {"resolved_at": _at(14, 40), "next_update": None},
        "component": _NO_ROLLOUT | _UNTOLD | _ANA,
    },
    "connection.silent": {
        "full": _SITE | _STAFF | _CONNECTION,
        "never": _SITE | _STAFF | _CONNECTION | {"silent_since": None},
    },
    "maintenance.planned": {
        "full": _PLANNED,
        "advised": _PLANNED | _ADVICE,
        "overnight": _PLANNED | {"window_from": _at(23, 30, day=28), "window_until": _at(0, 30, day=29)},
        "unknown": _SITE | _NO_WINDOW,
    },
    "maintenance.reminder": {"full": _PLANNED, "advised": _PLANNED | _ADVICE, "unknown": _SITE | _NO_WINDOW},
    "maintenance.started": {"full": _BEGUN, "advised": _BEGUN | _ADVICE, "unknown": _SITE | _NO_WINDOW},
    "maintenance.updated": {
        "moved": _PLANNED | {"said_from": _at(2, 0, day=27), "said_until": _at(3, 0, day=27)},
        "longer": _BEGUN | {"said_from": _at(2, 0, day=28), "said_until": _at(2, 30, day=28)},
        "shorter": _BEGUN | {"said_from": _at(2, 0, day=28), "said_until": _at(3, 30, day=28)},
        "note": _PLANNED | _WORK_NOTE,
        "note_begun": _BEGUN | _WORK_NOTE | _ADVICE,
        "note_late": _BEGUN | _WORK_NOTE | {"next_update": _at(3, 40, day=28)},
        "verifying": _BEGUN | {"verifying": True},
        "unknown": _SITE | _NO_WINDOW,
    },
    "maintenance.overrun": {
        "full": _LATE,
        "advised": _LATE | _ADVICE | {"new_reports": 3},
        "silent": _LATE | {"promise_kind": "next_update", "promised_by": _at(3, 30, day=28), "new_reports": 1},
        "expected": _LATE | {"recovery_until": _at(4, 0, day=28)},
        "unknown": _SITE | _NO_WINDOW | {"next_update": _at(3, 30, day=28)},
    },
    "maintenance.completed": {
        "full": _DONE,
        "note": _DONE | _WORK_NOTE,
        "late": _DONE | {"resolved_at": _at(3, 20, day=28), "promised_by": _at(3, 0, day=28)},
        "thread": _DONE | {"thread_url": "https://status.acme.example/threads/t0ken"},
        "cancelled": _DONE | {"window_began": None},
        "unknown": _SITE | _NO_WINDOW,
    },
    "maintenance.cancelled": {
        "full": _PLANNED | {"resolved_at": _at(9, 0, day=26)},
        "note": _PLANNED | _WORK_NOTE | {"resolved_at": _at(9, 0, day=26)},
        "unknown": _SITE | _NO_WINDOW,
    },
    "subscriber.asked": {"page": _SUBSCRIBER, "incident": _SUBSCRIBER | {"incident_name": "Checkout: errors"}},
    "subscriber.known": {"page": _SUBSCRIBER, "incident": _SUBSCRIBER | {"incident_name": "Checkout: errors"}},
    "destination.disabled": {
        "full": _SITE | _STAFF | _DESTINATION,
        "gone": _SITE | _STAFF | _DESTINATION | {"undelivered": 1, "reason": "The webhook answered 410."},
        "unknown": _SITE | _STAFF | _DESTINATION | {"undelivered": None, "failing_since": None, "reason": None},
    },
    "channel.stuck": {
        channel: _SITE | _STAFF | _DESTINATION | {"destination": channel, "reason": reason}
        for channel, reason in (
            ("slack", "Slack cannot be reached: timed out."),
            ("email", "The SendGrid plan's mails are used up. Upgrade it, or wait."),
            ("page", None),
        )
    },
    "approval.asked": {
        "first": _ONGOING | _UNTOLD | _STAFF | _REASON | _ASKED,
        "again": _ONGOING
        | _UNTOLD
        | _STAFF
        | _ASKED
        | {"changed": _CHANGED, "at_deadline": "send", "recipients": 1, "approver": None},
        "held": _ONGOING
        | _STAFF
        | _WE_TOLD
        | _ASKED
        | {"held_at": _at(14, 11), "decide_by": None, "at_deadline": None, "recipients": None},
        "unsound": _ONGOING
        | _STAFF
        | _ASKED
        | {"findings": ("It blames the people who wrote it.",), "at_deadline": "hold", "customers_told": True}
        | {"links": ()},
    },
    "approval.decided": {
        outcome: _ONGOING | _STAFF | _ASKED | {"outcome": outcome, "decided_by": by, "decided_at": _at(14, 10)}
        for outcome, by in (
            ("approved", "Mira"),
            ("edited", "Mira"),
            ("precaution", "Mira"),
            ("false_alarm", "Mira"),
            ("overtaken", "Mira"),
            ("sent", None),
            ("void", None),
        )
    },
    "rollout.complaints": {
        "steps": _ONGOING | _STAFF | _COMPLAINTS,
        "one": _ONGOING | _STAFF | _COMPLAINTS | _ONE_COMPLAINT | _UNKNOWN_VERSIONS,
    },
    "rollback.proposed": {
        "steps": _ONGOING | _STAFF | _COMPLAINTS | {"threshold": 5},
        "one": _ONGOING | _STAFF | _COMPLAINTS | _ONE_COMPLAINT | {"threshold": 1, "environment": None},
    },
    "rollback.decided": {
        outcome: _ONGOING | _STAFF | _COMPLAINTS | {"outcome": outcome, "decided_by": by, "decided_at": _at(14, 10)}
        for outcome, by in (("asked", "Mira"), ("kept", "Mira"), ("void", None))
    },
    "trust.monthly": {
        "figures": _SITE | {"trust_month": _OCTOBER, "trust_lines": _FIGURES, "console_url": _TRUST},
        "few": _SITE | {"trust_month": _OCTOBER, "trust_lines": _FEW_FIGURES, "console_url": _TRUST},
    },
    "affected.told": {
        "ongoing": _EXPOSED | _OURS | _HIT,
        "going-back": _ONGOING | _OURS | _HIT,
        "over-for-users": _ENDED | _HIT,
        "resolved": _RESOLVED | _HIT,
        "no-rollout": _NO_ROLLOUT | _HIT | {"answer_url": None},
    },
    "affected.ended": {
        "public": _RESOLVED | _HIT,
        "calm": _RESOLVED | _HIT | {"incident_url": None, "answer_url": None},
    },
    "affected.answered": {"yes": _ONGOING | _OURS | _HIT, "no": _SITE | {"affected": False}},
    "connection.heard": {
        "full": _SITE | _STAFF | _CONNECTION | {"heard_at": _at(15, 30, day=23)},
        "first": _SITE | _STAFF | _CONNECTION | {"heard_at": _at(15, 30, day=23), "silent_since": None},
    },
}
_GERMAN = {
    "Checkout moves to a larger database": "Checkout zieht in eine größere Datenbank um",
    "You cannot pay for an order.": "Sie können keine Bestellung bezahlen.",
    "Pay before 02:00 UTC, or keep the order in your cart.": (
        "Bezahlen Sie vor 02:00 Uhr UTC, oder behalten Sie die Bestellung im Warenkorb."
    ),
    "We copy one table more.": "Wir kopieren eine Tabelle mehr.",
    "the earlier version is still running and takes the requests back at once": (
        "die frühere Version läuft noch und übernimmt die Anfragen sofort wieder"
    ),
    "We have found it: 2.8.0 does not wait for the bank.\n\n- Cards fail\n- Vouchers work\n\nNo data was lost.": (
        "Wir haben den Fehler gefunden: 2.8.0 wartet nicht auf die Bank.\n\n"
        "- Karten gehen nicht\n- Gutscheine gehen\n\nEs gingen keine Daten verloren."
    ),
    "We have counted the failed requests. No data was lost.": (
        "Wir haben die fehlgeschlagenen Anfragen gezählt. Es gingen keine Daten verloren."
    ),
    "We raised the limit that turned cards away. No data was lost.": (
        "Wir haben die Grenze angehoben, die Karten abgewiesen hat. Es gingen keine Daten verloren."
    ),
    "The list of orders needs two more clicks, and it forgets where you were.": (
        "Die Liste der Bestellungen braucht zwei Klicks mehr, und sie vergisst, wo Sie waren."
    ),
    "We wanted the page to load faster. It helped people with many orders, and it saved us servers.": (
        "Die Seite sollte schneller laden. Das half Kunden mit vielen Bestellungen, und es ersparte uns Server."
    ),
    "Since 22 November 2026, you can switch the earlier list on in your settings.": (
        "Seit dem 22. November 2026 können Sie in Ihren Einstellungen die frühere Liste einschalten."
    ),
    "No data was lost. We charged nobody twice.": "Es gingen keine Daten verloren. Niemand hat zweimal bezahlt.",
    "The check itself was broken. Checkout was not.": "Die Prüfung selbst war defekt. Checkout war es nicht.",
    "We charged nobody twice.": "Niemand hat zweimal bezahlt.",
    "My payment failed twice.\nDid you charge me?": "Meine Zahlung ist zweimal fehlgeschlagen.\nHabe ich bezahlt?",
    "You are right, and we did not charge you.\n\nYou can see it in [your orders](https://acme.example/orders).": (
        "Sie haben recht, und Sie haben nicht bezahlt.\n\nSie sehen es in [Ihren Bestellungen](https://acme.example/orders)."
    ),
    "At most 5 % was exposed; customers are told from 10 % on.": (
        "Höchstens 5 % waren betroffen; Kunden werden ab 10 % informiert."
    ),
    "The tool's own analysis failed at up to 5 % exposure.": "Die eigene Prüfung des Werkzeugs schlug bei 5 % fehl.",
    "Going back from a canary": "Von einem Canary zurück",
    "Set the share of the new version to 0, so that the earlier version takes all requests again.": (
        "Den Anteil der neuen Version auf 0 setzen, sodass die frühere wieder alle Anfragen übernimmt."
    ),
    "Requests of the exposed share can fail until the share is 0, at most 10 minutes after we begin.": (
        "Anfragen des Anteils können fehlschlagen, bis er 0 ist, höchstens 10 Minuten lang."
    ),
    "Requests that are under way when the share goes to 0 can fail.": "Laufende Anfragen können fehlschlagen.",
    "Caches are shared.": "Zwischenspeicher sind gemeinsam.",
    "How 2.8.0 behaves above 2,000 requests a second.": "Wie sich 2.8.0 über 2.000 Anfragen je Sekunde verhält.",
    "Checkout: a problem with 2.8.0": "Checkout: ein Problem mit 2.8.0",
    "We counted the requests in the log of the load balancer.": (
        "Wir haben die Anfragen im Log des Lastverteilers gezählt."
    ),
    "pay for an order": "eine Bestellung bezahlen",
    "ended in an error": "endeten mit einem Fehler",
    "were slow": "waren langsam",
}
"""What people wrote, as they would have written it in German."""


def _translated(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(map(_translated, value))
    return _GERMAN.get(value, value) if isinstance(value, str) else value


_ENGLISH_CASES = tuple(
    Case(message, variant, facts) for message, variants in _VARIANTS.items() for variant, facts in variants.items()
)
CASES = _ENGLISH_CASES + tuple(
    Case(case.message, case.variant, {name: _translated(value) for name, value in case.facts.items()}, "de")
    for case in _ENGLISH_CASES
)
