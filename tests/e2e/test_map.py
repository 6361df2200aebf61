"""A tool that nobody ever heard of, taught in site.yaml: from its own requests to what people read."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.house import House, house
from trusthub.services import intake
from trusthub.settings import packaged

MAP = """
  ship:
    source: generic
    secret: "${SHIP_SECRET}"
    map:
      signature: {header: X-Ship-Signature, prefix: "sha256="}
      event:
        from: header('X-Ship-Event')
        table:
          begins: rollout.started
          moves: rollout.progressed
          breaks: rollback.started
          alarm: alert.firing
          chat: ignore
      component: [service.path, service.name]
      environment: {always: production}
      to_version: build
      strategy: {always: canary}
      exposure: share
      evidence: {from: cause, table: {errors: failed_analysis}}
      title: text
      occurred_at: at
      id: run
"""
ABOUT = {"service": {"path": "acme/unwatched", "name": "checkout"}, "build": "2.8.0", "run": 9}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("SHIP_SECRET", "s3cret")
    site = tmp_path / "site.yaml"
    site.write_text((packaged("playbooks") / "site.yaml").read_text(encoding="utf-8") + MAP, encoding="utf-8")
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, site=site, playbooks_dir=packaged("playbooks")) as made:
        yield made


def post(hub: House, event: str, *, secret: str = "s3cret", **said: Any) -> tuple[int, dict[str, Any]]:
    hub.clock.forward(minutes=1)
    body = json.dumps({**ABOUT, "at": int(hub.clock.now.timestamp() * 1000), **said}).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    answer = hub.hook("ship", body, {"X-Ship-Event": event, "X-Ship-Signature": signature})
    assert isinstance(answer.json, dict)
    return answer.status_code, answer.json


def test_from_an_unheard_of_tool_to_what_customers_read(hub: House) -> None:
    assert post(hub, "begins")[1]["state"] == "done"
    assert post(hub, "moves", share="5%")[1]["state"] == "done"
    assert post(hub, "moves", share="5%")[1]["state"] == "repeated"  # the same run and event
    assert hub.calm
    assert post(hub, "breaks", cause="errors")[1]["state"] == "done"
    told = hub.summary()["incidents"][0]["incident_updates"][0]["body"]
    assert "Up to 5 % of Checkout requests have reached 2.8.0 since 14:02 UTC" in told.replace("\u00a0", " ")


def test_only_what_is_signed_is_believed(hub: House) -> None:
    status, answer = post(hub, "begins", secret="another")
    assert (status, answer["ok"]) == (401, False)
    assert "x-ship-signature" in answer["error"]


def test_what_is_ignored_unknown_or_broken_is_kept(hub: House) -> None:
    assert post(hub, "chat")[1]["state"] == "ignored"
    assert post(hub, "sings")[1]["state"] == "unknown"
    status, answer = post(hub, "moves", share=500)
    assert (status, answer["error"]) == (400, "map.exposure must be a percentage from 0 to 100, not 500.")


def test_a_kept_event_is_understood_again_with_its_header(hub: House) -> None:
    _, answer = post(hub, "begins")
    assert intake.replay(hub.parts.hub, answer["event"], hub.clock.now) == "done"


def test_an_alert_is_heard(hub: House) -> None:
    assert post(hub, "alarm", text="Many errors")[1]["state"] == "done"
    assert hub.calm


def test_a_shipped_map_needs_no_line_in_the_site(hub: House) -> None:
    body = {
        "alert_transition": "Triggered",
        "tags": "service:checkout,env:production",
        "id": "1",
        "alert_cycle_key": "7",
    }
    answer = hub.hook("datadog", body)
    assert answer.json is not None
    assert answer.json["state"] == "done"
