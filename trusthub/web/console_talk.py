"""The console's side of a customer's thread: what a stranger sent, and files."""

from typing import TYPE_CHECKING

from flask import Blueprint, Response, url_for
from sqlalchemy import select
from sqlmodel import col
from werkzeug.wrappers import Response as BaseResponse

from trusthub.services import files, staff
from trusthub.store.tables import Thread
from trusthub.web.sent_files import answer

if TYPE_CHECKING:  # the console hands itself over
    from trusthub.web.console import Console

Answer = Response | BaseResponse


class Talk:
    """The routes, with the console that they are part of."""

    def __init__(self, console: "Console") -> None:
        self._console, self._hub = console, console.hub

    def admit(self, public_id: str, message: int) -> Answer:
        """Say that what came from another address is the customer's word."""
        return self._console.attempt(
            lambda: staff.accept(self._hub, public_id, message, self._console.act_now()),
            url_for("console.thread", public_id=public_id),
        )

    def file(self, public_id: str, name: str) -> Answer:
        """Hand out a file that came with a message."""
        with self._hub.database.reading() as session:
            thread = session.execute(select(col(Thread.id)).where(col(Thread.public_id) == public_id)).scalar()
            found = files.find(session, self._hub, thread, name, staff=True) if thread else None
        return answer(found) if found else self._console.missing()


def add(blueprint: Blueprint, console: "Console") -> None:
    """Add these routes to the console's, behind its guard and its CSRF check."""
    routes = Talk(console)
    rule = blueprint.add_url_rule
    rule("/threads/<public_id>/messages/<int:message>/admit", "admit", routes.admit, methods=["POST"])
    rule("/threads/<public_id>/files/<name>", "file", routes.file)
