"""What was published on incidents, in the language of the reader as far as there is such a text."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import or_, select
from sqlmodel import Session, col

from trusthub.services.hub import Hub
from trusthub.store.tables import Incident, Page, PageText, Update, UpdateText

POSTMORTEM = "postmortem"
"""The state of the update that announces one, as Statuspage has it."""
Words = UpdateText | PageText


def said(session: Session, hub: Hub, incidents: Iterable[int], locale: str) -> dict[int, list[tuple[Update, Words]]]:
    """Return the updates of each incident, newest first, each with its words in a language, else in another.

    A page that has words of its own for an update reads only those.
    """
    numbers = list(incidents)
    rows = session.execute(
        select(Update, UpdateText)
        .join(UpdateText, col(UpdateText.update_id) == Update.id)
        .join(Incident, col(Update.incident_id) == Incident.id)
        .where(
            col(Update.incident_id).in_(numbers),
            or_(col(Update.state) != POSTMORTEM, col(Incident.postmortem_at).is_not(None)),  # it may be taken back
        )
        .order_by(col(Update.id).desc(), col(UpdateText.locale) != locale, col(UpdateText.locale))
    )
    own = _own(session, hub, numbers, locale)
    found: dict[int, list[tuple[Update, Words]]] = defaultdict(list)
    for update, text in rows:
        mine = found[update.incident_id]
        if not mine or mine[-1][0].id != update.id:
            mine.append((update, own.get(update.id, text)))
    return found


def _own(session: Session, hub: Hub, incidents: Iterable[int], locale: str) -> dict[int, PageText]:
    """Return the page's own words by the update's id."""
    if hub.on is None or hub.alone:
        return {}
    rows = (
        select(PageText)
        .join(Update, col(Update.id) == PageText.update_id)
        .join(Page, col(Page.id) == PageText.page_id)
        .where(col(Update.incident_id).in_(incidents), col(Page.key) == hub.page.key)
        .order_by(col(PageText.locale) == locale, col(PageText.locale).desc())  # the last of them stays
    )
    return {text.update_id: text for text in session.execute(rows).scalars()}
