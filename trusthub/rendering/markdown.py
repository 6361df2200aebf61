"""One Markdown text becomes what a page, a mail and Slack can show."""

import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from html.parser import HTMLParser

import css_inline
import nh3
from markdown import Markdown
from markupsafe import Markup

from trusthub.domain.brand import in_dark
from trusthub.domain.message import Rendered
from trusthub.rendering.fenced import Language
from trusthub.rendering.templates import Templates

_EXTENSIONS = ("sane_lists", "tables", "fenced_code", "toc")
_BLOCKS = frozenset({"blockquote", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "table", "tr", "ul"})
_TAGS = _BLOCKS | {"a", "br", "code", "div", "em", "strong", "tbody", "td", "th", "thead"}
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False)
_PREHEADER = 140
_KEPT = 256
"""Texts whose forms are kept: a page shows the same updates again and again."""
_MAILS = 16
"""Whole mails that are kept: an update goes out in many batches of one text."""
_LOUD = re.compile(r"@(?=(?:channel|everyone|group|here)\b)", re.IGNORECASE)
_SILENT = "@\u2060"
"""An at sign that no chat takes for the start of a mention."""


@lru_cache(_KEPT)
def to_html(markdown: str) -> Markup:
    """Return safe HTML. HTML in the Markdown is shown as text; headings begin at the second level."""
    converter = Markdown(
        extensions=[*_EXTENSIONS, Language()],
        extension_configs={"toc": {"baselevel": 2, "marker": ""}},
        output_format="html",
    )
    converter.preprocessors.deregister("html_block")
    converter.inlinePatterns.deregister("html")
    html = nh3.clean(
        converter.convert(markdown),
        tags=set(_TAGS),
        attributes={"a": {"href"}, "div": {"lang"}, "*": set()},
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
    )
    return Markup(html)  # noqa: S704 - nh3 has just made it safe


@lru_cache(_KEPT)
def to_text(markdown: str) -> str:
    """Return plain text: `text (address)` for a link, or `text: address` where the link ends its line."""
    return _Text.of(markdown)


@lru_cache(_KEPT)
def to_slack(markdown: str) -> str:
    """Return Slack's mrkdwn, in which nothing can mention anybody."""
    return _Slack.of(markdown)


def words_of(html: str) -> str:
    """Return the words of a whole mail's HTML as lines, as a reader hears them from a screen reader."""
    body = re.sub(r"(?s)^.*<body[^>]*>|<!--.*?-->|<div class=\"preheader\".*?</div>", "", html)
    return _Text.read(nh3.clean(re.sub(r"<(/?)(?:h1|div|tr)\b[^>]*>", r"<\1p>", body), tags=set(_TAGS)))


def silent(markdown: str) -> str:
    """Return Markdown in which no chat finds `@everyone` or the like."""
    return _LOUD.sub(_SILENT, markdown)


class _Text(HTMLParser):
    """Reads the HTML that `to_html` makes, and writes it as lines."""

    bullet = "-"
    strong = emphasis = code = fence = heading = ""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._blocks: list[tuple[bool, str]] = []
        self._line = ""
        self._quotes = 0
        self._lists: list[int | None] = []
        """For each list around here the number of its last item; None when it has no numbers."""
        self._mark = ""
        self._links: list[tuple[str, int]] = []
        self._fenced = False

    @classmethod
    def of(cls, markdown: str) -> str:
        return cls.read(to_html(markdown))

    @classmethod
    def read(cls, html: str) -> str:
        writer = cls()
        writer.feed(html)
        writer.close()
        writer.end_block()
        return writer.result()

    # What differs between text and Slack

    def words(self, text: str) -> str:
        return text

    def linked(self, text: str, url: str) -> str:
        """Mark a link; where it stands decides later how it is written."""
        return text if url in (text, f"mailto:{text}") else f"{text}\x00{url}\x01"

    def finish(self, block: str) -> str:
        at_the_end = re.sub(r"\x00([^\x01]*)\x01(?=\s*(?:\n|$))", r": \1", block)
        return re.sub(r"\x00([^\x01]*)\x01", r" (\1)", at_the_end)

    # What both have in common

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.end_block()
        match tag:
            case "br":
                self._line = f"{self._line.rstrip()}\n"
            case "blockquote":
                self._quotes += 1
            case "ul" | "ol":
                self._lists.append(0 if tag == "ol" else None)
            case "li":
                self._mark = self._next_mark()
            case "a":
                self._links.append((dict(attrs).get("href") or "", len(self._line)))
            case "pre":
                self._fenced = True
            case "hr":
                self._line = "---"
            case "td" | "th":
                self._line = f"{self._line.rstrip()} | " if self._line.strip() else ""
            case _:
                self._line += self._sign(tag)

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "a":
                url, start = self._links.pop()
                text = " ".join(self._line[start:].split())
                self._line = self._line[:start] + (self.linked(text, url) if url else text)
            case _:
                self._line += self._sign(tag)
        if tag in _BLOCKS:
            self.end_block()
        match tag:
            case "blockquote":
                self._quotes -= 1
            case "ul" | "ol":
                self._lists.pop()
            case "pre":
                self._fenced = False

    def handle_data(self, data: str) -> None:
        if not self._fenced:
            data = re.sub(r"\s+", " ", data)
            data = data.lstrip() if not self._line or self._line.endswith((" ", "\n")) else data
        self._line += self.words(data)

    def end_block(self) -> None:
        text = self._line.strip("\n") if self._fenced else self._line.strip()
        self._line = ""
        if not text.strip():
            return
        text = self.finish(f"{self.fence}{text}{self.fence}" if self._fenced else text)
        inside = "  " * max(len(self._lists) - 1, 0)
        first, later = f"{inside}{self._mark}", inside + " " * len(self._mark)
        self._mark = ""
        lines = [f"{first if not number else later}{line}" for number, line in enumerate(text.split("\n"))]
        self._blocks.append((bool(self._lists), "\n".join("> " * self._quotes + line for line in lines)))

    def result(self) -> str:
        text, before = "", False
        for in_list, block in self._blocks:
            gap = "\n" if in_list and before else "\n\n"
            quoted = "\n>\n" if block.startswith("> ") and text.rsplit("\n", 1)[-1].startswith("> ") else gap
            text += (quoted if text else "") + block
            before = in_list
        return text

    def _next_mark(self) -> str:
        if not self._lists or self._lists[-1] is None:
            return f"{self.bullet} "
        self._lists[-1] += 1
        return f"{self._lists[-1]}. "

    def _sign(self, tag: str) -> str:
        if self._fenced:
            return ""
        signs = {"strong": self.strong, "em": self.emphasis, "code": self.code}
        return signs.get(tag, self.heading if re.fullmatch(r"h\d", tag) else "")


class _Slack(_Text):
    bullet = "•"
    strong = heading = "*"
    emphasis = "_"
    code = "`"
    fence = "```"

    def words(self, text: str) -> str:
        return silent(escape(text, quote=False))

    def linked(self, text: str, url: str) -> str:
        return f"<{escape(url, quote=False).replace('|', '%7C')}|{text}>"

    def finish(self, block: str) -> str:
        return block


@dataclass(frozen=True, slots=True, kw_only=True)
class Footer:
    """What a mail says about itself below the message."""

    page: str
    """Who sends it."""
    page_url: str
    why: str
    """Completes `<page> sent you this because ...`, such as `you asked for news about Checkout`."""
    answer_url: str | None = None
    """Where a person reads what the reader answers."""
    unsubscribe_url: str | None = None
    language: str = "en"
    logo_url: str | None = None
    """A picture of the sender."""
    color: str | None = None
    """The sender's own colour for links and buttons, `#rrggbb`, on white."""


@lru_cache(_MAILS)
def to_email(templates: Templates, rendered: Rendered, footer: Footer) -> str:
    """Return the whole mail as HTML: styles inside the tags, no pictures, nothing that tells us who read it.

    A logo is one picture for everybody, whose address says nothing about its reader.
    """
    text = to_text(rendered.body)
    html = templates.page(
        "email/layout.html",
        language=footer.language,
        subject=rendered.subject,
        preheader=_shortened(text),
        page=footer.page,
        page_url=footer.page_url,
        logo_url=footer.logo_url,
        light=footer.color or "#1d4ed8",
        dark=in_dark(footer.color) if footer.color else "#93c5fd",
        button=(footer.color or "#2563eb"),
        body=to_html(rendered.body),
        buttons=rendered.buttons,
        footer=to_html(_footer(templates, footer)),
    )
    return _INLINER.inline(html)


@lru_cache(_MAILS)
def to_email_text(templates: Templates, rendered: Rendered, footer: Footer) -> str:
    """Return the whole mail as plain text, from the same sources as the HTML."""
    buttons = "\n".join(f"{button.label}: {button.url}" for button in rendered.buttons)
    parts = (to_text(rendered.body), buttons, f"-- \n{to_text(_footer(templates, footer))}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _footer(templates: Templates, footer: Footer) -> str:
    return templates.text(
        "footer.md",
        footer.language,
        page=footer.page,
        page_url=footer.page_url,
        why=footer.why,
        answer_url=footer.answer_url,
        unsubscribe_url=footer.unsubscribe_url,
    )


def _shortened(text: str) -> str:
    """Return the beginning, which mail readers show beside the subject."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _PREHEADER else f"{flat[:_PREHEADER].rsplit(' ', 1)[0]} …"
