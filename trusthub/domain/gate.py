"""What a gate answers: may a rollout begin, has a person asked for a rollback, how many customers complain.

A gate answers a tool that asks; it moves nothing itself. Nothing holds up a rollback, only a person asks for one, and a
customer counts whose address is confirmed, or whom a person knows to be real.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase

from trusthub.domain.events import Phase
from trusthub.domain.plan import Plan, gaps
from trusthub.domain.rollout import UNDER_WAY, Rollout
from trusthub.domain.site import Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a gate opens, and why, in a sentence for whoever waits in front of it."""

    passes: bool
    reason: str
    announce: bool = False
    """Nobody has been told of the rollout: tell them now."""


# ---------------------------------------------------------------------------------------------- before it begins


class Notice(StrEnum):
    """How far the notice of a rollout's risks got."""

    NONE = "none"
    ON_ITS_WAY = "on its way"
    """A destination is still being tried."""
    LOST = "lost"
    """Every destination was given up."""
    DELIVERED = "delivered"
    """Every destination has it or was given up, and one has it at least."""


@dataclass(frozen=True, slots=True)
class Glass:
    """Who lets a change pass without waiting, and why."""

    who: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known of the rollout that a gate is asked about."""

    plan: Plan
    notice: Notice
    restores: bool = False
    """It brings back what was complete before."""
    exposed: bool = False
    """Users are on it, or may be: it is too late to announce it."""
    glass: Glass | None = None


ROLLBACK = Verdict(passes=True, reason="It brings back what was there before. Nothing holds up a rollback.")
_WAITS = {
    Notice.NONE: "Stakeholders are being told of its risks now. Ask again.",
    Notice.ON_ITS_WAY: "The notice of its risks is on its way to stakeholders. Ask again.",
    Notice.LOST: "The notice of its risks reached nobody. The console says why.",
}
_TOO_LATE = "It reached users before stakeholders were told of its risks. Ask before it begins."


def may_begin(around: Circumstances) -> Verdict:
    """Decide whether a rollout may begin: its plan has no gaps, and the notice of its risks was delivered."""
    untold = around.notice is Notice.NONE
    if around.restores:
        return ROLLBACK
    if around.glass is not None:
        return replace(by_glass(around.glass), announce=untold and not around.exposed)
    if missing := gaps(around.plan):
        return Verdict(passes=False, reason=f"The plan {around.plan.name!r} has gaps: {', '.join(missing)}.")
    if around.notice is Notice.DELIVERED:
        return Verdict(passes=True, reason="Stakeholders were told of its risks, and the plan says how to go back.")
    if untold and around.exposed:
        return Verdict(passes=False, reason=_TOO_LATE)
    return Verdict(passes=False, reason=_WAITS[around.notice], announce=untold)


def exposed(rollout: Rollout) -> bool:
    """Whether users are on it, or may be, because its tool moves them and does not say how many."""
    return bool(rollout.peak) or rollout.unmeasured or rollout.phase is Phase.PROMOTING


def by_glass(glass: Glass) -> Verdict:
    """Let a change pass because somebody says so."""
    return Verdict(passes=True, reason=f"{glass.who} broke the glass: {glass.why}")


def notice(destinations: Mapping[str, Collection[str]]) -> Notice:
    """Sum up the states of the deliveries to each destination."""
    each = {_delivered(states) for states in destinations.values() if states}
    ranked = (Notice.ON_ITS_WAY, Notice.DELIVERED, Notice.LOST)
    return next((found for found in ranked if found in each), Notice.NONE)


def _delivered(states: Collection[str]) -> Notice:
    if "done" in states:
        return Notice.DELIVERED
    return Notice.ON_ITS_WAY if "pending" in states else Notice.LOST


def broken(said: str) -> Glass | None:
    """Read `<who>: <why>`. Return None when one of them is missing."""
    found = re.fullmatch(r"\s*([^\s:][^:]*?)\s*:\s*(\S.*?)\s*", said, re.DOTALL)
    return Glass(found[1], found[2]) if found else None


def listed(version: str | None, gate: Gate) -> Glass | None:
    """Return that site.yaml lets a version pass, if it does."""
    name = next((name for name in gate.break_glass if version and fnmatchcase(version, name)), None)
    return Glass("site.yaml", f"{version} is listed as {name}") if name else None


# ---------------------------------------------------------------------------------------------- while it is under way


def goes_back(rollout: Rollout | None, asked_by: str | None) -> Verdict:
    """Decide whether a tool should roll back: only while its rollout is under way, and because a person asked."""
    if rollout is None:
        return Verdict(passes=False, reason="We have not heard of this attempt, so nobody can have asked for it.")
    if rollout.phase not in UNDER_WAY:
        return Verdict(passes=False, reason="This attempt is not under way.")
    if asked_by is None:
        return Verdict(passes=False, reason="Nobody has asked for a rollback.")
    return Verdict(passes=True, reason=f"{asked_by} asked for it in the console.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One thread of a customer, without saying who it is."""

    person: str
    """Equal for two threads of one customer."""
    network: str
    at: datetime
    real: bool
    """The address is confirmed, or a person knows the customer."""
    wants_rollback: bool = False
    pain: str | None = None
    """blocking, painful or minor; None when they did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """How many customers complain since a step began, and whether that is still called healthy."""

    reason: str
    since: datetime | None = None
    complaints: int = 0
    rollback_requests: int = 0
    healthy: bool = True
    """So it is called as well where nothing is known: to be blind is no reason to go back."""


BLIND = Measurement(reason="The hub cannot count right now. That is no reason to go back.")


def measure(voices: Iterable[Voice], since: datetime, gate: Gate, asked_by: str | None) -> Measurement:
    """Count the customers who spoke since the step began, against what the gate calls healthy.

    `asked_by` is who asked for a rollback in the console: to a person's word no count is added.
    """
    heard = [voice for voice in voices if voice.at >= since]
    complaints = customers(heard, gate.per_network)
    requests = customers([voice for voice in heard if voice.wants_rollback], gate.per_network)
    few = complaints <= gate.most_complaints and requests <= gate.most_rollback_requests
    most = f"Healthy means complaints at most {gate.most_complaints}, requests at most {gate.most_rollback_requests}."
    return Measurement(
        reason=most if asked_by is None else f"{asked_by} asked for a rollback in the console.",
        since=since,
        complaints=complaints,
        rollback_requests=requests,
        healthy=few and asked_by is None,
    )


def customers(voices: Iterable[Voice], per_network: int) -> int:
    """Count real customers, each once and in the network from which they spoke first; of one network so many count."""
    home: dict[str, str] = {}
    for voice in sorted(voices, key=lambda voice: (voice.at, voice.network)):
        if voice.real:
            home.setdefault(voice.person, voice.network)
    return sum(min(count, per_network) for count in Counter(home.values()).values())


def step_began(rollout: Rollout) -> datetime | None:
    """Return when the share of users changed last, or when it began if no share is known."""
    return rollout.steps[-1].at if rollout.steps else rollout.started_at


def network_of(address: str) -> str:
    """Return the network of an address: /24, or /48 of IPv6, which is what one household or office has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))  # noqa: PLR2004 -- IPv4
