"""What holds for the words that customers read, whatever happened. The linter in the product knows many more rules."""

import re
from dataclasses import replace

import pytest

from tests.rendering.cases import CASES, Case, render
from trusthub.rendering.markdown import to_text

CUSTOMER_CASES = [case for case in CASES if case.public]
FAILURE = (
    "incident.several",
    "incident.investigating",
    "incident.identified",
    "incident.updated",
    "incident.holding",
    "incident.monitoring",
    "promise.missed",
    "maintenance.overrun",
)
SORRY = re.compile(r"[Ww]e are sorry\b|tut uns leid\b")
NEXT = re.compile(r"(?:Next update by|Nächste Nachricht bis(?: zum \d\d?\. \w+ \d{4},)?) \d\d:\d\d (?:Uhr )?UTC")
ANSWER = re.compile(r"(?:Answer here|Antworten Sie hier): https://|support@acme\.example")
READS = re.compile(r"person reads it and answers|Mensch liest es und antwortet")
CLICHE = re.compile(r"inconvenience|unannehmlichkeit|bitten (?:wir )?um|bitte entschuldigen", re.IGNORECASE)
CLOCK = re.compile(r"\b\d{1,2}:\d{2}\b")
CONDITION = re.compile(
    r"(?:sorry|apolog)[^.]*\b(?:if|any|may|might)\b|\bif you (?:were|are|have been) affected"
    r"|tut uns leid,? (?:falls|wenn|sollte)|\b(?:falls|sollten) Sie betroffen",
    re.IGNORECASE,
)
VAGUE = re.compile(
    r"\b(?:soon|shortly|asap|as soon as|in due course|momentarily|as needed"
    r"|bald|demnächst|in Kürze|schnellstmöglich|so schnell wie möglich|zeitnah|umgehend)\b",
    re.IGNORECASE,
)
MINIMISING = re.compile(
    r"\b(?:only a|brief|briefly|minor|slight|small number|limited number|temporary"
    r"|nur ein(?:e|ige)?|kurzzeitig|geringfügig|vorübergehend|vereinzelt|kleinere?)\b",
    re.IGNORECASE,
)
INTENSE = re.compile(
    r"\b(?:very|deeply|sincerely|extremely|truly|truthfully|highly|sehr|zutiefst|aufrichtig|äußerst|wirklich)\b",
    re.IGNORECASE,
)


def read(case: Case) -> str:
    """Return subject and text without what a person or a customer wrote."""
    quiet = dict(case.facts) | {
        name: None
        for name in ("note", "reply", "customer_words", "complaint", "motive", "effect", "advice")
        if case.facts.get(name)
    }
    rendered = render(replace(case, facts=quiet))
    return f"{rendered.subject}.\n\n{to_text(rendered.body)}"


@pytest.mark.parametrize("case", CUSTOMER_CASES, ids=str)
def test_nothing_weakens_the_words(case: Case) -> None:
    text = read(case)
    assert not CLICHE.search(text)
    assert "!" not in text
    for weak in (CONDITION, VAGUE, MINIMISING, INTENSE):
        assert not weak.search(text), weak.search(text)


@pytest.mark.parametrize("case", CUSTOMER_CASES, ids=str)
def test_every_clock_time_has_its_zone(case: Case) -> None:
    for sentence in re.split(r"(?<=[.;])\s", read(case)):
        times = list(CLOCK.finditer(sentence))
        assert not times or "UTC" in sentence[times[-1].end() :], sentence


@pytest.mark.parametrize("case", [case for case in CUSTOMER_CASES if case.message in FAILURE], ids=str)
def test_news_of_a_failure_says_sorry_and_when_we_write_again(case: Case) -> None:
    text = read(case)
    assert SORRY.search(text)
    assert NEXT.search(text)


@pytest.mark.parametrize("case", [case for case in CUSTOMER_CASES if case.message.startswith("incident.")], ids=str)
def test_every_word_on_an_incident_says_sorry_and_how_to_answer(case: Case) -> None:
    text = read(case)
    assert SORRY.search(text)
    assert ANSWER.search(text)
    assert READS.search(text)


@pytest.mark.parametrize("case", [case for case in CUSTOMER_CASES if case.message.startswith("maintenance.")], ids=str)
def test_every_word_on_planned_work_says_how_to_answer(case: Case) -> None:
    text = read(case)
    assert ANSWER.search(text)
    assert READS.search(text)


@pytest.mark.parametrize("case", CUSTOMER_CASES, ids=str)
def test_sentences_are_short(case: Case) -> None:
    for sentence in re.split(r"(?<=[.:;])\s|\n", read(case)):
        assert len(sentence.split()) <= 25, sentence


@pytest.mark.parametrize("case", CUSTOMER_CASES, ids=str)
def test_failures_are_claimed_only_when_they_were_counted(case: Case) -> None:
    text = read(case)
    claimed = re.search(
        r"\b[\d,]+ (?:Checkout )?requests? (?:have |has )?failed"
        r"|\b(?:[\d.]+|eine) Anfragen?(?: an Checkout)? (?:sind|ist) (?:bisher )?fehlgeschlagen",
        text,
        re.IGNORECASE,
    )
    assert bool(claimed) == bool(case.facts.get("failed")) or case.message not in FAILURE
