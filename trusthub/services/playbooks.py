"""Reading playbooks and plans: what is wrong in them is found at start, with file, line and cure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

from trusthub.domain.message import Audience, Moment
from trusthub.domain.plan import Plan, gaps
from trusthub.domain.playbook import Playbook, When
from trusthub.domain.site import Gate, Site
from trusthub.errors import PlaybookError
from trusthub.rendering.messages import Place as TemplatePlace
from trusthub.rendering.templates import Templates
from trusthub.services.document import Document, Place, parse, read
from trusthub.services.mistakes import hint, model
from trusthub.settings import Settings

_FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)
_OWN = frozenset({"match", "extends"})
"""What a playbook never has from the one that it extends."""


def plans(folder: Path) -> dict[str, Plan]:
    """Return the plans in a folder by name. Raises PlaybookError."""
    return {path.stem: _plan(path) for path in sorted(folder.glob("*.md"))}


def front_matter(path: Path) -> tuple[str, str]:
    """Return the YAML at the beginning of a plan, and the text below it. Raises PlaybookError when there is none."""
    match = _FRONT_MATTER.match(read(path))
    if not match:
        message = "has no front matter. Begin with --- title, summary, recovery, sla, layers and risks ---."
        raise PlaybookError(message, file=str(path), line=1)
    return match[1], match[2]


def playbooks(settings: Settings, site: Site, known: Mapping[str, Plan], templates: Templates) -> tuple[Playbook, ...]:
    """Return the playbooks, each checked alone and against the others. Raises PlaybookError."""
    files = _extended(_files(settings))
    found = tuple(_playbook(file, site, known, templates) for file in files)
    _check_matches(files, found)
    _check_notices(files, found, site)
    return found


def check_complete(folder: Path) -> None:
    """Raise PlaybookError that names everything under which a plan in a folder has nothing but spaces."""
    problems: list[PlaybookError] = []
    for path in sorted(folder.glob("*.md")):
        document = parse(path, front_matter(path)[0], first_line=2)
        empty = gaps(_plan(path))
        problems += [document.error(f"{place}: is empty. Fill it in.", tuple(place.split("."))) for place in empty]
    if problems:
        raise PlaybookError("\n  ".join(map(str, problems)))


def record_drill(path: Path, day: date) -> None:
    """Write the day of a drill into a plan, and leave every other character as it is. Raises OSError."""
    text = path.read_bytes().decode("utf-8")
    end = re.compile(r"^---", re.MULTILINE).search(text, text.index("---") + 3)
    if end is None:
        raise PlaybookError("has no front matter.", file=str(path), line=1)
    head, line = text[: end.start()], f"last_drilled: {day.isoformat()}"
    written, found = re.subn(r"^last_drilled:[^\S\r\n]*[^\s#]*", line, head, count=1, flags=re.MULTILINE)
    if not found:
        written = head + line + ("\r\n" if head.endswith("\r\n") else "\n")
    path.write_bytes((written + text[end.start() :]).encode("utf-8"))


def _plan(path: Path) -> Plan:
    text, document = front_matter(path)
    return model(Plan, parse(path, text, first_line=2), name=path.stem, document=document.strip())


def _files(settings: Settings) -> list[Document]:
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


# ---------------------------------------------------------------------------------------------- one extends another


def _extended(files: Sequence[Document]) -> list[Document]:
    """Return the files with what they leave out, those first that others extend: a mistake stands where it was made."""
    by_name = {file.path.stem: file for file in files}
    done: dict[str, Document] = {}

    def extend(file: Document, below: tuple[str, ...]) -> Document:
        name = file.path.stem
        if name not in done:
            base = file.value.get("extends") if isinstance(file.value, dict) else None
            if isinstance(base, str):
                done[name] = _merged(file, extend(_base(file, base, by_name, (*below, name)), (*below, name)))
            else:
                done[name] = file
        return done[name]

    for file in files:
        extend(file, ())
    return list(done.values())


def _base(file: Document, name: str, known: Mapping[str, Document], below: tuple[str, ...]) -> Document:
    if name in below:
        raise file.error(f"extends: {name} extends this one already. Take one of them out.", ("extends",))
    if name not in known:
        others = [other for other in known if other not in below]
        raise file.error(f"extends: there is no playbook {name!r}. {hint(name, others)}", ("extends",))
    return known[name]


def _merged(file: Document, base: Document) -> Document:
    """Put a playbook's own words over those of another: key by key, and a moment that it names as a whole."""
    inherited = {key: value for key, value in base.value.items() if key not in _OWN} if base.value else {}
    own: dict[str, Any] = file.value
    for key in ("tell", "cadence", "wave"):
        if isinstance(inherited.get(key), dict) and isinstance(own.get(key), dict):
            own = {**own, key: {**inherited[key], **own[key]}}
    return Document(file.path, {**inherited, **own}, file.lines)


# ---------------------------------------------------------------------------------------------- each alone


def _playbook(document: Document, site: Site, known: Mapping[str, Plan], templates: Templates) -> Playbook:
    playbook = model(Playbook, document, name=document.path.stem)
    if playbook.plan not in known:
        raise document.error(f"plan: plans/{playbook.plan}.md does not exist. {hint(playbook.plan, known)}", ("plan",))
    components = [component.id for component in site.components]
    for component in playbook.match.component:
        if component not in components:
            message = f"match.component: site.yaml has no component {component!r}. {hint(component, components)}"
            raise document.error(message, ("match", "component"))
    if playbook.approval:
        _check_approval(document, site, playbook)
    if playbook.propose_rollback:
        _check_told(document, playbook, (Moment.ROLLBACK_PROPOSED, Moment.ROLLBACK_DECIDED))
    for place, message in _messages(playbook):
        _check_message(document, site, templates, place, message)
    return playbook


def _check_approval(document: Document, site: Site, playbook: Playbook) -> None:
    """Refuse a question that nobody would get, or could answer."""
    if not site.roles.publisher:
        message = "approval: nobody could approve. Name publishers in site.yaml, under roles.publisher."
        raise document.error(message, ("approval",))
    for approver in playbook.approval.approvers if playbook.approval else ():
        if "@" in approver and not site.roles.publishes(approver):
            known = [each.email for each in site.roles.publisher]
            message = (
                f"approval.approvers: {approver!r} is not under roles.publisher in site.yaml. {hint(approver, known)}"
            )
            raise document.error(message, ("approval", "approvers"))
    _check_told(document, playbook, (Moment.APPROVAL_ASKED, Moment.APPROVAL_DECIDED))


def _check_told(document: Document, playbook: Playbook, moments: Iterable[Moment]) -> None:
    """Refuse a question that a playbook puts before nobody who works here."""
    for moment in moments:
        if not any(not audience.public for audience in playbook.tell.get(moment, {})):
            message = f"tell.{moment}: nobody who works here is told. Add {{stakeholders: {moment}}}."
            raise document.error(message, ("tell",))


def _messages(playbook: Playbook) -> Iterator[tuple[tuple[Moment, Audience], str]]:
    for moment, heard in playbook.tell.items():
        for audience, told in heard.items():
            yield (moment, audience), told.message


def _check_message(
    document: Document, site: Site, templates: Templates, place: tuple[Moment, Audience], name: str
) -> None:
    moment, audience = place
    if audience not in site.audiences:
        message = f"site.yaml has no audience {audience.value!r}. Add it there, or tell somebody else."
    elif name not in templates.messages():
        message = f"there is no message {name!r} in {templates.root}. {hint(name, templates.messages())}"
    elif audience.public and (internal := _internal_facts(templates, name, site.locales)):
        fact, (file, line) = next(iter(internal.items()))
        message = (
            f"customers may not read the fact {fact!r}, which message {name!r} has in {file}:{line}. "
            "Take it out, or name another message."
        )
    else:
        return
    where: Place = ("tell", moment.value, audience.value)
    raise document.error(f"tell.{moment}.{audience}: {message}", where)


def _internal_facts(templates: Templates, name: str, locales: Iterable[str]) -> dict[str, TemplatePlace]:
    return {fact: at for code in locales for fact, at in templates.internal_facts(name, code).items()}


# ---------------------------------------------------------------------------------------------- all together


def _check_matches(files: Sequence[Document], found: Sequence[Playbook]) -> None:
    """Refuse two playbooks for the same occasion: neither would be the more specific one."""
    for (first, one), (second, other) in combinations(zip(files, found, strict=True), 2):
        common = one.match.ties_with(other.match)
        if common is None:
            continue
        earlier, later = (first, second) if first.path.name < second.path.name else (second, first)
        if one.match == other.match:
            message = f"match: is the same as in {earlier.path.name}. Narrow one of them, or remove it."
        else:
            said = ", ".join(f"{name} {value}" for name, value in common.items())
            message = f"match: ties with {earlier.path.name} for {said}. Take that out of one of them."
        raise later.error(message, ("match",))


def _check_notices(files: Sequence[Document], found: Sequence[Playbook], site: Site) -> None:
    """Refuse a playbook that tells stakeholders nothing of a plan while a gate waits until they are told."""
    for file, playbook in zip(files, found, strict=True):
        waits = (name for name, gate in site.gates.items() if gate.waits_for_notice and _may_meet(playbook, gate))
        name = next(waits, None)
        told = playbook.tell.get(Moment.ROLLOUT_PLANNED, {}).get(Audience.STAKEHOLDERS)
        if name and (told is None or told.when != When()):
            always = "always " if told else ""
            message = (
                f"tell.rollout.planned: stakeholders are not {always}told, and gate {name!r} waits until they are. "
                "Add {stakeholders: rollout.planned}."
            )
            raise file.error(message, ("tell", Moment.ROLLOUT_PLANNED.value))


def _may_meet(playbook: Playbook, gate: Gate) -> bool:
    """Whether a gate can be asked about a rollout that the playbook is for."""
    match = playbook.match
    return not match.kind and all(
        asked is None or not named or asked in named
        for named, asked in ((match.component, gate.component), (match.environment, gate.environment))
    )
