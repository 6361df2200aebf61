"""The outbox on both databases: order, exclusive leases, and nothing that is lost."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from tests.store.deliveries import AT, SENT, claim, enqueue, message, settle
from trusthub.store import leases, outbox
from trusthub.store.leases import LEASE
from trusthub.store.outbox import Outcome
from trusthub.store.session import Database
from trusthub.store.tables import Attempt, Delivery, Lane

SECOND = timedelta(seconds=1)
FAILED = Outcome(sent=False, retry_at=AT + 5 * SECOND, status=500, words="Slack failed (HTTP 500).")
DEAD = Outcome(sent=False, words="There is no such channel.")


def ids(claimed: list[outbox.Claimed]) -> list[int]:
    return [each.delivery.id for each in claimed]


def delivery(database: Database, number: int) -> Delivery:
    with database.reading() as session:
        return session.get_one(Delivery, number)


def lane(database: Database, key: str = "a:1") -> Lane:
    with database.reading() as session:
        return session.get_one(Lane, key)


def attempts(database: Database, number: int) -> list[tuple[int, str | None, str]]:
    with database.reading() as session:
        rows = session.execute(
            sa.select(Attempt).where(col(Attempt.delivery_id) == number).order_by(col(Attempt.id))
        ).scalars()
        return [(row.n, row.outcome, row.error) for row in rows]


def next_due(database: Database) -> object:
    with database.reading() as session:
        return outbox.next_due(session, AT)


# ------------------------------------------------------------------------------------------------ order and leases


def test_a_lane_sends_one_after_the_other_in_the_order_of_enqueueing(database: Database) -> None:
    first, second = enqueue(database, "a:1", "a:1")
    (third,) = enqueue(database, "a:1")
    order = []
    while claimed := claim(database):
        assert claim(database) == []  # one at a time
        order += ids(claimed)
        assert settle(database, claimed[0])
    assert order == [first, second, third]
    assert next_due(database) is None


def test_messages_of_one_lane_keep_the_order_in_which_they_were_given(database: Database) -> None:
    given = [message("b:1"), message("a:1"), message("b:1"), message("a:1"), message("b:1")]
    with database.transaction() as session:
        outbox.enqueue(session, given, AT)
    for key in ("a:1", "b:1"):
        numbers = [each.id for each in given if each.lane == key]
        assert numbers == sorted(numbers)


def test_lanes_do_not_wait_for_each_other(database: Database) -> None:
    numbers = enqueue(database, "a:1", "b:1", "c:1")
    assert sorted(ids(claim(database))) == sorted(numbers)


def test_the_lane_that_waits_longest_comes_first(database: Database) -> None:
    (late,) = enqueue(database, "a:1", now=AT)
    (early,) = enqueue(database, "b:1", now=AT - SECOND)
    assert ids(claim(database, limit=1)) == [early]
    assert ids(claim(database, limit=1)) == [late]


def test_nothing_is_claimed_before_it_is_due(database: Database) -> None:
    enqueue(database, "a:1", now=AT + SECOND)
    assert claim(database) == []
    assert next_due(database) == AT + SECOND
    assert len(claim(database, AT + SECOND)) == 1


def test_busy_channels_wait(database: Database) -> None:
    enqueue(database, "email:ana", "email:bob", now=AT - SECOND)
    (page,) = enqueue(database, "page:main")
    assert ids(claim(database, busy=["email"])) == [page]
    with database.reading() as session:
        assert outbox.next_due(session, AT, busy=["email", "page"]) is None
        assert outbox.next_due(session, AT, busy=["page"]) == AT - SECOND


def test_paused_lanes_wait(database: Database) -> None:
    (number,) = enqueue(database, "a:1")
    pause(database, "a:1", paused=True)
    enqueue(database, "a:1")
    assert claim(database) == []
    assert next_due(database) is None
    pause(database, "a:1", paused=False)
    assert ids(claim(database)) == [number]


def test_a_lane_that_is_paused_while_it_sends_stops_after_that(database: Database) -> None:
    enqueue(database, "a:1", "a:1")
    (claimed,) = claim(database)
    pause(database, "a:1", paused=True)
    assert settle(database, claimed)
    assert claim(database) == []


def pause(database: Database, key: str, *, paused: bool) -> None:
    with database.transaction() as session:
        session.get_one(Lane, key).paused = paused


def test_a_lane_whose_messages_were_all_cancelled_becomes_idle(database: Database) -> None:
    (number,) = enqueue(database, "a:1")
    with database.transaction() as session:
        session.get_one(Delivery, number).state = "cancelled"
    assert claim(database) == []
    assert lane(database).due is None


def test_a_message_is_not_enqueued_twice(database: Database) -> None:
    (number,) = enqueue(database, "a:1", key="event:1/a")
    with pytest.raises(IntegrityError):
        enqueue(database, "b:1", "a:1", key="event:1/a")
    assert ids(claim(database)) == [number]
    with database.reading() as session:
        assert session.get(Lane, "b:1") is None


def test_to_enqueue_nothing_does_nothing(database: Database) -> None:
    assert enqueue(database) == []


# ------------------------------------------------------------------------------------------------ how it can end


def test_a_message_that_was_sent(database: Database) -> None:
    (number,) = enqueue(database, "a:1")
    (claimed,) = claim(database)
    assert attempts(database, number) == [(1, None, "")]  # written before the provider is called
    assert settle(database, claimed, SENT, AT + SECOND)
    found = delivery(database, number)
    assert (found.state, found.provider_ref, found.done_at) == ("done", "C1:1.0", AT + SECOND)
    assert (found.attempts, found.first_attempt_at, found.last_attempt_at) == (1, AT, AT)
    assert not found.ambiguous
    assert attempts(database, number) == [(1, "sent", "")]
    assert lane(database).due is None


def test_a_failure_blocks_its_own_lane_only_and_keeps_the_order(database: Database) -> None:
    first, second = enqueue(database, "a:1", "a:1")
    (claimed,) = claim(database)
    assert settle(database, claimed, FAILED)
    (other,) = enqueue(database, "b:1")
    enqueue(database, "a:1")  # news for a lane that backs off does not make it hurry
    assert ids(claim(database, AT + 4 * SECOND)) == [other]
    (again,) = claim(database, AT + 5 * SECOND)
    assert again.delivery.id == first
    assert settle(database, again, now=AT + 5 * SECOND)
    assert ids(claim(database, AT + 5 * SECOND)) == [second]
    found = delivery(database, first)
    assert (found.attempts, found.first_attempt_at, found.last_attempt_at) == (2, AT, AT + 5 * SECOND)
    assert (found.state, found.last_error) == ("done", "")
    assert attempts(database, first) == [(1, "failed", FAILED.words), (2, "sent", "")]


def test_a_message_that_is_hopeless_frees_its_lane(database: Database) -> None:
    first, second = enqueue(database, "a:1", "a:1")
    (claimed,) = claim(database)
    assert settle(database, claimed, DEAD)
    assert (delivery(database, first).state, delivery(database, first).last_error) == ("dead", DEAD.words)
    assert ids(claim(database)) == [second]


def test_an_answer_that_is_unclear_is_remembered(database: Database) -> None:
    (number,) = enqueue(database, "a:1")
    (claimed,) = claim(database)
    unclear = Outcome(sent=False, retry_at=AT, words="No answer came.", ambiguous=True)
    assert settle(database, claimed, unclear)
    (again,) = claim(database)
    assert settle(database, again)
    assert delivery(database, number).ambiguous


def test_news_for_a_lane_that_sends_waits_until_it_is_settled(database: Database) -> None:
    enqueue(database, "a:1")
    (claimed,) = claim(database)
    (second,) = enqueue(database, "a:1", now=AT + SECOND)
    assert claim(database, AT + SECOND) == []
    assert settle(database, claimed, now=AT + 2 * SECOND)
    assert ids(claim(database, AT + 2 * SECOND)) == [second]


# ------------------------------------------------------------------------------------------------ workers that go


def test_a_lease_that_ran_out_is_taken_over_and_the_message_is_marked(database: Database) -> None:
    (number,) = enqueue(database, "a:1")
    claim(database)
    assert claim(database, AT + LEASE - SECOND) == []
    (again,) = claim(database, AT + LEASE)
    assert (again.delivery.id, again.delivery.attempts, again.delivery.ambiguous) == (number, 2, True)
    assert settle(database, again, now=AT + LEASE)
    assert delivery(database, number).ambiguous
    lost = "The worker stopped before the answer came."
    assert attempts(database, number) == [(1, "lost", lost), (2, "sent", "")]


def test_who_lost_the_lease_cannot_settle(database: Database) -> None:
    (number,) = enqueue(database, "a:1")
    (asleep,) = claim(database)
    (again,) = claim(database, AT + LEASE)
    before = delivery(database, number), lane(database), attempts(database, number)
    for outcome in (SENT, FAILED, DEAD):
        assert not settle(database, asleep, outcome, AT + LEASE)
    assert (delivery(database, number), lane(database), attempts(database, number)) == before
    assert settle(database, again, now=AT + LEASE)
    assert not settle(database, asleep, now=AT + LEASE)
    assert not settle(database, again, now=AT + LEASE)
    assert attempts(database, number)[-1] == (2, "sent", "")


def test_a_late_worker_may_settle_what_nobody_took_over(database: Database) -> None:
    enqueue(database, "a:1")
    (claimed,) = claim(database)
    assert settle(database, claimed, now=AT + 2 * LEASE)


def test_a_slow_send_keeps_its_lease(database: Database) -> None:
    enqueue(database, "a:1", "b:1")
    slow, other = claim(database, owner="me")
    assert settle(database, other)
    with database.transaction() as session:
        leases.renew(session, [slow.token], AT + LEASE / 2)
    assert claim(database, AT + LEASE) == []
    assert lane(database, other.delivery.lane).due is None
    assert len(claim(database, AT + LEASE * 1.5)) == 1


def test_leases_of_a_worker_that_is_gone_end_at_once(database: Database) -> None:
    enqueue(database, "a:1", "b:1", "c:1", "d:1")
    claim(database, limit=2, owner="gone")
    claim(database, limit=1, owner="here")
    claim(database, limit=1)  # a command that joined nobody: only time ends its lease
    with database.transaction() as session:
        tokens = leases.leases(session, AT)
        assert sorted(map(leases.owner_of, tokens)) == ["", "gone", "here"]
        leases.release(session, {token for token in tokens if leases.owner_of(token) == "gone"}, AT)
    taken = claim(database)
    assert len(taken) == 2
    assert all(each.delivery.ambiguous for each in taken)


def test_a_lane_that_backs_off_belongs_to_nobody(database: Database) -> None:
    enqueue(database, "a:1")
    (claimed,) = claim(database, owner="me")
    assert settle(database, claimed, FAILED)
    with database.reading() as session:
        assert leases.leases(session, AT) == set()


def test_releasing_nothing_releases_nothing(database: Database) -> None:
    enqueue(database, "a:1")
    claim(database, owner="me")
    with database.transaction() as session:
        leases.release(session, set(), AT)
        leases.renew(session, set(), AT + LEASE)
    assert claim(database, AT + LEASE - SECOND) == []


# ------------------------------------------------------------------------------------------------ conversations


def test_later_messages_know_the_first_of_their_conversation(database: Database) -> None:
    enqueue(database, "a:1", "a:1", "a:1", conversation="rollout:1")
    parents = []
    for ref, leads in (("C1:1.0", True), ("C1:2.0", False), ("C1:3.0", False)):
        (claimed,) = claim(database)
        parents.append(claimed.parent)
        assert settle(database, claimed, Outcome(sent=True, ref=ref, leads=leads))
    assert parents == [None, "C1:1.0", "C1:1.0"]


def test_a_conversation_that_began_anew_goes_on_there(database: Database) -> None:
    enqueue(database, "a:1", "a:1", "a:1", conversation="rollout:1")
    for ref in ("C1:1.0", "C1:2.0"):
        (claimed,) = claim(database)
        assert settle(database, claimed, Outcome(sent=True, ref=ref, leads=True))
    assert claim(database)[0].parent == "C1:2.0"


@pytest.mark.parametrize(("key", "conversation"), [("a:1", "rollout:2"), ("b:1", "rollout:1"), ("a:1", "")])
def test_conversations_and_lanes_are_not_mixed_up(database: Database, key: str, conversation: str) -> None:
    enqueue(database, "a:1", conversation="rollout:1")
    assert settle(database, claim(database)[0])
    enqueue(database, "a:1", conversation="")
    assert settle(database, claim(database)[0])
    enqueue(database, key, conversation=conversation)
    assert claim(database)[0].parent is None


def test_a_first_message_that_never_arrived_is_no_parent(database: Database) -> None:
    enqueue(database, "a:1", "a:1", conversation="rollout:1")
    assert settle(database, claim(database)[0], DEAD)
    assert claim(database)[0].parent is None


# ------------------------------------------------------------------------------------------------ at the same time


def test_two_workers_never_have_the_same_lane(database: Database) -> None:
    lanes, each_has = [f"a:{number}" for number in range(20)], 5
    for _ in range(each_has):
        enqueue(database, *lanes)
    having: set[str] = set()
    order: dict[str, list[int]] = {key: [] for key in lanes}
    guard, begin = threading.Lock(), threading.Barrier(4)

    def work() -> None:
        begin.wait()
        while claimed := claim(database, limit=3):
            with guard:
                taken = {each.delivery.lane for each in claimed}
                assert not having & taken
                having.update(taken)
                for each in claimed:
                    order[each.delivery.lane].append(each.delivery.id)
            for each in claimed:
                with guard:
                    having.remove(each.delivery.lane)
                assert settle(database, each)

    with ThreadPoolExecutor(4) as pool:
        done(*(pool.submit(work) for _ in range(4)))
    while rest := claim(database):  # a worker may have seen nothing while the others held everything
        for each in rest:
            order[each.delivery.lane].append(each.delivery.id)
            assert settle(database, each)
    assert all(len(numbers) == each_has and numbers == sorted(numbers) for numbers in order.values())


def test_claims_on_postgresql_pass_over_lanes_that_somebody_holds(postgres_database: Database) -> None:
    database = postgres_database
    enqueue(database, "a:1", "b:1")
    with ThreadPoolExecutor(1) as pool, database.transaction() as session:
        (first,) = outbox.claim(session, AT, 1)
        (second,) = pool.submit(claim, database, limit=2).result(timeout=10)  # without waiting for the first's commit
    assert {first.delivery.lane, second.delivery.lane} == {"a:1", "b:1"}


def test_no_wake_up_is_lost_between_settling_and_enqueueing(database: Database) -> None:
    rounds = 40
    with ThreadPoolExecutor(2) as pool:
        enqueue(database, "a:1")
        for _ in range(rounds):
            (claimed,) = claim(database)
            begin = threading.Barrier(2)
            done(
                pool.submit(after(begin, partial(settle, database, claimed))),
                pool.submit(after(begin, partial(enqueue, database, "a:1"))),
            )
            assert lane(database).due is not None


def test_an_enqueue_that_is_not_committed_yet_is_not_overlooked(postgres_database: Database) -> None:
    database = postgres_database
    enqueue(database, "a:1")
    (claimed,) = claim(database)
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            outbox.enqueue(session, [message("a:1")], AT)
            settling = pool.submit(settle, database, claimed)
            assert not wait([settling], timeout=0.2).done  # it waits for the lane
        assert settling.result(timeout=10)
    assert lane(database).due == AT


def test_a_settlement_that_is_not_committed_yet_is_not_overlooked(postgres_database: Database) -> None:
    database = postgres_database
    enqueue(database, "a:1")
    (claimed,) = claim(database)
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            assert outbox.settle(session, claimed, AT, SENT)
            enqueueing = pool.submit(enqueue, database, "a:1")
            assert not wait([enqueueing], timeout=0.2).done
        enqueueing.result(timeout=10)
    assert lane(database).due == AT


def test_ids_of_a_lane_follow_the_order_of_commits(postgres_database: Database) -> None:
    database = postgres_database
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            first = message("a:1")
            outbox.enqueue(session, [first], AT)
            later = pool.submit(enqueue, database, "a:1")
            assert not wait([later], timeout=0.2).done
        assert later.result(timeout=10)[0] > first.id


def test_writers_that_need_the_same_lanes_in_another_order_do_not_block_each_other(database: Database) -> None:
    """A transaction may enqueue several times: to staff first, then to customers."""

    def write(*lanes: str) -> Callable[[], None]:
        def several() -> None:
            for _ in range(20):
                with database.transaction() as session:
                    for key in lanes:
                        outbox.enqueue(session, [message(key)], AT)

        return several

    begin = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        done(
            pool.submit(after(begin, write("a:1", "b:1", "c:1"))),
            pool.submit(after(begin, write("c:1", "b:1", "a:1"))),
        )
    assert len(claim(database)) == 3


def after(barrier: threading.Barrier, act: Callable[[], object]) -> Callable[[], object]:
    def both() -> object:
        barrier.wait()
        return act()

    return both


def done(*futures: Future[object] | Future[None]) -> None:
    for future in futures:
        future.result(timeout=60)


# ------------------------------------------------------------------------------------------------ cost


def test_a_delivery_costs_one_commit_and_few_statements(database: Database) -> None:
    lanes, rounds = ["a:1", "b:1", "c:1"], 10
    for _ in range(rounds):
        enqueue(database, *lanes, conversation="rollout:1")
    (claimed,) = claim(database, limit=1)
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        for _ in range(20):
            with database.transaction() as session:
                assert outbox.settle(session, claimed, AT, SENT)
                (claimed,) = outbox.claim(session, AT, 1)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    own = [statement for statement in statements if not statement.startswith("BEGIN")]
    assert len(own) / 20 == 8, own[:8]


MANY = 10_000


@pytest.fixture
def crowded(database: Database) -> Database:
    """Ten thousand lanes of which most are idle, and ten thousand deliveries of which most are done."""
    with database.transaction() as session:
        session.execute(
            sa.insert(Lane),
            [{"key": f"a:{n}", "channel": "a", "paused": False, "due": None if n % 100 else AT} for n in range(MANY)],
        )
        session.execute(
            sa.insert(Delivery),
            [
                {
                    "lane": f"a:{n}",
                    "key": f"k{n}",
                    "moment": "m",
                    "conversation": "c",
                    "payload": {},
                    "state": "done" if n % 100 else "pending",
                    "attempts": 0,
                    "ambiguous": False,
                    "leads": False,
                    "last_error": "",
                    "created_at": AT,
                }
                for n in range(MANY)
            ],
        )
        session.execute(
            sa.insert(Attempt),
            [{"delivery_id": n + 1, "n": 1, "started_at": AT, "ended_at": AT, "error": ""} for n in range(MANY)],
        )
        if not database.sqlite:
            session.execute(sa.text("ANALYZE"))
    return database


def test_claims_find_their_way_by_the_small_indexes(crowded: Database) -> None:
    statements: list[tuple[str, Any]] = []

    def note(connection: sa.Connection, *arguments: object) -> None:
        if connection.engine.url.database == sa.make_url(crowded.url).database:  # what others still do is theirs
            statements.append((str(arguments[1]), arguments[2]))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        with crowded.reading() as session:
            assert outbox.next_due(session, AT) == AT
        (claimed,) = claim(crowded, limit=1)
        assert settle(crowded, claimed)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    plans = {
        statement: plan(crowded, statement, values) for statement, values in statements if "BEGIN" not in statement
    }
    for statement, found in plans.items():
        if "INSERT" not in statement:
            assert "Seq Scan" not in found.replace("Seq Scan on hold", ""), (statement, found)  # a row a channel
            assert "SCAN delivery" not in found, (statement, found)
            assert "SCAN lane" not in found or "ix_lane_due" in found, (statement, found)
    by_due = [found for statement, found in plans.items() if "ORDER BY lane.due" in statement]
    by_state = [found for statement, found in plans.items() if "state = 'pending'" in statement]
    assert len(by_due) == len(by_state) == 2
    assert all("ix_lane_due" in found for found in by_due), by_due
    assert all("ix_delivery_open" in found for found in by_state), by_state


def plan(database: Database, statement: str, values: Any) -> str:
    """What the database would do. Its undone transaction changes nothing."""
    explain = "EXPLAIN QUERY PLAN" if database.sqlite else "EXPLAIN"
    engine = sa.create_engine(database.url)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"{explain} {statement}", values).all()
        connection.rollback()
    engine.dispose()
    return "\n".join(str(row[-1]) for row in rows)
