"""How much work a text is. What is counted is steps, so that a slow machine changes nothing."""

import re
import time

import pytest

from tests.domain.wording_samples import LINTER, SAMPLES
from trusthub.domain.wording.check import MOST

HOSTILE = [
    "sorry if ",
    "sorry ",
    "we regret ",
    "any ",
    "as soon as ",
    "if you ",
    "once we ",
    "will provide ",
    "10:00 ",
    "10:00",
    "1",
    "1,",
    "4111 ",
    "4111",
    "2 hours ",
    "may have ",
    "caused by ",
    "provider ",
    "brief ",
    "small number of ",
    "{",
    "{a",
    "[A",
    "<a",
    "%",
    "`",
    "```\n",
    "*",
    "_",
    "- ",
    "A ",
    "AA ",
    "a.",
    "a@",
    "a_",
    "a-",
    "a.b@",
    "db-",
    "ghp_",
    "eyJ-",
    "password=",
    "http://",
    "](",
    "<!--",
    "\n- ",
    "!",
    "? ",
    "next update ",
    "within ",
    "a few ",
    "probably ",
    "will never ",
    "error ",
    "issue with ",
    "creating ",
    "thank you ",
    "inconvenience ",
    "x; ",
    "x, and we ",
    "10.",
    "10.0.",
    "/var/",
    "a/",
    " ",
    "\t",
    "\n",
    "é",
    "\u2019",
    "on monday ",
    "today ",
    "we will improve ",
    "GB12 ",
    "updates will ",
    "keep you ",
    "xA",
    "2026-05-03 10:00\n",
    "2026-05-03T10:00",
    "expect ",
    "a, ",
    "falls ",
    "entschuldigen ",
    "etwaige ",
    "sobald ",
]
GENEROUS = 40
"""Passes of one plain pattern over the same text, each of which costs about as much as one of the rules'."""


@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize("unit", HOSTILE)
def test_no_text_makes_a_pattern_go_back_and_forth(unit: str, locale: str) -> None:
    """A text of ten times the length may take twenty times as long, and a pattern that backtracks takes a hundred."""
    short, long = (_fastest(unit, length, locale) for length in (500, 5000))
    assert long < 20 * short + 0.05


def _fastest(unit: str, length: int, locale: str) -> float:
    text = (unit * (length // len(unit) + 1))[:length]
    tries = []
    for _ in range(2):
        start = time.process_time()
        LINTER.check(text, locale=locale, state="identified")
        tries.append(time.process_time() - start)
    return min(tries)


def test_a_hostile_text_is_cut_before_it_is_read() -> None:
    start = time.process_time()
    LINTER.check("sorry if " * 11_111, state="identified")
    spent = time.process_time() - start
    start = time.process_time()
    assert not re.search(r"\b(?:soon|shortly|asap|posted)\b", "sorry if " * 11_111)
    assert spent < max(GENEROUS * (time.process_time() - start), 0.5)


def test_findings_of_one_rule_come_to_an_end() -> None:
    findings = LINTER.check("Sorry if it failed. " * 500).findings
    assert sum(finding.rule == "A02" for finding in findings) == MOST


@pytest.mark.parametrize("rule", SAMPLES)
def test_what_is_skipped_for_speed_would_not_have_matched(rule: str) -> None:
    """A pattern names words that it cannot do without: each match of it has to hold one of them."""
    text = "\n\n".join(sentence for bad, good in SAMPLES.values() for sentence in (*bad, *good))
    for pattern in LINTER.books["en"].by_id[rule].find:
        searched = text if pattern.cased else text.lower()
        for match in pattern.find.finditer(searched):
            if pattern.needed is not None and "\n" not in match[0].strip():
                line = searched[searched.rfind("\n", 0, match.end()) + 1 :].partition("\n")[0]
                assert any(word in line for word in pattern.needed)
