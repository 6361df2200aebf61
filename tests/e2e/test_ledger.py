"""Every promise and how it ended, for everybody, for readers of one incident, or for staff only."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.house import House, house, site_with
from tests.e2e.test_promises import until, write
from tests.e2e.test_publicity import canary, rolled_back


def ledger(hub: House, path: str = "/promises.json") -> dict[str, Any]:
    answer = hub.web.get(path)
    assert answer.status_code == 200
    found: dict[str, Any] = json.loads(answer.data)
    return found


def standings(hub: House) -> list[tuple[str, str]]:
    return [(each["kind"], each["standing"]) for each in ledger(hub)["promises"]]


def test_what_became_of_each_promise_is_public(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    incident = hub.incident()
    until(hub, "14:14")
    hub.sign_in()
    hub.clock.forward(minutes=1)
    write(hub, note="Two servers are slow to stop.", state="identified", recovery="14:30")
    hub.clock.forward(minutes=1)
    write(hub, note="A third is.", state="identified", recovery="14:40")
    hub.event("rollback.finished")
    found = ledger(hub)
    (month,) = found["months"]
    assert month == {
        "month": "2026-03",
        "url": "https://status.acme.example/promises/2026-03.json",
        "made": 8,
        "kept": 5,
        "missed": 1,
        "withdrawn": 1,
        "pending": 1,
        "kept_percent": None,
    }
    first, withdrawn = found["promises"][-1], next(p for p in found["promises"] if p["standing"] == "withdrawn")
    assert first["incident"]["url"] == f"https://status.acme.example/incidents/{incident}"
    assert (withdrawn["due"], withdrawn["replaced_by"]) == ("2026-03-02T14:30:00Z", "2026-03-02T14:40:00Z")
    page = hub.page("/promises")
    assert "8 promises: 5 kept, 1 missed, 1 withdrawn, 1 not due yet." in page
    assert "%" not in page.split("<main")[1]
    assert f'href="https://status.acme.example/incidents/{incident}"' in page
    assert 'href="https://status.acme.example/promises"' in hub.page("/")
    assert hub.page("/promises/2026-03").count('class="kept"') == 5


def test_a_share_is_shown_from_ten_on(hub: House) -> None:
    for number in range(6):
        hub.event("rollout.progressed", exposure=5, to_version=f"2.8.{number}")
        hub.event("rollback.started", evidence="failed_analysis", to_version=f"2.8.{number}")
        hub.event("rollback.finished", to_version=f"2.8.{number}")
        hub.clock.forward(hours=1)
        hub.parts.worker.drain()
    (month,) = ledger(hub)["months"]
    assert month["kept"] + month["missed"] >= 10
    assert month["kept_percent"] == round(100 * month["kept"] / (month["kept"] + month["missed"]), 1)
    assert "that came due," in hub.page("/promises")


def test_a_month_keeps_its_page_when_the_next_begins(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    hub.event("rollback.finished")
    while hub.wait():
        pass
    before = hub.page("/promises/2026-03")
    hub.clock.forward(days=31)
    hub.event("rollout.progressed", exposure=5, to_version="2.9.0")
    hub.event("rollback.started", evidence="failed_analysis", to_version="2.9.0")
    assert [month["month"] for month in ledger(hub)["months"]] == ["2026-04", "2026-03"]
    assert hub.page("/promises/2026-03") == before
    april = ledger(hub, "/promises/2026-04.json")
    assert {each["made_at"][:7] for each in april["promises"]} == {"2026-04"}


def test_nothing_of_it_is_about_what_customers_do_not_know(hub: House) -> None:
    canary(hub)
    rolled_back(hub, evidence="none")
    assert ledger(hub) == {
        "page": {"name": "Acme", "url": "https://status.acme.example"},
        "months": [],
        "promises": [],
    }
    assert "So far we had nothing to promise." in hub.page("/promises")


@pytest.mark.parametrize(("seen_by", "on_incident"), [("incident", True), ("internal", False)])
def test_a_page_may_keep_it_to_itself(tmp_path: Path, seen_by: str, *, on_incident: bool) -> None:
    url, folder, place = f"sqlite:///{tmp_path}/hub.db", tmp_path / "public", site_with(tmp_path)
    books = {"publish_dir": folder, "site": place, "playbooks_dir": Path("playbooks").resolve()}
    text = place.read_text(encoding="utf-8").replace("  name: Acme\n", "  name: Acme\n  locales: [en, de]\n", 1)
    place.write_text(text, encoding="utf-8")
    with house(url, tmp_path, **books) as hub:
        canary(hub)
        rolled_back(hub)
        assert (folder / "promises" / "index.html").exists()
        assert (folder / "de" / "promises" / "index.html").exists()
        assert (folder / "promises.json").exists()
    place.write_text(text.replace("  name: Acme\n", f"  name: Acme\n  promises: {seen_by}\n", 1), encoding="utf-8")
    with house(url, tmp_path, **books) as hub:
        hub.clock.now += timedelta(minutes=10)
        hub.event("rollback.finished")
        (incident,) = hub.summary()["incidents"]
        assert hub.web.get("/promises").status_code == hub.web.get("/promises/2026-03.json").status_code == 404
        assert hub.web.get("/de/promises").status_code == 404
        assert not (folder / "promises").exists()
        assert not (folder / "de" / "promises").exists()
        assert not (folder / "promises.json").exists()
        assert ("What we promised" in hub.page(f"/incidents/{incident['id']}")) is on_incident
        assert ("kept," in hub.page()) is on_incident
        assert '/promises"' not in hub.page() + hub.page(f"/incidents/{incident['id']}")
        hub.sign_in()
        assert "An update by" in hub.page("/console/promises")
