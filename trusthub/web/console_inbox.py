"""The console's list of customers' threads: what is asked for stands in its address, so that a view can be linked."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from sqlalchemy import select
from sqlmodel import Session, col
from werkzeug.wrappers import Response as BaseResponse

from trusthub.domain.complaints import PAINS
from trusthub.domain.role import Role
from trusthub.domain.wording.house import ROUTES
from trusthub.services import queue
from trusthub.services.acts import StaffError
from trusthub.services.queue import Wanted
from trusthub.store.tables import Component, Incident
from trusthub.web import auth

if TYPE_CHECKING:  # the console hands itself over
    from trusthub.web.console import Console

Answer = Response | BaseResponse

_NAMES = ("state", "whose", "pain", "incident", "component", "role", "words")
_LONGEST = 100
"""Characters of what is searched for."""


class Inbox:
    """The route, with the console that it is part of."""

    def __init__(self, console: "Console") -> None:
        self._console, self._hub = console, console.hub

    def list(self) -> Answer:
        """Show a page of the threads that are asked for; those who wait for us when nothing is."""
        given = {name: value for name in _NAMES if (value := request.args.get(name, "").replace("\0", "").strip())}
        try:
            with self._hub.database.reading() as session:
                sheet = queue.sheet(session, self._wanted(session, given), after=request.args.get("after", ""))
        except (StaffError, ValueError, OverflowError) as error:
            known = isinstance(error, StaffError)
            why = str(error) if known else "The address of this page of the list is not complete."
            return self._console.render("problem.html", 400, title="Customers", problem=why)
        return self._console.render(
            "threads.html",
            live=True,
            lines=sheet.lines,
            filter=given,
            following=urlencode({**given, "after": sheet.after}) if sheet.after else "",
            first=urlencode(given) if "after" in request.args else None,
            searched=queue.SEARCHED,
            choices={"state": queue.STATES, "pain": PAINS, "role": ("any", *ROUTES)},
            components=[(each.id, each.name) for each in self._hub.configuration.site.components],
        )

    def _wanted(self, session: Session, given: dict[str, str]) -> Wanted:
        me, whose = auth.signed_in(), _one(given, "whose", ("me", "nobody"))
        return Wanted(
            state=_one(given, "state", queue.STATES) or queue.STATES[0],
            assignee_id=me.id if whose == "me" else None,
            unassigned=whose == "nobody",
            pain=_one(given, "pain", PAINS),
            incident_id=_id(session, Incident, col(Incident.public_id), given.get("incident")),
            component_id=_id(session, Component, col(Component.key), given.get("component")),
            routed=_one(given, "role", ("any", *ROUTES)),
            words=given.get("words", "")[:_LONGEST],
            addresses=Role.SUPPORT in me.roles,
        )


def _one(given: dict[str, str], name: str, known: tuple[str, ...]) -> str:
    value = given.get(name, "")
    if value and value not in known:
        raise StaffError(f"There is no {name} {value!r}. There are: {', '.join(known)}.")
    return value


def _id(session: Session, table: type[Incident] | type[Component], name: Any, value: str | None) -> int | None:
    if value is None:
        return None
    found = session.execute(select(col(table.id)).where(name == value)).scalar()
    if found is None:
        raise StaffError(f"There is no {table.__name__.lower()} {value!r}.")
    return int(found)


def add(blueprint: Blueprint, console: "Console") -> None:
    """Add this route to the console's, behind its guard."""
    blueprint.add_url_rule("/threads", "threads", Inbox(console).list)
