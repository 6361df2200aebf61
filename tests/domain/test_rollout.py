"""What is known of an attempt, whatever the order in which its events come."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import EARLIER, at, event, follow, steps
from trusthub.domain.events import Evidence, Phase, RolloutEvent, Strategy
from trusthub.domain.message import Moment
from trusthub.domain.rollout import ENDED, RANK, Basis, Rollout, Versions, observe

WELL = [
    event(Phase.STARTED, 0, 0.0),
    event(Phase.PROGRESSING, 2, 1.0, step=1, steps=3),
    event(Phase.PAUSED, 3, reason="CanaryPauseStep"),
    event(Phase.PROGRESSING, 5, 10.0, step=2, steps=3),
    event(Phase.PROMOTING, 8),
    event(Phase.COMPLETED, 9),
]
BADLY = [
    event(Phase.STARTED, 0, 0.0),
    event(Phase.PROGRESSING, 2, 1.0),
    event(Phase.PROGRESSING, 4, 5.0),
    event(Phase.FAILED, 6, evidence=Evidence.FAILED_ANALYSIS, reason="success-rate: 0.71 < 0.99"),
    event(Phase.ROLLING_BACK, 6.5),
    event(Phase.ROLLED_BACK, 9, 0.0),
]


def test_a_rollout_that_goes_well() -> None:
    rollout, moments = follow(WELL)
    assert moments == [
        Moment.ROLLOUT_STARTED,
        Moment.ROLLOUT_PROGRESSED,
        Moment.ROLLOUT_PAUSED,
        Moment.ROLLOUT_PROGRESSED,
        Moment.ROLLOUT_PROGRESSED,
        Moment.ROLLOUT_COMPLETED,
    ]
    assert steps(rollout) == [(0, 0), (2, 1), (5, 10), (9, 100)]
    assert (rollout.started_at, rollout.ended_at, rollout.troubled_at) == (at(0), at(9), None)
    assert (rollout.exposed_from, rollout.exposed_until, rollout.peak, rollout.exposure) == (at(2), None, 100, 100)
    assert (rollout.from_version, rollout.to_version, rollout.basis) == ("2.7.4", "2.8.0", None)


def test_a_rollout_that_goes_badly() -> None:
    rollout, moments = follow(BADLY)
    assert moments[-3:] == [Moment.ROLLOUT_FAILED, Moment.ROLLBACK_STARTED, Moment.ROLLBACK_FINISHED]
    assert steps(rollout) == [(0, 0), (2, 1), (4, 5), (9, 0)]
    assert (rollout.peak, rollout.exposure) == (5, 0)
    assert (rollout.exposed_from, rollout.exposed_until) == (at(2), at(9))
    assert (rollout.troubled_at, rollout.rollback_started_at, rollout.ended_at) == (at(6), at(6.5), at(9))
    assert (rollout.evidence, rollout.reason) == (Evidence.FAILED_ANALYSIS, "success-rate: 0.71 < 0.99")


@pytest.mark.parametrize(
    ("phase", "moment"),
    [
        (Phase.PLANNED, Moment.ROLLOUT_PLANNED),
        (Phase.STARTED, Moment.ROLLOUT_STARTED),
        (Phase.PROGRESSING, Moment.ROLLOUT_STARTED),
        (Phase.PAUSED, Moment.ROLLOUT_STARTED),
        (Phase.PROMOTING, Moment.ROLLOUT_STARTED),
        (Phase.COMPLETED, Moment.ROLLOUT_COMPLETED),
        (Phase.FAILED, Moment.ROLLOUT_FAILED),
        (Phase.ROLLING_BACK, Moment.ROLLBACK_STARTED),
        (Phase.ROLLED_BACK, Moment.ROLLBACK_FINISHED),
        (None, None),
    ],
)
def test_a_tool_may_begin_anywhere(phase: Phase | None, moment: Moment | None) -> None:
    assert observe(Rollout(), event(phase, 0), EARLIER)[1] is moment
    assert RANK.keys() == set(Phase)


def test_a_planned_rollout_starts_later() -> None:
    assert follow([event(Phase.PLANNED, 0), *WELL[1:2]])[1] == [Moment.ROLLOUT_PLANNED, Moment.ROLLOUT_STARTED]


# ------------------------------------------------------------------------------------------------ late and repeated


@pytest.mark.parametrize("story", [WELL, BADLY])
def test_a_repeated_event_changes_nothing(story: list[RolloutEvent]) -> None:
    once, moments = follow(story)
    again, repeated = follow([each for each in story for _ in range(2)])
    assert (steps(again), repeated) == (steps(once), moments)


def test_an_exposure_heard_late_belongs_at_its_time() -> None:
    rollout, moments = follow([*BADLY, event(Phase.PROGRESSING, 5, 20.0)])
    assert steps(rollout) == [(0, 0), (2, 1), (4, 5), (5, 20), (9, 0)]
    assert (rollout.peak, rollout.exposure, rollout.exposed_until) == (20, 0, at(9))
    assert moments == follow(BADLY)[1]


def test_a_late_point_between_two_that_are_equal() -> None:
    assert steps(follow([WELL[0], *(event(Phase.PROGRESSING, minute, 5.0) for minute in (2, 6))])[0]) == [
        (0, 0),
        (2, 5),
    ]
    late = [WELL[0], event(Phase.PROGRESSING, 2, 5.0), event(Phase.PROGRESSING, 6, 5.0), event(None, 4, 20.0)]
    assert steps(follow(late)[0]) == [(0, 0), (2, 5), (4, 20), (6, 5)]


@pytest.mark.parametrize("phase", [None, Phase.STARTED, Phase.PROGRESSING, Phase.PAUSED, Phase.ROLLING_BACK])
def test_what_arrives_after_the_end_without_a_time_reopens_nothing(phase: Phase | None) -> None:
    rollout, moments = follow([*BADLY, event(phase, 10, 20.0)])
    assert (rollout.exposure, rollout.peak, rollout.exposed_until) == (0, 5, at(9))
    assert moments == follow(BADLY)[1]


def test_what_arrives_while_it_goes_back_reopens_nothing() -> None:
    rollout, _ = follow([*BADLY[:-1], event(Phase.PROGRESSING, 7, 20.0)])
    assert (rollout.phase, rollout.exposure, rollout.peak) == (Phase.ROLLING_BACK, 5, 5)
    rollout, _ = follow([event(Phase.ROLLING_BACK, 8, 2.0)], start=rollout)
    assert rollout.exposure == 2  # a rollback may go step by step


def test_the_end_comes_last_even_when_its_clock_is_behind() -> None:
    rollout, _ = follow([event(Phase.PROGRESSING, 6, 5.0), event(Phase.ROLLED_BACK, 5.9)])
    assert steps(rollout) == [(5.9, 0), (6, 5), (6, 0)]
    assert rollout.exposed_until == rollout.exposed_from == at(6)


def test_an_end_means_its_exposure_whatever_is_said_with_it() -> None:
    assert steps(follow([event(Phase.PROGRESSING, 1, 5.0), event(Phase.ROLLED_BACK, 2, 100.0)])[0]) == [(1, 5), (2, 0)]
    assert steps(follow([event(Phase.PROGRESSING, 1, 5.0), event(Phase.COMPLETED, 2, 50.0)])[0]) == [(1, 5), (2, 100)]


def test_a_rollback_that_was_heard_first_still_ends_the_exposure_heard_later() -> None:
    rollout, _ = follow([event(Phase.ROLLED_BACK, 9), event(Phase.PROGRESSING, 2, 5.0)])
    assert steps(rollout) == [(2, 5), (9, 0)]


def test_what_happens_after_completion_counts_from_completion() -> None:
    rollout, moments = follow([*WELL, event(Phase.FAILED, 20), event(Phase.ROLLED_BACK, 25)])
    assert steps(rollout)[-2:] == [(9, 100), (25, 0)]
    assert moments[-3:] == [Moment.ROLLOUT_COMPLETED, Moment.ROLLOUT_FAILED, Moment.ROLLBACK_FINISHED]


def test_times_are_those_of_the_first_event_that_happened_not_that_came() -> None:
    rollout, _ = follow(reversed(BADLY))
    assert (rollout.started_at, rollout.troubled_at, rollout.rollback_started_at) == (at(0), at(6), at(6.5))


def test_two_ends_end_at_the_first() -> None:
    rollout, _ = follow([*BADLY[:-1], event(Phase.ROLLED_BACK, 12, 0.0), event(Phase.ROLLED_BACK, 9, 0.0)])
    assert (rollout.ended_at, rollout.exposed_until) == (at(9), at(9))


def test_a_pause_that_is_heard_late_pauses_nothing() -> None:
    rollout, moments = follow([*WELL[:2], WELL[3], WELL[2]])
    assert rollout.phase is Phase.PROGRESSING
    assert Moment.ROLLOUT_PAUSED not in moments


def test_every_pause_is_a_moment() -> None:
    pauses = [event(Phase.PAUSED if minute % 2 else Phase.PROGRESSING, minute, float(minute)) for minute in range(1, 7)]
    assert follow(pauses)[1].count(Moment.ROLLOUT_PAUSED) == 2  # the first one is its start


def test_steps_are_counted_forward_only() -> None:
    rollout, _ = follow([*WELL[:4], event(None, 6, step=1, steps=3)])
    assert (rollout.step, rollout.step_count) == (2, 3)


def test_the_exposure_moves_without_a_phase() -> None:
    rollout, moment = observe(follow(WELL[:2])[0], event(None, 4, 3.0), EARLIER)
    assert (rollout.phase, rollout.exposure, moment) == (Phase.PROGRESSING, 3, Moment.ROLLOUT_PROGRESSED)


# ------------------------------------------------------------------------------------------------ what is not known


@pytest.mark.parametrize(
    ("events", "peak"),
    [
        ([], None),
        ([event(Phase.STARTED, 0)], None),
        ([event(Phase.STARTED, 0, 0.0)], 0),
        ([event(Phase.STARTED, 0, 0.0), event(Phase.ROLLING_BACK, 3), event(Phase.ROLLED_BACK, 4, 0.0)], 0),
        ([event(Phase.STARTED, 0, 0.0), event(Phase.PROGRESSING, 2, 0.0), event(Phase.ROLLED_BACK, 4, 0.0)], 0),
        # A 0 at the end says nothing of before, nor does a 0 at the start when users were moved in silence.
        ([event(Phase.ROLLED_BACK, 4, 0.0)], None),
        ([event(Phase.ROLLING_BACK, 3, 0.0), event(Phase.ROLLED_BACK, 4, 0.0)], None),
        ([event(Phase.STARTED, 0, 0.0), event(Phase.PROGRESSING, 2), event(Phase.ROLLED_BACK, 4, 0.0)], None),
        ([event(Phase.STARTED, 0, 0.0), event(Phase.PROMOTING, 2)], None),
        ([event(Phase.STARTED, 0, 0.0), event(Phase.PROGRESSING, 2), event(Phase.PROGRESSING, 3, 5.0)], 5),
    ],
)
def test_nobody_was_reached_only_if_somebody_could_know(events: list[RolloutEvent], peak: float | None) -> None:
    rollout, _ = follow(events)
    assert rollout.peak == peak


def test_the_exposure_is_unknown_while_users_are_moved_in_silence() -> None:
    rollout, _ = follow([event(Phase.STARTED, 0, 0.0), event(Phase.PROGRESSING, 2)])
    assert (rollout.exposure, rollout.exposed_from, rollout.exposed_until) == (None, None, None)
    rollout, _ = follow([event(Phase.ROLLED_BACK, 4, 0.0)], start=rollout)
    assert (rollout.exposure, rollout.peak) == (0, None)


# ------------------------------------------------------------------------------------------------ what is learned


def test_the_strongest_evidence_counts_whenever_it_is_heard() -> None:
    rollout, _ = follow([*BADLY, event(None, 12, evidence=Evidence.PERSON), event(None, 13, evidence=Evidence.ALERT)])
    assert rollout.evidence is Evidence.PERSON


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([WELL[2]], "CanaryPauseStep"),
        ([*WELL[:3], event(Phase.ROLLING_BACK, 4)], ""),
        ([*WELL[:2], event(Phase.ROLLING_BACK, 4), event(Phase.PAUSED, 3, reason="CanaryPauseStep")], ""),
        (BADLY, "success-rate: 0.71 < 0.99"),
        ([BADLY[4], BADLY[3]], "success-rate: 0.71 < 0.99"),
        ([*BADLY[:4], event(Phase.ROLLING_BACK, 7, reason="by hand")], "by hand"),
    ],
)
def test_the_reason_is_why_it_is_in_trouble(events: list[RolloutEvent], reason: str) -> None:
    assert follow(events)[0].reason == reason


def test_what_was_said_first_stays() -> None:
    first = event(Phase.STARTED, 0, strategy=Strategy.CANARY, from_version="2.7.3")
    later = event(Phase.PROGRESSING, 1, to_version="9", strategy=Strategy.ROLLING, from_version="8")
    rollout, _ = follow([first, later])
    assert (rollout.strategy, rollout.from_version, rollout.to_version) == (Strategy.CANARY, "2.7.3", "2.8.0")


def test_no_version_is_known_from_an_empty_history() -> None:
    assert follow(WELL, Versions())[0].from_version is None
    assert follow(WELL, Versions(("2.8.0",)))[0].from_version is None  # the same version once more


# ------------------------------------------------------------------------------------------------ rollbacks


@pytest.mark.parametrize(
    ("completed", "version", "goes_back"),
    [
        ([], "2.7.4", False),
        (["2.7.4"], "2.7.4", False),
        (["2.7.4"], "2.8.0", False),
        (["2.7.4"], None, False),
        (["2.7.4", "2.8.0"], "2.7.4", True),
        (["2.7.3", "2.7.4", "2.8.0"], "2.7.3", True),
        (["2.7.4", "2.8.0", "2.7.4"], "2.8.0", False),  # forward again
        (["2.7.3", "2.7.4", "2.8.0", "2.7.4"], "2.7.3", True),
    ],
)
def test_an_older_version_is_a_rollback(completed: list[str], version: str | None, *, goes_back: bool) -> None:
    assert Versions(completed).goes_back(version) is goes_back


BACK = [
    event(Phase.STARTED, 0, to_version="2.7.4"),
    event(Phase.PROGRESSING, 1, 50.0, to_version="2.7.4"),
    event(Phase.COMPLETED, 2, to_version="2.7.4"),
]
HISTORY = Versions(("2.7.4", "2.8.0"))


def test_a_deployment_of_an_older_version_is_a_rollback() -> None:
    rollout, moments = follow(BACK, HISTORY)
    assert (rollout.basis, rollout.from_version) == (Basis.INFERRED, "2.8.0")
    assert moments == [Moment.ROLLBACK_STARTED, Moment.ROLLBACK_FINISHED]


def test_the_tool_knows_better_than_our_history() -> None:
    rollout, moments = follow([replace(each, rollback=True) for each in BACK], Versions())
    assert rollout.basis is Basis.SAID
    assert moments == [Moment.ROLLBACK_STARTED, Moment.ROLLBACK_FINISHED]


def test_a_tool_may_say_at_the_end_that_it_was_a_rollback() -> None:
    rollout, moments = follow([*BACK[:2], replace(BACK[2], rollback=True)], Versions())
    assert (rollout.basis, moments[-1]) == (Basis.SAID, Moment.ROLLBACK_FINISHED)


def test_a_rollback_may_be_told_in_its_own_words() -> None:
    words = [event(Phase.ROLLING_BACK, 0, rollback=True), event(Phase.ROLLED_BACK, 3)]
    rollout, moments = follow(words)
    assert (rollout.basis, moments) == (Basis.SAID, [Moment.ROLLBACK_STARTED, Moment.ROLLBACK_FINISHED])
    assert follow([event(Phase.ROLLED_BACK, 3, rollback=True)])[0].basis is Basis.SAID


def test_going_back_is_no_second_attempt_because_it_is_called_a_rollback() -> None:
    rollout, moments = follow([*BADLY[:4], replace(BADLY[4], rollback=True), replace(BADLY[5], rollback=True)])
    assert rollout.basis is None
    assert moments == follow(BADLY)[1]


def test_a_plan_to_go_back_is_a_plan() -> None:
    rollout, moments = follow([event(Phase.PLANNED, 0, to_version="2.7.4", rollback=True), *BACK], HISTORY)
    assert moments == [Moment.ROLLOUT_PLANNED, Moment.ROLLBACK_STARTED, Moment.ROLLBACK_FINISHED]
    assert rollout.basis is Basis.INFERRED


@pytest.mark.parametrize("rollback", [False, True])
def test_a_rollback_that_fails_brought_nothing_back(*, rollback: bool) -> None:
    said = [replace(each, rollback=rollback) for each in (*BACK[:2], event(Phase.FAILED, 3, to_version="2.7.4"))]
    rollout, moments = follow(said, HISTORY)
    assert (rollout.basis, moments) == (None, [Moment.ROLLBACK_STARTED, Moment.ROLLOUT_FAILED])
    rollout, moments = follow([event(Phase.ROLLING_BACK, 4), event(Phase.ROLLED_BACK, 5)], HISTORY, rollout)
    assert (rollout.basis, moments) == (None, [Moment.ROLLBACK_FINISHED])  # now 2.8.0 is back


def test_a_rollback_that_goes_back_in_its_turn_has_failed() -> None:
    rollout, moments = follow([*BACK[:2], event(Phase.ROLLING_BACK, 4)], HISTORY)
    assert (rollout.basis, moments) == (None, [Moment.ROLLBACK_STARTED, Moment.ROLLOUT_FAILED])


# ------------------------------------------------------------------------------------------------ any order

percents = st.sampled_from([None, 0.0, 0.5, 1.0, 5.0, 50.0, 100.0])
events = st.builds(
    event,
    st.none() | st.sampled_from(Phase),
    st.integers(0, 12),
    percents,
    to_version=st.sampled_from(["2.7.4", "2.8.0"]),
    rollback=st.booleans(),
    evidence=st.sampled_from(Evidence),
    step=st.none() | st.integers(1, 4),
    reason=st.sampled_from(["", "why"]),
)
histories = st.lists(st.sampled_from(["2.7.3", "2.7.4", "2.8.0"]), max_size=4).map(Versions)
ONCE = set(Moment) - {Moment.ROLLOUT_PROGRESSED, Moment.ROLLOUT_PAUSED}


@given(st.lists(events, max_size=12), histories)
def test_a_rollout_never_goes_backwards_and_announces_nothing_twice(
    story: list[RolloutEvent], versions: Versions
) -> None:
    rollout, ranks, moments = Rollout(), [-1], []
    for each in story:
        rollout, moment = observe(rollout, each, versions)
        ranks.append(RANK[rollout.phase] if rollout.phase else -1)
        moments += [moment] if moment in ONCE else []
        _is_a_step_function(rollout)
    assert ranks == sorted(ranks)
    assert len(moments) == len(set(moments))


def _is_a_step_function(rollout: Rollout) -> None:
    assert all(earlier.at <= later.at for earlier, later in pairwise(rollout.steps))
    assert all(earlier.percent != later.percent for earlier, later in pairwise(rollout.steps))
    assert rollout.peak in {None, max((step.percent for step in rollout.steps), default=None)}
    assert rollout.exposed_until is None or (rollout.exposed_from or at(99)) <= rollout.exposed_until
    assert (rollout.exposed_from is None) == (not rollout.peak)
    if rollout.phase in ENDED and rollout.exposed_from:
        assert rollout.exposure == (100 if rollout.phase is Phase.COMPLETED else 0)
        assert (rollout.exposed_until is None) == (rollout.phase is Phase.COMPLETED)


@st.composite
def true_stories(draw: st.DrawFn) -> list[RolloutEvent]:
    """What a tool with a clock says: the phases in their order, and an exposure with some of them."""
    phases = sorted(draw(st.sets(st.sampled_from(Phase), min_size=1)), key=list(Phase).index)
    story: list[RolloutEvent] = []
    for phase in phases:
        for _ in range(draw(st.integers(1, 3))):
            exposure = None if phase in {Phase.PLANNED, Phase.FAILED} else draw(percents)
            if phase in ENDED:
                exposure = 100.0 if phase is Phase.COMPLETED else 0.0
            toggled = Phase.PAUSED if phase is Phase.PROGRESSING and draw(st.booleans()) else phase
            story.append(event(toggled, len(story), exposure, step=draw(st.integers(1, 4))))
    return story


@given(true_stories(), st.data())
def test_the_order_in_which_events_come_makes_no_difference(story: list[RolloutEvent], data: st.DataObject) -> None:
    told, _ = follow(story)
    repeated = [*story, *data.draw(st.lists(st.sampled_from(story), max_size=4))]
    heard, _ = follow(data.draw(st.permutations(repeated)))
    assert _facts(heard) == _facts(told)


def _facts(rollout: Rollout) -> tuple[object, ...]:
    return (
        rollout.phase,
        steps(rollout),
        rollout.peak,
        rollout.exposure,
        rollout.step,
        rollout.started_at,
        rollout.troubled_at,
        rollout.rollback_started_at,
        rollout.ended_at,
        rollout.exposed_from,
        rollout.exposed_until,
    )
