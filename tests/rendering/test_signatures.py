"""Who stands for which words, and what voids it."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from tests.rendering.cases import CHECKOUT
from trusthub.errors import PlaybookError
from trusthub.rendering.signatures import sign, unsigned
from trusthub.rendering.templates import Templates

MESSAGE, TODAY = "incident.identified", date(2026, 11, 22)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CHECKOUT / "templates", tmp_path / "templates"))


def problems(root: Path, *locales: str) -> list[str]:
    return [str(each) for each in unsigned(Templates(root), [MESSAGE], locales or ("en", "de"))]


def test_words_that_nobody_signed_are_named_by_language(root: Path) -> None:
    assert problems(root) == [f"{MESSAGE} (en) is not signed", f"{MESSAGE} (de) is not signed"]
    sign(Templates(root), [MESSAGE], ["de"], "Mira", TODAY)
    assert problems(root) == [f"{MESSAGE} (en) is not signed"]


@pytest.mark.parametrize("edited", ["incident.identified/body.md", "incident.identified/subject.txt", "_next.txt"])
def test_an_edit_of_any_part_voids_it(root: Path, edited: str) -> None:
    sign(Templates(root), [MESSAGE], ["en", "de"], "Mira", TODAY)
    assert problems(root) == []
    with (root / "messages" / edited).open("a", encoding="utf-8") as file:
        file.write("More.")
    assert problems(root) == [f"{MESSAGE} (en) was edited after Mira signed it on 2026-11-22"]


def test_a_part_that_it_does_not_include_may_change(root: Path) -> None:
    sign(Templates(root), [MESSAGE], ["en"], "Mira", TODAY)
    (root / "messages" / "_staff_plan.txt").write_text("Other words.", encoding="utf-8")
    assert problems(root, "en") == []


def test_a_words_file_for_slack_that_is_new_voids_it(root: Path) -> None:
    sign(Templates(root), [MESSAGE], ["en"], "Mira", TODAY)
    (root / "messages" / MESSAGE / "slack.md").write_text("Short.", encoding="utf-8")
    assert "was edited" in problems(root, "en")[0]


def test_a_file_that_is_damaged_is_named(root: Path) -> None:
    (root / "messages" / "signatures.yaml").write_text("incident.identified: {en: {name: Mira}}", encoding="utf-8")
    with pytest.raises(PlaybookError, match=r"signatures\.yaml:1: cannot be read"):
        problems(root)
