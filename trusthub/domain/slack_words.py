"""What somebody wrote in Slack: whether it is meant for the customer, and how it reads outside of Slack. Pure."""

import re
from html import unescape

MARK = "customer:"
"""What a reply begins with when it is for the customer. Everything else stays inside."""
_MARKED = re.compile(r"[\s*_]*customer:[*_]*\s*", re.IGNORECASE)
_ENTITY = re.compile(r"<(?P<target>[^<>|]*)(?:\|(?P<label>[^<>]*))?>")


def marked(text: str) -> str | None:
    """Return what comes after the mark; None for a message that is not marked."""
    found = _MARKED.match(text)
    return text[found.end() :] if found else None


def unmarked(text: str) -> str:
    """Return a message without its mark, if it has one."""
    rest = marked(text)
    return text if rest is None else rest


def plain(text: str) -> str:
    """Return mrkdwn as text that reads the same outside of Slack; its signs for bold and the like stay.

    Raises ValueError for a mention: a customer would read an id of ours.
    https://docs.slack.dev/messaging/formatting-message-text
    """
    return unescape(_ENTITY.sub(_outside, text)).strip()


def readable(text: str) -> str:
    """Return mrkdwn as text for colleagues, who know whom an id means."""
    return unescape(_ENTITY.sub(lambda match: match["label"] or match["target"], text)).strip()


def _outside(match: re.Match[str]) -> str:
    target, label = match["target"], match["label"]
    if target.startswith(("@", "#", "!")):
        raise ValueError("It mentions a person, a group or a channel of ours. Write the name as text, or leave it out.")
    if label and label != target.removeprefix("mailto:"):
        return f"{label} ({target})"
    return label or target
