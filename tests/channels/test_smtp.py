"""smtplib against a mail server on loopback."""

import smtplib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import goldens
from tests.channels.conftest import TO_MAIL, Compose
from tests.providers import Smtp, SmtpFault
from tests.providers.smtp import PASSWORD
from trusthub.channels import mail, smtp, smtp_errors, smtp_letter, smtp_server
from trusthub.channels.base import Outbound
from trusthub.errors import DeliveryError, PlaybookError

SENDER = mail.Sender("Acme Status", "status@acme.example")


def channel(url: str) -> smtp.Smtp:
    return smtp.Smtp(server=smtp_server.read(url), sender=SENDER, timeout=0.4)


def letter(outbound: Outbound, sender: mail.Sender = SENDER) -> bytes:
    return smtp_letter.message(outbound, sender, mail.headers(outbound, sender.domain)).as_bytes()


def test_a_mail_arrives_as_text_and_html_with_its_headers(smtp_provider: Smtp, to_mail: Compose) -> None:
    receipt = channel(smtp_provider.url).send(to_mail(text="Grüße.\nNext update by 14:36 UTC. 🚨"))
    (message,) = smtp_provider.wait_for(1)
    assert (receipt.ref, receipt.status) == (message["Message-ID"], 250)
    headers = {name: value for name, value in message.items() if not name.startswith("Content")}
    goldens.check_json("channels/smtp_headers.json", headers)
    plain, html = message.iter_parts()
    assert plain.get_content().splitlines() == ["Grüße.", "Next update by 14:36 UTC. 🚨"]
    assert html.get_content_type() == "text/html"
    assert html.get_content().splitlines() == [TO_MAIL.html]


def test_the_line_of_the_unsubscribe_button_is_not_wrapped_or_encoded(to_mail: Compose) -> None:
    raw = letter(to_mail())
    assert f"\r\nList-Unsubscribe: <{TO_MAIL.unsubscribe_url}>\r\n".encode() in raw


def test_later_mails_answer_the_conversation(smtp_provider: Smtp, to_mail: Compose) -> None:
    ref = channel(smtp_provider.url).send(to_mail()).ref
    channel(smtp_provider.url).send(to_mail(key="delivery-8", parent=ref, reply_to=None, html=""))
    first, second = smtp_provider.wait_for(2)
    assert first["References"] == second["References"] == second["In-Reply-To"]
    assert first["In-Reply-To"] is None
    assert second["Reply-To"] is None
    assert second.get_content_type() == "text/plain"


@given(subject=st.text(max_size=2000), name=st.text(alphabet=st.characters(exclude_categories=["C", "Z"])))
def test_no_subject_and_no_name_can_add_a_header(subject: str, name: str) -> None:
    outbound = TO_MAIL.__class__(key="k", to="a@b.example", subject=subject, text="", html="", slack="")
    raw = letter(outbound, mail.Sender(name, "s@a.example"))
    head = raw.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith(b" ")]
    expected = ["From", "To", "Subject", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress"]
    body = ["Content-Type", "Content-Transfer-Encoding", "MIME-Version"]
    assert names == [name.encode() for name in expected + body]
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")


@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(("reply", "permanent"), [("451 4.3.0 Try later", False), ("550 5.1.1 No such user", True)])
def test_4xx_passes_and_5xx_does_not(
    smtp_provider: Smtp, to_mail: Compose, at: str, reply: str, *, permanent: bool
) -> None:
    smtp_provider.fail(SmtpFault(at, reply))  # type: ignore[arg-type]
    error = refusal_of(smtp_provider.url, to_mail)
    assert (error.permanent, error.status, error.ambiguous) == (permanent, int(reply[:3]), False)
    assert reply[4:] in str(error)
    assert smtp_provider.messages == []


def test_the_servers_words_are_quoted_without_the_customers_address(smtp_provider: Smtp, to_mail: Compose) -> None:
    smtp_provider.fail(SmtpFault("RCPT", f"550 <{TO_MAIL.to}>: no such user"))
    error = refusal_of(smtp_provider.url, to_mail)
    assert str(error) == "The mail server refused the mail (550): <the address>: no such user"


@pytest.mark.parametrize(
    "fault", [SmtpFault("DATA", accept=True), SmtpFault("DATA", accept=True, hang=True), SmtpFault("DATA", hang=True)]
)
def test_without_an_answer_the_mail_may_be_out(smtp_provider: Smtp, to_mail: Compose, fault: SmtpFault) -> None:
    smtp_provider.fail(fault)
    error = refusal_of(smtp_provider.url, to_mail)
    assert (error.permanent, error.ambiguous) == (False, True)
    assert len(smtp_provider.messages) == fault.accept


def test_a_server_that_cannot_be_reached_has_taken_nothing(to_mail: Compose) -> None:
    with Smtp() as gone:
        pass
    error = refusal_of(gone.url, to_mail)
    assert (error.permanent, error.ambiguous) == (False, False)
    assert "cannot be reached" in str(error)


@pytest.mark.parametrize("error", [smtplib.SMTPConnectError(421, b"busy"), smtplib.SMTPServerDisconnected("gone")])
def test_a_server_that_is_not_ready_has_taken_nothing(error: smtplib.SMTPException) -> None:
    failure = smtp_errors.connection(error)
    assert (failure.permanent, failure.ambiguous) == (False, False)


@pytest.fixture(params=["none", "starttls", "smtps"])
def locked(request: pytest.FixtureRequest) -> Iterator[Smtp]:
    with Smtp(request.param, login=True) as provider:
        yield provider


def test_it_encrypts_where_it_can_and_logs_in(locked: Smtp, to_mail: Compose) -> None:
    channel(locked.url).send(to_mail())
    assert len(locked.wait_for(1)) == len(locked.logins) == 1


def test_a_wrong_password_is_told_and_not_shown(to_mail: Compose) -> None:
    with Smtp("starttls", login=True) as provider:
        error = refusal_of(provider.url.replace("correct", "wr0ng"), to_mail)
    assert (error.permanent, error.status) == (True, 535)
    assert "TRUSTHUB_SMTP_URL" in str(error)
    assert "wr0ng" not in str(error)


def test_no_password_travels_in_the_clear(to_mail: Compose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_server.Server, "here", property(lambda _server: False))
    with Smtp(login=True) as provider:
        error = refusal_of(provider.url, to_mail)
    assert error.permanent
    assert "smtps://" in str(error)
    assert provider.logins == []


def test_a_certificate_from_nobody_is_refused_except_on_this_machine(
    to_mail: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_server.Server, "here", property(lambda _server: False))
    with Smtp("smtps") as provider:
        error = refusal_of(provider.url, to_mail)
    assert "CERTIFICATE_VERIFY_FAILED" in str(error)
    assert not error.ambiguous


def test_a_login_that_the_server_does_not_offer_is_told(to_mail: Compose) -> None:
    with Smtp() as provider:
        error = refusal_of(provider.url.replace("//", "//user:secret@"), to_mail)
    assert error.permanent
    assert "no login" in str(error)


def test_a_domain_with_other_letters_is_written_as_mail_servers_know_it(smtp_provider: Smtp, to_mail: Compose) -> None:
    channel(smtp_provider.url).send(to_mail(to="ana@bücher.example"))
    assert smtp_provider.wait_for(1)[0]["To"] == "ana@xn--bcher-kva.example"


def test_a_mail_that_was_taken_stays_taken_when_the_farewell_fails(
    smtp_provider: Smtp, to_mail: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_client: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("smtplib.SMTP.quit", fail)
    assert channel(smtp_provider.url).send(to_mail()).status == 250


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", smtp_server.Server("mail.example", 587, tls=False)),
        ("smtps://mail.example", smtp_server.Server("mail.example", 465, tls=True)),
        ("smtp://a%40b:p%3Aw@[::1]:2525", smtp_server.Server("::1", 2525, False, "a@b", "p:w")),
    ],
)
def test_the_address_of_a_server_is_read(url: str, server: smtp_server.Server) -> None:
    assert smtp_server.read(url) == server


@pytest.mark.parametrize(
    "url", ["", "mail.example:25", "http://a.example:25", "smtp://", "smtp://a:s3cret@b:port", "smtp://[s3cret"]
)
def test_a_wrong_address_is_told_and_not_shown(url: str) -> None:
    with pytest.raises(PlaybookError, match="TRUSTHUB_SMTP_URL") as failed:
        smtp_server.read(url)
    assert "s3cret" not in str(failed.value)


def test_a_server_is_printed_without_its_password() -> None:
    assert PASSWORD not in repr(smtp_server.Server("a", 1, tls=True, user="u", password=PASSWORD))


@pytest.mark.parametrize(
    ("host", "here"), [("localhost", True), ("127.0.0.9", True), ("::1", True), ("mail.example", False)]
)
def test_loopback_is_here(host: str, *, here: bool) -> None:
    assert smtp_server.Server(host, 25, tls=False).here is here


def refusal_of(url: str, compose: Compose, **changes: object) -> DeliveryError:
    with pytest.raises(DeliveryError) as failed:
        channel(url).send(compose(**changes))
    return failed.value
