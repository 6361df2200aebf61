"""Signing in and out: address and password, then the second factor of whoever has one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, redirect, request, session, url_for
from flask_limiter import Limiter
from flask_login import logout_user
from werkzeug.wrappers import Response

from trusthub.domain.role import Role
from trusthub.services import accounts, closed, identity, second_factor
from trusthub.services.acts import StaffError
from trusthub.services.identity import Provider
from trusthub.store.tables import User
from trusthub.web import auth

if TYPE_CHECKING:  # the console hands itself over
    from trusthub.web.console import Console

OPEN = frozenset(
    {"console.login", "console.sign_in", "console.second", "console.check_second", "console.leave", "console.back"}
)
"""What somebody reaches who is not signed in."""


_AWAY = "away"
_FIRST = "The code has to follow the password within five minutes. Please sign in again."
_LONGEST_AWAY = 600
"""Seconds that somebody may take at the identity provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How people sign in."""

    second_for: frozenset[Role] = frozenset()
    """Roles that nobody may use without a second factor."""
    provider: Provider | None = None
    local: bool = True
    """Whether a password of ours opens anything."""


class SignIn:
    """The routes, with the console that they are part of."""

    def __init__(self, console: "Console") -> None:
        self._console, self._hub = console, console.hub
        self._guesses, self._ways = console.guesses, console.ways

    def login(self) -> Response:
        """Show the sign-in form."""
        return self._form(request.args.get("next", ""), None)

    def sign_in(self) -> Response:
        """Take address and password. Which of them is wrong is not said, nor whether there is a second factor."""
        email, password = request.form.get("email", "").strip(), request.form.get("password", "")
        wanted = request.form.get("next", "")
        if not self._ways.local:
            return self._form(wanted, "Passwords open nothing here. Please sign in at the identity provider.", 403)
        if self._guesses.too_many(email):
            return self._form(wanted, "Too many wrong passwords for this address. Please try again in an hour.", 429)
        user = auth.check(self._hub, email, password)
        if user is None:
            self._guesses.wrong(email)
            return self._form(wanted, "Address or password is not right.", 401)
        return self.admit(user, wanted)

    def admit(self, user: User, wanted: str) -> Response:
        """Let somebody in who has shown who they are, or ask for their second factor first."""
        to = wanted if ours(wanted) else url_for("console.home")
        if user.totp_sealed:
            auth.half_way(self._hub, user, to)
            return redirect(url_for("console.second"))
        auth.enter(self._hub, user)
        return redirect(to)

    def leave(self) -> Response:
        """Send somebody to the identity provider. By a link: a form may not lead to another site."""
        wanted = request.args.get("next", "")
        if self._ways.provider is None:
            return self._console.missing()
        try:
            to, kept = self._ways.provider.begin()
        except StaffError as error:
            return self._form(wanted, str(error), 502)
        session.clear()
        session[_AWAY] = {**kept, "at": self._hub.clock().timestamp(), "next": wanted}
        return redirect(to)

    def back(self) -> Response:
        """Take somebody back from the identity provider, once."""
        kept, now = session.pop(_AWAY, None), self._hub.clock()
        if self._ways.provider is None:
            return self._console.missing()
        if kept is None or now.timestamp() - kept["at"] > _LONGEST_AWAY:
            return self._form("", "That took too long, or it began in another browser. Please sign in again.", 401)
        try:
            user = identity.account(self._hub, self._ways.provider.finish(request.args, kept, now))
        except StaffError as error:
            return self._form(kept["next"], str(error), 401)
        return self.admit(user, kept["next"])

    def second(self) -> Response:
        """Ask for the second factor of whoever has just given their password."""
        if auth.who_is_half_way(self._hub) is None:
            return self._form("", _FIRST, 401)
        return self._console.render("second.html", error=None)

    def check_second(self) -> Response:
        """Take a code of the authenticator app, or a recovery code."""
        found = auth.who_is_half_way(self._hub)
        if found is None:
            return self._form("", _FIRST, 401)
        user, to = found
        key = f"second factor of {user.id}"
        if self._guesses.too_many(key):
            return self._console.render("second.html", 429, error="Too many wrong codes. Please try again in an hour.")
        self._guesses.wrong(key)  # counted before it is looked at: many at once get no more tries than one by one
        try:
            right = second_factor.passes(self._hub, user, request.form.get("code", ""))
        except StaffError as error:
            return self._console.render("second.html", 401, error=str(error))
        if not right:
            wrong = "This code is not right, or it was used before. Please wait for the next one."
            return self._console.render("second.html", 401, error=wrong)
        self._guesses.right(key)
        auth.enter(self._hub, user)
        return redirect(to)

    def page(self, public_id: str) -> Response:
        """Send somebody back to a page that is read by whoever may sign in here."""
        wanted = request.args.get("next", "/")
        to = closed.opened(self._hub, public_id, wanted if ours(wanted) else "/")
        return redirect(to) if to else self._console.missing()

    def sign_out(self) -> Response:
        """Sign out."""
        me = auth.signed_in()
        accounts.end(self._hub, me.session_name, self._console.act_now(), only_of=me.id)
        logout_user()
        session.clear()
        return redirect(url_for("console.login"))

    def _form(self, wanted: str, error: str | None, status: int = 200) -> Response:
        return self._console.render("login.html", status, next=wanted, error=error, ways=self._ways)


def ours(path: str) -> bool:
    """Whether `path` stays on this site: no scheme, no host, no backslash that a browser reads as a slash."""
    parts = urlsplit(path)
    return (
        path.startswith("/")
        and not path.startswith("//")
        and "\\" not in path
        and not parts.scheme
        and not parts.netloc
    )


def add(blueprint: Blueprint, console: "Console", limiter: Limiter) -> None:
    """Add these routes to the console's. Each address gets ten tries a minute."""
    routes, rule, limit = SignIn(console), blueprint.add_url_rule, limiter.limit("10 per minute")
    rule("/login", "login", routes.login)
    rule("/login", "sign_in", limit(routes.sign_in), methods=["POST"])
    rule("/login/oidc", "leave", limit(routes.leave))
    rule("/login/oidc/back", "back", limit(routes.back))
    rule("/login/second", "second", routes.second)
    rule("/login/second", "check_second", limit(routes.check_second), methods=["POST"])
    rule("/pages/<public_id>", "page", routes.page)
    rule("/logout", "sign_out", routes.sign_out, methods=["POST"])
