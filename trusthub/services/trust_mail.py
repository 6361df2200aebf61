"""The trust report of a month that is over, sent to stakeholders once, on the first days of the next."""

from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from trusthub.domain.message import Moment
from trusthub.domain.parts import Told
from trusthub.domain.trust import Line
from trusthub.services import trust
from trusthub.services.announce import Telling, tell
from trusthub.services.facts import page_facts
from trusthub.services.hub import Hub
from trusthub.services.seldom import Seldom
from trusthub.store.tables import Delivery

LOOK = timedelta(minutes=10)
_HOUR, _DAYS = 8, 3
"""From this hour of the page's day on, and on so many days: a hub that was off for longer does not bring it late."""


class Monthly:
    """Looks whether it is time, once in a while."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._seldom = hub, Seldom(LOOK)

    def watch(self, now: datetime) -> None:
        """Send the report when it is time. Of several workers, one does: its deliveries have keys."""
        here = now.astimezone(ZoneInfo(self._hub.page.time_zone))
        if here.day > _DAYS or here.hour < _HOUR or not self._seldom.due(now):
            return
        with suppress(IntegrityError), self._hub.database.transaction(quiet=True) as session:
            _send(session, self._hub, now)


def _send(session: Session, hub: Hub, now: datetime) -> None:
    month = trust.whole_month(now)
    name = f"trust:{month}"
    if session.execute(select(col(Delivery.id)).where(col(Delivery.key).startswith(f"{name}/")).limit(1)).first():
        return
    lines = tuple(_told(line) for line in trust.report(session, hub, now, month=month).lines if line.now.n)
    if not lines:
        return
    facts = {
        **page_facts(hub),
        "trust_month": trust.begin(month),
        "trust_lines": lines,
        "console_url": f"{hub.base_url}/console/trust?month={month}",
    }
    told = Telling(
        moment=Moment.TRUST_MONTHLY,
        playbook=hub.configuration.everyday,
        facts=facts,
        conversation=name,
        cause=name,
        now=now,
    )
    tell(session, hub, told)


def _told(line: Line) -> Told:
    return Told(
        metric=line.metric.id,
        shape=line.metric.shape.value,
        n=line.now.n,
        value=_rounded(line.now.value),
        base_n=line.baseline.n,
        base=_rounded(line.baseline.value),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
