"""Every route, asked by a stranger and by every role; every form, sent without its token."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from werkzeug.routing import Rule
from werkzeug.test import Client, TestResponse

from tests.e2e.house import House, house
from trusthub import app
from trusthub.domain.role import Role, effective
from trusthub.web import access

PASSWORD = "correct horse battery staple"
CLEAR = "/console/incidents/none/clear"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("access")
    with house(f"sqlite:///{folder}/hub.db", folder, demo=True) as made:
        for role in (Role.ADMIN, *Role):  # the first is an admin whatever is given
            app.add_user(
                made.parts.settings, email=f"{role}@acme.example", name=role.title(), password=PASSWORD, roles=(role,)
            )
        made.parts.flask.extensions["limiter"].pop().enabled = False
        yield made


def enter(hub: House, role: Role) -> tuple[Client, str]:
    """Sign in; return the browser and the token of its forms."""
    web = Client(hub.parts.wsgi)
    data = {"email": f"{role}@acme.example", "password": PASSWORD, "csrf_token": token(web, "/console/login")}
    assert web.post("/console/login", data=data).status_code == HTTPStatus.FOUND
    return web, token(web, "/console/account")


def token(web: Client, path: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', web.get(path).text)
    assert found
    return found[1]


def routes(hub: House) -> list[tuple[Rule, str, str]]:
    """Return every route with each method that it takes, and a path that it answers; signing out is the last."""
    found = []
    for rule in hub.parts.flask.url_map.iter_rules():
        path = re.sub(r"<[^>]*int[^>]*>", "1", str(rule))
        path = re.sub(r"<[^>]+>", "none", path)
        found += [(rule, method, path) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return sorted(found, key=lambda each: each[0].endpoint == "console.sign_out")


def ask(web: Client, method: str, path: str, **data: str) -> TestResponse:
    return web.open(path, method=method, data=data if method != "GET" else None)


def to_sign_in(answer: TestResponse) -> bool:
    return answer.status_code == HTTPStatus.FOUND and "/console/login" in answer.headers["Location"]


def test_every_route_is_in_the_table_and_the_table_has_no_other(hub: House) -> None:
    assert {rule.endpoint for rule in hub.parts.flask.url_map.iter_rules()} - set(access.LEAST) == set()
    assert set(access.LEAST) - {rule.endpoint for rule in hub.parts.flask.url_map.iter_rules()} == set()


def test_a_route_that_is_in_no_table_is_refused(hub: House, monkeypatch: pytest.MonkeyPatch) -> None:
    table = {name: least for name, least in access.LEAST.items() if name != "ops.healthz"}
    monkeypatch.setattr(access, "LEAST", table)
    assert hub.web.get("/healthz").status_code == HTTPStatus.FORBIDDEN


def test_a_stranger_reaches_only_what_is_for_everybody(hub: House) -> None:
    for rule, method, path in routes(hub):
        answer, needed = ask(Client(hub.parts.wsgi), method, path), access.LEAST[rule.endpoint]
        if needed in set(Role):
            assert to_sign_in(answer), (rule, method, answer.status)
        elif needed in set(access.Scope):
            assert answer.status_code == HTTPStatus.UNAUTHORIZED, (rule, method)
        else:
            assert not to_sign_in(answer), (rule, method)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_reaches_what_it_needs_and_nothing_else(hub: House, role: Role) -> None:
    web, form = enter(hub, role)
    for rule, method, path in routes(hub):
        needed = access.LEAST[rule.endpoint]
        if needed not in set(Role):
            continue
        without = ask(web, method, path)
        if needed not in effective([role]):
            assert without.status_code == HTTPStatus.FORBIDDEN, (rule, method, without.status)
            assert f"the role {needed}" in without.text
            continue
        if method != "GET":
            assert without.status_code == HTTPStatus.BAD_REQUEST, f"{rule} takes a form without its token"
            assert "CSRF" in without.text
        answer = ask(web, method, path, csrf_token=form)
        ours = rule.endpoint == "console.sign_out"
        assert ours or not to_sign_in(answer), (rule, method)
        assert answer.status_code not in {HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED}, (rule, method)
        assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, (rule, method)


def test_what_one_route_does_may_need_another_role(hub: House) -> None:
    for role in (Role.PUBLISHER, Role.LEGAL):
        web, form = enter(hub, role)
        refused = ask(web, "POST", CLEAR, csrf_token=form).status_code == HTTPStatus.FORBIDDEN
        assert refused is (role is Role.PUBLISHER)


@pytest.mark.parametrize("role", list(Role))
def test_the_menu_shows_what_a_role_reaches(hub: House, role: Role) -> None:
    page = enter(hub, role)[0].get("/console/account").text
    for path in ("/console/open", "/console/maintenance"):
        assert (f'href="{path}"' in page) is (Role.PUBLISHER in effective([role]))
