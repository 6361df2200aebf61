"""What whoever runs the hub can see from outside, and what the hub tells them when it cannot get its messages out."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.house import House, house
from tests.e2e.test_publicity import canary, rolled_back
from tests.providers.http import broken, rate_limited

TOKEN = "metrics-token"


@pytest.fixture(params=["sqlite", "postgresql"])
def watched(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    url = f"sqlite:///{tmp_path}/hub.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with house(url, tmp_path, metrics_token=TOKEN) as made:
        yield made


def figures(hub: House) -> dict[str, float]:
    """Return each sample by its name and labels, as a monitoring system reads them."""
    answer = hub.web.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_metrics_count_what_happened_each_time_once(watched: House) -> None:
    assert figures(watched)["trusthub_incidents_open['true']"] == 0
    canary(watched)
    rolled_back(watched)
    first = figures(watched)
    assert first["trusthub_incidents_open['true']"] == 1
    assert first["trusthub_attempts_total['sent', 'slack']"] == len(watched.slack.accepted)
    assert first["trusthub_deliveries_waiting['slack']"] == 0
    assert first["trusthub_events_total['done', 'generic']"] > 0
    assert first["trusthub_promises['next_update', 'pending']"] == 1
    assert figures(watched) == first


def test_metrics_are_closed_without_the_token(hub: House, watched: House) -> None:
    for each, headers in ((hub, {}), (hub, {"Authorization": "Bearer "}), (watched, {"Authorization": "Bearer guess"})):
        answer = each.web.get("/metrics", headers=headers)
        assert answer.status_code == 401
        assert "trusthub_" not in answer.text


def test_ready_says_what_waits(watched: House) -> None:
    watched.slack.fail(*[rate_limited(600)] * 20)
    canary(watched)
    watched.clock.forward(seconds=90)
    found = watched.web.get("/readyz").json
    assert found is not None
    assert found["ok"] is True
    assert (found["workers"], found["oldest_delivery_seconds"] >= 90) == (0, True)


def test_a_channel_that_lets_nothing_through_is_told_over_the_others_once(watched: House) -> None:
    canary(watched)
    watched.slack.fail(*[broken()] * 500)
    rolled_back(watched)
    for _ in range(20):
        watched.tick(minutes=1)
        watched.keep_house()
    told = [mail for mail in watched.sendgrid.messages if "lets nothing through" in mail["subject"]]
    assert len(told) == 1
    text = told[0]["content"][0]["value"]
    assert "Slack lets nothing through" in text
    assert re.search(r"Waiting: \d", text)


def test_a_channel_with_one_bad_destination_is_not_stuck(watched: House) -> None:
    support = watched.slack.channel("#support")
    watched.slack.only(lambda body: body.get("channel") in {"#support", support}, *[rate_limited(60)] * 500)
    canary(watched)
    rolled_back(watched)
    for _ in range(10):
        watched.tick(minutes=1)
        watched.keep_house()
    assert not [mail for mail in watched.sendgrid.messages if "lets nothing through" in mail["subject"]]
