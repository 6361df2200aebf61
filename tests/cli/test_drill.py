"""`trusthub drill` and the readiness that `trusthub check` prints."""

import json
import os
import re
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from trusthub.cli import main
from trusthub.services.playbooks import record_drill
from trusthub.settings import packaged


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped playbooks that may be changed."""
    for name in [name for name in os.environ if name.startswith("TRUSTHUB_")]:
        monkeypatch.delenv(name)
    folder = shutil.copytree(packaged("playbooks"), tmp_path / "playbooks", ignore=shutil.ignore_patterns("__*"))
    monkeypatch.setenv("TRUSTHUB_SITE", str(folder / "site.yaml"))
    monkeypatch.chdir(tmp_path)
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, text
    file.write_text(text.replace(old, new), encoding="utf-8")


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def test_a_drill_prints_the_timeline_and_records_the_day(books: Path, tmp_path: Path) -> None:
    plan = books / "plans" / "flag.md"
    before = plan.read_text(encoding="utf-8")
    change(plan, "last_drilled: 2026-11-27", "last_drilled: 2025-01-02   # in the old office")
    result = run("drill", "flag", "--fail-at", "10%")
    assert result.exit_code == 0, result.output
    assert "It fails at 10 %" in result.output
    assert "0:32:10  customers" in result.output
    assert f"Nothing was sent. It passes. {plan} says so." in " ".join(result.output.split())
    recorded = f"last_drilled: {today()}   # in the old office"
    assert plan.read_text(encoding="utf-8") == before.replace("last_drilled: 2026-11-27", recorded)
    assert [path.name for path in tmp_path.iterdir()] == ["playbooks"]  # no database, nothing else


def test_a_drill_may_leave_the_plan_alone_and_speak_json(books: Path) -> None:
    plan = books / "plans" / "flag.md"
    change(plan, "last_drilled: 2026-11-27\n", "")
    before = plan.read_bytes()
    result = run("drill", "flag", "--fail-at", "10", "--format", "json", "--no-record")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["playbook"], said["plan"], said["passed"], said["date"]) == ("flag", "flag", True, today())
    (only,) = said["runs"]
    assert (only["fails_at"], only["problems"]) == (10.0, [])
    first = only["messages"][0]
    assert (first["after_seconds"], first["moment"], first["edited"]) == (0, "rollout.planned", False)
    assert plan.read_bytes() == before


def test_a_drill_that_fails_ends_with_1_and_records_nothing(books: Path) -> None:
    playbook = books / "flag.yaml"
    playbook.write_text(
        playbook.read_text(encoding="utf-8") + "tell:\n  incident.identified: {support: incident.identified}\n"
        "  incident.monitoring: {}\n",
        encoding="utf-8",
    )
    plan = books / "plans" / "flag.md"
    change(plan, "last_drilled: 2026-11-27\n", "")
    before = plan.read_bytes()
    result = run("drill", "flag", "--fail-at", "10%")
    assert result.exit_code == 1
    assert "Wrong: Customers hear of it after 35.2 minutes; the cadence says 15 minutes." in result.output
    assert "It does not pass." in result.output
    assert plan.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["canari"], "There is no playbook 'canari'. Did you mean 'canary'?"),
        (["canary", "--fail-at", "half"], "'half' is no share. Write a number above 0 and up to 100, such as 5%."),
        (["canary", "--fail-at", "0%"], "'0%' is no share."),
        (["canary", "--fail-at", "101"], "'101' is no share."),
        (["manual", "--fail-at", "5"], "manual is for what a person opens: it has no share at which it can fail."),
    ],
)
def test_what_cannot_be_drilled(books: Path, arguments: list[str], said: str) -> None:
    result = run("drill", *arguments)
    assert result.exit_code != 0
    assert said in result.output


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_plan_that_cannot_be_written_is_said(books: Path) -> None:
    plan = books / "plans" / "flag.md"
    plan.chmod(0o444)
    result = run("drill", "flag", "--fail-at", "10%")
    assert result.exit_code == 0
    assert "cannot be written (Permission denied)" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("---\ntitle: A\n---\nlast_drilled: no\n", "---\ntitle: A\nlast_drilled: 2026-11-27\n---\nlast_drilled: no\n"),
        ("---\nlast_drilled:\ntitle: A\n---\nB\n", "---\nlast_drilled: 2026-11-27\ntitle: A\n---\nB\n"),
        ("---\nlast_drilled: # never\n---\nB\n", "---\nlast_drilled: 2026-11-27# never\n---\nB\n"),
        ("\ufeff---\r\ntitle: A\r\n---\r\nB", "\ufeff---\r\ntitle: A\r\nlast_drilled: 2026-11-27\r\n---\r\nB"),
        ("---\nlast_drilled: 2020-01-01  # then\n---\nB", "---\nlast_drilled: 2026-11-27  # then\n---\nB"),
    ],
)
def test_a_day_is_written_and_nothing_else_changes(tmp_path: Path, before: str, after: str) -> None:
    plan = tmp_path / "plan.md"
    plan.write_bytes(before.encode())
    record_drill(plan, date(2026, 11, 27))
    assert plan.read_bytes().decode() == after
    record_drill(plan, date(2026, 11, 27))
    assert plan.read_bytes().decode() == after


# ------------------------------------------------------------------------------------------------ check


def test_readiness_is_said_in_words(books: Path) -> None:
    change(books / "plans" / "flag.md", "last_drilled: 2026-11-27\n", "")
    old = datetime.now(UTC).date() - timedelta(days=91)
    change(books / "plans" / "canary.md", "last_drilled: 2026-11-27", f"last_drilled: {old}")
    result = run("check")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    heads = next(line for line in lines if line.startswith("Component"))
    assert [head for head in ("Artifact", "Traffic", "Trigger", "Database", "Last drill") if head not in heads] == []
    (flag,) = [line for line in lines if re.match(r"\s{15,}flag\s{5,}\S", line)]
    assert "2 written down" in flag
    assert flag.rstrip().endswith("never")
    (canary,) = [line for line in lines if re.match(r"\s{15,}canary\s{5,}\S", line)]
    assert "2 minutes, on call" in canary
    assert [line for line in lines if "needs a drill" in line] == [
        f"Warning: plan {name} needs a drill: `trusthub drill` with the name of its playbook."
        for name in ("canary", "flag")
    ]


def test_a_plan_of_spaces_fails_the_check(books: Path) -> None:
    plan = books / "plans" / "flag.md"
    change(plan, "sla: Users who have", 'sla: " " # Users who have')
    change(plan, "    how: Nothing moves. The flag is the configuration.", '    how: "  "')
    result = run("check")
    assert result.exit_code == 1
    lines = plan.read_text(encoding="utf-8").splitlines()
    how, sla = (
        next(number for number, line in enumerate(lines, 1) if text in line) for text in ('how: "  "', 'sla: " "')
    )
    assert f"{plan}:{how}: layers.configuration.how: is empty. Fill it in." in result.output
    assert f"{plan}:{sla}: sla: is empty. Fill it in." in result.output
