"""What was published on incidents, in the language of the reader as far as there is such a text."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.store.tables import Update, UpdateText


def said(session: Session, incidents: Iterable[int], locale: str) -> dict[int, list[tuple[Update, UpdateText]]]:
    """Return the updates of each incident, newest first, each with its words in a language, else in another."""
    rows = session.execute(
        select(Update, UpdateText)
        .join(UpdateText, col(UpdateText.update_id) == Update.id)
        .where(col(Update.incident_id).in_(incidents))
        .order_by(col(Update.id).desc(), col(UpdateText.locale) != locale, col(UpdateText.locale))
    )
    found: dict[int, list[tuple[Update, UpdateText]]] = defaultdict(list)
    for update, text in rows:
        mine = found[update.incident_id]
        if not mine or mine[-1][0].id != update.id:
            mine.append((update, text))
    return found
