"""The credentials of pages that are not for everybody. None is stored; each can be made again, ended and rotated."""

from datetime import timedelta
from urllib.parse import quote

from sqlalchemy import select
from sqlmodel import col

from trusthub.domain.page import Access
from trusthub.errors import PlaybookError
from trusthub.services.cases import the_page
from trusthub.services.hub import Hub
from trusthub.services.mistakes import hint
from trusthub.store.tables import Page

ENTER = "/enter/"
LINK, TICKET, READER = "page-link", "page-ticket", "page-reader"
"""Kinds of token: what was given to readers, what the console sends somebody back with, and what a browser keeps."""
_TICKET = timedelta(minutes=1)


def link(hub: Hub, key: str, *, rotate: bool = False) -> str:
    """Return the address that opens a page for whoever has it; `rotate` ends the one before, and lets nobody stay.

    Raises PlaybookError when there is no such page, or it is not opened by a link.
    """
    closed = [each.page.key for each in hub.pages if each.page.access is Access.LINK]
    if key not in closed:
        raise PlaybookError(f"{key!r} is no page that a link opens. {hint(key, closed)}")
    page = hub.at(key)
    with hub.database.transaction() as session:
        row = the_page(session, page, lock=True)
        row.link_version += rotate
        return f"{page.page.url}{ENTER}{hub.tokens.make(LINK, row.public_id, row.link_version)}"


def opened(hub: Hub, public_id: str, path: str) -> str | None:
    """Return where somebody goes who has just signed in to read a page, good for a minute; None for no such page."""
    with hub.database.reading() as session:
        key = session.execute(select(col(Page.key)).where(col(Page.public_id) == public_id)).scalar()
    page = next((each.page for each in hub.pages if each.page.key == key and each.page.access is Access.OIDC), None)
    if page is None:
        return None
    until = int((hub.clock() + _TICKET).timestamp())
    return f"{page.url}{ENTER}{hub.tokens.make(TICKET, public_id, until)}?next={quote(path)}"
