"""The shipped playbooks and plans, as far as their words go. Loading them is tested with the loader."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rendering.cases import CHECKOUT, TEMPLATES
from trusthub.domain.events import Strategy
from trusthub.domain.message import Moment
from trusthub.domain.plan import Artifact, Layer, Plan
from trusthub.domain.playbook import Kind, Match, Occasion, Pace, Playbook, Told, Wave, When, choose
from trusthub.domain.site import Site
from trusthub.services import site
from trusthub.settings import Settings

FOLDER = CHECKOUT / "playbooks"
README = (FOLDER / "README.md").read_text(encoding="utf-8")
PLANS = sorted((FOLDER / "plans").glob("*.md"))
PLAYBOOKS = site.load(Settings(site=FOLDER / "site.yaml")).playbooks


def front_matter(path: Path) -> dict[str, Any]:
    _, yaml_text, document = path.read_text(encoding="utf-8").split("---\n", 2)
    return {**yaml.safe_load(yaml_text), "name": path.stem, "document": document}


def test_every_strategy_and_kind_has_a_playbook_of_its_own_with_its_own_plan() -> None:
    for_strategies = {strategy: choose(PLAYBOOKS, Occasion(strategy=strategy)) for strategy in Strategy}
    for_kinds = {kind: choose(PLAYBOOKS, Occasion(kind=kind)) for kind in Kind}
    found = [*for_strategies.values(), *for_kinds.values()]
    assert for_strategies[Strategy.UNKNOWN].name == "default"
    assert len({playbook.name for playbook in found}) == len({playbook.plan for playbook in found}) == len(found) == 11


@pytest.mark.parametrize("path", [FOLDER / f"{each.name}.yaml" for each in PLAYBOOKS], ids=lambda path: path.stem)
def test_a_playbook_says_only_what_is_particular_to_it(path: Path) -> None:
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    base = yaml.safe_load((FOLDER / "default.yaml").read_text(encoding="utf-8"))
    assert said is not None
    if path.stem != "default":
        assert said["extends"] == "default"
        assert {key for key, value in said.items() if base.get(key) == value} == set()
        assert [moment for moment, told in said.get("tell", {}).items() if base["tell"][moment] == told] == []


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda playbook: playbook.name)
def test_a_playbook_tells_every_moment_and_names_no_component(playbook: Playbook) -> None:
    assert set(playbook.tell) == set(Moment)
    assert not playbook.match.component
    for told in playbook.tell.values():
        for audience, each in told.items():
            assert each.message in TEMPLATES.messages()
            assert not (audience.public and TEMPLATES.internal_facts(each.message))


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_a_plan_is_complete_and_can_be_followed(path: Path) -> None:
    plan = Plan.model_validate(front_matter(path))
    for step in ("Before you start", "Decide", "Go back", "Check", "Tell", "After"):
        assert f"\n## {step}\n" in plan.document
    for layer in ("Toggle", "Schema"):
        assert f"\n### {layer}\n" in plan.document
    assert "build" not in plan.document or "would build now has never run" in plan.document
    assert plan.recovery.from_ < plan.recovery.to


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_the_basis_of_a_recovery_completes_its_sentence(path: Path) -> None:
    basis = Plan.model_validate(front_matter(path)).recovery.basis
    assert basis[0].islower()
    assert basis[-1] not in ".!"
    assert len(basis.split()) <= 20


def test_the_example_site_is_right_and_needs_no_variable() -> None:
    text = (FOLDER / "site.yaml").read_text(encoding="utf-8")
    made = Site.model_validate(yaml.safe_load(text))
    assert not any(connection.secret for connection in made.connections.values())


_TOGETHER = {f"`{name}`" for name in ("name", "artifact", "layers", "recovery", "document")}
"""Keys of a plan that are explained by what is in them."""


def test_the_readme_explains_every_key_and_moment() -> None:
    fields = {f"`{name}`" for name in Playbook.model_fields if name not in {"name", "match", "cadence", "wave", "tell"}}
    fields |= {f"`match.{name}`" for name in Match.model_fields}
    fields |= {f"`tell.<moment>.<audience>.{name}`" for name in Told.model_fields}
    fields |= {f"`when.{name}`" for name in When.model_fields}
    fields |= {f"`cadence.<severity>.{name}`" for name in Pace.model_fields}
    fields |= {f"`wave.{name}`" for name in Wave.model_fields}
    fields |= {f"`recovery.{name}`" for name in ("from", "to", "basis")}
    fields |= {f"`artifact.{name}`" for name in Artifact.model_fields}
    fields |= {f"`layers.<layer>.{name}`" for name in Layer.model_fields}
    fields |= {f"`{name}`" for name in Plan.model_fields} - _TOGETHER
    fields |= {f"`{word}`" for word in (*Strategy, *Kind)}
    fields |= {f"`{moment}`" for moment in Moment}
    assert {field for field in fields if field not in README} == set()
    assert not re.search(r"\bTODO\b", README)
