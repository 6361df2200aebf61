"""Every fact that a template can read: what it is, and who may read it."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from trusthub.domain.events import Evidence, Link
from trusthub.domain.message import FACTS, Audience, Fact, Moment
from trusthub.domain.parts import Change, Heard, Share, Told, WayBack

INTERNAL = {
    *("console_url", "environment", "strategy", "step", "steps", "tool", "artifact", "actor", "reason"),
    *("links", "customers_told", "decision", "reverts", "known_risks", "unknown_risks", "plan_title", "plan_summary"),
    *("sla", "plan_recovery_from", "plan_recovery_until", "has_address", "connection", "expected", "silent_since"),
    *("heard_at", "wants_rollback", "destination", "failing_since", "undelivered", "write_url", "promise_owner"),
    *("holdings_left", "plan_owner", "plan_artifact", "plan_versions", "plan_layers", "triggers", "last_drilled"),
    *("layer_used", "recovery_minutes", "sla_effect", "proposed", "recipients", "findings", "changed", "approver"),
    *("decide_by", "at_deadline", "held_at", "outcome", "decided_by", "decided_at", "ends_itself"),
    *("pain", "files", "held", "recorded_by"),
    *("complaints", "blocking", "painful", "minor", "rollback_requests", "complaints_by_step", "threshold"),
    *("trust_month", "trust_lines"),
}
"""What customers never read. Who adds a fact decides about it here, a second time."""


def test_what_customers_may_read_is_decided_twice() -> None:
    assert {name for name, fact in FACTS.items() if not fact.public} == INTERNAL


@pytest.mark.parametrize(("name", "fact"), FACTS.items(), ids=str)
def test_a_fact_says_where_it_comes_from_and_has_a_sample(name: str, fact: Fact) -> None:
    assert re.fullmatch(r"[a-z_]+", name)
    assert fact.source
    assert fact.sample is not None
    assert isinstance(
        fact.sample, str | int | float | bool | datetime | Evidence | tuple
    )  # what a template can print, compare or loop over
    assert not isinstance(fact.sample, datetime) or fact.sample.tzinfo is UTC
    if isinstance(fact.sample, tuple):
        assert all(isinstance(item, str | Link | Share | WayBack | Change | Heard | Told) for item in fact.sample)


def test_the_samples_tell_one_story() -> None:
    found = {name: fact.sample for name, fact in FACTS.items() if isinstance(fact.sample, datetime)}
    samples = {name: at for name, at in found.items() if name not in {"last_drilled", "confirm_by", "trust_month"}}
    order = ["exposed_from", "rollback_started_at", "recovery_from", "rollback_finished_at", "recovery_until"]
    assert sorted(order, key=samples.__getitem__) == order
    assert max(samples.values()) - min(samples.values()) < timedelta(hours=1)
    assert set(order) <= set(samples)


def test_only_customers_are_the_public() -> None:
    assert [audience for audience in Audience if audience.public] == [Audience.CUSTOMERS]


@pytest.mark.parametrize("moment", Moment)
def test_a_moment_is_a_thing_and_what_became_of_it(moment: Moment) -> None:
    things = "rollout|rollback|incident|promise|maintenance|thread|connection|destination|channel|approval|words"
    assert re.fullmatch(rf"({things}|subscriber|affected|trust)\.[a-z_]+", moment)
