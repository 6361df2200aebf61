"""A try that ended without an answer: the hub asks the provider before it sends the message again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from tests.providers import Fault, accept_then_drop, accept_then_fail, accept_then_hang, broken, hang, refused
from tests.services.office import START, Office
from trusthub.channels.base import Outbound, Receipt
from trusthub.channels.reconcile import CannotTell, Doubt, Finding, Found, Later, NotThere
from trusthub.domain.pacing import Patience
from trusthub.errors import DeliveryError
from trusthub.services.delivery import Worker
from trusthub.store import outbox
from trusthub.store.leases import LEASE

RELEASES = "slack:#releases"


def unclear(post: Office, *faults: Fault, **more: object) -> int:
    """Let a message meet these faults after the channel has heard from us before; return its number."""
    post.enqueue(RELEASES, **more)
    post.worker.drain()
    post.slack.fail(*faults)
    (number,) = post.enqueue(RELEASES, **more)
    again(post, len(faults))
    return number


def again(post: Office, times: int = 1) -> None:
    for _ in range(times):
        post.worker.drain()
        post.clock.forward(minutes=1)


@pytest.mark.parametrize("fault", [accept_then_hang(), accept_then_drop(), accept_then_fail()], ids=str)
@pytest.mark.parametrize("conversation", ["", "rollout:1"])
def test_what_slack_took_is_not_sent_again(post: Office, fault: Fault, conversation: str) -> None:
    number = unclear(post, fault, conversation=conversation)
    assert post.delivery(number).ambiguous
    again(post)
    found, (_, said) = post.delivery(number), post.slack.messages
    assert (found.state, found.ambiguous, found.last_error) == ("done", False, "")
    assert found.provider_ref == f"{said.channel}:{said.ts}"
    assert post.outcomes(number) == ["failed", "found"]
    assert bool(said.thread_ts) == bool(conversation)


@pytest.mark.parametrize("fault", [hang(), broken(500)], ids=str)
def test_what_slack_did_not_take_is_sent_and_nothing_is_unclear(post: Office, fault: Fault) -> None:
    number = unclear(post, fault)
    again(post)
    assert (post.delivery(number).state, post.delivery(number).ambiguous) == ("done", False)
    assert len(post.slack.messages) == 2


def test_without_the_scope_it_is_sent_again_and_says_why_nobody_could_tell(post: Office) -> None:
    number = unclear(post, accept_then_hang())
    post.slack.fail(refused("missing_scope", needed="channels:history"))
    again(post)
    found = post.delivery(number)
    assert (found.state, found.ambiguous, len(post.slack.messages)) == ("done", True, 3)
    assert found.last_error.startswith("It could not be looked for. missing_scope: The app lacks the scope channels:h")


def test_in_a_channel_that_was_never_reached_nobody_can_tell(post: Office) -> None:
    post.slack.fail(accept_then_hang())
    (number,) = post.enqueue(RELEASES)
    again(post, 2)
    found = post.delivery(number)
    assert (found.state, found.ambiguous) == ("done", True)
    assert "With the id (C...) in site.yaml it can." in found.last_error


def test_a_search_that_fails_for_a_moment_is_made_again(post: Office) -> None:
    number = unclear(post, accept_then_hang())
    post.slack.fail(broken(503))
    post.worker.drain()
    assert (post.delivery(number).state, post.due(RELEASES)) == ("pending", post.clock() + timedelta(seconds=5))
    again(post, 2)
    assert post.outcomes(number) == ["failed", "waiting", "found"]
    assert len(post.slack.messages) == 2


def test_a_search_that_fails_for_long_does_not_hold_the_news_up(post: Office) -> None:
    number = unclear(post, accept_then_hang(), hang(), hang())
    again(post)
    post.slack.fail(hang())
    again(post, 2)
    assert (post.delivery(number).state, post.delivery(number).ambiguous) == ("done", True)


def test_busy_channels_are_searched_page_by_page_but_not_for_ever(post: Office) -> None:
    number = unclear(post, accept_then_hang())
    name = post.slack.channel("#releases")
    said = post.slack.messages[-1]
    post.slack.page = 2
    post.slack.messages += [
        type(said)(channel=name, name="", ts=f"{2e9 + n:.6f}", text="", blocks=[]) for n in range(7)
    ]
    again(post)
    assert post.outcomes(number)[-1] == "found"
    number = unclear(post, accept_then_hang())
    post.slack.messages += [
        type(said)(channel=name, name="", ts=f"{3e9 + n:.6f}", text="", blocks=[]) for n in range(9)
    ]
    again(post)
    assert post.delivery(number).ambiguous
    assert "messages came after it" in post.delivery(number).last_error


def test_two_copies_are_called_two_copies(post: Office) -> None:
    number = unclear(post, accept_then_hang())
    post.slack.messages.append(type(post.slack.messages[-1])(**{**vars(post.slack.messages[-1]), "ts": "1990000000.1"}))
    again(post)
    assert (post.delivery(number).state, post.delivery(number).ambiguous) == ("done", True)
    assert post.outcomes(number) == ["failed", "found"]


def test_an_edit_is_simply_made_again(post: Office) -> None:
    post.enqueue(RELEASES, conversation="rollout:1")
    post.worker.drain()
    edit: dict[str, object] = {
        "to": "#releases",
        "subject": "Checkout",
        "body": "At 25 %.",
        "slack": None,
        "buttons": [],
        "edit": True,
    }
    (number,) = post.enqueue(RELEASES, conversation="rollout:1", payload=edit)
    with post.database.transaction() as session:
        outbox.claim(session, START, 1)  # and whoever did is never seen again
    post.clock.forward(seconds=LEASE.total_seconds())
    again(post)
    assert (post.delivery(number).state, post.delivery(number).ambiguous) == ("done", False)
    assert [call.path for call in post.slack.calls] == ["/api/chat.postMessage", "/api/chat.update"]


# ------------------------------------------------------------------------------------------------ any channel


@dataclass
class Asked:
    """A channel that gives the answers of a test, and breaks off its first message."""

    findings: list[Callable[[Doubt], Finding]]
    doubts: list[Doubt] = field(default_factory=list)
    sent: int = 0

    def send(self, outbound: Outbound) -> Receipt:
        self.sent += 1
        if self.sent == 1:
            raise DeliveryError("No answer came.", ambiguous=True)
        return Receipt(ref="second")

    def find(self, outbound: Outbound, doubt: Doubt) -> Finding:
        self.doubts.append(doubt)
        return self.findings.pop(0)(doubt) if self.findings else soon(doubt)


def soon(doubt: Doubt) -> Finding:
    return Later(doubt.now + timedelta(seconds=20), "No event came yet.")


def asked(post: Office, *findings: Callable[[Doubt], Finding]) -> Asked:
    made = Asked(list(findings))
    post.channels["email"] = made
    return made


def test_a_channel_may_ask_for_time_until_it_can_tell(post: Office) -> None:
    channel = asked(post, soon, soon, lambda _: Found(Receipt(ref="first")))
    (number,) = post.enqueue("email:ana@customer.example")
    for _ in range(6):
        post.worker.drain()
        post.clock.forward(seconds=20)
    found = post.delivery(number)
    assert (found.state, found.ambiguous, found.provider_ref, channel.sent) == ("done", False, "first", 1)
    assert post.outcomes(number) == ["failed", "waiting", "waiting", "found"]
    assert {(doubt.since, doubt.last) for doubt in channel.doubts} == {(START, START)}


@pytest.mark.parametrize("minutes", [2, 5])
def test_it_gets_two_minutes_or_what_the_owner_set_and_then_the_news_goes_out(post: Office, minutes: int) -> None:
    channel = asked(post)
    (number,) = post.enqueue("email:ana@customer.example")
    worker = Worker(post.hub, post.channels, patience=Patience(doubt=timedelta(minutes=minutes)))
    while post.delivery(number).state == "pending":
        worker.drain()
        post.clock.forward(seconds=10)
    assert timedelta(0) <= post.clock() - START - timedelta(minutes=minutes) <= timedelta(seconds=30)
    found = post.delivery(number)
    assert (found.ambiguous, found.last_error, channel.sent) == (True, "No event came yet.", 2)


def test_no_patience_means_no_waiting(post: Office) -> None:
    asked(post)
    (number,) = post.enqueue("email:ana@customer.example")
    worker = Worker(post.hub, post.channels, patience=Patience(doubt=timedelta(0)))
    for _ in range(2):
        worker.drain()
        post.clock.forward(seconds=5)
    assert post.outcomes(number) == ["failed", "sent"]


def crash(_: Doubt) -> Finding:
    raise KeyError("a bug")


@pytest.mark.parametrize(
    ("finding", "marked"), [(lambda _: NotThere(), False), (lambda _: CannotTell("Nobody knows."), True), (crash, True)]
)
def test_what_is_sent_again_is_marked_only_when_nobody_could_tell(
    post: Office, finding: Callable[[Doubt], Finding], *, marked: bool
) -> None:
    channel = asked(post, finding)
    (number,) = post.enqueue("email:ana@customer.example")
    again(post, 2)
    assert (post.delivery(number).state, post.delivery(number).ambiguous, channel.sent) == ("done", marked, 2)
