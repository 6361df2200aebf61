"""Find a Chromium for the browser tests, or install one: `python -m tests.browser.chromium`."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_APPS = (
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
)
# Liberation has the widths of Arial and Times; Noto has the emoji that people write.
DEBIAN_PACKAGES = ("chromium", "fonts-liberation", "fonts-noto-color-emoji")
MISSING = "The browser tests need Chromium: install it so that `chromium` is on the PATH, then run them again."


@cache
def find() -> Path | None:
    """Look on the PATH, among the applications of macOS, and where Playwright puts its own."""
    for name in NAMES:
        if on_path := shutil.which(name):
            return Path(on_path)
    for app in MAC_APPS:
        if app.exists():
            return app
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return own if own.exists() else None


def install() -> bool:
    """Install Chromium the way this system does it, and tell whether there is one now."""
    if find() is None:
        print("Installing Chromium for the browser tests (once) ...", flush=True)  # noqa: T201 - read in a terminal
        for command in _commands():
            if subprocess.run(command, check=False, capture_output=True).returncode:
                break
        find.cache_clear()
    return find() is not None


def _commands() -> list[list[str]]:
    root = os.geteuid() == 0
    if root and Path("/etc/debian_version").exists() and not _is_ubuntu():
        install_packages = ["apt-get", "install", "--yes", "--no-install-recommends", *DEBIAN_PACKAGES]
        return [["apt-get", "update"], ["env", "DEBIAN_FRONTEND=noninteractive", *install_packages]]
    with_libraries = ["--with-deps"] if root and sys.platform == "linux" else []
    return [[sys.executable, "-m", "playwright", "install", *with_libraries, "chromium"]]


def _is_ubuntu() -> bool:
    """Ubuntu's `chromium` package is an empty one that asks for a snap."""
    release = Path("/etc/os-release")
    return release.exists() and "ID=ubuntu" in release.read_text().splitlines()


if __name__ == "__main__" and not install():
    # No failure here: the other tests still have something to say, and the browser tests fail with the same line.
    print(MISSING, file=sys.stderr)  # noqa: T201 - read in a terminal
