"""Statuspage's public API: every document, with exactly its keys, as its strictest clients want them."""

import json
import re
from typing import Any

import pytest

from tests.e2e.house import House, house, site_with
from tests.e2e.test_publicity import canary, rolled_back
from trusthub.settings import packaged

PAGE = ["id", "name", "url", "time_zone", "updated_at"]
DOCUMENTS = {
    "summary": ["components", "incidents", "scheduled_maintenances", "status"],
    "status": ["status"],
    "components": ["components"],
    "incidents": ["incidents"],
    "incidents/unresolved": ["incidents"],
    "scheduled-maintenances": ["scheduled_maintenances"],
    "scheduled-maintenances/upcoming": ["scheduled_maintenances"],
    "scheduled-maintenances/active": ["scheduled_maintenances"],
}
COMPONENT = [
    "id",
    "name",
    "status",
    "created_at",
    "updated_at",
    "position",
    "description",
    "showcase",
    "start_date",
    "group_id",
    "page_id",
    "group",
    "only_show_if_degraded",
]
INCIDENT = [
    "id",
    "name",
    "status",
    "created_at",
    "updated_at",
    "monitoring_at",
    "resolved_at",
    "impact",
    "shortlink",
    "started_at",
    "page_id",
    "incident_updates",
    "components",
    "reminder_intervals",
]
UPDATE = [
    "id",
    "status",
    "body",
    "incident_id",
    "created_at",
    "updated_at",
    "display_at",
    "affected_components",
    "deliver_notifications",
    "custom_tweet",
    "tweet_id",
]
AFFECTED = ["code", "name", "old_status", "new_status"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)")
TIMES = {"created_at", "updated_at", "monitoring_at", "resolved_at", "started_at", "display_at"}


def document(hub: House, name: str) -> dict[str, Any]:
    answer = hub.web.get(f"/api/v2/{name}.json")
    assert answer.status_code == 200, name
    found: dict[str, Any] = json.loads(answer.data)
    return found


def every_time(value: Any) -> list[str]:
    """Return every time that a document says, at any depth."""
    if isinstance(value, list):
        return [time for each in value for time in every_time(each)]
    if not isinstance(value, dict):
        return []
    own = [time for key, time in value.items() if key in TIMES and time is not None]
    return own + [time for each in value.values() for time in every_time(each)]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_has_statuspages_keys_and_no_others(hub: House, name: str) -> None:
    canary(hub)
    rolled_back(hub)
    found = document(hub, name)
    assert list(found) == ["page", *DOCUMENTS[name]]
    assert list(found["page"]) == PAGE
    incidents = found.get("incidents", [])
    for component in (*found.get("components", []), *(one for each in incidents for one in each["components"])):
        assert list(component) == COMPONENT + (["components"] if component["group"] else [])
        assert component["start_date"] is None or re.fullmatch(r"\d{4}-\d\d-\d\d", component["start_date"])
    for incident in incidents:
        assert list(incident) == INCIDENT
        for update in incident["incident_updates"]:
            assert list(update) == UPDATE
            assert [list(one) for one in update["affected_components"]] == [AFFECTED]
    assert bool(incidents) is ("incidents" in found)
    assert [time for time in every_time(found) if not TIME.fullmatch(time)] == []


def test_what_it_says_is_what_the_page_says(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    summary = document(hub, "summary")
    (incident,) = summary["incidents"]
    assert incident["created_at"] == "2026-03-02T15:04:00.000+01:00"
    assert incident["incident_updates"][0]["affected_components"][0]["name"] == "Payments - Checkout"
    group = next(row for row in summary["components"] if row["name"] == "Payments")
    checkout = next(row for row in summary["components"] if row["name"] == "Checkout")
    assert (group["components"], checkout["group_id"]) == ([checkout["id"]], group["id"])
    assert (group["status"], checkout["status"]) == ("degraded_performance", "degraded_performance")
    status = {"indicator": "minor", "description": "Partially Degraded Service"}
    assert document(hub, "status")["status"] == summary["status"] == status
    assert document(hub, "components")["components"] == summary["components"]
    assert document(hub, "incidents")["incidents"] == document(hub, "incidents/unresolved")["incidents"]


def test_what_is_over_is_in_the_list_and_not_among_the_unresolved(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    hub.event("rollback.finished")
    incident = hub.incident()
    hub.sign_in()
    hub.console(f"/console/incidents/{incident}/resolve", f"/console/incidents/{incident}", note="")
    assert document(hub, "incidents/unresolved")["incidents"] == []
    (over,) = document(hub, "incidents")["incidents"]
    assert (over["status"], over["resolved_at"] is None) == ("resolved", False)
    states = [update["status"] for update in over["incident_updates"]]
    assert (states[0], states[-1]) == ("resolved", "identified")  # newest first


def test_nothing_is_said_of_what_customers_do_not_know(hub: House) -> None:
    canary(hub)
    rolled_back(hub, evidence="none")
    assert document(hub, "incidents")["incidents"] == document(hub, "summary")["incidents"] == []


def test_times_of_a_page_in_utc_end_in_z(tmp_path: Any) -> None:
    site = site_with(tmp_path)
    text = site.read_text(encoding="utf-8")
    site.write_text(re.sub(r"time_zone: .*", "time_zone: UTC", text), encoding="utf-8")
    url = f"sqlite:///{tmp_path}/hub.db"
    with house(url, tmp_path, site=site, playbooks_dir=packaged("playbooks")) as hub:
        page = document(hub, "summary")["page"]
    assert (page["time_zone"], page["updated_at"]) == ("Etc/UTC", "2026-03-02T14:00:00.000Z")


def test_pages_elsewhere_may_read_it(hub: House) -> None:
    answer = hub.web.get("/api/v2/summary.json", headers={"Origin": "https://elsewhere.example"})
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Expose-Headers"] == "ETag"
    assert answer.headers["ETag"].startswith('W/"')
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert answer.headers["Cache-Control"] == (
        "max-age=10, public, s-maxage=10, stale-while-revalidate=20, stale-if-error=3600"
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v2/proxy/acme"),  # a monitor asks here first, and takes any answer but 404 for another product
        ("GET", "/api/v2/incidents.json/"),
        ("HEAD", "/api/v2/"),
        ("POST", "/api/v2/subscribers.json"),
        ("DELETE", "/api/v2/summary.json"),
    ],
)
def test_what_is_not_there_is_404_without_a_word(hub: House, method: str, path: str) -> None:
    answer = hub.web.open(path, method=method)
    assert (answer.status_code, answer.data) == (404, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
