"""What a hook answers: accepted is 200 with an object, everything else a clear error that loses nothing."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col
from structlog.testing import capture_logs

from tests.e2e.house import TOKEN, House, house
from tests.sources import replay
from trusthub.services import intake, rollouts
from trusthub.store.tables import Delivery, Event

STARTED = {"event": "rollout.started", "component": "checkout", "environment": "production", "to_version": "2.8.0"}


def events(hub: House) -> list[Event]:
    with hub.parts.hub.database.reading() as session:
        return list(session.execute(select(Event).order_by(col(Event.id))).scalars())


def messages(hub: House) -> int:
    with hub.parts.hub.database.reading() as session:
        return len(session.execute(select(col(Delivery.id))).all())


def test_an_accepted_event_is_answered_with_an_object(hub: House) -> None:
    answer = hub.hook("generic", STARTED)
    assert answer.status_code == 200
    assert answer.json == {"ok": True, "event": 1, "state": "done"}
    assert [event.state for event in events(hub)] == ["done"]


def test_the_same_event_twice_tells_nobody_twice(hub: House) -> None:
    hub.hook("generic", {**STARTED, "id": "one"})
    before = messages(hub)
    answer = hub.hook("generic", {**STARTED, "id": "one"})
    assert answer.json is not None
    assert answer.json["state"] == "repeated"
    assert messages(hub) == before > 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[1]", "a JSON list. Send one JSON object."),
        (b'{"event": "rollout.started", "component": "\xff"}', "not UTF-8: byte 43 is 0xff"),
        (b'{"a":' * 100_000, "nested more than 64 levels"),
        (b'{"a":' + b"[" * 80 + b"]" * 80 + b"}", "nested more than 64 levels"),
        (b'{"event": "rollout.started"}', "component"),
        (b'{"event": "rollout.started", "component": "checkout", "exposure": 140}', "exposure"),
        (b'{"event": "rollout.startet", "component": "checkout"}', "rollout.started"),
        (b'{"event": "rollout.started", "componnent": "checkout"}', "component"),
    ],
    ids=["empty", "cut", "list", "utf-8", "deep", "deep-closed", "missing", "range", "event", "key"],
)
def test_a_wrong_body_is_named_and_kept(hub: House, body: bytes, words: str) -> None:
    answer = hub.hook("generic", body)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["ok"] is False
    assert words in answer.json["error"]
    (event,) = events(hub)
    assert (event.state, event.body) == ("rejected", body)
    assert words in event.error
    assert messages(hub) == 0


def test_an_unknown_connection_is_told_the_nearest(hub: House) -> None:
    answer = hub.hook("argo-rollout", STARTED)
    assert answer.status_code == 404
    assert answer.json == {"ok": False, "error": "There is no connection 'argo-rollout'. Did you mean 'argo-rollouts'?"}


@pytest.mark.parametrize(
    "headers", [{"Authorization": "Bearer wrong"}, {"Authorization": ""}, {"Authorization": "Basic eA=="}]
)
def test_a_wrong_token_is_refused_and_nothing_is_kept(hub: House, headers: dict[str, str]) -> None:
    answer = hub.web.post("/hooks/generic", data=json.dumps(STARTED), headers=headers)
    assert answer.status_code == 401
    assert answer.json is not None
    assert "Authorization: Bearer" in answer.json["error"]
    assert events(hub) == []


def test_a_token_in_the_path_is_enough(hub: House) -> None:
    assert hub.web.post(f"/hooks/generic/{TOKEN}", data=json.dumps(STARTED)).status_code == 200
    assert hub.web.post("/hooks/generic/wrong", data=json.dumps(STARTED)).status_code == 401


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[House]:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, hook_token="") as made:
        yield made


def test_without_a_secret_a_hook_lets_nobody_in(closed: House) -> None:
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"}):
        answer = closed.web.post("/hooks/generic", data=json.dumps(STARTED), headers=headers)
        assert answer.status_code == 401
        assert answer.json is not None
        assert "TRUSTHUB_HOOK_TOKEN" in answer.json["error"]
    assert closed.web.post("/hooks/generic/", data=json.dumps(STARTED)).status_code == 404


def test_github_is_believed_by_its_signature(hub: House) -> None:
    headers, body = replay.sequence("github", "healthy")[0]
    signed = {**headers, "X-Hub-Signature-256": replay.sign_github(body, TOKEN)}
    assert hub.web.post("/hooks/github", data=body, headers=signed).status_code == 200
    forged = {**headers, "X-Hub-Signature-256": replay.sign_github(body, "other"), "Authorization": f"Bearer {TOKEN}"}
    assert hub.web.post("/hooks/github", data=body, headers=forged).status_code == 401
    changed = hub.web.post("/hooks/github", data=body + b" ", headers=signed)
    assert changed.status_code == 401


def test_github_ping_is_answered(hub: House) -> None:
    ping = replay.folder("github") / "ping.json"
    answer = hub.hook("github", ping.read_bytes(), replay.headers("github", ping))
    assert answer.json == {"ok": True, "event": 1, "state": "ignored"}


def test_a_body_of_30_mb_is_refused_in_words(hub: House) -> None:
    answer = hub.hook("generic", b" " * (30 * 1024 * 1024))
    assert answer.status_code == 413
    assert answer.json is not None
    assert answer.json["error"] == "The body is larger than 25 MB. Send less, or leave out raw logs."
    assert events(hub) == []


def test_a_body_just_under_the_limit_is_read(hub: House) -> None:
    body = json.dumps(STARTED).encode()
    assert hub.hook("generic", body + b" " * (25 * 1024 * 1024 - len(body))).status_code == 200


def test_a_mistake_of_ours_loses_no_event(hub: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(rollouts, "follow", broken)
        answer = hub.hook("generic", STARTED)
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["state"] == "failed"
    (event,) = events(hub)
    assert (event.state, event.error) == ("failed", "ZeroDivisionError: a bug")
    assert messages(hub) == 0
    assert intake.replay(hub.parts.hub, event.id, hub.clock.now) == "done"
    assert messages(hub) > 0


def test_other_methods_are_told_so_in_json(hub: House) -> None:
    answer = hub.web.get("/hooks/generic")
    assert answer.status_code == 405
    assert answer.json is not None
    assert answer.json["ok"] is False


def test_a_cloudevents_sender_may_ask_first(hub: House) -> None:
    answer = hub.web.options("/hooks/cdevents", headers={"WebHook-Request-Origin": "eventemitter.example"})
    assert answer.headers["WebHook-Allowed-Origin"] == "eventemitter.example"


def test_no_secret_is_kept_or_logged(hub: House, capsys: pytest.CaptureFixture[str]) -> None:
    hub.hook("generic", STARTED)
    hub.hook("generic", STARTED, {"Authorization": "Bearer wrong-secret"})
    assert TOKEN not in json.dumps([event.headers for event in events(hub)])
    printed = capsys.readouterr()
    for secret in (TOKEN, "wrong-secret", "xoxb-test", "SG.test"):
        assert secret not in printed.err + printed.out


def test_one_event_that_comes_many_times_at_once_is_one(either: House) -> None:
    def send(_number: int) -> str:
        answer = either.web.post(
            "/hooks/generic", data=json.dumps(STARTED), headers={"Authorization": f"Bearer {TOKEN}"}
        )
        assert answer.json is not None
        return str(answer.json["state"])

    with ThreadPoolExecutor(8) as pool:
        states = list(pool.map(send, range(24)))
    assert sorted(states) == ["done", *["repeated"] * 23]


def test_what_cannot_be_kept_is_asked_for_again(hub: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(intake, "receive", broken)
    with capture_logs() as logs:
        answer = hub.hook("generic", STARTED)
    assert (answer.status_code, answer.json) == (
        500,
        {"ok": False, "error": "The hub could not keep this event. Send it again."},
    )
    assert [(line["event"], line["connection"]) for line in logs] == [("hook.failed", "generic")]
