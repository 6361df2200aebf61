"""Reading what a gate is asked: the tools that ask are those that report, and say nearly the same."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from trusthub.domain import gate as rules
from trusthub.domain.events import Phase, RolloutEvent
from trusthub.domain.gate import Glass
from trusthub.domain.site import Gate, GateKind
from trusthub.errors import PayloadError, SignatureError
from trusthub.sources import flagger
from trusthub.sources.base import Inbound, Payload, verify_hmac, verify_token
from trusthub.sources.generic import Generic
from trusthub.sources.github import GitHub


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The rollout that a gate is asked about, as if it were announced."""

    event: RolloutEvent
    glass: Glass | None = None
    """Who lets it pass without waiting, and why."""
    body: bytes = b""


def verify(gate: Gate, inbound: Inbound) -> None:
    """Accept what one of the gate's secrets shows to be authentic. Raises SignatureError otherwise."""
    if not gate.secret:
        raise SignatureError("This gate has no secret. Set the variable that site.yaml names.")
    for secret in gate.secret:
        with suppress(SignatureError):
            _verify(gate, inbound, secret)
            return
    raise SignatureError(f"This is not the secret of this gate. {_PROOF[gate.kind is GateKind.GITHUB_PROTECTION]}")


_PROOF = {
    False: "Send it as `Authorization: Bearer <secret>`, or as the last part of the address.",
    True: "The webhook of the GitHub App must sign with it (X-Hub-Signature-256).",
}


def _verify(gate: Gate, inbound: Inbound, secret: str) -> None:
    if gate.kind is GateKind.GITHUB_PROTECTION:
        verify_hmac(inbound, secret, header="x-hub-signature-256", prefix="sha256=")
    else:
        verify_token(inbound, secret)


def read(gate: Gate, inbound: Inbound, query: Mapping[str, str]) -> Asked:
    """Return what is asked, by the body and the address. Raises PayloadError naming the place and the cure."""
    asked = _READ[gate.kind](inbound, query)
    event = asked.event
    names = (gate.component,) if gate.component else event.names
    if not names:
        raise PayloadError("Say which rollout: send `component`, or `namespace` and `name`.")
    event = replace(event, names=names, environment=event.environment or gate.environment)
    return replace(asked, event=event, glass=asked.glass or rules.listed(event.to_version, gate), body=inbound.body)


def _flagger(inbound: Inbound, _query: Mapping[str, str]) -> Asked:
    """Read a `confirm-rollout` or `rollback` hook. Its metadata are strings."""
    said, event = inbound.json(), flagger.asked(inbound)
    goes_back = said.optional_text("metadata", "rollback") == "true"
    return Asked(event=replace(event, rollback=goes_back), glass=_glass(said, "metadata", "break_glass"))


def _github(inbound: Inbound, _query: Mapping[str, str]) -> Asked:
    """Read a protection rule: its deployment is the one that the event `deployment` tells of."""
    (event,) = GitHub().parse(replace(inbound, headers={**inbound.headers, "x-github-event": "deployment"}))
    return Asked(event=replace(event, phase=Phase.PLANNED))


def _generic(inbound: Inbound, _query: Mapping[str, str]) -> Asked:
    """Read our own contract, without an event, and with who lets it pass."""
    said = inbound.json()
    contract = {key: value for key, value in said.value.items() if key != "break_glass"}
    body = json.dumps({**contract, "event": "rollout.planned"}).encode()
    (event,) = Generic().parse(replace(inbound, body=body))
    if not isinstance(event, RolloutEvent):
        raise PayloadError("A gate is asked about a rollout.")
    return Asked(event=event, glass=_glass(said, "break_glass"))


def _argo(inbound: Inbound, query: Mapping[str, str]) -> Asked:
    """Read which rollout a metric is about, from the address or a JSON body: Argo fills in the arguments of both."""
    said = Payload({**(inbound.json().value if inbound.body else {}), **query})
    namespace, name = said.optional_text("namespace"), said.optional_text("name")
    known_as = (said.optional_text("component"), f"{namespace}/{name}" if namespace and name else None, name)
    event = RolloutEvent(
        kind="metric",
        names=tuple(filter(None, known_as)),
        attempt="",
        occurred_at=inbound.received_at,
        duplicate_key="",
        environment=said.optional_text("environment"),
        namespace=namespace,
    )
    return Asked(event=event)


def _glass(said: Payload, *keys: str) -> Glass | None:
    words = said.optional_text(*keys)
    glass = rules.broken(words) if words else None
    if words and glass is None:
        raise PayloadError(f"{'.'.join(keys)} must say who and why, such as `Mira: payments fail`, not {words!a:.60}.")
    return glass


_READ: Mapping[GateKind, Callable[[Inbound, Mapping[str, str]], Asked]] = {
    GateKind.FLAGGER_CONFIRM: _flagger,
    GateKind.FLAGGER_ROLLBACK: _flagger,
    GateKind.ARGO_METRIC: _argo,
    GateKind.GITHUB_PROTECTION: _github,
    GateKind.GENERIC: _generic,
}
