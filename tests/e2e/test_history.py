"""The history, month by month and by component, and the bars: pages of their own that change when an incident does."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.e2e.house import House, house
from tests.e2e.test_corrections import correct
from tests.e2e.test_languages import speaking
from tests.e2e.test_publicity import canary, rolled_back
from trusthub.services import publish


def component(hub: House, name: str) -> str:
    """Return a component's id on the page."""
    return next(str(row["id"]) for row in hub.summary()["components"] if row["name"] == name)


def ended(hub: House, version: str = "2.8.0") -> str:
    """Let a rollback of Checkout begin and end in front of everybody; return its incident."""
    hub.event("rollout.progressed", exposure=5, to_version=version)
    hub.event("rollback.started", evidence="failed_analysis", to_version=version)
    incident = hub.incident()
    hub.clock.forward(minutes=19)
    hub.event("rollback.finished", to_version=version)
    hub.sign_in()
    hub.console(f"/console/incidents/{incident}/resolve", f"/console/incidents/{incident}", note="")
    assert hub.calm
    return incident


def listed(hub: House, path: str) -> list[str]:
    """Return the incidents on a page of the history, as it has them."""
    return re.findall(r'<a href="https://status.acme.example(?:/\w\w)?/incidents/(\w+)"', hub.page(path))


def table(hub: House) -> list[list[str]]:
    """Return the days with trouble, as the status page has them."""
    rows = re.findall(r'<tr data-of="\w+">(.*?)</tr>', hub.page(), re.DOTALL)
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td>.*?</td>", row)] for row in rows]


def test_an_incident_is_found_by_month_and_by_component(hub: House) -> None:
    incident, checkout, api = ended(hub), component(hub, "Checkout"), component(hub, "Search")
    for path in ("/history", "/history/2026-03", f"/history/{checkout}", f"/history/{checkout}/2026-03"):
        assert listed(hub, path) == [incident], path
    overview = hub.page("/history")
    assert overview.count("No incidents.") == 2  # January and February
    assert 'href="/history/2026-03"' in overview
    assert f'href="/history/{api}"' in overview
    assert "Resolved after 21 minutes" in " ".join(overview.split())
    assert hub.page(f"/history/{api}").count("No incidents.") == 3
    assert hub.web.get(f"/history/{api}/2026-03").status_code == 404
    assert f'href="/history/{api}' not in hub.page("/history/2026-03")  # a way that leads to nothing
    assert 'href="/history"' in hub.page()


def test_a_month_stays_as_it_is_when_the_next_begins(hub: House) -> None:
    first = ended(hub)
    tag = hub.web.get("/history/2026-03").headers["ETag"]
    hub.clock.now += timedelta(days=31)
    publish.refresh(hub.parts.hub, hub.clock.now)
    assert "April 2026" in hub.page("/history")
    second = ended(hub, "2.9.0")
    assert listed(hub, "/history") == [second, first]
    assert listed(hub, "/history/2026-04") == [second]
    assert hub.web.get("/history/2026-03").headers["ETag"] == tag


def test_an_incident_that_began_earlier_than_said_moves_to_its_month(hub: House) -> None:
    incident = ended(hub)
    correct(hub, incident, began="2026-02-28T23:30")
    assert listed(hub, "/history/2026-02") == [incident]
    assert listed(hub, "/history/2026-03") == []


def test_nothing_is_listed_that_customers_do_not_know(hub: House) -> None:
    canary(hub)
    rolled_back(hub, evidence="none")
    assert hub.page("/history").count("No incidents.") == 3
    assert table(hub) == []


def test_each_language_has_its_history(tmp_path: Path) -> None:
    with speaking(tmp_path, "[en, de]") as hub:
        incident = ended(hub)
        german = hub.page("/de/history")
        assert listed(hub, "/de/history") == [incident]
        for words in ("Alle Vorfälle", "März 2026", "Keine Vorfälle.", "Behoben nach"):
            assert words in german
        answer = hub.web.get("/history/2026-03", headers={"Accept-Language": "de"})
        assert answer.headers["Location"] == "/de/history/2026-03"
        status = hub.page("/de/")
        assert "Eingeschränkt (21 Minuten)" in status
        assert "Wie wir zählen" in status


def test_it_is_written_as_plain_files(tmp_path: Path) -> None:
    folder = tmp_path / "public"
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, publish_dir=folder) as hub:
        ended(hub)
        for path in ("history", "history/2026-03", f"history/{component(hub, 'Checkout')}"):
            assert (folder / path / "index.html").read_text(encoding="utf-8") == hub.page(f"/{path}")
        for name in ("history.rss", "feed.json", "badge.svg", "embed.js", "embed.json", "api/v2/incidents.json"):
            assert (folder / name).read_bytes() == hub.web.get(f"/{name}").data
        assert (folder / "static" / "bars.js").exists()


def test_the_bars_count_from_when_it_began(hub: House) -> None:
    incident = ended(hub)
    assert table(hub) == [["2 March 2026", "Checkout", "Degraded performance (21 minutes)"]]
    correct(hub, incident, began="2026-03-02T13:50", impact="critical")
    assert table(hub) == [["2 March 2026", "Checkout", "Degraded performance (32 minutes)"]]
    page = hub.page()
    assert "1 incident</a>" in page
    assert page.count('d="M445 7h3.4V32h-3.4z"') == 1  # today, and higher than a calm day
    assert "100 % uptime" in page  # degraded performance does not count, as the page says


def test_an_outage_counts_and_a_false_alarm_does_not(hub: House) -> None:
    hub.event("rollout.progressed", exposure=80)
    hub.event("rollback.started", evidence="failed_analysis")
    incident = hub.incident()
    hub.clock.forward(hours=1)
    publish.refresh(hub.parts.hub, hub.clock.now)
    ((_, _, words),) = table(hub)
    assert words == "Partial outage (1 hour 1 minute)"
    (share,) = set(re.findall(r"([\d.]+) % uptime · ", hub.page()))
    known = timedelta(hours=1, minutes=2)  # since Checkout is on the page
    assert float(share) == pytest.approx(100 - 30 * timedelta(hours=1, minutes=1) / known, abs=0.01)
    hub.sign_in()
    hub.console(f"/console/incidents/{incident}/false-alarm", f"/console/incidents/{incident}")
    assert table(hub) == []
    assert " incident</a>" not in hub.page()
    assert listed(hub, "/history") == [incident]  # it is said that it was one
