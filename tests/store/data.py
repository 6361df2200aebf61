"""Rows as each migration left room for: with them in its tables, the next one has something to lose.

A new migration gets an entry here, which writes to the tables and columns that it adds. Values are written by name and
not through the models, which know only the newest shape.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

AT = datetime(2026, 11, 22, 14, 2, tzinfo=UTC)
LATER = AT.replace(hour=15)

Rows = Mapping[str, list[dict[str, Any]]]
"""Tables in an order in which they can be filled."""

FIRST: Rows = {
    "page": [
        {
            "id": 1,
            "public_id": "a1b2c3d4e5f6",
            "key": "main",
            "name": "Acme",
            "url": "https://status.acme.example",
            "time_zone": "Europe/Berlin",
            "version": 3,
            "rendered": 1,
            "updated_at": AT,
        }
    ],
    "component": [
        {
            "id": 1,
            "page_id": 1,
            "public_id": "c1b2c3d4e5f6",
            "key": "group:Payments",
            "name": "Payments",
            "is_group": True,
            "position": 1,
            "status": "operational",
            "listed": True,
            "created_at": AT,
            "updated_at": AT,
        },
        {
            "id": 2,
            "page_id": 1,
            "public_id": "c2b2c3d4e5f6",
            "key": "checkout",
            "name": "Checkout",
            "description": "Paying for an order",
            "group_id": 1,
            "is_group": False,
            "position": 2,
            "status": "partial_outage",
            "listed": True,
            "created_at": AT,
            "updated_at": LATER,
        },
    ],
    "event": [
        {
            "id": 1,
            "connection": "argo-prod",
            "source": "argo-rollouts",
            "received_at": AT,
            "headers": {"content-type": "application/json"},
            "body": b'{"phase": "Degraded \xf0\x9f\x94\xa5"}',
            "state": "done",
            "error": "",
            "summary": "rollout.aborted",
        }
    ],
    "seen": [{"connection": "argo-prod", "key": "9d1f", "event_id": 1, "at": AT}],
    "rollout": [
        {
            "id": 1,
            "public_id": "d1b2c3d4e5f6",
            "connection": "argo-prod",
            "attempt": "payments/checkout/3",
            "source": "argo-rollouts",
            "subject": "checkout",
            "component_id": 2,
            "environment": "production",
            "phase": "rolling_back",
            "to_version": "2.8.0",
            "known": {"peak": 5.0},
            "links": [{"label": "Rollout", "url": "https://argo.acme.example"}],
            "created_at": AT,
        }
    ],
    "incident": [
        {
            "id": 1,
            "public_id": "k3v9x0q2m7ab",
            "rollout_id": 1,
            "name": "Checkout: going back",
            "state": "identified",
            "impact": "minor",
            "public": True,
            "decision": "The tool's own analysis failed.",
            "playbook": "canary",
            "opened_by": "machine",
            "sequence": 2,
            "started_at": AT,
            "told_at": AT,
            "created_at": AT,
            "updated_at": LATER,
        }
    ],
    "incident_page": [{"incident_id": 1, "page_id": 1}],
    "incident_component": [{"incident_id": 1, "component_id": 2}],
    "update": [
        {
            "id": 1,
            "public_id": "f1b2c3d4e5f6",
            "incident_id": 1,
            "state": "identified",
            "moment": "incident.identified",
            "components": [
                {
                    "code": "c2b2c3d4e5f6",
                    "name": "Checkout",
                    "old_status": "operational",
                    "new_status": "partial_outage",
                }
            ],
            "created_at": AT,
        }
    ],
    "update_text": [{"update_id": 1, "locale": "en", "subject": "Going back", "body": "Grüße, *Ana*."}],
    "promise": [
        {
            "id": 1,
            "incident_id": 1,
            "kind": "next_update",
            "due": LATER,
            "basis": "",
            "standing": "pending",
            "created_at": AT,
        }
    ],
    "timer": [{"id": 1, "kind": "promise", "incident_id": 1, "due": LATER, "state": "pending"}],
    "person": [{"id": 1, "name": "Ana", "email": "ana@customer.example", "created_at": AT}],
    "thread": [
        {
            "id": 1,
            "public_id": "t1b2c3d4e5f6",
            "page_id": 1,
            "incident_id": 1,
            "person_id": 1,
            "state": "open",
            "link_version": 1,
            "mail": True,
            "created_at": AT,
            "updated_at": AT,
        }
    ],
    "thread_message": [{"id": 1, "thread_id": 1, "by": "customer", "body": "It failed twice.", "created_at": AT}],
    "delivery": [
        {
            "id": 1,
            "lane": "slack:#releases",
            "key": "event:1/rollback.started/slack:#releases/post",
            "moment": "rollback.started",
            "incident_id": 1,
            "rollout_id": 1,
            "thread_id": 1,
            "event_id": 1,
            "conversation": "rollout:d1b2c3d4e5f6",
            "payload": {"to": "#releases", "subject": "Going back"},
            "state": "pending",
            "attempts": 1,
            "ambiguous": False,
            "leads": False,
            "last_error": "Slack failed (HTTP 500).",
            "created_at": AT,
            "first_attempt_at": AT,
            "last_attempt_at": AT,
        }
    ],
    "lane": [{"key": "slack:#releases", "channel": "slack", "due": LATER, "paused": False}],
    "attempt": [
        {
            "id": 1,
            "delivery_id": 1,
            "n": 1,
            "started_at": AT,
            "ended_at": AT,
            "outcome": "failed",
            "status": 500,
            "error": "Slack failed (HTTP 500).",
        }
    ],
    "staff": [
        {
            "id": 1,
            "email": "mira@acme.example",
            "name": "Mira",
            "password": "$argon2id$",
            "active": True,
            "created_at": AT,
        }
    ],
    "audit": [{"id": 1, "at": AT, "actor": "Mira", "action": "replied", "subject": "thread:1", "detail": ""}],
    "suppression": [{"address": "bob@customer.example", "reason": "asked", "at": AT}],
    "snapshot": [
        {"page_id": 1, "path": "/", "version": 3, "etag": 'W/"1"', "content_type": "text/html", "body": b"<p>\xc3\xa4"}
    ],
    "sandbox": [{"id": 1, "kind": "kept", "at": AT, "payload": {"to": "#releases"}}],
}

_TRY = {
    "connection": "argo-prod",
    "attempt": "payments/checkout/2",
    "source": "argo-rollouts",
    "subject": "checkout",
    "environment": "production",
    "phase": "rolled_back",
    "to_version": "2.8.0",
    "known": {},
    "links": [],
    "created_at": LATER,
}
SECOND: Rows = {
    "rollout": [
        {**_TRY, "id": 101, "public_id": "r2b2c3d4e5f6", "round": 1},
        {**_TRY, "id": 102, "public_id": "r3b2c3d4e5f6", "round": 2},
        {**_TRY, "id": 103, "public_id": "r4b2c3d4e5f6", "round": 1, "connection": "github", "follows_id": 102},
    ],
    "alert": [
        {
            "id": 1,
            "connection": "alertmanager",
            "alert": "3f1c",
            "subject": "checkout",
            "environment": "production",
            "title": "Many errors",
            "severity": "critical",
            "links": [],
            "rollout_id": 102,
            "started_at": AT,
            "ended_at": LATER,
        }
    ],
}
THIRD: Rows = {
    "thread": [
        {
            "id": 101,
            "public_id": "t2b2c3d4e5f6",
            "page_id": 1,
            "incident_id": 1,
            "person_id": 1,
            "state": "open",
            "link_version": 1,
            "mail": True,
            "verified_at": LATER,
            "confirmed_by": "Mira",
            "network": "k3v9x0q2m7ab",
            "wants_rollback": True,
            "created_at": AT,
            "updated_at": LATER,
        }
    ]
}
FOURTH: Rows = {
    "refusal": [{"connection": "argo-prod", "count": 12, "last_at": LATER, "reason": "The token is wrong."}],
    "silence": [{"connection": "argo-prod", "since": AT, "told_at": LATER}],
}
SEVENTH: Rows = {
    "disabled": [{"lane": "webhook:acme", "at": LATER, "reason": "The webhook answered 410.", "enabled_at": None}],
}

FIFTH: Rows = {
    "subscriber": [
        {
            "id": 1,
            "public_id": "s1b2c3d4e5f6",
            "page_id": 1,
            "channel": "email",
            "address": "ben@customer.example",
            "locale": "en",
            "zone": "Europe/Berlin",
            "link_version": 2,
            "confirmed_at": AT,
            "stopped_at": LATER,
            "created_at": AT,
        }
    ],
    "subscriber_component": [{"subscriber_id": 1, "component_id": 2}],
    "recipient": [
        {
            "id": 1,
            "delivery_id": 1,
            "subscriber_id": 1,
            "address": "ben@customer.example",
            "state": "bounced",
            "provider_id": "14c5d75ce93",
            "at": LATER,
            "reason": "500 unknown recipient",
        },
        {
            "id": 2,
            "delivery_id": 1,
            "subscriber_id": None,
            "address": "releases@acme.example",
            "state": "pending",
            "provider_id": None,
            "at": None,
            "reason": "",
        },
    ],
}
SIXTH: Rows = {
    "hold": [{"channel": "slack", "paused": True, "until": LATER}],
    "lane": [{"key": "slack:#support", "channel": "slack", "paused": False, "fails": 3, "full_at": LATER}],
    "delivery": [
        {
            "id": 601,
            "lane": "slack:#support",
            "key": "event:1/rollback.started/slack:#support/post",
            "moment": "rollback.started",
            "conversation": "",
            "payload": {"to": "#support", "subject": "Going back"},
            "state": "done",
            "attempts": 2,
            "ambiguous": False,
            "leads": True,
            "last_error": "",
            "created_at": AT,
            "requeued_at": LATER,
        }
    ],
}
EIGHTH: Rows = {
    "delivery": [
        {
            **SIXTH["delivery"][0],
            "id": 801,
            "key": "timer:1/incident.updated/slack:#support/post",
            "audience": "support",
            "update_id": 1,
        }
    ],
}
NINTH: Rows = {
    "incident": [
        {
            **FIRST["incident"][0],
            "id": 901,
            "public_id": "i9b2c3d4e5f6",
            "conversation": "rollout:d1b2c3d4e5f6",
            "combined": False,
            "corrected": {"peak": 3.2, "customers": 312},
        }
    ],
    "promise": [
        {
            "id": 901,
            "incident_id": 901,
            "kind": "recovery",
            "earliest": AT,
            "due": LATER,
            "basis": "",
            "comparable": [3, 5, 8],
            "owner": "Mira",
            "remind_at": AT,
            "standing": "pending",
            "created_at": AT,
        }
    ],
}
TWELFTH: Rows = {
    "incident": [
        {
            "id": 12,
            "public_id": "k3v9x0q2m712",
            "name": "Checkout: a problem with 2.8.0",
            "names": {"de": "Checkout: ein Problem mit 2.8.0"},
            "cause_class": "our_change",
            "cause_by": "Mira",
            "safeguard_missing": True,
            "data_at_risk": True,
            "cleared_by": "Lena",
            "state": "identified",
            "impact": "minor",
            "public": True,
            "decision": "The tool's own analysis failed.",
            "playbook": "canary",
            "opened_by": "machine",
            "sequence": 2,
            "started_at": AT,
            "created_at": AT,
            "updated_at": LATER,
        }
    ],
    "thread": [
        {
            "id": 12,
            "public_id": "t3v9x0q2m712",
            "page_id": 1,
            "incident_id": 12,
            "person_id": 1,
            "state": "open",
            "locale": "de",
            "link_version": 1,
            "mail": True,
            "created_at": AT,
            "updated_at": AT,
        }
    ],
}
FOURTEENTH: Rows = {
    "incident": [
        {
            "id": 14,
            "public_id": "k3v9x0q2m714",
            "name": "Checkout moves",
            "state": "resolved",
            "impact": "none",
            "public": True,
            "decision": "Mira planned it.",
            "playbook": "maintenance",
            "opened_by": "person",
            "planned_by": "Mira",
            "scheduled_for": AT,
            "scheduled_until": LATER,
            "ends_itself": True,
            "effect": {"en": "You cannot pay.", "de": "Sie können nicht bezahlen."},
            "advice": {"en": "Pay before."},
            "sequence": 2,
            "started_at": AT,
            "created_at": AT,
            "updated_at": LATER,
        }
    ],
}
SIXTEENTH: Rows = {
    "thread": [
        {
            "id": 16,
            "public_id": "t3v9x0q2m716",
            "page_id": 1,
            "incident_id": 12,
            "component_id": None,
            "person_id": 1,
            "state": "closed",
            "link_version": 1,
            "mail": True,
            "pain": "blocking",
            "updates": True,
            "fixed": True,
            "rating": 4,
            "created_at": AT,
            "updated_at": LATER,
        },
        {
            "id": 17,
            "public_id": "t3v9x0q2m717",
            "page_id": 1,
            "incident_id": None,
            "component_id": 2,
            "person_id": 1,
            "state": "open",
            "link_version": 1,
            "mail": True,
            "pain": None,
            "updates": False,
            "fixed": None,
            "rating": None,
            "created_at": AT,
            "updated_at": LATER,
        },
    ],
    "thread_message": [
        {"id": 16, "thread_id": 16, "by": "customer", "body": "Ja.", "via": "mail", "held": False, "created_at": AT},
        {"id": 17, "thread_id": 17, "by": "customer", "body": "No.", "via": "mail", "held": True, "created_at": AT},
    ],
    "inbound_mail": [
        {
            "id": 16,
            "key": "0f3a",
            "fate": "taken",
            "sender": "77ab",
            "at": AT,
            "thread_id": 16,
            "message_id": 16,
            "person_id": 1,
            "spf": "pass",
            "dkim": "{@customer.example : pass}",
        }
    ],
    "attachment": [
        {
            "id": 16,
            "public_id": "f3v9x0q2m716",
            "message_id": 16,
            "name": "Bild.png",
            "kind": "image/png",
            "size": 1204,
            "created_at": AT,
        }
    ],
    "me_too": [{"id": 16, "incident_id": 12, "network": "k3v9", "created_at": AT}],
}
TENTH: Rows = {
    "outcome": [
        {
            "rollout_id": 1,
            "plan": "canary",
            "expected_from": 120,
            "expected_to": 600,
            "took": 180,
            "expected_sla": "Requests of the exposed share can fail.",
            "layer": "traffic",
            "shares": [{"percent": 5.0, "minutes": 7}],
            "at": LATER,
        }
    ]
}
THIRTEENTH: Rows = {
    "approval": [
        {
            "id": 13,
            "public_id": "a3v9x0q2m713",
            "incident_id": 12,
            "moment": "incident.identified",
            "state": "pending",
            "texts": {"en": {"subject": "Checkout: a problem with 2.8.0", "body": "We are sorry."}},
            "digest": "0123456789abcdef",
            "facts": {"peak": "5"},
            "changed": [{"name": "peak", "before": "1", "after": "5"}],
            "recipients": 1204,
            "findings": [],
            "called": 1,
            "asked_at": AT,
            "worded_at": AT,
            "due": LATER,
            "held_at": AT,
            "decided_by": None,
            "how": None,
            "decided_at": None,
        }
    ],
    "timer": [{"id": 13, "kind": "approval", "incident_id": 12, "due": LATER, "state": "pending"}],
}
SEVENTEENTH: Rows = {
    "staff_session": [
        {
            "id": 17,
            "public_id": "s3v9x0q2m717",
            "user_id": 1,
            "digest": "9f86d081",
            "agent": "Firefox",
            "created_at": AT,
            "seen_at": LATER,
            "ended_at": None,
        }
    ],
    "api_token": [
        {
            "id": 17,
            "public_id": "t3v9x0q2m717",
            "name": "help desk",
            "digest": "60303ae2",
            "scopes": ["incidents:read"],
            "created_by": "Mira",
            "created_at": AT,
            "expires_at": LATER,
            "used_at": None,
            "revoked_at": None,
        }
    ],
    "audit_change": [
        {"id": 17, "audit_id": 1, "subject": "incident:1", "before": {"state": "identified"}, "after": {"state": "x"}}
    ],
}
TWENTY_FIRST: Rows = {
    "staff": [
        {
            "id": 21,
            "email": "lena@acme.example",
            "name": "Lena",
            "password": "$argon2id$",
            "roles": ["viewer"],
            "totp_sealed": "gAAAAA",
            "totp_step": 58_000_000,
            "recovery": ["9f86d081"],
            "subject": "https://id.acme.example 248289761001",
            "active": True,
            "created_at": AT,
        }
    ]
}

FIFTEENTH: Rows = {
    "subscriber": [
        {
            "id": 15,
            "public_id": "s3v9x0q2m715",
            "page_id": 1,
            "channel": "email",
            "address": "ben@customer.example",
            "about": "k3v9x0q2m7ab",
            "incidents": True,
            "maintenance": False,
            "locale": "en",
            "zone": "Europe/Berlin",
            "link_version": 1,
            "asked_at": AT,
            "confirmed_at": LATER,
            "stopped_at": None,
            "created_at": AT,
        }
    ],
    "subscriber_component": [{"subscriber_id": 15, "component_id": 2}],
}

NINETEENTH: Rows = {
    "slack_event": [
        {"id": 19, "key": "Ev19", "body": {}, "state": "done", "tries": 0, "received_at": AT, "due_at": AT}
    ],
    "slack_message": [
        {
            "id": 19,
            "channel": "C0SUPPORT1",
            "ts": "1790000001.000100",
            "member": "U0MIRA0001",
            "thread_id": 1,
            "message_id": 1,
            "fate": "sent",
            "at": AT,
        }
    ],
}

TWENTIETH: Rows = {
    "page": [
        {
            "id": 2,
            "public_id": "b1b2c3d4e5f6",
            "key": "partners",
            "name": "Acme for partners",
            "url": "https://partners.acme.example",
            "time_zone": "UTC",
            "version": 1,
            "rendered": 0,
            "look": "page-0123456789abcdef.css",
            "updated_at": AT,
        }
    ],
    "postmortem": [
        {
            "id": 1,
            "incident_id": 1,
            "words": {"en": "A setting was wrong, and we check it now."},
            "state": "published",
            "author": "Mira",
            "publisher": "Jo",
            "announced_at": AT,
            "updated_at": LATER,
        }
    ],
}

TWENTY_SECOND: Rows = {
    "thread": [
        {
            "id": 2201,
            "public_id": "t22b2c3d4e5f",
            "page_id": 1,
            "incident_id": 1,
            "person_id": 1,
            "state": "open",
            "link_version": 1,
            "mail": True,
            "waiting_since": AT,
            "urgency": 2,
            "routed": "legal",
            "assignee_id": 1,
            "created_at": AT,
            "updated_at": LATER,
        }
    ],
    "thread_note": [{"id": 1, "thread_id": 1, "author": "Mira", "body": "Jo knows them.", "created_at": AT}],
    "thread_round": [
        {
            "id": 1,
            "incident_id": 1,
            "moment": "thread.closed",
            "facts": {"resolved_at": {"$time": "2026-11-22T14:02:00+00:00"}},
            "bodies": {},
            "edited": {},
            "after": 1,
            "last": 2201,
            "begun_at": AT,
            "due": LATER,
        }
    ],
    "thread_presence": [{"thread_id": 1, "staff_id": 1, "writing": True, "seen_at": LATER}],
}

TWENTY_THIRD: Rows = {
    "thread": [
        {
            "id": 23,
            "public_id": "t3v9x0q2m723",
            "page_id": 1,
            "incident_id": 12,
            "person_id": 1,
            "state": "open",
            "link_version": 1,
            "mail": False,
            "updates": False,
            "external_system": "zendesk",
            "external_id": "4711",
            "external_url": "https://acme.zendesk.example/tickets/4711",
            "created_at": AT,
            "updated_at": LATER,
        }
    ],
    "chorus": [{"rollout_id": 1, "told": {"complaints": 2}, "told_at": LATER}],
    "proposal": [
        {
            "id": 23,
            "public_id": "pr0p0sal0001",
            "rollout_id": 1,
            "complaints": 8,
            "requests": 5,
            "state": "asked",
            "decided_by": "Mira",
            "decided_at": LATER,
            "created_at": AT,
        }
    ],
    "affected": [
        {
            "id": 23,
            "incident_id": 1,
            "person_id": 1,
            "who": "9f86d081",
            "locale": "de",
            "created_at": AT,
            "told_at": LATER,
            "ended_at": None,
        }
    ],
}

TWENTY_FOURTH: Rows = {
    "page": [
        {
            "id": 24,
            "public_id": "a24b2c3d4e5f",
            "key": "inside",
            "name": "Acme for partners",
            "url": "https://partners.acme.example",
            "time_zone": "UTC",
            "version": 1,
            "rendered": 1,
            "look": "0f",
            "link_version": 2,
            "updated_at": AT,
        }
    ],
    "page_text": [
        {"update_id": 1, "page_id": 24, "locale": "en", "subject": "Ledger", "body": "We are looking into Ledger."}
    ],
}

ADDED: Mapping[str, Rows] = {
    "0001": FIRST,
    "0002": SECOND,
    "0003": THIRD,
    "0004": FOURTH,
    "0005": FIFTH,
    "0006": SIXTH,
    "0007": SEVENTH,
    "0008": EIGHTH,
    "0009": NINTH,
    "0010": TENTH,
    "0012": TWELFTH,
    "0013": THIRTEENTH,
    "0014": FOURTEENTH,
    "0015": FIFTEENTH,
    "0016": SIXTEENTH,
    "0017": SEVENTEENTH,
    "0019": NINETEENTH,
    "0020": TWENTIETH,
    "0021": TWENTY_FIRST,
    "0022": TWENTY_SECOND,
    "0023": TWENTY_THIRD,
    "0024": TWENTY_FOURTH,
}
"""For each revision, the rows that it is the first to have room for."""


def load(connection: sa.Connection, revision: str) -> None:
    """Fill what `revision` added."""
    tables = sa.MetaData()
    tables.reflect(connection)
    for table, rows in ADDED[revision].items():
        connection.execute(tables.tables[table].insert(), rows)


def contents(connection: sa.Connection) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table, except Alembic's own."""
    tables = sa.MetaData()
    tables.reflect(connection)
    return {
        name: [dict(row) for row in connection.execute(table.select().order_by(*table.primary_key)).mappings()]
        for name, table in tables.tables.items()
        if name != "alembic_version"
    }
