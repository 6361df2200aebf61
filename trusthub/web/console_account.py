"""Somebody's own account: their roles, their password, and where they are signed in."""

from typing import TYPE_CHECKING

from flask import Blueprint, flash, request, url_for
from werkzeug.wrappers import Response

from trusthub.domain.role import Role
from trusthub.services import accounts
from trusthub.services.acts import StaffError
from trusthub.web import auth

if TYPE_CHECKING:  # the console hands itself over
    from trusthub.web.console import Console


class Account:
    """The routes, with the console that they are part of."""

    def __init__(self, console: "Console") -> None:
        self._console, self._hub = console, console.hub

    def show(self) -> Response:
        """Show the account; to an admin, where everybody is signed in."""
        me = auth.signed_in()
        admin = Role.ADMIN in me.roles
        with self._hub.database.reading() as session:
            rows = accounts.living(session, self._hub.clock(), None if admin else me.id)
        return self._console.render("account.html", me=me, roles=sorted(me.roles), sessions=rows, admin=admin)

    def password(self) -> Response:
        """Change one's password."""
        return self._console.attempt(self._change, url_for("console.account"))

    def end(self, public_id: str) -> Response:
        """End a session of one's own; an admin, anybody's."""
        me = auth.signed_in()
        whose = None if Role.ADMIN in me.roles else me.id
        return self._console.attempt(
            lambda: accounts.end(self._hub, public_id, self._console.act_now(), only_of=whose),
            url_for("console.account"),
        )

    def _change(self) -> None:
        me, new = auth.signed_in(), request.form.get("new", "")
        self._console.knows_password(me)
        if len(new) < auth.SHORTEST_PASSWORD:
            raise StaffError(f"The new password is too short. Take {auth.SHORTEST_PASSWORD} characters or more.")
        accounts.change_password(self._hub, me.id, auth.hashed(new), self._console.act_now(), keep=me.session_id)
        flash("Your password is changed. You are signed out everywhere else.")


def add(blueprint: Blueprint, console: "Console") -> None:
    """Add these routes to the console's, behind its guard and its CSRF check."""
    routes, rule = Account(console), blueprint.add_url_rule
    rule("/account", "account", routes.show)
    rule("/account/password", "password", routes.password, methods=["POST"])
    rule("/account/sessions/<public_id>/end", "end_session", routes.end, methods=["POST"])
