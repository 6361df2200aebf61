"""Slack's own client against Slack on loopback."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests import goldens
from tests.channels.conftest import Compose
from tests.providers import (
    Call,
    Fault,
    Slack,
    accept_then_drop,
    accept_then_fail,
    accept_then_hang,
    answer,
    broken,
    drop,
    hang,
    rate_limited,
    refused,
)
from tests.providers.slack import UNCHECKED
from trusthub.channels import slack, slack_errors
from trusthub.channels.base import Receipt
from trusthub.channels.reconcile import CannotTell, Doubt, Found, Later, NotThere
from trusthub.channels.slack_blocks import PAGE
from trusthub.errors import DeliveryError

TOKEN = "xoxb-secret-token"


def channel(provider: Slack, *, interactive: bool = True) -> slack.Slack:
    return slack.Slack(token=TOKEN, api_url=provider.url, interactive=interactive, timeout=0.4)


def test_the_first_message_of_a_conversation_is_posted_with_its_buttons(
    slack_provider: Slack, to_slack: Compose
) -> None:
    receipt = channel(slack_provider).send(to_slack())
    (message,) = slack_provider.messages
    assert (receipt.ref, receipt.status, receipt.note) == (f"{message.channel}:{message.ts}", 200, "")
    assert (message.name, message.key, message.thread_ts) == ("#releases", "delivery-7", None)
    assert slack_provider.calls[0].headers["authorization"] == f"Bearer {TOKEN}"
    goldens.check_json("channels/slack_first.json", slack_provider.calls[0].body)


def test_buttons_are_links_where_presses_cannot_be_verified(slack_provider: Slack, to_slack: Compose) -> None:
    channel(slack_provider, interactive=False).send(to_slack())
    goldens.check_json("channels/slack_link_buttons.json", slack_provider.calls[0].body)


def test_later_news_is_a_reply_in_the_thread(slack_provider: Slack, to_slack: Compose) -> None:
    parent = channel(slack_provider).send(to_slack()).ref
    receipt = channel(slack_provider).send(to_slack(key="delivery-8", parent=parent))
    first, reply = slack_provider.messages
    assert (reply.thread_ts, reply.broadcast) == (first.ts, False)
    assert receipt.ref == f"{first.channel}:{reply.ts}"


def test_news_that_must_not_stay_hidden_is_shown_in_the_channel_too(slack_provider: Slack, to_slack: Compose) -> None:
    parent = channel(slack_provider).send(to_slack()).ref
    channel(slack_provider).send(to_slack(key="delivery-8", parent=parent, broadcast=True))
    assert slack_provider.messages[1].broadcast
    goldens.check_json("channels/slack_broadcast.json", slack_provider.calls[1].body)


def test_an_edit_changes_the_first_message_in_place(slack_provider: Slack, to_slack: Compose) -> None:
    parent = channel(slack_provider).send(to_slack()).ref
    receipt = channel(slack_provider).send(to_slack(key="delivery-8", slack="It is over.", parent=parent, edit=True))
    (message,) = slack_provider.messages
    assert receipt.ref == parent
    assert "It is over." in message.text
    assert (len(message.was), message.key) == (1, "delivery-8")
    goldens.check_json("channels/slack_edit.json", slack_provider.calls[1].body)


def test_an_edit_without_a_first_message_is_a_post(slack_provider: Slack, to_slack: Compose) -> None:
    channel(slack_provider).send(to_slack(edit=True))
    assert [call.path for call in slack_provider.calls] == ["/api/chat.postMessage"]


@pytest.mark.parametrize("code", ["message_not_found", "cant_update_message", "edit_window_closed", "block_mismatch"])
def test_what_cannot_be_edited_is_posted_anew(slack_provider: Slack, to_slack: Compose, code: str) -> None:
    parent = channel(slack_provider).send(to_slack()).ref
    slack_provider.fail(refused(code))
    receipt = channel(slack_provider).send(to_slack(key="delivery-8", parent=parent, edit=True))
    new = slack_provider.messages[-1]
    assert (new.thread_ts, new.key, receipt.ref) == (None, "delivery-8", f"{new.channel}:{new.ts}")
    assert receipt.anew
    assert code in receipt.note


def test_a_reply_to_a_message_that_is_gone_goes_to_the_channel(slack_provider: Slack, to_slack: Compose) -> None:
    receipt = channel(slack_provider).send(to_slack(parent="C0GONE:1.2"))
    assert [message.thread_ts for message in slack_provider.messages] == [None]
    assert slack_provider.messages[0].name == "#releases"
    assert receipt.anew


def test_a_long_message_goes_on_in_replies_and_only_the_last_part_has_the_key(
    slack_provider: Slack, to_slack: Compose
) -> None:
    promise = "We promise to write again by 14:36 UTC."
    body = "\n\n".join([*("A paragraph about the matter. " * 20 for _ in range(16)), promise])
    receipt = channel(slack_provider).send(to_slack(slack=body))
    first, *more = slack_provider.messages
    assert receipt.ref == f"{first.channel}:{first.ts}"
    assert len(more) == 2
    assert {part.thread_ts for part in more} == {first.ts}
    assert [part.key for part in slack_provider.messages] == [None, None, "delivery-7"]
    assert more[-1].text.endswith(promise)
    assert [block["type"] for part in slack_provider.messages for block in part.blocks].count("actions") == 1


def test_a_part_that_fails_says_that_the_others_are_out(slack_provider: Slack, to_slack: Compose) -> None:
    slack = channel(slack_provider)
    parent = slack.send(to_slack()).ref
    slack_provider.fail(answer(200, {"ok": True, "channel": "C1", "ts": "2.0"}), rate_limited(9))
    with pytest.raises(DeliveryError, match=r"Part 2 of 2 did not arrive\.") as failed:
        slack.send(to_slack(slack="word " * (PAGE // 4), parent=parent, edit=True))
    assert (failed.value.retry_after, failed.value.ambiguous) == (9.0, True)


def test_where_threads_are_not_allowed_the_parts_stand_side_by_side(slack_provider: Slack, to_slack: Compose) -> None:
    slack_provider.fail(
        answer(200, {"ok": True, "channel": "C1", "ts": "2.0"}), refused("restricted_action_non_threadable_channel")
    )
    channel(slack_provider).send(to_slack(slack="word " * (PAGE // 4)))
    assert [message.thread_ts for message in slack_provider.messages] == [None]


def test_too_many_requests_wait_as_long_as_slack_says(slack_provider: Slack, to_slack: Compose) -> None:
    slack_provider.fail(rate_limited(30))
    error = refusal_of(slack_provider, to_slack)
    assert (error.permanent, error.retry_after, error.status, error.ambiguous) == (False, 30.0, 429, False)


@pytest.mark.parametrize(
    "fault",
    [
        accept_then_fail(),
        broken(503),
        accept_then_hang(),
        accept_then_drop(),
        hang(),
        drop(),
        refused("fatal_error"),
        refused("internal_error"),
        answer(200, "<html>not Slack</html>"),
        answer(200, ["not", "Slack"]),
    ],
    ids=str,
)
def test_without_a_clear_answer_the_message_may_be_out(slack_provider: Slack, to_slack: Compose, fault: Fault) -> None:
    slack_provider.fail(fault)
    error = refusal_of(slack_provider, to_slack)
    assert error.ambiguous
    assert not error.permanent
    assert len(slack_provider.calls) == 1  # the SDK must not try again by itself


def test_an_edit_is_never_ambiguous_because_twice_is_once(slack_provider: Slack, to_slack: Compose) -> None:
    slack_provider.fail(accept_then_fail())
    error = refusal_of(slack_provider, to_slack, parent="C1:1.0", edit=True)
    assert not error.ambiguous


@pytest.mark.parametrize("code", sorted(slack_errors.CURES))
def test_what_no_retry_can_help_names_its_cure(slack_provider: Slack, to_slack: Compose, code: str) -> None:
    slack_provider.fail(refused(code))
    error = refusal_of(slack_provider, to_slack)
    assert error.permanent
    assert str(error).startswith(f"{code}: ")
    assert "{" not in str(error)
    assert len(str(error)) > len(code) + 20


def test_the_cure_for_an_absent_bot_names_the_channel(slack_provider: Slack, to_slack: Compose) -> None:
    slack_provider.fail(refused("not_in_channel"))
    assert "Invite the bot to #releases" in str(refusal_of(slack_provider, to_slack))


def test_a_missing_scope_is_named(slack_provider: Slack, to_slack: Compose) -> None:
    slack_provider.fail(refused("missing_scope", needed="chat:write.public"))
    assert "lacks the scope chat:write.public" in str(refusal_of(slack_provider, to_slack))


@pytest.mark.parametrize(
    "fault", [refused("some_new_code"), refused("org_login_required"), answer(404, "<html>No</html>")]
)
def test_what_is_not_known_is_tried_again(slack_provider: Slack, to_slack: Compose, fault: Fault) -> None:
    slack_provider.fail(fault)
    error = refusal_of(slack_provider, to_slack)
    assert (error.permanent, error.ambiguous) == (False, False)


def test_a_slack_that_cannot_be_reached_has_taken_nothing(to_slack: Compose) -> None:
    with Slack() as gone:
        pass
    error = refusal_of(gone, to_slack)
    assert (error.permanent, error.ambiguous) == (False, False)
    assert "cannot be reached" in str(error)


def refusal_of(provider: Slack, compose: Compose, **changes: object) -> DeliveryError:
    with pytest.raises(DeliveryError) as failed:
        channel(provider).send(compose(**changes))
    return failed.value


@pytest.mark.skipif("TRUSTHUB_REFERENCE" not in os.environ, reason=f"{UNCHECKED} Set TRUSTHUB_REFERENCE.")
def test_every_request_of_every_test_is_what_slack_describes() -> None:
    provider = Slack()
    wrong = {"text": ["x"], "blocks": [], "colour": "red", "unfurl_links": "no"}
    call = Call(path="/api/chat.postMessage", headers={"authorization": "Bearer x"}, body=wrong)
    with pytest.raises(AssertionError), provider:
        provider.take(call)
    assert sorted(provider.undescribed) == [
        "channel is missing",
        "colour is unknown",
        "unfurl_links is no boolean",
    ]


# ------------------------------------------------------------------------------------------------ looking


NOW = datetime(2026, 11, 22, 14, 2, tzinfo=UTC)
DOUBT = Doubt(since=NOW, last=NOW, now=NOW)
LONG = "\n\n".join("A paragraph about the matter. " * 20 for _ in range(16))


@pytest.fixture
def workspace() -> Iterator[Slack]:
    with Slack(first_ts=int(NOW.timestamp())) as made:
        yield made


def test_a_message_is_found_by_its_key_and_nothing_else(workspace: Slack, to_slack: Compose) -> None:
    slack = channel(workspace)
    sent = slack.send(to_slack(to="C0123456789")).ref
    assert slack.find(to_slack(to="C0123456789"), DOUBT) == Found(Receipt(ref=sent))
    assert slack.find(to_slack(to="C0123456789", key="delivery-8"), DOUBT) == NotThere()


def test_a_reply_is_found_in_its_thread_and_where_it_went_when_that_was_gone(
    workspace: Slack, to_slack: Compose
) -> None:
    slack = channel(workspace)
    parent = slack.send(to_slack()).ref
    reply = slack.send(to_slack(key="delivery-8", parent=parent)).ref
    assert slack.find(to_slack(key="delivery-8", parent=parent), DOUBT) == Found(Receipt(ref=reply))
    workspace.messages.clear()
    anew = slack.send(to_slack(key="delivery-9", parent=parent)).ref
    found = slack.find(to_slack(key="delivery-9", parent=parent), DOUBT)
    assert found == Found(Receipt(ref=anew, anew=True))


@pytest.mark.parametrize("replying", [False, True])
def test_a_long_message_is_found_by_its_last_part_and_known_by_its_first(
    workspace: Slack, to_slack: Compose, *, replying: bool
) -> None:
    slack = channel(workspace)
    parent = slack.send(to_slack()).ref
    more = {"key": "delivery-8", "slack": LONG, "parent": parent if replying else None}
    sent = slack.send(to_slack(**more)).ref
    near = Doubt(since=NOW, last=NOW, now=NOW, near=parent)
    assert slack.find(to_slack(**more), near) == Found(Receipt(ref=sent))
    del workspace.messages[-1]
    assert slack.find(to_slack(**more), near) == CannotTell("Only its first part had arrived.")


def test_what_others_wrote_long_before_is_not_looked_at(workspace: Slack, to_slack: Compose) -> None:
    slack = channel(workspace)
    slack.send(to_slack(to="C0123456789"))
    later = NOW + timedelta(minutes=5)
    assert slack.find(to_slack(to="C0123456789"), Doubt(since=later, last=later, now=later)) == NotThere()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (rate_limited(40), Later(NOW + timedelta(seconds=40), "It could not be looked for. Slack asks for")),
        (broken(503), Later(NOW + timedelta(seconds=5), "It could not be looked for. Slack failed (HTTP 503).")),
        (refused("missing_scope", needed="channels:history"), CannotTell("It could not be looked for. missing_scope")),
        (refused("channel_not_found"), CannotTell("It could not be looked for. channel_not_found: The bot sees no")),
    ],
    ids=["429", "503", "scope", "channel"],
)
def test_when_slack_does_not_show_it_nobody_can_tell_yet_or_at_all(
    workspace: Slack, to_slack: Compose, fault: Fault, expected: Later | CannotTell
) -> None:
    workspace.fail(fault)
    found = channel(workspace).find(to_slack(to="C0123456789"), DOUBT)
    assert isinstance(found, Later | CannotTell)
    assert found.why.startswith(expected.why)
    assert replace(found, why="") == replace(expected, why="")


def test_only_the_workspaces_own_limit_is_about_every_channel(slack_provider: Slack, to_slack: Compose) -> None:
    slack_provider.fail(rate_limited(3), refused("rate_limited"), refused("message_limit_exceeded"))
    assert [refusal_of(slack_provider, to_slack).everywhere for _ in range(3)] == [False, False, True]
