"""For whoever runs the hub: whether it is up, and can do its work."""

from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from trusthub.services.hub import Hub
from trusthub.store import migrate


def ops(hub: Hub) -> Blueprint:
    """Return the operators' routes."""
    blueprint = Blueprint("ops", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        """Answer as long as the process does."""
        return jsonify(ok=True)

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        """Answer 200 when the database is there and has the tables this version expects."""
        try:
            missing = migrate.pending(hub.database)
        except SQLAlchemyError as error:
            return jsonify(ok=False, database=type(error).__name__), 503
        return jsonify(ok=not missing, database="ok", missing_migrations=missing), 503 if missing else 200

    return blueprint
