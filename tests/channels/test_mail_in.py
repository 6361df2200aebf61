"""What mail programs make of an answer, and what somebody makes who wants to keep us busy."""

import time

import pytest

from trusthub.channels import mail_in
from trusthub.errors import PayloadError

ANSWERS = {
    "gmail": "It fails.\n\nOn Mon, Mar 2, 2026 at 2 PM Acme status <\nreply+abc@in.acme.example> wrote:\n\n> Hello\n",
    "german": "It fails.\r\n\r\nAm Mo., 2. März 2026 um 14:02 schrieb Acme <a@b.example>:\r\n\r\n> Guten Tag\r\n",
    "outlook": f"It fails.\n\n{'_' * 32}\nFrom: Acme <a@b.example>\nSent: Monday\nTo: Ana\nSubject: RE: x\n\nHello",
    "outlook-german": "It fails.\n\nVon: Acme\nGesendet: Montag\nAn: Ana\nBetreff: Checkout\n\nGuten Tag",
    "signature": "It fails.\n\n-- \nAna\nCustomer Inc.",
    "bare": "It fails.",
}


@pytest.mark.parametrize("name", ANSWERS)
def test_only_what_was_typed_is_left(name: str) -> None:
    assert mail_in.typed(ANSWERS[name]) == "It fails."


def test_answers_between_the_lines_stay_whole() -> None:
    assert mail_in.typed("> Did it work?\nNo.\n> And now?\nNo.") == "> Did it work?\nNo.\n> And now?\nNo."


@pytest.mark.parametrize(
    "text", ["On ", "Am ", ">\n", "From: a\n", "x: y\n", "<", "&", "<div", "<br", "On Mon wrote\n"]
)
def test_no_mail_keeps_us_busy(text: str) -> None:
    began = time.process_time()
    mail_in.typed(text * 300_000)
    mail_in._words_of(text * 300_000)
    assert time.process_time() - began < 4


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data"),
        (b"", "application/json"),
        (b"--b\r\n", "multipart/form-data; boundary=b"),
        (
            b'--b\r\nContent-Disposition: form-data; name="headers"\r\n\r\nx\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
        (b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' * 200, "multipart/form-data; boundary=b"),
    ],
)
def test_what_is_no_mail_is_said_to_be_none(body: bytes, kind: str) -> None:
    with pytest.raises(PayloadError):
        mail_in.posted(body, kind)
