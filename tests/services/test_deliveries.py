"""What happens to messages that wait: paced, held, replaced, given up, and sent once more."""

import sys
from datetime import timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from sqlmodel import col

from tests.providers import answer, broken, rate_limited, refused
from tests.services.office import START, Office, until
from trusthub import cli
from trusthub.channels.slack import Slack
from trusthub.domain.pacing import PATIENCE
from trusthub.services import deliveries
from trusthub.services.deliveries import Act, StaffError, Which
from trusthub.store.tables import Audit

RELEASES, SUPPORT, ANA = "slack:#releases", "slack:#support", "email:ana@customer.example"
TALK = "rollout:1"


def act(post: Office) -> Act:
    return Act(actor="Mira", now=post.clock())


def audits(post: Office) -> list[tuple[str, str, str]]:
    with post.database.reading() as session:
        rows = session.execute(sa.select(Audit).order_by(col(Audit.id))).scalars().all()
    return [(row.actor, row.action, row.subject) for row in rows]


def words(text: str, **more: object) -> dict[str, object]:
    return {"to": "#releases", "subject": "Checkout", "body": text, "slack": None, "buttons": [], **more}


def say(post: Office, text: str, **more: object) -> int:
    (number,) = post.enqueue(RELEASES, conversation=TALK, payload=words(text, **more))
    return number


# ------------------------------------------------------------------------------------------------ pace


def test_a_channel_takes_a_burst_and_then_one_message_a_second(either_post: Office) -> None:
    post = either_post
    post.enqueue(*[RELEASES] * 25, SUPPORT)
    assert post.worker.drain() == Slack.pace.burst + 1  # and its pace is no other lane's
    assert post.due(RELEASES) == START + timedelta(seconds=1)
    for _ in range(3):
        post.clock.forward(seconds=1)
        assert post.worker.drain() == 1
    post.clock.forward(seconds=60)
    post.enqueue(*[RELEASES] * 30)
    assert post.worker.drain() == Slack.pace.burst


def test_order_is_kept_however_slow_it_goes(post: Office) -> None:
    post.enqueue(*[RELEASES] * 30)
    while post.worker.drain():
        post.clock.forward(seconds=1)
    said = [int(message.text.rpartition(" ")[2].rstrip(".")) for message in post.slack.messages]
    assert said == list(range(30))


def test_too_many_for_the_workspace_holds_every_lane_of_the_channel_and_no_other(either_post: Office) -> None:
    post = either_post
    post.slack.fail(answer(429, {"ok": False, "error": "message_limit_exceeded"}, Retry_After="30"))
    post.enqueue(RELEASES)
    assert post.worker.drain() == 1
    post.enqueue(SUPPORT, ANA)  # a lane that is new is held as well
    assert post.worker.drain() == 1
    assert len(post.sendgrid.messages) == 1
    post.clock.forward(seconds=30)
    assert post.worker.drain() == 2


def test_too_many_for_one_channel_holds_that_lane_only(post: Office) -> None:
    post.slack.fail(rate_limited(30))
    post.enqueue(RELEASES, SUPPORT)
    assert post.worker.drain() == 2
    assert post.states() == {"pending": 1, "done": 1}


# ------------------------------------------------------------------------------------------------ replaced


def test_of_several_edits_only_the_newest_is_sent(either_post: Office) -> None:
    post = either_post
    say(post, "It begins.")
    post.worker.drain()
    five, ten, done = say(post, "At 5 %.", edit=True), say(post, "At 10 %.", edit=True), say(post, "Done.")
    assert [post.delivery(number).state for number in (five, ten, done)] == ["cancelled", "pending", "pending"]
    post.worker.drain()
    first, reply = post.slack.messages
    assert [first.text, reply.text] == ["*Checkout*\nAt 10 %.", "*Checkout*\nDone."]
    assert len(first.was) == 1
    assert post.delivery(five).last_error == "Newer news took its place before it was sent."


def test_progress_that_nobody_has_seen_gives_way_to_a_failure(post: Office) -> None:
    progress = say(post, "At 5 %.", edit=True)
    say(post, "It failed.", edit=True)
    say(post, "It failed, and this is what we do.", broadcast=True)
    post.worker.drain()
    assert post.delivery(progress).state == "cancelled"
    assert [message.text.partition("\n")[2] for message in post.slack.messages] == [
        "It failed.",
        "It failed, and this is what we do.",
    ]


def test_an_edit_that_may_be_out_and_edits_of_other_conversations_stay(post: Office) -> None:
    say(post, "It begins.")
    post.worker.drain()
    post.slack.fail(broken(503))
    tried = say(post, "At 5 %.", edit=True)
    (other,) = post.enqueue(RELEASES, conversation="rollout:2", payload=words("Another.", edit=True))
    post.worker.drain()
    say(post, "At 10 %.", edit=True)
    assert post.delivery(other).state == "pending"
    assert post.delivery(tried).state == "cancelled"  # it failed clearly: an edit twice is an edit


# ------------------------------------------------------------------------------------------------ given up


def give_up(post: Office, *lanes: str, **more: object) -> list[int]:
    """Enqueue messages that the provider refuses for good."""
    post.slack.fail(*[refused("is_archived")] * len(lanes))
    numbers = post.enqueue(*lanes, **more)
    post.worker.drain()
    assert {post.delivery(number).state for number in numbers} == {"dead"}
    return numbers


def test_after_the_head_is_given_up_the_next_goes_on_alone_and_says_so(post: Office) -> None:
    give_up(post, RELEASES, conversation=TALK)
    say(post, "Going back.")
    say(post, "Back.")
    post.worker.drain()
    first, second = post.slack.messages
    assert first.text == (
        "*Checkout*\nAn earlier message about this did not reach you: it could not be delivered.\n\nGoing back."
    )
    assert (second.text, second.thread_ts) == ("*Checkout*\nBack.", first.ts)


def test_a_lost_message_in_the_middle_is_told_once(post: Office) -> None:
    say(post, "It begins.")
    post.worker.drain()
    give_up(post, RELEASES, conversation=TALK)
    say(post, "At 10 %.", edit=True)
    say(post, "Going back.")
    say(post, "Back.")
    post.worker.drain()
    texts = [message.text for message in post.slack.messages]
    assert [("did not reach you" in text) for text in texts] == [False, True, False]


@pytest.mark.parametrize("lane", [RELEASES, ANA])
def test_what_was_given_up_can_be_sent_once_more_and_says_that_it_is_late(either_post: Office, lane: str) -> None:
    post = either_post
    gone = answer(401, {"errors": [{"message": "no"}]}) if lane == ANA else refused("is_archived")
    (post.sendgrid if lane == ANA else post.slack).fail(gone)
    (number,) = post.enqueue(lane)
    post.worker.drain()
    dead = post.delivery(number)
    assert (dead.state, bool(dead.last_error)) == ("dead", True)
    post.clock.forward(hours=5)
    assert deliveries.requeue(post.hub, Which(ids=[number]), act(post)) == [number]
    post.worker.drain()
    late = "This message is late. It was written at 14:00 UTC on 2 March 2026, and later messages may be newer than it."
    said = post.sendgrid.messages[-1]["content"][0]["value"] if lane == ANA else post.slack.messages[-1].text
    assert late in " ".join(said.split())
    found = post.delivery(number)
    assert (found.state, found.attempts, post.outcomes(number)) == ("done", 2, ["failed", "sent"])
    assert audits(post) == [("Mira", "requeue", "deliveries:1")]


def test_it_gets_another_hour(post: Office) -> None:
    (number,) = give_up(post, RELEASES)
    post.clock.forward(hours=5)
    deliveries.requeue(post.hub, Which(ids=[number]), act(post))
    post.slack.fail(broken(500))
    post.worker.drain()
    assert post.delivery(number).state == "pending"


def test_many_are_chosen_by_what_they_have_in_common(either_post: Office) -> None:
    post = either_post
    early = give_up(post, RELEASES, SUPPORT)
    post.clock.forward(hours=1)
    late = give_up(post, RELEASES, "slack:#x_y")
    cases = [
        (Which(lane=RELEASES), [early[0], late[0]]),
        (Which(since=START + timedelta(minutes=1)), late),
        (Which(channel="slack"), [*early, *late]),
        (Which(channel="email"), []),
        (Which(lane=SUPPORT, since=START + timedelta(minutes=1)), []),
    ]
    for which, meant in cases:
        assert [row.id for row in deliveries.listed(post.hub, which)] == sorted(meant)
    assert deliveries.requeue(post.hub, Which(since=START + timedelta(minutes=1)), act(post)) == sorted(late)
    assert deliveries.requeue(post.hub, Which(channel="slack"), act(post)) == sorted(early)
    assert deliveries.requeue(post.hub, Which(channel="slack"), act(post)) == []
    assert len(audits(post)) == 2
    assert post.worker.drain() == 4


def test_what_was_not_given_up_is_not_sent_once_more(post: Office) -> None:
    (number,) = post.enqueue(RELEASES)
    post.worker.drain()
    (dead,) = give_up(post, SUPPORT)
    with pytest.raises(StaffError, match=rf"^Delivery {number}: only what was given up"):
        deliveries.requeue(post.hub, Which(ids=[number, dead]), act(post))
    assert post.delivery(dead).state == "dead"
    assert audits(post) == []


def test_an_old_edit_never_takes_the_place_of_newer_words(post: Office) -> None:
    say(post, "It begins.")
    post.worker.drain()
    (old,) = give_up(post, RELEASES, conversation=TALK, payload=words("At 5 %.", edit=True))
    say(post, "Done.", edit=True)
    post.worker.drain()
    assert deliveries.requeue(post.hub, Which(lane=RELEASES), act(post)) == []
    assert post.delivery(old).state == "dead"


def test_a_running_worker_hears_of_it(either_post: Office) -> None:
    (number,) = give_up(either_post, RELEASES)
    with either_post.working():
        deliveries.requeue(either_post.hub, Which(ids=[number]), act(either_post))
        until(lambda: either_post.states() == {"done": 1}, 5)


# ------------------------------------------------------------------------------------------------ held


@pytest.mark.parametrize("where", [RELEASES, "slack"])
def test_what_is_paused_waits_and_then_goes_on_in_order(either_post: Office, where: str) -> None:
    post = either_post
    post.enqueue(RELEASES)
    post.worker.drain()
    deliveries.pause(post.hub, where, act(post))
    post.enqueue(RELEASES, RELEASES, SUPPORT, ANA)
    assert post.worker.drain() == (1 if where == "slack" else 2)
    assert deliveries.paused(post.hub) == [where]
    post.clock.forward(hours=8)
    deliveries.resume(post.hub, where, act(post))
    assert post.worker.drain() == (3 if where == "slack" else 2)
    assert deliveries.paused(post.hub) == []
    said = [message.text for message in post.slack.messages if message.name == "#releases"]
    assert [text.rpartition(" ")[2] for text in said] == ["0.", "0.", "1."]
    assert audits(post) == [("Mira", "pause", f"deliveries:{where}"), ("Mira", "resume", f"deliveries:{where}")]


def test_a_pause_does_not_count_as_failing(post: Office) -> None:
    post.slack.fail(broken(500))
    (number,) = post.enqueue(RELEASES)
    post.worker.drain()
    deliveries.pause(post.hub, RELEASES, act(post))
    post.clock.forward(seconds=2 * PATIENCE.give_up.total_seconds())
    deliveries.resume(post.hub, RELEASES, act(post))
    post.slack.fail(broken(500), broken(500))
    post.worker.drain()
    assert post.delivery(number).state == "pending"


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("slack:#relases", "There is no lane slack:#relases. Do you mean slack:#releases?"),
        ("slack:#other-name", "There is no lane slack:#other-name. Nothing was sent there yet."),
        ("slak", "There is no channel slak. There are: "),
    ],
)
def test_a_slip_of_the_pen_is_told(post: Office, where: str, words: str) -> None:
    post.enqueue(RELEASES)
    with pytest.raises(StaffError) as told:
        deliveries.pause(post.hub, where, act(post))
    assert str(told.value).startswith(words)


# ------------------------------------------------------------------------------------------------ the command


@pytest.fixture
def trusthub(post: Office, monkeypatch: pytest.MonkeyPatch) -> "Command":
    monkeypatch.setattr(sys.modules["trusthub.cli.deliveries"], "_hub", lambda: post.hub)
    return Command()


class Command:
    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli.main, ["deliveries", *arguments])


def test_the_command_shows_sends_once_more_and_holds(post: Office, trusthub: Command) -> None:
    (number,) = give_up(post, RELEASES)
    shown = trusthub("list", "--state", "dead").output
    assert shown.startswith(f"{number}  dead  2026-03-02 14:00 UTC  slack:#releases  Checkout: going back  1 tries\n")
    assert "is_archived: #releases is archived." in shown.replace("the address", "#releases")
    assert trusthub("pause", RELEASES).output == f"{RELEASES} is paused. What comes meanwhile waits.\n"
    assert f"Paused: {RELEASES}" in trusthub("list").output
    assert trusthub("requeue", "--lane", RELEASES, "--since", "2026-03-02").output.startswith(
        "1 will be sent once more"
    )
    assert post.worker.drain() == 0
    assert trusthub("resume", RELEASES).output == f"{RELEASES} goes on.\n"
    assert post.worker.drain() == 1
    assert {actor for actor, _, _ in audits(post)} == {audits(post)[0][0]}
    assert audits(post)[0][0].endswith(", by command")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["requeue"], "Say which: numbers, --lane, --channel, --incident or --since."),
        (["requeue", "77"], "Delivery 77: only what was given up"),
        (["requeue", "--incident", "nonsense"], "There is no incident nonsense."),
        (["pause", "fax"], "There is no channel fax."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_command_says_what_is_wrong(trusthub: Command, arguments: list[str], told: str) -> None:
    result = trusthub(*arguments)
    assert result.exit_code != 0
    assert told in result.output
