"""Traces from a tool's request to the provider's answer. Off unless TRUSTHUB_OTEL_URL says where they go (`otel.py`).

The place in a trace is kept with each delivery, so that whichever process sends it, and whenever, goes on there. Names
and numbers of rows are all that a span says: no address, no words, no secret, no text of an error.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from trusthub.errors import PlaybookError

Fact = str | int
Note = Callable[..., None]
"""Takes what was found out meanwhile, as keywords."""
HERE: ContextVar[str] = ContextVar("traceparent", default="")
"""The span that we are in, as W3C Trace Context writes it; empty where there is none."""
_KEY = "trace"


class Traces(Protocol):
    """Where spans go."""

    def span(self, name: str, *, parent: str = "", **facts: Fact) -> AbstractContextManager[Note]:
        """Trace a block, below `parent` or the span that we are in."""

    def flush(self) -> None:
        """Hand over what has not left yet, because the process ends."""


class _Off:
    @contextmanager
    def span(self, name: str, *, parent: str = "", **facts: Fact) -> Iterator[Note]:  # noqa: ARG002 -- as the protocol
        yield _nothing

    def flush(self) -> None:
        """Nothing waits."""


OFF: Traces = _Off()


def begin(url: str) -> Traces:
    """Return where spans go. Off costs nothing: the libraries are imported only where they are wanted."""
    if not url:
        return OFF
    try:
        from trusthub.services.otel import Otel  # noqa: PLC0415 -- an extra
    except ModuleNotFoundError as error:
        missing = "TRUSTHUB_OTEL_URL is set, but OpenTelemetry is not installed. Run: pip install 'trusthub[otel]'"
        raise PlaybookError(missing) from error
    return Otel(url)


def carrying(content: dict[str, Any]) -> dict[str, Any]:
    """Return the frozen form of a message with the place in the trace that it belongs to, if there is one."""
    here = HERE.get()
    return {**content, _KEY: here} if here else content


def carried(content: dict[str, Any]) -> str:
    """Return that place."""
    return str(content.get(_KEY, ""))


def _nothing(**facts: Fact) -> None:
    """Note nothing."""
