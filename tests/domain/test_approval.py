"""Who is called, what happens when nobody answers, and what makes words others."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from trusthub.domain.approval import ApprovalRule, OnTimeout, differing, digest
from trusthub.domain.roles import Roles

HOLDING, SEND, HOLD = OnTimeout


def rule(**more: object) -> ApprovalRule:
    return ApprovalRule.model_validate({"approvers": ["mira@acme.example", "Jo"], **more})


def test_a_rule_needs_an_approver_and_time_to_answer() -> None:
    assert (rule().within, rule().on_timeout, rule().every) == (timedelta(minutes=5), HOLDING, False)
    assert rule(approvers="Jo").approvers == ("Jo",)
    wrongs: list[dict[str, object]] = [
        {"approvers": []},
        {"within": "30s"},
        {"on_timeout": "publish"},
        {"aprovers": ["Jo"]},
    ]
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            rule(**wrong)


def test_everybody_is_called_twice_in_turn() -> None:
    assert [rule().approver(called) for called in range(5)] == ["mira@acme.example", "Jo"] * 2 + [None]


@pytest.mark.parametrize(
    ("on_timeout", "sound", "told", "deed"),
    [
        (HOLDING, True, False, HOLDING),
        (HOLDING, True, True, HOLD),
        (HOLDING, False, False, HOLDING),
        (SEND, True, False, SEND),
        (SEND, True, True, SEND),
        (SEND, False, False, HOLDING),
        (SEND, False, True, HOLD),
        (HOLD, True, False, HOLD),
        (HOLD, False, False, HOLD),
    ],
)
def test_what_happens_when_nobody_answers(on_timeout: OnTimeout, *, sound: bool, told: bool, deed: OnTimeout) -> None:
    assert rule(on_timeout=on_timeout).at_deadline(sound=sound, told=told) is deed


def test_facts_differ_by_value_and_by_being_there() -> None:
    assert differing({"peak": "5", "failed": "1"}, {"peak": "5", "failed": "1"}) == ()
    assert differing({"peak": "5", "failed": "1"}, {"peak": "25", "task": "pay"}) == ("failed", "peak", "task")


def test_a_hash_stands_for_every_word_in_every_language() -> None:
    words = {"en": {"subject": "Checkout", "body": "We are sorry."}}
    assert digest(words) == digest({"en": {"body": "We are sorry.", "subject": "Checkout"}})
    for other in ("subject", "body"):
        assert digest(words) != digest({"en": {**words["en"], other: "x"}})
    assert digest(words) != digest({**words, "de": words["en"]})


def test_only_a_publisher_publishes_and_only_a_member_id_tells_who_it_is_in_slack() -> None:
    roles = Roles.model_validate({"publisher": ["Mira@acme.example", {"email": "jo@acme.example", "slack": "U02ABC"}]})
    assert roles.publishes("mira@ACME.example")
    assert not roles.publishes("")
    assert not roles.publishes("sam@acme.example")
    assert (roles.address_of("U02ABC"), roles.address_of("U0OTHER"), roles.address_of("")) == (
        "jo@acme.example",
        "",
        "",
    )
    with pytest.raises(ValidationError, match="no member id of Slack"):
        Roles.model_validate({"publisher": [{"email": "jo@acme.example", "slack": "@jo"}]})
