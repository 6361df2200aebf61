"""What becomes of one recipient's mail. News of it comes in any order and more than once; a fate never goes back."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Fate(StrEnum):
    """How far one recipient's mail has got."""

    PENDING = "pending"
    """Decided, and not known to be handed over."""
    LEFT_OUT = "left_out"
    """Not sent: the address was suppressed, or its reader had stopped mail, when it was this mail's turn."""
    REFUSED = "refused"
    """The provider did not take this address."""
    KEPT = "kept"
    """Kept in the sandbox, because no provider is set up."""
    ACCEPTED = "accepted"
    """The provider has it."""
    DEFERRED = "deferred"
    """The mailbox asked the provider to come again later."""
    DELIVERED = "delivered"
    """The mailbox's server has it."""
    BOUNCED = "bounced"
    """The mailbox's server returned it, at once or afterwards."""
    DROPPED = "dropped"
    """The provider had it and did not send it on, because of what it knows of the address."""
    UNSUBSCRIBED = "unsubscribed"
    """It was read, and its reader asked the provider for no more."""
    SPAM = "spam"
    """It was read, and its reader called it spam."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailNews:
    """What a provider tells about one recipient's mail."""

    recipient: int
    fate: Fate
    at: datetime
    reason: str = ""
    lasting: bool = False
    """A bounce that trying again will not help."""


_STEPS = (
    {Fate.PENDING},
    {Fate.LEFT_OUT, Fate.REFUSED, Fate.KEPT, Fate.ACCEPTED},
    {Fate.DEFERRED},
    {Fate.DELIVERED},
    {Fate.BOUNCED, Fate.DROPPED},
    {Fate.UNSUBSCRIBED},
    {Fate.SPAM},
)
"""A mail can bounce after it was delivered, so bouncing comes later."""


def before(fate: Fate) -> frozenset[Fate]:
    """Return the fates that `fate` may follow. It never follows itself: the first word on it stays."""
    step = next(index for index, fates in enumerate(_STEPS) if fate in fates)
    return frozenset().union(*_STEPS[:step])
