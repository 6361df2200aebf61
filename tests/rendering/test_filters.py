from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2.exceptions import FilterArgumentError

from trusthub.rendering import filters
from trusthub.rendering.markdown import to_html, to_slack, to_text

NOON = datetime(2026, 11, 2, 12, 5, 59, tzinfo=UTC)


@pytest.mark.parametrize("wrong", [None, True, NOON, (), [], object()])
def test_what_is_no_word_is_not_written(wrong: object) -> None:
    with pytest.raises(FilterArgumentError, match="cannot be written as it is"):
        filters.plain(wrong)
    with pytest.raises(FilterArgumentError, match="needs words"):
        filters.words(wrong)


HOSTILE = [
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<https://evil.example>",
    "<script>alert(1)</script>",
    '<a href="https://evil.example">x</a>',
    "# Heading",
    "Heading\n===",
    "Heading\n---",
    "**bold** __bold__ *em* _em_ `code`",
    "- item\n- item",
    "+ item",
    "* item",
    "1. item\n2) item",
    "> quote",
    "    code",
    "\tcode",
    "```\ncode\n```",
    "~~~\ncode\n~~~",
    "a | b\n--|--\n1 | 2",
    "[id]: https://evil.example\n[x][id]",
    "&lt;b&gt; &amp; &#42;",
    "\\*already escaped\\*",
    "\x02wzxhzdk:0\x03",
    "<!channel> <@U123> <#C1> @channel @here",
    "javascript:alert(1)",
    "---",
    "***",
]


def _said(text: str) -> list[str]:
    """Return the words of a text, whatever stands between them."""
    return filters._CONTROL.sub(" ", text).split()


@pytest.mark.parametrize("text", HOSTILE)
def test_untrusted_words_stay_words(text: str) -> None:
    markdown = filters.words(text)
    html = to_html(markdown)
    assert "<" not in html.replace("<p>", "").replace("</p>", "").replace("<br>", "")
    assert _said(to_text(markdown)) == _said(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_quoted_words_stay_a_quotation(text: str) -> None:
    html = to_html(filters.quote(text))
    for tag in ("<blockquote>", "</blockquote>", "<p>", "</p>", "<br>"):
        html = html.replace(tag, "")
    assert "<" not in html
    assert all(line.startswith(">") for line in to_text(filters.quote(text)).splitlines())


@given(st.text(max_size=200))
def test_no_words_whatsoever_become_markdown(text: str) -> None:
    for markdown in (filters.words(text), filters.plain(text)):
        assert set(to_html(markdown).replace("<p>", "").replace("</p>", "").replace("<br>", "")).isdisjoint("<>")
        assert _said(to_text(markdown)) == _said(text)
        assert "<" not in to_slack(markdown)


@given(st.text(alphabet="a1.-+*_#>=[](){}!|~`:<& \n\t\\", max_size=60))
def test_no_signs_whatsoever_become_markdown(text: str) -> None:
    markdown = filters.words(text)
    assert set(to_html(markdown).replace("<p>", "").replace("</p>", "").replace("<br>", "")).isdisjoint("<>")
    assert _said(to_text(markdown)) == _said(text)


@pytest.mark.parametrize(
    "text", ["https://evil.example/x", "www.evil.example", "evil.example", "MAILTO:a@evil.example", "@channel"]
)
def test_a_mail_reader_finds_no_address_in_a_quotation(text: str) -> None:
    shown = to_text(filters.quote(text)).removeprefix("> ")
    assert shown != text
    assert shown.replace("\u200b", "") == text


def test_numbers_in_a_quotation_stay_whole() -> None:
    assert to_text(filters.quote("0.71 < 0.99 in 2.8.0")) == "> 0.71 < 0.99 in 2.8.0"


def test_safe_words_are_quoted_as_they_are() -> None:
    assert to_text(filters.quote(filters.words("see app.py\n\nor a.b"))) == "> see app.py\n>\n> or a.b"


def test_the_direction_of_text_cannot_be_turned() -> None:
    assert filters.plain("a\u202eb\u2066c") == "a b c"


def test_a_persons_markdown_counts_and_lines_stay_lines() -> None:
    assert to_text(filters.markdown("Hello Ana,\r\nyou are **right**.\n\n- a\n- b")) == (
        "Hello Ana,\nyou are right.\n\n- a\n- b"
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://acme.example/a_(b)?c=d_e&f=*", 'href="https://acme.example/a%5F%28b%29?c=d%5Fe&amp;f=%2A"'),
        ("support@acme.example", 'href="mailto:support@acme.example"'),
        ("https://acme.example/-token-", 'href="https://acme.example/-token-"'),
    ],
)
def test_links_lead_where_they_should(url: str, shown: str) -> None:
    assert shown in to_html(filters.link(url, "here"))


@pytest.mark.parametrize("url", ["javascript:alert(1)", "/relative", "data:text/html,x", "https://a b"])
def test_what_is_no_address_is_no_link(url: str) -> None:
    html = to_html(filters.link(url, "here"))
    assert "<a" not in html
    assert "here" in html


def test_the_label_of_a_link_is_words() -> None:
    assert to_slack(filters.link("https://acme.example", "a|b> <!here> [c](d)")) == (
        "<https://acme.example|a|b&gt; &lt;!here&gt; [c](d)>"
    )


def test_a_sentence_can_stand_inside_another() -> None:
    assert filters.clause("It is\n fast.") == "It is fast"
