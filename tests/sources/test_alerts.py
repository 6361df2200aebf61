"""What begins and ends an alert: Alertmanager, Grafana, PagerDuty and a provider's status page."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sources.replay import RECEIVED, folder, inbound, request
from trusthub.domain.events import AlertEvent, Link
from trusthub.errors import PayloadError, SignatureError, UnknownEventError
from trusthub.sources import SOURCES
from trusthub.sources.alertmanager import Alertmanager
from trusthub.sources.grafana import Grafana
from trusthub.sources.pagerduty import PagerDuty
from trusthub.sources.statuspage import Statuspage

SECRET = "s3cret"


def events(tool: str, name: str) -> list[AlertEvent]:
    found = SOURCES[tool].parse(inbound(tool, folder(tool) / f"{name}.json"))
    assert all(isinstance(event, AlertEvent) for event in found)
    return [event for event in found if isinstance(event, AlertEvent)]


def event(tool: str, name: str) -> AlertEvent:
    (found,) = events(tool, name)
    return found


def body(tool: str, name: str) -> Any:
    return json.loads((folder(tool) / f"{name}.json").read_bytes())


@pytest.mark.parametrize(
    ("tool", "name", "firing", "at"),
    [
        ("alertmanager", "firing", True, "14:05:12.482913"),
        ("alertmanager", "resolved", False, "14:21:12.482913"),
        ("grafana", "firing", True, "14:05:10"),
        ("grafana", "resolved", False, "14:21:10"),
        ("pagerduty", "incident.triggered", True, "14:05:20.169000"),
        ("pagerduty", "incident.reopened", True, "14:40:02.001000"),
        ("pagerduty", "incident.resolved", False, "14:31:44.720000"),
        ("statuspage", "incident", True, "14:03:00.100000"),
        ("statuspage", "incident.resolved", False, "14:33:00"),
        ("statuspage", "component", True, "14:04:00"),
        ("statuspage", "component.operational", False, "14:04:00"),
        ("statuspage", "component.operational.maintenance", False, "14:04:00"),
    ],
)
def test_beginning_and_end(tool: str, name: str, firing: bool, at: str) -> None:  # noqa: FBT001 -- a table
    found = event(tool, name)
    assert (found.firing, str(found.occurred_at.time())) == (firing, at)


@pytest.mark.parametrize(
    ("tool", "begins", "ends"),
    [
        ("alertmanager", "firing", "resolved"),
        ("grafana", "firing", "resolved"),
        ("pagerduty", "incident.triggered", "incident.resolved"),
        ("statuspage", "incident", "incident.resolved"),
        ("statuspage", "component", "component.operational"),
    ],
)
def test_beginning_and_end_are_of_one_alert(tool: str, begins: str, ends: str) -> None:
    first, last = event(tool, begins), event(tool, ends)
    assert first.alert == last.alert
    assert first.duplicate_key != last.duplicate_key
    assert first.names == last.names


def test_the_facts_of_an_alert() -> None:
    found = event("alertmanager", "firing")
    assert found.names == ("payments/checkout", "checkout")
    assert (found.title, found.severity, found.namespace) == ("3 % of checkout requests fail", "critical", "payments")
    assert found.environment is None
    assert found.links == (
        Link(label="Alert", url="https://prometheus.acme.example/graph?g0.expr=errors"),
        Link(label="Runbook", url="https://runbooks.acme.example/checkout-errors"),
    )


def test_a_group_has_one_event_for_each_alert() -> None:
    first, second = events("alertmanager", "firing.two")
    assert (first.environment, second.environment) == ("production", None)
    assert second.names == ("payments/checkout-api", "checkout-api")
    assert second.title == "CheckoutLatency"
    assert first.alert != second.alert


def test_a_group_that_is_sent_again_is_no_news() -> None:
    payload = body("alertmanager", "firing")
    payload["notification_reason"] = "repeat interval elapsed"
    payload["alerts"].append({**payload["alerts"][0], "fingerprint": "another"})
    again = Alertmanager().parse(request(payload))
    assert again[0].duplicate_key == event("alertmanager", "firing").duplicate_key
    payload["alerts"][0]["startsAt"] = "2026-03-02T16:00:00Z"
    assert Alertmanager().parse(request(payload))[0].duplicate_key != again[0].duplicate_key


def test_an_alert_without_labels_still_has_a_name() -> None:
    found = Alertmanager().parse(request({"alerts": [{"status": "firing"}]}))[0]
    assert (found.names, found.occurred_at) == (("alert",), RECEIVED)


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({}, "alerts is missing."),
        ({"alerts": {}}, "alerts must be a list, not an object."),
        ({"alerts": [{}]}, r"alerts\[0\].status is missing."),
        (
            {"alerts": [{"status": "firing", "startsAt": "now"}]},
            r"alerts\[0\].startsAt is not an ISO 8601 time: 'now'.",
        ),
    ],
)
def test_a_broken_group_names_the_place(payload: Any, says: str) -> None:
    with pytest.raises(PayloadError, match=says):
        Alertmanager().parse(request(payload))


# ------------------------------------------------------------------------------------------------ Grafana's signature


def grafana(at: datetime | None = None, *, secret: str = SECRET) -> dict[str, str]:
    """Return the headers that Grafana signs `{}` with."""
    stamp = str(int(at.timestamp())) if at else None
    signed = f"{stamp}:{{}}".encode() if stamp else b"{}"
    found = {"X-Grafana-Alerting-Signature": hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}
    return {**found, **({"X-Grafana-Alerting-Timestamp": stamp} if stamp else {})}


@pytest.mark.parametrize("at", [None, RECEIVED, RECEIVED - timedelta(minutes=5), RECEIVED + timedelta(minutes=5)])
def test_grafana_signs_with_and_without_a_time(at: datetime | None) -> None:
    Grafana().verify(request(b"{}", grafana(at)), SECRET)


@pytest.mark.parametrize(
    "header",
    [
        grafana(RECEIVED - timedelta(minutes=5, seconds=1)),
        grafana(RECEIVED + timedelta(minutes=5, seconds=1)),
        grafana(RECEIVED, secret="other"),
        {**grafana(RECEIVED), "X-Grafana-Alerting-Timestamp": str(int(RECEIVED.timestamp()) + 1)},
        {**grafana(), "X-Grafana-Alerting-Timestamp": "soon"},
        {**grafana(secret="other"), "Authorization": f"Bearer {SECRET}"},
    ],
    ids=["old", "early", "other-secret", "other-time", "no-time", "a-token-does-not-help"],
)
def test_grafanas_other_requests_are_refused(header: dict[str, str]) -> None:
    with pytest.raises(SignatureError):
        Grafana().verify(request(b"{}", header), SECRET)


def test_a_time_that_is_no_number_is_refused_in_words() -> None:
    signed = hmac.new(SECRET.encode(), b"soon:{}", hashlib.sha256).hexdigest()
    header = {"X-Grafana-Alerting-Signature": signed, "X-Grafana-Alerting-Timestamp": "soon"}
    with pytest.raises(SignatureError, match="is no time in seconds"):
        Grafana().verify(request(b"{}", header), SECRET)


# ------------------------------------------------------------------------------------------------ PagerDuty


def test_pagerduty_may_send_several_signatures() -> None:
    ours = "v1=" + hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest()
    PagerDuty().verify(request(b"{}", {"X-PagerDuty-Signature": f"v1={'0' * 64},{ours}"}), SECRET)
    for wrong in (f"v1={'0' * 64}", ours.replace("v1", "v2"), "", ours[:-1]):
        with pytest.raises(SignatureError):
            PagerDuty().verify(request(b"{}", {"X-PagerDuty-Signature": wrong}), SECRET)


def test_pagerduty_facts() -> None:
    found = event("pagerduty", "incident.triggered")
    assert (found.names, found.severity) == (("checkout", "PCHECK1"), "P1")
    assert event("pagerduty", "incident.reopened").severity == "high"
    assert found.links == (Link(label="PagerDuty", url="https://acme.pagerduty.com/incidents/Q1CHECKOUT01"),)


def test_what_pagerduty_invents_tomorrow_is_unknown() -> None:
    payload = body("pagerduty", "incident.triggered")
    payload["event"]["event_type"] = "incident.dreamt_of"
    with pytest.raises(UnknownEventError, match=r"incident\.dreamt_of"):
        PagerDuty().parse(request(payload))


def test_without_the_header_pagerdutys_event_has_its_own_id() -> None:
    (found,) = PagerDuty().parse(request(body("pagerduty", "incident.triggered")))
    assert found.duplicate_key == "01CHECK0TRIGGERED"


# ------------------------------------------------------------------------------------------------ a provider's page


def test_a_providers_component_is_watched_with_or_without_its_page() -> None:
    assert event("statuspage", "incident").names == (
        "p4y9r0v1d3r0/checkout payments",
        "checkout payments",
        "p4y9r0v1d3r0",
    )


def test_an_incident_that_harms_nobody_is_none() -> None:
    payload = body("statuspage", "incident")
    payload["incident"]["impact"] = "none"
    (found,) = Statuspage().parse(request(payload))
    assert (found.kind, found.firing) == ("incident.resolved", False)


def test_an_incident_without_updates_is_told_apart_by_its_state() -> None:
    payload = body("statuspage", "incident")
    payload["incident"]["incident_updates"] = []
    first = Statuspage().parse(request(payload))[0].duplicate_key
    payload["incident"]["status"] = "identified"
    assert Statuspage().parse(request(payload))[0].duplicate_key != first


def test_times_are_ours() -> None:
    assert event("grafana", "firing").occurred_at == datetime(2026, 3, 2, 14, 5, 10, tzinfo=UTC)
