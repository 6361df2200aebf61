"""Outputs of migrations, in the shapes that the tools print."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from trusthub.cli.migrations import flyway, liquibase
from trusthub.errors import PayloadError

MIGRATED: dict[str, Any] = {
    "initialSchemaVersion": "41",
    "targetSchemaVersion": "43",
    "schemaName": "shop",
    "migrations": [
        {"category": "Versioned", "version": "42", "description": "orders", "type": "SQL", "executionTime": 12},
        {"category": "Versioned", "version": "43", "description": "vouchers", "type": "SQL", "executionTime": 31},
    ],
    "migrationsExecuted": 2,
    "success": True,
    "flywayVersion": "11.14.1",
    "database": "shop",
    "warnings": [],
    "operation": "migrate",
}
UNDONE = {
    "initialSchemaVersion": "43",
    "targetSchemaVersion": "42",
    "undoneMigrations": [{"version": "43", "description": "vouchers", "executionTime": 4}],
    "migrationsUndone": 1,
    "operation": "undo",
}
NOTHING = {**MIGRATED, "targetSchemaVersion": None, "migrations": [], "migrationsExecuted": 0}
ERROR = {
    "error": {
        "errorCode": "FAULT",
        "message": "Migration V43__vouchers.sql failed\nSQL State: 42P01",
        "stackTrace": "...",
    }
}
INFO = {
    "schemaVersion": "41",
    "migrations": [
        {"version": "41", "state": "Success"},
        {"version": "42", "state": "Pending"},
        {"version": "43", "state": "Pending"},
    ],
    "operation": "info",
}


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (MIGRATED, {"event": "rollout.completed", "from_version": "41", "to_version": "43"}),
        ({**MIGRATED, "initialSchemaVersion": None}, {"event": "rollout.completed", "to_version": "43"}),
        (
            {**MIGRATED, "targetSchemaVersion": None},
            {"event": "rollout.completed", "from_version": "41", "to_version": "43"},
        ),
        ({**MIGRATED, "success": False}, {"event": "rollout.failed", "from_version": "41", "to_version": "43"}),
        (NOTHING, None),
        (UNDONE, {"event": "rollback.finished", "from_version": "42", "to_version": "43"}),
        ({**UNDONE, "undoneMigrations": [], "migrationsUndone": 0}, None),
        (ERROR, {"event": "rollout.failed", "reason": "FAULT Migration V43__vouchers.sql failed"}),
        (INFO, {"event": "rollout.started", "from_version": "41", "to_version": "43"}),
        ({**INFO, "migrations": INFO["migrations"][:1]}, None),
        (
            {"individualResults": [MIGRATED, INFO]},
            {"event": "rollout.completed", "from_version": "41", "to_version": "43"},
        ),
    ],
    ids=[
        "done",
        "first",
        "no-target",
        "failed",
        "nothing",
        "back",
        "nothing-back",
        "error",
        "waits",
        "none-waits",
        "two",
    ],
)
def test_flyway(printed: Any, expected: Any) -> None:
    assert flyway(json.dumps(printed, indent=2)) == expected


def test_flyway_among_other_things_that_are_printed() -> None:
    text = f'WARNING: {{driver}} is old\n{{"level": "warn", "message": "x"}}\n{json.dumps(MIGRATED)}\nDone.'
    assert flyway(text) == flyway(json.dumps(MIGRATED))


@pytest.mark.parametrize("text", ["", "Flyway Community Edition", "{", "[]", '{"operation": "dance"}', "{" * 5000])
def test_what_is_not_flyways(text: str) -> None:
    with pytest.raises(PayloadError, match="-outputType=json"):
        flyway(text)


def log(*lines: dict[str, Any], under: str = "") -> str:
    common = {"timestamp": "2026-03-02T14:02:00Z", "level": "INFO", "thread": "main"}
    return "\n".join(json.dumps({**common, **({under: line} if under else line)}) for line in lines)


UPDATE = {"deploymentId": "2460120417", "liquibaseCommandName": "update"}
RAN = [
    {**UPDATE, "changesetId": number, "changesetAuthor": "nora", "changesetOutcome": "executed"}
    for number in ("42", "43")
]
GOOD: dict[str, Any] = {**UPDATE, "deploymentOutcome": "success", "deploymentOutcomeCount": "2"}
BACK: dict[str, Any] = {
    "liquibaseCommandName": "rollbackToTag",
    "rollbackToTag": "v41",
    "changesetsRolledback": [{"changesetId": "43"}, {"changesetId": "42"}],
    "deploymentOutcome": "success",
}
BAD: dict[str, Any] = {
    **UPDATE,
    "deploymentOutcome": "fail",
    "exceptionDetails": "long",
    "primaryExceptionReason": "no table orders",
}


@pytest.mark.parametrize("under", ["", "mdc", "message"])
@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([*RAN, GOOD], {"event": "rollout.completed", "to_version": "43"}),
        ([*RAN, {**GOOD, "updateToTag": "v43"}], {"event": "rollout.completed", "to_version": "v43"}),
        ([{**UPDATE, "deploymentOutcome": "success", "deploymentOutcomeCount": "0"}], None),
        (
            [RAN[0], {**UPDATE, "changesetId": "43", "changesetOutcome": "failed"}, BAD],
            {"event": "rollout.failed", "to_version": "43", "reason": "no table orders"},
        ),
        ([BACK], {"event": "rollback.finished", "from_version": "v41", "to_version": "43"}),
    ],
    ids=["done", "done-to-a-tag", "nothing", "failed", "back"],
)
def test_liquibases_json(lines: list[dict[str, Any]], expected: Any, under: str) -> None:
    assert liquibase(log(*lines, under=under)) == expected


RUNNING, ROLLING = "Running Changeset: db/changelog.xml::", "Rolling Back Changeset: db/changelog.xml::"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"{RUNNING}42::nora\n{RUNNING}43::nora\nLiquibase command 'update' was executed successfully.",
            {"event": "rollout.completed", "to_version": "43"},
        ),
        ("Liquibase command 'update' was executed successfully.", None),
        (
            f"{ROLLING}43::nora\n{ROLLING}42::nora\nLiquibase command 'rollback-count' was executed successfully.",
            {"event": "rollback.finished", "to_version": "43"},
        ),
        (
            f"{RUNNING}42::nora\nUnexpected error running Liquibase: no table orders",
            {"event": "rollout.failed", "to_version": "42", "reason": "no table orders"},
        ),
    ],
    ids=["done", "nothing", "back", "failed"],
)
def test_liquibases_text(text: str, expected: Any) -> None:
    assert liquibase(text) == expected


@pytest.mark.parametrize("text", ["", "Starting Liquibase", log(*RAN)], ids=["nothing", "text", "cut"])
def test_a_log_without_an_end(text: str) -> None:
    with pytest.raises(PayloadError, match="does not say how Liquibase ended"):
        liquibase(text)


@pytest.mark.skipif("TRUSTHUB_REFERENCE" not in os.environ, reason="TRUSTHUB_REFERENCE names no folder of samples.")
def test_the_keys_are_liquibases() -> None:
    given = Path(os.environ["TRUSTHUB_REFERENCE"])
    folder = given / "events" if (given / "events").is_dir() else given
    known = set(json.loads((folder / "liquibase" / "mdc-keys.derived.json").read_bytes()))
    assert {key for line in (*RAN, GOOD, BACK, BAD) for key in line} <= known
