"""What the linter says about words while somebody writes them: a script asks, and shows it beside the field."""

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, request
from werkzeug.wrappers import Response

from trusthub.domain.wording import LONGEST
from trusthub.services import wording

if TYPE_CHECKING:  # the console hands itself over
    from trusthub.web.console import Console


class Words:
    """The route, with the console that it is part of."""

    def __init__(self, console: "Console") -> None:
        self._hub = console.hub

    def check(self) -> Response:
        """Return what is wrong with the words in a field, as a part of a page; empty when nothing is."""
        words, state = request.form.get("words", ""), request.form.get("state", "")
        locale, templates = request.form.get("locale") or self._hub.page.main, self._hub.configuration.templates
        said = words[: LONGEST + 1]  # one more than is read, so that too much is said to be too much
        verdict = wording.heard(templates.root, said, state=state, locale=locale) if said.strip() else None
        html = templates.page("pages/console/words.html", verdict=verdict)
        return make_response(html, 200, {"Cache-Control": "no-store"})


def add(blueprint: Blueprint, console: "Console") -> None:
    """Add this route to the console's, behind its guard and its CSRF check."""
    blueprint.add_url_rule("/words", "words", Words(console).check, methods=["POST"])
