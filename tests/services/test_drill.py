"""Drills of every playbook that we ship, and what a drill finds wrong."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import structlog

from trusthub.domain.approval import ApprovalRule
from trusthub.domain.complaints import Threshold
from trusthub.domain.incident import Impact
from trusthub.domain.message import Moment
from trusthub.domain.playbook import Match, Pace, Playbook
from trusthub.domain.roles import Publisher, Roles
from trusthub.domain.site import Publishing
from trusthub.errors import PlaybookError
from trusthub.services import site
from trusthub.services.drill import Drill, drill, linted
from trusthub.services.site import Configuration
from trusthub.services.stage import Said
from trusthub.settings import Settings, packaged

START = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
SHIPPED = site.load(Settings(site=packaged("playbooks") / "site.yaml"))


@pytest.fixture(autouse=True)
def _log_to_where_this_test_prints() -> None:
    """Forget where a hub of an earlier test in this process wrote its log: that is closed by now."""
    structlog.reset_defaults()


def with_playbook(name: str, configuration: Configuration = SHIPPED, **changes: Any) -> tuple[Configuration, Playbook]:
    """Return a configuration in which one playbook says something else."""
    mine = configuration.named(name).model_copy(update=changes)
    others = tuple(mine if each.name == name else each for each in configuration.playbooks)
    return replace(configuration, playbooks=others), mine


def problems(found: Drill) -> list[str]:
    return [problem for run in found.runs for problem in run.problems]


@pytest.mark.parametrize("playbook", SHIPPED.playbooks, ids=lambda playbook: playbook.name)
def test_every_shipped_playbook_passes_at_each_stage(playbook: Playbook) -> None:
    found = drill(SHIPPED, playbook, START)
    assert problems(found) == []
    assert found.passed
    stages = [] if playbook.match.kind else list(playbook.stages)
    assert [run.fails_at for run in found.runs] == [*stages, None]
    for run in found.runs:
        told = {said.moment for said in run.said if said.audience == "customers"}
        ended = {"incident.resolved", "maintenance.completed"} & told
        assert ended if not run.notes else not told  # what goes well is no news for customers
        assert [said.at for said in run.said] == sorted(said.at for said in run.said)


def test_a_drill_tells_who_hears_what_and_when() -> None:
    (run,) = drill(SHIPPED, SHIPPED.named("canary"), START, fail_at=5.0).runs
    heard = [(said.at - run.began, said.audience, said.moment) for said in run.said if said.destination != "#releases"]
    minute = timedelta(minutes=1)
    aborted, back = 32 * minute + timedelta(seconds=10), 42 * minute + timedelta(seconds=10)
    assert [(at, moment) for at, audience, moment in heard if audience == "customers"] == [
        (aborted, "incident.identified"),
        (aborted, "incident.identified"),
        (back, "incident.monitoring"),
        (back, "incident.monitoring"),
        (back + 30 * minute, "incident.resolved"),
        (back + 30 * minute, "incident.resolved"),
    ]
    assert heard[0] == (timedelta(), "stakeholders", "rollout.planned")
    progressed = [said for said in run.said if said.moment == "rollout.progressed"]
    assert [said.edited for said in progressed] == [True, True]
    assert {said.destination for said in run.said} == {
        *("#releases", "#support", "releases@acme.example", "1 subscriber", "the public page"),
    }


def test_a_person_keeps_the_promises_that_no_machine_keeps() -> None:
    (run,) = drill(SHIPPED, SHIPPED.named("migration"), START, fail_at=100.0).runs
    told = sorted({said.at - run.began for said in run.said if said.audience == "customers"})
    assert max(after - before for before, after in pairwise(told)) <= timedelta(minutes=30)
    assert not [said for said in run.said if said.moment == "promise.missed"]


@pytest.mark.parametrize(
    ("left_out", "problem"),
    [
        (
            [Moment.INCIDENT_MONITORING, Moment.INCIDENT_UPDATED],
            "Customers hear nothing for 40 minutes; the cadence says 20 minutes.",
        ),
        ([Moment.INCIDENT_IDENTIFIED], "Customers hear of it after 20 minutes; the cadence says 15 minutes."),
        (
            [moment for moment in Moment if moment.startswith(("incident.", "promise."))],
            "Customers are told nothing: the playbook names no message for them.",
        ),
    ],
)
def test_silence_longer_than_the_cadence_fails(left_out: list[Moment], problem: str) -> None:
    tell = {moment: told for moment, told in SHIPPED.named("flag").tell.items() if moment not in left_out}
    cadence = {Impact.MINOR: Pace(acknowledge=timedelta(minutes=15), every=timedelta(minutes=20))}
    plan = SHIPPED.plans["flag"]
    slow = plan.model_copy(update={"recovery": plan.recovery.model_copy(update={"to": timedelta(minutes=20)})})
    configuration, mine = with_playbook("flag", tell=tell, cadence=cadence, quiet=timedelta(minutes=20))
    configuration = replace(configuration, plans={**SHIPPED.plans, "flag": slow})
    found = drill(configuration, mine, START, fail_at=10.0)
    assert problem in problems(found)
    assert not found.passed


def test_what_the_rules_keep_back_is_no_silence() -> None:
    configuration, mine = with_playbook("flag", public_from=25.0)
    (run,) = drill(configuration, mine, START, fail_at=10.0).runs
    assert run.problems == ()
    assert run.notes == ("Customers are told nothing. At most 10 % was exposed; customers are told from 25 % on.",)


@pytest.mark.parametrize(
    ("publishing", "told"), [(Publishing.ASK, True), (Publishing.SHADOW, False)], ids=["ask", "shadow"]
)
def test_a_person_is_asked_where_a_person_has_to_be(publishing: Publishing, *, told: bool) -> None:
    asks = replace(SHIPPED, site=SHIPPED.site.model_copy(update={"publishing": publishing}))
    (run,) = drill(asks, asks.named("flag"), START, fail_at=10.0).runs
    assert run.problems == ()
    assert bool([said for said in run.said if said.audience == "customers"]) is told


def test_customers_ask_for_a_rollback_in_a_drill_and_nobody_may_miss_it() -> None:
    changes: dict[str, Any] = {"propose_rollback": Threshold(requests=2), "stages": (1.0,)}
    configuration, canary = with_playbook("canary", **changes)
    found = drill(configuration, canary, START)
    assert problems(found) == []
    assert [said.destination for said in found.runs[-1].said if said.moment == "rollback.proposed"] == [
        "releases@acme.example",
        "#releases",
    ]
    silent = {moment: told for moment, told in canary.tell.items() if moment is not Moment.ROLLBACK_PROPOSED}
    configuration, canary = with_playbook("canary", **changes, tell=silent)
    assert problems(drill(configuration, canary, START)) == ["Customers ask for a rollback, and nobody is told."]


def test_words_are_checked() -> None:
    def strict(said: Said) -> list[str]:
        return ["It says neither when nor what."] if said.moment == "rollback.started" else []

    found = drill(SHIPPED, SHIPPED.named("flag"), START, fail_at=10.0, check=strict)
    assert problems(found) == [
        "rollback.started to stakeholders: It says neither when nor what.",
        "rollback.started to support: It says neither when nor what.",
    ]
    empty = Said(at=START, audience="support", destination="", moment="", subject=" ", body="", edited=False)
    assert linted(SHIPPED.templates.root, SHIPPED.named("flag"), empty) == ["The message is empty."]


def test_words_that_break_a_rule_fail_the_drill(tmp_path: Path) -> None:
    shutil.copytree(packaged("templates"), tmp_path / "templates")
    body = tmp_path / "templates" / "messages" / "rollback.started" / "body.md"
    body.write_text(body.read_text() + "\nSorry for any inconvenience.\n")
    configuration = site.load(Settings(site=packaged("playbooks") / "site.yaml", templates_dir=tmp_path / "templates"))
    found = problems(drill(configuration, configuration.named("flag"), START, fail_at=10.0))
    assert [problem.split(" “")[0] for problem in found] == [
        "rollback.started to stakeholders: A02",
        "rollback.started to stakeholders: A03",
        "rollback.started to support: A02",
        "rollback.started to support: A03",
    ]


def test_what_cannot_be_drilled_says_why() -> None:
    with pytest.raises(PlaybookError, match="unwelcome is for what a person opens: it has no share"):
        drill(SHIPPED, SHIPPED.named("unwelcome"), START, fail_at=5.0)
    match = Match.model_validate({"strategy": "canary", "severity": "major"})
    narrow = SHIPPED.named("canary").model_copy(update={"name": "narrow", "match": match})
    more = replace(SHIPPED, playbooks=(*SHIPPED.playbooks, narrow))
    with pytest.raises(PlaybookError, match="No rollout leads to the playbook narrow: others are more specific"):
        drill(more, narrow, START, fail_at=5.0)
    assert [run.fails_at for run in drill(more, narrow, START).runs] == [50.0, 100.0, None]


@contextmanager
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("A drill opened a socket.")

    with monkeypatch.context() as patched:
        patched.setattr("socket.socket", refuse)
        yield


def test_a_drill_opens_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    with no_sockets(monkeypatch):
        assert drill(SHIPPED, SHIPPED.named("blue-green"), START, fail_at=100.0).passed


@pytest.mark.parametrize("every", [False, True])
def test_what_is_put_before_people_is_approved_in_half_of_the_time(*, every: bool) -> None:
    rule = ApprovalRule(approvers=("mira@acme.example",), within=timedelta(minutes=4), every=every)
    roles = Roles(publisher=(Publisher(email="mira@acme.example"),))
    shipped = replace(SHIPPED, site=SHIPPED.site.model_copy(update={"roles": roles}))
    configuration, canary = with_playbook("canary", shipped, approval=rule)
    found = drill(configuration, canary, START, fail_at=5.0)
    assert problems(found) == []
    (run,) = found.runs
    asked = [said.at for said in run.said if said.moment == "approval.asked" and said.destination == "#releases"]
    told = [
        said.at for said in run.said if said.moment == "incident.identified" and said.destination == "the public page"
    ]
    assert [at - asked[0] for at in told] == [timedelta(minutes=2)]
    assert len(asked) == (2 if every else 1)  # the end is said by a person


def test_a_drill_of_planned_work_runs_from_the_plan_to_its_late_end() -> None:
    (run,) = drill(SHIPPED, SHIPPED.named("maintenance"), START).runs
    told = [(said.at, said.moment) for said in run.said if said.destination == "the public page"]
    day, hour, begin = timedelta(days=1), timedelta(hours=1), START + timedelta(days=2)
    assert told == [
        (START, "maintenance.planned"),
        (begin - day, "maintenance.reminder"),
        (begin - hour, "maintenance.reminder"),
        (begin, "maintenance.started"),
        (begin + hour, "maintenance.overrun"),
        (begin + 1.25 * hour, "maintenance.updated"),
        (begin + hour + timedelta(minutes=50), "maintenance.completed"),
    ]


def test_a_drill_finds_that_a_late_end_is_not_told() -> None:
    tell = {moment: heard for moment, heard in SHIPPED.named("maintenance").tell.items() if "overrun" not in moment}
    configuration, mine = with_playbook("maintenance", tell=tell)
    assert problems(drill(configuration, mine, START)) == ["Customers are told nothing of maintenance.overrun."]
