"""CDEvents 0.3 to 0.5 over CloudEvents, in any of the shapes that real senders use.

Binary: the event is the body, its envelope is in `ce-*` headers. Structured: the event is `data` of an envelope; some
senders call that plain `application/json`, so the shape is asked and not the Content-Type. Bare: no envelope at all.
See https://github.com/cdevents/spec/blob/v0.5.1/cloudevents-binding.md.
"""

import re
from urllib.parse import unquote

from trusthub.domain.events import AlertEvent, Phase, RolloutEvent, SourceEvent, Strategy
from trusthub.errors import UnknownEventError
from trusthub.sources.base import Inbound, Payload, succeeded, verify_token, web_links
from trusthub.sources.versions import of_package

TYPES: dict[str, Phase | None] = {
    "service.deployed": Phase.COMPLETED,
    "service.upgraded": Phase.COMPLETED,
    "service.rolledback": Phase.ROLLED_BACK,
    "service.published": None,  # reachable from outside, perhaps for the first time: no version moved
    "service.removed": None,
    "pipelinerun.queued": Phase.STARTED,
    "pipelinerun.started": Phase.STARTED,
    "pipelinerun.finished": None,  # by its outcome
}
"""By subject and predicate. The specification has no type for a rollout under way, nor for a rollback that starts."""

INCIDENTS = {"incident.detected": True, "incident.reported": True, "incident.resolved": False}
"""Alerts, in this specification's words: whether they begin or end."""

OUTCOMES = {
    "success": Phase.COMPLETED,
    "failure": Phase.FAILED,  # of a pipeline, which is no sign of harm
    "error": Phase.FAILED,
    "cancel": Phase.FAILED,
}
"""Before 0.4 an outcome could be any text; the rest says nothing about the phase."""

TYPE = re.compile(r"dev\.cdevents\.(?P<kind>[a-z]+\.[a-z]+)(\.|$)", re.ASCII)


class CDEvents:
    """Anything that speaks CDEvents. Other CloudEvents are kept, and mean nothing here."""

    name = "cdevents"
    event_types = frozenset({*TYPES, *INCIDENTS})
    headers = frozenset({"content-type", "ce-type", "ce-id", "ce-source", "ce-specversion", "ce-time", "ce-subject"})

    def verify(self, inbound: Inbound, secret: str) -> None:
        verify_token(inbound, secret)

    def parse(self, inbound: Inbound) -> list[SourceEvent]:
        kind = unquote(inbound.headers.get("ce-type", ""))
        if kind and not TYPE.match(kind):
            raise UnknownEventError(kind)  # its body may be anything
        body = inbound.json()
        structured = not kind and all(isinstance(body.value.get(key), str) for key in ("specversion", "type", "source"))
        kind = kind or (body.text("type") if structured else body["context"].text("type"))
        found = TYPE.match(kind)
        if not found or found["kind"] not in self.event_types:
            raise UnknownEventError(kind)
        read = _alert if found["kind"] in INCIDENTS else _read
        return [read(found["kind"], body["data"] if structured else body, inbound)]


def _alert(kind: str, event: Payload, inbound: Inbound) -> AlertEvent:
    context, subject = event["context"], event["subject"]
    content = subject.get("content") or Payload({}, "subject.content")
    identity = subject.text("id")
    return AlertEvent(
        kind=kind,
        names=tuple(dict.fromkeys(filter(None, (content.optional_text("service", "id"), identity)))),
        alert=identity,
        firing=INCIDENTS[kind],
        occurred_at=context.time("timestamp") or inbound.received_at,
        duplicate_key=f"{context.text('source')} {context.text('id')}",
        title=content.optional_text("description") or "",
        environment=content.optional_text("environment", "id"),
        links=web_links(("Ticket", content.optional_text("ticketURI"))),
    )


def _read(kind: str, event: Payload, inbound: Inbound) -> RolloutEvent:
    context, subject = event["context"], event["subject"]
    content = subject.get("content") or Payload({}, "subject.content")
    extra = event.get("customData") or Payload({})  # it may also be base64 text of any type
    phase, exposure = _progress(kind, content, extra)
    artifact = content.optional_text("artifactId")
    environment = content.optional_text("environment", "id")
    said = extra.hint("strategy")
    return RolloutEvent(
        kind=kind,
        names=_names(kind, subject, content),
        attempt=_attempt(kind, context, subject, environment, of_package(artifact) or artifact),
        occurred_at=context.time("timestamp") or inbound.received_at,
        duplicate_key=f"{context.text('source')} {context.text('id')}",  # the pair is unique, says CloudEvents
        phase=phase,
        strategy=Strategy(said) if said in set(Strategy) else Strategy.UNKNOWN,
        environment=environment,
        from_version=extra.hint("fromVersion"),
        to_version=of_package(artifact),
        artifact=artifact,
        exposure=exposure,
        rollback=kind == "service.rolledback",
        reason=extra.hint("reason") or content.optional_text("errors") or content.optional_text("description") or "",
        links=web_links(
            ("Pipeline run", content.optional_text("uri") or content.optional_text("url")),
        ),
    )


def _names(kind: str, subject: Payload, content: Payload) -> tuple[str, ...]:
    name = content.optional_text("pipelineName") if kind.startswith("pipelinerun.") else None
    return tuple(dict.fromkeys(filter(None, (name, subject.text("id")))))


def _attempt(kind: str, context: Payload, subject: Payload, environment: str | None, version: str | None) -> str:
    """Return what groups events: the chain that the sender names, for one version of one service in one environment.

    Without a chain a service event is an attempt of its own. CDEvents reports the end and never the start, so there is
    nothing to group; and a version that is deployed again must not be taken for its first deployment, because that is
    how a rollback looks.
    """
    if kind.startswith("pipelinerun."):
        return "/".join((context.text("source"), subject.text("id")))
    chain = context.optional_text("chainId") if kind != "service.rolledback" else None
    own = f"{context.text('source')}/{context.text('id')}"
    return "/".join(filter(None, (chain or own, subject.text("id"), environment, version)))


def _progress(kind: str, content: Payload, extra: Payload) -> tuple[Phase | None, float | None]:
    phase, share = TYPES[kind], extra.percent_hint("exposure")
    if kind == "pipelinerun.finished":
        return OUTCOMES.get(content.optional_text("outcome") or ""), None
    return succeeded(share) if phase is Phase.COMPLETED else (phase, None)
