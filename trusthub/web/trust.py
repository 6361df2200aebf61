"""The short form of the trust report, for visitors of a page that shows it."""

from datetime import datetime, timedelta
from threading import Lock

from flask import Blueprint
from flask_limiter import Limiter

from trusthub.services import trust
from trusthub.services.hub import Hub
from trusthub.services.trust import Report
from trusthub.web.public import Answer, Public

_FRESH = timedelta(minutes=5)
"""How long what was counted is shown: counting reads a year."""


class Trust:
    """The route, with the pages that it is part of."""

    def __init__(self, public: Public) -> None:
        self._public, self._turn = public, Lock()
        self._kept: tuple[datetime, Report] | None = None

    @property
    def _hub(self) -> Hub:
        return self._public.hub

    def show(self, locale: str = "") -> Answer:
        """Show the last whole month, and what it is compared with."""
        if not self._hub.page.trust or (locale and locale not in self._hub.page.locales[1:]):
            return self._public.refuse(404, "There is no such page", "The front page lists all.")
        code = locale or self._hub.page.main
        return self._public.render("trust.html", locale=code, report=self._report())

    def _report(self) -> Report:
        now = self._hub.clock()
        with self._turn:
            if self._kept is None or self._kept[0] + _FRESH <= now or self._kept[0] > now:
                with self._hub.database.reading() as session:
                    self._kept = now, trust.report(session, self._hub, now, month=trust.whole_month(now))
            return self._kept[1]


def add(blueprint: Blueprint, public: Public, _limiter: Limiter) -> None:
    """Add this route to the public ones."""
    routes = Trust(public)
    blueprint.add_url_rule("/trust", "trust", routes.show)
    blueprint.add_url_rule("/<locale>/trust", "trust_in", routes.show)
