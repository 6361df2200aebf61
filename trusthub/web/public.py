"""The pages that the hub itself answers visitors with, in their language."""

from typing import Any

from flask import Response, make_response, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as BaseResponse

from trusthub.services import report
from trusthub.services.hub import Hub
from trusthub.services.views import PageView

PAGE = "trusthub.page"
"""Where a request carries the key of the page that its host stands for."""
Answer = Response | BaseResponse | tuple[str, int]


class Public:
    """The routes, with what they need."""

    def __init__(self, hub: Hub) -> None:
        self._every = hub

    @property
    def hub(self) -> Hub:
        """The hub as the page that is asked for."""
        return self._every.at(request.environ.get(PAGE, ""))

    def view(self, locale: str = "") -> PageView:
        """Return the page's own view, in a language."""
        with self.hub.database.reading() as session:
            return report.page(session, self.hub, self.hub.clock(), locale)

    def language(self) -> str:
        """Return the language of who asks: of the form they sent or the address they opened, else their browser's."""
        try:
            said = request.values.get("locale", "")
        except RequestEntityTooLarge:  # that is what we are about to say
            said = ""
        path = request.path.split("/")[1]
        others = self.hub.page.locales[1:]
        wanted = [code for code, _ in request.accept_languages] if others else []
        return self.hub.page.nearest(said, path if path in others else "", *wanted)

    def render(self, name: str, status: int = 200, *, locale: str = "", **context: Any) -> Response:
        """Render a page that no cache and no search engine may keep, in a language or in that of who asks."""
        code = self.hub.page.nearest(locale) if locale else self.language()
        body = self.hub.configuration.templates.page(f"pages/{name}", code, page=self.view(code), **context)
        response = make_response(body, status)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Robots-Tag"] = "noindex"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def refuse(self, status: int, title: str, text: str, locale: str = "") -> Response:
        """Render a plain error page; `title` and `text` are sentences of pages.yaml."""
        return self.render("error.html", status, locale=locale, title=title, text=text)

    def foreign(self) -> Response:
        """Refuse a form that another site sent."""
        return self.refuse(403, "Please use our own page", "This form was sent from another site.")

    def no_such(self) -> Response:
        """Say that what was written about is not there."""
        return self.refuse(404, "There is no such incident", "It may have been moved. The front page lists all.")

    def no_link(self, locale: str = "") -> Response:
        """Say that a link opens nothing."""
        text = "It may be too old, or not be copied whole."
        return self.refuse(404, "This link does not open anything", text, locale)
