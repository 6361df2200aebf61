"""The sentence that says how far it went, word for word: it is made of numbers, so nobody proof-reads it."""

from datetime import UTC, datetime

import pytest

from tests.rendering.cases import CASES, TEMPLATES, Facts
from trusthub.rendering.markdown import to_text

ONGOING = next(case.facts for case in CASES if str(case) == "incident.identified.ongoing")
AT_14_09 = datetime(2026, 11, 22, 14, 9, tzinfo=UTC)
UNTIL: Facts = {"exposed_until": AT_14_09}
NOWHERE: Facts = {"peak": None, "exposed_from": None}
STICKY: Facts = {"sticky": True, "customers": 48200}
YESTERDAY: Facts = {"exposed_from": datetime(2026, 11, 21, 23, 50, tzinfo=UTC)}


TASK: Facts = {"task": "pay for an order"}
SLOW: Facts = {"symptom": "were slow"}
PERIOD = "from 14:02 to 14:09 UTC"
REQUESTS = "Up to 5 % of Checkout requests"
CUSTOMERS = "Up to 5 % of Checkout customers (about 2,410 of 48,200)"
UNCOUNTED = "we do not know yet how many failed."
UNCOUNTED_REQUESTS = "we do not know yet how many requests failed."
UNKNOWN = "we do not know yet how many, or how many failed."
NOBODY_COUNTED = "We do not know yet how many requests reached it."
OVER_MIDNIGHT = "from 23:50 UTC on 21 November 2026 to 14:09 UTC on 22 November 2026"


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        (UNTIL, f"{REQUESTS} reached 2.8.0 from 14:02 to 14:09 UTC; {UNCOUNTED}"),
        ({}, f"{REQUESTS} have reached 2.8.0 since 14:02 UTC; {UNCOUNTED}"),
        (UNTIL | {"to_version": None}, f"{REQUESTS} reached the new version from 14:02 to 14:09 UTC; {UNCOUNTED}"),
        (UNTIL | {"peak": None}, f"Checkout requests reached 2.8.0 from 14:02 to 14:09 UTC; {UNKNOWN}"),
        (NOWHERE, "We do not know yet how many Checkout requests reached 2.8.0, or how many failed."),
        ({"exposed_from": None}, f"{REQUESTS} reached 2.8.0; {UNCOUNTED}"),
        (UNTIL | STICKY, f"{CUSTOMERS} were on 2.8.0 from 14:02 to 14:09 UTC; {UNCOUNTED_REQUESTS}"),
        (STICKY, f"{CUSTOMERS} have been on 2.8.0 since 14:02 UTC; {UNCOUNTED_REQUESTS}"),
        (UNTIL | {"customers": 48200}, f"{REQUESTS} reached 2.8.0 from 14:02 to 14:09 UTC; {UNCOUNTED}"),
        (UNTIL | {"failed": 1204}, f"{REQUESTS} reached 2.8.0 from 14:02 to 14:09 UTC; 1,204 requests failed."),
        (UNTIL | {"failed": 1}, f"{REQUESTS} reached 2.8.0 from 14:02 to 14:09 UTC; 1 request failed."),
        (UNTIL | {"failed": 0}, f"{REQUESTS} reached 2.8.0 from 14:02 to 14:09 UTC; no requests failed."),
        ({"failed": 1204}, f"{REQUESTS} have reached 2.8.0 since 14:02 UTC; 1,204 requests have failed so far."),
        ({"failed": 1}, f"{REQUESTS} have reached 2.8.0 since 14:02 UTC; 1 request has failed so far."),
        (NOWHERE | {"failed": 12}, f"Checkout requests reached 2.8.0; 12 requests failed. {NOBODY_COUNTED}"),
        ({"peak": 0.0, "exposed_from": None}, "No Checkout request reached 2.8.0."),
        ({"peak": 0.02}, f"Up to 0.02 % of Checkout requests have reached 2.8.0 since 14:02 UTC; {UNCOUNTED}"),
        (UNTIL | TASK, f"Up to 5 % of the requests to pay for an order reached 2.8.0 {PERIOD}; {UNCOUNTED}"),
        (TASK | {"peak": None}, f"Requests to pay for an order have reached 2.8.0 since 14:02 UTC; {UNKNOWN}"),
        (TASK | STICKY, f"{CUSTOMERS} have been on 2.8.0 since 14:02 UTC; {UNCOUNTED_REQUESTS}"),
        (UNTIL | SLOW, f"{REQUESTS} reached 2.8.0 {PERIOD}; some of them were slow, and we do not know yet how many."),
        (
            UNTIL | SLOW | STICKY,
            f"{CUSTOMERS} were on 2.8.0 {PERIOD}; some requests were slow, and we do not know yet how many.",
        ),
        (UNTIL | SLOW | {"failed": 12}, f"{REQUESTS} reached 2.8.0 {PERIOD}; 12 requests failed."),
        (
            UNTIL | {"failed": 12, "customers_hit": 1},
            f"{REQUESTS} reached 2.8.0 {PERIOD}; 12 requests failed. We have counted 1 customer whom it hit.",
        ),
        (UNTIL | YESTERDAY, f"{REQUESTS} reached 2.8.0 {OVER_MIDNIGHT}; {UNCOUNTED}"),
        (UNTIL | {"exposed_from": AT_14_09}, f"{REQUESTS} reached 2.8.0 at 14:09 UTC; {UNCOUNTED}"),
    ],
)
def test_the_impact_is_said_exactly(known: Facts, sentence: str) -> None:
    body = to_text(TEMPLATES.render("incident.identified", {**ONGOING, **known}, public=True).body)
    assert f"How far it went. {sentence}\n" in body


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        (
            {"task": "eine Bestellung bezahlen", "peak": None},
            (
                "Anfragen, mit denen Kunden eine Bestellung bezahlen, haben seit 14:02 Uhr UTC Version 2.8.0 erreicht. "
                "Wir wissen noch nicht, wie viele es waren und wie viele fehlgeschlagen sind."
            ),
        ),
        (
            STICKY | {"symptom": "waren langsam"},
            (
                "Bis zu 5 % der Kunden von Checkout (etwa 2.410 von 48.200) sind seit 14:02 Uhr UTC auf Version 2.8.0. "
                "Manche Anfragen waren langsam; wir wissen noch nicht, wie viele."
            ),
        ),
        (
            UNTIL | {"symptom": "waren langsam", "failed": 12, "customers_hit": 1},
            (
                "Bis zu 5 % der Anfragen an Checkout haben von 14:02 bis 14:09 Uhr UTC Version 2.8.0 erreicht; "
                "12 Anfragen sind fehlgeschlagen. Wir haben einen Kunden gezählt, den es getroffen hat."
            ),
        ),
    ],
)
def test_german_says_the_same_in_its_own_way(known: Facts, sentence: str) -> None:
    body = to_text(TEMPLATES.render("incident.identified", {**ONGOING, **known}, public=True, locale="de").body)
    assert f"Wie weit es ging. {sentence}\n" in body


def test_without_a_rollout_the_sentence_is_about_requests_only() -> None:
    facts = next(case.facts for case in CASES if str(case) == "incident.identified.no-rollout")
    body = to_text(TEMPLATES.render("incident.identified", facts, public=True).body)
    assert "How far it went. We do not know yet how many Checkout requests failed.\n" in body
    counted = to_text(TEMPLATES.render("incident.identified", {**facts, "failed": 12}, public=True).body)
    assert "How far it went. 12 Checkout requests failed.\n" in counted
