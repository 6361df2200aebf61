"""What is prose and what is not, where a sentence ends, and what a clause holds."""

import pytest

from tests.domain.wording_samples import LINTER
from trusthub.domain.wording.prose import Prose


def prose(text: str) -> Prose:
    return Prose(text, LINTER.books["en"].clause_ends)


def sentences(text: str) -> list[str]:
    return [text[start:end].strip() for start, end in prose(text).sentences]


@pytest.mark.parametrize(
    "text",
    [
        "`sorry if`",
        "```\nsorry if you\n```",
        "~~~sh\nsorry if you",
        "<!-- sorry if you -->",
        "[here](https://a.example/sorry-if-any)",
        "https://a.example/sorry/if/any",
    ],
)
def test_code_comments_and_addresses_are_not_prose(text: str) -> None:
    plain = prose(text).plain
    assert "sorry" not in plain
    assert len(plain) == len(text)
    assert plain.count("\n") == text.count("\n")


def test_what_a_link_is_called_is_prose() -> None:
    assert "sorry if" in prose("[sorry if](https://a.example)").plain


def test_emphasis_does_not_hide_a_word() -> None:
    text = "We are **sorry** _if_ it failed."
    found = [finding for finding in LINTER.check(text).findings if finding.rule == "A02"]
    assert [finding.quote for finding in found] == ["sorry** _if"]


def test_typographic_signs_are_plain_ones() -> None:
    assert prose("We\u2019re\u00a0\u201csorry\u201d").folded == 'we\'re "sorry"'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It failed. We repaired it.", ["It failed.", "We repaired it."]),
        ("It failed at 7 a.m. PST today.", ["It failed at 7 a.m. PST today."]),
        ("Use e.g. the API. Then wait.", ["Use e.g. the API.", "Then wait."]),
        ("Version 4.1 failed.", ["Version 4.1 failed."]),
        ("- one\n- two", ["- one", "- two"]),
        ("A title\n\nA text", ["A title", "A text"]),
        ("a line that an editor broke\nin the middle.", ["a line that an editor broke\nin the middle."]),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_a_condition_in_the_next_clause_belongs_to_it() -> None:
    text = "We are sorry that it failed; if it still does, write to us."
    assert "A02" not in {finding.rule for finding in LINTER.check(text).findings}


@pytest.mark.parametrize("header", ["2026-05-03 09:12:00 UTC\n\n", "**2026-05-03 09:12**\n\n"])
def test_the_time_of_a_post_is_not_that_of_the_failure(header: str) -> None:
    rules = {finding.rule for finding in LINTER.check(f"{header}Bookings fail.", state="identified").findings}
    assert "I03" in rules
