"""What was published on incidents, in the language of the reader as far as there is such a text."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import or_, select
from sqlmodel import Session, col

from trusthub.store.tables import Incident, Update, UpdateText

POSTMORTEM = "postmortem"
"""The state of the update that announces one, as Statuspage has it."""


def said(session: Session, incidents: Iterable[int], locale: str) -> dict[int, list[tuple[Update, UpdateText]]]:
    """Return the updates of each incident, newest first, each with its words in a language, else in another."""
    rows = session.execute(
        select(Update, UpdateText)
        .join(UpdateText, col(UpdateText.update_id) == Update.id)
        .join(Incident, col(Update.incident_id) == Incident.id)
        .where(
            col(Update.incident_id).in_(incidents),
            or_(col(Update.state) != POSTMORTEM, col(Incident.postmortem_at).is_not(None)),  # it may be taken back
        )
        .order_by(col(Update.id).desc(), col(UpdateText.locale) != locale, col(UpdateText.locale))
    )
    found: dict[int, list[tuple[Update, UpdateText]]] = defaultdict(list)
    for update, text in rows:
        mine = found[update.incident_id]
        if not mine or mine[-1][0].id != update.id:
            mine.append((update, text))
    return found
