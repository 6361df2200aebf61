"""Signing in at an identity provider that is really asked, with tokens that are really signed."""

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import select
from sqlmodel import col
from werkzeug.test import Client, TestResponse

from tests.e2e.house import STAFF, House, house
from tests.providers.identity import CLIENT, SECRET, Identity
from trusthub import app
from trusthub.errors import PlaybookError
from trusthub.store.tables import User

ACCOUNT, LEAVE, BACK = "/console/account", "/console/login/oidc", "/console/login/oidc/back"


@pytest.fixture
def provider() -> Iterator[Identity]:
    with Identity() as made:
        yield made


def settings(provider: Identity, **more: Any) -> dict[str, Any]:
    return {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET, **more}


@pytest.fixture
def hub(provider: Identity, tmp_path: Path) -> Iterator[House]:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **settings(provider)) as made:
        made.parts.flask.extensions["limiter"].pop().enabled = False
        yield made


def away(hub: House, provider: Identity, wanted: str = "", **claims: Any) -> dict[str, str]:
    """Go to the provider; return with what it sends the browser back."""
    answer = hub.web.get(LEAVE, query_string={"next": wanted})
    assert answer.headers["Location"].startswith(f"{provider.address}/authorize?")
    return provider.sign_in(answer.headers["Location"], hub.clock().timestamp(), **claims)


def sign_in(hub: House, provider: Identity, wanted: str = "", **claims: Any) -> TestResponse:
    back = away(hub, provider, wanted, **claims)
    return hub.web.get(BACK, query_string=back)


def inside(hub: House) -> bool:
    return hub.web.get(ACCOUNT).status_code == HTTPStatus.OK


def accounts(hub: House) -> list[User]:
    with hub.parts.hub.database.reading() as session:
        return list(session.execute(select(User).order_by(col(User.id))).scalars())


def test_who_comes_for_the_first_time_is_a_viewer(hub: House, provider: Identity) -> None:
    assert sign_in(hub, provider, "/console/promises").headers["Location"] == "/console/promises"
    assert inside(hub)
    (lena,) = accounts(hub)
    assert (lena.email, lena.name, lena.roles, lena.password) == ("lena@acme.example", "Lena", ["viewer"], "")
    assert provider.asked["redirect_uri"] == f"http://hub.example{BACK}"
    sign_in(hub, provider, email="lena.new@acme.example")  # whose name there stays the same
    assert [each.id for each in accounts(hub)] == [lena.id]
    assert hub.console("/console/login", email="lena@acme.example", password="").status_code == HTTPStatus.UNAUTHORIZED


def test_an_account_from_before_is_theirs_by_its_verified_address_and_nobody_elses(
    hub: House, provider: Identity
) -> None:
    app.add_user(hub.parts.settings, email="lena@acme.example", name="Lena", password="another horse")
    sign_in(hub, provider)
    assert [each.roles for each in accounts(hub)] == [["admin"]]
    other = House(hub.parts, hub.slack, hub.sendgrid, hub.clock, Client(hub.parts.wsgi))
    assert "may not sign in" in sign_in(other, provider, sub="somebody else").text
    assert not inside(other)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": None},
        {"aud": ["another-client"]},
        {"azp": "another-client"},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"exp": 1},
        {"exp": None},
        {"iat": 4102444800},
        {"sub": None},
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "false"},
        {"email": None},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_us_now_opens_nothing(hub: House, provider: Identity, claims: dict[str, Any]) -> None:
    answer = sign_in(hub, provider, **claims)
    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert not inside(hub)
    assert accounts(hub) == []


def test_a_token_for_several_is_fine_when_it_is_for_us(hub: House, provider: Identity) -> None:
    sign_in(hub, provider, aud=["another-client", CLIENT], azp=CLIENT)
    assert inside(hub)


def _unsigned(provider: Identity) -> None:
    provider.header = {"alg": "none"}


def _by_somebody_else(provider: Identity) -> None:
    provider.key = RSAKey.generate_key(2048, {"kid": "one"})


def _with_the_public_key_as_secret(provider: Identity) -> None:
    provider.key = OctKey.import_key(str(provider.shown.as_dict(private=False)["n"]), {"kid": "one"})  # type: ignore[assignment]
    provider.header = {"alg": "HS256", "kid": "one"}


def _about_another_issuer(provider: Identity) -> None:
    provider.says = {"issuer": "https://evil.example"}


@pytest.mark.parametrize("spoil", [_unsigned, _by_somebody_else, _with_the_public_key_as_secret, _about_another_issuer])
def test_what_is_not_signed_by_the_provider_opens_nothing(hub: House, provider: Identity, spoil: Any) -> None:
    back = away(hub, provider)
    spoil(provider)
    answer = hub.web.get(BACK, query_string=back)
    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert "could not be checked" in answer.text
    assert not inside(hub)


def test_coming_back_works_in_the_browser_that_left_once_and_soon(hub: House, provider: Identity) -> None:
    other = House(hub.parts, hub.slack, hub.sendgrid, hub.clock, Client(hub.parts.wsgi))
    back = away(hub, provider)
    assert other.web.get(BACK, query_string=back).status_code == HTTPStatus.UNAUTHORIZED  # a link that Eve sent
    assert hub.web.get(BACK, query_string={**back, "state": "another"}).status_code == HTTPStatus.UNAUTHORIZED
    assert hub.web.get(BACK, query_string=back).status_code == HTTPStatus.UNAUTHORIZED  # it was used up
    back = away(hub, provider)
    hub.clock.forward(minutes=11)
    assert hub.web.get(BACK, query_string=back).status_code == HTTPStatus.UNAUTHORIZED
    back = away(hub, provider)
    error = {"state": back["state"], "error": "access_denied"}
    assert "did not sign you in" in hub.web.get(BACK, query_string=error).text
    assert not inside(hub)


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_it_leads_nowhere_else(hub: House, provider: Identity, wanted: str) -> None:
    assert sign_in(hub, provider, wanted).headers["Location"] == "/console/"


@pytest.mark.parametrize(
    ("said", "roles"), [(["legal", "x"], ["legal"]), ("support publisher", ["publisher", "support"])]
)
def test_a_claim_decides_about_roles_at_each_sign_in(
    provider: Identity, tmp_path: Path, said: object, roles: list[str]
) -> None:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **settings(provider, oidc_roles_claim="groups")) as hub:
        sign_in(hub, provider, groups=said)
        assert [each.roles for each in accounts(hub)] == [roles]
        sign_in(hub, provider, groups=["viewer"])
        assert [each.roles for each in accounts(hub)] == [["viewer"]]
        assert "no role here" in sign_in(hub, provider, groups=["cooks"]).text


def test_passwords_can_be_switched_off(provider: Identity, tmp_path: Path) -> None:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **settings(provider, local_sign_in=False)) as hub:
        app.add_user(hub.parts.settings, email=STAFF[0], name=STAFF[1], password=STAFF[2])
        page = hub.web.get("/console/login").text
        assert 'type="password"' not in page
        assert f'href="{LEAVE}' in page
        token = Client(hub.parts.wsgi).get("/console/login").text
        assert "csrf_token" not in token


def test_a_provider_that_is_away_is_told_in_words(hub: House, provider: Identity) -> None:
    provider.close()
    answer = hub.web.get(LEAVE)
    assert answer.status_code == HTTPStatus.BAD_GATEWAY
    assert "does not answer" in answer.text


def test_what_cannot_work_is_refused_at_start(provider: Identity, tmp_path: Path) -> None:
    for wrong in ({"local_sign_in": False}, settings(provider, oidc_client_id="")):
        with pytest.raises(PlaybookError), house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **wrong):
            pass
