"""`trusthub subscribers`: a list comes in, is shown, and one of it is forgotten."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.e2e.house import House, house
from tests.e2e.test_publicity import canary, rolled_back
from tests.services.test_mailing import fates, mailed
from trusthub.cli import main
from trusthub.services import subscribe

LIST = """address,components,zone
Ana@customer.example,checkout search,Europe/Berlin
ben@customer.example,,
"cem@customer.example",search,
"""


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[House]:
    with house(database_url, tmp_path) as made:
        yield made


@pytest.fixture
def command(hub: House, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("TRUSTHUB_DATABASE_URL", hub.parts.settings.database_url)
    monkeypatch.setenv("TRUSTHUB_SECRET_KEY", "test-secret")
    return lambda *words: CliRunner().invoke(main, ["subscribers", *words])


def test_a_list_comes_in_and_hears(hub: House, command: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(LIST, encoding="utf-8")
    assert "3 read, 3 of them new, 0 had stopped mail" in command("import", str(file)).output
    assert command("list").output.splitlines() == [
        "ana@customer.example\tcheckout search\thears",
        "ben@customer.example\teverything\thears",
        "cem@customer.example\tsearch\thears",
    ]
    canary(hub)
    rolled_back(hub)
    told = sorted(address for request in mailed(hub) for address in request)
    assert told == ["ana@customer.example", "ben@customer.example"]


def test_who_stopped_stays_without_however_often_the_list_comes(
    hub: House, command: Callable[..., Result], tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(LIST, encoding="utf-8")
    command("import", str(file))
    canary(hub)
    rolled_back(hub)
    link = hub.sendgrid.messages[-1]["personalizations"][0]["headers"]["List-Unsubscribe"].strip("<>")
    address = hub.sendgrid.messages[-1]["personalizations"][0]["to"][0]["email"]
    subscribe.stop(hub.parts.hub, link.rpartition("/")[2], hub.clock())
    file.write_text("address,components\nben@customer.example,search\nana@customer.example,\n", encoding="utf-8")
    assert "2 read, 0 of them new, 1 had stopped mail" in command("import", str(file)).output
    lines = dict(line.split("\t", 1) for line in command("list").output.splitlines())
    assert lines[address].endswith("stopped")
    assert lines["ben@customer.example"].startswith("search")
    assert lines["cem@customer.example"] == "search\thears"


def test_who_is_removed_is_forgotten_in_what_was_sent_too(
    hub: House, command: Callable[..., Result], tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(LIST, encoding="utf-8")
    command("import", str(file))
    canary(hub)
    rolled_back(hub)
    assert "Ben@customer.example is forgotten." in command("remove", "Ben@customer.example").output
    assert command("remove", "ben@customer.example").exit_code == 1
    assert "ben@customer.example" not in command("list").output
    assert "ben@customer.example" not in fates(hub)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mail\na@b.example\n", "list.csv:1: needs the column 'address'"),
        ("address,component\na@b.example,x\n", "list.csv:1: has no column 'component' here"),
        ("", "list.csv:1: needs the column 'address'"),
        ("address\na@b.example\nana\n", "list.csv:3: 'ana' is not a mail address"),
        ("address,components\na@b.example,chekout\n", "list.csv:2: site.yaml has no component 'chekout'"),
        ("address,zone\na@b.example,Mars\n", "list.csv:2: 'Mars' is not a time zone"),
        ("address\na@b.example,x\n", "list.csv:2: has more fields than the first line"),
    ],
)
def test_a_mistake_names_its_line_and_nothing_is_taken(
    command: Callable[..., Result], tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(text, encoding="utf-8")
    result = command("import", str(file))
    assert (result.exit_code, words in result.output) == (1, True), result.output
    assert command("list").output == ""
