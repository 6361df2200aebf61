"""Reading a history that was kept elsewhere: our own export, and the documents of Atlassian Statuspage's APIs.

Of Statuspage: the answers of /api/v2 (`incidents.json`, `scheduled-maintenances.json`, `summary.json`) and the lists
that its management API (/v1/pages/<page>/incidents) gives. Shapes after the public documents that it serves.
"""

import html
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from trusthub.domain.incident import ComponentStatus, State
from trusthub.domain.past import FORMAT, VERSION, Past
from trusthub.errors import PlaybookError, TrusthubError
from trusthub.services.document import Place, dotted, parse

_BREAK, _TAG = re.compile(r"<br\s*/?>|</p>\s*(?=<p>)", re.IGNORECASE), re.compile(r"</?[a-zA-Z][^>]*>")
_SHOWN = 10
"""Mistakes that are told of at once."""


class HistoryError(TrusthubError):
    """A history that cannot be taken over. The text names file and place, and says what to do."""


class _Change(BaseModel):
    code: str | None = None
    name: str
    old_status: ComponentStatus = ComponentStatus.OPERATIONAL
    new_status: ComponentStatus | None = None


class _Named(BaseModel):
    id: str
    name: str


class _Update(BaseModel):
    id: str
    status: str
    body: str | None
    created_at: AwareDatetime
    display_at: AwareDatetime | None = None
    affected_components: list[_Change] | None = None


class _Incident(BaseModel):
    id: str
    name: str
    status: str
    impact: str = "none"
    created_at: AwareDatetime
    started_at: AwareDatetime | None = None
    monitoring_at: AwareDatetime | None = None
    resolved_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    scheduled_for: AwareDatetime | None = None
    scheduled_until: AwareDatetime | None = None
    incident_updates: list[_Update] = Field(default_factory=list)
    components: list[_Named] | None = None


class _Page(BaseModel):
    name: str = ""
    url: str = ""
    time_zone: str = "UTC"


class _Document(BaseModel):
    page: _Page = _Page()
    incidents: list[_Incident] = Field(default_factory=list)
    scheduled_maintenances: list[_Incident] = Field(default_factory=list)


def read(file: Path, now: datetime, locale: str) -> Past:
    """Return the history that a file holds; words of Statuspage are in the language `locale`.

    Components are called as the file calls them. Raises HistoryError.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        said = json.loads(text)
    except json.JSONDecodeError as error:
        raise HistoryError(f"{file}:{error.lineno}: is not JSON: {error.msg}. Export it anew.") from error
    except UnicodeDecodeError as error:
        raise HistoryError(f"{file} is not UTF-8. Export it anew, as JSON.") from error
    bare = False
    try:
        if isinstance(said, dict) and "format" in said:
            return _ours(file, said)
        if bare := isinstance(said, list):
            said = {"incidents": said}
        if not isinstance(said, dict) or not {"incidents", "scheduled_maintenances"} & said.keys():
            raise HistoryError(
                f"{file} is no history that is known. Give an export of trusthub's, or incidents.json of Statuspage's "
                "API; its other files can be turned into that."
            )
        return _theirs(_Document.model_validate(said), now, locale)
    except ValidationError as error:
        raise HistoryError(_mistakes(file, text, error, bare=bare)) from error


def _ours(file: Path, said: dict[str, Any]) -> Past:
    if said["format"] != FORMAT or said.get("version") != VERSION:
        raise HistoryError(
            f"{file}: format {said['format']!r} in version {said.get('version')!r} is not known. This trusthub reads "
            f"{FORMAT} in version {VERSION}."
        )
    return Past.model_validate(said)


def _mistakes(file: Path, text: str, error: ValidationError, *, bare: bool) -> str:
    """Say what is wrong in each line. A `bare` list has no name in the file."""
    known, found = _lines(file, text), []
    for each in error.errors():
        within = each["loc"][1:] if bare else each["loc"]
        while within and within not in known:
            within = within[:-1]
        found.append(f"{file}:{known.get(within, 1)}: {dotted(each['loc'])}: {each['msg']}.")
    more = f"\n  and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "\n  ".join(found[:_SHOWN]) + more + "\nCorrect it in the file, or export it anew. Nothing was changed."


def _lines(file: Path, text: str) -> dict[Place, int]:
    """Return where each key stands: JSON is YAML. Where it is not quite, nobody knows."""
    try:
        return parse(file, text).lines
    except PlaybookError:
        return {}


def _theirs(document: _Document, now: datetime, locale: str) -> Past:
    both = {each.id: each for each in (*document.incidents, *document.scheduled_maintenances)}
    incidents = [_incident(each, locale) for each in sorted(both.values(), key=_began)]
    return Past.model_validate({"exported_at": now, "page": document.page.model_dump(), "incidents": incidents})


def _began(incident: _Incident) -> datetime:
    return incident.scheduled_for or incident.started_at or incident.created_at


def _incident(said: _Incident, locale: str) -> dict[str, Any]:
    updates = sorted(said.incident_updates, key=lambda update: update.display_at or update.created_at)
    named = [each.name for each in said.components or ()]
    touched = named or [_bare(each.name) for update in updates for each in _changes(update)]
    last = updates[-1].display_at or updates[-1].created_at if updates else said.created_at
    over = said.resolved_at or (last if _state(said.status) in (State.RESOLVED, State.COMPLETED) else None)
    return {
        "id": said.id,
        "name": said.name,
        "status": _state(said.status),
        "impact": said.impact if said.impact != "maintenance" else "none",
        "components": list(dict.fromkeys(touched)),
        "started_at": _began(said),
        "told_at": said.created_at,
        "monitoring_at": said.monitoring_at,
        "resolved_at": over,
        "updated_at": said.updated_at or last,
        "scheduled_for": said.scheduled_for,
        "scheduled_until": said.scheduled_until,
        "updates": [_update(said, each, locale) for each in updates],
    }


def _state(status: str) -> str:
    """What was learned afterwards has no state of its own here: the incident was over before."""
    return State.RESOLVED if status == "postmortem" else status


def _changes(update: _Update) -> list[_Change]:
    """One without a status only says that there was none."""
    return [each for each in update.affected_components or () if each.new_status is not None]


def _update(said: _Incident, update: _Update, locale: str) -> dict[str, Any]:
    return {
        "id": update.id,
        "status": _state(update.status),
        "at": update.display_at or update.created_at,
        "components": [
            {"component": _bare(each.name), "old_status": each.old_status, "new_status": each.new_status}
            for each in _changes(update)
        ],
        "texts": {locale: {"subject": said.name, "body": _plain(update.body or "")}},
    }


def _bare(name: str) -> str:
    """Return a component's name without its group: Statuspage writes `Group - Component` in updates."""
    return name.rpartition(" - ")[2]


def _plain(body: str) -> str:
    return html.unescape(_TAG.sub("", _BREAK.sub("\n\n", body))).strip()
