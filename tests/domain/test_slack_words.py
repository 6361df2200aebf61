"""What is meant for the customer, and how mrkdwn reads outside of Slack."""

import pytest

from trusthub.domain.slack_words import marked, plain, readable, unmarked


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("customer: We are sorry.", "We are sorry."),
        ("  Customer:We are sorry.", "We are sorry."),
        ("*customer:* We are sorry.", "We are sorry."),
        ("customer:", ""),
        ("The customer: she is large.", None),
        ("customers: all of them", None),
        ("&gt; customer: quoted", None),
        ("", None),
    ],
)
def test_only_what_begins_with_the_mark_is_marked(text: str, words: str | None) -> None:
    assert marked(text) == words
    assert unmarked(text) == (text if words is None else words)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("See <https://acme.example/a?b=1&amp;c=2>.", "See https://acme.example/a?b=1&c=2."),
        ("See <https://acme.example|our page>.", "See our page (https://acme.example)."),
        ("<mailto:ana@acme.example|ana@acme.example>", "ana@acme.example"),
        ("&lt;@U0JO000001&gt; typed by hand", "<@U0JO000001> typed by hand"),
    ],
)
def test_text_reads_the_same_outside_of_slack(text: str, read: str) -> None:
    assert plain(text) == read


@pytest.mark.parametrize("text", ["<@U0JO000001>", "ask <@U0JO000001|jo>", "<#C0SUPPORT1|support>", "<!here>"])
def test_a_mention_is_no_word_for_a_customer(text: str) -> None:
    with pytest.raises(ValueError, match="mentions"):
        plain(text)
    assert readable(text)
