from dataclasses import replace

import pytest

from tests.rendering.cases import CASES, TEMPLATES
from trusthub.domain.message import Button, Rendered
from trusthub.rendering.markdown import Footer, to_email, to_email_text, to_html, to_slack, to_text

FOOTER = Footer(page="Acme & Sons", page_url="https://status.acme.example", why="you asked")
EVERYTHING = """\
# Title

A **bold** and *slanted* word, `code`, and [a link](https://acme.example/a?b=1&c=2) inside.
The second line.
The [last](https://acme.example)

1. one
2. two
    - nested

> quoted
>
> twice

```
x = 1 < 2
```

| a | b |
|---|---|
| 1 | 2 |

---

[support@acme.example](mailto:support@acme.example)
"""


def test_text_is_readable() -> None:
    assert (
        to_text(EVERYTHING)
        == """\
Title

A bold and slanted word, code, and a link (https://acme.example/a?b=1&c=2) inside. The second line. \
The last: https://acme.example

1. one
2. two
  - nested

> quoted
>
> twice

x = 1 < 2

a | b

1 | 2

---

support@acme.example"""
    )


def test_slack_gets_its_own_marks() -> None:
    assert (
        to_slack(EVERYTHING)
        == """\
*Title*

A *bold* and _slanted_ word, `code`, and <https://acme.example/a?b=1&amp;c=2|a link> inside. The second line. \
The <https://acme.example|last>

1. one
2. two
  • nested

> quoted
>
> twice

```x = 1 &lt; 2```

a | b

1 | 2

---

<mailto:support@acme.example|support@acme.example>"""
    )


def test_html_begins_at_the_second_level_and_carries_no_attributes() -> None:
    html = to_html(EVERYTHING)
    assert "<h2>Title</h2>" in html
    assert "<table>" in html
    assert "id=" not in html


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<b onclick=alert(1)>x</b>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,x)",
        "![x](https://tracker.example/x.png)",
        "<iframe src=https://x.example></iframe>",
        '[x](https://a.example "onmouseover=alert(1)")',
    ],
)
def test_html_in_markdown_never_runs(source: str) -> None:
    html = to_html(source)
    for danger in ("<script", "<img", "<iframe", "<b ", "javascript:", "data:", "title="):
        assert danger not in html


@pytest.mark.parametrize("loud", ["@channel", "@here", "@everyone", "<!channel>", "<!subteam^S1>", "<@U123>", "@HERE"])
def test_nobody_is_called_in_slack(loud: str) -> None:
    slack = to_slack(f"Hello {loud}.")
    assert "<" not in slack
    assert loud not in slack


def test_a_bar_in_an_address_does_not_end_it() -> None:
    assert to_slack("[x](https://a.example/?q=1|2)") == "<https://a.example/?q=1%7C2|x>"


def test_a_link_without_an_address_is_text() -> None:
    assert to_text("[x](/relative) y") == "x y"


def test_a_link_that_shows_its_address_shows_it_once() -> None:
    assert to_text("[https://acme.example](https://acme.example) is us") == "https://acme.example is us"


def test_a_line_break_is_kept_and_a_new_line_is_not() -> None:
    assert to_text("a  \nb\nc") == "a\nb c"


def rendered() -> Rendered:
    return TEMPLATES.render(CASES[0].message, CASES[0].facts, public=True)


def test_a_mail_says_who_sends_it_how_to_answer_and_how_to_stop_it() -> None:
    footer = replace(FOOTER, answer_url="https://a.example/answer", unsubscribe_url="https://a.example/s/-token-")
    for mail in (to_email(TEMPLATES, rendered(), footer), to_email_text(TEMPLATES, rendered(), footer)):
        assert "Sons sent you this because you asked." in mail
        assert "https://a.example/answer" in mail
        assert "https://a.example/s/-token-" in mail


def test_a_mail_without_these_does_not_mention_them() -> None:
    for mail in (to_email(TEMPLATES, rendered(), FOOTER), to_email_text(TEMPLATES, rendered(), FOOTER)):
        assert "Stop these mails" not in mail
        assert "Answer us" not in mail


def test_buttons_are_links_in_mail() -> None:
    button = Button(label="Retract <it>", action="retract", value="7", url="https://hub.example/?a=1&b=2", danger=True)
    with_button = replace(rendered(), buttons=(button,))
    assert "Retract &lt;it&gt;</a>" in to_email(TEMPLATES, with_button, FOOTER)
    assert "Retract <it>: https://hub.example/?a=1&b=2" in to_email_text(TEMPLATES, with_button, FOOTER)


def test_a_mail_loads_nothing_and_tells_us_nothing() -> None:
    html = to_email(TEMPLATES, rendered(), FOOTER)
    for loads in ("<img", "<script", "<link", "@import", "url(", "src="):
        assert loads not in html
    assert 'name="color-scheme" content="light dark"' in html
    assert "prefers-color-scheme: dark" in html
    assert "max-width: 600px" in html


def test_the_beginning_is_shown_beside_the_subject_and_short() -> None:
    short = to_email(TEMPLATES, Rendered(subject="Subject", body="Short."), FOOTER)
    assert ">Short.</div>" in short
    long = to_email(TEMPLATES, Rendered(subject="Subject", body="word " * 100), FOOTER)
    assert "word …</div>" in long


def test_a_subject_cannot_break_out_of_the_mail() -> None:
    html = to_email(TEMPLATES, Rendered(subject="</title><script>x</script>", body="."), FOOTER)
    assert "<script>" not in html
