"""Traces through OpenTelemetry (an extra). Imported only where TRUSTHUB_OTEL_URL is set."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from trusthub import __version__
from trusthub.services.tracing import HERE, Fact, Note


class Otel:
    """Sends spans to a collector, in batches and from a thread of its own: nobody waits for it."""

    def __init__(self, url: str) -> None:
        """`url` takes OTLP over HTTP, such as `http://collector:4318/v1/traces`."""
        resource = Resource.create({"service.name": "trusthub", "service.version": __version__})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
        self._tracer = self._provider.get_tracer("trusthub", __version__)
        self._w3c = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, *, parent: str = "", **facts: Fact) -> Iterator[Note]:
        """Trace a block. Of an error it says that there was one: its text may hold an address."""
        above = self._w3c.extract({"traceparent": parent}) if parent else None
        with self._tracer.start_as_current_span(
            name, above, attributes=_named(facts), record_exception=False, set_status_on_exception=False
        ) as made:
            place: dict[str, str] = {}
            self._w3c.inject(place)
            before = HERE.set(place.get("traceparent", ""))
            try:
                yield lambda **more: made.set_attributes(_named(more))
            except BaseException:
                made.set_status(Status(StatusCode.ERROR))
                raise
            finally:
                HERE.reset(before)

    def flush(self) -> None:
        """Hand over what has not left yet."""
        self._provider.force_flush(5000)  # milliseconds


def _named(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {f"trusthub.{name}": value for name, value in facts.items()}
