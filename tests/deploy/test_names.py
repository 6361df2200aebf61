"""What `deploy/` names exists: settings, metrics, routes, commands, files, scopes, rights."""

import inspect
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.places import DEPLOY, ROOT, documents
from tests.e2e.house import house
from trusthub.channels import slack
from trusthub.cli import main
from trusthub.settings import Settings
from trusthub.web import slack_forms

SETTINGS = {f"TRUSTHUB_{name.upper()}" for name in Settings.model_fields}
FILES = [path for path in sorted(DEPLOY.rglob("*")) if path.is_file()]
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
SCOPES = {
    "chat_postMessage": {"chat:write", "chat:write.public"},
    "chat_update": {"chat:write"},
    "chat_postEphemeral": {"chat:write"},
    "conversations_history": {"channels:history", "groups:history"},
    "conversations_replies": {"channels:history", "groups:history"},
    "views_open": set[str](),
}
"""What a call needs: https://docs.slack.dev/reference/methods"""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(DEPLOY).as_posix())
def test_every_variable_is_a_setting(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = {name.removesuffix("_FILE") for name in re.findall(r"\bTRUSTHUB_[A-Z_]*[A-Z]\b", text)}
    assert named - SETTINGS - {"TRUSTHUB_PORT"} == set()


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return the metrics that /metrics has, each with its labels where it has a sample."""
    folder = tmp_path_factory.mktemp("metrics")
    with house(f"sqlite:///{folder}/hub.db", folder, metrics_token="m") as hub:
        hub.event("rollout.started", exposure=5)
        hub.event("rollback.started", exposure=5)
        text = hub.web.get("/metrics", headers={"Authorization": "Bearer m"}).text
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = {label for sample in family.samples for label in sample.labels}
    return found


def expressions() -> list[str]:
    (rules,) = documents(DEPLOY / "prometheus" / "alerts.yaml")
    alerts = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    board = json.loads((DEPLOY / "grafana" / "trusthub.json").read_text(encoding="utf-8"))
    return [*alerts, *(target["expr"] for panel in board["panels"] for target in panel["targets"])]


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_and_label_is_exposed(expression: str, exposed: dict[str, set[str]]) -> None:
    for name, labels in re.findall(r"\b(trusthub_\w+)(?:\{([^}]*)\})?", expression):
        assert name in exposed
        named = set(re.findall(r"(\w+)=", labels))
        assert not exposed[name] or named <= exposed[name]


def test_every_metric_is_on_the_dashboard(exposed: dict[str, set[str]]) -> None:
    board = (DEPLOY / "grafana" / "trusthub.json").read_text(encoding="utf-8")
    assert {name for name in exposed if name not in board} == set()


def test_panels_do_not_lie_on_each_other() -> None:
    board = json.loads((DEPLOY / "grafana" / "trusthub.json").read_text(encoding="utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not mine & taken
        assert at["x"] + at["w"] <= 24
        taken |= mine


def test_each_alert_says_what_to_do() -> None:
    (rules,) = documents(DEPLOY / "prometheus" / "alerts.yaml")
    for rule in rules["groups"][0]["rules"]:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert {"summary", "description"} <= rule["annotations"].keys()


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line.strip())]


def test_what_the_image_copies_is_there() -> None:
    copied = [shlex.split(rest) for word, rest in instructions() if word == "COPY"]
    sources = [source for words in copied if not words[0].startswith("--from") for source in words[:-1]]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_image_is_no_root_pinned_and_hash_locked() -> None:
    told = instructions()
    user, _, group = next(rest for word, rest in told if word == "USER").partition(":")
    assert min(int(user), int(group)) > 0
    assert re.fullmatch(r"BASE=[\w/.-]+:[\w.-]+", next(rest for word, rest in told if word == "ARG"))
    installs = [rest for word, rest in told if word == "RUN" and "pip install" in rest]
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
    assert json.loads(next(rest for word, rest in told if word == "ENTRYPOINT")) == ["trusthub"]
    name, *rest = json.loads(next(rest for word, rest in told if word == "CMD"))
    main.commands[name].make_context(name, rest)


def test_what_the_image_installs_has_postgres_and_all_that_we_need() -> None:
    locked = (ROOT / "requirements" / "postgres.txt").read_text(encoding="utf-8")
    assert re.search(r"^psycopg\[binary\]==", locked, re.MULTILINE)
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = re.findall(
        r'^  "([\w-]+)[\[>]', pyproject.partition("dependencies = [")[2].partition("\n]")[0], re.MULTILINE
    )
    assert wanted
    assert [name for name in wanted if not re.search(rf"^{name}(\[\w+\])?==", locked, re.MULTILINE)] == []


def test_compose_names_what_is_there() -> None:
    (found,) = documents(DEPLOY / "compose.yaml")
    for name, service in found["services"].items():
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert source in found["volumes"] or source in {"./site", "./certificates"} or (DEPLOY / source).exists()
        assert service["image"] == "trusthub" or ":" in service["image"], name
        if "command" in service:
            command, *rest = service["command"]
            main.commands[command].make_context(command, list(rest))
    for place in (found["services"]["hub"]["build"]["dockerfile"],):
        assert (ROOT / place).exists()


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_takes_the_unit(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    text = unit.read_text(encoding="utf-8")
    command = re.findall(r"^ExecStart=/opt/trusthub/bin/trusthub (\S+) ?(.*)$", text, re.MULTILINE)
    ((name, rest),) = command
    main.commands[name].make_context(name, rest.split())
    copy = tmp_path / unit.name
    copy.write_text(text.replace("/opt/trusthub/bin/trusthub", "/bin/true"), encoding="utf-8")
    for arguments in (["verify", "--man=no"], ["security", "--offline=true", "--threshold=25"]):
        said = subprocess.run(
            ["systemd-analyze", *arguments, copy], capture_output=True, text=True, timeout=60, check=False
        )
        assert said.returncode == 0, said.stdout[-2000:] + said.stderr
        assert "Unknown" not in said.stderr


def test_slacks_manifest_has_the_scopes_that_our_calls_need() -> None:
    manifest = yaml.safe_load((DEPLOY / "slack" / "manifest.yaml").read_text(encoding="utf-8"))
    calls = set(re.findall(r"_client\.(\w+)", inspect.getsource(slack)))
    needed = {"commands"}.union(*(SCOPES[call] for call in calls))
    assert needed == set(manifest["oauth_config"]["scopes"]["bot"])
    settings, features = manifest["settings"], manifest["features"]
    urls = [settings["interactivity"]["request_url"], settings["event_subscriptions"]["request_url"]]
    urls.append(features["slash_commands"][0]["url"])
    ours = [url.partition("status.acme.example")[2] for url in urls]
    assert ours == ["/slack/interactions", "/slack/events", "/slack/commands"]
    named = {each["callback_id"] for each in features["shortcuts"]}
    assert named == {slack_forms.SEND, slack_forms.RECORD}


def test_the_image_starts_with_what_is_installed_here() -> None:
    """The entry point, without a container: it is there, and knows its version."""
    said = subprocess.run(
        [Path(sys.executable).with_name("trusthub"), "--version"], capture_output=True, text=True, check=True
    )
    assert said.stdout.startswith("trusthub, version")


def test_what_is_said_about_scaling_names_what_is_there(exposed: dict[str, set[str]]) -> None:
    text = (DEPLOY / "SCALING.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\btrusthub_[a-z_]*[a-z]\b", text)) - set(exposed) == set()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", text)) <= targets
    for words in (shlex.split(each) for each in re.findall(r"`trusthub ([a-z][^`]*)`", text)):
        command: click.Command = main
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        options = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options
