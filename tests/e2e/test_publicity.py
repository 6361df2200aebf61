"""What goes public by itself, what waits for a person, and that people outrank machines."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select
from sqlmodel import col

from tests.e2e.house import SIGNING, House, house, site_with
from trusthub.store.tables import Incident


def canary(hub: House, percent: float = 5.0, **more: Any) -> None:
    """Bring a canary to some exposure, then roll it back."""
    hub.event("rollout.completed", to_version="2.7.4")
    hub.event("rollout.started", **more)
    hub.event("rollout.progressed", exposure=percent, **more)
    hub.heard()


def rolled_back(hub: House, **more: Any) -> str:
    """Start the rollback with evidence of harm, and return what people heard."""
    hub.event("rollback.started", **{"evidence": "failed_analysis", **more})
    return "\n".join(hub.heard())


def test_harm_and_reach_are_told_at_once(hub: House) -> None:
    canary(hub)
    words = rolled_back(hub)
    assert "*Customers have been told.* The tool's own analysis failed at up to 5 % exposure." in words
    (incident,) = hub.summary()["incidents"]
    assert (incident["status"], incident["impact"]) == ("identified", "minor")
    assert (
        "Up to 5 % of Checkout requests have reached 2.8.0 since 14:03 UTC" in incident["incident_updates"][0]["body"]
    )
    assert hub.summary()["status"]["indicator"] == "minor"


@pytest.mark.parametrize(
    ("percent", "more", "why"),
    [
        (5.0, {"evidence": "none"}, "It was rolled back, but nothing shows that customers were harmed."),
        (0.0, {}, "No customer traffic reached the new version."),
        (0.5, {}, "At most 0.5 % was exposed; customers are told from 1 % on."),
        (5.0, {"environment": "staging"}, "Customers do not use the environment staging."),
        (5.0, {"environment": None}, "Neither the event, the connection nor a listed namespace says which environment"),
        (5.0, {"component": "unheard-of"}, "No component in site.yaml watches this name"),
        (5.0, {"occurred_at": "2026-03-02T12:00:00Z"}, "The event arrived more than ten minutes after it happened."),
    ],
    ids=["no-evidence", "no-exposure", "little-exposure", "staging", "no-environment", "no-component", "late"],
)
def test_everything_else_reaches_stakeholders_only(hub: House, percent: float, more: dict[str, Any], why: str) -> None:
    place = {key: value for key, value in more.items() if key not in {"evidence", "occurred_at"}}
    canary(hub, percent, **place)
    words = rolled_back(hub, **more)
    assert hub.calm
    assert f"*Customers have not been told.* {why}" in words
    assert "[Tell customers] [Precaution, no harm] [Not a rollback]" in words
    if "occurred_at" not in more:  # what comes in time after a late event is news
        hub.event("rollback.finished", **place)
    while hub.wait():
        assert hub.calm


@pytest.fixture(params=["ask", "shadow"])
def careful(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    site = site_with(tmp_path, publishing=str(request.param))
    playbooks = {"site": site, "playbooks_dir": Path("playbooks").resolve()}
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **playbooks) as made:
        yield made


def test_ask_and_shadow_wait_for_a_person(careful: House) -> None:
    canary(careful)
    words = rolled_back(careful)
    assert careful.calm
    assert "ask a person first" in words or "in shadow mode" in words


def incident_id(hub: House) -> str:
    """Return the id of the newest incident, public or not."""
    with hub.parts.hub.database.reading() as session:
        newest = select(col(Incident.public_id)).order_by(col(Incident.id).desc()).limit(1)
        return str(session.execute(newest).scalar_one())


def press(hub: House, action: str, *, secret: str = SIGNING) -> tuple[int, dict[str, Any]]:
    """Press a button in Slack."""
    payload = {
        "type": "block_actions",
        "user": {"name": "jo"},
        "actions": [{"action_id": action, "value": incident_id(hub)}],
    }
    body = urlencode({"payload": json.dumps(payload)})
    stamp = str(int(time.time()))
    signed = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={signed}"}
    answer = hub.web.post(
        "/slack/interactions", data=body, headers=headers, content_type="application/x-www-form-urlencoded"
    )
    hub.parts.worker.drain()
    return answer.status_code, answer.json or {}


def test_a_button_in_slack_tells_customers(hub: House) -> None:
    canary(hub)
    rolled_back(hub, evidence="none")
    assert hub.calm
    assert press(hub, "tell") == (200, {"ok": True})
    (incident,) = hub.summary()["incidents"]
    assert incident["status"] == "identified"
    status, answer = press(hub, "tell")
    assert (status, answer["text"]) == (200, "Customers have already been told.")


def test_a_forged_press_does_nothing(hub: House) -> None:
    canary(hub)
    rolled_back(hub, evidence="none")
    assert press(hub, "tell", secret="other")[0] == 401
    assert hub.calm


def test_a_precaution_stays_inside(hub: House) -> None:
    canary(hub)
    rolled_back(hub, evidence="none")
    assert press(hub, "precaution")[0] == 200
    hub.event("rollback.finished", evidence="failed_analysis")
    assert hub.calm
    hub.sign_in()
    assert "It was settled as a precaution." in hub.web.get(f"/console/incidents/{incident_id(hub)}").text


def test_a_false_alarm_is_retracted_in_public(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    incident = hub.incident()
    hub.heard()
    assert press(hub, "false-alarm")[0] == 200
    assert hub.calm
    words = "\n".join(hub.heard())
    assert "false alarm" in words
    page = hub.page(f"/incidents/{incident}")
    assert "False alarm" in page
    assert "That was wrong." in page
    assert "Slack" not in page
    assert "14:04 UTC" in page


def test_no_machine_moves_what_a_person_closed(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    incident = hub.incident()
    hub.sign_in()
    hub.console(f"/console/incidents/{incident}/resolve", f"/console/incidents/{incident}", note="We have mended it.")
    assert hub.calm
    hub.event("rollback.finished")
    assert hub.calm
    assert "We have mended it." in hub.page(f"/incidents/{incident}")


def test_no_machine_moves_what_a_person_opened(hub: House) -> None:
    hub.sign_in()
    hub.console(
        "/console/open",
        component="checkout",
        name="Checkout: payments fail",
        note="Payments have failed since 14:00 UTC.",
    )
    incident = hub.incident()
    canary(hub)
    rolled_back(hub)
    hub.event("rollback.finished")
    while hub.wait() and hub.clock.now.hour < 16:
        pass
    states = {row["id"]: row["status"] for row in hub.summary()["incidents"]}
    assert states[incident] == "investigating"


def test_a_failure_that_no_rollback_follows_is_told_after_15_seconds(hub: House) -> None:
    canary(hub)
    hub.event("rollout.failed", evidence="failed_analysis")
    assert hub.calm
    hub.tick(seconds=14)
    assert hub.calm
    hub.tick(seconds=1)
    (incident,) = hub.summary()["incidents"]
    assert incident["status"] == "investigating"


def test_customers_never_read_what_is_internal(hub: House) -> None:
    secrets = {
        "actor": "jane.doe",
        "reason": "db-primary-03.internal lost quorum",
        "from_version": "feature/janes-branch",
        "to_version": "registry.internal:5000/acme/checkout",
    }
    canary(hub, 5.0, **secrets)
    rolled_back(hub, **secrets)
    incident = hub.incident()
    hub.event("rollback.finished", **secrets)
    public = [hub.page(path) for path in ("/", f"/incidents/{incident}", "/api/v2/summary.json", "/history.atom")]
    for page in public:
        assert "Checkout" in page
        for secret in ("jane", "db-primary", "quorum", "registry", "janes-branch"):
            assert secret not in page


def test_evidence_that_comes_after_the_abort_still_counts(hub: House) -> None:
    canary(hub)
    rolled_back(hub, evidence="none")
    assert hub.calm
    hub.event("rollback.started", evidence="failed_analysis", reason="error rate 9 %")
    (incident,) = hub.summary()["incidents"]
    assert incident["status"] == "identified"


def test_a_sender_ahead_of_its_time_tells_nothing_of_the_future(hub: House) -> None:
    canary(hub)
    rolled_back(hub, occurred_at="2031-01-01T00:00:00Z")
    assert "we began at 14:04 UTC" in hub.summary()["incidents"][0]["incident_updates"][0]["body"]
