"""Every table, as rows and nothing more: SQLModel does not validate `table=True` models, so domain types decide.

Ids are for joins inside; `public_id` is what an address may show. `event` and `attempt` have no foreign key pointing
at them and no unique key but the id, so that they can be partitioned by id; repeats are kept out by `seen`.
"""

from trusthub.store.tables.access import ApiToken, AuditChange, StaffSession
from trusthub.store.tables.back import Affected, Chorus, Proposal
from trusthub.store.tables.base import Row
from trusthub.store.tables.deliveries import Attempt, Delivery, Disabled, Hold, Lane, Sandbox
from trusthub.store.tables.heard import Alert, Event, Outcome, Refusal, Rollout, Seen, Silence
from trusthub.store.tables.incidents import (
    Approval,
    Incident,
    IncidentComponent,
    IncidentPage,
    PageText,
    Postmortem,
    Promise,
    Timer,
    Update,
    UpdateText,
)
from trusthub.store.tables.pages import Component, Page, Snapshot
from trusthub.store.tables.people import Audit, Person, Suppression, Thread, ThreadMessage, User
from trusthub.store.tables.subscribers import Recipient, Subscriber, SubscriberComponent
from trusthub.store.tables.talk import (
    Attachment,
    InboundMail,
    MeToo,
    SlackEvent,
    SlackMessage,
    ThreadNote,
    ThreadPresence,
    ThreadRound,
)

__all__ = [
    "Affected",
    "Alert",
    "ApiToken",
    "Approval",
    "Attachment",
    "Attempt",
    "Audit",
    "AuditChange",
    "Chorus",
    "Component",
    "Delivery",
    "Disabled",
    "Event",
    "Hold",
    "InboundMail",
    "Incident",
    "IncidentComponent",
    "IncidentPage",
    "Lane",
    "MeToo",
    "Outcome",
    "Page",
    "PageText",
    "Person",
    "Postmortem",
    "Promise",
    "Proposal",
    "Recipient",
    "Refusal",
    "Rollout",
    "Row",
    "Sandbox",
    "Seen",
    "Silence",
    "SlackEvent",
    "SlackMessage",
    "Snapshot",
    "StaffSession",
    "Subscriber",
    "SubscriberComponent",
    "Suppression",
    "Thread",
    "ThreadMessage",
    "ThreadNote",
    "ThreadPresence",
    "ThreadRound",
    "Timer",
    "Update",
    "UpdateText",
    "User",
]
