"""Slack: one message for each conversation that changes with the news, and a thread below it for the rest."""

import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from trusthub.channels import slack_errors
from trusthub.channels.base import TIMEOUT, Outbound, Receipt
from trusthub.channels.reconcile import CannotTell, Doubt, Finding, Found, Later, NotThere
from trusthub.channels.slack_blocks import Page, compose, escape, section
from trusthub.domain.pacing import Pace
from trusthub.errors import DeliveryError

METADATA = "trusthub_delivery"
"""The type of the metadata that carries an Outbound's key: who looks for a lost answer finds the message by it."""

_log = logging.getLogger(f"{__name__}.sdk")
# The SDK writes whole bodies at DEBUG and every failure at ERROR. Both are told by DeliveryError, without the words.
_log.disabled = True

_NO_PARENT = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "block_mismatch"}  # it cannot be edited,
    | {"thread_not_found", "cannot_reply_to_message", "restricted_action_thread_locked"}  # it cannot be answered,
    | {"restricted_action_non_threadable_channel"}  # or nothing can be answered there
)
_ID = re.compile(r"[CDG][A-Z0-9]{8,}")
_CLOCKS = timedelta(minutes=1)
"""How far our clock and Slack's may be apart."""
_LOOKS, _MANY = 5, 200
"""Calls for one search, and messages in each. Slack lets an app of the workspace make 50 of these a minute."""
_SOON = timedelta(seconds=5)
_NO_PREVIEWS = {"unfurl_links": False, "unfurl_media": False}
"""A preview of our own page below our own message says everything twice."""


class _ParentGoneError(DeliveryError):
    """The conversation's first message takes no news any more, and news must not end there."""


class Slack:
    """Posts, replies and edits through Slack's own client. Needs a bot token with the scope chat:write.

    With channels:history (groups:history for private channels) it also finds what got through without an answer.
    """

    pace = Pace(burst=20, interval=timedelta(seconds=1))
    """For one channel: https://docs.slack.dev/apis/web-api/rate-limits has one message a second, and short bursts."""

    def __init__(self, *, token: str, api_url: str, interactive: bool, timeout: float = TIMEOUT) -> None:
        """`interactive` is for apps whose presses of buttons reach us signed; else buttons are links."""
        self._interactive = interactive
        self._client = WebClient(
            token=token,
            base_url=api_url,
            timeout=timeout,  # type: ignore[arg-type]  # urllib takes fractions of a second
            retry_handlers=[],  # the default one posts a second time when the connection drops
            logger=_log,
        )

    def send(self, outbound: Outbound) -> Receipt:
        """Post, reply to the parent or edit it. Where the parent is gone, the conversation starts anew."""
        try:
            return self._send(outbound, outbound.parent)
        except _ParentGoneError as gone:
            note = f"Posted anew: the conversation's first message could not be used ({gone})."
        posted = self._send(outbound, None)
        return Receipt(ref=posted.ref, status=posted.status, note=note, anew=True)

    def find(self, outbound: Outbound, doubt: Doubt) -> Finding:
        """Look for the message where it would be, by its key in the metadata."""
        parts = len(compose(outbound, interactive=self._interactive))
        if outbound.parent and outbound.edit and parts == 1:
            return NotThere()  # an edit that is made twice is the same edit
        channel = _place(outbound, doubt)
        if channel is None:
            return CannotTell(
                f"It could not be looked for: no message to {outbound.to} arrived before, and Slack searches by a "
                "channel's id. With the id (C...) in site.yaml it can."
            )
        try:
            return self._found(outbound, channel, doubt)
        except DeliveryError as error:
            if error.permanent:
                return CannotTell(f"It could not be looked for. {error}")
            wait = timedelta(seconds=error.retry_after) if error.retry_after else _SOON
            return Later(doubt.now + wait, f"It could not be looked for. {error}")

    def whisper(self, channel: str, user: str, text: str, thread: str = "") -> None:
        """Say something that one member alone sees: in answer to a press, Slack shows nothing that the answer says.

        Raises DeliveryError. https://docs.slack.dev/reference/methods/chat.postEphemeral
        """
        body = {"channel": channel, "user": user, "text": escape(text)}
        self._call(self._client.chat_postEphemeral, channel, body | _reply(thread, broadcast=False))

    def remark(self, channel: str, thread: str, text: str) -> None:
        """Say something in a thread, once. Raises DeliveryError."""
        body = {"channel": channel, "text": escape(text), "blocks": [section(escape(text))]}
        self._post(channel, body | _reply(thread, broadcast=False))

    def open(self, trigger: str, view: dict[str, Any]) -> None:
        """Open a modal for who pressed or typed within the last 3 seconds. Raises DeliveryError.

        https://docs.slack.dev/reference/methods/views.open
        """
        self._call(self._client.views_open, "a modal", {"trigger_id": trigger, "view": view})

    def _found(self, outbound: Outbound, channel: str, doubt: Doubt) -> Finding:
        """Search the thread, or the channel when there is none. Parts of a long message are in a thread."""
        seen: list[dict[str, Any]] = []
        _, _, thread = (outbound.parent or "").partition(":")
        try:
            seen += self._messages(outbound, channel, thread, doubt) if thread else ()
        except _ParentGoneError:
            thread = ""
        if not thread:
            seen += self._messages(outbound, channel, "", doubt)
        begun = min(
            (str(message["ts"]) for message in seen if _payload(message).get("part_of") == outbound.key), default=""
        )
        if begun and not thread:
            seen += self._messages(outbound, channel, begun, doubt)
        whole = {str(message["ts"]) for message in seen if _payload(message).get("key") == outbound.key}
        if not whole:
            return CannotTell("Only its first part had arrived.") if begun else NotThere()
        receipt = Receipt(ref=f"{channel}:{begun or min(whole)}", anew=bool(outbound.parent) and not thread)
        return Found(receipt, copies=len(whole))

    def _messages(self, outbound: Outbound, channel: str, thread: str, doubt: Doubt) -> Iterator[dict[str, Any]]:
        """Give what was posted since the first try. Raises DeliveryError when Slack does not show it."""
        method = self._client.conversations_replies if thread else self._client.conversations_history
        oldest = f"{(doubt.since - _CLOCKS).timestamp():.6f}"
        query: dict[str, Any] = {"channel": channel, "oldest": oldest, "limit": _MANY, "include_all_metadata": True}
        query |= {"ts": thread} if thread else {}
        for _ in range(_LOOKS):
            answer = self._call(method, outbound.to, query)
            yield from answer["messages"]
            query["cursor"] = (answer.get("response_metadata") or {}).get("next_cursor")
            if not query["cursor"]:
                return
        raise DeliveryError(f"More than {_LOOKS * _MANY} messages came after it.", permanent=True)

    def _send(self, outbound: Outbound, parent: str | None) -> Receipt:
        channel, _, thread = (parent or outbound.to).partition(":")
        first, *more = compose(outbound, interactive=self._interactive)
        body = _body(first, channel, outbound.key, part=bool(more))
        if thread and outbound.edit:
            answer = self._edit(outbound.to, body | {"ts": thread})
        else:
            answer = self._post(outbound.to, body | _reply(thread, broadcast=outbound.broadcast))
        channel, ts = str(answer["channel"]), str(answer["ts"])
        for number, page in enumerate(more, start=2):
            body = _body(page, channel, outbound.key, part=page is not more[-1])
            self._go_on(outbound.to, body, thread or ts, f"Part {number} of {len(more) + 1} did not arrive.")
        return Receipt(ref=f"{channel}:{ts}", status=answer.status_code)

    def _post(self, to: str, body: dict[str, Any]) -> SlackResponse:
        return self._call(self._client.chat_postMessage, to, body | _NO_PREVIEWS)

    def _edit(self, to: str, body: dict[str, Any]) -> SlackResponse:
        try:
            return self._call(self._client.chat_update, to, body)
        except DeliveryError as error:
            error.ambiguous = False  # an edit that is made twice is the same edit
            raise

    def _go_on(self, to: str, body: dict[str, Any], thread: str, problem: str) -> None:
        """Post what did not fit above. When that fails the parts above are out, and trying again repeats them."""
        try:
            try:
                self._post(to, body | _reply(thread, broadcast=False))
            except _ParentGoneError:
                self._post(to, body)
        except DeliveryError as error:
            error.args = (f"{problem} {error}",)
            error.ambiguous = True
            raise

    def _call(self, method: Callable[..., SlackResponse], to: str, body: dict[str, Any]) -> SlackResponse:
        try:
            return method(**body)
        except SlackApiError as error:
            failure = _refusal(error.response, to)
        except URLError as error:  # urllib's word for: the request could not be finished
            failure = DeliveryError(f"Slack cannot be reached: {error.reason}.")
        except (OSError, HTTPException, ValueError, AttributeError) as error:  # the last two: what came was not Slack's
            text = f"Slack got the request, and no answer that could be read came back ({type(error).__name__})."
            failure = DeliveryError(text, ambiguous=True)
        raise failure  # out here, so that it does not carry the SDK's error, which holds the token


def _refusal(response: SlackResponse, to: str) -> DeliveryError:
    if (code := slack_errors.code_of(response)) in _NO_PARENT:
        return _ParentGoneError(code, permanent=True, status=response.status_code)
    return slack_errors.refusal(response, to)


def _body(page: Page, channel: str, key: str, *, part: bool) -> dict[str, Any]:
    """The key goes with the last page only: whoever finds it knows that all pages arrived."""
    metadata = {"event_type": METADATA, "event_payload": {"part_of" if part else "key": key}}
    return {"channel": channel, "text": page.text, "blocks": page.blocks, "metadata": metadata}


def _payload(message: dict[str, Any]) -> dict[str, Any]:
    """Return what our own metadata says; nothing for messages of others."""
    metadata = message.get("metadata") or {}
    return dict(metadata.get("event_payload") or {}) if metadata.get("event_type") == METADATA else {}


def _place(outbound: Outbound, doubt: Doubt) -> str | None:
    """Return the id of the channel, from the conversation, another message there, or site.yaml."""
    for ref in (outbound.parent, doubt.near, outbound.to):
        channel = (ref or "").partition(":")[0]
        if _ID.fullmatch(channel):
            return channel
    return None


def _reply(thread: str, *, broadcast: bool) -> dict[str, Any]:
    if not thread:
        return {}
    return {"thread_ts": thread} | ({"reply_broadcast": True} if broadcast else {})
