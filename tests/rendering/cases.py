"""The circumstances in which each message is shown: every one that changes words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trusthub.domain.events import Link
from trusthub.rendering.templates import Templates

CHECKOUT = Path(__file__).parents[2]
TEMPLATES = Templates(CHECKOUT / "templates")

Facts = dict[str, object]


@dataclass(frozen=True, slots=True)
class Case:
    message: str
    variant: str
    facts: Facts

    def __str__(self) -> str:
        return f"{self.message}.{self.variant}"

    @property
    def public(self) -> bool:
        """Whether customers read it. What support hears about a customer is not for the customer."""
        return self.message.startswith(("incident.", "promise.")) or self.message in (
            "thread.opened",
            "thread.replied",
            "thread.closed",
        )


def _at(hour: int, minute: int, *, day: int = 22) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


_INCIDENT = "https://status.acme.example/incidents/k3v9x0q2m7ab"
_SITE: Facts = {
    "page": "Acme",
    "page_url": "https://status.acme.example",
    "support_address": "support@acme.example",
    "component": "Checkout",
    "sticky": False,
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
_ENDED: Facts = _ONGOING | {"exposed_until": _at(14, 9), "rollback_finished_at": _at(14, 9)}
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
    "plan_recovery": "2 to 10 minutes",
    "sla": "Requests of the exposed share can fail until the share is 0, at most 10 minutes after we begin.",
    "customer_contact": "has an email address",
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
    "expected": "24 hours",
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
    "alert": _EXPOSED | {"evidence": "alert"},
    "complaints": _ONGOING | {"evidence": "complaints", "peak": 0.1},
    "no-rollout": _NO_ROLLOUT,
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
        "unknown-peak": _RESOLVED | {"peak": None},
        "no-rollout": _NO_ROLLOUT | {"resolved_at": _at(14, 40), "next_update": None},
    },
    "incident.retracted": {
        "plain": _EXPOSED | {"told_at": _at(14, 6)},
        "note": _EXPOSED | {"told_at": _at(14, 6), "note": "The check itself was broken. Checkout was not."},
        "unknown-time": _NO_ROLLOUT,
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
        "migration": _EXPOSED | _STAFF | {"strategy": "migration", "artifact": None},
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
        "told": _ENDED | _STAFF | _WE_TOLD,
        "untold": _ENDED | _UNTOLD | _STAFF,
        "late": _ENDED | _STAFF | _WE_TOLD | {"rollback_finished_at": _at(14, 25), "exposed_until": _at(14, 25)},
        "unknown": _SITE | _STAFF | _NOBODY | {"rollback_finished_at": _at(14, 9)},
    },
    "thread.opened": {"full": _ONGOING | _ANA, "nameless": _ONGOING | _ANA | {"customer_name": None}},
    "thread.received": {
        "rollback": _ONGOING | _STAFF | _ANA | {"wants_rollback": True},
        "ongoing": _ONGOING | _STAFF | _ANA,
        "ended": _ENDED | _STAFF | _ANA,
        "nameless": _NO_ROLLOUT
        | _STAFF
        | _ANA
        | {"customer_name": None, "incident_name": None, "incident_url": None, "customer_contact": "cannot be reached"},
    },
    "thread.replied": {
        "full": _ONGOING | _ANSWERED,
        "nameless": _ONGOING | _ANSWERED | {"customer_name": None, "replied_by": None},
    },
    "thread.closed": {
        "full": _RESOLVED | _ANA,
        "note": _RESOLVED | _ANA | {"failed": 1204, "note": "We charged nobody twice."},
        "no-rollout": _NO_ROLLOUT | {"customer_name": None, "resolved_at": _at(14, 40), "next_update": None},
    },
    "connection.silent": {
        "full": _SITE | _STAFF | _CONNECTION,
        "never": _SITE | _STAFF | _CONNECTION | {"silent_since": None},
    },
    "destination.disabled": {
        "full": _SITE | _STAFF | _DESTINATION,
        "gone": _SITE | _STAFF | _DESTINATION | {"undelivered": 1, "reason": "The webhook answered 410."},
        "unknown": _SITE | _STAFF | _DESTINATION | {"undelivered": None, "failing_since": None, "reason": None},
    },
    "connection.heard": {
        "full": _SITE | _STAFF | _CONNECTION | {"heard_at": _at(15, 30, day=23)},
        "first": _SITE | _STAFF | _CONNECTION | {"heard_at": _at(15, 30, day=23), "silent_since": None},
    },
}
CASES = tuple(
    Case(message, variant, facts) for message, variants in _VARIANTS.items() for variant, facts in variants.items()
)
