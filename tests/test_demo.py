"""The story that a newcomer sees first must end well, every time."""

import os
import subprocess
import sys


def test_the_story_is_told_to_its_end() -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRUSTHUB_")}
    told = subprocess.run(
        [sys.executable, "-m", "trusthub", "demo", "--once", "--port", "0"],
        env=inherited | {"TRUSTHUB_SLACK_BOT_TOKEN": "xoxb-must-not-be-used"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    for words in (
        "#releases  Checkout: 2.8.0 is at 0.1 % (edited in place)",
        "public page  Checkout: a problem with 2.8.0: identified",
        "#support  Checkout: Ana wrote to us",
        "mail to ana@customer.example  Checkout: Mira answered you",
        "mail to ana@customer.example  Checkout: is it fixed for you?",
        "Everything arrived:",
    ):
        assert words in told.stdout
    assert "xoxb-" not in told.stdout + told.stderr
