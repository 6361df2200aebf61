"""What visitors can say on a public page: open a thread on an incident or a component, or only "me too"."""

from collections.abc import Callable

from flask import Blueprint, request
from flask_limiter import Limiter

from trusthub.services import ending, feedback, reply_pace, report
from trusthub.services.hub import Hub
from trusthub.store.tables import Thread
from trusthub.web.forms import Refused, read_answer
from trusthub.web.public import Answer, Public
from trusthub.web.security import POST_LIMIT, foreign

Start = Callable[[feedback.Answer], Thread | None]


class Answers:
    """The routes, with the pages that they are part of."""

    def __init__(self, public: Public) -> None:
        self._public = public

    @property
    def _hub(self) -> Hub:
        return self._public.hub

    def on_incident(self, public_id: str) -> Answer:
        """Take a customer's answer to an incident."""
        return self._take(lambda form: feedback.open_thread(self._hub, public_id, form, self._hub.clock()))

    def on_component(self, public_id: str) -> Answer:
        """Take what a customer has trouble with, while no incident tells of it."""
        return self._take(lambda form: feedback.open_about(self._hub, public_id, form, self._hub.clock()))

    def me_too(self, public_id: str) -> Answer:
        """Count a visitor who has no more to say."""
        public = self._public
        if foreign(request, self._hub):
            return public.foreign()
        if request.form.get("website"):
            return public.render("counted.html", count=None, public_id=public_id)
        count = ending.me_too(self._hub, public_id, request.remote_addr or "", self._hub.clock())
        return public.no_such() if count is None else public.render("counted.html", count=count, public_id=public_id)

    def component(self, public_id: str, locale: str = "") -> Answer:
        """Show how a component does, and what it says to who has trouble with it."""
        if locale and locale not in self._hub.page.locales[1:]:
            return self._public.refuse(404, "There is no such page", "The front page lists all.")
        code, now = locale or self._hub.page.main, self._hub.clock()
        with self._hub.database.reading() as session:
            row = feedback.listed_component(session, self._hub, public_id)
            found = row and report.component(session, self._hub, row, now, code)
        if not found:
            return self._public.refuse(404, "There is no such page", "The front page lists all.", code)
        return self._public.render("component.html", locale=code, component=found[0], incidents=found[1])

    def _take(self, start: Start) -> Answer:
        public = self._public
        if foreign(request, self._hub):
            return public.foreign()
        try:
            form = read_answer(request)
        except Refused as error:
            return public.refuse(400, "We could not take this yet", str(error))
        if request.form.get("website"):  # only a machine fills what nobody sees; it learns nothing from the answer
            return public.render("answered.html", thread_url=None, mailed=False, likely=None)
        with self._hub.database.reading() as session:
            likely = reply_pace.now_likely(session, self._hub.clock())
        thread = start(form)
        if thread is None:
            return public.no_such()
        url = self._hub.thread_url(thread.public_id, thread.link_version)
        return public.render("answered.html", thread_url=url, mailed=bool(form.email), likely=likely)


def add(blueprint: Blueprint, public: Public, limiter: Limiter) -> None:
    """Add these routes to the public ones."""
    routes, rule, limited = Answers(public), blueprint.add_url_rule, limiter.limit(POST_LIMIT)
    rule("/incidents/<public_id>/threads", "answer", limited(routes.on_incident), methods=["POST"])
    rule("/incidents/<public_id>/me-too", "me_too", limited(routes.me_too), methods=["POST"])
    rule("/components/<public_id>", "component", routes.component)
    rule("/<locale>/components/<public_id>", "component_in", routes.component)
    rule("/components/<public_id>/threads", "answer_about", limited(routes.on_component), methods=["POST"])
