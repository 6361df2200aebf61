"""What a channel can find out about a message whose last try ended without an answer.

A channel that has `find` is asked before such a message is sent again. Without `find`, or when nobody can tell, the
message is sent again and the record says that it may have been delivered twice.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from trusthub.channels.base import Outbound, Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What the record says about the earlier tries."""

    since: datetime
    """When the first of them began."""
    last: datetime
    """When the latest of them began."""
    now: datetime
    near: str | None = None
    """The receipt of another message that this destination took before."""


@dataclass(frozen=True, slots=True)
class Found:
    """The provider has it."""

    receipt: Receipt
    copies: int = 1
    """How often the provider has it, as far as it tells."""


@dataclass(frozen=True, slots=True)
class NotThere:
    """The provider does not have it, or sending it again changes nothing."""


@dataclass(frozen=True, slots=True)
class CannotTell:
    """Nobody can find out."""

    why: str
    """A sentence for staff, with the cure where there is one."""


@dataclass(frozen=True, slots=True)
class Later:
    """Nobody can tell yet. The hub asks again at `at`, for two minutes (TRUSTHUB_DOUBT_SECONDS) in all."""

    at: datetime
    why: str


Finding = Found | NotThere | CannotTell | Later


@runtime_checkable
class Reconciles(Protocol):
    """A channel that can be asked. It sends nothing; what it raises counts as `CannotTell`."""

    def find(self, outbound: Outbound, doubt: Doubt) -> Finding:
        """Look for a message by its key."""
