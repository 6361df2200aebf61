"""What the headers of a mail say about who wrote it."""

import pytest

from trusthub.domain.inbound import Fate, Incoming, Mailbox, no_person, says_yes, shown_forged, shown_genuine

BOX = Mailbox("reply@in.acme.example", "acme.example")


def mail(**more: object) -> Incoming:
    made: dict[str, object] = {
        "message_id": "a@b",
        "sender": "ana@customer.example",
        "name": "Ana",
        "text": "x",
        "to": (),
    }
    return Incoming(**{**made, **more})  # type: ignore[arg-type]


def test_a_token_comes_back_from_the_address_that_it_made() -> None:
    assert list(BOX.tokens([BOX.plus("t.k.1.abc"), "reply@in.acme.example", "other+x@in.acme.example"])) == [
        "t.k.1.abc"
    ]
    assert list(BOX.tokens(["reply+x@in.acme.example.evil.example", "reply+x@evil.example"])) == []


@pytest.mark.parametrize(
    ("spf", "dkim", "returns", "expected"),
    [
        ("pass", "none", "ana@customer.example", (True, False)),
        ("pass", "none", "x@evil.example", (False, False)),
        ("fail", "{@customer.example : pass}", "x@list.example", (True, False)),
        ("softfail", "none", "ana@customer.example", (False, True)),
        ("pass", "{@customer.example : fail}", "x@evil.example", (False, True)),
        ("pass", "{@evil.example : pass}", "x@evil.example", (False, False)),
        ("pass", "{@a.example : fail, @customer.example : pass}", "x@a.example", (True, False)),
        ("", "", "", (False, False)),
    ],
)
def test_a_sender_is_vouched_for_by_their_own_domain_only(
    spf: str,
    dkim: str,
    returns: str,
    expected: tuple[bool, bool],
) -> None:
    found = mail(spf=spf, dkim=dkim, returns=returns)
    assert (shown_genuine(found), shown_forged(found)) == expected


def test_a_person_may_call_themselves_anything_but_a_machine() -> None:
    assert no_person(mail()) is None
    assert no_person(mail(sender="postmaster@customer.example")) is Fate.BOUNCE
    assert no_person(mail(headers={"auto-submitted": "auto-generated; x=y"})) is Fate.AUTOMATIC


@pytest.mark.parametrize("words", ["Yes", "yes!", " Ja, danke. ", "Yes, thank you."])
def test_a_yes_is_a_yes_and_no_more(words: str) -> None:
    assert says_yes(words)
    assert not says_yes(f"{words} But it is slow.")
