"""A broken rule for words is named with its file and line, by `trusthub check` too."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from trusthub.cli import main
from trusthub.errors import PlaybookError
from trusthub.services import wording
from trusthub.settings import packaged

PLACES = [
    ("de.yaml", "    name: any-inconvenience\n", "", "  A03:\n", "rules.A03: 'name' is missing. Add it."),
    ("en.yaml", "  notice: {}\n", "  notice: {A01: bad}\n", "  notice:", "owed.notice.A01: 'bad' is unknown."),
    ("en.yaml", r"'\blorem ipsum\b|", r"'(\blorem ipsum\b|", r"'(\blorem ipsum", "rules.L03.find[5]: "),
    ("en.yaml", "severity: advice\n    longest", "severity: hint\n    longest", "severity: hint", "'hint' is unknown."),
    ("house.yaml", "    role: ", "    rule: ", "    rule: ", "role is missing. Add it."),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    templates = Path(shutil.copytree(packaged("templates"), tmp_path / "templates"))
    monkeypatch.setenv("TRUSTHUB_TEMPLATES_DIR", str(templates))
    monkeypatch.setenv("TRUSTHUB_SITE", str(packaged("playbooks") / "site.yaml"))
    return templates


def spoil(path: Path, good: str, bad: str, mark: str) -> int:
    """Put something wrong into a file; return the line on which its mark stands."""
    text = path.read_text(encoding="utf-8")
    assert good in text
    text = text.replace(good, bad, 1)
    path.write_text(text, encoding="utf-8")
    return text[: text.index(mark)].count("\n") + 1


@pytest.mark.parametrize(("file", "good", "bad", "mark", "complaint"), PLACES)
def test_a_broken_rule_is_named_with_its_line(
    folder: Path, file: str, good: str, bad: str, mark: str, complaint: str
) -> None:
    line = spoil(folder / "wording" / file, good, bad, mark)
    with pytest.raises(PlaybookError) as caught:
        wording.load(folder)
    assert complaint in str(caught.value)
    assert caught.value.file.endswith(file)
    assert abs(caught.value.line - line) <= 1  # a word of house.yaml begins above its first line


def test_check_reads_the_rules_too(folder: Path) -> None:
    line = spoil(folder / "wording" / "en.yaml", *PLACES[1][1:4])
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code != 0
    assert f"en.yaml:{line}: owed.notice.A01: 'bad' is unknown." in " ".join(result.output.replace("\n", "").split())
