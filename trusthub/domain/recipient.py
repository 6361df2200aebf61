"""What becomes of one recipient's mail. News of it comes in any order and more than once; a fate never goes back."""

from collections.abc import Mapping
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


ARRIVED = frozenset({Fate.DELIVERED, Fate.UNSUBSCRIBED, Fate.SPAM})
"""The mailbox's server has it."""
BOUNCED = frozenset({Fate.BOUNCED, Fate.DROPPED})
"""A provider had it, and it did not stay with its reader."""
RETURNED = BOUNCED | {Fate.REFUSED}
"""Nobody will read it."""
OPEN = frozenset({Fate.PENDING, Fate.KEPT, Fate.ACCEPTED, Fate.DEFERRED})
"""There may be more news of it."""


@dataclass(frozen=True, slots=True)
class Became:
    """News of a delivery's recipients, from the first to the last by their numbers, as far as they still wait.

    A range and not a list, which would take longer to record than all the rest.
    """

    first: int
    last: int
    fate: Fate
    at: datetime
    ref: str | None = None
    """The provider's name for the mail."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many recipients got how far. They add up: frozen = waiting + left out + failed + handed over."""

    frozen: int = 0
    waiting: int = 0
    left_out: int = 0
    handed: int = 0
    """The provider has it, whatever became of it then."""
    delivered: int = 0
    bounced: int = 0
    failed: int = 0
    """No provider took it, and nobody will try again."""

    @classmethod
    def of(cls, counts: Mapping[str, int], *, given_up: bool = False) -> "Tally":
        """Add up how many have each fate. When the delivery was given up, nobody waits any more."""

        def some(*fates: Fate) -> int:
            return sum(counts.get(fate, 0) for fate in fates)

        waiting, left_out, refused = some(Fate.PENDING), some(Fate.LEFT_OUT), some(Fate.REFUSED)
        frozen = sum(counts.values())
        return cls(
            frozen=frozen,
            waiting=0 if given_up else waiting,
            left_out=left_out,
            handed=frozen - waiting - left_out - refused,
            delivered=some(*ARRIVED),
            bounced=some(*BOUNCED),
            failed=refused + (waiting if given_up else 0),
        )

    def __add__(self, other: "Tally") -> "Tally":
        """Return both together."""
        return Tally(**{name: getattr(self, name) + getattr(other, name) for name in self.__slots__})

    @property
    def silent(self) -> int:
        """How many a provider has of which it has not told what became of them."""
        return self.handed - self.delivered - self.bounced


NOBODY = Tally()


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
