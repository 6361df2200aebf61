"""Events of a rollout in any order, and repeated: the same end, nothing twice, nothing earlier after a later one."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.e2e.house import START, house
from tests.sources.replay import RECEIVED, request, sequence, sequences, understand
from trusthub.domain.events import Phase, RolloutEvent
from trusthub.domain.message import Moment
from trusthub.domain.rollout import RANK, Rollout, Versions, begins_again, observe
from trusthub.store.tables import Delivery, Incident

RETURNING = {Moment.ROLLOUT_PROGRESSED, Moment.ROLLOUT_PAUSED}
STAGE = {
    Moment.ROLLOUT_PLANNED: 0,
    Moment.ROLLOUT_STARTED: 1,
    Moment.ROLLOUT_PROGRESSED: 2,
    Moment.ROLLOUT_PAUSED: 2,
    Moment.ROLLOUT_COMPLETED: 3,
    Moment.ROLLOUT_FAILED: 4,
    Moment.ROLLBACK_STARTED: 5,
    Moment.ROLLBACK_FINISHED: 6,
}


def attempts(tool: str, name: str) -> list[list[RolloutEvent]]:
    """Return the events of a sequence, attempt by attempt, each at its own time."""
    events = []
    for index, (header, body) in enumerate(sequence(tool, name)):
        at = RECEIVED + timedelta(seconds=index)
        events += [each for each in understand(tool, request(body, header, at=at)) if isinstance(each, RolloutEvent)]
    events.sort(key=lambda event: event.attempt)
    return [list(group) for _, group in groupby(events, key=lambda event: event.attempt)]


ATTEMPTS = [
    pytest.param(events, id=f"{tool}/{name}/{index}")
    for tool, name in sequences()
    for index, events in enumerate(attempts(tool, name))
]


def play(events: Sequence[RolloutEvent]) -> tuple[Rollout, list[Moment]]:
    known, moments, seen = Rollout(), [], set()
    for event in events:
        if event.duplicate_key in seen or begins_again(known, event):
            continue
        seen.add(event.duplicate_key)
        known, moment = observe(known, event, Versions())
        moments += [moment] if moment else []
    return known, moments


@pytest.mark.parametrize("events", ATTEMPTS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_order_ends_the_same_and_tells_nothing_twice(events: list[RolloutEvent], data: st.DataObject) -> None:
    repeated = data.draw(st.lists(st.sampled_from(events), max_size=4))
    mixed = data.draw(st.permutations([*events, *repeated]))
    expected, _ = play(events)
    known, moments = play(mixed)
    assert (known.phase, known.to_version, known.evidence) == (
        expected.phase,
        expected.to_version,
        expected.evidence,
    )
    assert known.steps == expected.steps
    counts = Counter(moment for moment in moments if moment not in RETURNING)
    assert set(counts.values()) <= {1}
    stages = [STAGE[moment] for moment in moments]
    assert stages == sorted(stages)


@pytest.mark.parametrize("tool", ["argo-rollouts", "flagger"])
@pytest.mark.parametrize("seed", range(4))
def test_over_http_nobody_hears_anything_twice(tool: str, seed: int, tmp_path: Path) -> None:
    name = {"argo-rollouts": "failed-analysis", "flagger": "failed"}[tool]
    requests = sequence(tool, name) * 2
    random.Random(seed).shuffle(requests)  # noqa: S311 -- an order, and no secret
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path) as hub:
        hub.clock.now = START + timedelta(minutes=10)
        for header, body in requests:
            hub.clock.forward(seconds=1)
            assert hub.hook(tool, body, header).status_code == 200
        with hub.parts.hub.database.reading() as session:
            deliveries = session.execute(select(Delivery)).scalars().all()
            incidents = session.execute(select(Incident)).scalars().all()
        told = Counter((each.lane, each.moment) for each in deliveries if not each.payload.get("edit"))
        again = {key: count for key, count in told.items() if count > 1 and Moment(key[1]) not in RETURNING}
        assert again == {}
        assert len(incidents) == 1


def test_the_phases_have_an_order() -> None:
    assert set(RANK) == set(Phase)
    assert replace(Rollout(), phase=Phase.FAILED).phase is Phase.FAILED
