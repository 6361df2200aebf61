"""A page that is read by whoever may sign in at the console: there and back, with a provider that is asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.house import House, house
from tests.e2e.test_pages import CLOSED, PAGES, SECRET, get, here, site
from tests.providers.identity import Identity
from tests.web.test_identity import settings, sign_in


@pytest.fixture
def provider() -> Iterator[Identity]:
    with Identity() as made:
        yield made


@pytest.fixture
def hub(tmp_path: Path, provider: Identity) -> Iterator[House]:
    file = site(tmp_path, PAGES.replace("access: link", "access: oidc"))
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, site=file, **here(tmp_path), **settings(provider)) as made:
        yield made


def test_a_viewer_reads_the_page_for_an_hour(hub: House, provider: Identity) -> None:
    away = get(hub, "/history", CLOSED)
    assert away.status_code == 303
    assert SECRET.lower() not in str(away.headers).lower()
    assert get(hub, "/api/v2/summary.json", CLOSED).status_code == 403
    assert "/console/login" in hub.web.get(away.headers["Location"]).headers["Location"]
    path = away.headers["Location"].removeprefix("http://hub.example")
    sign_in(hub, provider, path)
    back = hub.web.get(path)
    assert back.headers["Location"].startswith(f"https://{CLOSED}/enter/")
    entered = get(hub, back.headers["Location"].removeprefix(f"https://{CLOSED}"), CLOSED)
    assert entered.headers["Location"] == "/history"
    cookie = entered.headers["Set-Cookie"].partition(";")[0]
    assert f"{SECRET} inside" in get(hub, "/history", CLOSED, Cookie=cookie).text
    hub.clock.forward(minutes=2)
    assert get(hub, back.headers["Location"].removeprefix(f"https://{CLOSED}"), CLOSED).status_code == 403  # too late
    hub.clock.forward(minutes=58)
    assert get(hub, "/history", CLOSED, Cookie=cookie).status_code == 303


def test_nobody_is_sent_to_a_page_that_there_is_not(hub: House, provider: Identity) -> None:
    sign_in(hub, provider, "/console/")
    answer = hub.web.get("/console/pages/abcdefghijkl")
    assert (answer.status_code, SECRET in answer.text) == (404, False)
