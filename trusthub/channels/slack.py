"""Slack: one message for each conversation that changes with the news, and a thread below it for the rest."""

import logging
from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from trusthub.channels import slack_errors
from trusthub.channels.base import TIMEOUT, Outbound, Receipt
from trusthub.channels.slack_blocks import Page, compose
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
_NO_PREVIEWS = {"unfurl_links": False, "unfurl_media": False}
"""A preview of our own page below our own message says everything twice."""


class _ParentGoneError(DeliveryError):
    """The conversation's first message takes no news any more, and news must not end there."""


class Slack:
    """Posts, replies and edits through Slack's own client. Needs a bot token with the scope chat:write."""

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

    def _send(self, outbound: Outbound, parent: str | None) -> Receipt:
        channel, _, thread = (parent or outbound.to).partition(":")
        first, *more = compose(outbound, interactive=self._interactive)
        body = _body(first, channel, None if more else outbound.key)
        if thread and outbound.edit:
            answer = self._edit(outbound.to, body | {"ts": thread})
        else:
            answer = self._post(outbound.to, body | _reply(thread, broadcast=outbound.broadcast))
        channel, ts = str(answer["channel"]), str(answer["ts"])
        for number, page in enumerate(more, start=2):
            body = _body(page, channel, outbound.key if page is more[-1] else None)
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


def _body(page: Page, channel: str, key: str | None) -> dict[str, Any]:
    """The key goes with the last page only: whoever finds it knows that all pages arrived."""
    body: dict[str, Any] = {"channel": channel, "text": page.text, "blocks": page.blocks}
    return body | ({"metadata": {"event_type": METADATA, "event_payload": {"key": key}}} if key else {})


def _reply(thread: str, *, broadcast: bool) -> dict[str, Any]:
    if not thread:
        return {}
    return {"thread_ts": thread} | ({"reply_broadcast": True} if broadcast else {})
