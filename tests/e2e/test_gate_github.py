"""GitHub asks once and waits: what it hears, when, and what happens when one of us is down."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlmodel import col
from werkzeug.test import TestResponse

from tests.e2e.house import House, house
from tests.e2e.test_gates import breaks_down, site_with_gates
from tests.providers import GitHub, broken, drop
from tests.providers.certificate import authority
from tests.providers.github import APP, FIXED, INSTALLATION, PEM
from tests.sources.replay import folder
from trusthub.store.tables import Attempt, Delivery, Event

SECRET = "webhook-secret"
RULES = """
  deploys:
    kind: github-protection
    secret: "${RULE}"
    api: %s
    app: %s
    private_key: "${APP_KEY}"
    wait: 2h
    break_glass: ["*-hotfix"]
  fixed: {kind: github-protection, secret: "${RULE}", api: %s, token: "${FIXED}"}
"""


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority(tmp_path)))
    with GitHub() as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    for name, value in {"GATE": "gate-token", "RULE": SECRET, "APP_KEY": PEM, "FIXED": FIXED}.items():
        monkeypatch.setenv(name, value)
    return site_with_gates(tmp_path, RULES % (github.url, APP, github.url))


@pytest.fixture
def hub(tmp_path: Path, settings: dict[str, Path]) -> Iterator[House]:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **settings) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path, settings: dict[str, Path]) -> Iterator[House]:
    sqlite = f"sqlite:///{tmp_path}/hub.db"
    url = sqlite if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with house(url, tmp_path, **settings) as made:
        yield made


def question(github: GitHub, *, task: str = "deploy", ref: str = "v2.8.0", **more: Any) -> dict[str, Any]:
    """Return what GitHub sends, in the shape of its schema."""
    told = json.loads((folder("github") / "deployment.json").read_bytes())
    return {
        "action": "requested",
        "environment": "production",
        "event": "push",
        "deployment_callback_url": github.callback,
        "deployment": {**told["deployment"], "task": task, "ref": ref},
        "pull_requests": [],
        "repository": told["repository"],
        "organization": told["organization"],
        "installation": {"id": INSTALLATION, "node_id": "MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9u"},
        "sender": told["sender"],
        **more,
    }


def ask(
    hub: House,
    said: dict[str, Any],
    *,
    gate: str = "deploys",
    secret: str = SECRET,
    event: str = "deployment_protection_rule",
) -> TestResponse:
    body = json.dumps(said).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-GitHub-Event": event, "X-GitHub-Delivery": "d1", "X-Hub-Signature-256": signature}
    return hub.web.post(f"/gates/{gate}", data=body, headers=headers)


def states(hub: House) -> list[tuple[str, str, int, str]]:
    with hub.parts.hub.database.reading() as session:
        rows = session.execute(
            select(col(Delivery.moment), col(Delivery.state), col(Delivery.attempts), col(Delivery.last_error)).where(
                col(Delivery.lane).startswith("github:")
            )
        )
        return [(moment, state, attempts, error) for moment, state, attempts, error in rows]


def test_it_is_answered_when_stakeholders_have_the_notice(either: House, github: GitHub) -> None:
    hub = either
    answer = ask(hub, question(github))
    assert (answer.status_code, answer.json) == (200, {"ok": True, "state": "waiting"})
    assert github.calls == []
    hub.keep_house()
    assert github.calls == []
    hub.keep_house()
    assert github.reviews == [
        {
            "environment_name": "production",
            "state": "approved",
            "comment": "Stakeholders were told of its risks, and the plan says how to go back.",
        }
    ]
    for _ in range(3):
        hub.keep_house()
    assert len(github.reviews) == 1
    assert states(hub) == [("gate.approved", "done", 1, "")]
    hub.sign_in()
    assert "2.8.0" in hub.web.get("/console/rollouts").text


def test_a_deployment_that_github_told_of_first_gets_its_notice_too(hub: House, github: GitHub) -> None:
    for name in ("deployment", "deployment_status.waiting"):
        body = (folder("github") / f"{name}.json").read_bytes()
        assert hub.hook("github", body, {"X-GitHub-Event": name.partition(".")[0]}).status_code == 200
    hub.heard()
    deployment = json.loads((folder("github") / "deployment_status.waiting.json").read_bytes())["deployment"]
    ask(hub, question(github, deployment=deployment))
    hub.keep_house()
    assert "What we know can go wrong" in "\n".join(hub.heard())
    hub.keep_house()
    assert [review["state"] for review in github.reviews] == ["approved"]
    hub.sign_in()
    assert len(re.findall(r"/console/rollouts/\w+", hub.web.get("/console/rollouts").text)) == 1


def test_a_fixed_token_will_do(hub: House, github: GitHub) -> None:
    ask(hub, question(github, task="rollback", installation=None), gate="fixed")
    hub.keep_house()
    assert [review["state"] for review in github.reviews] == ["approved"]
    assert len(github.calls) == 1


def test_an_answer_that_does_not_get_through_is_sent_again(either: House, github: GitHub) -> None:
    hub = either
    github.fail(broken(502), drop(), broken(503))
    ask(hub, question(github, task="rollback"), gate="fixed")
    hub.keep_house()
    assert states(hub)[0][1:] == ("pending", 1, "GitHub failed (HTTP 502).")
    for _ in range(4):
        hub.tick(minutes=1)
    assert states(hub) == [("gate.approved", "done", 4, "")]
    assert len(github.reviews) == 1
    with hub.parts.hub.database.reading() as session:
        tried = session.execute(
            select(col(Attempt.outcome), col(Attempt.status))
            .join(Delivery, col(Attempt.delivery_id) == col(Delivery.id))
            .where(col(Delivery.lane).startswith("github:"))
            .order_by(col(Attempt.id))
        ).all()
    assert tried == [("failed", 502), ("failed", None), ("failed", 503), ("sent", 204)]


def test_what_does_not_open_in_time_is_rejected(hub: House, github: GitHub) -> None:
    hub.slack.fail(*[broken()] * 99)
    hub.sendgrid.fail(*[broken()] * 99)
    ask(hub, question(github))
    for _ in range(23):
        hub.clock.forward(minutes=5)
        hub.keep_house()
    assert github.reviews == []
    hub.clock.forward(minutes=5)
    hub.keep_house()
    assert [(review["state"], review["comment"]) for review in github.reviews] == [
        ("rejected", "The notice of its risks reached nobody. The console says why.")
    ]


@pytest.mark.parametrize("more", [{"task": "rollback"}, {"ref": "v2.8.1-hotfix"}], ids=["rollback", "glass"])
def test_what_always_passes_passes_at_once(hub: House, github: GitHub, more: dict[str, str]) -> None:
    ask(hub, question(github, **more))
    hub.keep_house()
    assert [review["state"] for review in github.reviews] == ["approved"]


def test_with_a_broken_database_a_rollback_is_let_through_all_the_same(either: House, github: GitHub) -> None:
    hub = either
    breaks_down(hub)
    assert ask(hub, question(github)).status_code == 503
    assert github.calls == []
    assert ask(hub, question(github, task="rollback")).status_code == 200
    assert [review["state"] for review in github.reviews] == ["approved"]
    github.fail(broken())
    assert ask(hub, question(github, task="rollback")).status_code == 503


def test_a_question_is_decided_once_however_often_it_is_sent(either: House, github: GitHub) -> None:
    hub = either
    for _ in range(3):
        assert ask(hub, question(github)).status_code == 200
    with hub.parts.hub.database.reading() as session:
        assert session.execute(select(col(Event.state))).scalars().all() == ["waiting"]
    hub.keep_house()
    hub.keep_house()
    assert len(github.reviews) == 1
    assert len(states(hub)) == 1


def test_only_github_can_ask_and_only_to_be_answered_there(hub: House, github: GitHub) -> None:
    assert ask(hub, question(github), secret="guess").status_code == 401
    assert hub.ask("deploys", question(github), token=SECRET).status_code == 401
    assert ask(hub, {"zen": "Keep it logically awesome."}, event="ping").json == {"ok": True, "state": "ignored"}
    foreign = re.sub(r"127\.0\.0\.1:\d+", "evil.example", github.callback)
    for said, words in (
        (question(github, deployment_callback_url=foreign), "deployment_callback_url is no call of https://127.0.0.1"),
        (question(github, deployment_callback_url=github.url + "/user"), "deployment_callback_url is no call of"),
        (question(github, deployment_callback_url=None), "deployment_callback_url is missing."),
        (question(github, installation=None), "installation is missing."),
        (question(github, environment=None), "environment is missing."),
        (question(github, deployment=None), "deployment is missing."),
    ):
        answer = ask(hub, said)
        assert answer.status_code == 400
        assert words in answer.json["error"]  # type: ignore[index]
    hub.keep_house()
    assert github.calls == []
    assert states(hub) == []


def test_a_gate_that_is_gone_answers_nobody_and_holds_up_no_other(hub: House, github: GitHub) -> None:
    ask(hub, question(github, environment="staging"))
    with hub.parts.hub.database.transaction() as session:
        session.execute(text("UPDATE event SET connection = 'gate:gone'"))
    ask(hub, question(github, task="rollback"))
    hub.keep_house()
    assert [review["environment_name"] for review in github.reviews] == ["production"]
    with hub.parts.hub.database.reading() as session:
        gone, _ = session.execute(select(col(Event.summary)).order_by(col(Event.id))).scalars()
    assert gone == "no answer: site.yaml has no such gate any more"
