"""What visitors can do: answer on an incident, read and write in their thread."""

from typing import Any

from flask import Blueprint, Request, Response, make_response, redirect, request
from flask_limiter import Limiter
from sqlalchemy import select
from sqlmodel import col
from werkzeug.wrappers import Response as BaseResponse

from trusthub.services import desk, feedback, report
from trusthub.services.hub import Hub
from trusthub.services.views import PageView
from trusthub.store.tables import Thread
from trusthub.web.security import POST_LIMIT, foreign

_NAME = 80
"""Characters."""

Answer = Response | BaseResponse | tuple[str, int]


class Public:
    """The routes, with what they need."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def view(self) -> PageView:
        """Return the page's own view."""
        with self.hub.database.reading() as session:
            return report.page(session, self.hub, self.hub.clock())

    def render(self, name: str, status: int = 200, **context: Any) -> Response:
        """Render a page that no cache and no search engine may keep."""
        body = self.hub.configuration.templates.page(f"pages/{name}", page=self.view(), **context)
        response = make_response(body, status)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Robots-Tag"] = "noindex"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def refuse(self, status: int, title: str, text: str) -> Response:
        """Render a plain error page."""
        return self.render("error.html", status, title=title, text=text)

    def answer(self, public_id: str) -> Answer:
        """Take a customer's answer to an incident."""
        if foreign(request, self.hub):
            return self.refuse(403, "Please answer on our own page", "This form was sent from another site.")
        form, problem = _read(request)
        if form is None:
            return self.refuse(400, "We could not take this yet", problem)
        if request.form.get("website"):  # only a machine fills what nobody sees; it learns nothing from the answer
            return self.render("answered.html", thread_url=None, mailed=False)
        thread = feedback.open_thread(self.hub, public_id, form, self.hub.clock())
        if thread is None:
            return self.refuse(404, "There is no such incident", "It may have been moved. The front page lists all.")
        url = self.hub.thread_url(thread.public_id, thread.link_version)
        return self.render("answered.html", thread_url=url, mailed=bool(form.email))

    def thread(self, token: str) -> Answer:
        """Show a customer their thread."""
        found, mailed = self._thread(token)
        if found is None:
            return self._no_thread()
        with self.hub.database.reading() as session:
            view = desk.thread(session, self.hub, found)
        notice = "We have your message." if request.args.get("sent") else None
        return self.render(
            "thread.html",
            thread=view,
            token=token,
            closed=view.state == "closed",
            notice=notice,
            confirms=mailed and not view.verified,
        )

    def write(self, token: str) -> Answer:
        """Take what a customer adds to their thread."""
        found, mailed = self._thread(token)
        if found is None:
            return self._no_thread()
        form, problem = _read(request)
        if form is None:
            return self.refuse(400, "We could not take this yet", problem)
        if not request.form.get("website"):
            if mailed:
                feedback.confirm_address(self.hub, found.id, self.hub.clock())
            feedback.customer_says(self.hub, found.id, form.words, self.hub.clock())
        return redirect(f"{self.hub.base_url}/threads/{token}?sent=1", code=303)

    def confirm(self, token: str) -> Answer:
        """Note that the address is the customer's. Mail scanners open links, so opening the page does not say so."""
        found, mailed = self._thread(token)
        if found is None or not mailed:
            return self._no_thread()
        feedback.confirm_address(self.hub, found.id, self.hub.clock())
        return redirect(f"{self.hub.base_url}/threads/{token}", code=303)

    def _no_thread(self) -> Response:
        return self.refuse(404, "This link does not open anything", "Please copy the whole address from our message.")

    def _thread(self, token: str) -> tuple[Thread | None, bool]:
        """Return the thread that a link opens, and whether the link was mailed to its customer."""
        mailed = self.hub.tokens.read("mailed", token)
        read = mailed or self.hub.tokens.read("thread", token)
        if read is None:
            return None, False
        with self.hub.database.reading() as session:
            thread = session.execute(select(Thread).where(col(Thread.public_id) == read[0])).scalar()
        opens = thread is not None and thread.link_version == read[1]
        return (thread if opens else None), mailed is not None


def public(hub: Hub, limiter: Limiter) -> Blueprint:
    """Return the visitors' routes. The page itself is answered from its snapshot before these are asked."""
    blueprint, routes = Blueprint("public", __name__), Public(hub)
    limited = limiter.limit(POST_LIMIT)
    blueprint.add_url_rule("/incidents/<public_id>/threads", "answer", limited(routes.answer), methods=["POST"])
    blueprint.add_url_rule("/threads/<token>", "thread", routes.thread)
    blueprint.add_url_rule("/threads/<token>", "write", limited(routes.write), methods=["POST"])
    blueprint.add_url_rule("/threads/<token>/confirm", "confirm", limited(routes.confirm), methods=["POST"])
    return blueprint


def _read(incoming: Request) -> tuple[feedback.Answer | None, str]:
    """Return a customer's answer, or what is missing in it."""
    form = incoming.form
    words = form.get("words", "").strip()
    name, email = form.get("name", "").strip()[:_NAME] or None, form.get("email", "").strip() or None
    if not words:
        return None, "Please write what you see; the message was empty. Use your browser's back button."
    if len(words) > feedback.LONGEST:
        return None, f"Please write at most {feedback.LONGEST} characters. Use your browser's back button."
    if email and not feedback.is_address(email):
        return None, "The email address does not look complete. Use your browser's back button and check it."
    return feedback.Answer(
        words=words,
        name=name,
        email=email,
        wants_rollback="rollback" in form,
        locale=form.get("locale", ""),
        address=incoming.remote_addr or "",
    ), ""
