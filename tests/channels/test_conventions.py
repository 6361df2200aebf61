"""What holds for every channel, so that a new one is tested by existing."""

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import SecretStr

from tests import channels as here
from tests.channels.test_build import Kept
from trusthub import channels
from trusthub.channels import apprise, github, page, sandbox, sendgrid, slack, slack_errors, smtp, smtp_errors, webhook
from trusthub.channels.base import Channel
from trusthub.domain.destination import Destination
from trusthub.settings import Settings

FOLDER = Path(channels.__file__).parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")
TESTS = Path(here.__path__[0])
MODULES: Mapping[str, tuple[ModuleType, ...]] = {
    "slack": (slack,),
    "email": (sendgrid, smtp),
    "page": (page,),
    "github": (github,),
    "webhook": (webhook,),
    "apprise": (apprise,),
    "sandbox": (sandbox,),
}
"""Who can be behind a kind of destination."""
JUDGES = {slack: slack_errors, smtp: smtp_errors}
"""Where errors are judged, when that is not in the channel's own module."""
ALL = sorted({module for modules in MODULES.values() for module in modules}, key=lambda module: module.__name__)
REMOTE = [module for module in ALL if module not in (page, sandbox)]


def name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def test_every_kind_of_destination_is_here_and_can_stand_in_the_site() -> None:
    assert set(MODULES) == set(channels.CHANNELS)
    assert set(channels.CHANNELS) - {"github"} <= set(Destination.model_fields)  # GitHub is answered, and told nothing


@pytest.mark.parametrize("kind", sorted(channels.CHANNELS))
def test_what_is_built_is_a_channel(kind: str) -> None:
    for settings in (
        Settings(),
        Settings(slack_bot_token=SecretStr("x"), sendgrid_api_key=SecretStr("x")),
        Settings(smtp_url=SecretStr("smtp://mail.example")),
    ):
        built = channels.build(settings, publish=str, keep=Kept(), support="help@acme.example")[kind]
        assert inspect.signature(type(built).send) == inspect.signature(Channel.send)
        module = inspect.getmodule(type(built))
        assert module in (*MODULES[kind], sandbox)
        assert type(built).send.__doc__


@pytest.mark.parametrize("module", ALL, ids=name)
def test_the_readme_has_a_section_that_says_what_is_needed_and_what_it_does(module: ModuleType) -> None:
    sections = {
        title.lower(): text for title, text in re.findall(r"^## (.+)\n((?:(?!^## ).*\n?)*)", README, re.MULTILINE)
    }
    assert name(module) in sections
    assert "**Needed.**" in sections[name(module)]
    if module in REMOTE:
        assert "**What it does.**" in sections[name(module)]
        assert re.search(r"^\| error \| cure \|$", sections[name(module)], re.MULTILINE)


@pytest.mark.parametrize("module", ALL, ids=name)
def test_the_table_of_destinations_leads_to_it(module: ModuleType) -> None:
    rows = [line for line in README.splitlines() if line.startswith("|")]
    assert any(f"](#{name(module)})" in row for row in rows)


@pytest.mark.parametrize("module", REMOTE, ids=name)
def test_it_is_sent_to_a_provider_on_loopback_and_never_patched(module: ModuleType) -> None:
    text = (TESTS / f"test_{name(module)}.py").read_text(encoding="utf-8")
    assert "from tests.providers import" in text
    assert not re.search(r"\bmock\b|MagicMock", text)


@pytest.mark.parametrize("module", REMOTE, ids=name)
def test_failures_are_judged_and_every_judgement_is_tested(module: ModuleType) -> None:
    source = inspect.getsource(module) + inspect.getsource(JUDGES.get(module, module))
    text = (TESTS / f"test_{name(module)}.py").read_text(encoding="utf-8")
    for judgement in ("permanent", "ambiguous"):
        assert judgement in source
        assert judgement in text


@pytest.mark.parametrize("module", [slack_errors, sendgrid, webhook], ids=name)
def test_every_cure_is_a_sentence(module: ModuleType) -> None:
    for cure in vars(module)["CURES"].values():
        assert re.fullmatch(r"[A-Z{].*[.?]", cure), cure


@pytest.mark.parametrize("module", ALL, ids=name)
def test_it_retries_nothing_and_sleeps_nowhere(module: ModuleType) -> None:
    assert not re.search(r"\bsleep\(|Retry\(|retries=(?!False)", inspect.getsource(module))
