"""The private page of a customer's thread: read it, write in it, say how it ended."""

from flask import Blueprint, redirect, request
from flask_limiter import Limiter
from sqlalchemy import select
from sqlmodel import col

from trusthub.services import desk, ending, feedback, files
from trusthub.services.cases import the_page
from trusthub.services.hub import Hub
from trusthub.store.tables import Thread
from trusthub.web import sent_files
from trusthub.web.forms import Refused, read_answer
from trusthub.web.public import Answer, Public
from trusthub.web.security import POST_LIMIT

NOTICES = {
    "sent": "We have your message.",
    "fixed": "Thank you. We are glad that it works for you again.",
    "open": "Thank you for saying so. A person takes it up with you again.",
    "rated": "Thank you for your answer.",
}


class Threads:
    """The routes, with the pages that they are part of."""

    def __init__(self, public: Public) -> None:
        self._public = public

    @property
    def _hub(self) -> Hub:
        return self._public.hub

    def thread(self, token: str) -> Answer:
        """Show a customer their thread."""
        found, mailed = self._find(token)
        if found is None:
            return self._public.no_link()
        with self._hub.database.reading() as session:
            view = desk.thread(session, self._hub, found, customer=True)
        return self._public.render(
            "thread.html",
            locale=view.locale,
            thread=view,
            token=token,
            closed=view.state == "closed",
            notice=NOTICES.get(request.args.get("then", "")),
            confirms=mailed and not view.verified,
        )

    def write(self, token: str) -> Answer:
        """Take what a customer adds to their thread."""
        found, mailed = self._find(token)
        if found is None:
            return self._public.no_link()
        try:
            form = read_answer(request)
        except Refused as error:
            return self._public.refuse(400, "We could not take this yet", str(error), found.locale)
        if not request.form.get("website"):
            if mailed:
                feedback.confirm_address(self._hub, found.id, self._hub.clock())
            feedback.customer_says(self._hub, found.id, form.words, self._hub.clock(), form.files)
        return self._back(token, "sent")

    def confirm(self, token: str) -> Answer:
        """Note that the address is the customer's. Mail scanners open links, so opening the page does not say so."""
        found, mailed = self._find(token)
        if found is None or not mailed:
            return self._public.no_link()
        feedback.confirm_address(self._hub, found.id, self._hub.clock())
        return self._back(token)

    def fixed(self, token: str) -> Answer:
        """Take the answer to "is it fixed for you?"."""
        found, _ = self._find(token)
        said = request.form.get("fixed")
        if found is None or said not in {"yes", "no"}:
            return self._public.no_link()
        ending.answered(self._hub, found.id, fixed=said == "yes", now=self._hub.clock())
        return self._back(token, "fixed" if said == "yes" else "open")

    def rate(self, token: str) -> Answer:
        """Take how a customer found us, once."""
        found, _ = self._find(token)
        said = request.form.get("rating", "")
        if found is None or said not in {str(each) for each in ending.RATINGS}:
            return self._public.no_link()
        ending.rate(self._hub, found.id, int(said))
        return self._back(token, "rated")

    def file(self, token: str, name: str) -> Answer:
        """Hand out a file of this thread."""
        found, _ = self._find(token)
        if found is None:
            return self._public.no_link()
        with self._hub.database.reading() as session:
            file = files.find(session, self._hub, found.id, name)
        return sent_files.answer(file) if file else self._public.no_link(found.locale)

    def _back(self, token: str, then: str = "") -> Answer:
        return redirect(f"{self._hub.front}/threads/{token}" + (f"?then={then}" if then else ""), code=303)

    def _find(self, token: str) -> tuple[Thread | None, bool]:
        """Return the thread that a link opens, and whether the link was mailed to its customer."""
        mailed = self._hub.tokens.read("mailed", token)
        read = mailed or self._hub.tokens.read("thread", token)
        if read is None:
            return None, False
        with self._hub.database.reading() as session:
            thread = session.execute(select(Thread).where(col(Thread.public_id) == read[0])).scalar()
            here = thread is not None and (self._hub.alone or thread.page_id == the_page(session, self._hub).id)
        opens = here and thread is not None and thread.link_version == read[1]
        return (thread if opens else None), mailed is not None


def add(blueprint: Blueprint, public: Public, limiter: Limiter) -> None:
    """Add these routes to the public ones."""
    routes, rule, limited = Threads(public), blueprint.add_url_rule, limiter.limit(POST_LIMIT)
    rule("/threads/<token>", "thread", routes.thread)
    rule("/threads/<token>", "write", limited(routes.write), methods=["POST"])
    rule("/threads/<token>/confirm", "confirm", limited(routes.confirm), methods=["POST"])
    rule("/threads/<token>/fixed", "fixed", limited(routes.fixed), methods=["POST"])
    rule("/threads/<token>/rating", "rate", limited(routes.rate), methods=["POST"])
    rule("/threads/<token>/files/<name>", "file", routes.file)
