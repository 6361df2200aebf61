"""How long the hub keeps what is no history: incidents, updates, promises and rollouts stay."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from trusthub.domain.written import Duration, Strict

FOREVER = "forever"


def _period(value: Any) -> Any:
    """`forever` stands for no end."""
    return timedelta.max if value == FOREVER else value


def _default(days: int) -> timedelta:
    return timedelta(days=days)


def _long_enough(period: timedelta) -> timedelta:
    if period < timedelta(days=1):
        raise ValueError("is too short. Write a day or more, such as 90d, or forever")
    return period


_Period = Annotated[Duration, BeforeValidator(_period), AfterValidator(_long_enough)]


class Retention(Strict):
    """Periods, at least a day each."""

    events: _Period = _default(90)
    """Requests as tools sent them, and counts of refused ones."""
    deliveries: _Period = _default(180)
    """Messages that were sent or given up, with their attempts and the addresses that they went to. Those of an
    incident that is not over stay."""
    seen: _Period = _default(30)
    """By what a request is known again when a tool sends it twice."""
    sandbox: _Period = _default(30)
    """Messages that were kept instead of sent."""
    unconfirmed: _Period = _default(7)
    """Addresses that somebody wrote down, and nobody confirmed."""
    affected: _Period = _default(14)
    """Whom an incident hit, and the mails to them, from its end on."""
