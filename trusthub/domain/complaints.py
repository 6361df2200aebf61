"""What customers say of a rollout, step by step, and from when on a rollback is put before a person.

Only real customers count (see `domain.gate`), each once: in the step in which they first spoke, by the worst they said.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pydantic import Field

from trusthub.domain.gate import Voice, customers
from trusthub.domain.parts import Heard, Tallied
from trusthub.domain.rollout import Exposure
from trusthub.domain.written import Strict

PAINS = ("blocking", "painful", "minor")
"""How badly it can hurt, worst first."""


class Threshold(Strict):
    """How many customers make a playbook propose a rollback. It is never done without a person."""

    requests: int = Field(ge=1)
    """Customers who ask for a rollback, since the rollout began."""
    share: float = Field(default=0.0, ge=0, le=100)
    """How many percent of those who complain they have to be at least."""
    per_network: int = Field(default=3, ge=1)
    """Customers of one network that count."""

    def passed(self, tally: Tallied) -> bool:
        """Whether so many ask that a person should decide."""
        return tally.requests >= self.requests and 100 * tally.requests >= self.share * tally.complaints


def tally(voices: Iterable[Voice], per_network: int) -> Tallied:
    """Count real customers, each by the worst they said."""
    heard = [voice for voice in voices if voice.real]
    worst = _worst(heard)
    return Tallied(
        complaints=customers(heard, per_network),
        requests=customers([voice for voice in heard if voice.wants_rollback], per_network),
        **{pain: customers([voice for voice in heard if worst[voice.person] == pain], per_network) for pain in PAINS},
    )


def by_step(voices: Sequence[Voice], steps: Sequence[Exposure], began: datetime, per_network: int) -> tuple[Heard, ...]:
    """Return the steps in their order; what was said before the first belongs to it."""
    edges = [replace(steps[0], at=min(began, steps[0].at)), *steps[1:]] if steps else [Exposure(began, 0.0)]
    said: Mapping[int, list[Voice]] = defaultdict(list)
    first = _first(voices)
    for voice in voices:
        place = max((index for index, edge in enumerate(edges) if edge.at <= first[voice.person]), default=0)
        said[place].append(voice)
    return tuple(
        Heard(edge.at, edge.percent if steps else None, tally(said.get(index, ()), per_network))
        for index, edge in enumerate(edges)
    )


def _first(voices: Iterable[Voice]) -> dict[str, datetime]:
    """Return when each customer first spoke."""
    first: dict[str, datetime] = {}
    for voice in voices:
        first[voice.person] = min(voice.at, first.get(voice.person, voice.at))
    return first


def _worst(voices: Iterable[Voice]) -> dict[str, str | None]:
    """Return the worst that each customer said of how it hurts; None for who did not say."""
    worst: dict[str, str | None] = {}
    for voice in voices:
        pains = {voice.pain, worst.get(voice.person)}
        worst[voice.person] = next((pain for pain in PAINS if pain in pains), None)
    return worst
