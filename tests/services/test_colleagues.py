"""Approvers who could not answer are named before the night they are called."""

from pathlib import Path

import pytest

from tests.databases import migrated
from tests.e2e.test_approvals import files
from trusthub import app
from trusthub.errors import PlaybookError
from trusthub.services import colleagues, site
from trusthub.settings import Settings


def strangers(folder: Path, rule: str) -> list[tuple[str, str, str]]:
    url = f"sqlite:///{folder}/hub.db"
    loaded = Settings.model_validate({"database_url": url, **files(folder, rule)})
    found = site.load(loaded)
    assert list(colleagues.strangers(loaded, found)) == []  # nobody is a colleague where there is no database
    migrated(url)
    for email, name in (("mira@acme.example", "Mira"), ("sam@acme.example", "Sam")):
        app.add_user(loaded, email=email, name=name, password="correct horse battery staple")
    return list(colleagues.strangers(loaded, found))


def test_who_cannot_sign_in_or_may_not_publish_is_named(tmp_path: Path) -> None:
    assert strangers(tmp_path, "approval: {approvers: [mira@acme.example, Mira, jo@acme.example, Sam]}") == [
        ("canary", "jo@acme.example", "is no colleague. Add them with `trusthub user add`."),
        ("canary", "Sam", "cannot answer: add sam@acme.example to roles.publisher in site.yaml."),
    ]


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("approval: {approvers: [joe@acme.example]}", "'joe@acme.example' is not under roles.publisher in site.yaml."),
        ("approval: {approvers: []}", "approval.approvers"),
        ("approval: {approvers: [Mira], on_timeout: publish}", "approval.on_timeout"),
        ("approval: {approvers: [Mira], witin: 5m}", "within"),
        (
            "approval: {approvers: [Mira]}\ntell: {approval.asked: {}}",
            "tell.approval.asked: nobody who works here is told. Add {stakeholders: approval.asked}.",
        ),
    ],
)
def test_a_rule_that_cannot_work_says_where_and_how_to_mend_it(tmp_path: Path, rule: str, problem: str) -> None:
    with pytest.raises(PlaybookError) as error:
        site.load(Settings.model_validate(files(tmp_path, rule)))
    assert "canary.yaml:" in str(error.value)
    assert problem in str(error.value)


def test_without_publishers_nobody_could_approve(tmp_path: Path) -> None:
    made = files(tmp_path)
    made["site"].write_text(made["site"].read_text(encoding="utf-8").split("\nroles:")[0], encoding="utf-8")
    with pytest.raises(PlaybookError, match=r"approval: nobody could approve\. Name publishers in site\.yaml"):
        site.load(Settings.model_validate(made))
