"""What one object of a cluster is taken to say, before it becomes an event."""

from dataclasses import dataclass
from datetime import datetime

from trusthub.domain.events import Evidence, Phase, Strategy
from trusthub.sources.argo_snapshot import Snapshot
from trusthub.sources.base import Payload

MANAGERS = frozenset({"Rollout", "Canary"})
"""Kinds that move Deployments of their own: what they own is told by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where the newest attempt of an object stands. Two states that are equal but for `at` and `since` are no news."""

    attempt: str
    phase: Phase
    strategy: Strategy
    mark: str | None = None
    """What the attempt brings, as the object names it: a pod hash, an image, a checksum."""
    stable: str | None = None
    """The mark of what was complete last, where the object knows it."""
    image: str | None = None
    from_image: str | None = None
    exposure: float | None = None
    step: int | None = None
    steps: int | None = None
    evidence: Evidence = Evidence.NONE
    reason: str = ""
    at: datetime | None = None
    """When it became so, by the cluster's clock and to the second; None when the object does not say."""
    since: str = ""
    """What tells the second time of a state from the first: it is a part of the duplicate key."""

    @property
    def news(self) -> tuple[object, ...]:
        """What differs between two states that are worth an event each."""
        return (self.attempt, self.phase, self.exposure, self.step, self.evidence)


def place(thing: Payload) -> str:
    """Return namespace, name and uid of an object: what its attempts start with."""
    return "/".join(filter(None, (Snapshot(thing).place, thing.optional_text("metadata", "uid"))))


def condition(thing: Payload, kind: str) -> Payload | None:
    """Return the condition of this type, if the status has it."""
    conditions = thing.dig("status", "conditions")
    found = [one for one in conditions.items() if one.optional_text("type") == kind] if conditions else []
    return found[0] if found else None


def image_of(thing: Payload | None) -> str | None:
    """Return the image in an object's pod template, of the container named like the component, else of the first."""
    return Snapshot(thing).image if thing is not None else None


def managed(thing: Payload) -> bool:
    """Whether a Rollout or a Canary owns this object."""
    owners = thing.dig("metadata", "ownerReferences")
    return owners is not None and any(one.optional_text("kind") in MANAGERS for one in owners.items())
