"""Where staff work: incidents to decide on, customers to answer."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, get_flashed_messages, make_response, redirect, request, url_for
from flask_limiter import Limiter
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect, generate_csrf
from werkzeug.wrappers import Response as BaseResponse

from trusthub.domain.incident import CauseClass, State
from trusthub.domain.playbook import Kind
from trusthub.domain.reach import Reach
from trusthub.services import (
    approval_views,
    connections,
    deliveries,
    desk,
    fanout,
    gate_rollback,
    ledger,
    legal,
    postmortem,
    proposals,
    report,
    staff,
    timeline,
    voices,
)
from trusthub.services.acts import Act, StaffError
from trusthub.services.counts import Counts
from trusthub.services.hub import Hub
from trusthub.services.staff import Opening
from trusthub.services.wording import UnfitError
from trusthub.web import (
    access,
    auth,
    console_account,
    console_approvals,
    console_audit,
    console_deliveries,
    console_inbox,
    console_maintenance,
    console_many,
    console_second,
    console_sign_in,
    console_talk,
    console_trust,
    console_words,
    fields,
    security,
)
from trusthub.web.console_sign_in import Ways
from trusthub.web.public import Public

LIVE = ("script-src 'self'", "connect-src 'self'", "frame-src 'self'")
"""What a browser may do with a page that a script keeps fresh, or that shows a mail in a frame."""

Answer = Response | BaseResponse


class Console:
    """The routes, with what they need."""

    def __init__(self, hub: Hub, ways: Ways) -> None:
        """Take how people sign in."""
        self.hub, self.counts, self.guesses, self.ways = hub, Counts(), auth.Guesses(), ways

    def render(self, name: str, status: int = 200, *, live: bool = False, **context: Any) -> Response:
        """Render a console page; it is nobody else's to keep. A `live` one runs our script, and may frame a mail."""
        with self.hub.database.reading() as session:
            view = report.page(session, self.hub, self.hub.clock())
        user = current_user.name if current_user.is_authenticated else None
        notice = next(iter(get_flashed_messages()), None)
        body = self.hub.configuration.templates.page(
            f"pages/console/{name}",
            page=view,
            user=user,
            may=sorted(current_user.roles) if user else [],
            allowed=access.allowed(current_user.roles) if user else frozenset(),
            csrf=generate_csrf(),
            notice=notice,
            languages=self._languages(),
            **context,
        )
        response = make_response(body, status)
        response.headers["Cache-Control"] = "no-store"
        if live:
            response.headers["Content-Security-Policy"] = security.policy(self.hub, *LIVE)
        return response

    def draft(self, name: str, unfit: UnfitError | None, **context: Any) -> Response:
        """Render a page on which somebody writes: with what was typed and is `unfit`, so that nobody types it again."""
        typed = {"unfit": unfit.verdict, "draft": request.form, "sent": request.path} if unfit else {}
        return self.render(name, 422 if unfit else 200, live=True, **context, **typed)

    def _languages(self) -> list[tuple[str, str]]:
        """Return code and name of the page's other languages: a form asks for words in each."""
        templates = self.hub.configuration.templates
        return [(code, templates.locale(code).name) for code in self.hub.page.locales[1:]]

    def guard(self) -> Answer | None:
        """Let only staff in."""
        if current_user.is_authenticated:
            lacks = self.ways.second_for & current_user.roles and not (current_user.second or current_user.outside)
            if not lacks or request.endpoint in console_second.ENROLLING:
                return None
            flash("Your role needs a second factor. Please set it up first.")
            return redirect(url_for("console.factor"))
        if request.endpoint in console_sign_in.OPEN:
            return None
        return redirect(url_for("console.login", next=request.full_path.rstrip("?")))

    def home(self) -> Answer:
        """Show what waits."""
        with self.hub.database.reading() as session:
            view, held = desk.desk(session, self.hub, self.hub.clock()), deliveries.pauses(session)
            asked, proposed = approval_views.waiting(session), proposals.waiting(session)
        return self.render(
            "home.html",
            approvals=asked,
            proposals=proposed,
            incidents=view.incidents,
            threads=view.threads,
            deliveries=view.deliveries,
            pauses=held,
        )

    def rollouts(self, public_id: str = "") -> Answer:
        """Show the latest rollouts; one of them marked when a message linked to it."""
        with self.hub.database.reading() as session:
            rows = desk.rollouts(session)
            detail = desk.find_rollout(session, self.hub, public_id) if public_id else None
        return self.render("rollouts.html", rollouts=rows, marked=public_id, detail=detail)

    def ask(self, public_id: str) -> Answer:
        """Ask the tool of a rollout to roll back: it hears so when it asks next."""
        return self.attempt(
            lambda: gate_rollback.ask(
                self.hub, public_id, self.act_now(), fields.required("why", "why it should go back")
            ),
            url_for("console.rollout", public_id=public_id),
        )

    def keep(self, public_id: str) -> Answer:
        """Leave a rollout as it is although customers ask for a rollback."""
        return self.attempt(
            lambda: proposals.keep(
                self.hub, public_id, self.act_now(), fields.required("why", "why it stays as it is")
            ),
            url_for("console.rollout", public_id=public_id),
        )

    def promises(self) -> Answer:
        """Show how promises ended, also where customers do not see it."""
        with self.hub.database.reading() as session:
            view = ledger.overview(session, self.hub)
        return self.render("promises.html", ledger=view)

    def connections(self) -> Answer:
        """Show how the tools are connected, and what was not understood."""
        with self.hub.database.reading() as session:
            view = connections.overview(session, self.hub, self.hub.clock())
        return self.render("connections.html", overview=view)

    def understand(self, event: int) -> Answer:
        """Understand a kept event once more."""
        return self.attempt(
            lambda: flash(connections.understand_again(self.hub, event, self.act_now())), url_for("console.connections")
        )

    def incident(self, public_id: str, unfit: UnfitError | None = None) -> Answer:
        """Show one incident, with what is wrong with the words that were sent from it."""
        now = self.hub.clock()
        with self.hub.database.reading() as session:
            view = desk.find_incident(session, self.hub, public_id, now)
            if view is None:
                return self.missing()
            told = timeline.of_incident(session, self.counts, public_id, now)
            progress = fanout.of_incident(session, self.counts, public_id, now)
            pages = voices.readers(session, self.hub, view.id)
        shown = {"incident": view, "told": told, "progress": progress, "pages": pages}
        return self.draft("incident.html", unfit, **shown)

    def act(self, public_id: str, action: str) -> Answer:
        """Do what a person decided about an incident."""
        acts: dict[str, Callable[[], None]] = {
            "tell": lambda: staff.tell_customers(self.hub, public_id, self.act_now()),
            "precaution": lambda: staff.precaution(self.hub, public_id, self.act_now()),
            "false-alarm": lambda: staff.false_alarm(self.hub, public_id, self.act_now()),
            "update": lambda: self._update(public_id),
            "correct": lambda: self._correct(public_id),
            "cause": lambda: self._cause(public_id),
            "legal-hold": lambda: legal.hold(self.hub, public_id, self.act_now()),
            "legal-release": lambda: legal.release(self.hub, public_id, self.act_now()),
            "postmortem": lambda: postmortem.write(
                self.hub,
                public_id,
                self.act_now(),
                fields.required("words", "what happened"),
                self._others("words"),
            ),
            "postmortem-review": lambda: postmortem.submit(self.hub, public_id, self.act_now()),
            "postmortem-publish": lambda: postmortem.publish(self.hub, public_id, self.act_now()),
            "postmortem-withdraw": lambda: postmortem.take_back(self.hub, public_id, self.act_now()),
            "clear": lambda: staff.clear(self.hub, public_id, self.act_now()),
            "resolve": lambda: staff.resolve(
                self.hub, public_id, self.act_now(), note=fields.text("note"), others=self._others("note")
            ),
        }
        if action not in acts:
            return self.missing()
        back = url_for("console.incident", public_id=public_id)
        return self.attempt(acts[action], back, lambda unfit: self.incident(public_id, unfit))

    def new(self, unfit: UnfitError | None = None) -> Answer:
        """Show the form that opens an incident by hand."""
        components = [(component.id, component.name) for component in self.hub.configuration.site.components]
        return self.draft("open.html", unfit, components=components)

    def open(self) -> Answer:
        """Open an incident by hand."""
        made: list[str] = []

        def do() -> None:
            name, note = fields.required("name", "a name"), fields.required("note", "what customers should read")
            made.append(
                staff.open_incident(
                    self.hub,
                    self.act_now(),
                    Opening(
                        component=fields.text("component"),
                        name=name,
                        note=note,
                        kind=_kind(),
                        failed=fields.number("failed"),
                        complaint=fields.text("complaint"),
                        motive=fields.text("motive"),
                        names=self._others("name"),
                        others=self._others("note"),
                    ),
                )
            )

        answer = self.attempt(do, url_for("console.new"), self.new)
        return redirect(url_for("console.incident", public_id=made[0])) if made else answer

    def _update(self, public_id: str) -> None:
        try:
            state = State(fields.text("state"))
        except ValueError as error:
            raise StaffError("Choose a state.") from error
        note = fields.required("note", "what customers should read")
        act, failed, others = self.act_now(), fields.number("failed"), self._others("note")
        recovery = fields.next_clock("recovery", act.now)
        pages = {each.page.key: fields.text(f"note_on_{each.page.key}") for each in self.hub.pages}
        more: dict[str, Any] = {"failed": failed, "recovery": recovery, "others": others, "pages": pages}
        staff.update(self.hub, public_id, act, note=note, state=state, **more)

    def _correct(self, public_id: str) -> None:
        right = Reach(
            peak=fields.percent("peak"),
            failed=fields.number("failed"),
            customers=fields.number("customers", "customers"),
            began=fields.moment("began"),
            ended=fields.moment("ended"),
            impact=fields.impact("impact"),
        )
        staff.correct(self.hub, public_id, self.act_now(), right=right, note=fields.text("note"))

    def _cause(self, public_id: str) -> None:
        try:
            cause = CauseClass(fields.text("cause"))
        except ValueError as error:
            raise StaffError("Choose a kind of cause.") from error
        data, safeguard = "data" in request.form, "safeguard" in request.form
        staff.say_cause(self.hub, public_id, self.act_now(), cause, data=data, safeguard=safeguard)

    def _others(self, name: str) -> dict[str, str]:
        """Return what a field says in the page's other languages."""
        return {code: fields.text(f"{name}_{code}") for code in self.hub.page.locales[1:]}

    def attempt(self, do: Callable[[], None], back: str, again: Callable[[UnfitError], Answer] | None = None) -> Answer:
        """Do it and go back. Words that may not be published are shown `again`, in their form."""
        try:
            do()
        except UnfitError as error:
            return again(error) if again else self.missing()
        except StaffError as error:
            flash(str(error))
        return redirect(back, code=303)

    def act_now(self) -> Act:
        """Return who acts, and when."""
        user = auth.signed_in()
        via = f"session:{user.session_name}"
        return Act(actor=user.name, now=self.hub.clock(), email=user.email, reason=fields.text("reason"), via=via)

    def knows_password(self, me: auth.Staff) -> None:
        """Raise StaffError unless the form has the password of who sent it in its field `old`."""
        if self.guesses.too_many(me.email):
            raise StaffError("Too many wrong passwords. Please try again in an hour.")
        if auth.check(self.hub, me.email, request.form.get("old", "")) is None:
            self.guesses.wrong(me.email)
            raise StaffError(
                "The old password is not right." if "new" in request.form else "The password is not right."
            )

    def missing(self) -> Response:
        """Say that there is no such page."""
        return Public(self.hub).refuse(404, "There is no such page", "It may have been moved. The console lists all.")


def console(hub: Hub, limiter: Limiter, csrf: CSRFProtect, ways: Ways) -> Blueprint:
    """Return the console's routes, all guarded, every form with a CSRF token."""
    blueprint, routes = Blueprint("console", __name__, url_prefix="/console"), Console(hub, ways)
    blueprint.before_request(routes.guard)
    blueprint.before_request(csrf.protect)
    add = blueprint.add_url_rule
    add("/", "home", routes.home)
    add("/rollouts", "rollouts", routes.rollouts)
    add("/rollouts/<public_id>", "rollout", routes.rollouts)
    add("/promises", "promises", routes.promises)
    add("/connections", "connections", routes.connections)
    add("/connections/events/<int:event>", "understand", routes.understand, methods=["POST"])
    add("/rollouts/<public_id>/rollback", "ask", routes.ask, methods=["POST"])
    add("/rollouts/<public_id>/keep", "keep", routes.keep, methods=["POST"])
    add("/open", "new", routes.new)
    add("/open", "open", routes.open, methods=["POST"])
    add("/incidents/<public_id>", "incident", routes.incident)
    add("/incidents/<public_id>/<action>", "act", routes.act, methods=["POST"])
    console_sign_in.add(blueprint, routes, limiter)
    console_second.add(blueprint, routes)
    console_account.add(blueprint, routes)
    console_approvals.add(blueprint, routes)
    console_audit.add(blueprint, routes)
    console_deliveries.add(blueprint, routes)
    console_inbox.add(blueprint, routes)
    console_maintenance.add(blueprint, routes)
    console_many.add(blueprint, routes)
    console_talk.add(blueprint, routes)
    console_trust.add(blueprint, routes)
    console_words.add(blueprint, routes)
    return blueprint


def _kind() -> Kind:
    try:
        return Kind(fields.text("kind") or Kind.MANUAL)
    except ValueError as error:
        raise StaffError("Choose what it is.") from error
