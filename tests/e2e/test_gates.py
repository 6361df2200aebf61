"""Gates as tools ask at them: what opens one, what does not, and what always passes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from tests.e2e.house import STAFF, TOKEN, House, house
from tests.providers import broken
from tests.sources.replay import folder
from trusthub.settings import packaged
from trusthub.store.tables import Audit, Event, Refusal

GATES = """
gates:
  flagger-begins: {kind: flagger-confirm, secret: "${GATE}", environment: production}
  flagger-goes-back: {kind: flagger-rollback, secret: "${GATE}", environment: production}
  complaints:
    kind: argo-metric
    secret: "${GATE}"
    connection: generic
    most_complaints: 2
    most_rollback_requests: 1
    per_network: 2
  deploy: {kind: generic, secret: "${GATE}", break_glass: ["*-hotfix"]}
  locked: {kind: generic, secret: "${UNSET}"}
"""
RISKY = "sla: What the change"
CANARY = {
    "name": "checkout",
    "namespace": "payments",
    "phase": "Progressing",
    "checksum": "6d4f9c7b58",
    "metadata": {"version": "2.8.0"},
}
CHANGE = {"component": "checkout", "environment": "production", "to_version": "2.8.0", "strategy": "canary"}


def site_with_gates(where: Path, more: str = "") -> dict[str, Path]:
    """Write the shipped site with gates; return the settings of a house for it."""
    site = where / "site.yaml"
    site.write_text((packaged("playbooks") / "site.yaml").read_text(encoding="utf-8") + GATES + more, encoding="utf-8")
    return {"site": site, "playbooks_dir": packaged("playbooks")}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("GATE", "gate-token")
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **site_with_gates(tmp_path)) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("GATE", "gate-token")
    kind = request.param
    url = f"sqlite:///{tmp_path}/hub.db" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    with house(url, tmp_path, **site_with_gates(tmp_path)) as made:
        yield made


def says(hub: House, gate: str, body: dict[str, Any]) -> tuple[int, str]:
    answer = hub.ask(gate, body)
    assert answer.json is not None
    assert answer.json["ok"] is (answer.status_code == 200)
    return answer.status_code, answer.json["reason"]


def acts(hub: House) -> list[tuple[str, str, str]]:
    with hub.parts.hub.database.reading() as session:
        rows = session.execute(select(col(Audit.actor), col(Audit.action), col(Audit.detail)).order_by(col(Audit.id)))
        return [(who, what, why) for who, what, why in rows if what != "account"]


def breaks_down(hub: House) -> None:
    """Take away what every question looks at, in the database itself."""
    with hub.parts.hub.database.transaction() as session:
        for table in ("rollout", "event", "audit"):
            session.execute(text(f"ALTER TABLE {table} RENAME TO {table}_gone"))


# ------------------------------------------------------------------------------------------ the door


def test_there_are_no_gates_by_default(tmp_path: Path) -> None:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path) as made:
        for gate in ("flagger", "generic", "flagger-begins"):
            answer = made.ask(gate, CANARY, token=TOKEN)
            assert (answer.status_code, answer.json["ok"]) == (404, False)  # type: ignore[index]


def test_only_its_own_secret_opens_a_gate(hub: House) -> None:
    names = ["complaints", "deploy", "flagger-begins", "flagger-goes-back", "locked"]
    for gate in names:
        for token in (TOKEN, "", "gate-toke", "gate-token2"):
            answer = hub.ask(gate, {**CANARY, **CHANGE}, token=token)
            assert (answer.status_code, set(answer.json or ())) == (401, {"ok", "error"})
    assert hub.ask("locked", CHANGE).status_code == 401
    hub.tick(minutes=1)
    hub.keep_house()
    assert hub.heard() == []
    with hub.parts.hub.database.reading() as session:
        counted = session.execute(select(col(Refusal.connection), col(Refusal.count))).all()
    assert sorted(counted) == [(f"gate:{name}", 5 if name == "locked" else 4) for name in names]


def test_a_tool_that_can_send_no_header_has_the_secret_in_its_address(hub: House) -> None:
    assert hub.web.post("/gates/flagger-begins/gate-token", json=CANARY).status_code == 409
    assert hub.web.post("/gates/flagger-begins/guess", json=CANARY).status_code == 401


def test_a_secret_is_no_secret_of_a_hook(hub: House) -> None:
    assert hub.hook("generic", {**CHANGE, "event": "rollout.started"}, {"Authorization": "Bearer gate-token"}).json == {
        "ok": False,
        "error": "Send `Authorization: Bearer <token>` with the token of this connection.",
    }


def test_a_question_that_cannot_be_read_names_the_place(hub: House) -> None:
    cases: list[tuple[str, bytes | dict[str, Any], str]] = [
        ("flagger-begins", b"{", "The body is not JSON"),
        ("flagger-begins", {"namespace": "payments"}, "name is missing."),
        ("flagger-begins", {**CANARY, "metadata": {"break_glass": "urgent"}}, "metadata.break_glass must say who and"),
        ("flagger-goes-back", {**CANARY, "name": 7}, "name must be a string, not a number."),
        ("deploy", {"to_version": "2.8.0"}, "component is missing."),
        ("deploy", {**CHANGE, "versoin": "2.8.0"}, "'versoin' is no key of this contract."),
        ("deploy", {**CHANGE, "break_glass": "Mira"}, "break_glass must say who and why, such as"),
        ("complaints", {}, "Say which rollout: send `component`, or `namespace` and `name`."),
    ]
    for gate, body, words in cases:
        answer = hub.ask(gate, body)
        assert answer.status_code == 400
        assert words in answer.json["error"]  # type: ignore[index]
    hub.parts.worker.drain()
    assert hub.heard() == []


def test_what_is_no_question_is_not_answered_as_one(hub: House) -> None:
    for method in ("GET", "PUT", "OPTIONS", "DELETE"):
        answer = hub.web.open("/gates/deploy", method=method, headers={"Authorization": "Bearer gate-token"})
        assert answer.status_code == 405
        assert answer.json["ok"] is False  # type: ignore[index]
    assert hub.ask("deploy", b"x" * (26 * 1024 * 1024)).status_code == 413


def test_whoever_guesses_is_told_to_wait(hub: House) -> None:
    answers = [hub.ask("deploy", CHANGE, token="guess").status_code for _ in range(62)]
    assert answers == [401] * 60 + [429] * 2
    assert hub.ask("deploy", CHANGE).status_code == 409


# ------------------------------------------------------------------------------------------ before it begins


@pytest.mark.parametrize(("gate", "body"), [("flagger-begins", CANARY), ("deploy", CHANGE)])
def test_it_opens_when_stakeholders_have_the_notice(either: House, gate: str, body: dict[str, Any]) -> None:
    hub = either
    told = "The notice of its risks is on its way to stakeholders. Ask again."
    assert says(hub, gate, body) == (409, told)
    assert says(hub, gate, body) == (409, told)
    hub.parts.worker.drain()
    heard = hub.heard()
    assert [line.split("\n")[0] for line in heard] == ["SLACK #releases post", "MAIL releases@acme.example"]
    assert "What we know can go wrong" in heard[0]
    assert says(hub, gate, body) == (200, "Stakeholders were told of its risks, and the plan says how to go back.")
    hub.parts.worker.drain()
    assert hub.heard() == []


def test_what_the_tool_then_reports_is_the_same_rollout(hub: House) -> None:
    hub.ask("flagger-begins", CANARY)
    hub.parts.worker.drain()
    hub.clock.forward(minutes=1)
    event = {**CANARY, "metadata": {"version": "2.8.0", "eventMessage": "Advance checkout.payments canary weight 5"}}
    hub.hook("flagger-prod", event)
    hub.sign_in()
    assert hub.web.get("/console/rollouts").text.count("2.8.0") == 1
    assert says(hub, "flagger-begins", CANARY)[0] == 200


def test_it_stays_shut_while_nobody_can_be_told(hub: House) -> None:
    hub.slack.fail(*[broken()] * 50)
    hub.sendgrid.fail(*[broken()] * 50)
    says(hub, "deploy", CHANGE)
    for _ in range(20):
        hub.tick(minutes=5)
    assert says(hub, "deploy", CHANGE) == (409, "The notice of its risks reached nobody. The console says why.")


def test_one_destination_that_is_told_is_enough(hub: House) -> None:
    hub.slack.fail(*[broken()] * 50)
    says(hub, "deploy", CHANGE)
    hub.parts.worker.drain()
    assert says(hub, "deploy", CHANGE)[1].startswith("The notice of its risks is on its way")
    for _ in range(20):
        hub.tick(minutes=5)
    assert says(hub, "deploy", CHANGE)[0] == 200


def test_a_plan_with_gaps_opens_no_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATE", "gate-token")
    copies = tmp_path / "playbooks"
    for file in (path for path in packaged("playbooks").rglob("*") if path.suffix in {".yaml", ".md"}):
        copy = copies / file.relative_to(packaged("playbooks"))
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(re.sub(r"(?m)^sla: .*$", 'sla: " "', file.read_text(encoding="utf-8")), encoding="utf-8")
    settings = {**site_with_gates(tmp_path), "playbooks_dir": copies}
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **settings) as made:
        status, reason = says(made, "deploy", CHANGE)
        assert (status, reason) == (409, "The plan 'canary' has gaps: sla.")
        made.parts.worker.drain()
        assert made.heard() == []
        assert says(made, "deploy", {**CHANGE, "rollback": True})[0] == 200
        assert says(made, "deploy", {**CHANGE, "break_glass": "Mira: payments fail"})[0] == 200


def test_what_reached_users_unannounced_is_too_late(hub: House) -> None:
    hub.event("rollout.progressed", exposure=5)
    hub.heard()
    told = "It reached users before stakeholders were told of its risks. Ask before it begins."
    assert says(hub, "deploy", CHANGE) == (409, told)
    hub.parts.worker.drain()
    assert hub.heard() == []


def test_what_began_and_reached_nobody_is_told_of_once(either: House) -> None:
    hub = either
    hub.event("rollout.started")
    hub.heard()
    for _ in range(2):
        assert says(hub, "deploy", CHANGE)[1].startswith("The notice of its risks is on its way")
    hub.parts.worker.drain()
    heard = "\n".join(hub.heard())
    assert heard.count("What we know can go wrong") == 2
    assert says(hub, "deploy", CHANGE)[0] == 200


def test_a_second_try_after_a_rollback_is_announced_again(either: House) -> None:
    hub = either
    says(hub, "deploy", CHANGE)
    hub.parts.worker.drain()
    hub.event("rollout.started")
    hub.event("rollback.finished")
    hub.heard()
    hub.clock.forward(minutes=2)
    assert says(hub, "deploy", CHANGE)[0] == 409
    hub.parts.worker.drain()
    assert any("#releases" in line for line in hub.heard())
    assert says(hub, "deploy", CHANGE)[0] == 200


# ------------------------------------------------------------------------------------------ what always passes


def test_a_rollback_passes(hub: House) -> None:
    assert says(hub, "deploy", {**CHANGE, "rollback": True}) == (
        200,
        "It brings back what was there before. Nothing holds up a rollback.",
    )
    assert says(hub, "flagger-begins", {**CANARY, "metadata": {"rollback": "true"}})[0] == 200
    hub.event("rollout.completed", to_version="2.7.4")
    hub.event("rollout.completed", to_version="2.8.0")
    assert says(hub, "deploy", {**CHANGE, "to_version": "2.7.4"})[0] == 200


def test_a_broken_glass_passes_and_is_on_record_and_stakeholders_hear(either: House) -> None:
    hub = either
    said = {**CHANGE, "break_glass": "Mira: payments fail since 14:02"}
    for _ in range(2):
        assert says(hub, "deploy", said) == (200, "Mira broke the glass: payments fail since 14:02")
    assert acts(hub) == [("Mira", "broke the glass", "payments fail since 14:02")]
    hub.parts.worker.drain()
    assert len(hub.heard()) == 2
    hub.sign_in()
    (rollout,) = re.findall(r"/console/rollouts/\w+", hub.web.get("/console/rollouts").text)
    assert "Mira: broke the glass: payments fail since 14:02" in hub.web.get(rollout).text


def test_site_yaml_may_let_a_version_pass(hub: House) -> None:
    assert says(hub, "deploy", {**CHANGE, "to_version": "2.8.1-hotfix"})[0] == 200
    assert acts(hub) == [("site.yaml", "broke the glass", "2.8.1-hotfix is listed as *-hotfix")]


def test_with_a_broken_database_rollbacks_pass_and_nothing_else_does(either: House) -> None:
    hub = either
    breaks_down(hub)
    assert says(hub, "deploy", {**CHANGE, "rollback": True})[0] == 200
    assert says(hub, "flagger-begins", {**CANARY, "metadata": {"rollback": "true"}})[0] == 200
    assert says(hub, "deploy", {**CHANGE, "break_glass": "Mira: payments fail"})[0] == 200
    for gate, body in (("deploy", CHANGE), ("flagger-begins", CANARY), ("flagger-goes-back", CANARY)):
        answer = hub.ask(gate, body)
        assert answer.status_code == 503
        assert answer.json == {"ok": False, "error": "The hub cannot look at what it knows right now. Ask again."}


# ------------------------------------------------------------------------------------------ a person asks


def under_way(hub: House, checksum: str = "6d4f9c7b58") -> dict[str, Any]:
    hub.clock.forward(minutes=1)
    canary = {**CANARY, "checksum": checksum}
    message = {"eventMessage": "Advance checkout.payments canary weight 5"}
    hub.hook("flagger-prod", {**canary, "metadata": {"version": "2.8.0", **message}})
    return canary


def test_flagger_goes_back_only_after_a_person_asked(either: House) -> None:
    hub = either
    assert says(hub, "flagger-goes-back", CANARY)[0] == 409
    canary = under_way(hub)
    assert says(hub, "flagger-goes-back", canary) == (409, "Nobody has asked for a rollback.")
    hub.sign_in()
    (rollout,) = re.findall(r"/console/rollouts/\w+", hub.web.get("/console/rollouts").text)
    assert "Ask flagger to roll back" in hub.web.get(rollout).text
    shown = hub.console(f"{rollout}/rollback", rollout, why="Payments fail.").text
    assert "Mira asked flagger to roll back" in shown
    assert "asked the tool to roll back: Payments fail." in shown
    assert says(hub, "flagger-goes-back", canary) == (200, "Mira asked for it in the console.")
    assert says(hub, "flagger-goes-back", {**canary, "checksum": "another"})[0] == 409
    assert acts(hub) == [(STAFF[1], "asked the tool to roll back", "Payments fail.")]


def test_the_button_is_there_only_while_a_tool_listens(hub: House) -> None:
    hub.sign_in()
    deployment = (folder("github") / "deployment_status.in_progress.json").read_bytes()
    assert hub.hook("github", deployment, {"X-GitHub-Event": "deployment_status"}).status_code == 200
    (rollout,) = re.findall(r"/console/rollouts/\w+", hub.web.get("/console/rollouts").text)
    assert "to roll back" not in hub.web.get(rollout).text
    form = "/console/open"
    assert "its tool does not ask us" in hub.console(f"{rollout}/rollback", form, why="It fails.").text
    assert "There is no such rollout" in hub.console("/console/rollouts/aaaaaaaaaaaa/rollback", form, why="x").text
    assert "Please write why" in hub.console(f"{rollout}/rollback", form, why=" ").text
    assert acts(hub) == []


def test_nobody_but_staff_can_press_it(hub: House) -> None:
    canary = under_way(hub)
    hub.sign_in()
    (rollout,) = re.findall(r"/console/rollouts/\w+", hub.web.get("/console/rollouts").text)
    assert hub.web.post(f"{rollout}/rollback", data={"why": "x"}).status_code == 400
    hub.web.delete_cookie("session")
    assert hub.web.post(f"{rollout}/rollback", data={"why": "x"}).status_code in {302, 400}
    assert says(hub, "flagger-goes-back", canary)[0] == 409


def test_it_stands_on_the_incident_too_and_is_pressed_once(hub: House) -> None:
    canary = under_way(hub)
    hub.sign_in()
    hub.console("/console/open", component="checkout", name="Payments fail", note="We look into it.")
    incident = f"/console/incidents/{hub.incident()}"
    shown = hub.web.get(incident).text
    (action,) = re.findall(r'action="(/console/rollouts/\w+/rollback)"', shown)
    hub.console(action, incident, why="Payments fail.")
    shown = hub.web.get(incident).text
    assert "Mira asked flagger to roll back" in shown
    assert "Mira: asked the tool to roll back: Payments fail." in shown
    assert "Mira has asked for it already." in hub.console(action, "/console/open", why="again").text
    assert says(hub, "flagger-goes-back", canary)[0] == 200


# ------------------------------------------------------------------------------------------ kept, and told once


def test_a_question_that_announces_is_kept_like_an_event(hub: House) -> None:
    hub.ask("deploy", CHANGE)
    hub.ask("deploy", CHANGE)
    with hub.parts.hub.database.reading() as session:
        (event,) = session.execute(select(Event)).scalars()
    assert (event.connection, event.state, event.summary) == ("generic", "done", "rollout.planned, asked at a gate")
    assert json.loads(event.body) == CHANGE
