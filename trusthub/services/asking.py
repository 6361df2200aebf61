"""Asking for mail: nobody gets any who did not confirm it, and nobody learns who does."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlmodel import Session, col

from trusthub.domain.incident import OVER
from trusthub.domain.message import Moment
from trusthub.services import subscribe
from trusthub.services.announce import Telling, mail_asked
from trusthub.services.cases import known_to, the_page
from trusthub.services.facts import page_facts
from trusthub.services.hub import Hub
from trusthub.services.seldom import Seldom
from trusthub.services.subscribe import Wish
from trusthub.services.voices import discreet
from trusthub.store.tables import Attempt, Delivery, Incident, Recipient, Subscriber, SubscriberComponent
from trusthub.store.types import public_id

FORGOTTEN = timedelta(days=7)
"""After that long, who followed an incident that is over is forgotten."""
MOST = 3
"""Mails of this kind to one address in a day, whoever asks: nobody can fill a stranger's mailbox."""
LOOK = timedelta(hours=1)
"""Time between looks for whom to forget."""
_DAY, _EVER = timedelta(days=1), timedelta(days=36_500)
_ASKED = (Moment.SUBSCRIBER_ASKED, Moment.SUBSCRIBER_KNOWN)


def followable(session: Session, hub: Hub, incident: str) -> Incident | None:
    """Return the incident of a public id, which customers know and that is not over."""
    mine = (col(Incident.public_id) == incident, *known_to(hub), col(Incident.state).not_in(OVER))
    found: Incident | None = session.execute(select(Incident).where(*mine)).scalar()
    return found


def ask(hub: Hub, wish: Wish, now: datetime) -> None:
    """Mail a link to whoever has the address: one that begins mail, or one that changes what they have already.

    Nothing is sent to an address that had MOST such mails within a day, or that takes no mail of ours.
    """
    with hub.database.transaction() as session:
        page = the_page(session, hub, lock=True)  # two at once, such as a double click, take turns
        if _mails(session, wish.address.lower(), now) >= MOST:
            return
        known = subscribe.find(session, page.id, wish)
        begun = known is not None and subscribe.live(known)
        subscriber = subscribe.add(session, page.id, wish, now)
        _mail(session, hub, subscriber, Moment.SUBSCRIBER_KNOWN if begun else Moment.SUBSCRIBER_ASKED, now)


def _mail(session: Session, hub: Hub, subscriber: Subscriber, moment: Moment, now: datetime) -> None:
    incident = session.execute(select(Incident).where(col(Incident.public_id) == subscriber.about)).scalar()
    names = {hub.page.main: incident.name, **incident.names} if incident else None
    names = names and {code: discreet(hub, name, code) for code, name in names.items()}
    manage = subscribe.token(hub, subscriber.public_id, subscriber.link_version)
    confirm = subscribe.token(hub, subscriber.public_id, subscriber.link_version, kind=subscribe.CONFIRM)
    facts = {
        **page_facts(hub),
        "incident_name": names,
        "confirm_url": f"{hub.front}/subscriptions/{confirm}",
        "confirm_by": now + subscribe.CONFIRM_LIVES,
        "manage_url": f"{hub.front}/subscriptions/{manage}",
    }
    cause = f"asked:{public_id()}"
    telling = Telling(
        moment=moment,
        playbook=hub.configuration.everyday,
        facts=facts,
        conversation=cause,
        cause=cause,
        now=now,
    )
    stops = manage if moment is Moment.SUBSCRIBER_KNOWN else ""
    locale = hub.page.nearest(subscriber.locale)
    mail_asked(session, hub, telling, address=subscriber.address, token=stops, locale=locale, zone=subscriber.zone)


def _mails(session: Session, address: str, now: datetime) -> int:
    """Return how many such mails an address had within a day."""
    mine = (col(Delivery.lane) == f"email:{address}", col(Delivery.moment).in_(_ASKED))
    counted = select(func.count()).select_from(Delivery).where(*mine, col(Delivery.created_at) > now - _DAY)
    return int(session.execute(counted).scalar_one())


class Forgetting:
    """Forgets who did not confirm, and who followed what is over, once in a while."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._seldom = hub, Seldom(LOOK)

    def watch(self, now: datetime) -> None:
        """Forget whom it is time to forget."""
        if self._seldom.due(now):
            forget(self._hub, now)


def forget(hub: Hub, now: datetime) -> None:
    """Forget who did not confirm (`retention.unconfirmed`), who followed what is over, and what we asked them.

    Who stopped mail from the page stays known as that, so that no list that is taken in begins it again.
    """
    before, patience = now - FORGOTTEN, hub.configuration.site.retention.unconfirmed
    over = select(col(Incident.public_id)).where(col(Incident.state).in_(OVER), col(Incident.updated_at) < before)
    silent = (col(Subscriber.confirmed_at).is_(None), col(Subscriber.stopped_at).is_(None))
    late = select(col(Subscriber.id)).where(*silent, col(Subscriber.asked_at) < now - min(patience, _EVER))
    follows = select(col(Subscriber.id)).where(col(Subscriber.about).in_(over))
    asked = select(col(Delivery.id)).where(col(Delivery.moment).in_(_ASKED), col(Delivery.created_at) < before)
    with hub.database.transaction(quiet=True) as session:
        ids = [*session.execute(late).scalars(), *session.execute(follows).scalars()]
        mails = update(Recipient).where(col(Recipient.subscriber_id).in_(ids))
        session.execute(mails.values(subscriber_id=None, address=""))
        session.execute(delete(SubscriberComponent).where(col(SubscriberComponent.subscriber_id).in_(ids)))
        session.execute(delete(Subscriber).where(col(Subscriber.id).in_(ids)))
        session.execute(delete(Attempt).where(col(Attempt.delivery_id).in_(asked)))
        session.execute(delete(Recipient).where(col(Recipient.delivery_id).in_(asked)))
        session.execute(delete(Delivery).where(col(Delivery.id).in_(asked)))
