"""The sentence that says how far it went, word for word: it is made of numbers, so nobody proof-reads it."""

from datetime import UTC, datetime

import pytest

from tests.rendering.cases import CASES, TEMPLATES
from trusthub.rendering.markdown import to_text

ONGOING = next(case.facts for case in CASES if str(case) == "incident.identified.ongoing")
UNTIL = {"exposed_until": datetime(2026, 11, 22, 14, 9, tzinfo=UTC)}
NOWHERE = {"peak": None, "exposed_from": None}
STICKY = {"sticky": True, "customers": 48200}
YESTERDAY = {"exposed_from": datetime(2026, 11, 21, 23, 50, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        (
            UNTIL,
            "Up to 5 % of Checkout requests reached 2.8.0 from 14:02 to 14:09 UTC; we do not know yet how many failed.",
        ),
        ({}, "Up to 5 % of Checkout requests have reached 2.8.0 since 14:02 UTC; we do not know yet how many failed."),
        (
            UNTIL | {"to_version": None},
            "Up to 5 % of Checkout requests reached the new version from 14:02 to 14:09 UTC; "
            "we do not know yet how many failed.",
        ),
        (
            UNTIL | {"peak": None},
            "Checkout requests reached 2.8.0 from 14:02 to 14:09 UTC; "
            "we do not know yet how many, or how many failed.",
        ),
        (NOWHERE, "We do not know yet how many Checkout requests reached 2.8.0, or how many failed."),
        ({"exposed_from": None}, "Up to 5 % of Checkout requests reached 2.8.0; we do not know yet how many failed."),
        (
            UNTIL | STICKY,
            "Up to 5 % of Checkout customers (about 2,410 of 48,200) were on 2.8.0 from 14:02 to 14:09 UTC; "
            "we do not know yet how many requests failed.",
        ),
        (
            STICKY,
            "Up to 5 % of Checkout customers (about 2,410 of 48,200) have been on 2.8.0 since 14:02 UTC; "
            "we do not know yet how many requests failed.",
        ),
        (
            UNTIL | {"customers": 48200},
            "Up to 5 % of Checkout requests reached 2.8.0 from 14:02 to 14:09 UTC; we do not know yet how many failed.",
        ),
        (
            UNTIL | {"failed": 1204},
            "Up to 5 % of Checkout requests reached 2.8.0 from 14:02 to 14:09 UTC; 1,204 requests failed.",
        ),
        (UNTIL | {"failed": 1}, "Up to 5 % of Checkout requests reached 2.8.0 from 14:02 to 14:09 UTC; 1 request failed."),
        (
            UNTIL | {"failed": 0},
            "Up to 5 % of Checkout requests reached 2.8.0 from 14:02 to 14:09 UTC; no requests failed.",
        ),
        (
            {"failed": 1204},
            "Up to 5 % of Checkout requests have reached 2.8.0 since 14:02 UTC; 1,204 requests have failed so far.",
        ),
        (
            {"failed": 1},
            "Up to 5 % of Checkout requests have reached 2.8.0 since 14:02 UTC; 1 request has failed so far.",
        ),
        (
            NOWHERE | {"failed": 1204},
            "Checkout requests reached 2.8.0; 1,204 requests failed. We do not know yet how many requests reached it.",
        ),
        ({"peak": 0.0, "exposed_from": None}, "No Checkout request reached 2.8.0."),
        ({"peak": 0.02}, "Up to 0.02 % of Checkout requests have reached 2.8.0 since 14:02 UTC; "
                         "we do not know yet how many failed."),
        (
            UNTIL | YESTERDAY,
            "Up to 5 % of Checkout requests reached 2.8.0 from 23:50 UTC on 21 November 2026 to 14:09 UTC on "
            "22 November 2026; we do not know yet how many failed.",
        ),
        (
            UNTIL | {"exposed_from": UNTIL["exposed_until"]},
            "Up to 5 % of Checkout requests reached 2.8.0 at 14:09 UTC; we do not know yet how many failed.",
        ),
    ],
)  # fmt: skip
def test_the_impact_is_said_exactly(known: dict[str, object], sentence: str) -> None:
    body = to_text(TEMPLATES.render("incident.identified", {**ONGOING, **known}, public=True).body)
    assert f"How far it went. {sentence}\n" in body


def test_without_a_rollout_the_sentence_is_about_requests_only() -> None:
    facts = next(case.facts for case in CASES if str(case) == "incident.identified.no-rollout")
    body = to_text(TEMPLATES.render("incident.identified", facts, public=True).body)
    assert "How far it went. We do not know yet how many Checkout requests failed.\n" in body
    counted = to_text(TEMPLATES.render("incident.identified", {**facts, "failed": 12}, public=True).body)
    assert "How far it went. 12 Checkout requests failed.\n" in counted
