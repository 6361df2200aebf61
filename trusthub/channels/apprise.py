"""Teams, Discord, Google Chat, Telegram, SMS and a hundred more, through the library apprise (an extra).

An address of apprise is a secret: messages, errors and logs call the destination by its name.
"""

import importlib
import logging
from collections.abc import Mapping
from typing import Any

from trusthub.channels.base import TIMEOUT, Outbound, Receipt
from trusthub.channels.splitting import pages
from trusthub.domain.destination import Destination
from trusthub.errors import DeliveryError, PlaybookError

# They write bodies, addresses and what services answer, at DEBUG and above. DeliveryError says what may be said.
for _name in ("apprise", "urllib3.connectionpool"):
    logging.getLogger(_name).disabled = True

_MISSING = "site.yaml names a destination for apprise, which is not installed. Run: pip install 'trusthub[apprise]'"
_UNKNOWN = "site.yaml does not name this destination any more."
_FEWEST = 40
"""Characters of a message that are worth sending."""


class Apprise:
    """Sends through one of apprise's services, each by the name that its lane has."""

    def __init__(self, destinations: Mapping[str, Destination], *, timeout: float = TIMEOUT) -> None:
        """Prepare each service. Raises PlaybookError when the library is missing or cannot read an address."""
        urls = {lane: place.apprise for lane, place in destinations.items() if place.apprise}
        self._library = _library() if urls else None
        self._services = {lane: _service(self._library, lane, url, timeout) for lane, url in urls.items()}

    def send(self, outbound: Outbound) -> Receipt:
        """Send the message, as more than one where the service takes no more at once."""
        service = self._services.get(f"apprise:{outbound.to}")
        if service is None or self._library is None:
            raise DeliveryError(_UNKNOWN, permanent=True)
        parts = _parts(self._library, service, outbound)
        for number, part in enumerate(parts, start=1):
            title = outbound.subject if number == 1 else ""
            self._notify(service, title, part, f"Part {number} of {len(parts)}: " if len(parts) > 1 else "")
        return Receipt(note="" if len(parts) == 1 else f"Sent in {len(parts)} parts.")

    def _notify(self, service: Any, title: str, part: tuple[str, str], which: str) -> None:
        words, kind = part
        try:
            # Ours are short enough; where a service counts differently, it splits again rather than cuts.
            taken = service.notify(body=words, title=title, body_format=kind, overflow="split")
        except Exception as error:  # noqa: BLE001 -- a hundred services raise what they like
            problem = type(error).__name__
        else:
            if taken:
                return
            problem = "it did not take the message, or could not be reached"
        # apprise says yes or no, and not why: an answer that got lost looks the same.
        raise DeliveryError(f"{which}{service.service_name}: {problem}.", ambiguous=True)


def _library() -> Any:
    try:
        return importlib.import_module("apprise")
    except ImportError:
        raise PlaybookError(_MISSING) from None


def _service(library: Any, lane: str, url: str, timeout: float) -> Any:
    asset = library.AppriseAsset(
        app_id="trusthub", app_desc="trusthub", secure_logging=True, storage_mode=library.PersistentStoreMode.MEMORY
    )
    asset.http_redirects = False
    service = library.Apprise.instantiate(url, asset=asset)
    if service is None:
        cure = "Correct the variable; https://github.com/caronc/apprise/wiki has the form for each service."
        raise PlaybookError(f"{lane}: apprise cannot read the address. {cure}")
    # Two times, together ours: apprise has 4 seconds for each, and the address may ask for an hour.
    service.socket_connect_timeout, service.socket_read_timeout = timeout / 2, timeout / 2
    return service


def _parts(library: Any, service: Any, outbound: Outbound) -> list[tuple[str, str]]:
    """Return the message in the form that the service takes, each part with the form's name.

    HTML cannot be cut in two, so a long message to a service that takes HTML goes as text.
    """
    title = 0 if service.title_maxlen else len(outbound.subject) + 2
    room = max(_FEWEST, service.body_maxlen - title)
    kind = service.resolve_format(library.NotifyFormat.MARKDOWN)
    whole = {"html": outbound.html, "markdown": outbound.markdown}.get(kind.value) or outbound.text
    if len(whole) <= room and whole is not outbound.text:
        return [(whole, kind.value)]
    if kind.value == "markdown" and outbound.markdown:
        return [(page, kind.value) for page in pages(outbound.markdown, room, outbound.promise)]
    # Written as HTML, signs become longer.
    room = room // 2 if kind.value == "html" else room
    return [(page, "text") for page in pages(outbound.text, max(_FEWEST, room), outbound.promise)]
