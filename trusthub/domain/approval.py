"""People approve what customers read: who is asked, for how long, and what happens when nobody answers."""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from pydantic import Field

from trusthub.domain.written import Duration, OneOrMore, Strict

ROUNDS = 2
"""How often each approver is called. Somebody who did not come twice is not called a third time."""


class OnTimeout(StrEnum):
    """What customers get when nobody has answered in time."""

    HOLDING = "holding"
    """A message without cause or count."""
    SEND = "send"
    """The words that were put before people."""
    HOLD = "hold"
    """Nothing."""


class Standing(StrEnum):
    """How a question to approvers stands, or ended."""

    PENDING = "pending"
    APPROVED = "approved"
    EDITED = "edited"
    """Approved, with words that the approver changed."""
    PRECAUTION = "precaution"
    FALSE_ALARM = "false_alarm"
    SENT = "sent"
    """Nobody answered, and the playbook lets it go then."""
    VOID = "void"
    """The facts have changed, so a new question took its place."""
    OVERTAKEN = "overtaken"
    """A person told customers, or closed it, on the page of the incident."""


class ApprovalRule(Strict):
    """Who approves what would reach customers by itself."""

    approvers: OneOrMore[str]
    """Mail addresses, or names of colleagues as they sign in, in the order in which they are called."""
    within: Duration = Field(default=timedelta(minutes=5), ge=timedelta(minutes=1))
    on_timeout: OnTimeout = OnTimeout.HOLDING
    every: bool = False
    """Whether what follows the first message is approved as well."""

    def approver(self, called: int) -> str | None:
        """Return whom to call after `called` others; None when everybody was called often enough."""
        return self.approvers[called % len(self.approvers)] if called < ROUNDS * len(self.approvers) else None

    def at_deadline(self, *, sound: bool, told: bool) -> OnTimeout:
        """Return what happens when nobody has answered.

        Words in which something is wrong are not `sound`, and never sent. Customers who have been `told` of the
        incident get no holding message: what they were promised has timers of its own.
        """
        if self.on_timeout is OnTimeout.SEND and sound:
            return OnTimeout.SEND
        return OnTimeout.HOLD if told or self.on_timeout is OnTimeout.HOLD else OnTimeout.HOLDING


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of facts that are not as they were, in order."""
    return tuple(sorted(name for name in {**before, **after} if before.get(name) != after.get(name)))


def digest(texts: Mapping[str, Mapping[str, str]]) -> str:
    """Return a short hash of words in every language: who presses approves these, and no others."""
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()[:16]
