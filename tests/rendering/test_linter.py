"""What we ship passes our own rules, and the rules notice when something is taken out of it."""

import re

import pytest

from tests.domain.wording_samples import LINTER
from tests.rendering.cases import CASES, TEMPLATES, Case
from tests.rendering.test_messages import COLLEAGUE, SUBSCRIBER
from trusthub.rendering.markdown import to_email_text, to_slack
from trusthub.services.wording import STATES

FAILURES = [case for case in CASES if STATES.get(case.message) not in {None, "retracted"}]
OPEN = [case for case in FAILURES if STATES[case.message] != "resolved"]


def found(case: Case, text: str) -> list[str]:
    state = STATES.get(case.message, "notice")
    return [f"{each.rule} {each.quote}" for each in LINTER.check(text, state=state, facts=case.facts).findings]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_message_passes_its_own_linter_in_every_channel(case: Case) -> None:
    rendered = TEMPLATES.render(case.message, case.facts, public=case.public)
    mail = to_email_text(TEMPLATES, rendered, SUBSCRIBER if case.public else COLLEAGUE)
    assert found(case, rendered.body) == []
    assert found(case, mail) == []
    assert found(case, to_slack(rendered.slack or rendered.body)) == []
    assert LINTER.check(rendered.subject, state="notice").findings == []


@pytest.mark.parametrize("case", FAILURES, ids=str)
def test_an_apology_that_is_taken_out_is_missed(case: Case) -> None:
    body = TEMPLATES.render(case.message, case.facts, public=True).body
    without = re.sub(r",? and we are sorry[^.]*", "", body)
    assert without != body
    assert "A01 " in found(case, without)


@pytest.mark.parametrize("case", FAILURES, ids=str)
def test_an_impact_that_is_taken_out_is_missed(case: Case) -> None:
    body = TEMPLATES.render(case.message, case.facts, public=True).body
    paragraphs = body.split("\n\n")
    kept = [
        each for each in paragraphs if not re.search(r"sorry|How far|What we know|requests? failed|Your data", each)
    ]
    assert len(kept) < len(paragraphs)
    if case.facts.get("note") is None:
        assert "I01 " in found(case, "We are sorry.\n\n" + "\n\n".join(kept))


@pytest.mark.parametrize("case", OPEN, ids=str)
def test_a_time_that_is_taken_out_is_missed(case: Case) -> None:
    body = TEMPLATES.render(case.message, case.facts, public=True).body
    without = "\n\n".join(each for each in body.split("\n\n") if "Next update" not in each)
    assert without != body
    assert "T01 " in found(case, without)
