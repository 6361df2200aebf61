"""What we ship passes our own rules in each language, and the rules notice when something is taken out of it."""

import re

import pytest

from tests.domain.wording_samples import LINTER
from tests.rendering.cases import CASES, TEMPLATES, Case, render
from tests.rendering.test_messages import footer
from trusthub.rendering.markdown import to_email_text, to_slack
from trusthub.services.wording import STATES

FAILURES = [case for case in CASES if STATES.get(case.message) not in {None, "retracted"}]
BROKEN = [case for case in FAILURES if STATES[case.message] != "unwelcome"]
"""Messages about what does not work; a change that people dislike does what it was meant to do."""
OPEN = [case for case in FAILURES if not case.facts.get("resolved_at")]
APOLOGY = {
    "en": re.compile(r",? and we are sorry[^.]*|^We are sorry[^.]*\.", re.MULTILINE),
    "de": re.compile(r",? und das tut uns leid|[^.\n]*\b[Dd]as tut uns leid\.|[^.\n]*Es tut uns leid[^.\n]*\."),
}
IMPACT = {
    "en": re.compile(r"sorry|How far|What we know|requests? failed|Your data|not been working|did not work"),
    "de": re.compile(r"leid|Wie weit|Was wir wissen|fehlgeschlagen|Ihre Daten|so funktioniert, wie"),
}
SORRY = {"en": "We are sorry.", "de": "Es tut uns leid."}
TIME = {"en": "Next update", "de": "Nächste Nachricht"}


def found(case: Case, text: str, state: str = "") -> list[str]:
    state = state or STATES.get(case.message, "notice")
    checked = LINTER.check(text, state=state, facts=case.facts, locale=case.locale)
    assert checked.notice == ""
    return [f"{each.rule} {each.quote}" for each in checked.findings]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_message_passes_its_own_linter_in_every_channel(case: Case) -> None:
    rendered = render(case)
    assert found(case, rendered.body) == []
    assert found(case, to_email_text(TEMPLATES, rendered, footer(case))) == []
    assert found(case, to_slack(rendered.slack or rendered.body)) == []
    assert found(case, rendered.subject, "notice") == []


@pytest.mark.parametrize("case", FAILURES, ids=str)
def test_an_apology_that_is_taken_out_is_missed(case: Case) -> None:
    body = render(case).body
    without = APOLOGY[case.locale].sub("", body)
    assert without != body
    assert "A01 " in found(case, without)


@pytest.mark.parametrize("case", BROKEN, ids=str)
def test_an_impact_that_is_taken_out_is_missed(case: Case) -> None:
    paragraphs = render(case).body.split("\n\n")
    kept = [each for each in paragraphs if not IMPACT[case.locale].search(each)]
    assert len(kept) < len(paragraphs)
    if case.facts.get("note") is None:
        assert "I01 " in found(case, f"{SORRY[case.locale]}\n\n" + "\n\n".join(kept))


@pytest.mark.parametrize("case", OPEN, ids=str)
def test_a_time_that_is_taken_out_is_missed(case: Case) -> None:
    body = render(case).body
    without = "\n\n".join(each for each in body.split("\n\n") if TIME[case.locale] not in each)
    assert without != body
    assert "T01 " in found(case, without)
