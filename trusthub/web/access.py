"""Which role each route needs, in one table. A route that is not in it is refused, and fails a test."""

from collections.abc import Mapping
from enum import StrEnum

from flask import Flask, abort, request
from flask_login import current_user

from trusthub.domain.role import Role

EVERYBODY = "everybody"
"""Needs nothing: public, or it has a check of its own (signature, token in the address, bearer token)."""


class Scope(StrEnum):
    """What an API token may do."""

    READ_INCIDENTS = "incidents:read"
    WRITE_INCIDENTS = "incidents:write"
    READ_THREADS = "threads:read"
    WRITE_THREADS = "threads:write"


LEAST: Mapping[str, str] = {
    "static": EVERYBODY,
    "public.answer": EVERYBODY,
    "public.thread": EVERYBODY,
    "public.write": EVERYBODY,
    "public.confirm": EVERYBODY,
    "subscriptions.form": EVERYBODY,
    "subscriptions.ask": EVERYBODY,
    "subscriptions.manage": EVERYBODY,
    "subscriptions.confirm": EVERYBODY,
    "subscriptions.change": EVERYBODY,
    "subscriptions.stop": EVERYBODY,
    "public.me_too": EVERYBODY,
    "public.component": EVERYBODY,
    "public.component_in": EVERYBODY,
    "public.answer_about": EVERYBODY,
    "public.fixed": EVERYBODY,
    "public.rate": EVERYBODY,
    "public.affected": EVERYBODY,
    "public.ask_affected": EVERYBODY,
    "public.trust": EVERYBODY,
    "public.trust_in": EVERYBODY,
    "public.file": EVERYBODY,
    "gates.ask": EVERYBODY,
    "slack.events": EVERYBODY,
    "slack.command": EVERYBODY,
    "slack.interactions": EVERYBODY,
    "mail.events": EVERYBODY,
    "mail.inbound": EVERYBODY,
    "ops.healthz": EVERYBODY,
    "ops.readyz": EVERYBODY,
    "ops.metrics": EVERYBODY,
    "sandbox.slack": EVERYBODY,
    "sandbox.sendgrid": EVERYBODY,
    "sandbox.messages": EVERYBODY,
    "sandbox.look": EVERYBODY,
    "sandbox.mail": EVERYBODY,
    "api.openapi": EVERYBODY,
    "api.incidents": Scope.READ_INCIDENTS,
    "api.incident": Scope.READ_INCIDENTS,
    "api.open": Scope.WRITE_INCIDENTS,
    "api.update": Scope.WRITE_INCIDENTS,
    "api.affected": Scope.WRITE_INCIDENTS,
    "api.threads": Scope.READ_THREADS,
    "api.take_thread": Scope.WRITE_THREADS,
    "api.hear": Scope.WRITE_THREADS,
    "console.login": EVERYBODY,
    "console.sign_in": EVERYBODY,
    "console.leave": EVERYBODY,
    "console.back": EVERYBODY,
    "console.second": EVERYBODY,
    "console.page": Role.VIEWER,
    "console.check_second": EVERYBODY,
    "console.sign_out": Role.VIEWER,
    "console.home": Role.VIEWER,
    "console.rollouts": Role.VIEWER,
    "console.rollout": Role.VIEWER,
    "console.promises": Role.VIEWER,
    "console.trust": Role.VIEWER,
    "console.trust_table": Role.VIEWER,
    "console.connections": Role.VIEWER,
    "console.incident": Role.VIEWER,
    "console.threads": Role.VIEWER,
    "console.thread": Role.VIEWER,
    "console.approval": Role.VIEWER,
    "console.deliveries": Role.VIEWER,
    "console.progress": Role.VIEWER,
    "console.delivery": Role.VIEWER,
    "console.delivery_html": Role.VIEWER,
    "console.account": Role.VIEWER,
    "console.password": Role.VIEWER,
    "console.end_session": Role.VIEWER,
    "console.factor": Role.VIEWER,
    "console.enrol": Role.VIEWER,
    "console.remove_factor": Role.VIEWER,
    "console.colleagues": Role.VIEWER,
    "console.reset_factor": Role.ADMIN,
    "console.words": Role.SUPPORT,
    "console.reply": Role.SUPPORT,
    "console.confirm": Role.SUPPORT,
    "console.close": Role.SUPPORT,
    "console.assign": Role.SUPPORT,
    "console.note": Role.SUPPORT,
    "console.here": Role.SUPPORT,
    "console.many": Role.SUPPORT,
    "console.send_many": Role.SUPPORT,
    "console.undo_many": Role.SUPPORT,
    "console.admit": Role.SUPPORT,
    "console.file": Role.VIEWER,
    "console.new": Role.PUBLISHER,
    "console.open": Role.PUBLISHER,
    "console.decide": Role.PUBLISHER,
    "console.new_maintenance": Role.PUBLISHER,
    "console.plan_maintenance": Role.PUBLISHER,
    "console.act_maintenance": Role.PUBLISHER,
    "console.act": Role.PUBLISHER,
    "console.ask": Role.PUBLISHER,
    "console.keep": Role.PUBLISHER,
    "console.requeue_confirm": Role.PUBLISHER,
    "console.requeue_all": Role.PUBLISHER,
    "console.requeue": Role.PUBLISHER,
    "console.pause": Role.PUBLISHER,
    "console.resume": Role.PUBLISHER,
    "console.audit": Role.LEGAL,
    "console.evidence": Role.LEGAL,
    "console.understand": Role.ADMIN,
}
"""The least role (domain.role.Role) or scope of each endpoint."""

ACTIONS: Mapping[tuple[str, str], Role] = {
    ("console.act", "postmortem"): Role.SUPPORT,
    ("console.act", "postmortem-review"): Role.SUPPORT,
    ("console.act", "clear"): Role.LEGAL,
    ("console.act", "legal-hold"): Role.LEGAL,
    ("console.act", "legal-release"): Role.LEGAL,
}
"""Where one route does several things: which of them need another role than the route itself."""


def least() -> str | None:
    """Return what the route of this request needs; None for one that nobody put in the table."""
    endpoint = request.endpoint or ""
    return ACTIONS.get((endpoint, str((request.view_args or {}).get("action"))), LEAST.get(endpoint))


def allowed(roles: frozenset[Role]) -> frozenset[str]:
    """Return the endpoints that somebody with these roles reaches, so that no page shows a button that answers 403."""
    return frozenset(endpoint for endpoint, needed in LEAST.items() if needed in roles)


def enforce(app: Flask) -> None:
    """Refuse who lacks the role that a route needs. A stranger is left to the console, which asks them to sign in."""

    @app.before_request
    def _enforce() -> None:
        if request.endpoint is None:
            return  # no such page
        needed = least()
        if needed is None:
            abort(403, "Nobody said who may use this route.")
        if needed in set(Role) and current_user.is_authenticated and needed not in current_user.roles:
            mine = f"This needs the role {needed}. An admin can give it with `trusthub user add --role {needed}`."
            abort(403, mine)
