"""Where staff work: incidents to decide on, customers to answer."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, flash, get_flashed_messages, make_response, redirect, request, url_for
from flask_limiter import Limiter
from flask_login import current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect, generate_csrf
from werkzeug.wrappers import Response as BaseResponse

from trusthub.domain.incident import State
from trusthub.services import connections, desk, failing, gate_rollback, report, staff
from trusthub.services.hub import Hub
from trusthub.services.staff import Act, StaffError
from trusthub.services.wording import UnfitError
from trusthub.web import auth
from trusthub.web.public import Public

_OPEN = frozenset({"console.login", "console.sign_in"})

Answer = Response | BaseResponse


class Console:
    """The routes, with what they need."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def render(self, name: str, status: int = 200, **context: Any) -> Response:
        """Render a console page; it is nobody else's to keep."""
        with self.hub.database.reading() as session:
            view = report.page(session, self.hub, self.hub.clock())
        user = current_user.name if current_user.is_authenticated else None
        notice = next(iter(get_flashed_messages()), None)
        body = self.hub.configuration.templates.page(
            f"pages/console/{name}", page=view, user=user, csrf=generate_csrf(), notice=notice, **context
        )
        response = make_response(body, status)
        response.headers["Cache-Control"] = "no-store"
        return response

    def guard(self) -> Answer | None:
        """Let only staff in."""
        if current_user.is_authenticated or request.endpoint in _OPEN:
            return None
        return redirect(url_for("console.login", next=request.full_path.rstrip("?")))

    def login(self) -> Answer:
        """Show the sign-in form."""
        return self.render("login.html", next=request.args.get("next", ""), error=None)

    def sign_in(self) -> Answer:
        """Sign somebody in."""
        email, password = request.form.get("email", "").strip(), request.form.get("password", "")
        wanted = request.form.get("next", "")
        user = auth.check(self.hub, email, password)
        if user is None:
            return self.render("login.html", 401, next=wanted, error="Address or password is not right.")
        login_user(user)
        return redirect(wanted if _ours(wanted) else url_for("console.home"))

    def sign_out(self) -> Answer:
        """Sign out."""
        logout_user()
        return redirect(url_for("console.login"))

    def home(self) -> Answer:
        """Show what waits."""
        with self.hub.database.reading() as session:
            view, off = desk.desk(session, self.hub, self.hub.clock()), failing.disabled(session, self.hub)
        return self.render(
            "home.html", incidents=view.incidents, threads=view.threads, deliveries=view.deliveries, disabled=off
        )

    def enable(self, lane: str) -> Answer:
        """Switch on a destination that was switched off because messages to it kept failing."""
        act = self._act()
        if not failing.enable(self.hub, lane, actor=act.actor, now=act.now):
            flash("It is switched on already.")
        return redirect(url_for("console.home"), code=303)

    def rollouts(self, public_id: str = "") -> Answer:
        """Show the latest rollouts; one of them marked when a message linked to it."""
        with self.hub.database.reading() as session:
            rows = desk.rollouts(session)
            detail = desk.find_rollout(session, self.hub, public_id) if public_id else None
        return self.render("rollouts.html", rollouts=rows, marked=public_id, detail=detail)

    def ask(self, public_id: str) -> Answer:
        """Ask the tool of a rollout to roll back: it hears so when it asks next."""
        return self._try(
            lambda: gate_rollback.ask(self.hub, public_id, self._act(), _required("why", "why it should go back")),
            url_for("console.rollout", public_id=public_id),
        )

    def connections(self) -> Answer:
        """Show how the tools are connected, and what was not understood."""
        with self.hub.database.reading() as session:
            view = connections.overview(session, self.hub, self.hub.clock())
        return self.render("connections.html", overview=view)

    def understand(self, event: int) -> Answer:
        """Understand a kept event once more."""
        return self._try(
            lambda: flash(connections.understand_again(self.hub, event, self._act())), url_for("console.connections")
        )

    def incident(self, public_id: str, unfit: UnfitError | None = None) -> Answer:
        """Show one incident, with what is wrong with the words that were sent from it."""
        with self.hub.database.reading() as session:
            view = desk.find_incident(session, self.hub, public_id, self.hub.clock())
        return self.render("incident.html", _status(unfit), incident=view, **_draft(unfit)) if view else self._missing()

    def act(self, public_id: str, action: str) -> Answer:
        """Do what a person decided about an incident."""
        acts: dict[str, Callable[[], None]] = {
            "tell": lambda: staff.tell_customers(self.hub, public_id, self._act()),
            "precaution": lambda: staff.precaution(self.hub, public_id, self._act()),
            "false-alarm": lambda: staff.false_alarm(self.hub, public_id, self._act()),
            "update": lambda: self._update(public_id),
            "resolve": lambda: staff.resolve(self.hub, public_id, self._act(), note=_field("note")),
        }
        if action not in acts:
            return self._missing()
        back = url_for("console.incident", public_id=public_id)
        return self._try(acts[action], back, lambda unfit: self.incident(public_id, unfit))

    def new(self, unfit: UnfitError | None = None) -> Answer:
        """Show the form that opens an incident by hand."""
        components = [(component.id, component.name) for component in self.hub.configuration.site.components]
        return self.render("open.html", _status(unfit), components=components, **_draft(unfit))

    def open(self) -> Answer:
        """Open an incident by hand."""
        made: list[str] = []

        def do() -> None:
            name, note = _required("name", "a name"), _required("note", "what customers should read")
            made.append(
                staff.open_incident(
                    self.hub, self._act(), component=_field("component"), name=name, note=note, failed=_number("failed")
                )
            )

        answer = self._try(do, url_for("console.new"), self.new)
        return redirect(url_for("console.incident", public_id=made[0])) if made else answer

    def thread(self, public_id: str, unfit: UnfitError | None = None) -> Answer:
        """Show one customer's thread, with what is wrong with the answer that was sent from it."""
        with self.hub.database.reading() as session:
            view = desk.find_thread(session, self.hub, public_id)
        return self.render("thread.html", _status(unfit), thread=view, **_draft(unfit)) if view else self._missing()

    def reply(self, public_id: str) -> Answer:
        """Answer a customer."""
        return self._try(
            lambda: staff.reply(self.hub, public_id, self._act(), _required("words", "an answer")),
            url_for("console.thread", public_id=public_id),
            lambda unfit: self.thread(public_id, unfit),
        )

    def confirm(self, public_id: str) -> Answer:
        """Say that a customer is real."""
        return self._try(
            lambda: staff.confirm_customer(self.hub, public_id, self._act()),
            url_for("console.thread", public_id=public_id),
        )

    def close(self, public_id: str) -> Answer:
        """Close a customer's thread."""
        return self._try(
            lambda: staff.close_thread(self.hub, public_id, self._act()), url_for("console.thread", public_id=public_id)
        )

    def _update(self, public_id: str) -> None:
        try:
            state = State(_field("state"))
        except ValueError as error:
            raise StaffError("Choose a state.") from error
        note = _required("note", "what customers should read")
        staff.update(self.hub, public_id, self._act(), note=note, state=state, failed=_number("failed"))

    def _try(self, do: Callable[[], None], back: str, again: Callable[[UnfitError], Answer] | None = None) -> Answer:
        """Do it and go back. Words that may not be published are shown `again`, in their form."""
        try:
            do()
        except UnfitError as error:
            return again(error) if again else self._missing()
        except StaffError as error:
            flash(str(error))
        return redirect(back, code=303)

    def _act(self) -> Act:
        return Act(actor=auth.signed_in().name, now=self.hub.clock(), reason=_field("reason"))

    def _missing(self) -> Response:
        return Public(self.hub).refuse(404, "There is no such page", "It may have been moved. The console lists all.")


def console(hub: Hub, limiter: Limiter, csrf: CSRFProtect) -> Blueprint:
    """Return the console's routes, all guarded, every form with a CSRF token."""
    blueprint, routes = Blueprint("console", __name__, url_prefix="/console"), Console(hub)
    blueprint.before_request(routes.guard)
    blueprint.before_request(csrf.protect)
    add = blueprint.add_url_rule
    add("/login", "login", routes.login)
    add("/login", "sign_in", limiter.limit("10 per minute")(routes.sign_in), methods=["POST"])
    add("/logout", "sign_out", routes.sign_out, methods=["POST"])
    add("/", "home", routes.home)
    add("/destinations/<path:lane>/enable", "enable", routes.enable, methods=["POST"])
    add("/rollouts", "rollouts", routes.rollouts)
    add("/rollouts/<public_id>", "rollout", routes.rollouts)
    add("/connections", "connections", routes.connections)
    add("/connections/events/<int:event>", "understand", routes.understand, methods=["POST"])
    add("/rollouts/<public_id>/rollback", "ask", routes.ask, methods=["POST"])
    add("/open", "new", routes.new)
    add("/open", "open", routes.open, methods=["POST"])
    add("/incidents/<public_id>", "incident", routes.incident)
    add("/incidents/<public_id>/<action>", "act", routes.act, methods=["POST"])
    add("/threads/<public_id>", "thread", routes.thread)
    add("/threads/<public_id>/reply", "reply", routes.reply, methods=["POST"])
    add("/threads/<public_id>/confirm", "confirm", routes.confirm, methods=["POST"])
    add("/threads/<public_id>/close", "close", routes.close, methods=["POST"])
    return blueprint


def _status(unfit: UnfitError | None) -> int:
    return 422 if unfit else 200


def _draft(unfit: UnfitError | None) -> dict[str, Any]:
    """Return what was typed and what is wrong with it, so that nobody has to type it once more."""
    return {
        "unfit": unfit and unfit.verdict,
        "draft": request.form if unfit else {},
        "sent": request.path if unfit else "",
    }


def _field(name: str) -> str:
    return str(request.form.get(name, "")).strip()


def _required(name: str, words: str) -> str:
    value = _field(name)
    if not value:
        raise StaffError(f"Please write {words}.")
    return value


def _number(name: str) -> int | None:
    value = _field(name).replace(",", "")
    if value and not value.isdigit():
        raise StaffError(f"{value!r} is not a number of requests.")
    return int(value) if value else None


def _ours(path: str) -> bool:
    """Whether `path` stays on this site: no scheme, no host, no backslash that a browser reads as a slash."""
    parts = urlsplit(path)
    return (
        path.startswith("/")
        and not path.startswith("//")
        and "\\" not in path
        and not parts.scheme
        and not parts.netloc
    )
