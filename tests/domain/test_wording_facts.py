"""What is known about an incident has to be said, and fills the rewrites."""

from datetime import UTC, datetime

import pytest

from tests.domain.wording_samples import LINTER
from trusthub.domain.wording import LONGEST, Finding, Severity

NEXT = datetime(2026, 5, 3, 14, 36, tzinfo=UTC)
TEXT = "Bookings have failed since 14:02 UTC and we are sorry. Next update by {}."


def only(rule: str, text: str, **about: object) -> list[Finding]:
    facts = about.pop("facts", {})
    assert isinstance(facts, dict)
    verdict = LINTER.check(text, facts=facts, **{key: str(value) for key, value in about.items()})
    return [finding for finding in verdict.findings if finding.rule == rule]


@pytest.mark.parametrize("shown", ["14:36 UTC", "2:36 pm UTC", "2026-05-03T14:36Z"])
def test_a_promised_time_is_looked_for_as_people_write_it(shown: str) -> None:
    assert only("T01", TEXT.format(shown), facts={"next_update": NEXT}) == []


def test_another_time_than_the_promised_one_is_none() -> None:
    (found,) = only("T01", TEXT.format("15:00 UTC"), facts={"next_update": NEXT})
    assert found.rewrite == "Next update by 14:36 UTC, even if nothing has changed."


def test_an_expected_recovery_does_not_replace_the_promised_news() -> None:
    text = "Bookings fail. We expect to finish between 15:00 and 15:20 UTC."
    assert only("T01", text) == []
    assert only("T01", text, facts={"next_update": NEXT})


def test_a_time_counts_in_the_zone_of_the_readers() -> None:
    facts = {"next_update": NEXT, "time_zone": "Europe/Berlin"}
    assert only("T01", TEXT.format("16:36 CEST"), facts=facts) == []
    (found,) = only("T01", "Bookings fail.", facts=facts)
    assert "16:36 CEST" in found.rewrite


def test_facts_may_be_json() -> None:
    assert only("T01", TEXT.format("14:36 UTC"), facts={"next_update": "2026-05-03T14:36:00Z"}) == []
    assert only("T01", TEXT.format("15:36 UTC"), facts={"next_update": "2026-05-03T14:36:00Z"})
    assert only("I02", "4 % failed.", facts={"failed": 1204})
    assert only("I02", "1,204 of 30,000 bookings failed.", facts={"failed": 1204}) == []


def test_an_unknown_fact_is_as_good_as_none() -> None:
    assert only("T01", TEXT.format("15:00 UTC"), facts={"next_update": None}) == []
    assert only("T01", TEXT.format("15:00 UTC"), facts={"weather": "fine", "time_zone": "Nowhere/Land"}) == []


def test_a_rewrite_keeps_a_slot_for_what_is_not_known_and_the_slot_cannot_be_sent() -> None:
    (found,) = only("T01", "Bookings fail.")
    assert found.rewrite == "Next update by {HH:MM UTC}, even if nothing has changed."
    assert only("L03", found.rewrite)


def test_a_language_without_rules_is_said_to_be_unchecked() -> None:
    verdict = LINTER.check("Tout va bien.", locale="fr")
    assert verdict.notice == "Not checked: there are no rules for 'fr' (there are: de, en)."
    assert verdict.findings == []


def test_facts_are_checked_in_any_language() -> None:
    verdict = LINTER.check("Prochaine information bientôt.", locale="fr", facts={"next_update": NEXT})
    assert [finding.rule for finding in verdict.findings] == ["T01"]
    assert LINTER.check("Prochaine information à 14:36 UTC.", locale="fr", facts={"next_update": NEXT}).findings == []


def test_a_region_of_a_language_has_its_rules() -> None:
    assert LINTER.check("Sorry if it failed.", locale="en-GB").notice == ""
    assert only("A02", "Sorry if it failed.", locale="en-GB")


def test_what_is_too_long_to_be_read_cannot_leave() -> None:
    (found,) = [each for each in only("L07", "a. " * LONGEST) if each.severity is Severity.ERROR]
    assert found.start == LONGEST


def test_words_of_law_and_money_need_a_name() -> None:
    verdict = LINTER.check("An attack caused this. We will refund you.")
    assert {(each.word, each.role) for each in verdict.signatures} == {("attack", "legal"), ("refund", "finance")}
    assert LINTER.check("We pay attention.").signatures == []


def test_secrets_and_empty_slots_are_firm() -> None:
    verdict = LINTER.check("Hello {name}, use password=hunter2222. Sorry for any inconvenience.")
    assert {finding.rule for finding in verdict.firm} == {"L02", "L03"}
