"""The parts of a watch that keep count: the queue and the lease."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trusthub.services.watch.follow import pause
from trusthub.services.watch.lease import Lease
from trusthub.services.watch.outbox import MOST, Outbox, Report
from trusthub.services.watch.resources import Missing, Resource, Taken, Thing, Unreachable

START = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


def report(phase: str, *, uid: str = "a", attempt: str = "1", minutes: int = 0, before: Any = None) -> Report:
    body = {"phase": phase, "minutes": minutes, "before": before}
    return Report(uid=uid, attempt=attempt, phase=phase, seen_at=START + timedelta(minutes=minutes), body=body)


def everything(outbox: Outbox) -> list[tuple[str, str, int]]:
    found = []
    while (one := outbox.first(0)) is not None:
        found.append((one.uid, one.phase, one.body["minutes"]))
        outbox.done(one)
    return found


def test_the_newest_of_one_phase_counts_and_no_phase_is_lost() -> None:
    outbox = Outbox()
    for minute, phase in enumerate(["started", "progressing", "progressing", "paused", "progressing", "rolled_back"]):
        outbox.put(report(phase, minutes=minute))
        outbox.put(report("started", uid="b", minutes=minute))
    assert [one for one in everything(outbox) if one[0] == "a"] == [
        ("a", "started", 0), ("a", "progressing", 2), ("a", "paused", 3), ("a", "progressing", 4),
        ("a", "rolled_back", 5),
    ]  # fmt: skip


def test_what_was_said_of_the_attempt_before_is_kept() -> None:
    outbox = Outbox()
    outbox.put(report("progressing", before={"attempt": "0"}))
    outbox.put(report("progressing", before={"attempt": "1"}))
    found = outbox.first(0)
    assert found
    assert found.body["before"] == {"attempt": "0"}


def test_what_changed_while_it_was_sent_is_sent_again() -> None:
    outbox = Outbox()
    outbox.put(report("progressing"))
    sent = outbox.first(0)
    assert sent
    outbox.put(report("progressing", minutes=1))
    outbox.done(sent)
    assert everything(outbox) == [("a", "progressing", 1)]


def test_the_queue_has_an_end() -> None:
    outbox = Outbox()
    for number in range(MOST + 5):
        outbox.put(report("paused" if number % 2 else "progressing", minutes=number))
    assert len(outbox) == MOST
    assert everything(outbox)[-1][2] == MOST + 4


def test_what_is_late_is_forgotten_by_who_does_not_lead() -> None:
    outbox = Outbox()
    outbox.put(report("started"))
    outbox.put(report("paused", minutes=3))
    outbox.forget(START + timedelta(minutes=1))
    assert everything(outbox) == [("a", "paused", 3)]


def test_pauses_grow_to_a_minute_and_are_never_alike() -> None:
    assert 0.25 <= pause(0) <= 0.5
    assert 30 <= pause(1000) <= 60
    assert len({pause(9) for _ in range(20)}) > 1


class Api:
    """One lease, with a version that must fit."""

    def __init__(self) -> None:
        self.lease: Thing | None = None
        self.down = False

    def get(self, resource: Resource, namespace: str, name: str) -> Thing:
        if self.down:
            raise Unreachable("down")
        if self.lease is None:
            raise Missing("none")
        return {**self.lease, "spec": dict(self.lease["spec"]), "metadata": dict(self.lease["metadata"])}

    def create(self, resource: Resource, namespace: str, thing: Thing) -> Thing:
        if self.lease is not None:
            raise Taken("there is one")
        return self._write(thing, "1")

    def replace(self, resource: Resource, namespace: str, thing: Thing) -> Thing:
        assert self.lease
        version = self.lease["metadata"]["resourceVersion"]
        if thing["metadata"]["resourceVersion"] != version:
            raise Taken("somebody else wrote it")
        return self._write(thing, str(int(version) + 1))

    def _write(self, thing: Thing, version: str) -> Thing:
        self.lease = {**thing, "metadata": {**thing["metadata"], "resourceVersion": version}}
        return self.lease


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def scene() -> tuple[Api, Clock, Lease, Lease]:
    api, clock = Api(), Clock()
    first, second = (Lease(api, ("trusthub", "watch"), name, clock=clock) for name in ("first", "second"))
    return api, clock, first, second


def test_one_leads_as_long_as_it_renews(scene: tuple[Api, Clock, Lease, Lease]) -> None:
    _, clock, first, second = scene
    for _ in range(20):
        assert first.contend()
        assert not second.contend()
        clock.now += 5


def test_a_leader_that_is_silent_is_followed_after_the_duration(scene: tuple[Api, Clock, Lease, Lease]) -> None:
    api, clock, first, second = scene
    first.contend()
    second.contend()
    clock.now += 14.9
    assert not first.held  # it stops before the other may begin
    assert not second.contend()
    clock.now += 0.2
    assert second.contend()
    assert not first.contend()
    assert api.lease
    assert api.lease["spec"]["leaseTransitions"] == 1


def test_a_leader_that_cannot_renew_leads_no_longer_than_it_is_sure(scene: tuple[Api, Clock, Lease, Lease]) -> None:
    api, clock, first, _ = scene
    assert first.contend()
    api.down = True
    clock.now += 9
    assert first.contend()
    clock.now += 2
    assert not first.contend()
    api.down = False
    assert first.contend()


def test_a_lease_that_is_given_back_is_free_at_once(scene: tuple[Api, Clock, Lease, Lease]) -> None:
    _, _, first, second = scene
    first.contend()
    assert not second.contend()
    first.release()
    assert not first.held
    assert second.contend()


def test_of_two_that_write_at_once_one_leads(scene: tuple[Api, Clock, Lease, Lease]) -> None:
    api, _, first, second = scene
    stale = Api()
    first.contend()
    first.release()
    stale.lease = api.get(None, "", "")  # type: ignore[arg-type]
    assert second.contend()
    first._api = type("Late", (), {"get": stale.get, "replace": api.replace})()
    assert not first.contend()
