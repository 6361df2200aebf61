"""Other people's programs for tests, as they published them: fetched by npm or pip, and kept out of the checkout.

Nobody needs them to work on trusthub: where no registry can be reached, the tests that want one are skipped.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_PATIENCE = 120
"""Seconds for a registry."""


def npm(package: str, folder: Path) -> Path:
    """Install a package from npm, such as `name@1.2.3`, and return the folder with it and what it needs."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip(f"{package} needs node and npm, which are not on the PATH.")
    quiet = ("--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=0")
    _fetch(package, ["npm", "install", *quiet, "--prefix", str(folder), package])
    return folder / "node_modules"


def pip(package: str, folder: Path) -> Path:
    """Install a package from PyPI, such as `name==1.2.3`, and return the folder with it and what it needs."""
    quiet = ("--quiet", "--disable-pip-version-check", "--retries=0", "--target")
    _fetch(package, [sys.executable, "-m", "pip", "install", *quiet, str(folder), package])
    return folder


def _fetch(package: str, command: list[str]) -> None:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{package} could not be fetched within {_PATIENCE} seconds.")
    if done.returncode:
        pytest.skip(f"{package} could not be fetched: {done.stderr.strip().partition(chr(10))[0]}")
