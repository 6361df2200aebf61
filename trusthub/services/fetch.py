"""The one way to get a document from outside: what a signature refers to, and what a sender asks us to confirm.

Callers check the address first. Redirects are not followed, and no proxy is taken from the environment.
"""

import ssl
from http import HTTPStatus

import urllib3

from trusthub.errors import TrusthubError

LARGEST = 64 * 1024
"""Bytes. A certificate has two or three thousand."""
_TIMEOUT = urllib3.Timeout(total=5)


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
        with urllib3.PoolManager(ssl_context=ssl.create_default_context()) as pool:
            answer = pool.request("GET", url, timeout=_TIMEOUT, retries=False, redirect=False, preload_content=False)
            found = answer.read(LARGEST + 1, decode_content=False)
            found += answer.read(1, decode_content=False)  # raises, if what came was cut short
            answer.close()
    except urllib3.exceptions.HTTPError as error:
        message = f"{url:.200} cannot be fetched: {error}"
        raise FetchError(message) from error
    if answer.status != HTTPStatus.OK or len(found) > LARGEST:
        message = f"{url:.200} cannot be fetched: status {answer.status}, {len(found)} bytes."
        raise FetchError(message)
    return found
