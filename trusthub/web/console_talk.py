"""The console's side of a customer's thread: answer it, work on it with colleagues, what a stranger sent, and files."""

from typing import TYPE_CHECKING

from flask import Blueprint, Response, flash, make_response, request, url_for
from sqlalchemy import select
from sqlmodel import col
from werkzeug.wrappers import Response as BaseResponse

from trusthub.services import desk, desk_work, files, staff
from trusthub.services.staff import OvertakenError
from trusthub.services.wording import UnfitError
from trusthub.store.tables import Thread
from trusthub.web import auth, fields
from trusthub.web.sent_files import answer

if TYPE_CHECKING:  # the console hands itself over
    from trusthub.web.console import Console

Answer = Response | BaseResponse


class Talk:
    """The routes, with the console that they are part of."""

    def __init__(self, console: "Console") -> None:
        self._console, self._hub = console, console.hub

    def thread(self, public_id: str, unfit: UnfitError | None = None, overtaken: str = "") -> Answer:
        """Show one customer's thread, with what is wrong with the answer that was sent from it, or came before it."""
        with self._hub.database.reading() as session:
            view = desk.find_thread(session, self._hub, public_id)
            work = desk_work.view(session, self._hub, public_id, auth.signed_in().id, self._hub.clock())
            name = request.args.get("saved", "")
            words = desk_work.saved_words(session, self._hub, public_id, name) if name else ""
        if view is None:
            return self._console.missing()
        typed = {"draft": request.form, "overtaken": overtaken} if overtaken else {"draft": {"words": words}}
        typed = {} if unfit else typed
        page = self._console.draft("thread.html", unfit, thread=view, work=work, **typed)
        page.status_code = 409 if overtaken else page.status_code
        return page

    def reply(self, public_id: str) -> Answer:
        """Answer a customer, unless a colleague has answered since this page was loaded."""
        seen = None if "anyway" in request.form else fields.number("seen", "messages")
        try:
            return self._console.attempt(
                lambda: staff.reply(
                    self._hub, public_id, self._console.act_now(), fields.required("words", "an answer"), seen=seen
                ),
                self._back(public_id),
                lambda unfit: self.thread(public_id, unfit),
            )
        except OvertakenError as error:
            return self.thread(public_id, overtaken=str(error))

    def confirm(self, public_id: str) -> Answer:
        """Say that a customer is real."""
        return self._console.attempt(
            lambda: staff.confirm_customer(self._hub, public_id, self._console.act_now()), self._back(public_id)
        )

    def close(self, public_id: str) -> Answer:
        """Close a customer's thread."""
        return self._console.attempt(
            lambda: staff.close_thread(self._hub, public_id, self._console.act_now()), self._back(public_id)
        )

    def assign(self, public_id: str) -> Answer:
        """Give a thread to a colleague, or to nobody."""

        def do() -> None:
            name = desk_work.assign(self._hub, public_id, self._console.act_now(), fields.number("to", "colleagues"))
            flash(f"This conversation is {name}'s now.")

        return self._console.attempt(do, self._back(public_id))

    def note(self, public_id: str) -> Answer:
        """Note something for colleagues."""
        return self._console.attempt(
            lambda: desk_work.note(
                self._hub, public_id, self._console.act_now(), fields.required("note", "what colleagues should know")
            ),
            self._back(public_id),
        )

    def here(self, public_id: str) -> Answer:
        """Take a sign of life from a page, and return the part of it that says who else has it open."""
        me, now = auth.signed_in().id, self._hub.clock()
        others = desk_work.here(self._hub, public_id, me, now, writing=fields.text("writing") == "1")
        html = self._hub.configuration.templates.page("pages/console/others.html", others=others)
        return make_response(html, 200, {"Cache-Control": "no-store"})

    def admit(self, public_id: str, message: int) -> Answer:
        """Say that what came from another address is the customer's word."""
        return self._console.attempt(
            lambda: staff.accept(self._hub, public_id, message, self._console.act_now()), self._back(public_id)
        )

    def file(self, public_id: str, name: str) -> Answer:
        """Hand out a file that came with a message."""
        with self._hub.database.reading() as session:
            thread = session.execute(select(col(Thread.id)).where(col(Thread.public_id) == public_id)).scalar()
            found = files.find(session, self._hub, thread, name, staff=True) if thread else None
        return answer(found) if found else self._console.missing()

    def _back(self, public_id: str) -> str:
        return url_for("console.thread", public_id=public_id)


def add(blueprint: Blueprint, console: "Console") -> None:
    """Add these routes to the console's, behind its guard and its CSRF check."""
    routes, rule = Talk(console), blueprint.add_url_rule
    rule("/threads/<public_id>", "thread", routes.thread)
    for name in ("reply", "confirm", "close", "assign", "note", "here"):
        rule(f"/threads/<public_id>/{name}", name, getattr(routes, name), methods=["POST"])
    rule("/threads/<public_id>/messages/<int:message>/admit", "admit", routes.admit, methods=["POST"])
    rule("/threads/<public_id>/files/<name>", "file", routes.file)
