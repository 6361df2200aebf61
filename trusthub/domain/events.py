"""What every tool's event is turned into: one vocabulary, whatever the sender called it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Phase(StrEnum):
    """Where one attempt to bring a version to users stands."""

    PLANNED = "planned"
    """Announced, nobody exposed. Followed by STARTED."""
    STARTED = "started"
    """The new version is being prepared; exposure may still be 0."""
    PROGRESSING = "progressing"
    """Users are being moved; exposure says how far."""
    PAUSED = "paused"
    """Waiting for a person or a timer. Followed by PROGRESSING."""
    PROMOTING = "promoting"
    """The tool has decided for the new version and is moving everybody."""
    COMPLETED = "completed"
    """Everybody is on the new version."""
    FAILED = "failed"
    """The attempt failed. Usually followed by ROLLING_BACK."""
    ROLLING_BACK = "rolling_back"
    """Users are being returned to the earlier version."""
    ROLLED_BACK = "rolled_back"
    """Nobody is on the new version any more."""


class Strategy(StrEnum):
    """How a version is brought to users."""

    CANARY = "canary"
    ROLLING = "rolling"
    BLUE_GREEN = "blue_green"
    FLAG = "flag"
    TRAFFIC = "traffic"
    """Requests are sent another way: to another region, cluster or provider."""
    MIGRATION = "migration"
    CONFIGURATION = "configuration"
    """A setting or a secret changes, and no version does."""
    UNKNOWN = "unknown"


class Evidence(StrEnum):
    """Who or what says that customers were harmed. An abort alone says nothing about harm."""

    NONE = "none"
    FAILED_ANALYSIS = "failed_analysis"
    """The tool measured the new version and the measurement failed."""
    ALERT = "alert"
    COMPLAINTS = "complaints"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An address in the sending tool, for staff."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutEvent:
    """One thing a tool said about one attempt, in our words.

    All of it is internal unless a fact in `domain.message` makes a part of it public.
    """

    kind: str
    """The sender's own name for the event, such as `on-rollout-aborted`."""
    names: tuple[str, ...]
    """Names of the component as the tool knows it, most specific first; matched against `watches`."""
    attempt: str
    """Groups the events of one attempt within one connection."""
    occurred_at: datetime
    """When it happened by the sender's clock, else when it arrived. UTC-aware."""
    duplicate_key: str
    """Equal for two deliveries of the same event, and for no others."""
    phase: Phase | None = None
    """None: worth keeping, but says nothing about the phase."""
    strategy: Strategy = Strategy.UNKNOWN
    environment: str | None = None
    """As the payload names it; None when it does not."""
    namespace: str | None = None
    from_version: str | None = None
    to_version: str | None = None
    artifact: str | None = None
    """Full image reference, purl or commit; always internal."""
    exposure: float | None = None
    """Percent (0-100) of traffic or users on the new version, from this event on; None when the event does not say."""
    step: int | None = None
    steps: int | None = None
    rollback: bool = False
    """The tool itself calls this attempt a rollback: a new attempt whose purpose is to bring an older version back."""
    retold: bool = False
    """Said again by a relist or an import: it changes what is known, and addresses no customer unasked."""
    superseded: bool = False
    """The attempt ended only because a newer one replaced it: no fault is known."""
    evidence: Evidence = Evidence.NONE
    metrics: tuple[str, ...] = ()
    """The tool's names of the metrics that failed; always internal, as `symptoms` in site.yaml says what they mean."""
    reason: str = ""
    """The tool's words for why; always internal."""
    actor: str = ""
    """Who or what acted, as the tool names them; always internal."""
    links: tuple[Link, ...] = ()
    known_risks: tuple[str, ...] = field(default=())
    """Risks that the sender announced with the plan (generic contract only)."""
    unknown_risks: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvent:
    """An alert began or ended. It is linked to the rollout that it falls into; alone it tells nobody anything."""

    kind: str
    """The sender's own name for the event, such as `firing`."""
    names: tuple[str, ...]
    """Names of the component as the tool knows it, most specific first; matched against `watches`."""
    alert: str
    """Groups the beginning and the end of one alert within one connection."""
    firing: bool
    occurred_at: datetime
    """When it began, or ended, by the sender's clock, else when it arrived. UTC-aware."""
    duplicate_key: str
    """Equal for two deliveries of the same event, and for no others."""
    title: str = ""
    """The alert's own words; always internal."""
    severity: str = ""
    """As the tool names it; always internal."""
    environment: str | None = None
    namespace: str | None = None
    links: tuple[Link, ...] = ()


SourceEvent = RolloutEvent | AlertEvent
"""What a tool can tell us."""
