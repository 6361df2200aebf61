"""The one way to get a document from outside: what a signature refers to, and what a sender asks us to confirm.

Callers check the address first, by the name of whose it must be. Inside a network of Amazon's that name may stand for
a private address, which its certificate vouches for. Redirects are not followed.
"""

from http import HTTPStatus

from trusthub.channels.http import Door, HttpError
from trusthub.errors import TrusthubError

LARGEST = 64 * 1024
"""Bytes. A certificate has two or three thousand."""
DOOR = Door(private=True, timeout=5)


class FetchError(TrusthubError):
    """A document could not be got. That may pass: the sender should try again."""


def get(url: str) -> bytes:
    """Return what is at an https address, at most LARGEST bytes, within about five seconds.

    Raises FetchError for anything but a complete answer with status 200 from whom the certificate names.
    """
    if not url.startswith("https://"):
        message = f"{url:.200} is not fetched, because it is not https."
        raise FetchError(message)
    try:
        answer = DOOR.get(url, largest=LARGEST)
    except HttpError as error:
        message = f"{url:.200} cannot be fetched: {error}"
        raise FetchError(message) from error
    if answer.status != HTTPStatus.OK:
        message = f"{url:.200} cannot be fetched: status {answer.status}."
        raise FetchError(message)
    return answer.body
