"""`trusthub init` and `trusthub check --live`, as somebody types them who begins."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from tests.providers import SendGrid, Slack
from tests.providers.slack import refused
from trusthub.cli import main
from trusthub.domain.site import Publishing
from trusthub.services import site
from trusthub.settings import Settings

OPTIONS = {
    "--name": "Acme & Söhne: 'best'",
    "--url": "https://status.acme.example",
    "--component": "Checkout",
    "--tell": "#releases",
    "--tool": "github",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("TRUSTHUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, arguments, input=typed)


def flags(**changed: str) -> list[str]:
    return [word for name, value in (OPTIONS | changed).items() for word in (name, value)]


def test_five_answers_make_a_site_that_loads() -> None:
    answers = (
        "Acme",
        OPTIONS["--url"],
        "Checkout, Search & more",
        "#releases, ops@acme.example",
        "github,argo-rollouts",
    )
    result = run("init", typed="\n".join(answers))
    assert result.exit_code == 0, result.output
    assert len(re.findall(r"\?.*?: ", result.output)) == len(answers)
    found = site.load(Settings(site=Path("playbooks/site.yaml"))).site
    assert (found.page.name, found.page.url, found.publishing) == (
        "Acme",
        "https://status.acme.example",
        Publishing.ASK,
    )
    assert [(each.id, each.name) for each in found.components] == [
        ("checkout", "Checkout"),
        ("search-more", "Search & more"),
    ]
    assert set(found.destinations) == {"slack:#releases", "email:ops@acme.example", "page:main"}
    assert list(found.connections) == ["github", "argo-rollouts"]
    assert found.page.support is None  # colleagues' address is not for customers to see


def test_the_next_commands_work_as_they_are_printed() -> None:
    printed = re.findall(r"^  trusthub (.*?)(?:  +#.*)?$", run("init", *flags()).output, re.MULTILINE)
    assert [line.split()[0] for line in printed] == ["check", "user", "serve"]
    assert run("check").exit_code == 0
    assert run(*printed[1].split(), "--password", "correct horse").exit_code == 0
    main.commands["serve"].make_context("serve", printed[2].split()[1:])


def test_options_answer_so_that_nothing_is_asked() -> None:
    result = run("init", "else where", *flags())
    assert result.exit_code == 0, result.output
    assert "?" not in result.output
    assert "TRUSTHUB_SITE='else where/site.yaml'" in result.output
    written = yaml.safe_load(Path("else where/site.yaml").read_text(encoding="utf-8"))
    assert written["page"]["name"] == OPTIONS["--name"]


def test_the_example_in_the_help_can_be_copied() -> None:
    (example,) = re.findall(r"^ +trusthub (init .*)$", run("init", "--help").output, re.MULTILINE)
    assert run(*shlex.split(example)).exit_code == 0


def test_nothing_is_overwritten() -> None:
    assert run("init", *flags()).exit_code == 0
    before = Path("playbooks/site.yaml").read_bytes()
    result = run("init", *flags(**{"--name": "Other"}))
    assert result.exit_code == 1
    assert "playbooks/site.yaml is there already" in result.output
    assert Path("playbooks/site.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--tool", "gitub", "Did you mean 'github'?"),
        ("--tell", "releases", "Write a Slack channel (#releases) or a mail address"),
        ("--url", "status.acme.example", "Write https:// and a host"),
        ("--component", "结账", "Write it in Latin letters first"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(option: str, value: str, said: str, tmp_path: Path) -> None:
    result = run("init", *flags(**{option: value}))
    assert result.exit_code == 1
    assert said in result.output
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------------ check --live


@pytest.fixture
def providers(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Slack, SendGrid]]:
    with Slack() as slack, SendGrid() as sendgrid:
        for name, value in {
            "SLACK_BOT_TOKEN": "xoxb-test",
            "SLACK_API_URL": slack.url,
            "SENDGRID_API_KEY": "SG.test",
            "SENDGRID_API_URL": sendgrid.url,
            "MAIL_FROM": "status@acme.example",
        }.items():
            monkeypatch.setenv(f"TRUSTHUB_{name}", value)
        run("init", *flags(), "--tell", "ops@acme.example")
        yield slack, sendgrid


def test_each_place_gets_one_marked_message(providers: tuple[Slack, SendGrid]) -> None:
    slack, sendgrid = providers
    result = run("check", "--live")
    assert result.exit_code == 0, result.output
    assert re.search(r"ok +slack:#releases: Accepted by Slack as C\w+:[\d.]+\.", result.output)
    assert re.search(r"ok +email:ops@acme.example: Accepted by SendGrid", result.output)
    assert "2 of 2 accepted." in result.output
    (said,), (mail,) = slack.messages, sendgrid.messages
    assert "This is a test by" in said.text
    assert "stakeholders and support" in said.text
    assert mail["subject"].startswith("[Test] ")


def test_what_is_refused_is_said_with_its_cure(providers: tuple[Slack, SendGrid]) -> None:
    slack, sendgrid = providers
    slack.fail(refused("not_in_channel"))
    result = run("check", "--live")
    assert result.exit_code == 1
    assert re.search(r"FAILED slack:#releases: .*Invite the bot", result.output)
    assert "1 of 2 accepted." in result.output
    assert len(sendgrid.messages) == 1


def test_customers_get_nothing(providers: tuple[Slack, SendGrid]) -> None:
    slack, sendgrid = providers
    path = Path("playbooks/site.yaml")
    told = path.read_text(encoding="utf-8").replace(
        "- {page: true}", "- {page: true}\n  - {slack: '#releases'}\n  - {email: c@acme.example}"
    )
    path.write_text(told, encoding="utf-8")
    result = run("check", "--live")
    assert result.exit_code == 1
    assert "slack:#releases: Customers read this, too" in result.output
    assert slack.messages == []
    assert [mail["personalizations"][0]["to"][0]["email"] for mail in sendgrid.messages] == ["ops@acme.example"]


def test_what_is_kept_in_the_sandbox_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    run("init", *flags())
    result = run("check", "--live")
    assert result.exit_code == 1
    assert "Set TRUSTHUB_SLACK_BOT_TOKEN" in result.output


def test_without_live_nothing_is_sent(providers: tuple[Slack, SendGrid]) -> None:
    assert run("check").exit_code == 0
    assert providers[0].messages == []
