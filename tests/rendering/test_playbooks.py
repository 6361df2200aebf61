"""The shipped playbooks and plans, as far as their words go. Loading them is tested with the loader."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rendering.cases import CHECKOUT, TEMPLATES
from trusthub.domain.events import Strategy
from trusthub.domain.message import Moment
from trusthub.domain.playbook import Plan, Playbook, choose
from trusthub.domain.site import Site

FOLDER = CHECKOUT / "playbooks"
README = (FOLDER / "README.md").read_text(encoding="utf-8")
PLANS = sorted((FOLDER / "plans").glob("*.md"))
PLAYBOOKS = [
    Playbook.model_validate({**yaml.safe_load(path.read_text(encoding="utf-8")), "name": path.stem})
    for path in sorted(FOLDER.glob("*.yaml"))
    if path.stem != "site"
]


def front_matter(path: Path) -> dict[str, Any]:
    _, yaml_text, document = path.read_text(encoding="utf-8").split("---\n", 2)
    return {**yaml.safe_load(yaml_text), "name": path.stem, "document": document}


@pytest.mark.parametrize("strategy", Strategy)
def test_every_strategy_has_one_playbook(strategy: Strategy) -> None:
    assert choose(PLAYBOOKS, strategy=strategy, component=None, environment=None)


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda playbook: playbook.name)
def test_a_playbook_tells_every_moment_and_names_no_component(playbook: Playbook) -> None:
    assert set(playbook.tell) == set(Moment)
    assert playbook.match.component is None
    for told in playbook.tell.values():
        for audience, message in told.items():
            assert message in TEMPLATES.messages()
            assert not (audience.public and TEMPLATES.internal_facts(message))


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_a_plan_is_complete_and_can_be_followed(path: Path) -> None:
    plan = Plan.model_validate(front_matter(path))
    for step in ("Before you start", "Decide", "Go back", "Check", "Tell", "After"):
        assert f"\n## {step}\n" in plan.document
    for layer in ("Toggle", "Schema"):
        assert f"\n### {layer}\n" in plan.document
    assert plan.recovery.from_ < plan.recovery.to


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_the_basis_of_a_recovery_completes_its_sentence(path: Path) -> None:
    basis = Plan.model_validate(front_matter(path)).recovery.basis
    assert basis[0].islower()
    assert basis[-1] not in ".!"
    assert len(basis.split()) <= 20


def test_the_example_site_is_right_and_needs_no_variable() -> None:
    text = (FOLDER / "site.yaml").read_text(encoding="utf-8")
    site = Site.model_validate(yaml.safe_load(text))
    assert not any(connection.secret for connection in site.connections.values())


def test_the_readme_explains_every_key_and_moment() -> None:
    fields = {f"`{alias}`" for alias in ("plan", "public_from", "next_update", "remind_before", "quiet")}
    fields |= {f"`match.{name}`" for name in ("strategy", "component", "environment")}
    fields |= {f"`recovery.{name}`" for name in ("from", "to", "basis")}
    fields |= {f"`{name}`" for name in ("title", "summary", "owner", "sla", "known_risks", "unknown_risks")}
    fields |= {f"`{moment}`" for moment in Moment}
    assert {field for field in fields if field not in README} == set()
    assert set(Playbook.model_fields) == {
        *("name", "match", "plan", "public_from", "next_update", "remind_before", "quiet", "tell")
    }
    assert not re.search(r"\bTODO\b", README)
