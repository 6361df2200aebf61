"""`/api/v1/` as programs see it."""

import json
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from openapi_spec_validator import validate
from sqlalchemy import select
from sqlmodel import col
from werkzeug.test import TestResponse

from tests.e2e.conftest import hub
from tests.e2e.house import House
from trusthub.services import api_tokens
from trusthub.services.acts import Act
from trusthub.store.tables import ApiToken, Audit
from trusthub.web.access import Scope
from trusthub.web.api import OPERATIONS

__all__ = ["hub"]
OPENING = {
    "component": "checkout",
    "name": "Payments are slow",
    "note": "Payments take longer than usual, and we are sorry. We are looking for the cause.",
}


def made(hub: House, *scopes: Scope, days: int = 90) -> str:
    with hub.parts.hub.database.transaction() as session:
        act = Act(actor="Mira", now=hub.clock.now)
        return api_tokens.create(session, act, name="help desk", scopes=scopes, lasts=timedelta(days=days))


def call(hub: House, token: str, method: str, path: str, **more: Any) -> TestResponse:
    return hub.web.open(
        f"/api/v1{path}", method=method, headers={"Authorization": f"Bearer {token}"} if token else {}, **more
    )


def read(answer: TestResponse) -> Any:
    return json.loads(answer.data)


def test_the_description_is_openapi_and_has_every_route(hub: House) -> None:
    described = read(hub.web.get("/api/v1/openapi.json"))
    validate(described)
    has = {(path, method.upper()) for path, methods in described["paths"].items() for method in methods}
    assert has == {(op.path.replace("<", "{").replace(">", "}"), op.method) for op in OPERATIONS}


def test_an_incident_is_opened_updated_and_read(hub: House) -> None:
    token = made(hub, Scope.READ_INCIDENTS, Scope.WRITE_INCIDENTS)
    opened = call(hub, token, "POST", "/incidents", json=OPENING)
    assert opened.status_code == HTTPStatus.CREATED, opened.text
    hub.parts.worker.drain()
    assert hub.incident() == read(opened)["id"]
    path = f"/incidents/{read(opened)['id']}"
    words = "We found the cause: a slow database. We are moving to another one, and we are sorry."
    answer = call(hub, token, "POST", f"{path}/updates", json={"note": words, "state": "identified"})
    assert answer.status_code == HTTPStatus.CREATED, answer.text
    found = read(call(hub, token, "GET", path))
    assert found["state"] == "identified"
    assert words in found["updates"][-1]["body"]
    with hub.parts.hub.database.reading() as session:
        rows = session.execute(select(Audit).where(col(Audit.action).in_(("open", "update")))).scalars().all()
        (known,) = session.execute(select(ApiToken)).scalars()
        audits = [value for row in session.execute(select(Audit)).scalars() for value in row.model_dump().values()]
    assert {(row.actor, row.via) for row in rows} == {("help desk (API)", f"token:{known.public_id}")}
    assert known.used_at == hub.clock.now
    assert token not in known.model_dump().values()
    assert not [value for value in audits if isinstance(value, str) and (token in value or known.digest in value)]


def test_words_that_may_not_be_published_say_why(hub: House) -> None:
    token = made(hub, Scope.WRITE_INCIDENTS)
    bad = {**OPENING, "note": "We apologise for any inconvenience this may have caused."}
    answer = call(hub, token, "POST", "/incidents", json=bad)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.content_type == "application/problem+json"
    assert read(answer)["pointer"] == "/note"
    assert hub.calm


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({**OPENING, "nane": "x"}, "/nane"), ({"component": "checkout", "name": "x"}, "/note"), ([], "")],
)
def test_what_is_not_understood_names_its_place(hub: House, body: object, pointer: str) -> None:
    answer = call(hub, made(hub, Scope.WRITE_INCIDENTS), "POST", "/incidents", json=body)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert read(answer)["pointer"] == pointer


def test_a_token_opens_what_its_scopes_say_until_it_ends(hub: House) -> None:
    for op in OPERATIONS:
        path = op.path.replace("<id>", "none")
        right, wrong = made(hub, op.scope), made(hub, *(set(Scope) - {op.scope}))
        body: dict[str, Any] = {} if op.method == "GET" else {"json": {}}
        assert call(hub, wrong, op.method, path, **body).status_code == HTTPStatus.FORBIDDEN
        for nothing in ("", "trusthub_guess"):
            refused = call(hub, nothing, op.method, path, **body)
            assert refused.status_code == HTTPStatus.UNAUTHORIZED
            assert refused.headers["WWW-Authenticate"] == "Bearer"
        assert call(hub, right, op.method, path, **body).status_code not in {401, 403}
    short = made(hub, Scope.READ_INCIDENTS, days=1)
    hub.clock.forward(days=1)
    assert call(hub, short, "GET", "/incidents").status_code == HTTPStatus.UNAUTHORIZED


def test_a_revoked_token_opens_nothing(hub: House) -> None:
    token = made(hub, Scope.READ_THREADS)
    with hub.parts.hub.database.transaction() as session:
        (row,) = api_tokens.every(session)
        api_tokens.revoke(session, Act(actor="Mira", now=hub.clock.now), row.public_id)
    assert call(hub, token, "GET", "/threads").status_code == HTTPStatus.UNAUTHORIZED


def test_pages_go_on_where_the_last_one_ended_whatever_comes_in_between(hub: House) -> None:
    token = made(hub, Scope.READ_INCIDENTS, Scope.WRITE_INCIDENTS)
    ids = [read(call(hub, token, "POST", "/incidents", json=OPENING))["id"] for _ in range(3)]
    first = read(call(hub, token, "GET", "/incidents?limit=2"))
    call(hub, token, "POST", "/incidents", json=OPENING)
    rest = read(call(hub, token, "GET", f"/incidents?limit=2&after={first['next']}"))
    assert [row["id"] for row in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next"] is None
    assert read(call(hub, token, "GET", "/incidents?limit=0"))["pointer"] == "/limit"
    assert read(call(hub, token, "GET", "/incidents?after=aaaaaaaaaaaa"))["pointer"] == "/after"
