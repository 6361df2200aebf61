"""The trust report: in the console by component and month, as CSV, on the page when the site says so, and by mail."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.house import House, house, site_with
from trusthub.services.trust_mail import Monthly
from trusthub.settings import packaged


def shown_to_all(folder: Path) -> Path:
    site = site_with(folder)
    text = site.read_text(encoding="utf-8").replace("page:\n", "page:\n  trust: true\n  locales: [en, de]\n", 1)
    site.write_text(text, encoding="utf-8")
    return site


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    url = f"sqlite:///{tmp_path}/hub.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with house(url, tmp_path, site=shown_to_all(tmp_path), playbooks_dir=packaged("playbooks")) as made:
        roll_back(made)
        yield made


def roll_back(hub: House) -> None:
    """Let a rollout fail in public, and a customer be answered and served."""
    hub.event("rollout.started", exposure=5)
    hub.event("rollback.started", evidence="failed_analysis")
    hub.answer(hub.incident(), words="I cannot pay.", email="ana@customer.example")
    hub.sign_in()
    page = hub.web.get("/console/").text
    thread = page.split("/console/threads/")[1][:12]
    hub.clock.forward(minutes=12)
    hub.console(f"/console/threads/{thread}/reply", form_at=f"/console/threads/{thread}", words="You are right.")
    hub.event("rollback.finished", exposure=0)
    for _ in range(6):
        hub.wait()


def rows(hub: House) -> dict[tuple[str, str, str], dict[str, str]]:
    answer = hub.web.get("/console/trust.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    found = csv.DictReader(io.StringIO(answer.text))
    return {(row["month"], row["component"], row["metric"]): row for row in found}


def test_each_figure_says_of_how_many_by_component_and_month(hub: House) -> None:
    hub.sign_in()
    found = rows(hub)
    reply = found["2026-03", "checkout", "first_reply"]
    assert (reply["n"], reply["value"], reply["unit"]) == ("1", "12.0", "minutes")
    assert found["2026-03", "", "first_reply"]["n"] == "1"
    assert found["2026-03", "search", "first_reply"]["n"] == "0"
    failed = found["2026-03", "checkout", "change_failure"]
    assert (failed["n"], failed["value"]) == ("1", "")  # no percentage of one
    assert found["2026-03", "checkout", "heard_first"]["n"] == "1"
    assert found["2026-03", "checkout", "undo"]["n"] == "1"
    assert found["2026-03", "checkout", "promises"]["n"] != "0"
    hub.clock.forward(days=35)
    hub.sign_in()
    assert rows(hub)["2026-04", "checkout", "first_reply"]["baseline_n"] == "1"


def test_the_console_shows_a_month_of_a_component(hub: House) -> None:
    hub.sign_in()
    shown = hub.web.get("/console/trust?month=2026-03&component=checkout").text
    assert "Trust report, March 2026" in shown
    assert "12 minutes" in shown
    assert "too few for a share" in shown
    assert '<svg class="curve"' in shown
    nothing = hub.web.get("/console/trust?month=2031-01&component=<script>").text
    assert "Trust report, March 2026" in nothing
    assert "<script>" not in nothing


def test_visitors_read_the_short_form_of_the_last_whole_month(hub: House) -> None:
    hub.clock.forward(days=35)
    shown = hub.web.get("/trust").text
    assert "Whether you can rely on our word" in shown
    assert "March 2026" in shown
    assert "12 minutes" in shown
    assert "Changes that failed" not in shown
    assert "Ob man sich auf unser Wort verlassen kann" in hub.web.get("/de/trust").text
    assert hub.web.get("/fr/trust").status_code == 404
    assert "http://hub.example/trust" in hub.page()


def test_a_page_that_does_not_say_so_keeps_it_to_itself(tmp_path: Path) -> None:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path) as made:
        assert made.web.get("/trust").status_code == 404
        assert "/trust" not in made.page()


def mails(hub: House) -> list[str]:
    return [body["subject"] for body in hub.sendgrid.messages if "trust report" in body.get("subject", "")]


def test_stakeholders_get_it_once_a_month_whoever_sends_it(hub: House) -> None:
    workers = [Monthly(hub.parts.hub) for _ in range(3)]
    hub.clock.now = hub.clock.now.replace(month=4, day=1, hour=4)
    for each in workers:
        each.watch(hub.clock.now)
    hub.parts.worker.drain()
    assert mails(hub) == []  # six in the morning of the page
    for _ in range(2):
        hub.clock.forward(hours=3)
        for each in workers:
            each.watch(hub.clock.now)
        hub.parts.worker.drain()
    assert mails(hub) == ["Acme: trust report for March 2026"]


def test_a_month_in_which_nothing_happened_is_no_news(hub: House) -> None:
    hub.clock.now = hub.clock.now.replace(month=5, day=1, hour=9)
    Monthly(hub.parts.hub).watch(hub.clock.now)
    hub.parts.worker.drain()
    assert mails(hub) == []
