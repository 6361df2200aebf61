"""The console's forms for planned work: plan it, give it another time, say how it goes, finish it, cancel it."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from trusthub.services import maintenance
from trusthub.services.acts import StaffError
from trusthub.services.language import Translations
from trusthub.services.wording import UnfitError
from trusthub.web import fields

if TYPE_CHECKING:  # the console hands itself over
    from trusthub.web.console import Console

Answer = Response | BaseResponse


class Maintenance:
    """The routes, with the console that they are part of."""

    def __init__(self, console: "Console") -> None:
        self._console, self._hub = console, console.hub

    def new(self, unfit: UnfitError | None = None) -> Answer:
        """Show the form that plans work, with what is wrong with the words that were sent from it."""
        components = [(each.id, each.name) for each in self._hub.configuration.site.components]
        return self._console.draft("maintenance.html", unfit, components=components)

    def plan(self) -> Answer:
        """Publish planned work."""
        made: list[str] = []

        def do() -> None:
            planned = maintenance.Plan(
                components=request.form.getlist("component"),
                name=self._words("name"),
                effect=self._words("effect"),
                advice=self._words("advice"),
                start=_time("start", "when the work begins"),
                end=_time("end", "when the work ends"),
                ends_itself="ends_itself" in request.form,
            )
            made.append(maintenance.plan(self._hub, self._console.act_now(), planned))

        answer = self._console.attempt(do, url_for("console.new_maintenance"), self.new)
        return redirect(url_for("console.incident", public_id=made[0]), code=303) if made else answer

    def act(self, public_id: str, action: str) -> Answer:
        """Do what a person decided about planned work."""
        hub, now = self._hub, self._console.act_now
        acts: dict[str, Callable[[], None]] = {
            "change": lambda: maintenance.change(
                hub,
                public_id,
                now(),
                start=fields.moment("start"),
                end=fields.moment("end"),
                note=self._words("note"),
                verifying="verifying" in request.form,
            ),
            "finish": lambda: maintenance.finish(hub, public_id, now(), note=self._words("note")),
            "cancel": lambda: maintenance.cancel(hub, public_id, now(), note=self._words("note")),
        }
        if action not in acts:
            return self._console.missing()
        back = url_for("console.incident", public_id=public_id)
        return self._console.attempt(acts[action], back, lambda unfit: self._console.incident(public_id, unfit))

    def _words(self, name: str) -> Translations:
        main, *others = self._hub.page.locales
        return {main: fields.text(name), **{code: fields.text(f"{name}_{code}") for code in others}}


def _time(name: str, what: str) -> datetime:
    at = fields.moment(name)
    if at is None:
        raise StaffError(f"Please write {what}.")
    return at


def add(blueprint: Blueprint, console: "Console") -> None:
    """Add these routes to the console's, behind its guard and its CSRF check."""
    routes = Maintenance(console)
    rule = blueprint.add_url_rule
    rule("/maintenance", "new_maintenance", routes.new)
    rule("/maintenance", "plan_maintenance", routes.plan, methods=["POST"])
    rule("/maintenance/<public_id>/<action>", "act_maintenance", routes.act, methods=["POST"])
