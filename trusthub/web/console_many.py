"""The console's page for one answer to everybody who waits on an incident: written, looked at, sent, taken back."""

import hashlib
import json
from typing import TYPE_CHECKING

from flask import Blueprint, Response, flash, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from trusthub.services import many
from trusthub.services.wording import UnfitError
from trusthub.web import auth, fields

if TYPE_CHECKING:  # the console hands itself over
    from trusthub.web.console import Console

Answer = Response | BaseResponse


class Many:
    """The routes, with the console that they are part of."""

    def __init__(self, console: "Console") -> None:
        self._console, self._hub = console, console.hub

    def page(self, public_id: str, unfit: UnfitError | None = None) -> Answer:
        """Show the form; once there are words, also who would get them and what a few would read."""
        hub, name = self._hub, auth.signed_in().name
        words = {} if unfit else self._words()
        with hub.database.reading() as session:
            seen = many.outlook(session, hub, public_id, words, name)
        if seen is None:
            return self._console.missing()
        typed = {} if unfit else {"draft": request.form}
        return self._console.draft("many.html", unfit, outlook=seen, public_id=public_id, looked=_mark(words), **typed)

    def send(self, public_id: str) -> Answer:
        """Show what would be sent; send it once exactly these words have been looked at."""
        words = self._words()
        if "send" not in request.form or fields.text("looked") != _mark(words):
            return self.page(public_id)
        main = words.pop(self._hub.page.main, "")

        def do() -> None:
            fields.required("words", "an answer")
            many.send(self._hub, public_id, self._console.act_now(), main, words)
            flash(f"It leaves in {many.UNDO.seconds} seconds. Until then you can take it back.")

        return self._console.attempt(do, self._here(public_id), lambda unfit: self.page(public_id, unfit))

    def undo(self, public_id: str) -> Answer:
        """Take it back."""

        def do() -> None:
            many.undo(self._hub, public_id, self._console.act_now())
            flash("It was taken back. Nobody got it.")

        return self._console.attempt(do, self._here(public_id))

    def _words(self) -> dict[str, str]:
        codes = self._hub.page.locales
        given = {code: fields.text("words" if code == codes[0] else f"words_{code}") for code in codes}
        return {code: words for code, words in given.items() if words}

    def _here(self, public_id: str) -> str:
        return url_for("console.many", public_id=public_id)


def _mark(words: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest() if words else ""


def add(blueprint: Blueprint, console: "Console") -> None:
    """Add these routes to the console's, behind its guard and its CSRF check."""
    routes, rule = Many(console), blueprint.add_url_rule
    rule("/many/<public_id>", "many", routes.page)
    rule("/many/<public_id>", "send_many", routes.send, methods=["POST"])
    rule("/many/<public_id>/undo", "undo_many", routes.undo, methods=["POST"])
