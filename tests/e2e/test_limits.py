"""What a flood of requests meets, and what an honest sender beside it does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from limits import RateLimitItemPerMinute

from tests.e2e.house import TOKEN, House, house, site_with
from trusthub.web import limits

EVENT = b'{"event": "rollout.started", "component": "checkout", "id": "%d"}'


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[House]:
    site = site_with(tmp_path)
    text = site.read_text(encoding="utf-8")
    two = '  slow: {source: generic, rate: 3/minute}\n  turning: {source: generic, secret: ["${NEW}", "${OLD}"]}\n'
    site.write_text(text + two, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(limits, "REFUSED", RateLimitItemPerMinute(5))
        patched.setenv("NEW", "new-secret")
        patched.setenv("OLD", "old-secret")
        playbooks = {"site": site, "playbooks_dir": Path("playbooks").resolve()}
        with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **playbooks) as made:
            yield made


def post(hub: House, path: str, *, token: str = TOKEN, body: bytes = EVENT % 1, address: str = "192.0.2.7") -> int:
    answer = hub.web.post(
        path, data=body, headers={"Authorization": f"Bearer {token}"}, environ_base={"REMOTE_ADDR": address}
    )
    assert answer.json is not None
    if answer.status_code == 429:
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert answer.json["error"].startswith("Too many requests. Wait ")
    return answer.status_code


def test_whoever_guesses_is_told_to_wait(hub: House) -> None:
    assert [post(hub, "/hooks/generic", token="guess") for _ in range(7)] == [401] * 5 + [429] * 2
    assert post(hub, "/hooks/generic", token="guess", address="192.0.2.8") == 401


def test_every_way_to_be_refused_counts(hub: House) -> None:
    assert post(hub, "/hooks/nowhere") == 404
    assert post(hub, "/hooks/generic", body=b"{") == 400
    assert post(hub, "/hooks/generic", body=b"x" * (26 * 1024 * 1024)) == 413
    assert [post(hub, "/hooks/generic", token="guess") for _ in range(3)] == [401, 401, 429]
    assert post(hub, "/hooks/nowhere") == 429


def test_an_honest_sender_at_the_same_address_is_heard(hub: House) -> None:
    for _ in range(9):
        post(hub, "/hooks/generic", token="guess")
    assert post(hub, "/hooks/generic") == 200


def test_much_is_not_even_read_then(hub: House) -> None:
    for _ in range(6):
        post(hub, "/hooks/generic", token="guess")
    assert post(hub, "/hooks/generic", body=EVENT % 2 + b" " * limits.SMALL) == 429
    assert post(hub, "/hooks/generic", body=EVENT % 2 + b" " * limits.SMALL, address="192.0.2.8") == 200


def test_accepted_requests_are_limited_only_where_a_connection_says_so(hub: House) -> None:
    assert [post(hub, "/hooks/slow", body=EVENT % number) for number in range(5)] == [200, 200, 200, 429, 429]
    assert [post(hub, "/hooks/generic", body=EVENT % number) for number in range(10)] == [200] * 10


def test_two_secrets_are_accepted_while_one_is_changed(hub: House) -> None:
    assert post(hub, "/hooks/turning", token="new-secret") == 200
    assert post(hub, "/hooks/turning", token="old-secret", body=EVENT % 3) == 200
    assert post(hub, "/hooks/turning", token="older-secret") == 401
    assert post(hub, "/hooks/turning", token=TOKEN) == 401
