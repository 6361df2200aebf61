"""What the hub says to visitors, in templates and out of code, has its German as well."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import trusthub
from trusthub.rendering.templates import opened
from trusthub.settings import packaged

HOUSE = Path(trusthub.__file__).parent
MODULES = (
    "app.py", "domain/attachment.py", "services/files.py", "web/answers.py", "web/forms.py", "web/public.py",
    "web/subscribe.py", "web/threads.py",
)  # fmt: skip
"""Where sentences of pages.yaml stand."""
ENGLISH = {"sandbox.html", "preview.html"}
"""Pages for developers."""
PAGES = sorted(path for path in (packaged("templates") / "pages").glob("*.html") if path.name not in ENGLISH)


def sentences(path: Path) -> Iterator[str]:
    """Yield each text that is a sentence and no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    silent |= {id(each) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for each in node.values}
    ours = {id(each) for node in ast.walk(tree) if isinstance(node, ast.Call) and _ours(node) for each in node.args}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent | ours:
            text = node.value
            if (
                not text.startswith("TRUSTHUB_")
                and text[:1].isupper()
                and " " in text
                and (text.endswith(".") or "." not in text)
            ):
                yield text


def _ours(call: ast.Call) -> bool:
    """Whether a call speaks to the operator and not to visitors."""
    return isinstance(call.func, ast.Name) and call.func.id == "PlaybookError"


@pytest.mark.parametrize("module", MODULES)
def test_every_sentence_for_visitors_has_its_german(module: str) -> None:
    german = opened(packaged("templates")).locale("de").pages
    missing = [text for text in sentences(HOUSE / module) if text not in german]
    assert missing == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_sentence_of_a_public_page_has_its_german(path: Path) -> None:
    german = opened(packaged("templates")).locale("de").pages
    said = re.findall(r'\b_\("((?:[^"\\]|\\.)+)"', path.read_text(encoding="utf-8"))
    assert [text for text in said if text not in german] == []
