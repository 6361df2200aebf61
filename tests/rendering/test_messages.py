"""Every message as people receive it. `make golden` writes the files anew; read the diff as you would read a letter."""

import re
from dataclasses import replace

import pytest

from tests import goldens
from tests.rendering.cases import CASES, CHECKOUT, TEMPLATES, Case, render
from trusthub.domain.message import FACTS, Moment
from trusthub.rendering import filters, speech
from trusthub.rendering.markdown import Footer, to_email, to_email_text, to_slack
from trusthub.rendering.messages import names

WHY = {
    ("en", True): "you asked for news about Checkout",
    ("en", False): "you release what Acme runs on",
    ("de", True): "Sie Neues über Checkout hören wollten",
    ("de", False): "Sie ausrollen, womit Acme arbeitet",
}


def footer(case: Case) -> Footer:
    """Return what a mail to a subscriber says about itself; one to a colleague has nothing to press."""
    page = "https://status.acme.example"
    mine = Footer(page="Acme", page_url=page, why=WHY[case.locale, case.public], language=case.locale)
    if not case.public:
        return mine
    answer, stop = f"{page}/incidents/k3v9x0q2m7ab#answer", f"{page}/subscriptions/t0k3n"
    return replace(mine, answer_url=answer, unsubscribe_url=stop)


def renderings(case: Case) -> dict[str, str]:
    rendered, around = render(case), footer(case)
    return {
        f"{case}.txt": f"Subject: {rendered.subject}\n\n{to_email_text(TEMPLATES, rendered, around)}",
        f"{case}.html": to_email(TEMPLATES, rendered, around),
        f"{case}.slack.md": to_slack(rendered.slack or rendered.body) + "\n",
    }


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_message_reads_as_it_was_approved(case: Case) -> None:
    for name, text in renderings(case).items():
        goldens.check(f"messages/{name}", text)


def test_no_approved_file_is_left_over() -> None:
    expected = {f"{case}.{ending}" for case in CASES for ending in ("txt", "html", "slack.md")}
    assert {path.name for path in (goldens.FOLDER / "messages").iterdir()} == expected


def test_there_is_a_message_for_every_moment_and_a_case_for_every_message() -> None:
    assert set(TEMPLATES.messages()) == set(Moment)
    assert {case.message for case in CASES} == set(Moment)


def test_the_templates_are_right() -> None:
    TEMPLATES.check()


@pytest.mark.parametrize("locale", TEMPLATES.locales)
@pytest.mark.parametrize("message", sorted({case.message for case in CASES if case.public}))
def test_customers_read_public_facts_only(message: str, locale: str) -> None:
    assert TEMPLATES.internal_facts(message, locale) == {}


@pytest.mark.parametrize("locale", TEMPLATES.locales)
def test_a_language_has_every_message_and_each_reads_the_same_facts(locale: str) -> None:
    assert names(TEMPLATES.locale(locale).messages) == TEMPLATES.messages()
    for message in TEMPLATES.messages():
        assert TEMPLATES.facts_of(message, locale) == TEMPLATES.facts_of(message)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_subjects_are_short_and_begin_with_what_it_is_about(case: Case) -> None:
    subject = render(case).subject
    about = {
        "incident.several": "Acme",
        "connection.silent": "argo-prod",
        "connection.heard": "argo-prod",
        "destination.disabled": "webhook acme",
        "channel.stuck": "Acme",
        "trust.monthly": "Acme",
        "subscriber.asked": "Acme",
        "subscriber.known": "Acme",
        "affected.answered": "Acme",
    }
    assert subject.startswith(about.get(case.message, "Checkout"))
    assert len(subject) <= 78


def test_the_readme_lists_every_fact_filter_and_message() -> None:
    readme = (CHECKOUT / "templates" / "README.md").read_text(encoding="utf-8")
    public, internal = readme.split("### Internal facts")
    for name, fact in FACTS.items():
        where = public if fact.public else internal
        assert f"| `{name}` |" in where, f"templates/README.md does not list {name} where it belongs"
    listed = {line.split("`")[1] for line in readme.split("### Public facts")[1].splitlines() if line.startswith("| `")}
    assert listed == set(FACTS)
    for name in (*filters.FILTERS, *speech.FILTERS):
        assert f"| `{name}" in readme, f"templates/README.md does not list the filter {name}"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_nothing_is_left_half_written(case: Case) -> None:
    for name, text in renderings(case).items():
        assert "None" not in text, name
        assert "{{" not in text, name
        if not name.endswith(".html"):
            assert not re.search(r" [.,;:]|\S  +\S|\.\.|,,", text), name
