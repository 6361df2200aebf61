"""Slack's mrkdwn as HTML, for looking at what Slack would show.

https://docs.slack.dev/messaging/formatting-message-text. Everything is escaped before anything becomes a tag.
"""

import re
from collections.abc import Iterator
from itertools import groupby

from markupsafe import Markup, escape

_PIECES = re.compile(
    r"```\n?(?P<block>.+?)\n?```|`(?P<code>[^`\n]+)`|<(?P<target>[^<>|\n]+)(?:\|(?P<label>[^<>\n]*))?>", re.DOTALL
)
_STYLES = tuple(
    (re.compile(rf"(?<![\w{sign}])\{sign}(?=\S)([^{sign}\n]+?)(?<=\S)\{sign}(?![\w{sign}])"), f"<{tag}>\\1</{tag}>")
    for sign, tag in (("*", "b"), ("_", "i"), ("~", "s"))
)
_HELD = re.compile("\0(\\d+)\0")


def to_html(text: str) -> Markup:
    """Return what a reader sees. Links lead to web and mail addresses only."""
    held: list[str] = []

    def hold(match: re.Match[str]) -> str:
        held.append(_piece(match))
        return f"\0{len(held) - 1}\0"

    html = str(escape(_unescape(_PIECES.sub(hold, text.replace("\0", "")))))
    for pattern, replacement in _STYLES:
        html = pattern.sub(replacement, html)
    joined = "".join(_paragraphs(html.split("\n")))
    return Markup(_HELD.sub(lambda match: held[int(match[1])], joined))  # noqa: S704 - every piece was escaped above


def _paragraphs(lines: list[str]) -> Iterator[str]:
    for kind, group in groupby(lines, _kind):
        if kind == "quote":
            yield f"<blockquote>{'<br>'.join(line.removeprefix('&gt;').strip() for line in group)}</blockquote>"
        elif kind == "text":
            yield f"<p>{'<br>'.join(group)}</p>"


def _kind(line: str) -> str:
    if not line.strip():
        return "gap"
    return "quote" if line.startswith("&gt;") else "text"


def _piece(match: re.Match[str]) -> str:
    if (code := match["block"]) is not None:
        return f'<code class="block">{escape(_unescape(code))}</code>'
    if (code := match["code"]) is not None:
        return f"<code>{escape(_unescape(code))}</code>"
    target, label = _unescape(match["target"]), _unescape(match["label"] or "")
    if target.startswith(("https://", "http://", "mailto:")):
        return f'<a href="{escape(target)}">{escape(label or target.removeprefix("mailto:"))}</a>'
    return f'<span class="mention">{escape(label or _mention(target))}</span>'


def _mention(target: str) -> str:
    """`!here` notifies, `@U1` and `#C1` name somebody or somewhere."""
    return f"@{target[1:]}" if target.startswith("!") else target


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
