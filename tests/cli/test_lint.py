"""`trusthub lint` as people, pre-commit and pipelines call it: with files, with a pipe, with lines of JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from trusthub.cli import main

GOOD = """\
CSV export fails for customers in the EU region since 09:12 UTC on 3 May 2026, and we are sorry.
We do not know yet how many are affected, nor why.
You can export through the API until then. Next update by 09:45 UTC. Reply to reach a person.
"""
BAD = "We apologise for any inconvenience.\nThe repair comes soon.\n"


def lint(*arguments: str, piped: str | bytes = "") -> Result:
    return CliRunner().invoke(main, ["lint", *arguments], input=piped)


def answers(*objects: object, options: tuple[str, ...] = ()) -> tuple[int, list[dict[str, object]], str]:
    piped = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in objects)
    result = lint("--format", "jsonl", *options, piped=piped)
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()], result.stderr


def test_a_good_text_is_silent() -> None:
    result = lint("--state", "investigating", piped=GOOD)
    assert (result.exit_code, result.output) == (0, "")


def test_an_error_is_shown_with_its_place_and_blocks(tmp_path: Path) -> None:
    file = tmp_path / "update.md"
    file.write_text(BAD, encoding="utf-8")
    result = lint(str(file))
    assert result.exit_code == 1
    assert f'{file}:1:18: error A03\n    "any inconvenience"\n' in result.stdout
    assert f'{file}:2:18: error T02\n    "soon"\n' in result.stdout


def test_a_warning_alone_blocks_nothing() -> None:
    result = lint("--state", "investigating", piped=GOOD.replace("Reply to reach a person.", ""))
    assert result.exit_code == 0
    assert "warning C03" in result.stdout


def test_github_shows_findings_beside_the_line(tmp_path: Path) -> None:
    file = tmp_path / "update, 1.md"
    file.write_text(BAD, encoding="utf-8")
    lines = lint("--format", "github", str(file)).stdout.splitlines()
    name = str(file).replace(",", "%2C")
    assert any(
        line.startswith(f"::error file={name},line=2,endLine=2,col=18,endColumn=22,title=T02::") for line in lines
    )
    assert any(line.startswith("::warning ") for line in lines)


def test_a_word_that_needs_a_name_says_whose() -> None:
    result = lint("--state", "investigating", piped=GOOD + "It was an attack.\n")
    assert '-:4:11: "attack" needs the name of a person with role legal' in result.stdout
    assert result.exit_code == 0


def test_one_object_in_is_one_object_out() -> None:
    status, (first, second), errors = answers(
        {"id": 7, "text": BAD, "state": "investigating", "facts": {"next_update": "2026-05-03T09:45:00Z"}},
        "",
        {"id": "b", "text": GOOD, "state": "investigating"},
    )
    assert (status, errors) == (1, "")
    assert second == {"id": "b", "findings": []}
    assert first.keys() == {"id", "findings"}
    findings = first["findings"]
    assert isinstance(findings, list)
    for finding in findings:
        assert list(finding) == ["rule", "severity", "start", "end", "quote", "why", "rewrite"]
        assert BAD[finding["start"] : finding["end"]] == finding["quote"]
    assert "Next update by 09:45 UTC" in next(each["rewrite"] for each in findings if each["rule"] == "T01")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nonsense", "-:2: Expecting value"),
        ("[1]", '-:2: it is no object. Write {"id": ..., "text": ...}.'),
        ('{"text": "x"}', "-:2: id is missing."),
        ('{"id": 1}', "-:2: text is missing."),
        ('{"id": 1, "text": 5}', "-:2: text has to be text."),
        ('{"id": true, "text": "x"}', "-:2: id has to be text or a number."),
        ('{"id": 1, "text": "x", "facts": []}', "-:2: facts has to be an object."),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_answered(line: str, reason: str) -> None:
    good = {"id": 1, "text": GOOD, "state": "investigating"}
    status, found, errors = answers(good, line, {**good, "id": 3})
    assert status == 2
    assert [each["id"] for each in found] == [1, 3]
    assert reason in errors


def test_a_state_that_is_unknown_is_no_mistake() -> None:
    status, found, errors = answers({"id": 1, "text": GOOD, "state": "update"})
    assert (status, errors) == (0, "")
    assert found[0]["id"] == 1


def test_an_unknown_language_is_never_fine() -> None:
    result = lint("--locale", "fr", piped="Tout va bien.")
    assert result.exit_code == 2
    assert result.stderr == "-: Not checked: there are no rules for 'fr' (there are: de, en).\n"
    status, found, _ = answers({"id": 1, "text": "Tout va bien.", "locale": "fr"})
    assert status == 2
    assert str(found[0]["notice"]).startswith("Not checked")


def test_german_is_checked_by_german_rules() -> None:
    assert "error A03" in lint("--locale", "de", piped="Wir entschuldigen etwaige Unannehmlichkeiten.").stdout


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file or directory"), (b"\xff\xfe", "not UTF-8. Save it as UTF-8")]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    file = tmp_path / "update.md"
    if content is not None:
        file.write_bytes(content)
    result = lint(str(file))
    assert result.exit_code == 2
    assert result.stderr == f"{file}: {reason}.\n"


def test_it_needs_no_settings_and_no_database(tmp_path: Path) -> None:
    """Nothing of the hub is even loaded: a hook runs it on every commit, and nobody wants to wait for it."""
    code = (
        "import sys\nfrom trusthub.cli import main\nmain(['lint', '--state', 'investigating'], standalone_mode=False)"
    )
    heavy = "sys.exit(3 if {'flask', 'sqlalchemy', 'pydantic', 'jinja2'} & set(sys.modules) else 0)"
    ran = subprocess.run(
        [sys.executable, "-c", f"import atexit, os, sys\natexit.register(lambda: os._exit({heavy[9:-1]}))\n{code}"],
        input=GOOD,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_site_has_its_own_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTHUB_TEMPLATES_DIR", str(tmp_path / "none"))
    assert lint(piped=BAD).exit_code == 1  # without a folder of its own, the packaged ones hold
    (tmp_path / "own" / "wording").mkdir(parents=True)
    monkeypatch.setenv("TRUSTHUB_TEMPLATES_DIR", str(tmp_path / "own"))
    assert "has no en.yaml" in lint(piped=BAD).stderr


def test_pre_commit_finds_the_hook() -> None:
    (hook,) = yaml.safe_load((Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["entry"] == "trusthub lint"
    assert main.get_command(None, "lint") is not None  # type: ignore[arg-type]  # click asks for a context it does not use
