"""A message in Slack's shape: Block Kit sections and buttons, split where it must be and never cut.

Limits: a section's text has 3,000 characters, a message 50 blocks, the top-level `text` of chat.update 4,000
(https://docs.slack.dev/reference/block-kit/blocks/section-block,
https://docs.slack.dev/reference/methods/chat.update). Somewhere above 11,000 characters over all blocks Slack also
answers `msg_blocks_too_long` (https://github.com/slackapi/bolt-js/issues/2867). A page of 3,800 keeps clear of all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trusthub.channels.base import Outbound
from trusthub.channels.splitting import pages, split
from trusthub.domain.message import Button

PAGE = 3800
"""Characters of one Slack message. More becomes a reply below it."""
SECTION = 2900
"""Characters of one section. Slack writes an emoji as its longer name, so some room stays."""
LABEL, ELEMENTS = 75, 25
"""Characters on a button, and buttons in an actions block."""

URL = 2000
"""Characters of an address on a button. A longer one is a link in the text, where 3,000 fit."""

OPEN = "open"
"""The action of a button that only leads somewhere."""

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """One Slack message. `text` says all that the blocks say: notifications and screen readers read only that."""

    text: str
    blocks: list[Block]


def compose(outbound: Outbound, *, interactive: bool) -> list[Page]:
    """Return the message as one page, or as more when it is long: the promise in the first, buttons below the last."""
    found = [Page(text, [section(part) for part in split(text, SECTION)]) for text in _texts(outbound)]
    links = [button for button in outbound.buttons if not interactive or button.action == OPEN]
    long = [button for button in links if len(button.url) > URL]
    found[-1].blocks.extend(section(f"<{button.url}|{escape(button.label)}>") for button in long)
    buttons = [button for button in outbound.buttons if button not in long]
    found[-1].blocks.extend(_actions(buttons, interactive=interactive))
    return found


def escape(text: str) -> str:
    """Keep Slack from reading plain text as a mention or a link (https://docs.slack.dev/messaging/formatting-message-text)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _texts(outbound: Outbound) -> list[str]:
    subject = escape(" ".join(outbound.subject.split()))
    # Slack has no way to write an asterisk inside bold text.
    title = subject if "*" in subject else f"*{subject}*"
    text = f"{title}\n{outbound.slack}" if subject else outbound.slack
    return pages(text, PAGE, outbound.promise) or [title]


def section(text: str) -> Block:
    """Return mrkdwn of at most 3,000 characters as a block."""
    # expand: Slack must not hide the end of a message, where the promise stands, behind "see more".
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}, "expand": True}


def _actions(buttons: Sequence[Button], *, interactive: bool) -> list[Block]:
    elements = [_button(button, interactive=interactive) for button in buttons]
    starts = range(0, len(elements), ELEMENTS)
    return [{"type": "actions", "elements": elements[start : start + ELEMENTS]} for start in starts]


def _button(button: Button, *, interactive: bool) -> Block:
    """A button that Slack reports to us where we can verify that, else a link.

    Slack reports presses of link buttons too, so one button never does both
    (https://docs.slack.dev/reference/block-kit/block-elements/button-element).
    """
    label = button.label if len(button.label) <= LABEL else f"{button.label[: LABEL - 1]}…"
    shape: Block = {"type": "button", "text": {"type": "plain_text", "text": label, "emoji": True}}
    reported = interactive and button.action != OPEN
    shape |= {"action_id": button.action, "value": button.value} if reported else {"url": button.url}
    return shape | ({"style": "danger"} if button.danger else {})
