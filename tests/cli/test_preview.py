"""A message as people receive it, before anybody does."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from trusthub.cli import main


def preview(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["preview", *arguments])


def test_a_message_is_shown_in_every_language_case_and_shape() -> None:
    shown = preview("incident.identified")
    assert shown.exit_code == 0, shown.output
    for language in ("English", "Deutsch"):
        for case in ("known", "ongoing", "no-rollout", "unknown"):
            assert f"== incident.identified, {language}, {case}" in shown.output
    assert "Subject: Checkout: 2.8.0 war fehlerhaft, wir sind zurückgegangen" in shown.output
    assert "*How far it went.*" in shown.output  # Slack
    assert "Stop these mails: https://status.acme.example/subscriptions/sample" in shown.output  # text
    assert shown.output.count("-- HTML") == 8


def test_one_language_and_one_case() -> None:
    shown = preview("incident.identified", "--locale", "de", "--case", "ongoing").output
    assert shown.count("== ") == 1
    assert shown.count("Wir gehen von 2.8.0 auf 2.7.4 zurück") == 3
    assert "<" not in shown.partition("-- HTML")[2]


def test_all_of_it_opens_in_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", opened.append)
    assert preview("thread.closed", "--open").exit_code == 0
    page = Path(opened[0].removeprefix("file://"))
    text = page.read_text(encoding="utf-8")
    page.unlink()
    assert text.count("<iframe sandbox") == 8
    assert "Checkout: ist es bei Ihnen behoben?" in text


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (["incident.identifed"], "Did you mean 'incident.identified'?"),
        (["incident.identified", "--locale", "dee"], "Did you mean 'de'?"),
        (["incident.identified", "--case", "unknwon"], "Did you mean 'unknown'?"),
    ],
)
def test_a_wrong_word_names_the_nearest(arguments: list[str], cure: str) -> None:
    answer = preview(*arguments)
    assert answer.exit_code == 2
    assert cure in answer.output
