"""What a gate answers, and whose voice counts."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain import samples
from tests.domain.samples import NOON, at, event, follow
from trusthub.domain.events import Phase, RolloutEvent
from trusthub.domain.gate import (
    BLIND,
    Circumstances,
    Glass,
    Notice,
    Verdict,
    Voice,
    broken,
    by_glass,
    customers,
    exposed,
    goes_back,
    listed,
    may_begin,
    measure,
    network_of,
    notice,
    step_began,
)
from trusthub.domain.plan import Plan
from trusthub.domain.rollout import Rollout
from trusthub.domain.site import Gate

PLAN = Plan.model_validate(samples.PLAN)
GLASS = Glass("Mira", "payments fail")
METRIC = Gate.model_validate(
    {"kind": "argo-metric", "secret": "s", "most_complaints": 2, "most_rollback_requests": 1, "per_network": 2}
)


def around(**more: Any) -> Circumstances:
    return Circumstances(**{"plan": PLAN, "notice": Notice.DELIVERED, **more})


def incomplete(**more: Any) -> Plan:
    return PLAN.model_copy(update=more)


# ------------------------------------------------------------------------------------------ before it begins


def test_it_opens_when_the_plan_is_complete_and_people_were_told() -> None:
    assert may_begin(around()).passes
    assert not may_begin(around()).announce


@pytest.mark.parametrize(
    ("notice", "words", "announce"),
    [
        (Notice.NONE, "are being told of its risks now. Ask again.", True),
        (Notice.ON_ITS_WAY, "is on its way to stakeholders. Ask again.", False),
        (Notice.LOST, "reached nobody. The console says why.", False),
    ],
)
def test_it_stays_shut_until_they_were(notice: Notice, words: str, *, announce: bool) -> None:
    verdict = may_begin(around(notice=notice))
    assert (verdict.passes, verdict.announce) == (False, announce)
    assert verdict.reason.endswith(words)


def test_what_has_reached_users_is_not_announced() -> None:
    verdict = may_begin(around(notice=Notice.NONE, exposed=True))
    assert verdict == Verdict(
        passes=False, reason="It reached users before stakeholders were told of its risks. Ask before it begins."
    )
    assert may_begin(around(exposed=True)).passes


@pytest.mark.parametrize(
    ("events", "reached"),
    [
        ([event(Phase.STARTED, 1)], False),
        ([event(Phase.STARTED, 1), event(Phase.PAUSED, 2)], False),
        ([event(Phase.PROGRESSING, 1, 0.0)], False),
        ([event(Phase.PROGRESSING, 1, 5.0)], True),
        ([event(Phase.PROGRESSING, 1)], True),
        ([event(Phase.PROMOTING, 1)], True),
    ],
)
def test_users_are_on_it_when_they_are_moved(events: list[RolloutEvent], *, reached: bool) -> None:
    assert exposed(follow(events)[0]) is reached


def test_a_plan_with_gaps_is_named_with_its_gaps() -> None:
    verdict = may_begin(around(plan=incomplete(sla=" ", unknown_risks=(" ",))))
    assert verdict == Verdict(passes=False, reason="The plan 'default' has gaps: sla, unknown_risks.")


@pytest.mark.parametrize("missing", ["", " "])
@pytest.mark.parametrize("notice", Notice)
def test_nothing_holds_up_a_rollback_or_a_broken_glass(notice: Notice, missing: str) -> None:
    worst = {"plan": incomplete(sla=missing), "notice": notice}
    assert may_begin(around(**worst, restores=True, glass=GLASS)).reason.endswith("Nothing holds up a rollback.")
    assert may_begin(around(**worst, glass=GLASS)).reason == "Mira broke the glass: payments fail"
    assert may_begin(around(**worst, glass=GLASS)).announce is (notice is Notice.NONE)
    assert not may_begin(around(**worst, glass=GLASS, exposed=True)).announce
    assert by_glass(GLASS).passes


@pytest.mark.parametrize(
    ("destinations", "found"),
    [
        ({}, Notice.NONE),
        ({"slack": set()}, Notice.NONE),
        ({"slack": {"pending"}}, Notice.ON_ITS_WAY),
        ({"slack": {"done"}, "email": {"pending"}}, Notice.ON_ITS_WAY),
        ({"slack": {"done"}, "email": {"dead"}}, Notice.DELIVERED),
        ({"slack": {"done", "pending"}}, Notice.DELIVERED),
        ({"slack": {"dead"}, "email": {"cancelled"}}, Notice.LOST),
    ],
)
def test_how_far_a_notice_got(destinations: dict[str, set[str]], found: Notice) -> None:
    assert notice(destinations) is found


@pytest.mark.parametrize(
    ("said", "glass"),
    [
        ("Mira: payments fail", GLASS),
        ("  Mira :  payments fail ", GLASS),
        ("Mira: 14:02: it fails", Glass("Mira", "14:02: it fails")),
        ("Mira", None),
        (": payments fail", None),
        ("Mira: ", None),
        ("", None),
    ],
)
def test_a_glass_is_broken_by_somebody_for_a_reason(said: str, glass: Glass | None) -> None:
    assert broken(said) == glass


def test_site_yaml_breaks_it_for_versions() -> None:
    gate = Gate.model_validate({"kind": "generic", "secret": "s", "break_glass": ["2.8.1-hotfix*"]})
    assert listed("2.8.1-hotfix2", gate) == Glass("site.yaml", "2.8.1-hotfix2 is listed as 2.8.1-hotfix*")
    assert listed("2.8.1", gate) is listed(None, gate) is None


# ------------------------------------------------------------------------------------------ while it is under way


@pytest.mark.parametrize("phase", [None, *Phase])
def test_a_tool_goes_back_only_under_way_and_only_for_a_person(phase: Phase | None) -> None:
    under_way = phase in {Phase.STARTED, Phase.PROGRESSING, Phase.PAUSED, Phase.PROMOTING}
    assert goes_back(Rollout(phase=phase), "Mira").passes is under_way
    assert not goes_back(Rollout(phase=phase), None).passes


def test_of_an_unknown_attempt_nobody_can_have_asked_for_it() -> None:
    assert not goes_back(None, "Mira").passes


def voice(person: str, network: str = "a", minute: float = 1, *, real: bool = True, back: bool = False) -> Voice:
    return Voice(person=person, network=network, at=at(minute), real=real, wants_rollback=back)


def test_each_real_customer_counts_once() -> None:
    voices = [voice("ana"), voice("ana", "b", 2), voice("ben", "b"), voice("eve", "c", real=False)]
    assert customers(voices, 9) == 2


def test_of_one_network_only_so_many_count() -> None:
    crowd = [voice(f"robot {number}") for number in range(50)]
    assert customers([*crowd, voice("ana", "b")], 3) == 4


@given(st.permutations([voice("ana", "a", 1), voice("ana", "b", 1), voice("ben", "b", 2), voice("eve", "b", 3)]))
def test_the_order_in_which_voices_are_read_changes_nothing(voices: list[Voice]) -> None:
    assert customers(voices, 1) == 2


def test_moving_from_network_to_network_makes_nobody_more() -> None:
    roaming = [voice(name, f"{name} {place}", place) for name in ("ana", "ben") for place in range(9)]
    assert {customers(order, 2) for order in permutations(roaming[:3] + roaming[9:12])} == {2}


def test_only_what_came_since_the_step_began_is_measured() -> None:
    voices = [voice("ana", "a", 1), voice("ben", "b", 5, back=True), voice("eve", "c", 6)]
    found = measure(voices, at(5), METRIC, None)
    assert (found.complaints, found.rollback_requests, found.healthy, found.since) == (2, 1, True, at(5))
    assert found.reason == "Healthy means complaints at most 2, requests at most 1."


@pytest.mark.parametrize(
    "voices",
    [
        [voice("ana"), voice("ben", "b"), voice("eve", "c")],
        [voice("ana", back=True), voice("ben", "b", back=True)],
    ],
    ids=["complaints", "requests"],
)
def test_more_than_the_site_allows_is_unhealthy(voices: list[Voice]) -> None:
    assert not measure(voices, NOON, METRIC, None).healthy


def test_a_persons_word_outweighs_every_count() -> None:
    found = measure([], NOON, METRIC, "Mira")
    assert (found.complaints, found.healthy) == (0, False)
    assert found.reason == "Mira asked for a rollback in the console."


def test_to_be_blind_is_no_reason_to_go_back() -> None:
    assert BLIND.healthy


def test_a_step_begins_when_the_share_changes() -> None:
    rollout, _ = follow(
        [
            event(Phase.STARTED, 1),
            event(Phase.PROGRESSING, 2, 5.0),
            event(Phase.PROGRESSING, 4, 5.0),
            event(Phase.PROGRESSING, 6, 20.0),
        ]
    )
    assert step_began(rollout) == at(6)
    assert step_began(follow([event(Phase.STARTED, 1)])[0]) == at(1)
    assert step_began(Rollout()) is None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("::ffff:192.0.2.9", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_a_network_is_what_a_household_or_an_office_has(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_gate_waits_no_longer_than_it_says() -> None:
    gate = Gate.model_validate({"kind": "github-protection", "secret": "s", "token": "t"})
    assert gate.wait == timedelta(hours=1)
