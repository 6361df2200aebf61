"""Somebody's own second factor, and colleagues: their roles, sessions and second factors."""

from typing import TYPE_CHECKING

import segno
from flask import Blueprint, flash, redirect, request, url_for
from sqlalchemy import select
from sqlmodel import col
from werkzeug.wrappers import Response

from trusthub.services import accounts, second_factor
from trusthub.services.acts import StaffError
from trusthub.services.second_factor import Fresh
from trusthub.store.tables import User
from trusthub.web import auth

if TYPE_CHECKING:  # the console hands itself over
    from trusthub.web.console import Console

ENROLLING = frozenset({"console.sign_out", "console.factor", "console.enrol"})
"""What somebody reaches who has to set up a second factor first."""


class SecondFactor:
    """The routes, with the console that they are part of."""

    def __init__(self, console: "Console") -> None:
        self._console, self._hub = console, console.hub

    def show(self) -> Response:
        """Show a new secret to scan, or that there is a second factor."""
        me = auth.signed_in()
        return self._page(None if me.second else second_factor.fresh(self._hub, me.id, me.email))

    def enrol(self) -> Response:
        """Turn it on for whoever knows their password and has the secret in their app; show the recovery codes."""
        me, form = auth.signed_in(), request.form
        made = second_factor.again(self._hub, me.id, me.email, form.get("sealed", ""))
        if made is None:
            flash("This page was too old. Please scan the new picture.")
            return redirect(url_for("console.factor"), code=303)
        try:
            self._console.knows_password(me)
            act = self._console.act_now()
            codes = second_factor.enrol(self._hub, me.id, made.sealed, form.get("code", ""), act, keep=me.session_id)
        except StaffError as error:
            return self._page(made, str(error), 422)
        return self._console.render("recovery.html", codes=codes)

    def remove(self) -> Response:
        """Take one's own second factor away."""
        return self._console.attempt(self._remove, url_for("console.account"))

    def colleagues(self) -> Response:
        """Show everybody who can sign in."""
        with self._hub.database.reading() as session:
            rows = list(session.execute(select(User).order_by(col(User.name))).scalars())
            living = accounts.living(session, self._hub.clock())
        given = self._hub.configuration.site.roles
        of = {row.id: [each for each, user in living if user.id == row.id] for row in rows}
        shown = [(row, sorted(accounts.roles_of(given, row.email, row.roles)), of[row.id]) for row in rows]
        return self._console.render("colleagues.html", colleagues=shown)

    def reset(self, user: int) -> Response:
        """Take somebody's second factor away, for who lost phone and codes."""
        return self._console.attempt(lambda: self._reset(user), url_for("console.colleagues"))

    def _remove(self) -> None:
        me = auth.signed_in()
        self._console.knows_password(me)
        with self._hub.database.transaction(quiet=True) as session:
            second_factor.remove(session, session.get_one(User, me.id), self._console.act_now())
        flash("Your second factor is removed.")

    def _reset(self, user: int) -> None:
        with self._hub.database.transaction(quiet=True) as session:
            row = session.get(User, user)
            if row is None or not row.totp_sealed:
                raise StaffError("There is no second factor to reset.")
            act = self._console.act_now()
            second_factor.remove(session, row, act)
            accounts.end_all(session, row.id, act.now)
            flash(f"{row.name} signs in with the password alone, until they set up a second factor anew.")

    def _page(self, made: Fresh | None, error: str | None = None, status: int = 200) -> Response:
        code = segno.make(made.uri) if made else None
        dark = [(x, y) for y, row in enumerate(code.matrix) for x, cell in enumerate(row) if cell] if code else []
        picture = "".join(f"M{x} {y}h1v1h-1z" for x, y in dark)
        size = len(code.matrix) if code else 0
        return self._console.render("factor.html", status, made=made, picture=picture, size=size, error=error)


def add(blueprint: Blueprint, console: "Console") -> None:
    """Add these routes to the console's, behind its guard and its CSRF check."""
    routes, rule = SecondFactor(console), blueprint.add_url_rule
    rule("/account/second", "factor", routes.show)
    rule("/account/second", "enrol", routes.enrol, methods=["POST"])
    rule("/account/second/remove", "remove_factor", routes.remove, methods=["POST"])
    rule("/colleagues", "colleagues", routes.colleagues)
    rule("/colleagues/<int:user>/second/reset", "reset_factor", routes.reset, methods=["POST"])
