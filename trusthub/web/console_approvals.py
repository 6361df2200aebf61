"""The console's page about words that wait for a person: read them as customers would, then decide."""

from typing import TYPE_CHECKING

from flask import Blueprint, Response, flash, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from trusthub.services import approval_views, approving
from trusthub.services.acts import StaffError
from trusthub.services.announce import Texts
from trusthub.services.approving import Answer, Press
from trusthub.web import fields

if TYPE_CHECKING:  # the console hands itself over
    from trusthub.web.console import Console

Answered = Response | BaseResponse


class Approvals:
    """The routes, with the console that they are part of."""

    def __init__(self, console: "Console") -> None:
        self._console, self._hub = console, console.hub

    def one(self, public_id: str) -> Answered:
        """Show what is asked. Looking decides nothing."""
        with self._hub.database.reading() as session:
            view = approval_views.find(session, self._hub, public_id, self._console.act_now().email)
        return self._console.render("approval.html", approval=view) if view else self._console.missing()

    def decide(self, public_id: str) -> Answered:
        """Do what a person decided."""
        return self._console.attempt(lambda: self._decide(public_id), url_for("console.approval", public_id=public_id))

    def _decide(self, public_id: str) -> None:
        try:
            press = Press(fields.text("press"))
        except ValueError as error:
            raise StaffError("Choose what to do.") from error
        texts = self._texts() if "edited" in request.form else None
        answer = Answer(press=press, digest=fields.text("digest"), texts=texts, reason=fields.text("reason"))
        approving.decide(self._hub, public_id, self._console.act_now(), answer)
        flash(_DONE[press])

    def _texts(self) -> Texts:
        """Return the words as they stand in the form, in every language of the page."""
        return {
            code: {"subject": fields.text(f"subject_{code}"), "body": fields.text(f"body_{code}")}
            for code in self._hub.page.locales
        }


_DONE = {
    Press.APPROVE: "It is on its way to customers.",
    Press.PRECAUTION: "It is closed as a precaution, and nobody outside is told.",
    Press.FALSE_ALARM: "It is closed as a false alarm.",
}


def add(blueprint: Blueprint, console: "Console") -> None:
    """Add the routes to the console's."""
    routes = Approvals(console)
    blueprint.add_url_rule("/approvals/<public_id>", "approval", routes.one)
    blueprint.add_url_rule("/approvals/<public_id>", "decide", routes.decide, methods=["POST"])
