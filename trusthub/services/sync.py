"""Bringing the page's and components' rows in step with site.yaml. Rows never go: their history stays."""

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import Session, col

from trusthub.services.cases import the_page
from trusthub.services.hub import Hub
from trusthub.store import outbox
from trusthub.store.tables import Component, Page, Snapshot


def sync(hub: Hub, now: datetime) -> None:
    """Add, rename, order and unlist rows as site.yaml says."""
    with hub.database.transaction() as session:
        outbox.take_turn(session)  # several processes start at once, and all would add the same rows
        for each in hub.pages:
            _page(session, each, now)
        page = the_page(session)
        known = {row.key: row for row in session.execute(select(Component)).scalars()}
        position, wanted = 0, set()
        for component in hub.configuration.site.components:
            group = None
            if component.group:
                key = f"group:{component.group}"
                if key not in wanted:
                    position += 1
                    known[key] = _put(
                        session,
                        known.get(key),
                        page,
                        now,
                        key=key,
                        name=component.group,
                        position=position,
                        is_group=True,
                    )
                group = known[key].id
                wanted.add(key)
            position += 1
            known[component.id] = _put(
                session,
                known.get(component.id),
                page,
                now,
                key=component.id,
                name=component.name,
                position=position,
                description=component.description,
                group_id=group,
            )
            wanted.add(component.id)
        for key, row in known.items():
            row.listed = key in wanted


def _page(session: Session, hub: Hub, now: datetime) -> None:
    page = session.execute(select(Page).where(col(Page.key) == hub.page.key)).scalar()
    if page is None:
        page = Page(key=hub.page.key, name="", url="", time_zone="UTC", updated_at=now)
        session.add(page)
    page.name, page.url, page.time_zone = hub.page.name, hub.page.url, hub.page.time_zone
    if page.look != (look := _look(hub)):  # each page that is there names an old style sheet, or has old words
        here = delete(Snapshot).where(col(Snapshot.page_id) == page.id)
        # Of several pages, all goes: what moved from one to another may be left nowhere.
        session.execute(here.where(col(Snapshot.content_type).startswith("text/html")) if hub.alone else here)
        page.look = look
    session.flush()


def _look(hub: Hub) -> str:
    """Return what names how every page looks, whatever it is about."""
    seen = f"{hub.look.sheet} {hub.page.model_dump_json()}"
    return hashlib.sha256(seen.encode()).hexdigest()[:20]


def _put(session: Session, row: Component | None, page: Page, now: datetime, **values: Any) -> Component:
    if row is None:
        row = Component(page_id=page.id, created_at=now, updated_at=now, **values)
        session.add(row)
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    return row
