"""Where somebody is signed in, how that ends, and what nobody learns or keeps."""

import re
from http import HTTPStatus

import pytest
from sqlalchemy import select
from sqlmodel import col
from werkzeug.test import Client

from tests.e2e.conftest import hub
from tests.e2e.house import STAFF, House
from trusthub import app
from trusthub.store.tables import StaffSession

__all__ = ["hub"]
ACCOUNT = "/console/account"


def other(hub: House) -> House:
    """Return the same hub in another browser."""
    return House(hub.parts, hub.slack, hub.sendgrid, hub.clock, Client(hub.parts.wsgi))


def enter(hub: House, email: str = STAFF[0], password: str = STAFF[2], **fields: str) -> int:
    return hub.console("/console/login", email=email, password=password, **fields).status_code


def inside(hub: House) -> bool:
    return hub.web.get(ACCOUNT).status_code == HTTPStatus.OK


@pytest.fixture
def mira(hub: House) -> House:
    hub.sign_in()
    return hub


def test_the_cookie_is_new_opaque_and_out_of_reach_of_scripts(hub: House) -> None:
    app.add_user(hub.parts.settings, email=STAFF[0], name=STAFF[1], password=STAFF[2])
    form = hub.web.get("/console/login")
    before = form.headers["Set-Cookie"]
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form.text)
    assert token
    data = {"csrf_token": token[1], "email": STAFF[0], "password": STAFF[2]}
    after = hub.web.post("/console/login", data=data).headers["Set-Cookie"]
    assert "HttpOnly" in after
    assert "SameSite=Lax" in after
    assert before.split(";")[0] != after.split(";")[0]
    with hub.parts.hub.database.reading() as session:
        (row,) = session.execute(select(StaffSession)).scalars()
    assert row.digest not in after  # what the database has opens nothing
    stale = Client(hub.parts.wsgi)
    stale.set_cookie("session", before.split(";")[0].partition("=")[2])
    assert stale.get(ACCOUNT).status_code == HTTPStatus.FOUND  # who planted the first cookie is not inside


def test_signing_out_ends_the_session_also_for_who_kept_the_cookie(mira: House) -> None:
    cookie = mira.web.get_cookie("session")
    assert cookie
    mira.console("/console/logout", ACCOUNT)
    mira.web.set_cookie("session", cookie.value)
    assert not inside(mira)


def test_another_browser_is_listed_and_signed_out(mira: House) -> None:
    second = other(mira)
    assert enter(second) == HTTPStatus.OK
    with mira.parts.hub.database.reading() as session:
        _, newest = session.execute(select(StaffSession).order_by(col(StaffSession.id))).scalars()
    path = f"{ACCOUNT}/sessions/{newest.public_id}/end"
    assert path in mira.web.get(ACCOUNT).text
    mira.console(path, ACCOUNT)
    assert not inside(second)
    assert inside(mira)


def test_a_viewer_ends_only_their_own_sessions_and_an_admin_anybodys(mira: House) -> None:
    app.add_user(mira.parts.settings, email="lena@acme.example", name="Lena", password="another horse")
    lena = other(mira)
    enter(lena, "lena@acme.example", "another horse")
    with mira.parts.hub.database.reading() as session:
        first, second = session.execute(select(StaffSession).order_by(col(StaffSession.id))).scalars()
    assert "Mira" not in lena.web.get(ACCOUNT).text
    said = lena.console(f"{ACCOUNT}/sessions/{first.public_id}/end", ACCOUNT).text
    assert "There is no such session." in said
    assert inside(mira)
    mira.console(f"{ACCOUNT}/sessions/{second.public_id}/end", ACCOUNT)
    assert not inside(lena)


def test_a_new_password_ends_the_other_sessions(mira: House) -> None:
    second = other(mira)
    enter(second)
    said = mira.console(f"{ACCOUNT}/password", ACCOUNT, old="wrong", new="a new long one").text
    assert "The old password is not right." in said
    said = mira.console(f"{ACCOUNT}/password", ACCOUNT, old=STAFF[2], new="a new long one").text
    assert "You are signed out everywhere else." in said
    assert inside(mira)
    assert not inside(second)
    assert enter(second) == HTTPStatus.UNAUTHORIZED
    assert enter(second, password="a new long one") == HTTPStatus.OK


def test_a_session_ends_when_nobody_uses_it_and_after_a_week(mira: House) -> None:
    mira.clock.forward(hours=11)
    assert inside(mira)
    mira.clock.forward(hours=13)
    assert not inside(mira)
    enter(mira)
    for _ in range(16):
        mira.clock.forward(hours=10)
        assert inside(mira)
    mira.clock.forward(hours=10)
    assert not inside(mira)


@pytest.mark.parametrize("email", [STAFF[0], "nobody@acme.example"])
def test_guessing_for_one_address_ends_known_or_not(hub: House, email: str) -> None:
    app.add_user(hub.parts.settings, email=STAFF[0], name=STAFF[1], password=STAFF[2])
    hub.parts.flask.extensions["limiter"].pop().enabled = False
    assert [enter(hub, email, f"guess {n}") for n in range(21)] == [401] * 20 + [429]
    assert enter(hub, email) == HTTPStatus.TOO_MANY_REQUESTS  # also with the right one


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_nowhere_else(hub: House, wanted: str) -> None:
    app.add_user(hub.parts.settings, email=STAFF[0], name=STAFF[1], password=STAFF[2])
    page = hub.web.get("/console/login")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token
    data = {"csrf_token": token[1], "email": STAFF[0], "password": STAFF[2], "next": wanted}
    assert hub.web.post("/console/login", data=data).headers["Location"] == "/console/"


def test_a_name_is_no_script(hub: House) -> None:
    app.add_user(hub.parts.settings, email=STAFF[0], name="<script>alert(1)</script>", password=STAFF[2])
    enter(hub)
    assert "<script>alert" not in hub.web.get(ACCOUNT).text
