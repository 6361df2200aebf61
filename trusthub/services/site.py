"""Reading site.yaml, playbooks and plans: what can be wrong in them is found at start, with file and line."""

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from trusthub.domain.events import Strategy
from trusthub.domain.message import Audience, Moment
from trusthub.domain.playbook import Match, Plan, Playbook, choose
from trusthub.domain.site import Site
from trusthub.errors import PlaybookError
from trusthub.rendering.templates import Templates
from trusthub.settings import Settings
from trusthub.sources import SOURCES

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """Parsed YAML that remembers where each key stood."""

    path: Path
    value: Any
    lines: Mapping[Place, int]

    def error(self, message: str, place: Place = ()) -> PlaybookError:
        """Return an error at `place`, or at the nearest thing around it that has a line."""
        while place and place not in self.lines:
            place = place[:-1]
        return PlaybookError(message, file=str(self.path), line=self.lines.get(place, 1))


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the owners of the site wrote, checked."""

    site: Site
    playbooks: tuple[Playbook, ...]
    plans: Mapping[str, Plan]
    templates: Templates

    def playbook(self, *, strategy: Strategy, component: str | None, environment: str | None) -> Playbook:
        """Return the playbook for a rollout; `load` made sure that there is one."""
        return choose(self.playbooks, strategy=strategy, component=component, environment=environment)

    def named(self, name: str) -> Playbook:
        """Return the playbook called `name`; the first one when it was renamed since."""
        return next((playbook for playbook in self.playbooks if playbook.name == name), self.playbooks[0])


def load(settings: Settings) -> Configuration:
    """Read and check everything. Raises PlaybookError with file, line, reason and cure."""
    site_file = _parse(settings.site, _read(settings.site, "Set TRUSTHUB_SITE, or run where playbooks/site.yaml is."))
    site = _model(Site, _substitute(site_file))
    _check_connections(site_file, site)
    templates = Templates(settings.templates_dir)
    if not templates.messages():
        cure = "Set TRUSTHUB_TEMPLATES_DIR to a folder that has messages/."
        raise PlaybookError(f"has no messages. {cure}", file=str(settings.templates_dir), line=1)
    templates.check()
    plans = {path.stem: _plan(path) for path in sorted((settings.playbooks / "plans").glob("*.md"))}
    files = _playbook_files(settings)
    playbooks = tuple(_playbook(file, site, plans, templates) for file in files)
    configuration = Configuration(site, playbooks, plans, templates)
    _check_matches(files, playbooks)
    _check_coverage(configuration, settings.playbooks)
    return configuration


def _playbook_files(settings: Settings) -> list[Document]:
    folder = settings.playbooks
    for path in folder.glob("*.yml"):
        if path.resolve() != settings.site.resolve():
            raise PlaybookError(f"is not read. Rename it to {path.stem}.yaml.", file=str(path), line=1)
    files = [
        _parse(path, _read(path))
        for path in sorted(folder.glob("*.yaml"))
        if path.resolve() != settings.site.resolve() and path.name != "site.yaml"
    ]
    if not files:
        raise PlaybookError("has no playbook. Add default.yaml, or set TRUSTHUB_PLAYBOOKS_DIR.", file=str(folder), line=1)
    return files


def _read(path: Path, cure: str = "Give the hub the right to read it.") -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PlaybookError(f"cannot be read: {error.strerror}. {cure}", file=str(path), line=1) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise PlaybookError("is not UTF-8. Save it as UTF-8.", file=str(path), line=line) from error


def _parse(path: Path, text: str, first_line: int = 1) -> Document:
    """Parse YAML. Raises PlaybookError at the line where it stops being YAML, or where a key is repeated."""
    try:
        value = yaml.safe_load(text)
        lines: dict[Place, int] = {}
        _walk(yaml.compose(text, Loader=yaml.SafeLoader), (), lines, set())
        return Document(path, value, {place: line + first_line for place, line in lines.items()})
    except yaml.MarkedYAMLError as error:
        line, reason = (error.problem_mark.line if error.problem_mark else 0), error.problem or error.context
    except yaml.reader.ReaderError as error:
        line, reason = text.count("\n", 0, error.position), f"there is a character {error.character!a}"
    except (ValueError, yaml.YAMLError) as error:
        line, reason = 0, str(error)
    except RecursionError:
        line, reason = 0, "it is nested too deeply"
    cure = "Look for a missing space after a colon, a tab, or text that needs quotes."
    raise PlaybookError(f"is not YAML: {reason}. {cure}", file=str(path), line=line + first_line)


def _walk(node: yaml.Node | None, place: Place, lines: dict[Place, int], met: set[int]) -> None:
    """Note the line of each key and item. An alias is followed once."""
    if id(node) in met:
        return
    met.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*place, key.value)
            if here in lines:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} stands here twice", problem_mark=key.start_mark)
            lines[here] = key.start_mark.line
            _walk(value, here, lines, met)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[*place, index] = value.start_mark.line
            _walk(value, (*place, index), lines, met)


def _substitute(document: Document) -> Document:
    """Fill `${NAME}` in connection secrets from the environment; an unset name leaves it without a secret."""
    value = document.value
    connections = value.get("connections") if isinstance(value, dict) else None
    for name, connection in connections.items() if isinstance(connections, dict) else ():
        secret = connection.get("secret") if isinstance(connection, dict) else None
        if not isinstance(secret, str) or "$" not in secret:
            continue
        match = re.fullmatch(r"\$\{(\w+)\}", secret)
        if match is None:
            message = f"connections.{name}.secret: is no variable, and would be the secret itself. Write ${{NAME}}."
            raise document.error(message, ("connections", name, "secret"))
        connection["secret"] = os.environ.get(match[1]) or None
    return document


def _model(model: type[Model], file: Document, **given: str) -> Model:
    """Return what a file holds; what is `given` comes from elsewhere and may not stand in it."""
    if not isinstance(file.value, dict):
        raise file.error(f"must be keys with values, not {'empty' if file.value is None else 'a list or a text'}.")
    try:
        found = model.model_validate({**file.value, **given})
        problems = []
    except ValidationError as error:
        problems = [_problem(model, file, dict(problem), given) for problem in error.errors()]
    problems += [_unknown(model, file, (key,), given) for key in given if key in file.value]
    if problems:
        raise PlaybookError("\n  ".join(map(str, problems)))
    return found


_NEEDS = {
    "missing": "is missing. Add it",
    "string": "must be text. Put quotes around it",
    "string_too_short": "is empty. Fill it in",
    "too_short": "is empty. Fill it in",
    "int": "must be a whole number",
    "float": "must be a number",
    "dict": "must be keys with values, such as {key: value}",
    "model": "must be keys with values, such as {key: value}",
    "tuple": "must be a list, such as [one, two]",
}
"""What is wrong and what to do, by pydantic's kind of error; `_type` and `_parsing` at its end are left out."""


def _problem(
    model: type[BaseModel], document: Document, problem: dict[str, Any], given: Mapping[str, str]
) -> PlaybookError:
    place = tuple(part for part in problem["loc"] if part != "[key]")
    kind = re.sub("_(type|parsing)$", "", problem["type"])
    if kind == "extra_forbidden":
        return _unknown(model, document, place, given)
    if kind == "enum":
        choices = re.findall("'([^']+)'", f"'{problem['ctx']['expected']}'")
        reason = f"{problem['input']!r} is unknown. {_hint(problem['input'], choices)}"
    else:
        reason = _NEEDS.get(kind, problem["msg"].removeprefix("Value error, ")) + "."
    return document.error(f"{_dotted(place)}: {reason}", place)


def _unknown(model: type[BaseModel], document: Document, place: Place, given: Mapping[str, str]) -> PlaybookError:
    known = [key for key in _keys(model, place[:-1]) if key not in given]
    return document.error(f"{_dotted(place)}: unknown key. {_hint(place[-1], known)}", place)


def _hint(word: object, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(word), known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known) or 'none'}."


def _dotted(place: Place) -> str:
    return ".".join(map(str, place))


def _keys(model: type[BaseModel], place: Place) -> list[str]:
    """Return the keys that may stand at `place`, following the model down."""
    here: Any = model
    for part in place:
        if isinstance(part, int) or not (isinstance(here, type) and issubclass(here, BaseModel)):
            continue
        fields = {field.alias or name: field.annotation for name, field in here.model_fields.items()}
        here = _inner_model(fields.get(part))
    if not (isinstance(here, type) and issubclass(here, BaseModel)):
        return []
    return [field.alias or name for name, field in here.model_fields.items()]


def _inner_model(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = [_inner_model(argument) for argument in getattr(annotation, "__args__", ())]
    return next((found for found in inner if found is not None), None)


def _plan(path: Path) -> Plan:
    text = _read(path)
    match = re.match(r"---\n(.*?)\n---\n(.*)", text, re.DOTALL)
    if not match:
        raise PlaybookError(
            "has no front matter. Begin with --- title, summary, recovery, sla, layers and risks ---.",
            file=str(path),
            line=1,
        )
    return _model(Plan, _parse(path, match[1], first_line=2), name=path.stem, document=match[2].strip())


def _playbook(document: Document, site: Site, plans: Mapping[str, Plan], templates: Templates) -> Playbook:
    playbook = _model(Playbook, document, name=document.path.stem)
    if playbook.plan not in plans:
        raise document.error(
            f"plan: plans/{playbook.plan}.md does not exist. There are: {', '.join(plans) or 'none'}.", ("plan",)
        )
    component = playbook.match.component
    if component is not None and component not in {known.id for known in site.components}:
        raise document.error(f"match.component: no component {component!r} in site.yaml.", ("match", "component"))
    for moment, told in playbook.tell.items():
        for audience, message_name in told.items():
            _check_message(document, site, templates, (moment, audience, message_name))
    return playbook


def _check_message(document: Document, site: Site, templates: Templates, telling: tuple[Moment, Audience, str]) -> None:
    moment, audience, name = telling
    place: Place = ("tell", moment.value, audience.value)
    if audience not in site.audiences:
        raise document.error(f"tell.{moment}.{audience}: site.yaml has no audience {audience!r}.", place)
    if name not in templates.messages():
        near = difflib.get_close_matches(name, templates.messages(), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise document.error(f"tell.{moment}.{audience}: no message {name!r} in the templates.{hint}", place)
    if audience.public and (internal := templates.internal_facts(name)):
        fact, (file, line) = next(iter(internal.items()))
        raise document.error(
            f"tell.{moment}.{audience}: message {name!r} reads the internal fact {fact!r} ({file}:{line}).", place
        )


def _check_connections(document: Document, site: Site) -> None:
    for name, connection in site.connections.items():
        if connection.source not in SOURCES:
            near = difflib.get_close_matches(connection.source, SOURCES, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(SOURCES)}."
            raise document.error(
                f"connections.{name}.source: unknown source {connection.source!r}. {hint}",
                ("connections", name, "source"),
            )


def _check_coverage(configuration: Configuration, folder: Path) -> None:
    """Make sure now that every rollout finds one playbook, so that none fails to at night."""
    environments = {*configuration.site.environments.public, None, "elsewhere"}
    environments |= {playbook.match.environment for playbook in configuration.playbooks}
    for strategy in Strategy:
        for component in (None, *(component.id for component in configuration.site.components)):
            for environment in environments:
                try:
                    configuration.playbook(strategy=strategy, component=component, environment=environment)
                except PlaybookError as error:
                    raise PlaybookError(str(error), file=str(folder), line=1) from None
