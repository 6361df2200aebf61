"""What the documents name exists, and what exists is in the documents."""

import configparser
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import click
import pytest
import yaml

from tests.deploy.places import DEPLOY, ROOT
from tests.e2e.house import house
from tests.sources.replay import folder, request
from trusthub.cli import main
from trusthub.domain.events import RolloutEvent
from trusthub.domain.site import Site
from trusthub.services.document import parse
from trusthub.services.mistakes import model
from trusthub.services.variables import substitute
from trusthub.settings import Settings
from trusthub.sources import SOURCES

README = (ROOT / "README.md").read_text(encoding="utf-8")
QUICK = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", *QUICK, DEPLOY / "README.md", DEPLOY / "SECURITY.md", DEPLOY / "SCALING.md"]
SETTINGS = {f"TRUSTHUB_{name.upper()}" for name in Settings.model_fields} - {"TRUSTHUB_DEMO"}
BASE = {
    "page": {"name": "Acme", "url": "https://status.acme.example"},
    "components": [{"id": "checkout", "name": "Checkout"}],
    "audiences": {"stakeholders": [], "support": [], "customers": []},
}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language, without the indentation of the list they stand in."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def table(heading: str) -> list[list[str]]:
    """Return the rows of the last table before the next heading."""
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[1:]]


def leaves(group: click.Group, *above: str) -> Iterator[str]:
    for each, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, *above, each)
        else:
            yield " ".join((*above, each))


def known(words: list[str]) -> click.Command:
    """Return the command that words begin with; fails where one is unknown."""
    command: click.Command = main
    while isinstance(command, click.Group) and words:
        command = command.commands[words.pop(0)]
    return command


def test_the_table_of_settings_is_that_of_the_code() -> None:
    assert {row[0].strip("`") for row in table("Settings")} == SETTINGS


def test_the_table_of_commands_is_that_of_the_code() -> None:
    told: set[str] = set()
    for row in table("Install"):
        first, *others = re.findall(r"`([^`]+)`", row[0])
        words = [word for word in first.removeprefix("trusthub ").split() if re.fullmatch("[a-z]+", word)]
        told.add(" ".join(words))
        told |= {" ".join((*words[:-1], named[0])) for other in others if (named := re.match("[a-z]+", other))}
    assert told == set(leaves(main))


def test_every_route_is_in_the_table_of_addresses(tmp_path: Path) -> None:
    told = re.findall(r"`(?:POST )?(/[^`]*)`", " ".join(row[1] for row in table("Addresses")))
    shapes = [re.sub(r"<[^>]+>|\*", "*", path) for path in told]
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path) as hub:
        rules = {re.sub(r"<[^>]+>", "*", rule.rule) for rule in hub.parts.flask.url_map.iter_rules()}
        unasked = {"/console/deliveries", "/trust"}  # the one asks to sign in, the other is off by default
        for path in (shape for shape in shapes if "*" not in shape and shape not in unasked):
            methods = {"/slack/interactions": "POST", "/email/events": "POST"}
            found = hub.web.open(path, method=methods.get(path, "GET"))
            assert found.status_code != 404, path
    below = ("/console/", "/static/")
    missing = [
        rule
        for rule in rules
        if not rule.startswith(below)
        and not any(rule == s or rule.startswith(f"{s.rstrip('/')}/") for s in shapes if s != "/")
    ]
    assert missing == []


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_variable_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = {each.removesuffix("_FILE") for each in re.findall(r"(?<!_)TRUSTHUB_[A-Z_]*[A-Z]\b", text)}
    assert found - SETTINGS - {"TRUSTHUB"} == set()


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_command_can_be_typed(path: Path) -> None:
    lines = [line for block in blocks(path, "sh") for line in block.splitlines()]
    typed = [re.search(r"(?:^|exec hub |bin/)trusthub ([a-z].*)", line) for line in lines]
    for line in filter(None, typed):
        words = shlex.split(line[1], comments=True)
        command = known(words)
        if any(option.name == "password" for option in command.params):
            words += ["--password", "asked for"]
        command.make_context("trusthub", [word.replace("subscribers.csv", __file__) for word in words])
    inline = re.findall(r"`trusthub ([a-z][^`]*)`", path.read_text(encoding="utf-8"))
    for words in map(str.split, inline):
        known([word for word in words if re.fullmatch("[a-z]+", word)])


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", QUICK, ids=name)
def test_what_goes_into_site_yaml_is_taken(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [yaml.safe_load(block) for block in blocks(path, "yaml")]
    sites = [part for part in parts if part.keys() <= Site.model_fields.keys()]
    assert sites
    for part in sites:
        for variable in re.findall(r"\$\{(\w+)\}", str(part)):
            monkeypatch.setenv(variable, "secret")
        whole = tmp_path / "site.yaml"
        whole.write_text(yaml.safe_dump(BASE | part), encoding="utf-8")
        found = model(Site, substitute(parse(whole, whole.read_text(encoding="utf-8"))))
        assert all(connection.source in SOURCES for connection in found.connections.values())


@pytest.mark.parametrize("path", QUICK, ids=name)
def test_what_goes_into_the_environment_is_a_setting(path: Path) -> None:
    for block in blocks(path, "ini"):
        read = configparser.ConfigParser(interpolation=None)
        read.optionxform = str  # type: ignore[assignment,method-assign]  # as its documentation says: names keep case
        read.read_string(f"[hub]\n{block}")
        assert set(read["hub"]) <= SETTINGS


def only(path: str, key: str) -> Any:
    (found,) = [part for part in map(yaml.safe_load, blocks(ROOT / "docs" / path, "yaml")) if key in part]
    return found


def test_flaggers_webhook_is_read() -> None:
    (hook,) = only("flagger.md", "kind")["spec"]["analysis"]["webhooks"]
    body = {"name": "checkout", "namespace": "payments", "phase": "Progressing", "metadata": hook["metadata"]}
    (found,) = SOURCES["flagger"].parse(
        request(
            {
                **body,
                "metadata": {**hook["metadata"], "eventMessage": "New revision detected! Scaling up checkout.payments"},
            }
        )
    )
    assert isinstance(found, RolloutEvent)
    assert (hook["type"], found.environment, found.to_version) == ("event", "production", "2.8.0")


def test_githubs_workflow_and_deployment_are_read() -> None:
    assert only("github-actions.md", "jobs")["jobs"]["deploy"]["environment"] == "production"
    (block,) = [found for found in blocks(ROOT / "docs" / "github-actions.md", "sh") if "JSON" in found]
    asked = json.loads(block.partition("<<'JSON'\n")[2].partition("JSON\n")[0])
    payload = json.loads((folder("github") / "deployment_status.success.json").read_bytes())
    payload["deployment"].update({key: asked[key] for key in ("ref", "environment", "task", "payload")})
    (found,) = SOURCES["github"].parse(request(payload, {"X-GitHub-Event": "deployment_status"}))
    assert isinstance(found, RolloutEvent)
    assert (found.names[0], found.to_version, found.exposure) == ("checkout", "2.8.0", 5.0)


def test_the_picture_can_be_read_without_seeing_it() -> None:
    text = (ROOT / "docs" / "flow.svg").read_text(encoding="utf-8")
    picture = ET.fromstring(text)  # noqa: S314 -- our own file
    svg = "{http://www.w3.org/2000/svg}"
    labels = (picture.get("aria-labelledby") or "").split()
    assert [
        each.get("id") for each in (picture.find(f"{svg}title"), picture.find(f"{svg}desc")) if each is not None
    ] == labels
    assert "prefers-color-scheme: dark" in text
    assert "<script" not in text
