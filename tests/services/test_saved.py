"""Saved answers are tried before anybody needs them."""

import shutil
from pathlib import Path

import pytest

from trusthub.errors import PlaybookError
from trusthub.rendering.templates import Templates
from trusthub.services import saved
from trusthub.settings import packaged


def test_those_that_come_with_it_are_right_in_each_language() -> None:
    templates = Templates(packaged("templates"))
    saved.check(templates, ("en", "de"))
    assert saved.known(templates, "de") == saved.known(templates, "en") == ("going-back", "not-yet", "right")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("We are sorry if this hurt you.", "sorry if"),
        ("Hello {{ nobody }}", "nobody"),
        ("Hello {{ unclosed", "end of print"),
    ],
    ids=["words", "fact", "syntax"],
)
def test_a_wrong_one_is_named_with_its_file(tmp_path: Path, words: str, why: str) -> None:
    shutil.copytree(packaged("templates"), tmp_path / "templates")
    (tmp_path / "templates" / "replies" / "right" / "body.md").write_text(words, encoding="utf-8")
    with pytest.raises(PlaybookError, match=r"right/body\.md") as caught:
        saved.check(Templates(tmp_path / "templates"), ("en",))
    assert why in str(caught.value)
