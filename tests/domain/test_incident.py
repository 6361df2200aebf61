"""What may go public by itself, and who may change an incident."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import NOON, at
from trusthub.domain.events import Evidence, Phase
from trusthub.domain.incident import (
    COMPONENT_STATUS,
    LATE,
    By,
    Circumstances,
    ComponentStatus,
    Decision,
    Impact,
    State,
    impact_of,
    machine_may_move,
    may_tell,
)
from trusthub.domain.rollout import Basis, Exposure, Rollout
from trusthub.domain.site import Publishing

AROUND = Circumstances(
    component="checkout",
    environment="production",
    public_environment=True,
    public_from=1.0,
    publishing=Publishing.AUTO,
    happened_at=NOON,
    now=at(1),
)
HARM = Rollout(
    phase=Phase.ROLLING_BACK,
    evidence=Evidence.FAILED_ANALYSIS,
    steps=(Exposure(at(-5), 0.0), Exposure(at(-3), 5.0)),
    rollback_started_at=NOON,
)


def exposed(percent: float) -> dict[str, Any]:
    return {"steps": (Exposure(at(-3), percent),)}


@pytest.mark.parametrize(
    ("rollout", "around", "why"),
    [
        ({}, {}, "The tool's own analysis failed at up to 5 % exposure."),
        ({"evidence": Evidence.ALERT}, {}, "An alert fired at up to 5 % exposure."),
        ({"evidence": Evidence.COMPLAINTS}, {}, "Customers confirmed it at up to 5 % exposure."),
        ({"evidence": Evidence.PERSON}, {}, "A person confirmed harm at up to 5 % exposure."),
        ({"phase": Phase.FAILED}, {}, "The tool's own analysis failed at up to 5 % exposure."),
        ({"basis": Basis.INFERRED, "evidence": Evidence.ALERT}, {}, "An alert fired at up to 5 % exposure."),
        ({"basis": Basis.SAID}, {}, "The tool's own analysis failed at up to 5 % exposure."),
        (exposed(1.0), {}, "The tool's own analysis failed at up to 1 % exposure."),
        (exposed(0.1), {"public_from": 0.1}, "The tool's own analysis failed at up to 0.1 % exposure."),
        ({}, {"happened_at": NOON, "now": NOON + LATE}, "The tool's own analysis failed at up to 5 % exposure."),
        ({}, {"happened_at": at(5), "now": NOON}, "The tool's own analysis failed at up to 5 % exposure."),
    ],
)
def test_harm_with_reach_is_told(rollout: dict[str, Any], around: dict[str, Any], why: str) -> None:
    assert may_tell(replace(HARM, **rollout), replace(AROUND, **around)) == Decision(tell=True, why=why)


HELD: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (
        {},
        {"component": None},
        "No component in site.yaml watches this name, so we cannot tell whether customers use it.",
    ),
    (
        {},
        {"environment": None, "public_environment": False},
        "Neither the event, the connection nor a listed namespace says which environment this is.",
    ),
    (
        {},
        {"environment": "staging", "public_environment": False},
        "Customers do not use the environment staging.",
    ),
    ({"superseded": True}, {}, "A newer rollout replaced this one; no fault is known."),
    (
        {"basis": Basis.INFERRED, "evidence": Evidence.NONE},
        {},
        "Only our version history says that this is a rollback.",
    ),
    (
        {"evidence": Evidence.NONE, "phase": Phase.FAILED},
        {},
        "The deployment failed, but nothing shows that customers were harmed.",
    ),
    ({"evidence": Evidence.NONE}, {}, "It was rolled back, but nothing shows that customers were harmed."),
    ({"steps": ()}, {}, "The tool did not say how many requests reached the new version."),
    (
        {"steps": (Exposure(NOON, 0.0),)},
        {},
        "The tool did not say how many requests reached the new version.",
    ),
    (exposed(0.0), {}, "No customer traffic reached the new version."),
    (exposed(0.0), {"public_from": 0.0}, "No customer traffic reached the new version."),
    (exposed(0.5), {}, "At most 0.5 % was exposed; customers are told from 1 % on."),
    (exposed(9.0), {"public_from": 10.0}, "At most 9 % was exposed; customers are told from 10 % on."),
    (
        {},
        {"now": NOON + LATE + timedelta(seconds=1)},
        "The event arrived more than ten minutes after it happened.",
    ),
    (
        {},
        {"retold": True},
        "The event was told again, by a relist, an import or a replay: the news may be over.",
    ),
    ({}, {"publishing": Publishing.ASK}, "Publishing is set to ask a person first."),
    ({}, {"publishing": Publishing.SHADOW}, "Publishing is in shadow mode: we show what we would have said."),
]


@pytest.mark.parametrize(("rollout", "around", "why"), HELD)
def test_anything_less_is_held_back_and_says_why(rollout: dict[str, Any], around: dict[str, Any], why: str) -> None:
    assert may_tell(replace(HARM, **rollout), replace(AROUND, **around)) == Decision(tell=False, why=why)


@given(
    st.builds(
        replace,
        st.just(HARM),
        phase=st.sampled_from(Phase),
        evidence=st.sampled_from(Evidence),
        basis=st.none() | st.sampled_from(Basis),
        superseded=st.booleans(),
        unmeasured=st.booleans(),
        steps=st.sampled_from([None, 0.0, 0.5, 1.0, 5.0, 100.0]).map(
            lambda percent: () if percent is None else (Exposure(at(-3), percent),)
        ),
    ),
    st.builds(
        replace,
        st.just(AROUND),
        component=st.sampled_from([None, "checkout"]),
        environment=st.sampled_from([None, "staging", "production"]),
        public_environment=st.booleans(),
        public_from=st.sampled_from([0.0, 1.0, 10.0]),
        publishing=st.sampled_from(Publishing),
        now=st.sampled_from([NOON, NOON + LATE, NOON + 2 * LATE]),
    ),
)
def test_customers_are_told_only_when_nothing_speaks_against_it(rollout: Rollout, around: Circumstances) -> None:
    place = around.component and around.environment and around.public_environment
    fault = rollout.evidence is not Evidence.NONE and not rollout.superseded
    reach = bool(rollout.peak) and (rollout.peak or 0) >= around.public_from
    free = around.publishing is Publishing.AUTO and around.now - around.happened_at <= LATE
    decision = may_tell(rollout, around)
    assert decision.tell == bool(place and fault and reach and free)
    assert decision.why.endswith(".")


# ------------------------------------------------------------------------------------------------ who may change it

ALLOWED = {
    (State.INVESTIGATING, State.IDENTIFIED),
    (State.INVESTIGATING, State.MONITORING),
    (State.IDENTIFIED, State.MONITORING),
    (State.MONITORING, State.RESOLVED),
}


@pytest.mark.parametrize(("current", "target"), list(product(State, State)))
def test_a_machine_moves_its_own_incidents_forward_and_resolves_what_was_watched(current: State, target: State) -> None:
    allowed = (current, target) in ALLOWED
    assert machine_may_move(current, target, opened_by=By.MACHINE, closed_by=None) is allowed


@pytest.mark.parametrize(("current", "target"), list(product(State, State)))
@pytest.mark.parametrize(
    ("opened_by", "closed_by"),
    [(By.PERSON, None), (By.PERSON, By.PERSON), (By.MACHINE, By.PERSON), (By.MACHINE, By.MACHINE)],
)
def test_a_machine_moves_nothing_that_a_person_opened_or_that_is_closed(
    current: State, target: State, opened_by: By, closed_by: By | None
) -> None:
    assert not machine_may_move(current, target, opened_by=opened_by, closed_by=closed_by)


@pytest.mark.parametrize(
    ("peak", "impact"),
    [(None, Impact.MINOR), (0, Impact.MINOR), (49.9, Impact.MINOR), (50, Impact.MAJOR), (100, Impact.MAJOR)],
)
def test_the_first_impact_follows_from_reach(peak: float | None, impact: Impact) -> None:
    assert impact_of(peak) is impact


def test_every_impact_shows_on_its_components() -> None:
    assert [COMPONENT_STATUS[impact] for impact in Impact] == [
        ComponentStatus.OPERATIONAL,
        ComponentStatus.DEGRADED,
        ComponentStatus.PARTIAL_OUTAGE,
        ComponentStatus.MAJOR_OUTAGE,
    ]
