"""For whoever runs the hub: whether it is up, can do its work, and how much of it there is."""

import hmac
from typing import Any

from flask import Blueprint, Response, jsonify, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from sqlalchemy.exc import SQLAlchemyError

from trusthub.services import stuck
from trusthub.services.figures import Figures
from trusthub.services.hub import Hub
from trusthub.settings import Settings
from trusthub.store import migrate, presence

_CLOSED = "Send the bearer token that TRUSTHUB_METRICS_TOKEN holds. While none is set, nobody reads metrics.\n"


def ops(hub: Hub, settings: Settings) -> Blueprint:
    """Return the operators' routes."""
    blueprint, registry = Blueprint("ops", __name__), CollectorRegistry(auto_describe=False)
    registry.register(Figures(hub))
    token = settings.metrics_token.get_secret_value()

    @blueprint.get("/healthz")
    def healthz() -> Response:
        """Answer as long as the process does."""
        return jsonify(ok=True)

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        """Answer 200 when the database is there and has the tables this version expects.

        Whether a worker is there and what waits is said, and changes nothing: a page that can be read must be.
        """
        try:
            found = _ready(hub)
        except SQLAlchemyError as error:
            return jsonify(ok=False, database=type(error).__name__), 503
        return jsonify(found), 200 if found["ok"] else 503

    @blueprint.get("/metrics")
    def metrics() -> tuple[Response, int]:
        """Answer in the text format of Prometheus, to who has the token."""
        if not _allowed(token):
            return Response(_CLOSED, mimetype="text/plain", headers={"WWW-Authenticate": "Bearer"}), 401
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_1_0_0), 200

    return blueprint


def _ready(hub: Hub) -> dict[str, Any]:
    missing = migrate.pending(hub.database)
    found = {"ok": not missing, "database": "ok", "missing_migrations": missing}
    if missing:
        return found
    now = hub.clock()
    with hub.database.reading() as session:
        waits = [(now - since).total_seconds() for since in stuck.oldest(session).values()]
    return {**found, "workers": presence.workers(hub.database), "oldest_delivery_seconds": max(waits, default=0)}


def _allowed(token: str) -> bool:
    said = request.headers.get("Authorization", "").encode()
    return bool(token) and hmac.compare_digest(said, f"Bearer {token}".encode())
