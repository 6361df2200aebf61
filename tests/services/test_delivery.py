"""The worker, with the real libraries of Slack and SendGrid against providers on loopback."""

import itertools
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError
from sqlmodel import col

from tests.providers import Fault, accept_then_drop, accept_then_hang, answer, broken, drop, rate_limited, refused
from tests.services.office import SENDGRID_KEY, SLACK_TOKEN, START, Blocked, Office, message, office, until
from trusthub.channels.base import TIMEOUT, Outbound, Receipt
from trusthub.domain.pacing import JITTER, PATIENCE, SCHEDULE
from trusthub.services import delivery, timers
from trusthub.services.delivery import RISKY, SHARE, Worker
from trusthub.store import outbox
from trusthub.store.leases import LEASE
from trusthub.store.session import Database
from trusthub.store.tables import Delivery, Lane

RELEASES, SUPPORT, ANA = "slack:#releases", "slack:#support", "email:ana@customer.example"

# ------------------------------------------------------------------------------------------------ what becomes of it


def test_messages_arrive_and_their_receipts_are_kept(either_post: Office) -> None:
    post = either_post
    numbers = post.enqueue(RELEASES, ANA)
    assert post.worker.drain() == 2
    (said,), (mailed,) = post.slack.messages, post.sendgrid.messages
    assert (said.name, said.text) == ("#releases", "*Checkout: going back*\nMessage 0.")
    assert mailed["personalizations"][0]["to"] == [{"email": "ana@customer.example"}]
    slack, email = map(post.delivery, numbers)
    assert (slack.state, slack.provider_ref, slack.done_at) == ("done", f"{said.channel}:{said.ts}", START)
    assert (email.state, email.provider_ref) == ("done", "sendgrid-0001")
    assert post.outcomes(numbers[0]) == ["sent"]
    assert post.due(RELEASES) is None
    assert post.worker.drain() == 0


def test_a_failure_is_tried_again_later_each_time_with_jitter(post: Office) -> None:
    post.slack.fail(*[drop()] * 3)
    (number,) = post.enqueue(RELEASES)
    waits = []
    for attempt in itertools.count(1):
        assert post.worker.drain() == 1
        if (due := post.due(RELEASES)) is None:
            break
        assert post.delivery(number).state == "pending"
        waits.append((due - post.clock()).total_seconds())
        assert abs(waits[-1] / SCHEDULE[attempt - 1] - 1) <= JITTER
        post.clock.forward(seconds=waits[-1] - 0.001)
        assert post.worker.drain() == 0  # not a millisecond early
        post.clock.forward(seconds=0.001)
    assert len(set(waits)) == len(waits) == 3
    assert post.delivery(number).state == "done"
    assert post.outcomes(number) == ["failed", "failed", "failed", "sent"]
    assert len(post.slack.accepted) == 1


def test_the_jitter_follows_the_seed(post: Office) -> None:
    waits: list[datetime | None] = []
    for seed in (1, 1, 2):
        post.enqueue(f"slack:#{len(waits)}")
        post.slack.fail(drop())
        Worker(post.hub, post.channels, seed=seed).drain()
        waits.append(post.due(f"slack:#{len(waits)}"))
    assert waits[0] == waits[1] != waits[2]
    expected = SCHEDULE[0] * random.Random(1).uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 -- the worker's own
    assert waits[0] == START + timedelta(seconds=expected)


@pytest.mark.parametrize("lane", [RELEASES, ANA])
def test_a_provider_says_itself_when_to_come_back(post: Office, lane: str) -> None:
    provider = post.slack if lane == RELEASES else post.sendgrid
    provider.fail(rate_limited(90))
    post.enqueue(lane, lane)
    assert post.worker.drain() == 1
    assert post.due(lane) == START + timedelta(seconds=90)
    post.clock.forward(seconds=89)
    assert post.worker.drain() == 0
    post.clock.forward(seconds=1)
    assert post.worker.drain() == 2
    assert post.states() == {"done": 2}


@pytest.mark.parametrize(
    ("lane", "fault", "words"),
    [
        (RELEASES, refused("channel_not_found"), "channel"),
        (ANA, answer(403, {"errors": [{"message": "The from address is no verified sender."}]}), "verified sender"),
    ],
)
def test_what_is_hopeless_is_given_up_with_its_reason_and_the_next_one_goes_on(
    post: Office, lane: str, fault: Fault, words: str
) -> None:
    provider = post.slack if lane == RELEASES else post.sendgrid
    provider.fail(fault)
    first, second = post.enqueue(lane, lane)
    assert post.worker.drain() == 2
    dead = post.delivery(first)
    assert (dead.state, dead.attempts, dead.ambiguous) == ("dead", 1, False)
    assert words in dead.last_error
    assert post.delivery(second).state == "done"


def test_a_lane_that_fails_holds_up_no_other(post: Office) -> None:
    post.slack.fail(broken(503))
    post.enqueue(RELEASES)
    post.worker.drain()
    post.enqueue(RELEASES, SUPPORT, ANA)
    assert post.worker.drain() == 2
    assert post.states() == {"pending": 2, "done": 2}


def test_after_an_hour_it_is_given_up(post: Office) -> None:
    (number,) = post.enqueue(RELEASES)
    post.slack.close()
    while post.delivery(number).state == "pending":
        due = post.due(RELEASES)
        assert due is not None
        post.clock.now = max(post.clock.now, due)
        post.worker.drain()
    assert PATIENCE.give_up <= post.clock.now - START <= PATIENCE.give_up + timedelta(minutes=13)
    dead = post.delivery(number)
    assert (dead.state, dead.ambiguous) == ("dead", False)
    assert "cannot be reached" in dead.last_error


# ------------------------------------------------------------------------------------------------ what stays unclear


@pytest.mark.parametrize("fault", [accept_then_hang(), accept_then_drop()])
def test_a_mail_that_may_have_arrived_is_sent_again_and_marked(post: Office, fault: Fault) -> None:
    post.sendgrid.fail(fault)
    (number,) = post.enqueue(ANA)
    post.worker.drain()
    unclear = post.delivery(number)
    assert (unclear.state, unclear.ambiguous) == ("pending", True)
    post.clock.forward(minutes=1)
    post.worker.drain()
    again = post.delivery(number)
    assert (again.state, again.ambiguous, again.last_error) == ("done", True, "")
    assert len(post.sendgrid.accepted) == 2  # and both carry the same key, by which they can be told to be the same
    assert len({str(call.body) for call in post.sendgrid.accepted}) == 1


def test_a_message_that_certainly_did_not_arrive_is_not_marked(post: Office) -> None:
    post.slack.fail(rate_limited(1))
    (number,) = post.enqueue(RELEASES)
    post.worker.drain()
    post.clock.forward(minutes=1)
    post.worker.drain()
    assert not post.delivery(number).ambiguous


def test_a_crash_inside_a_channel_loses_nothing(post: Office) -> None:
    class Crashing:
        def __init__(self) -> None:
            self.sent: list[str] = []
            self.left = 2

        def send(self, outbound: Outbound) -> Receipt:
            self.left -= 1
            if self.left >= 0:
                raise RuntimeError("a bug")
            self.sent.append(outbound.to)
            return Receipt(ref="1")

    crashing = post.channels["slack"] = Crashing()
    first, second = post.enqueue(RELEASES, RELEASES)
    post.enqueue(ANA)
    assert post.worker.drain() == 2
    unclear = post.delivery(first)
    assert (unclear.state, unclear.ambiguous, unclear.last_error) == ("pending", True, "RuntimeError inside the hub")
    for _ in range(2):
        post.clock.forward(minutes=1)
        post.worker.drain()
    assert crashing.sent == ["#releases", "#releases"]
    assert post.outcomes(first) == ["failed", "failed", "sent"]
    assert not post.delivery(second).ambiguous


def test_a_message_that_cannot_be_made_was_not_sent(post: Office) -> None:
    (number,) = post.enqueue(RELEASES, payload={"to": "#releases"})
    post.worker.drain()
    found = post.delivery(number)
    assert (found.state, found.ambiguous, found.last_error) == ("pending", False, "KeyError inside the hub")


def test_a_channel_that_only_another_version_has_is_left_for_it(post: Office) -> None:
    (number,) = post.enqueue("fax:030")
    post.worker.drain()
    found = post.delivery(number)
    assert (found.state, found.ambiguous, found.last_error) == ("pending", False, "This version has no channel 'fax'.")


# ------------------------------------------------------------------------------------------------ conversations


def test_a_conversation_stays_together_in_slack(post: Office) -> None:
    def say(**payload: object) -> None:
        (number,) = post.enqueue(RELEASES, conversation="rollout:1")
        with post.database.transaction() as session:
            row = session.get_one(Delivery, number)
            row.payload = {**row.payload, **payload}
        post.worker.drain()

    say()
    say(edit=True)
    say()
    first, reply = post.slack.messages
    assert (reply.thread_ts, len(first.was)) == (first.ts, 1)
    post.slack.messages.clear()  # somebody deletes the channel's messages
    say()
    say()
    anew, reply = post.slack.messages
    assert (anew.thread_ts, reply.thread_ts) == (None, anew.ts)
    with post.database.reading() as session:
        notes = session.execute(sa.select(col(Delivery.last_error))).scalars().all()
    assert [note.partition(":")[0] for note in notes if note] == ["Posted anew"]


# ------------------------------------------------------------------------------------------------ running


def test_a_running_worker_hears_of_new_messages(either_post: Office) -> None:
    other = Database(either_post.database.url)
    with either_post.working():
        either_post.enqueue(RELEASES)
        until(lambda: either_post.states() == {"done": 1})
        with other.transaction() as session:  # as another process does
            outbox.enqueue(session, [message(START, SUPPORT, 0)], START)
        until(lambda: either_post.states() == {"done": 2})
        either_post.enqueue(*[f"slack:#{number % 7}" for number in range(50)])
        until(lambda: either_post.states() == {"done": 52})
    other.close()


def test_work_of_which_nobody_told_is_found_all_the_same(either_post: Office) -> None:
    """PostgreSQL drops what it would have told when nobody could listen, such as during a restart."""
    either_post.enqueue(RELEASES)
    with either_post.database.transaction() as session:
        session.execute(sa.update(Lane).values(due=None))
    with either_post.working():
        until(lambda: either_post.worker._due is None)
        engine = sa.create_engine(either_post.database.url)
        with engine.begin() as connection:
            connection.execute(sa.update(Lane).values(due=START))
        engine.dispose()
        until(lambda: either_post.states() == {"done": 1}, seconds=5)


def test_destinations_that_are_dead_leave_room_for_those_that_live(post: Office) -> None:
    """Eight webhooks that time out must not keep the ninth waiting."""
    blocked = post.channels["email"] = Blocked()
    dead = [f"email:{number}@dead.example" for number in range(2 * SHARE)]
    post.enqueue(*dead)
    with post.database.transaction() as session:
        session.execute(sa.update(Lane).values(fails=3))
    with post.working():
        for _ in range(RISKY):
            assert blocked.begun.acquire(timeout=10)
        assert not blocked.begun.acquire(timeout=0.3)
        post.enqueue(ANA)
        assert blocked.begun.acquire(timeout=10)
        blocked.go.set()
        until(lambda: post.states() == {"done": 2 * SHARE + 1})
    with post.database.reading() as session:
        assert set(session.execute(sa.select(col(Lane.fails))).scalars()) == {0}


def test_a_worker_that_slept_before_it_sent_sends_nothing(post: Office) -> None:
    asleep = Worker(post.hub, post.channels)
    (number,) = post.enqueue(RELEASES)
    with post.database.transaction() as session:
        (claimed,) = outbox.claim(session, START, 1)
    post.clock.forward(seconds=LEASE.total_seconds() - TIMEOUT)
    assert asleep._deliver(claimed) == 2  # it gives the message back, and sends it under a fresh lease
    assert post.outcomes(number) == ["waiting", "sent"]
    assert (len(post.slack.messages), post.delivery(number).ambiguous) == (1, False)


def test_a_running_worker_keeps_the_order_of_each_lane(either_post: Office) -> None:
    lanes = [f"slack:#{number}" for number in range(5)]
    numbers = either_post.enqueue(*lanes * 12)
    with either_post.working():
        until(lambda: either_post.states() == {"done": len(numbers)})
    for lane in lanes:
        texts = [said.text for said in either_post.slack.messages if f"slack:{said.name}" == lane]
        said = [int(text.rpartition(" ")[2].rstrip(".")) for text in texts]
        assert said == sorted(said)
        assert len(said) == 12


def test_stopping_finishes_what_is_under_way_and_begins_nothing(post: Office) -> None:
    blocked = post.channels["slack"] = Blocked()
    first, second = post.enqueue(RELEASES, RELEASES)
    with post.working() as thread:
        assert blocked.begun.acquire(timeout=10)
        post.worker.stop()
        thread.join(0.2)
        assert thread.is_alive()
        blocked.go.set()
    assert (post.delivery(first).state, post.delivery(second).state) == ("done", "pending")
    assert post.due(RELEASES) == START  # free for the next worker


def test_a_worker_stops_when_it_is_told_that_its_process_ends(post: Office) -> None:
    post.enqueue(*[RELEASES] * 20)
    alive = [True]
    with post.working(Worker(post.hub, post.channels)):
        pass
    assert post.states().get("done", 0) < 20
    worker = Worker(post.hub, post.channels)
    alive[0] = False
    worker.run(alive=lambda: alive[0])
    assert post.states().get("pending", 0) > 0


def test_a_provider_that_hangs_holds_up_no_other(post: Office) -> None:
    blocked = post.channels["email"] = Blocked()
    post.enqueue(*[f"email:{number}@customer.example" for number in range(2 * SHARE)])
    with post.working():
        for _ in range(SHARE):
            assert blocked.begun.acquire(timeout=10)
        post.enqueue(RELEASES, SUPPORT)
        until(lambda: len(post.slack.messages) == 2)
        blocked.go.set()
        until(lambda: post.states() == {"done": 2 * SHARE + 2})


def test_a_slow_message_keeps_its_lane(post: Office) -> None:
    blocked = post.channels["slack"] = Blocked()
    (number,) = post.enqueue(RELEASES)
    with post.working():
        assert blocked.begun.acquire(timeout=10)
        for _ in range(3):
            now = post.clock.forward(seconds=LEASE.total_seconds() / 2)
            until(partial(lambda until: post.due(RELEASES) == until, now + LEASE))
        assert Worker(post.hub, post.channels).drain() == 0
        blocked.go.set()
    assert (post.delivery(number).state, post.delivery(number).ambiguous) == ("done", False)


def test_what_a_dead_worker_left_is_taken_over_within_seconds(either_post: Office) -> None:
    post = either_post
    first, second = post.enqueue(RELEASES, RELEASES)
    with post.database.transaction() as session:
        outbox.claim(session, START, 1, owner="0123456789abcdef")
    with post.working():
        until(lambda: post.states() == {"done": 2}, seconds=5)  # though the clock stands still, and the lease holds
    assert post.outcomes(first) == ["lost", "sent"]
    assert (post.delivery(first).ambiguous, post.delivery(second).ambiguous) == (True, False)


def test_a_claim_whose_answer_was_lost_is_found_again(post: Office) -> None:
    """The connection can break after a claim was committed and before the worker heard of it."""
    post.enqueue(RELEASES)
    with post.working():
        until(lambda: post.states() == {"done": 1})
        with post.database.transaction() as session:
            outbox.enqueue(session, [message(START, SUPPORT, 0)], START)
            assert outbox.claim(session, START, 1, owner=post.worker._name)
        until(lambda: post.states() == {"done": 2}, seconds=5)


def test_what_a_living_worker_does_is_left_to_it(either_post: Office) -> None:
    post = either_post
    blocked = Blocked()
    slow = Worker(post.hub, {"slack": blocked})
    (number,) = post.enqueue(RELEASES)
    with post.working(slow):
        assert blocked.begun.acquire(timeout=10)
        with post.working():
            assert not blocked.begun.acquire(timeout=2)  # two rounds, and more
            assert post.slack.messages == []
            blocked.go.set()
    assert post.outcomes(number) == ["sent"]


def test_who_lost_the_lease_settles_nothing(post: Office, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = Blocked()
    asleep = Worker(post.hub, {"slack": blocked})
    (number,) = post.enqueue(RELEASES)
    assert asleep.step() == 1
    assert blocked.begun.acquire(timeout=10)
    post.clock.forward(seconds=LEASE.total_seconds())
    post.worker.drain()
    blocked.go.set()
    asleep._pool.shutdown(wait=True)
    found = post.delivery(number)
    assert (found.state, found.attempts, found.ambiguous) == ("done", 2, True)  # for it did leave twice
    assert str(found.provider_ref).startswith("C")  # the one that Slack gave to the second attempt
    assert post.outcomes(number) == ["late", "sent"]


# ------------------------------------------------------------------------------------------------ trouble around it


def test_a_receipt_survives_a_database_that_is_away(post: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = failures(outbox.settle, 2)
    monkeypatch.setattr(outbox, "settle", failing)
    monkeypatch.setattr(delivery, "_PAUSE", 0.01)
    (number,) = post.enqueue(RELEASES)
    post.worker.drain()
    assert (post.delivery(number).state, post.outcomes(number)) == ("done", ["sent"])
    assert len(post.slack.messages) == 1


def test_a_running_worker_survives_a_database_that_is_away(post: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "next_due", failures(outbox.next_due, 3))
    monkeypatch.setattr(delivery, "_PAUSE", 0.01)
    post.enqueue(RELEASES)
    with post.working():
        until(lambda: post.states() == {"done": 1})


def failures(function: Callable[..., object], count: int) -> Callable[..., object]:
    left = itertools.count(count, -1)

    def failing(*arguments: object, **more: object) -> object:
        if next(left) > 0:
            raise OperationalError("away", {}, Exception())
        return function(*arguments, **more)

    return failing


@pytest.mark.parametrize("trouble", ["timer", "housekeeping"])
def test_other_work_that_crashes_does_not_stop_deliveries(
    post: Office, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    def crash(*_: object) -> NoReturn:
        raise KeyError(trouble)

    worker = Worker(post.hub, post.channels, housekeeping=crash if trouble == "housekeeping" else lambda: None)
    if trouble == "timer":
        monkeypatch.setattr(timers, "next_due", lambda _: START)
        monkeypatch.setattr(timers, "fire", crash)
    monkeypatch.setattr(delivery, "_PAUSE", 0.01)
    with post.working(worker):
        for count in range(1, 4):
            post.enqueue(RELEASES)
            until(partial(lambda count: post.states() == {"done": count}, count))


def test_a_database_that_restarts_again_and_again_loses_nothing(postgres_url: str, tmp_path: Path) -> None:
    with office(postgres_url, tmp_path) as post:
        numbers = post.enqueue(*[f"slack:#{number % 10}" for number in range(120)])
        with post.working():
            for share, seconds in ((20, 0.0), (50, 1.5), (80, 0.0)):
                until(partial(lambda share: len(post.slack.calls) >= share, share))
                restart(postgres_url, seconds)
            until(lambda: post.states() == {"done": len(numbers)}, seconds=30)
        keys = [said.key for said in post.slack.messages]
        assert len(set(keys)) == len(numbers)
        repeated = {str(key).partition("@")[0] for key in keys if keys.count(key) > 1}
        assert repeated <= {row.key for row in map(post.delivery, numbers) if row.ambiguous}


def restart(url: str, seconds: float) -> None:
    """End every connection to a database and let nobody in for a while, as a restart of the server does."""
    name = make_url(url).database
    with psycopg.connect(make_url(url).set(drivername="postgresql", database="postgres").render_as_string()) as server:
        server.autocommit = True
        allow = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
        server.execute(allow.format(sql.Identifier(str(name)), sql.SQL("false")))
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        time.sleep(seconds)
        server.execute(allow.format(sql.Identifier(str(name)), sql.SQL("true")))


# ------------------------------------------------------------------------------------------------ the log


def test_the_log_names_no_customer_and_no_secret(
    sqlite_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Talkative:
        def send(self, outbound: Outbound) -> Receipt:
            secret, words = SLACK_TOKEN, outbound.text
            raise RuntimeError(f"{outbound.to} was not taken ({len(secret)}, {len(words)})")

    with office(sqlite_url, tmp_path) as post:
        quoted = {"errors": [{"message": "ana@customer.example is no address", "field": "personalizations.0.to"}]}
        post.sendgrid.fail(answer(400, quoted), broken(500), accept_then_hang())
        post.slack.fail(refused("invalid_auth"), accept_then_hang())
        for _ in range(4):
            post.enqueue(ANA, RELEASES)
            post.worker.drain()
            post.clock.forward(minutes=2)
        post.channels["email"] = Talkative()
        post.enqueue(ANA)
        post.worker.drain()
        with post.database.reading() as session:
            kept = session.execute(sa.select(col(Delivery.last_error))).scalars().all()
    log = capsys.readouterr().err
    assert log.count('"event": "delivery.sent"') > 2
    assert log.count('"event": "delivery.failed"') > 3
    assert '"event": "delivery.crashed"' in log
    assert "email:*@customer.example" in log
    for said in (log, *kept):
        for secret in ("ana", SLACK_TOKEN, SENDGRID_KEY, "Message 0"):
            assert secret not in said


def test_the_lease_is_longer_than_a_send_may_take() -> None:
    assert LEASE.total_seconds() >= 2 * TIMEOUT
