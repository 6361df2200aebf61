"""How visitors ask for mail, confirm it, change what they hear, and stop it."""

from dataclasses import replace
from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, Response, redirect, request
from flask_limiter import Limiter
from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain.gate import network_of
from trusthub.services import asking, report, subscribe
from trusthub.services.feedback import is_address
from trusthub.services.hub import Hub
from trusthub.services.subscribe import Wish
from trusthub.store.tables import Component, Subscriber, SubscriberComponent
from trusthub.web.public import Answer, Public
from trusthub.web.security import POST_LIMIT, SCRIPTS, foreign, policy


class Subscriptions(Public):
    """The routes, with what they need."""

    def said(self, name: str, locale: str, status: int = 200, **context: Any) -> Response:
        """Render a page of subscriptions in a language of the page."""
        with self.hub.database.reading() as session:
            names = {each.key: each.name for each in report.listed(session, self.hub) if not each.is_group}
        answer = self.render(name, status, locale=locale, components=names, **context)
        answer.headers["Content-Security-Policy"] = policy(self.hub, SCRIPTS)
        return answer

    def form(self) -> Answer:
        """Show the form, for the page or for one incident."""
        locale, about = self._locale(request.args), request.args.get("incident", "")
        followed = self._followed(about, locale)
        if about and followed is None:
            return self._over(locale)
        wish = Wish(address="", about=about, locale=locale, zone=self.hub.page.time_zone)
        return self.said("subscribe.html", locale, wish=wish, followed=followed, problem="")

    def ask(self) -> Answer:
        """Take a wish. The answer is the same whether we know the address or not."""
        wish, problem = self._wish()
        if foreign(request, self.hub):
            return self.foreign()
        followed = self._followed(wish.about, wish.locale)
        if wish.about and followed is None:
            return self._over(wish.locale)
        if not is_address(wish.address):
            problem = "The email address does not look complete. Please check it."
        if problem:
            return self.said("subscribe.html", wish.locale, 400, wish=wish, followed=followed, problem=problem)
        if not request.form.get("website"):  # only a machine fills what nobody sees; it learns nothing from the answer
            asking.ask(self.hub, wish, self.hub.clock())
        return self.said("subscribe_asked.html", wish.locale)

    def manage(self, token: str) -> Answer:
        """Show what a link opens. Link scanners open links, so opening it must change nothing."""
        with self.hub.database.reading() as session:
            waits = subscribe.asking(session, self.hub, token, self.hub.clock())
            mine = subscribe.opened(session, self.hub, token)
            wish = self._of(session, waits or mine)
        if wish:
            followed = self._followed(wish.about, wish.locale)
            name = "subscribe_confirm.html" if waits else "subscription.html"
            done = request.args.get("done") == "1"
            return self.said(name, wish.locale, wish=wish, followed=followed, token=token, problem="", done=done)
        return self._stopping(token, done=False)

    def confirm(self, token: str) -> Answer:
        """Begin mail: a person pressed the button."""
        now = self.hub.clock()
        with self.hub.database.reading() as session:
            found = subscribe.asking(session, self.hub, token, now)
        if found is None or not subscribe.confirm(self.hub, token, now):
            return self.no_link()
        manage = subscribe.token(self.hub, found.public_id, found.link_version)
        return redirect(f"{self.hub.front}/subscriptions/{manage}?done=1", code=303)

    def change(self, token: str) -> Answer:
        """Let a subscriber hear what they choose now. Whoever knows the token may: no other site does."""
        wish, problem = self._wish()
        with self.hub.database.transaction() as session:
            mine = subscribe.opened(session, self.hub, token)
            if mine is None:
                return self.no_link()
            about = mine.about
            if not problem:
                subscribe.change(session, mine, wish)
        if problem:
            wish, followed = replace(wish, about=about), self._followed(about, wish.locale)
            fields: dict[str, Any] = {"wish": wish, "followed": followed, "token": token, "done": False}
            return self.said("subscription.html", wish.locale, 400, problem=problem, **fields)
        return redirect(f"{self.hub.front}/subscriptions/{token}?done=1", code=303)

    def stop(self, token: str) -> Answer:
        """Stop mail, by form or by a mail reader's own button (RFC 8058), without asking anything back."""
        if subscribe.genuine(self.hub, token):
            subscribe.stop(self.hub, token, self.hub.clock())
        return self._stopping(token, done=True)

    def _stopping(self, token: str, *, done: bool) -> Answer:
        if not subscribe.genuine(self.hub, token):
            return self.no_link()
        hint, kind = subscribe.address_of(self.hub, token), subscribe.kind_of(self.hub, token)
        return self.render("unsubscribe.html", address_hint=hint, kind=kind, done=done)

    def _over(self, locale: str) -> Response:
        return self.said("subscribe.html", locale, 404, wish=None, followed=None, problem="")

    def _locale(self, values: Any) -> str:
        return self.hub.page.nearest(values.get("locale", ""))

    def _followed(self, about: str, locale: str) -> str | None:
        """Return the name of an incident that can be followed, or is."""
        with self.hub.database.reading() as session:
            found = asking.followable(session, self.hub, about) if about else None
            return report.title(self.hub, found, locale)[0] if found else None

    def _wish(self) -> tuple[Wish, str]:
        """Return what a form asks for, and what is wrong with it."""
        form = request.form
        about = form.get("incident", "")
        wish = Wish(
            address=form.get("email", "").strip(),
            components=frozenset(form.getlist("components")),
            incidents="incidents" in form or bool(about),
            maintenance="maintenance" in form or bool(about),
            about=about,
            locale=self._locale(form),
            zone=form.get("zone", "").strip() or self.hub.page.time_zone,
        )
        if wish.zone not in available_timezones():
            return wish, "We do not know this time zone. Please write it like Europe/Berlin."
        if not (wish.incidents or wish.maintenance):
            return wish, "Please choose at least one kind of news."
        return wish, ""

    def _of(self, session: Session, mine: Subscriber | None) -> Wish | None:
        """Return what a subscriber asked for, without the address: whoever has the link need not learn it."""
        if mine is None:
            return None
        chosen = select(col(Component.key)).join(
            SubscriberComponent, col(SubscriberComponent.component_id) == col(Component.id)
        )
        keys = session.execute(chosen.where(col(SubscriberComponent.subscriber_id) == mine.id)).scalars()
        return Wish(
            address="",
            components=frozenset(keys),
            incidents=mine.incidents,
            maintenance=mine.maintenance,
            about=mine.about,
            locale=self.hub.page.nearest(mine.locale),
            zone=mine.zone,
        )


def subscriptions(hub: Hub, limiter: Limiter) -> Blueprint:
    """Return the routes of subscriptions. A whole network shares the limit of the forms that can send mail."""
    blueprint, routes = Blueprint("subscriptions", __name__), Subscriptions(hub)
    limited = limiter.limit(POST_LIMIT, key_func=lambda: network_of(request.remote_addr or ""))
    blueprint.add_url_rule("/subscribe", "form", routes.form)
    blueprint.add_url_rule("/subscribe", "ask", limited(routes.ask), methods=["POST"])
    blueprint.add_url_rule("/subscriptions/<token>", "manage", routes.manage)
    blueprint.add_url_rule("/subscriptions/<token>", "stop", routes.stop, methods=["POST"])
    blueprint.add_url_rule("/subscriptions/<token>/confirm", "confirm", limited(routes.confirm), methods=["POST"])
    blueprint.add_url_rule("/subscriptions/<token>/settings", "change", limited(routes.change), methods=["POST"])
    return blueprint
