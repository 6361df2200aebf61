"""The rules that keep the house in shape. A change that breaks one of them is seen here, not by a customer."""

import re
import subprocess
from pathlib import Path

import pytest

from trusthub.settings import Settings
from trusthub.sources import SOURCES

ROOT = Path(__file__).parent.parent
CODE = sorted((ROOT / "trusthub").rglob("*.py"))
LONG = 400


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines()]


def test_there_is_one_commit() -> None:
    found = [path for path in CODE for _ in re.finditer(r"\.commit\(", path.read_text(encoding="utf-8"))]
    assert [path.name for path in found] == ["session.py"]


def test_no_module_is_too_long() -> None:
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines()) for path in CODE if "versions" not in path.parts
    }
    assert [path for path, length in lengths.items() if length > LONG] == []
    assert sorted(lengths.values())[len(lengths) // 2] < 120


def test_every_setting_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [name for name in Settings.model_fields if f"TRUSTHUB_{name.upper()}" not in readme and name != "demo"]
    assert missing == []


def test_every_source_has_its_section() -> None:
    text = (ROOT / "trusthub" / "sources" / "README.md").read_text(encoding="utf-8")
    assert [name for name in SOURCES if f"/hooks/{name}" not in text] == []


@pytest.mark.parametrize(
    "pattern", [r"\.\./sha" + "red", r"/wo" + "rk/", r"/ro" + "ot/", r"pypi\.o" + "rg", r"files\.pythonho" + "sted"]
)
def test_nothing_points_out_of_the_house(pattern: str) -> None:
    found = []
    for path in tracked():
        if path.suffix in {".png", ".ico"} or path.relative_to(ROOT).as_posix() == ".ci/run":
            continue
        if path.exists() and re.search(pattern, path.read_text(encoding="utf-8", errors="replace")):
            found.append(path)
    assert found == []
