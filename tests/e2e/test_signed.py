"""With `require_signed`, words that nobody stands for reach customers from a person only."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.e2e.house import House, house, site_with
from tests.e2e.test_publicity import canary, rolled_back
from trusthub.cli import main
from trusthub.settings import packaged


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(shutil.copytree(packaged("templates"), tmp_path / "templates"))
    monkeypatch.setenv("TRUSTHUB_TEMPLATES_DIR", str(folder))
    return folder


def strict(tmp_path: Path) -> Path:
    site = site_with(tmp_path)
    site.write_text(site.read_text(encoding="utf-8") + "\nrequire_signed: true\n", encoding="utf-8")
    return site


def play(tmp_path: Path, templates: Path) -> tuple[str, House]:
    url, site = f"sqlite:///{tmp_path}/hub.db", strict(tmp_path)
    with house(url, tmp_path, site=site, playbooks_dir=packaged("playbooks"), templates_dir=templates) as hub:
        canary(hub)
        words = rolled_back(hub)
        calm = hub.calm
        if calm:
            hub.sign_in()
            (incident,) = {line.split("/console/incidents/")[1][:12] for line in _links(hub)}
            hub.console(f"/console/incidents/{incident}/tell", f"/console/incidents/{incident}")
            assert not hub.calm  # a person has read it
        return words, hub


def _links(hub: House) -> list[str]:
    page = hub.web.get("/console/").text
    return [part for part in page.split('"') if "/console/incidents/" in part]


def test_unsigned_words_wait_for_a_person_and_staff_hear_why(tmp_path: Path, templates: Path) -> None:
    words, _ = play(tmp_path, templates)
    assert "(en) is not signed, and only signed words leave by themselves." in words
    assert "[Tell customers]" in words


def test_signed_words_leave_by_themselves(tmp_path: Path, templates: Path) -> None:
    signed = CliRunner().invoke(main, ["sign", "--all", "--name", "Mira"])
    assert signed.exit_code == 0, signed.output
    assert "Mira has signed" in signed.output
    words, _ = play(tmp_path, templates)
    assert "Customers have been told" in words
    part = templates / "messages" / "_next.txt"
    part.write_text(part.read_text(encoding="utf-8") + "Or later.", encoding="utf-8")
    checked = CliRunner().invoke(main, ["check"], env={"TRUSTHUB_SITE": str(packaged("playbooks") / "site.yaml")})
    assert "incident.identified (en) was edited after Mira signed it on" in checked.output


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (["incident.identifed", "--name", "Mira"], "Did you mean 'incident.identified'?"),
        (["incident.identified", "--name", "Mira", "--locale", "dee"], "Did you mean 'de'?"),
        (["--name", "Mira"], "Name the messages, or write --all."),
        (["incident.identified", "--all", "--name", "Mira"], "Name the messages, or write --all."),
        (["incident.identified", "--name", " "], "The name is empty"),
    ],
)
def test_a_wrong_word_signs_nothing(templates: Path, arguments: list[str], cure: str) -> None:
    answer = CliRunner().invoke(main, ["sign", *arguments])
    assert answer.exit_code == 2
    assert cure in answer.output
    assert not (templates / "messages" / "signatures.yaml").exists()
