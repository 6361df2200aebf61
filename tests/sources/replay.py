"""Recorded-to-shape requests of every tool, as they would come over HTTP: headers and body of a fixture file.

A file is named after the event type, then a variant: `on-rollout-aborted.manual.json`. What a tool says in headers is
derived from the name and the body, so the files stay plain bodies.
"""

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from trusthub.domain.events import SourceEvent
from trusthub.errors import UnknownEventError
from trusthub.sources import SOURCES
from trusthub.sources.base import Inbound

FOLDER = Path(__file__).parent
RECEIVED = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
HEADERS = "headers.json"
"""In a fixture folder: what the tool sends in headers, by the first word of an event type, `*` for all of them."""
ENVELOPE = {"id": "ce-id", "source": "ce-source", "type": "ce-type", "timestamp": "ce-time"}


def folder(tool: str) -> Path:
    """Return where a tool's fixtures are."""
    return FOLDER / tool.replace("-", "_")


def fixtures(tool: str) -> list[Path]:
    """Return every single fixture of a tool; the sequences are apart."""
    return sorted(path for path in folder(tool).glob("*.json") if path.name != HEADERS)


def sequences() -> Iterator[tuple[str, str]]:
    """Yield every tool and sequence that there is."""
    for tool in SOURCES:
        yield from ((tool, path.name) for path in sorted((folder(tool) / "sequences").glob("*")))


def sequence(tool: str, name: str) -> list[tuple[dict[str, str], bytes]]:
    """Return the requests of a sequence in order: headers (without a token or signature) and body."""
    paths = sorted((folder(tool) / "sequences" / name).glob("*.json"))
    assert paths, f"There is no sequence {name!r} of {tool}."
    return [(headers(tool, path), path.read_bytes()) for path in paths]


def headers(tool: str, path: Path) -> dict[str, str]:
    """Return the headers that the tool sends with a fixture."""
    stem = path.stem.partition("-")[2] if path.parent != folder(tool) else path.stem
    match tool:
        case "argo-rollouts":
            return {}  # it sends no Content-Type unless it is configured
        case "cdevents" if stem.endswith(".binary"):
            context = json.loads(path.read_bytes())["context"]
            found = {header: quote(context[key], safe="/:?#@=&,;+-._~ ") for key, header in ENVELOPE.items()}
            return {"Content-Type": "application/json", "ce-specversion": "1.0", **found}
        case "cloudevents" if stem.endswith(".binary"):
            words = {
                "ce-type": f"com.acme.{stem.removesuffix('.binary')}",
                "ce-id": stem,
                "ce-time": "2026-03-02T14:01:00Z",
            }
            return {"Content-Type": "application/json", "ce-specversion": "1.0", "ce-source": "/deploy/991", **words}
        case "cdevents" | "cloudevents" if stem.endswith(".structured"):
            return {"Content-Type": "application/cloudevents+json; charset=UTF-8"}
        case _:
            return {"Content-Type": "application/json", **_listed(tool, path, stem)}


def _listed(tool: str, path: Path, stem: str) -> dict[str, str]:
    """Return the headers of `headers.json`, where `{word}` is the event type's first word and `{id}` is the file's."""
    listed = folder(tool) / HEADERS
    if not listed.exists():
        return {}
    said, word = json.loads(listed.read_bytes()), stem.partition(".")[0]
    own = str(uuid.uuid5(uuid.NAMESPACE_URL, str(path.relative_to(FOLDER))))
    return {key: value.format(word=word, id=own) for key, value in {**said.get("*", {}), **said.get(word, {})}.items()}


def kind(tool: str, path: Path) -> str:
    """Return the event type that a fixture's name starts with."""
    stem = path.stem.partition("-")[2] if path.parent != folder(tool) else path.stem
    types = [known for known in SOURCES[tool].event_types if stem == known or stem.startswith(f"{known}.")]
    assert types, f"{path} is named after no event type of {tool}."
    return max(types, key=len)


def inbound(tool: str, path: Path) -> Inbound:
    """Return a fixture as the source gets it."""
    return request(path.read_bytes(), headers(tool, path))


def request(
    body: bytes | Any, header: dict[str, str] | None = None, *, token: str = "", at: datetime = RECEIVED
) -> Inbound:
    """Return a request with a body, written as JSON if it is not bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Inbound(
        body=data, headers={key.lower(): value for key, value in (header or {}).items()}, received_at=at, token=token
    )


def understand(tool: str, inbound_request: Inbound) -> list[SourceEvent]:
    """Return what a source says of a request; nothing, when it does not know the type."""
    try:
        return list(SOURCES[tool].parse(inbound_request))
    except UnknownEventError:
        return []


def sign_github(body: bytes, secret: str) -> str:
    """Return the X-Hub-Signature-256 of a body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
