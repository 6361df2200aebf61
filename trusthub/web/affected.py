"""A visitor asks whether it hit them. The screen says the same to everybody; the answer goes to the mailbox."""

from flask import Blueprint, request
from flask_limiter import Limiter

from trusthub.domain.gate import network_of
from trusthub.services import affected, feedback
from trusthub.services.hub import Hub
from trusthub.web.public import Answer, Public
from trusthub.web.security import POST_LIMIT, foreign

_INCOMPLETE = "The email address does not look complete. Use your browser's back button and check it."


class Affected:
    """The routes, with the pages that they are part of."""

    def __init__(self, public: Public) -> None:
        self._public = public

    @property
    def _hub(self) -> Hub:
        return self._public.hub

    def form(self) -> Answer:
        """Show where to ask."""
        return self._public.render("affected.html", asked=False)

    def ask(self) -> Answer:
        """Take the question."""
        if foreign(request, self._hub):
            return self._public.foreign()
        address, locale = request.form.get("email", "").strip(), self._public.language()
        if not feedback.is_address(address):
            return self._public.refuse(400, "We could not take this yet", _INCOMPLETE)
        if not request.form.get("website"):  # only a machine fills what nobody sees
            affected.answer(self._hub, address, locale, self._hub.clock())
        return self._public.render("affected.html", asked=True)


def add(blueprint: Blueprint, public: Public, limiter: Limiter) -> None:
    """Add these routes to the public ones. A whole network shares the limit: each question can send mail."""
    routes = Affected(public)
    limited = limiter.limit(POST_LIMIT, key_func=lambda: network_of(request.remote_addr or ""))
    blueprint.add_url_rule("/affected", "affected", routes.form)
    blueprint.add_url_rule("/affected", "ask_affected", limited(routes.ask), methods=["POST"])
