"""Golden files: what leaves the house, written down so that a change of it is read by a person.

`TRUSTHUB_GOLDEN=write` (or `make golden`) writes them anew; then read the diff.
"""

import json
import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def check(name: str, actual: str) -> None:
    """Compare with the file of that name below tests/golden."""
    file = FOLDER / name
    if os.environ.get("TRUSTHUB_GOLDEN") == "write":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(actual, encoding="utf-8")
    assert file.exists(), f"There is no {file}: write it with `make golden`"
    assert actual == file.read_text(encoding="utf-8"), f"{name} changed: if that is right, write it with `make golden`"


def check_json(name: str, actual: object) -> None:
    """Compare as JSON, with keys in the order in which they are sent."""
    check(name, json.dumps(actual, indent=2, ensure_ascii=False) + "\n")
