"""Each English rule, by sentences that break it and sentences that only look as if they did."""

import pytest

from tests.domain.wording_samples import LINTER, SAMPLES
from trusthub.domain.wording import Severity


def broken(text: str, state: str | None = None) -> list[str]:
    return [finding.rule for finding in LINTER.check(text, state=state).findings]


BAD = [(rule, text) for rule, (bad, _) in SAMPLES.items() for text in bad]
GOOD = [(rule, text) for rule, (_, good) in SAMPLES.items() for text in good]


@pytest.mark.parametrize(("rule", "text"), BAD)
def test_a_rule_finds_what_breaks_it(rule: str, text: str) -> None:
    assert rule in broken(text)


@pytest.mark.parametrize(("rule", "text"), GOOD)
def test_a_rule_leaves_alone_what_only_looks_alike(rule: str, text: str) -> None:
    assert rule not in broken(text)


def test_every_rule_has_its_sentences() -> None:
    assert SAMPLES.keys() == LINTER.books["en"].by_id.keys()
    assert len(SAMPLES) == 40


@pytest.mark.parametrize(("rule", "text"), BAD)
def test_a_finding_points_at_its_words(rule: str, text: str) -> None:
    for finding in LINTER.check(text).findings:
        assert text[finding.start : finding.end] == finding.quote
        assert finding.why
        assert finding.rewrite


SLOTS: dict[str, dict[str, str | None]] = {
    "A01": {"investigating": "error", "resolved": "error", "postmortem": "error", "scheduled": None},
    "R01": {"investigating": None, "identified": "warning", "resolved": "warning", "postmortem": "error"},
    "I01": {"scheduled": "error", "investigating": "error", "monitoring": "error"},
    "I02": {"scheduled": "warning", "investigating": "warning", "resolved": "error", "postmortem": "error"},
    "I03": {"scheduled": "error", "investigating": "warning", "identified": "error", "resolved": "error"},
    "C04": {"scheduled": "error", "investigating": None, "identified": "error", "resolved": "error"},
    "T01": {"scheduled": "warning", "investigating": "error", "monitoring": "error", "resolved": None},
    "C02": {"scheduled": "warning", "investigating": "warning", "resolved": "warning"},
    "I07": {"investigating": None, "identified": "warning", "resolved": "error", "postmortem": "error"},
    "C03": {"scheduled": "warning", "investigating": "warning", "resolved": "warning"},
}


@pytest.mark.parametrize(
    ("rule", "state", "expected"),
    [(rule, state, severity) for rule, row in SLOTS.items() for state, severity in row.items()],
)
def test_what_has_to_be_said_in_which_state(rule: str, state: str, expected: str | None) -> None:
    found = {finding.rule: finding.severity for finding in LINTER.check("Hello.", state=state).findings}
    assert found.get(rule) == (Severity(expected) if expected else None)


def test_a_state_that_nobody_knows_is_read_from_the_words() -> None:
    assert "T01" not in broken("Bookings work again since 10:10 UTC.", state="update")
    assert "T01" in broken("We are looking into failed bookings.", state="update")


def test_a_guess_is_never_stricter_than_the_rule() -> None:
    text = "Bookings work again since 10:10 UTC. We are sorry that they failed."
    guessed = {finding.rule: finding.severity for finding in LINTER.check(text).findings}
    told = {finding.rule: finding.severity for finding in LINTER.check(text, state="resolved").findings}
    assert guessed["I07"] is Severity.WARNING
    assert told["I07"] is Severity.ERROR
