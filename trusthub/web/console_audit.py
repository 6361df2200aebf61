"""Who did what, and the evidence of one incident."""

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, request
from sqlalchemy import select
from sqlmodel import col
from werkzeug.wrappers import Response

from trusthub.services import evidence
from trusthub.services.acts import StaffError
from trusthub.store.tables import Audit, AuditChange

if TYPE_CHECKING:  # the console hands itself over
    from trusthub.web.console import Console

_MANY = 100


class AuditLog:
    """The routes, with the console that they are part of."""

    def __init__(self, console: "Console") -> None:
        self._console, self._hub = console, console.hub

    def show(self) -> Response:
        """Show the newest acts, of one person, kind or thing when asked."""
        wanted = {name: request.args.get(name, "").strip() for name in ("actor", "action", "subject")}
        query = select(Audit).where(*(col(getattr(Audit, name)) == value for name, value in wanted.items() if value))
        before = request.args.get("before", type=int)
        if before is not None:
            query = query.where(col(Audit.id) < before)
        with self._hub.database.reading() as session:
            rows = session.execute(query.order_by(col(Audit.id).desc()).limit(_MANY + 1)).scalars().all()
            ids = [row.id for row in rows]
            changes = session.execute(select(AuditChange).where(col(AuditChange.audit_id).in_(ids))).scalars().all()
        of = {row.id: [each for each in changes if each.audit_id == row.id] for row in rows}
        older = rows[_MANY - 1].id if len(rows) > _MANY else None
        return self._console.render("audit.html", acts=rows[:_MANY], changes=of, wanted=wanted, older=older)

    def evidence(self, public_id: str) -> Response:
        """Give the evidence file of an incident."""
        try:
            with self._hub.database.reading() as session:
                text = evidence.write(session, public_id)
        except StaffError:
            return self._console.missing()
        name = f'attachment; filename="evidence-{public_id}.jsonl"'
        headers = {"Content-Type": "application/jsonl", "Content-Disposition": name, "Cache-Control": "no-store"}
        return make_response(text, 200, headers)


def add(blueprint: Blueprint, console: "Console") -> None:
    """Add these routes to the console's, behind its guard."""
    routes = AuditLog(console)
    blueprint.add_url_rule("/audit", "audit", routes.show)
    blueprint.add_url_rule("/incidents/<public_id>/evidence", "evidence", routes.evidence)
