"""`trusthub maintenance`: work is planned from a script, shown, and called off."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.e2e.house import House, house
from tests.e2e.test_maintenance import listed, moments
from trusthub.cli import main

BEGIN = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(days=3)
END = BEGIN + timedelta(hours=1)
WINDOW = ("--from", f"{BEGIN:%Y-%m-%dT%H:%M}", "--until", f"{END.astimezone():%Y-%m-%dT%H:%M%z}")
"""Without its offset a time is UTC."""
SAID = ("--component", "checkout", "--effect", "You cannot pay.", "--by", "Mira")


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[House]:
    with house(database_url, tmp_path) as made:
        yield made


@pytest.fixture
def command(hub: House, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("TRUSTHUB_DATABASE_URL", hub.parts.settings.database_url)
    monkeypatch.setenv("TRUSTHUB_SECRET_KEY", "test-secret")
    return lambda *words: CliRunner().invoke(main, ["maintenance", *words])


def test_work_is_planned_shown_and_called_off(hub: House, command: Callable[..., Result]) -> None:
    planned = command("plan", "Checkout moves", *WINDOW, *SAID)
    assert planned.exit_code == 0, planned.output
    work = planned.output.strip().removeprefix("https://status.acme.example/incidents/")
    window = f"{BEGIN:%Y-%m-%d %H:%M} to {END:%Y-%m-%d %H:%M} UTC"
    assert command("list").output.splitlines() == [f"{work}\tscheduled\t{window}\tCheckout moves"]
    hub.clock.now = datetime.now(UTC)
    hub.parts.worker.drain()
    assert [row["id"] for row in listed(hub, "/upcoming")] == [work]
    assert command("cancel", work, "--by", "Mira", "--note", "Not needed.").output == f"{work} is called off.\n"
    assert moments(hub) == ["maintenance.planned", "maintenance.cancelled"]
    assert command("list").output == ""


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("plan", "X", *WINDOW, *SAID[2:], "--component", "cart"), "There is no component 'cart'."),
        (("plan", "X", "--from", "2020-01-01T02:00", *WINDOW[2:], *SAID), "has to begin in the future"),
        (("plan", "X", "--from", "tonight", *WINDOW[2:], *SAID), "'tonight' is no time. Write it like"),
        (("cancel", "nowhere00000", "--by", "Mira"), "There is no such planned work."),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(
    hub: House, command: Callable[..., Result], words: tuple[str, ...], why: str
) -> None:
    result = command(*words)
    assert result.exit_code != 0
    assert why in result.output
    assert moments(hub) == []
