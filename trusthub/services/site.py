"""Reading site.yaml, playbooks and plans: what can be wrong in them is found at start, with file and line."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from trusthub.domain.events import Strategy
from trusthub.domain.mapping import Map
from trusthub.domain.message import Audience, Moment
from trusthub.domain.playbook import Match, Plan, Playbook, choose
from trusthub.domain.site import Connection, Gate, Site
from trusthub.errors import PlaybookError
from trusthub.rendering import signatures
from trusthub.rendering.messages import Place as TemplatePlace
from trusthub.rendering.signatures import Unsigned
from trusthub.rendering.templates import Templates
from trusthub.services.document import Document, Place, dotted, parse, read
from trusthub.services.variables import substitute
from trusthub.settings import Settings
from trusthub.sources import SOURCES, reader_of
from trusthub.sources.base import Source
from trusthub.sources.generic import Generic
from trusthub.sources.mapped import MAPS

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the owners of the site wrote, checked."""

    site: Site
    playbooks: tuple[Playbook, ...]
    plans: Mapping[str, Plan]
    templates: Templates
    unsigned: tuple[Unsigned, ...] = ()
    """Messages to customers whose words nobody stands for as they are now."""

    def words_held(self, playbook: Playbook) -> str | None:
        """Say which words of a playbook may not reach customers without a person; None when all may."""
        if not self.site.require_signed:
            return None
        mine = customer_messages((playbook,))
        return next(
            (
                f"The message {each}, and only signed words leave by themselves."
                for each in self.unsigned
                if each.message in mine
            ),
            None,
        )

    def playbook(self, *, strategy: Strategy, component: str | None, environment: str | None) -> Playbook:
        """Return the playbook for a rollout; `load` made sure that there is one."""
        return choose(self.playbooks, strategy=strategy, component=component, environment=environment)

    def connection(self, name: str) -> Connection | None:
        """Return a connection of site.yaml, or the one that exists by default for each source."""
        return self.site.connections.get(name) or _BY_DEFAULT.get(name)

    def reader(self, name: str, source: str) -> Source:
        """Return what reads an event of a source that was kept over a connection, as that is configured now."""
        connection = self.connection(name)
        return reader_of(connection) if connection and connection.source == source else SOURCES[source]

    def named(self, name: str) -> Playbook:
        """Return the playbook called `name`; the first one when it was renamed since."""
        return next((playbook for playbook in self.playbooks if playbook.name == name), self.playbooks[0])


_BY_DEFAULT = {name: Connection(source=name) for name in SOURCES}


def load(settings: Settings) -> Configuration:
    """Read and check everything. Raises PlaybookError with file, line, reason and cure."""
    site_file = parse(settings.site, read(settings.site, "Set TRUSTHUB_SITE, or run where playbooks/site.yaml is."))
    site = _model(Site, substitute(site_file))
    _check_connections(site_file, site)
    _check_gates(site_file, site)
    _check_destinations(site_file, site, settings)
    templates = Templates(settings.templates_dir)
    if not templates.messages():
        cure = "Set TRUSTHUB_TEMPLATES_DIR to a folder that has messages/."
        raise PlaybookError(f"has no messages. {cure}", file=str(settings.templates_dir), line=1)
    _check_locales(site_file, site, templates)
    templates.check(site.page.locales)
    plans = {path.stem: _plan(path) for path in sorted((settings.playbooks / "plans").glob("*.md"))}
    files = _playbook_files(settings)
    playbooks = tuple(_playbook(file, site, plans, templates) for file in files)
    unsigned = signatures.unsigned(templates, customer_messages(playbooks), site.page.locales)
    configuration = Configuration(site, playbooks, plans, templates, unsigned)
    _check_matches(files, playbooks)
    _check_notices(files, playbooks, site)
    _check_coverage(configuration, settings.playbooks)
    return configuration


def customer_messages(playbooks: Iterable[Playbook]) -> frozenset[str]:
    """Return the names of the messages that customers get."""
    told = (told for playbook in playbooks for told in playbook.tell.values())
    return frozenset(each[Audience.CUSTOMERS] for each in told if Audience.CUSTOMERS in each)


def _playbook_files(settings: Settings) -> list[Document]:
    folder = settings.playbooks
    for path in folder.glob("*.yml"):
        if path.resolve() != settings.site.resolve():
            raise PlaybookError(f"is not read. Rename it to {path.stem}.yaml.", file=str(path), line=1)
    files = [
        parse(path, read(path))
        for path in sorted(folder.glob("*.yaml"))
        if path.resolve() != settings.site.resolve() and path.name != "site.yaml"
    ]
    if not files:
        raise PlaybookError(
            "has no playbook. Add default.yaml, or set TRUSTHUB_PLAYBOOKS_DIR.", file=str(folder), line=1
        )
    return files


def _model(model: type[Model], file: Document, **given: str) -> Model:
    """Return what a file holds. What is `given` comes from elsewhere, and may not stand in it."""
    if not isinstance(file.value, dict):
        raise file.error("is empty. Fill it in." if file.value is None else f"{_NEEDS['dict']}.")
    problems = [_unknown(model, file, (key,), given) for key in given if key in file.value]
    try:
        found = model.model_validate({**file.value, **given})
    except ValidationError as error:
        problems += [_problem(model, file, problem, given) for problem in _apart(error.errors())]
    if problems:
        raise PlaybookError("\n  ".join(map(str, problems)))
    return found


def _apart(problems: Sequence[ErrorDetails]) -> Sequence[ErrorDetails]:
    """Leave out that a list is too short when that is only so because something in it is wrong."""
    return [
        problem
        for problem in problems
        if problem["type"] != "too_short"
        or all(other is problem or other["loc"][: len(problem["loc"])] != problem["loc"] for other in problems)
    ]


_NEEDS = {
    "missing": "is missing. Add it",
    "string": "must be text. Put quotes around it",
    "invalid_key": "must be text. Put quotes around it",
    "string_too_short": "is empty. Fill it in",
    "too_short": "is empty. Fill it in",
    "int": "must be a whole number",
    "float": "must be a number",
    "literal_error": "must be true",
    "dict": "must be keys with values, such as {key: value}",
    "model": "must be keys with values, such as {key: value}",
    "tuple": "must be a list, such as [one, two]",
}
"""What is wrong and what to do, by pydantic's name for it without `_type` and `_parsing`."""


def _problem(
    model: type[BaseModel], document: Document, problem: ErrorDetails, given: Mapping[str, str]
) -> PlaybookError:
    kind = re.sub("_(type|parsing)$", "", problem["type"])
    place: Place = tuple(str(part) if kind == "invalid_key" else part for part in problem["loc"] if part != "[key]")
    if kind == "extra_forbidden":
        return _unknown(model, document, place, given)
    if kind == "enum":
        choices = re.findall("'([^']+)'", problem["ctx"]["expected"])
        reason = f"{problem['input']!r} is unknown. {_hint(problem['input'], choices)}"
    else:
        reason = _NEEDS.get(kind, problem["msg"].removeprefix("Value error, ")) + "."
    return document.error(f"{dotted(place)}: {reason}", place)


def _unknown(model: type[BaseModel], document: Document, place: Place, given: Mapping[str, str]) -> PlaybookError:
    known = [key for key in _keys(model, place[:-1]) if key not in given]
    return document.error(f"{dotted(place)}: this key is unknown. {_hint(place[-1], known)}", place)


def _hint(word: object, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(word), known := list(known), n=1)
    return f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known) or 'none'}."


def _keys(model: type[BaseModel], place: Place) -> list[str]:
    """Return the keys that may stand at `place`, following the model down."""
    here: Any = model
    for part in place:
        inner = get_args(here)
        here = _fields(here).get(str(part)) or (inner[1] if get_origin(here) is dict else next(iter(inner), None))
    return list(_fields(here))


def _fields(annotation: Any) -> dict[str, Any]:
    if get_origin(annotation) in (Union, UnionType):  # `Map | None`
        annotation = next(iter(get_args(annotation)))
    fields = getattr(annotation, "model_fields", {})
    return {field.alias or name: field.annotation for name, field in fields.items()}


def _plan(path: Path) -> Plan:
    text = read(path)
    match = re.match(r"---\n(.*?)\n---\n(.*)", text, re.DOTALL)
    if not match:
        raise PlaybookError(
            "has no front matter. Begin with --- title, summary, recovery, sla, layers and risks ---.",
            file=str(path),
            line=1,
        )
    return _model(Plan, parse(path, match[1], first_line=2), name=path.stem, document=match[2].strip())


def _playbook(document: Document, site: Site, plans: Mapping[str, Plan], templates: Templates) -> Playbook:
    playbook = _model(Playbook, document, name=document.path.stem)
    if playbook.plan not in plans:
        raise document.error(f"plan: plans/{playbook.plan}.md does not exist. {_hint(playbook.plan, plans)}", ("plan",))
    component, known = playbook.match.component, [component.id for component in site.components]
    if component is not None and component not in known:
        message = f"match.component: site.yaml has no component {component!r}. {_hint(component, known)}"
        raise document.error(message, ("match", "component"))
    for moment, told in playbook.tell.items():
        for audience, message_name in told.items():
            _check_message(document, site, templates, (moment, audience, message_name))
    return playbook


def _check_message(document: Document, site: Site, templates: Templates, telling: tuple[Moment, Audience, str]) -> None:
    moment, audience, name = telling
    if audience not in site.audiences:
        message = f"site.yaml has no audience {audience.value!r}. Add it there, or tell somebody else."
    elif name not in templates.messages():
        message = f"there is no message {name!r} in {templates.root}. {_hint(name, templates.messages())}"
    elif audience.public and (internal := _internal_facts(templates, name, site.page.locales)):
        fact, (file, line) = next(iter(internal.items()))
        message = (
            f"customers may not read the fact {fact!r}, which message {name!r} has in {file}:{line}. "
            "Take it out, or name another message."
        )
    else:
        return
    raise document.error(f"tell.{moment}.{audience}: {message}", ("tell", moment.value, audience.value))


def _internal_facts(templates: Templates, name: str, locales: Iterable[str]) -> dict[str, TemplatePlace]:
    return {fact: at for code in locales for fact, at in templates.internal_facts(name, code).items()}


def _check_locales(document: Document, site: Site, templates: Templates) -> None:
    for index, code in enumerate(site.page.locales):
        if code not in templates.locales:
            message = f"page.locales.{index}: there is no language {code!r} in {templates.root / 'locales'}."
            raise document.error(f"{message} {_hint(code, templates.locales)}", ("page", "locales", index))


def _check_connections(document: Document, site: Site) -> None:
    for name, connection in site.connections.items():
        if connection.source not in SOURCES:
            message = (
                f"connections.{name}.source: {connection.source!r} is unknown. {_hint(connection.source, SOURCES)}"
            )
            raise document.error(message, ("connections", name, "source"))
        if connection.map is not None:
            _check_map(document, name, connection.source, connection.map)


def _check_map(document: Document, name: str, source: str, found: Map) -> None:
    if source != Generic.name:
        message = f"connections.{name}.map: {source} needs none. Write `source: generic`, or take it out."
        raise document.error(message, ("connections", name, "map"))
    if found.like is not None and found.like not in MAPS:
        message = f"connections.{name}.map: there is no map {found.like!r}. {_hint(found.like, MAPS)}"
        raise document.error(message, ("connections", name, "map", "like"))


def _check_gates(document: Document, site: Site) -> None:
    components, connections = [component.id for component in site.components], [*site.connections, *SOURCES]
    for name, gate in site.gates.items():
        for key, value, known in (
            ("component", gate.component, components),
            ("connection", gate.connection, connections),
        ):
            if value is not None and value not in known:
                message = f"gates.{name}.{key}: there is no {key} {value!r}. {_hint(value, known)}"
                raise document.error(message, ("gates", name, key))


def _check_destinations(document: Document, site: Site, settings: Settings) -> None:
    for audience, places in site.audiences.items():
        for index, place in enumerate(places):
            if place.webhook and place.webhook.startswith("http://") and not settings.webhook_allow_private:
                where = ("audiences", audience.value, index, "webhook")
                message = "is not https. Use https, or set TRUSTHUB_WEBHOOK_ALLOW_PRIVATE for a receiver next door."
                raise document.error(f"{dotted(where)}: {message}", where)


def _check_notices(files: Sequence[Document], playbooks: Sequence[Playbook], site: Site) -> None:
    """Refuse a playbook that tells stakeholders nothing of a plan while a gate waits until they are told."""
    for file, playbook in zip(files, playbooks, strict=True):
        waits = (name for name, gate in site.gates.items() if gate.waits_for_notice and _may_meet(playbook, gate))
        name = next(waits, None)
        if name and Audience.STAKEHOLDERS not in playbook.tell.get(Moment.ROLLOUT_PLANNED, {}):
            message = (
                f"tell.rollout.planned: stakeholders are not told, and gate {name!r} waits until they are. "
                "Add {stakeholders: rollout.planned}."
            )
            raise file.error(message, ("tell", Moment.ROLLOUT_PLANNED.value))


def _may_meet(playbook: Playbook, gate: Gate) -> bool:
    """Whether a gate can be asked about a rollout that the playbook is for."""
    return all(
        None in pair or pair[0] == pair[1]
        for pair in ((playbook.match.component, gate.component), (playbook.match.environment, gate.environment))
    )


def _check_matches(files: Sequence[Document], playbooks: Sequence[Playbook]) -> None:
    """Refuse two playbooks for the same rollouts: neither would be the more specific one."""
    first: dict[Match, Document] = {}
    for file, playbook in zip(files, playbooks, strict=True):
        other = first.setdefault(playbook.match, file)
        if other is not file:
            message = f"match: is the same as in {other.path.name}. Narrow one of them, or remove it."
            raise file.error(message, ("match",))


def _check_coverage(configuration: Configuration, folder: Path) -> None:
    """Make sure now that every rollout finds a playbook, so that none fails to at night."""
    environments = [*configuration.site.environments.public, None, "elsewhere"]
    for strategy in Strategy:
        for component in (*(component.id for component in configuration.site.components), None):
            for environment in environments:
                try:
                    configuration.playbook(strategy=strategy, component=component, environment=environment)
                except PlaybookError:
                    where = f"{component or 'an unlisted component'} in {environment or 'an unknown environment'}"
                    message = (
                        f"has no playbook for strategy {strategy} of {where}. Add default.yaml with `match: {{}}`."
                    )
                    raise PlaybookError(message, file=str(folder), line=1) from None
