"""How a message is split: never in a wrong place, and nothing of it is lost."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from trusthub.channels.base import Outbound
from trusthub.channels.slack_blocks import ELEMENTS, LABEL, PAGE, SECTION, compose, escape
from trusthub.channels.splitting import pages, split
from trusthub.domain.message import Button

PIECES = st.sampled_from(
    ["word", " ", "\n", "\n\n", ". ", "```", "`x`", "*", "&amp;", "&lt;", "🚨", "é", "<https://a.example/b|two words>"]
)


def message(slack: str, *, subject: str = "Subject", buttons: tuple[Button, ...] = ()) -> Outbound:
    return Outbound(key="k", to="#a", subject=subject, text=slack, html="", slack=slack, buttons=buttons)


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


@given(text=st.lists(PIECES | st.text(max_size=20), max_size=400).map("".join), limit=st.integers(8, 400))
def test_nothing_but_white_space_at_borders_is_lost(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert squeezed("".join(parts)) == squeezed(text)
    assert all(len(part.strip()) > 0 and len(part) <= limit for part in parts)


@given(text=st.lists(PIECES, max_size=400).map("".join), limit=st.integers(40, 400))
def test_links_and_escaped_characters_stay_whole(text: str, limit: int) -> None:
    for part in split(text, limit):
        assert part.count("<") == part.count(">")
        assert not re.search(r"&(?!amp;|lt;)", part)


@given(paragraphs=st.lists(st.text(alphabet="abc. ", min_size=1, max_size=2000), min_size=1, max_size=12))
def test_every_page_and_section_keeps_slacks_limits_and_the_text_says_all(paragraphs: list[str]) -> None:
    body = "\n\n".join(paragraphs)
    pages = compose(message(body), interactive=True)
    assert squeezed("".join(page.text for page in pages)) == squeezed(f"*Subject*{body}")
    for page in pages:
        assert len(page.text) <= PAGE
        assert len(page.blocks) <= 50
        texts = [block["text"]["text"] for block in page.blocks]
        assert all(len(text) <= SECTION and text.strip() for text in texts)
        assert squeezed("".join(texts)) == squeezed(page.text)


PROMISE = "*Next update by 14:36 UTC, even if nothing has changed.*"


@given(
    before=st.lists(PIECES | st.text(max_size=60), max_size=900).map("".join),
    after=st.lists(PIECES | st.text(max_size=60), max_size=900).map("".join),
    border=st.sampled_from(["\n\n", "\n"]),
    limit=st.sampled_from([300, 1000, PAGE]),
)
def test_a_promise_is_whole_and_in_the_first_part(before: str, after: str, border: str, limit: int) -> None:
    before, after = before.replace("```", ""), after.replace("14:36 UTC", "")
    parts = pages(f"{before}{border}{PROMISE}{border}{after}", limit, "14:36 UTC")
    assert PROMISE in parts[0]
    assert all(len(part) <= limit for part in parts)
    assert sorted(squeezed("".join(parts))) == sorted(squeezed(before + PROMISE + after))


@given(before=st.integers(0, 12_000), after=st.integers(0, 12_000))
def test_a_promise_is_whole_in_one_section_of_the_first_message(before: int, after: int) -> None:
    outbound = message(f"{'word ' * (before // 5)}\n\n{PROMISE}\n\n{'word ' * (after // 5)}")
    first, *_ = compose(replace(outbound, promise="14:36 UTC"), interactive=True)
    assert any(PROMISE in block["text"]["text"] for block in first.blocks if block["type"] == "section")


def test_a_promise_inside_a_long_paragraph_goes_first_as_a_sentence() -> None:
    text = f"{'One word. ' * 100}Next update by 14:36 UTC. {'One word. ' * 100}"
    assert pages(text, 400, "14:36 UTC")[0].endswith("\n\nNext update by 14:36 UTC.")


def test_a_promise_that_is_in_the_first_part_stays_where_it_stands() -> None:
    text = f"First.\n\n{PROMISE}\n\n{'word ' * 200}"
    assert pages(text, 400, "14:36 UTC") == split(text, 400)


def test_it_splits_at_paragraphs_before_lines_before_sentences_before_words() -> None:
    assert split("one one\n\ntwo\nthree", 13) == ["one one", "two\nthree"]
    assert split("one one one\ntwo two", 14) == ["one one one", "two two"]
    assert split("One one. Two two", 12) == ["One one.", " Two two"]
    assert split("oneone twotwo", 10) == ["oneone", " twotwo"]
    assert split("oneonetwotwo", 6) == ["oneone", "twotwo"]


def test_a_code_block_stays_in_one_piece_when_it_fits() -> None:
    text = "Before.\n```\nfirst\n\nsecond\n```\nAfter."
    assert split(text, 28) == ["Before.", "```\nfirst\n\nsecond\n```\nAfter."]


def test_a_code_block_that_cannot_fit_is_split_at_a_line() -> None:
    code = "```\n" + "\n".join(f"line {number}" for number in range(20)) + "\n```"
    assert [line for part in split(code, 40) for line in part.splitlines()] == code.splitlines()


def test_the_subject_is_the_first_line_in_bold() -> None:
    assert compose(message("Body"), interactive=True)[0].text == "*Subject*\nBody"


def test_a_subject_cannot_mention_everybody_or_break_its_line() -> None:
    page = compose(message("Body", subject="Oh <!here>\n& more"), interactive=True)[0]
    assert page.text == "*Oh &lt;!here&gt; &amp; more*\nBody"


def test_a_subject_with_an_asterisk_is_plain_because_slack_could_not_show_it_bold() -> None:
    assert compose(message("Body", subject="5 * 5"), interactive=True)[0].text == "5 * 5\nBody"


def test_no_promise_hides_behind_see_more() -> None:
    assert compose(message("Body"), interactive=True)[0].blocks[0]["expand"] is True


def test_buttons_keep_slacks_limits() -> None:
    buttons = tuple(
        Button(label="x" * 80, action=f"a{number}", value="v", url="https://a.example")
        for number in range(ELEMENTS + 1)
    )
    first, second = compose(message("Body", buttons=buttons), interactive=True)[0].blocks[1:]
    assert (len(first["elements"]), len(second["elements"])) == (ELEMENTS, 1)
    assert len(second["elements"][0]["text"]["text"]) == LABEL


def test_an_address_that_is_too_long_for_a_button_is_a_link() -> None:
    button = Button(label="Show", action="show", value="v", url="https://a.example/" + "x" * 2000)
    (page,) = compose(message("Body", buttons=(button,)), interactive=False)
    assert page.blocks[1]["text"]["text"] == f"<{button.url}|Show>"
    assert len(page.blocks) == 2


def test_plain_text_is_escaped_as_slack_asks() -> None:
    assert escape("<a> & b") == "&lt;a&gt; &amp; b"
