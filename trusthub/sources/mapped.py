"""A tool whose JSON is read by a map (domain/mapping.py) instead of code.

The maps in `maps/` are sources like any other. `map:` in site.yaml makes one for a tool of which we never heard.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from jmespath.visitor import Options

from trusthub.domain.contract import ALERT_KEYS, ALERTS, KEYS, WORDS
from trusthub.domain.events import SourceEvent
from trusthub.domain.mapping import IGNORE, Map, Reading, search
from trusthub.errors import PayloadError, UnknownEventError
from trusthub.sources import generic
from trusthub.sources.base import TOO_DEEP, Inbound, Payload, verify_hmac_or_token, verify_token, web_links

_SECONDS = 1e11
"""Epoch times above are milliseconds: as seconds it is the year 5138."""


class Mapped:
    """What a map makes of requests."""

    def __init__(self, name: str, found: Map) -> None:
        self.name, self._map = name, found
        self.event_types = frozenset(found.event.table if found.event and found.event.table else WORDS)

    @cached_property
    def headers(self) -> frozenset[str]:
        """As the map says: only what is kept is asked for it."""
        return self._map.headers

    def verify(self, inbound: Inbound, secret: str) -> None:
        signed = self._map.signature
        if signed is None:
            verify_token(inbound, secret)
        else:
            verify_hmac_or_token(inbound, secret, header=signed.header.lower(), prefix=signed.prefix)

    def parse(self, inbound: Inbound) -> Sequence[SourceEvent]:
        try:
            return self._parse(inbound)
        except RecursionError as error:  # what base64 hid may be nested deeper than a body may be
            raise PayloadError(TOO_DEEP) from error

    def _parse(self, inbound: Inbound) -> Sequence[SourceEvent]:
        body, reading = inbound.json().value, Options(custom_functions=Reading(inbound.headers))
        if self._map.body is not None:
            body = search(self._map.body, body, reading)
        word, event = self._event(body, reading)
        if event == IGNORE:
            return []
        component = self._map.component
        names = [_text(name) for name in component.all(body, reading)] if component else []
        if not names:
            message = f"component is missing where the map of {self.name} looks. Correct the map."
            raise PayloadError(message)
        said = self._contract(body, reading, ALERT_KEYS if event in ALERTS else KEYS)
        if isinstance(said.get("id"), str):
            said["id"] = f"{word} {said['id']}"  # many tools give their id to a run, and not to an event
        told = {**said, "event": event, "word": word, "names": names}
        clean = _storable(told)
        return [generic.read(clean, inbound, clean.text("word"), [name.text() for name in clean["names"].items()])]

    def _event(self, body: object, reading: Options) -> tuple[str, str]:
        """Return the tool's word and ours. Raises UnknownEventError when there is no word of ours for it."""
        lookup = self._map.event
        words = lookup.all(body, reading) if lookup else []
        word = str(_text(words[0])) if words else ""
        event = lookup.table.get(word) if lookup and lookup.table else word
        if event not in (*WORDS, IGNORE):
            raise UnknownEventError(_storable(word).optional_text() or "an event without a type")
        return word, event

    def _contract(self, body: object, reading: Options, keys: Sequence[str]) -> dict[str, Any]:
        """Return what stands under the keys of our contract, in its types."""
        said: dict[str, Any] = {}
        for key in keys:
            lookup = getattr(self._map, key)
            if key not in ("event", "component", "links") and lookup is not None:
                said[key] = _READ.get(key, _text)(lookup.one(body, reading))
        pairs = [(label, search(where, body, reading)) for label, where in self._map.links.items()]
        links = web_links(*((label, url) for label, url in pairs if isinstance(url, str)))
        said["links"] = [{"label": link.label, "url": link.url} for link in links]
        return {key: value for key, value in said.items() if value is not None}


def _storable(told: object) -> Payload:
    """Return what was found as if it had been sent so: what a header or base64 hid may be anything."""
    return Payload.decode(json.dumps({"map": told}).encode())["map"]


def _text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, int | float) else value


def _number(value: Any) -> Any:
    try:
        return float(value.removesuffix("%")) if isinstance(value, str) else value
    except ValueError:
        return value


def _flag(value: Any) -> Any:
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _texts(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _time(value: Any) -> Any:
    """Read epoch seconds and milliseconds, also as text. The year 1 is how many senders write no time."""
    try:
        number = float(value)
        moment = datetime.fromtimestamp(number / 1000 if abs(number) > _SECONDS else number, UTC)
    except (TypeError, ValueError):
        return None if isinstance(value, str) and value.startswith("0001-") else value
    except (OverflowError, OSError) as error:
        message = f"occurred_at is out of range: {value!r:.60}."
        raise PayloadError(message) from error
    return moment.isoformat()


_READ: Mapping[str, Callable[[Any], Any]] = {
    "exposure": _number,
    "step": _number,
    "steps": _number,
    "rollback": _flag,
    "metrics": _texts,
    "known_risks": _texts,
    "unknown_risks": _texts,
    "occurred_at": _time,
}
"""How a tool's types become those of our contract; the rest is text."""

_FOLDER = Path(__file__).parent / "maps"
MAPS = {path.stem: Map(**yaml.safe_load(path.read_text(encoding="utf-8"))) for path in sorted(_FOLDER.glob("*.yaml"))}
"""The maps that come with the hub, by the tool's name."""


def mapped(found: Map) -> Mapped:
    """Return what reads the requests of a connection that has a map of its own."""
    return Mapped("generic", found.over(MAPS[found.like]) if found.like else found)
