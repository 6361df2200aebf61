"""The composition root: the only module that builds things and hands them to each other."""

import fcntl
import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

import structlog
from flask import Blueprint, Flask, jsonify, request
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from trusthub import channels
from trusthub import settings as environment
from trusthub.channels import imap
from trusthub.channels import mail as addresses
from trusthub.channels.base import Channel
from trusthub.channels.slack import Slack
from trusthub.domain.inbound import Mailbox as Answers
from trusthub.domain.pacing import Patience
from trusthub.domain.role import Role
from trusthub.errors import PlaybookError
from trusthub.services import (
    accounts,
    gate_github,
    intake,
    logs,
    mailing,
    publish,
    published,
    refusals,
    signing,
    silence,
    site,
    slack_events,
    sync,
    tracing,
)
from trusthub.services.affected import Personally
from trusthub.services.asking import Forgetting
from trusthub.services.brand import STATIC
from trusthub.services.chorus import Listening
from trusthub.services.delivery import Worker
from trusthub.services.failing import Failing
from trusthub.services.hub import Hub, utc_now
from trusthub.services.identity import Provider
from trusthub.services.mailbox import Mailbox
from trusthub.services.stuck import Stuck
from trusthub.services.tidying import Tidying
from trusthub.services.tokens import Tokens
from trusthub.services.trust_mail import Monthly
from trusthub.settings import Settings
from trusthub.store import migrate
from trusthub.store.session import Database
from trusthub.store.tables import Sandbox
from trusthub.web import access, affected, answers, auth, hooks, security, snapshot, threads, trust
from trusthub.web.api import api
from trusthub.web.console import console
from trusthub.web.console_sign_in import Ways
from trusthub.web.gates import gates
from trusthub.web.mail import Keys, mail
from trusthub.web.ops import ops
from trusthub.web.public import Public
from trusthub.web.sandbox import Kept, sandbox
from trusthub.web.slack import slack
from trusthub.web.snapshot import Snapshots
from trusthub.web.subscribe import subscriptions

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_LOOK = 1.0
"""Seconds between looks whether the parent process is still there."""
_LARGEST_FORM = 1024 * 1024
"""Bytes; the hooks have a limit of their own."""

_WORDS = {
    404: ("There is no such page", "The front page lists all."),
    413: (
        "That is too large",
        "A file may have at most 5 MB, and there may be at most 3. Use your browser's back button.",
    ),
    429: ("That was a lot at once", "Please wait a minute, then use your browser's back button and send it again."),
    500: ("Something went wrong here", "It is our fault, and we have noted it. Please try again in a minute."),
}
"""What people read instead of HTTP's own words."""

log = structlog.get_logger()


class Watcher(Protocol):
    """Looks after something while the hub runs."""

    def watch(self, now: datetime) -> None:
        """Look, if it is time to."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that was built, for the commands and the tests that drive it."""

    settings: Settings
    hub: Hub
    flask: Flask
    worker: Worker
    wsgi: "WSGIApplication"


def build(settings: Settings, clock: Callable[[], datetime] = utc_now) -> Parts:
    """Build the hub: database at its newest shape, site and templates checked, first page published.

    Raises PlaybookError when anything in the environment, the site or the templates cannot work.
    """
    hub = open_hub(settings, clock)
    sync.sync(hub, clock())
    made = channels.build(
        settings,
        publish=lambda outbound: publish.publish(
            hub, clock(), settings.publish_dir, through=int(outbound.arguments["delivery"])
        ),
        keep=lambda kind, payload: _keep(hub, kind, payload),
        support=hub.page.support or "",
        gates=hub.configuration.site.gates,
        destinations=hub.configuration.site.destinations,
    )
    made = mailing.over(hub, made, listens=_listens(settings))
    if settings.publish_dir is not None:
        for each in hub.pages:
            if place := published.place_of(each, settings.publish_dir):
                published.copy_static(STATIC, place, each.look.files)
    publish.publish(hub, clock(), settings.publish_dir)
    if settings.publish_dir is not None:
        published.clear(hub, settings.publish_dir)
    app = create_app(settings, hub, made)
    kinds = (Failing, Stuck, Tidying, Forgetting, Listening, Monthly, Personally)
    watchers: list[Watcher] = [kind(hub) for kind in kinds]
    if url := settings.imap_url.get_secret_value():
        watchers.append(Mailbox(hub, imap.read(url)))
    return Parts(
        settings,
        hub,
        app,
        Worker(
            hub,
            made,
            patience=_patience(settings),
            housekeeping=lambda: _keep_house(hub, settings, watchers, _chat(made)),
        ),
        snapshot.before(
            _proxied(_hooked(app, hub, settings), settings),
            Snapshots(hub, assets=STATIC),
            proxied=settings.trusted_proxies > 0,
        ),
    )


def open_hub(settings: Settings, clock: Callable[[], datetime] = utc_now) -> Hub:
    """Return the hub without its ways in and out, to look at what it keeps; the database is at its newest shape.

    Raises PlaybookError as `build` does.
    """
    logs.begin()
    database = Database(settings.database_url)
    configuration = site.load(settings)
    migrate.upgrade(database)
    base_url, tokens = settings.base_url.rstrip("/"), Tokens(signing.secret(settings))
    box = _mailbox(settings, configuration.site.page.support or "")
    traces = tracing.begin(settings.otel_url)
    return Hub(database, configuration, tokens, base_url, clock, mailbox=box, files=settings.files, traces=traces)


def _mailbox(settings: Settings, support: str) -> Answers | None:
    """Return where answers by mail arrive, when there is such an address and something that reads it."""
    doors = (settings.mail_inbound_token, settings.imap_url)
    reads = settings.sendgrid_inbound_key or any(each.get_secret_value() for each in doors)
    if not settings.mail_inbound:
        if reads:
            raise PlaybookError("TRUSTHUB_MAIL_INBOUND is missing: at which address do customers answer?")
        return None
    if not reads:
        ways = "TRUSTHUB_MAIL_INBOUND_TOKEN, TRUSTHUB_SENDGRID_INBOUND_KEY or TRUSTHUB_IMAP_URL"
        raise PlaybookError(f"TRUSTHUB_MAIL_INBOUND is set, but nothing would read what arrives there. Set {ways}.")
    return Answers(settings.mail_inbound, addresses.sender(settings.mail_from or support).domain.lower())


def _listens(settings: Settings) -> bool:
    """Whether SendGrid sends our mail and tells what becomes of it."""
    return bool(settings.sendgrid_event_key and settings.sendgrid_api_key.get_secret_value())


def _patience(settings: Settings) -> Patience:
    return Patience(timedelta(seconds=settings.give_up_seconds), timedelta(seconds=settings.doubt_seconds))


def _chat(made: Mapping[str, Channel]) -> Slack | None:
    """Return Slack, where it is set up."""
    return chat if isinstance(chat := made["slack"], Slack) else None


def _keep_house(hub: Hub, settings: Settings, watchers: Sequence[Watcher], chat: Slack | None) -> None:
    publish.refresh(hub, hub.clock(), settings.publish_dir)
    intake.sweep(hub, hub.clock())
    slack_events.sweep(hub, hub.clock(), chat)
    silence.watch(hub, hub.clock())
    gate_github.answer(hub, hub.clock())
    for each in watchers:
        each.watch(hub.clock())


def create_app(settings: Settings, hub: Hub, made: Mapping[str, Channel]) -> Flask:
    """Return the Flask application: every route, each with its guard. `made` are the ways out."""
    app = Flask("trusthub", static_folder=str(STATIC), static_url_path="/static")
    app.secret_key = signing.secret(settings)
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, SEND_FILE_MAX_AGE_DEFAULT=3600, MAX_CONTENT_LENGTH=_LARGEST_FORM)
    app.json.sort_keys = False  # type: ignore[attr-defined] # the default provider has it
    limiter, csrf = security.limiter(app), CSRFProtect(app)
    security.protect(app, hub)
    auth.sessions(app, hub)
    access.enforce(app)
    app.register_blueprint(gates(hub, made["github"]))
    pages = Blueprint("public", __name__)
    for each in (answers, affected, threads, trust):
        each.add(pages, Public(hub), limiter)
    app.register_blueprint(pages)
    app.register_blueprint(subscriptions(hub, limiter))
    app.register_blueprint(console(hub, limiter, csrf, _ways(settings, hub)))
    app.register_blueprint(slack(hub, settings.slack_signing_secret.get_secret_value(), _chat(made)))
    token = settings.mail_inbound_token.get_secret_value()
    app.register_blueprint(mail(hub, Keys(settings.sendgrid_event_key, settings.sendgrid_inbound_key, token)))
    app.register_blueprint(ops(hub, settings))
    app.register_blueprint(api(hub))
    if settings.demo:
        app.register_blueprint(_sandbox(hub))
    app.register_error_handler(HTTPException, _explain(hub))
    return app


def _ways(settings: Settings, hub: Hub) -> Ways:
    """Return how staff sign in. Raises PlaybookError when nobody could."""
    provider, secret = None, settings.oidc_client_secret.get_secret_value()
    if settings.oidc_issuer:
        if not settings.oidc_client_id or not secret:
            ours = "TRUSTHUB_OIDC_CLIENT_ID and TRUSTHUB_OIDC_CLIENT_SECRET"
            raise PlaybookError(f"TRUSTHUB_OIDC_ISSUER is set, and {ours} are needed with it.")
        provider = Provider(
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=secret,
            roles_claim=settings.oidc_roles_claim,
            back=f"{hub.base_url}/console/login/oidc/back",
        )
    if provider is None and not settings.local_sign_in:
        raise PlaybookError("TRUSTHUB_LOCAL_SIGN_IN is off, so nobody could sign in. Set TRUSTHUB_OIDC_ISSUER.")
    needed = frozenset(map(Role, settings.second_factor_for.split()))
    return Ways(second_for=needed, provider=provider, local=settings.local_sign_in)


def serve() -> "WSGIApplication":
    """Return the WSGI application; called by granian in each of its processes."""
    parts = _built()
    threading.Thread(target=_look_around, args=(parts.hub, os.getppid()), daemon=True).start()
    return parts.wsgi


def work(parent: int | None = None, *, ready: Callable[[], object] = lambda: None) -> None:
    """Deliver until SIGTERM or SIGINT, and then finish what is under way; also when the process `parent` is gone."""
    worker = _built().worker
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: worker.stop())
    ready()
    worker.run(alive=lambda: parent in {None, os.getppid()})


def _built() -> Parts:
    parts = build(environment.load())
    gc.freeze()  # what was built stays, and the collector need not look at it again
    return parts


def _look_around(hub: Hub, parent: int) -> None:
    """Write what this process counted; and end it when the one that started it is gone, or it would hold the port."""
    while os.getppid() == parent:
        time.sleep(_LOOK)
        with suppress(SQLAlchemyError):
            refusals.write(hub, hub.clock())
    os.kill(os.getpid(), signal.SIGTERM)


def prepare(settings: Settings) -> None:
    """Do once, before any process serves, what must not be done by several: migrations and the signing secret."""
    signing.secret(settings)
    database = Database(settings.database_url)
    migrate.upgrade(database)
    database.close()


def add_user(
    settings: Settings, *, email: str, name: str, password: str, roles: tuple[Role, ...] | None = None
) -> list[str]:
    """Let somebody sign in at the console, or change name, password and roles; return the roles (accounts.save)."""
    database = Database(settings.database_url)
    migrate.upgrade(database)
    with database.transaction() as session:
        kept = accounts.save(session, email=email, name=name, hashed=auth.hashed(password), roles=roles, now=utc_now())
    database.close()
    return kept


def set_member(settings: Settings, *, email: str, member: str | None) -> None:
    """Say who somebody is in Slack. Raises StaffError (accounts.set_member)."""
    database = Database(settings.database_url)
    migrate.upgrade(database)
    with database.transaction() as session:
        accounts.set_member(session, email=email, member=member, now=utc_now())
    database.close()


def hold(database_url: str) -> IO[str] | None:
    """Take the SQLite file for one server; raises PlaybookError when another one has it. Keep what is returned."""
    file = Settings(database_url=database_url).sqlite_file
    if file is None:
        return None
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = Path(f"{file}.lock").open("w", encoding="utf-8")  # noqa: SIM115 -- held until the process ends
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise PlaybookError(f"Another `trusthub serve` uses {file}. Stop it, or use PostgreSQL for several.") from error
    return lock


def _keep(hub: Hub, kind: str, payload: dict[str, object]) -> str:
    with hub.database.transaction() as session:
        row = Sandbox(kind=kind, at=hub.clock(), payload=payload)
        session.add(row)
        session.flush()
        return str(row.id)


def _sandbox(hub: Hub) -> Any:
    def kept(after: int) -> list[Kept]:
        with hub.database.reading() as session:
            rows = session.execute(select(Sandbox).where(col(Sandbox.id) > after).order_by(col(Sandbox.id))).scalars()
            return [Kept(id=row.id, kind=row.kind, at=row.at, payload=row.payload) for row in rows]

    page = hub.configuration.templates.page
    return sandbox(keep=lambda kind, payload: _keep(hub, kind, payload), kept=kept, page=page)


def _explain(hub: Hub) -> Any:
    """Answer tools in JSON and people with a page."""

    def explain(error: HTTPException) -> Response | tuple[Any, int]:
        status = error.code or 500
        if request.path.startswith(("/hooks/", "/gates/", "/api/", "/slack/", "/email/")):
            return jsonify(ok=False, error=error.description), status
        return Public(hub).refuse(status, *_WORDS.get(status, (error.name, error.description or "")))

    return explain


def _hooked(app: Flask, hub: Hub, settings: Settings) -> "WSGIApplication":
    return hooks.before(app, hub, token=settings.hook_token.get_secret_value(), open_to_all=settings.demo)


def _proxied(app: "WSGIApplication", settings: Settings) -> "WSGIApplication":
    count = settings.trusted_proxies
    return ProxyFix(app, x_for=count, x_proto=count, x_host=count) if count else app
