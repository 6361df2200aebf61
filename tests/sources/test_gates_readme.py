"""What GATES.md tells people to paste is what the gates read."""

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

import trusthub.sources
from tests.sources.replay import request
from trusthub.cli.gate import gate as command
from trusthub.domain.site import Gate, GateKind
from trusthub.services import gate_requests

PAGE = (Path(trusthub.sources.__file__).parent / "GATES.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def pasted(title: str) -> tuple[dict[str, Gate], Any]:
    """Return the gates of a section, checked, and what goes into the tool."""
    (block,) = re.findall(r"```yaml\n(.*?)```", section(title), re.DOTALL)
    site, *tool = yaml.safe_load_all(block)
    gates = {name: Gate.model_validate(gate) for name, gate in site["gates"].items()}
    return gates, tool[0] if tool else None


def test_flaggers_webhooks_ask_the_gate_of_their_type() -> None:
    gates, canary = pasted("Flagger")
    kinds = {"confirm-rollout": GateKind.FLAGGER_CONFIRM, "rollback": GateKind.FLAGGER_ROLLBACK}
    hooks = canary["spec"]["analysis"]["webhooks"]
    assert {hook["type"] for hook in hooks} == set(kinds)
    for hook in hooks:
        _, root, name, secret = urlsplit(hook["url"]).path.split("/")
        assert (root, gates[name].kind, secret) == ("gates", kinds[hook["type"]], "<secret>")
        in_the_path = replace(request(b"", {}), token=gates[name].secret[0])
        gate_requests.verify(gates[name], in_the_path)
        said = {"name": "checkout", "namespace": "payments", "phase": "Progressing", "checksum": "1"}
        asked = gate_requests.read(gates[name], request({**said, "metadata": hook["metadata"]}, {}), {})
        assert (asked.event.environment, asked.event.to_version) == ("production", "2.8.0")


def test_argos_metric_asks_the_gate_and_decides_by_its_answer() -> None:
    gates, template = pasted("Argo Rollouts")
    (metric,) = template["spec"]["metrics"]
    web = metric["provider"]["web"]
    asked_at = urlsplit(web["url"])
    gate = gates[asked_at.path.removeprefix("/gates/")]
    assert (gate.kind, gate.most_complaints, gate.per_network) == (GateKind.ARGO_METRIC, 5, 3)
    (header,) = web["headers"]
    argument = template["spec"]["args"][0]["name"]
    sent = header["value"].replace("{{args." + argument + "}}", gate.secret[0])
    gate_requests.verify(gate, request(b"", {header["key"]: sent}))
    asked = gate_requests.read(gate, request(b"", {}), dict(parse_qsl(asked_at.query)))
    assert (asked.event.names, asked.event.environment) == (("payments/checkout", "checkout"), "production")
    assert (metric["successCondition"], web["jsonPath"]) == ("result.healthy", "{$}")


def test_githubs_gate_is_complete() -> None:
    gates, _ = pasted("GitHub")
    (gate,) = gates.values()
    assert (gate.kind, gate.app, gate.break_glass) == (GateKind.GITHUB_PROTECTION, 200311, ("*-hotfix*",))


def test_the_pipelines_commands_are_the_commands_options() -> None:
    gates, jobs = pasted("Pipelines")
    lines = [line for job in jobs.values() for line in job["script"] if line.startswith("trusthub")]
    assert len(lines) == 2
    for line in lines:
        _, name, *arguments = shlex.split(line)
        context = command.make_context(name, arguments)
        assert gates[context.params["gate"]].kind is GateKind.GENERIC
    assert context.params["rollback"] is True


def test_the_request_without_the_command_is_read() -> None:
    (body,) = re.findall(r"-d '(.*?)'\n", section("Pipelines"), re.DOTALL)
    asked = gate_requests.read(pasted("Pipelines")[0]["deploy"], request(json.loads(body), {}), {})
    assert (asked.event.names, asked.event.to_version) == (("checkout",), "2.8.0")


@pytest.mark.parametrize("kind", GateKind)
def test_every_kind_is_in_the_table(kind: GateKind) -> None:
    assert f"\n| `{kind}` |" in PAGE
