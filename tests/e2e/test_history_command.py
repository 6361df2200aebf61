"""`trusthub export` and `trusthub import`: a history goes from one hub to another, and comes over from Statuspage."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests.e2e.house import House, house
from tests.e2e.test_history import ended, listed
from trusthub.cli import main
from trusthub.store.tables import Delivery, Event

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = NOW.replace(hour=0, minute=0, second=0) - timedelta(days=20)


def at(hour: int, minute: int = 0) -> str:
    return f"{DAY + timedelta(hours=hour, minutes=minute):%Y-%m-%dT%H:%M:%S}.000Z"


def update(number: int, status: str, when: str, body: str, changed: str | None = None) -> dict[str, Any]:
    affected = [{"code": "zzzzzzzzzzzz", "name": "Payments - Checkout", "old_status": "operational"}]
    return {
        "id": f"update00000{number}",
        "status": status,
        "body": body,
        "created_at": when,
        "display_at": when,
        "affected_components": [{**affected[0], "new_status": changed}] if changed else None,
        "deliver_notifications": True,
    }


OUTAGE = {
    "id": "yn6q124l9xx6",
    "name": "Payments fail",
    "status": "postmortem",
    "impact": "critical",
    "created_at": at(10, 5),
    "started_at": at(10),
    "resolved_at": at(12),
    "monitoring_at": None,
    "updated_at": at(13),
    "shortlink": "https://stspg.example/x",
    "incident_updates": [  # newest first, as Statuspage has them
        update(3, "postmortem", at(13), "We looked into it."),
        update(2, "resolved", at(12), "It works again.", "operational"),
        update(1, "investigating", at(10, 5), "We look into it.<br />Fees &amp; more <b>fail</b>.", "major_outage"),
    ],
    "components": [{"id": "zzzzzzzzzzzz", "name": "Checkout", "status": "operational"}],
}
WORK = {
    **OUTAGE,
    "id": "A-long-id-of-another-tool",
    "name": "New disks",
    "status": "completed",
    "impact": "maintenance",
    "scheduled_for": at(2),
    "scheduled_until": at(3),
    "resolved_at": at(3),
    "incident_updates": [update(9, "completed", at(3), "Done.")],
}
OPEN = {**OUTAGE, "id": "open00000000", "name": "Still going on", "status": "identified", "resolved_at": None}


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[House]:
    with house(database_url, tmp_path) as made:
        yield made


def command(hub: House, *words: object) -> str:
    """Run `trusthub`; return what it says."""
    settings = hub.parts.settings
    variables = {
        "TRUSTHUB_DATABASE_URL": settings.database_url,
        "TRUSTHUB_SECRET_KEY": "test-secret",
        "TRUSTHUB_SITE": str(settings.site),
    }
    result = CliRunner().invoke(main, [str(word) for word in words], env=variables)
    assert result.exit_code in (0, 1), result.output
    return result.output


def written(folder: Path, document: object) -> Path:
    file = folder / "history.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def counts(hub: House) -> tuple[int, ...]:
    with hub.parts.hub.database.reading() as session:
        return tuple(
            session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in (Delivery, Event)
        )


def exported(hub: House, file: Path) -> Any:
    command(hub, "export", file)
    return json.loads(file.read_text(encoding="utf-8"))


def incidents(hub: House) -> list[Any]:
    found: list[Any] = json.loads(hub.web.get("/api/v2/incidents.json").data)["incidents"]
    return found


def test_a_history_moves_to_another_hub_and_is_the_same_there(hub: House, tmp_path: Path) -> None:
    incident = ended(hub)
    document = exported(hub, tmp_path / "out.json")
    assert (document["format"], document["version"]) == ("trusthub-history", 1)
    (one,) = document["incidents"]
    assert (one["id"], one["status"], one["components"]) == (incident, "resolved", ["checkout"])
    assert {each["standing"] for each in one["promises"]} <= {"kept", "missed", "withdrawn"}
    assert "decision" not in one
    assert "Mira" not in (tmp_path / "out.json").read_text(encoding="utf-8")

    (tmp_path / "new").mkdir()
    with house(f"sqlite:///{tmp_path}/new/hub.db", tmp_path / "new") as other:
        before = counts(other)
        assert command(other, "import", tmp_path / "out.json") == "1 incidents are taken over, 0 are here already.\n"
        assert counts(other) == before
        assert exported(other, tmp_path / "again.json")["incidents"] == document["incidents"]
        assert listed(other, "/history/2026-03") == [incident]
        assert "/promises/2026-03" in other.page("/promises")
        assert incident in other.page("/promises/2026-03")
        assert f"/incidents/{incident}" in other.page(f"/incidents/{incident}")
        assert command(other, "import", tmp_path / "out.json") == "0 incidents are taken over, 1 are here already.\n"
        assert exported(other, tmp_path / "third.json")["incidents"] == document["incidents"]
        assert other.heard() == []


def test_statuspages_history_is_taken_over(hub: House, tmp_path: Path) -> None:
    document = {"page": {"id": "p", "name": "Old"}, "incidents": [OUTAGE, OPEN], "scheduled_maintenances": [WORK]}
    file, before = written(tmp_path, document), counts(hub)
    plan = command(hub, "import", file, "--dry-run")
    assert plan.startswith("2 incidents would be taken over, 0 are here already.\n1 are not over and stay out ('Still")
    assert incidents(hub) == []
    assert command(hub, "import", file).startswith("2 incidents are taken over")
    assert counts(hub) == before

    (one,) = incidents(hub)
    assert (one["id"], one["name"], one["impact"], one["status"]) == (
        OUTAGE["id"],
        "Payments fail",
        "critical",
        "resolved",
    )
    assert [each["id"] for each in one["incident_updates"]] == ["update000003", "update000002", "update000001"]
    assert one["incident_updates"][-1]["body"] == "We look into it.\n\nFees & more fail."
    page = hub.page(f"/incidents/{OUTAGE['id']}")
    assert "Fees &amp; more fail." in page
    month = f"/history/{DAY:%Y-%m}"
    assert listed(hub, month) == [OUTAGE["id"]]
    works = json.loads(hub.web.get("/api/v2/scheduled-maintenances.json").data)["scheduled_maintenances"]
    assert [(each["name"], each["status"]) for each in works] == [("New disks", "completed")]

    checkout = next(row for row in exported(hub, tmp_path / "out.json")["components"] if row["key"] == "checkout")
    known = timedelta(days=89) + (NOW - NOW.replace(hour=0, minute=0, second=0))  # 2 hours of it were a major outage
    assert checkout["uptime_90_days"] == pytest.approx(100 * (1 - timedelta(hours=2) / known), abs=0.01)

    assert command(hub, "import", file).startswith("0 incidents are taken over, 2 are here already.")
    assert len(incidents(hub)) == 1
    assert hub.heard() == []


def test_the_management_apis_list_is_read_too(hub: House, tmp_path: Path) -> None:
    assert command(hub, "import", written(tmp_path, [OUTAGE])).startswith("1 incidents are taken over")


def test_a_month_that_is_rendered_already_shows_what_comes_later(hub: House, tmp_path: Path) -> None:
    second = {**OUTAGE, "id": "second000000", "name": "Again"}
    command(hub, "import", written(tmp_path, [OUTAGE]))
    command(hub, "import", written(tmp_path, [OUTAGE, second]))
    assert sorted(listed(hub, f"/history/{DAY:%Y-%m}")) == sorted(["second000000", str(OUTAGE["id"])])


def test_components_go_by_other_names(hub: House, tmp_path: Path) -> None:
    moved = {
        **OUTAGE,
        "incident_updates": [],
        "components": [{"id": "x", "name": "Old API"}, {"id": "y", "name": "Gone"}],
    }
    file = written(tmp_path, [moved])
    said = command(hub, "import", file)
    assert "site.yaml has no component called 'Old API', 'Gone'." in said
    assert "--component 'Old API=<id>'" in said
    assert "There is no component 'serch' in site.yaml. Did you mean 'search'?" in command(
        hub, "import", file, "--component", "Old API=serch", "--component", "Gone="
    )
    assert incidents(hub) == []
    assert command(hub, "import", file, "--component", "Old API=search", "--component", "Gone=").startswith("1 incid")
    assert [each["name"] for each in incidents(hub)[0]["components"]] == ["Search"]


MISTAKES: dict[str, tuple[str, str]] = {
    "no JSON": ('{"incidents": [\n,]}', "history.json:2: is not JSON: Expecting value."),
    "something else": ('{"monitors": []}', "history.json is no history that is known."),
    "a newer format": ('{"format": "trusthub-history", "version": 2}', "in version 2 is not known"),
    "a broken time": (
        '{"incidents": [\n' + json.dumps(OUTAGE) + ",\n" + json.dumps({**OUTAGE, "started_at": "yesterday"}) + "]}",
        "history.json:3: incidents[1].started_at: ",
    ),
    "an unknown status": (
        "[\n" + json.dumps({**OUTAGE, "status": "paused"}, indent=1) + "]",
        f"history.json:{3 + list(OUTAGE).index('status')}: incidents[0].status: ",
    ),
}


@pytest.mark.parametrize(("text", "said"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_named_with_its_place(hub: House, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "history.json").write_text(text, encoding="utf-8")
    output = command(hub, "import", tmp_path / "history.json")
    assert said in output
    assert "Traceback" not in output
    assert incidents(hub) == []
