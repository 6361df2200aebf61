"""What a mail server's refusals mean: 4xx passes, 5xx does not (RFC 5321, 4.2.1), and silence may mean either."""

import smtplib
from collections.abc import Callable
from typing import TypeVar

from trusthub.errors import DeliveryError

_PERMANENT = 500
_LOGIN = "The mail server does not accept the user and password of TRUSTHUB_SMTP_URL."
_NO_LOGIN = "The mail server offers no login that we know. Correct or remove the user in TRUSTHUB_SMTP_URL."

Result = TypeVar("Result")


def attempt(step: Callable[[], Result], judge: Callable[[Exception], DeliveryError]) -> Result:
    """Take a step, and turn smtplib's errors into DeliveryError."""
    try:
        return step()
    except (smtplib.SMTPException, OSError) as error:
        failure = judge(error)
    raise failure  # out here, so that it does not carry smtplib's, which holds the addresses


def connection(error: Exception) -> DeliveryError:
    """Judge what went wrong before the mail was begun: it is certainly not sent."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        # Its words are left out: some servers repeat the user's name.
        return DeliveryError(_LOGIN, permanent=error.smtp_code >= _PERMANENT, status=error.smtp_code)
    if isinstance(error, smtplib.SMTPResponseException):
        return DeliveryError(f"The mail server is not ready ({error.smtp_code}).", status=error.smtp_code)
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return DeliveryError("The mail server closed the connection.")
    if isinstance(error, smtplib.SMTPException):  # plain, or SMTPNotSupportedError: from login(), both of them
        return DeliveryError(_NO_LOGIN, permanent=True)
    return DeliveryError(f"The mail server cannot be reached: {error}.")


def begun(error: Exception) -> DeliveryError:
    """Judge why the server takes no mail from us: nothing has been handed over."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _refusal(error.smtp_code, error.smtp_error, "")
    return DeliveryError(f"The mail server closed the connection ({type(error).__name__}).")


def mail(error: Exception, to: str) -> DeliveryError:
    """Judge what went wrong while the server could take the mail."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _refusal(error.smtp_code, error.smtp_error, to)
    text = f"The mail server got the mail, and no answer came back ({type(error).__name__})."
    return DeliveryError(text, ambiguous=True)


def _refusal(code: int, words: bytes | str, to: str) -> DeliveryError:
    """Quote the server, which knows best, but not the customer's address: errors are kept longer than addresses."""
    said = words.decode(errors="replace") if isinstance(words, bytes) else words
    said = " ".join((said.replace(to, "the address") if to else said).split())[:300]
    return DeliveryError(
        f"The mail server refused the mail ({code}): {said}", permanent=code >= _PERMANENT, status=code
    )
