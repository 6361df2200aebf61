"""What Flyway and Liquibase say of a migration, in the words of our own contract. Nothing is sent from here.

Both are read after they ran: Flyway's `-outputType=json`, Liquibase's log, as JSON lines or as plain text.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from trusthub.errors import PayloadError

Said = dict[str, Any]
_LONGEST = 500
"""Characters of a reason."""
_PENDING = frozenset({"Pending", "Outdated"})
_RUN = frozenset({"executed", "ran", "reran", "mark_ran", "success"})


def flyway(text: str) -> Said | None:
    """Return what the output of `migrate`, `undo` or `info` means; None when no migration ran or waits.

    Keys and types are those of Flyway's MigrateResult, UndoResult and InfoResult. Raises PayloadError when there is no
    such output in `text`.
    """
    for found in _objects(text):
        for result in found.get("individualResults") or [found]:  # several commands in one call
            if isinstance(result, dict) and ("error" in result or result.get("operation") in _FLYWAY):
                return _flyway(result)
    raise PayloadError("There is no output of Flyway's. Call it with -outputType=json.")


def _flyway(result: Said) -> Said | None:
    error, operation = result.get("error"), str(result.get("operation") or "migrate")
    before, after = _text(result.get("initialSchemaVersion")), _text(result.get("targetSchemaVersion"))
    applied = [_text(each.get("version")) for each in _dicts(result.get("migrations"))]
    if error or result.get("success") is False:
        reason = " ".join(_text(error.get(key)) for key in ("errorCode", "message")) if isinstance(error, dict) else ""
        return _said("rollout.failed", before, after or next(filter(None, reversed(applied)), ""), reason)
    return _FLYWAY[operation](result, before, after or next(filter(None, reversed(applied)), ""))


def _migrated(result: Said, before: str, after: str) -> Said | None:
    return _said("rollout.completed", before, after) if result.get("migrationsExecuted") or after else None


def _undone(result: Said, before: str, after: str) -> Said | None:
    """The version that is gone is the one whose rollout is over."""
    undone = [_text(each.get("version")) for each in _dicts(result.get("undoneMigrations"))]
    gone = before or next(filter(None, undone), "")
    return _said("rollback.finished", after, gone) if result.get("migrationsUndone") or undone else None


def _waiting(result: Said, before: str, after: str) -> Said | None:  # noqa: ARG001 -- as the others
    pending = [_text(each.get("version")) for each in _dicts(result.get("migrations")) if each.get("state") in _PENDING]
    newest = next(filter(None, reversed(pending)), "")
    return _said("rollout.started", _text(result.get("schemaVersion")), newest) if pending else None


_FLYWAY: Mapping[str, Callable[[Said, str, str], Said | None]] = {
    "migrate": _migrated,
    "undo": _undone,
    "info": _waiting,  # before the migration: it is about to begin
}


def liquibase(text: str) -> Said | None:
    """Return what the log of `update` or a `rollback` means; None when no changeset ran.

    JSON lines carry Liquibase's MDC keys, at the top or under `mdc` or `message`. Liquibase has no version of a schema:
    the newest changeset stands for it. Raises PayloadError when the log does not say how it ended.
    """
    lines = [_flat(line) for line in _objects(text)]
    lines = [line for line in lines if _MDC & line.keys()] or list(_plain(text))
    last = {key: value for line in lines for key, value in line.items() if value not in (None, "")}
    outcome = _text(last.get("deploymentOutcome") or last.get("operationOutcome")).lower()
    if not outcome:
        raise PayloadError("The log does not say how Liquibase ended. Give it the whole log, at level INFO.")
    back = _text(last.get("liquibaseCommandName")).lower().startswith("rollback")
    ran = [_text(line["changesetId"]) for line in lines if _text(line.get("changesetOutcome")).lower() in _RUN]
    if outcome.startswith("fail"):
        reason = _text(last.get("primaryExceptionReason") or last.get("exceptionDetails"))
        return _said("rollout.failed", "", _text(last.get("changesetId")), reason)
    if back:
        gone = [_text(each.get("changesetId")) for each in _dicts(last.get("changesetsRolledback"))]
        gone = gone or [_text(line["changesetId"]) for line in lines if "changesetId" in line]  # the newest goes first
        return _said("rollback.finished", _text(last.get("rollbackToTag")), gone[0]) if gone else None
    if not ran and _text(last.get("deploymentOutcomeCount")) in ("", "0"):
        return None
    return _said("rollout.completed", "", _text(last.get("updateToTag")) or next(reversed(ran), ""))


_MDC = {"deploymentOutcome", "operationOutcome", "changesetId", "liquibaseCommandName", "deploymentId"}
_LINES: tuple[tuple[str, Callable[[str], Said]], ...] = (
    (
        r"Running Changeset: .+::(.+)::[^:]+$",
        lambda found: {"changesetId": found, "changesetOutcome": "ran"},
    ),
    (r"Rolling Back Changeset: .+::(.+)::[^:]+$", lambda found: {"changesetId": found}),
    (
        r"Liquibase command '([\w-]+)' was executed successfully",
        lambda found: {"liquibaseCommandName": found, "deploymentOutcome": "success"},
    ),
    (
        r"Unexpected error running Liquibase: (.+)$",
        lambda found: {"deploymentOutcome": "fail", "exceptionDetails": found},
    ),
)
"""Plain lines of a log, and what they are as MDC keys. Structured logs belong to the paid edition."""


def _plain(text: str) -> Iterator[Said]:
    for line in text.splitlines():
        for pattern, meaning in _LINES:
            if match := re.search(pattern, line.strip()):
                yield meaning(match[1])


def _objects(text: str) -> Iterator[Said]:
    """Yield each JSON object in a text that has other things in it too, such as warnings of a driver."""
    decoder, position = json.JSONDecoder(), text.find("{")
    while position != -1:
        try:
            found, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            end = position + 1
        else:
            yield found
        position = text.find("{", end)


def _flat(line: Said) -> Said:
    inner = [line[key] for key in ("mdc", "message") if isinstance(line.get(key), dict)]
    return {key: value for part in (line, *inner) for key, value in part.items()}


def _said(event: str, before: str, after: str, reason: str = "") -> Said:
    first = reason.strip().partition("\n")[0][:_LONGEST]
    found = {"from_version": before, "to_version": after, "reason": first}
    return {"event": event, **{key: value for key, value in found.items() if value}}


def _text(value: object) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value)


def _dicts(value: object) -> list[Said]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


TOOLS: Mapping[str, Callable[[str], Said | None]] = {"flyway": flyway, "liquibase": liquibase}
