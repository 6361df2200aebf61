"""The trust report in the console: one month beside the year before it, and all of it as a table for programs."""

from typing import TYPE_CHECKING

from flask import Blueprint, Response, make_response, request

from trusthub.services import trust

if TYPE_CHECKING:  # the console hands itself over
    from trusthub.web.console import Console


class Trust:
    """The routes, with the console that they are part of."""

    def __init__(self, console: "Console") -> None:
        self._console, self._hub = console, console.hub

    def show(self) -> Response:
        """Show a month, of one component or of all."""
        wanted = {name: request.args.get(name, "") for name in ("month", "component")}
        with self._hub.database.reading() as session:
            report = trust.report(session, self._hub, self._hub.clock(), **wanted)
        return self._console.render("trust.html", report=report)

    def table(self) -> Response:
        """Give every figure by component and month as CSV."""
        with self._hub.database.reading() as session:
            text = trust.table(session, self._hub, self._hub.clock())
        name = 'attachment; filename="trust.csv"'
        headers = {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": name, "Cache-Control": "no-store"}
        return make_response(text, 200, headers)


def add(blueprint: Blueprint, console: "Console") -> None:
    """Add these routes to the console's, behind its guard."""
    routes = Trust(console)
    blueprint.add_url_rule("/trust", "trust", routes.show)
    blueprint.add_url_rule("/trust.csv", "trust_table", routes.table)
