"""`/api/v1/` for programs: a bearer token with scopes in, JSON out, and errors that say how to mend them (RFC 9457)."""

from collections.abc import Callable

from flask import Blueprint, Response, g, jsonify, request
from pydantic import BaseModel, ValidationError

from trusthub.domain.affected import listed
from trusthub.domain.incident import State
from trusthub.services import affected, api_tokens, external_in, listing, staff
from trusthub.services.acts import Act, StaffError
from trusthub.services.external import VIA
from trusthub.services.external import External as Elsewhere
from trusthub.services.feedback import Answer, is_address
from trusthub.services.hub import Hub
from trusthub.services.wording import UnfitError
from trusthub.store.tables import Incident, Thread
from trusthub.web import access, api_document
from trusthub.web.access import Scope
from trusthub.web.api_document import Operation
from trusthub.web.api_shapes import (
    Affected,
    External,
    Heard,
    IncidentDetail,
    IncidentOut,
    Incidents,
    Kept,
    Made,
    NewThread,
    NewUpdate,
    Opening,
    Paging,
    Problem,
    ThreadOut,
    Threads,
    UpdateOut,
)

OPERATIONS = (
    Operation("incidents", "GET", "/incidents", Scope.READ_INCIDENTS, "List incidents", Incidents, Paging),
    Operation("incident", "GET", "/incidents/<id>", Scope.READ_INCIDENTS, "Read an incident", IncidentDetail),
    Operation("open", "POST", "/incidents", Scope.WRITE_INCIDENTS, "Open an incident", Made, Opening, 201),
    Operation("update", "POST", "/incidents/<id>/updates", Scope.WRITE_INCIDENTS, "Publish", Made, NewUpdate, 201),
    Operation(
        "affected", "POST", "/incidents/<id>/affected", Scope.WRITE_INCIDENTS, "List whom it hit", Kept, Affected, 201
    ),
    Operation("threads", "GET", "/threads", Scope.READ_THREADS, "List customers' threads", Threads, Paging),
    Operation(
        "take_thread", "POST", "/threads", Scope.WRITE_THREADS, "Open one of a help desk", ThreadOut, NewThread, 201
    ),
    Operation(
        "hear", "POST", "/threads/<id>/messages", Scope.WRITE_THREADS, "Tell what was said there", Made, Heard, 201
    ),
)


class Api:
    """The routes, with what they need."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def guard(self) -> Response | None:
        """Let in who shows a living token with the scope that the route needs."""
        needed = access.least()
        if needed == access.EVERYBODY:
            return None
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        row = api_tokens.read(self._hub, secret.strip(), self._hub.clock()) if kind.lower() == "bearer" else None
        if row is None:
            how = "Send `Authorization: Bearer trusthub_…`. `trusthub token create` makes one; it may have expired."
            answer = problem(401, "No token that opens this", how)
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        if needed not in row.scopes:
            return problem(403, "The token may not do this", f"It needs the scope {needed}. Make one that has it.")
        g.act = Act(actor=f"{row.name} (API)", now=self._hub.clock(), where="API", via=f"token:{row.public_id}")
        return None

    def incidents(self, wanted: Paging) -> Incidents | Response:
        """List incidents."""
        with self._hub.database.reading() as session:
            found = listing.page(session, Incident, wanted.after, wanted.limit)
        if found is None:
            return _no_place()
        return Incidents(items=[IncidentOut(**_incident(row)) for row in found[0]], next=found[1])

    def incident(self, id: str) -> IncidentDetail | Response:  # noqa: A002 -- the name in the address
        """Read one incident."""
        with self._hub.database.reading() as session:
            row = listing.incident(session, id)
            said = listing.updates(session, row.id, self._hub.page.main) if row else []
        if row is None:
            return problem(404, "There is no such incident", "GET /api/v1/incidents lists all.")
        updates = [
            UpdateOut(id=each.public_id, state=each.state, body=body, author=each.author, created_at=each.created_at)
            for each, body in said
        ]
        return IncidentDetail(**_incident(row), updates=updates)

    def open(self, wanted: Opening) -> Made:
        """Open an incident."""
        opening = staff.Opening(
            component=wanted.component,
            name=wanted.name,
            note=wanted.note,
            names=wanted.names,
            others=wanted.notes,
        )
        return Made(id=staff.open_incident(self._hub, _act(wanted.reason), opening))

    def update(self, wanted: NewUpdate, id: str) -> Made | Response:  # noqa: A002 -- as above
        """Publish words on an incident."""
        with self._hub.database.reading() as session:
            if listing.incident(session, id) is None:
                return problem(404, "There is no such incident", "GET /api/v1/incidents lists all.")
        act, state = _act(wanted.reason), State(wanted.state)
        staff.update(self._hub, id, act, note=wanted.note, state=state, failed=wanted.failed, others=wanted.notes)
        return Made(id=id)

    def affected(self, wanted: Affected, id: str) -> Kept | Response:  # noqa: A002 -- as above
        """List whom an incident hit; those who have an address hear of it."""
        with self._hub.database.reading() as session:
            if listing.incident(session, id) is None:
                return problem(404, "There is no such incident", "GET /api/v1/incidents lists all.")
        try:
            hits = list(listed(wanted.ids, wanted.csv))
        except ValueError as error:
            return problem(422, "This list is not understood", str(error), "/csv" if "CSV" in str(error) else "/ids")
        kept = affected.add(self._hub, id, hits, _act(""))
        return Kept(count=kept.count, reachable=kept.reachable)

    def threads(self, wanted: Paging) -> Threads | Response:
        """List customers' threads."""
        with self._hub.database.reading() as session:
            found = listing.page(session, Thread, wanted.after, wanted.limit)
        if found is None:
            return _no_place()
        return Threads(items=[_thread(row) for row in found[0]], next=found[1])

    def take_thread(self, wanted: NewThread) -> ThreadOut:
        """Open a conversation that a help desk has."""
        there, act = wanted.external, _act("")
        if wanted.email and not is_address(wanted.email):
            raise StaffError("The email address cannot be one. Leave it out, or write name@example.com.")
        answer = Answer(
            words=wanted.words,
            name=wanted.name,
            email=wanted.email,
            wants_rollback=wanted.wants_rollback,
            locale=wanted.locale,
            pain=wanted.pain,
            via=VIA,
            recorded_by=act.actor,
            recorded_url=there.url,
            external=Elsewhere(there.system, there.id, there.url),
        )
        opening = external_in.Opening(
            answer=answer, incident=wanted.incident, component=wanted.component, verified=wanted.verified
        )
        return _thread(external_in.take(self._hub, opening, act))

    def hear(self, wanted: Heard, id: str) -> Made:  # noqa: A002 -- as above
        """Add what was said in the help desk."""
        external_in.hear(self._hub, id, wanted.words, _act(""), author=wanted.author)
        return Made(id=id)


def api(hub: Hub) -> Blueprint:
    """Return the routes of the API, each behind its scope."""
    blueprint, routes = Blueprint("api", __name__, url_prefix="/api/v1"), Api(hub)
    blueprint.before_request(routes.guard)
    for op in OPERATIONS:
        blueprint.add_url_rule(op.path, op.name, _served(op, getattr(routes, op.name)), methods=[op.method])
    described = api_document.document(OPERATIONS, hub.base_url)
    blueprint.add_url_rule("/openapi.json", "openapi", lambda: jsonify(described))
    return blueprint


def problem(status: int, title: str, detail: str, pointer: str | None = None) -> Response:
    """Return an error as RFC 9457 has it."""
    body = Problem(title=title, status=status, detail=detail, pointer=pointer)
    return Response(body.model_dump_json(exclude_none=True), status, content_type="application/problem+json")


def _served(op: Operation, do: Callable[..., BaseModel | Response]) -> Callable[..., Response]:
    """Check what comes in, and write what goes out."""

    def serve(**place: str) -> Response:
        try:
            if op.takes is Paging:
                given = do(Paging.model_validate(request.args.to_dict()), **place)
            elif op.takes is not None:
                given = do(op.takes.model_validate_json(request.get_data()), **place)
            else:
                given = do(**place)
        except ValidationError as error:
            first = error.errors()[0]
            pointer = "".join(f"/{part}" for part in first["loc"])
            return problem(422, "This is not understood", f"{first['msg']}. See /api/v1/openapi.json.", pointer)
        except UnfitError as error:
            return problem(422, "These words may not be published", f"{error} Or say why in `reason`.", "/note")
        except StaffError as error:
            return problem(409, "This cannot be done", str(error))
        if isinstance(given, Response):
            return given
        return Response(given.model_dump_json(), op.status, content_type="application/json")

    return serve


def _thread(row: Thread) -> ThreadOut:
    names = [name for name in ThreadOut.model_fields if name not in {"id", "external"}]
    there = None
    if row.external_system and row.external_id:
        there = External(system=row.external_system, id=row.external_id, url=row.external_url)
    return ThreadOut(id=row.public_id, external=there, **{name: getattr(row, name) for name in names})


def _incident(row: Incident) -> dict[str, object]:
    names = [name for name in IncidentOut.model_fields if name != "id"]
    return {"id": row.public_id, **{name: getattr(row, name) for name in names}}


def _act(reason: str) -> Act:
    act: Act = g.act
    return Act(actor=act.actor, now=act.now, where=act.where, via=act.via, reason=reason)


def _no_place() -> Response:
    return problem(404, "There is no such place in the list", "Give the `next` of the page before.", "/after")
