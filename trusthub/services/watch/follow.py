"""Following one kind of object: list, then watch from there, and list anew when that is too long ago.

See https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes.
"""

import random
import threading
import time
from collections.abc import Iterator
from typing import Protocol

import structlog

from trusthub.services.watch.book import Book
from trusthub.services.watch.resources import Gone, Missing, Resource, Thing, Unreachable

log = structlog.get_logger()

STREAM = 240
"""Seconds after which the server ends a stream. Proxies cut longer ones without a word."""
ABSENT = 300.0
"""Seconds until a kind that is not installed is looked for again."""
_SHORT = 0.5
_FIRST, _LONGEST = 0.5, 60.0
"""Seconds to pause after a failure: twice as long each time, up to the longest."""


class Api(Protocol):
    """What is asked of a cluster."""

    def list(self, resource: Resource, namespace: str | None, selector: str | None) -> tuple[list[Thing], str]: ...

    def watch(
        self, resource: Resource, namespace: str | None, selector: str | None, *, version: str, seconds: int
    ) -> Iterator[tuple[str, Thing]]: ...


def pause(failures: int) -> float:
    """Return for how many seconds to wait after so many failures in a row: half of it by chance."""
    longest = min(_LONGEST, _FIRST * 2.0 ** min(failures, 16))
    return longest * random.uniform(0.5, 1)  # noqa: S311 -- it only spreads the load


class Follower:
    """Follows one kind in one namespace, or in all."""

    def __init__(
        self,
        api: Api,
        book: Book,
        resource: Resource,
        *,
        namespace: str | None = None,
        selector: str | None = None,
        stream: int = STREAM,
        absent: float = ABSENT,
    ) -> None:
        self.resource, self.listed = resource, threading.Event()
        self._api, self._book, self._namespace, self._selector = api, book, namespace, selector
        self._stream, self._absent = stream, absent
        self._version = ""
        self._said = ""

    def run(self, stop: threading.Event) -> None:
        """Follow until `stop` is set."""
        failures = 0
        while not stop.is_set():
            try:
                if not self._version:
                    self.list()
                began = time.monotonic()
                heard = self._watch(stop)
                self._said = ""
                # A server, or a proxy, that ends every stream at once must not be asked without end.
                failures = 0 if heard or time.monotonic() - began > _SHORT else failures + 1
                stop.wait(pause(failures) if failures else 0)
            except Gone as error:
                log.info("watch.relist", kind=self.resource.kind, reason=str(error))
                self._version = ""
                stop.wait(pause(failures) if failures else 0)
                failures += 1
            except Missing:
                self._version = ""
                self._say(f"{self.resource.kind} is not installed here.")
                self.listed.set()
                stop.wait(self._absent)
            except Unreachable as error:
                self._say(str(error))
                stop.wait(pause(failures))
                failures += 1

    def list(self) -> int:
        """Take in everything there is, as retold; return how many."""
        things, version = self._api.list(self.resource, self._namespace, self._selector)
        self._book.keep_only(self.resource.kind, self._namespace, things)
        for thing in things:
            self._book.take("ADDED", thing, retold=True)
        self._version = version
        self.listed.set()
        return len(things)

    def _watch(self, stop: threading.Event) -> int:
        """Take in what changes until the stream ends; return how much. What was taken in is not asked for again."""
        heard = 0
        for happening, thing in self._api.watch(
            self.resource, self._namespace, self._selector, version=self._version, seconds=self._stream
        ):
            if stop.is_set():
                break
            heard += 1
            if happening != "BOOKMARK":
                self._book.take(happening, thing)
            self._version = thing["metadata"]["resourceVersion"]
        return heard

    def _say(self, words: str) -> None:
        """Log a trouble once, and not at each try."""
        if words != self._said:
            log.warning("watch.trouble", kind=self.resource.kind, namespace=self._namespace, reason=words)
        self._said = words
