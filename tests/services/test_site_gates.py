"""What can be wrong about a gate in site.yaml, and what no mistake does: let a secret out, or wait for nobody."""

from pathlib import Path

import pytest

from tests.services.test_site import FILES, bare_environment, change, error, load
from trusthub.domain.site import GateKind

__all__ = ["bare_environment"]  # a fixture that every test here uses

PLANNED = "tell:\n  rollout.planned: {stakeholders: rollback.started}"
APP = 'app: 7, private_key: "${KEY}"'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    change(tmp_path / "default.yaml", "tell:", PLANNED)
    return tmp_path


def with_gate(folder: Path, gate: str, name: str = "deploy") -> Path:
    with (folder / "site.yaml").open("a", encoding="utf-8") as file:
        file.write(f"gates:\n  {name}: {{{gate}}}\n")
    return folder


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ('kind: generic, secret: "x${GATE}"', "secret: is no variable, and would be the secret itself. Write ${NAME}."),
        ("kind: generic", "secret: is missing. Add it."),
        ("kind: generics, secret: x", "kind: 'generics' is unknown. Did you mean 'generic'?"),
        ("kind: generic, secret: x, waits: 1h", "waits: this key is unknown. Did you mean 'wait'?"),
        ("kind: generic, secret: x, component: chekout", "component: there is no component 'chekout'. Did you mean"),
        ("kind: generic, secret: x, connection: argo", "connection: there is no connection 'argo'. Did you mean"),
        ("kind: generic, secret: x, wait: 1h", "wait means nothing for the kind generic. Take it out."),
        ("kind: flagger-rollback, secret: x, break_glass: [a]", "break_glass means nothing for the kind flagger-"),
        ("kind: argo-metric, secret: x, per_network: 0", "per_network: Input should be greater than or equal to 1."),
        ("kind: github-protection, secret: x", "Add app and private_key, or token."),
        (f"kind: github-protection, secret: x, token: t, {APP}", "Add app and private_key, or token."),
        ("kind: github-protection, secret: x, token: t, wait: 0s", "wait: Input should be greater than 0"),
        (f"kind: github-protection, secret: x, api: 'http://git.acme.example', {APP}", "Write https:// and a host."),
        (f"kind: github-protection, secret: x, api: 'https://a@git.acme.example', {APP}", "Write https:// and a host."),
        ('kind: github-protection, secret: x, token: "t${T}"', "token: is no variable, and would be the secret itself"),
    ],
)
def test_a_mistake_in_a_gate(folder: Path, gate: str, message: str) -> None:
    said = error(with_gate(folder, gate))
    assert message in said
    assert said.startswith(("site.yaml:14: gates.deploy", "site.yaml:13: gates.deploy"))


def test_the_name_of_a_gate_is_a_part_of_its_address(folder: Path) -> None:
    said = error(with_gate(folder, "kind: generic, secret: x", name='"to production"'))
    assert "is a part of the address /gates/<name>. Write letters, digits, dots, - and _" in said


def test_a_secret_is_in_no_message(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "hunter2")
    for gate in (
        'kind: generic, secret: "${KEY}", wait: 1h',
        'kind: github-protection, secret: "${KEY}", token: "${KEY}", app: []',
    ):
        for name, text in FILES.items():
            (folder / name).write_text(text, encoding="utf-8")
        assert "hunter2" not in error(with_gate(folder, gate))


def test_nobody_waits_for_a_notice_that_no_playbook_sends(folder: Path) -> None:
    with_gate(folder, "kind: generic, secret: x")
    assert load(folder).site.gates["deploy"].kind is GateKind.GENERIC
    change(folder / "default.yaml", PLANNED, "tell:")
    assert error(folder) == (
        "default.yaml:2: tell.rollout.planned: stakeholders are not told, and gate 'deploy' waits until they are. "
        "Add {stakeholders: rollout.planned}."
    )


@pytest.mark.parametrize("kind", ["flagger-rollback", "argo-metric"])
def test_a_gate_that_waits_for_no_notice_needs_none(folder: Path, kind: str) -> None:
    change(folder / "default.yaml", PLANNED, "tell:")
    assert load(with_gate(folder, f"kind: {kind}, secret: x")).site.gates
