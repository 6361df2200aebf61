"""Codes of an authenticator app, and what happens when they are wrong, old, used, lost, or the secret changes."""

import re
from http import HTTPStatus
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import select
from sqlmodel import col
from werkzeug.test import Client

from tests.e2e.conftest import either, hub
from tests.e2e.house import STAFF, House, house
from trusthub import app
from trusthub.services.tokens import Tokens
from trusthub.store.tables import AuditChange, User

__all__ = ["either", "hub"]
FACTOR, ACCOUNT, SECOND = "/console/account/second", "/console/account", "/console/login/second"


def other(hub: House) -> House:
    """Return the same hub in another browser."""
    return House(hub.parts, hub.slack, hub.sendgrid, hub.clock, Client(hub.parts.wsgi))


def password(hub: House) -> str:
    """Give address and password; return the page that follows."""
    return hub.console("/console/login", email=STAFF[0], password=STAFF[2]).text


def code(hub: House, given: str) -> int:
    return hub.console(SECOND, code=given).status_code


def inside(hub: House) -> bool:
    return hub.web.get(ACCOUNT).status_code == HTTPStatus.OK


def enrol(hub: House) -> tuple[pyotp.TOTP, list[str]]:
    """Set the second factor up in the browser of `hub`; return the app and the recovery codes."""
    page = hub.web.get(FACTOR).text
    assert "<svg" in page
    assert " style=" not in page
    secret, sealed = re.search(r"<code>([A-Z2-7]{32})</code>", page), re.search(r'name="sealed" value="([^"]+)"', page)
    assert secret
    assert sealed
    phone = pyotp.TOTP(secret[1])
    done = hub.console(FACTOR, sealed=sealed[1], code=phone.at(hub.clock()), old=STAFF[2]).text
    codes = re.findall(r"<code>([0-9a-f-]{20})</code>", done)
    assert len(codes) == 10
    hub.clock.forward(minutes=1)
    return phone, codes


@pytest.fixture
def mira(hub: House) -> House:
    hub.sign_in()
    hub.parts.flask.extensions["limiter"].pop().enabled = False
    return hub


def test_a_password_alone_opens_nothing_and_a_code_works_once(either: House) -> None:
    either.sign_in()
    phone, _ = enrol(either)
    assert inside(either)
    web = other(either)
    assert "Six digits" in password(web)
    assert not inside(web)
    now = phone.at(either.clock())
    assert code(web, now) == HTTPStatus.OK
    assert inside(web)
    again = other(either)
    password(again)
    assert code(again, now) == HTTPStatus.UNAUTHORIZED  # whoever looked over the shoulder
    assert not inside(again)
    assert code(again, phone.at(either.clock.forward(seconds=30))) == HTTPStatus.OK


@pytest.mark.parametrize(("seconds", "right"), [(-60, False), (-30, True), (30, True), (60, False)])
def test_a_phone_may_be_half_a_minute_off(mira: House, seconds: int, right: bool) -> None:  # noqa: FBT001
    phone, _ = enrol(mira)
    mira.clock.forward(minutes=5)
    web = other(mira)
    password(web)
    given = phone.at(int(mira.clock().timestamp()) + seconds)
    assert (code(web, given) == HTTPStatus.OK) is right


def test_a_recovery_code_works_once_and_only_its_hash_is_kept(mira: House) -> None:
    _, codes = enrol(mira)
    for expected in (True, False):
        web = other(mira)
        password(web)
        code(web, f" {codes[0].upper()} ")
        assert inside(web) is expected
    with mira.parts.hub.database.reading() as session:
        user = session.execute(select(User)).scalar_one()
        said = str([(row.before, row.after) for row in session.execute(select(AuditChange)).scalars()])
    assert len(user.recovery) == 9
    assert not set(codes) & set(user.recovery)
    assert user.totp_sealed not in said
    assert not [each for each in user.recovery if each in said]


def test_the_secret_is_not_in_the_database(mira: House) -> None:
    phone, _ = enrol(mira)
    with mira.parts.hub.database.reading() as session:
        user = session.execute(select(User)).scalar_one()
    assert phone.secret not in user.model_dump_json()


def test_guessing_codes_ends(mira: House) -> None:
    phone, codes = enrol(mira)
    web = other(mira)
    password(web)
    assert [code(web, f"guess {n}") for n in range(21)] == [401] * 20 + [429]
    for right in (phone.at(mira.clock()), codes[0]):
        assert code(web, right) == HTTPStatus.TOO_MANY_REQUESTS


def test_the_second_step_is_nothing_without_the_first(mira: House) -> None:
    enrol(mira)
    web = other(mira)
    assert web.web.get(SECOND).status_code == HTTPStatus.UNAUTHORIZED
    password(web)
    mira.clock.forward(minutes=6)
    assert web.web.get(SECOND).status_code == HTTPStatus.UNAUTHORIZED  # too late
    password(web)
    app.add_user(mira.parts.settings, email=STAFF[0], name=STAFF[1], password="a new long one")
    assert web.web.get(SECOND).status_code == HTTPStatus.UNAUTHORIZED  # the password is another one now


def test_a_wrong_password_does_not_tell_whether_there_is_a_second_factor(mira: House) -> None:
    def said(email: str) -> tuple[int, str]:
        answer = other(mira).console("/console/login", email=email, password="wrong")
        return answer.status_code, re.sub(r'name="csrf_token"[^>]*value="[^"]+"', "", answer.text)

    before = said(STAFF[0])
    enrol(mira)
    assert said(STAFF[0]) == before == said("nobody@acme.example")


def test_setting_it_up_needs_the_password_the_code_and_ones_own_secret(mira: House) -> None:
    page = mira.web.get(FACTOR).text
    secret, sealed = re.search(r"<code>([A-Z2-7]{32})</code>", page), re.search(r'name="sealed" value="([^"]+)"', page)
    assert secret
    assert sealed
    right = pyotp.TOTP(secret[1]).at(mira.clock())
    app.add_user(mira.parts.settings, email="lena@acme.example", name="Lena", password="another horse")
    lena = other(mira)
    lena.console("/console/login", email="lena@acme.example", password="another horse")
    theirs = {"sealed": sealed[1], "code": right, "old": "another horse"}
    assert "too old" in lena.console(FACTOR, **theirs).text
    assert "password is not right" in mira.console(FACTOR, sealed=sealed[1], code=right, old="wrong").text
    assert "code is not right" in mira.console(FACTOR, sealed=sealed[1], code="000000x", old=STAFF[2]).text
    with mira.parts.hub.database.reading() as session:
        assert [user.totp_sealed for user in session.execute(select(User)).scalars()] == ["", ""]


def test_after_a_new_secret_key_people_are_told_and_recovery_codes_still_work(mira: House) -> None:
    phone, codes = enrol(mira)
    object.__setattr__(mira.parts.hub, "tokens", Tokens("another secret"))
    web = other(mira)
    password(web)
    said = web.console(SECOND, code=phone.at(mira.clock())).text
    assert "set it up anew" in said
    assert code(web, codes[0]) == HTTPStatus.OK
    assert inside(web)


def test_an_admin_resets_it_and_the_sessions_end(mira: House) -> None:
    enrol(mira)
    app.add_user(mira.parts.settings, email="lena@acme.example", name="Lena", password="another horse")
    lena = other(mira)
    lena.console("/console/login", email="lena@acme.example", password="another horse")
    with mira.parts.hub.database.reading() as session:
        who = session.execute(select(col(User.id)).where(col(User.email) == STAFF[0])).scalar_one()
    path = f"/console/colleagues/{who}/second/reset"
    assert path not in lena.web.get("/console/colleagues").text
    assert lena.console(path, ACCOUNT).status_code == HTTPStatus.FORBIDDEN
    assert "signs in with the password alone" in mira.console(path, "/console/colleagues").text or not inside(mira)
    assert not inside(mira)
    password(mira)
    assert inside(mira)


def test_it_is_removed_with_the_password_only(mira: House) -> None:
    enrol(mira)
    assert "The password is not right." in mira.console(f"{FACTOR}/remove", FACTOR, old="wrong").text
    assert "Your second factor is removed." in mira.console(f"{FACTOR}/remove", FACTOR, old=STAFF[2]).text
    web = other(mira)
    password(web)
    assert inside(web)


def test_a_role_may_need_it(tmp_path: Path) -> None:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, second_factor_for="admin") as strict:
        strict.sign_in()
        for path in ("/console/", ACCOUNT, "/console/deliveries"):
            assert strict.web.get(path).headers["Location"] == FACTOR
        enrol(strict)
        assert inside(strict)
