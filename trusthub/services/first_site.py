"""The first site.yaml: five answers become a folder that is checked before anybody sees it."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from trusthub import packaged
from trusthub.errors import PlaybookError
from trusthub.services import site
from trusthub.settings import Settings

_HEAD = """\
# Who you are, what customers recognise, who hears, and which tools speak. README.md beside this file explains each key.
# Below `page` also goes `support: help@example.com`, an address that customers see and people read, and `time_zone`."""
_ASK = """\
# ask: a person presses a button before customers hear anything. `auto`, when you have seen some rollouts go by."""
_WATCHES = "# `watches` are the names under which your tools report a component, such as payments/checkout."
_TOOLS = """\
# Each tool posts to /hooks/<name>, with TRUSTHUB_HOOK_TOKEN as bearer token. `trusthub connect <tool>` has the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What somebody said who begins."""

    name: str
    url: str
    components: tuple[str, ...]
    """What customers call them."""
    places: tuple[str, ...]
    """Where stakeholders and support hear: Slack channels with #, addresses with @."""
    tools: tuple[str, ...]


def write(folder: Path, answers: Answers) -> list[Path]:
    """Write site.yaml, playbooks and plans into a folder; return what was written.

    Nothing is written when a file is there already, or when the site would not load. Raises PlaybookError for both.
    """
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        shutil.copytree(packaged("playbooks"), made, dirs_exist_ok=True)
        (made / "site.yaml").write_text(text(answers), encoding="utf-8")
        files = [path.relative_to(made) for path in made.rglob("*") if path.is_file()]
        files.sort(key=lambda path: (path.name != "site.yaml", path))
        if there := [path for path in files if (folder / path).exists()]:
            raise PlaybookError(
                f"{folder / there[0]} is there already, and nothing is overwritten. Name another folder."
            )
        _check(made / "site.yaml", folder / "site.yaml")
        shutil.copytree(made, folder, dirs_exist_ok=True)
    return [folder / path for path in files]


def text(answers: Answers) -> str:
    """Return the site file. Raises PlaybookError for a component that has no letters, and for a place that is none."""
    page = {"name": answers.name, "url": answers.url}
    components = [{"id": each, "name": name, "watches": [each]} for each, name in _named(answers.components)]
    places = [_place(place) for place in answers.places]
    audiences = {"stakeholders": places, "support": places, "customers": [{"page": True}]}
    connections = {name: {"source": name, "environment": "production"} for name in answers.tools}
    parts: list[tuple[str, dict[str, object]]] = [
        (_HEAD, {"page": page}),
        (_WATCHES, {"components": components}),
        ("# Only what happens here can be told to customers.", {"environments": {"public": ["production", "prod"]}}),
        (_ASK, {"publishing": "ask"}),
        ("# The page is for customers, and for everybody who subscribed to it.", {"audiences": audiences}),
        (_TOOLS, {"connections": connections}),
    ]
    return "\n".join(f"{comment}\n{_yaml(part)}" for comment, part in parts)


def _yaml(part: dict[str, object]) -> str:
    """Write short lists and pairs on one line, and the page so that keys can be added below it."""
    flow = None if part.keys().isdisjoint({"page", "publishing"}) else False
    return yaml.dump(part, Dumper=_Plain, sort_keys=False, allow_unicode=True, default_flow_style=flow, width=200)


class _Plain(yaml.SafeDumper):
    """Writes the same thing twice as it is: an anchor is one more thing to explain."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def _named(components: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield an id for each component, and its name."""
    for name in components:
        found = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        if not found:
            raise PlaybookError(f"{name!r} has no letters of which an id can be made. Write it in Latin letters first.")
        yield found, name


def _place(text: str) -> dict[str, str]:
    if text.startswith("#"):
        return {"slack": text}
    if "@" in text:
        return {"email": text}
    raise PlaybookError(f"{text!r} is no place where people hear. Write a Slack channel (#releases) or a mail address.")


def _check(made: Path, told: Path) -> None:
    """Load the site as the hub would. Its mistakes are told of the file that would have been written."""
    try:
        site.load(Settings(site=made, playbooks_dir=made.parent))
    except PlaybookError as error:
        raise PlaybookError(str(error).replace(str(made), str(told))) from error
