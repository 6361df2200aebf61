"""What holds for every source: types, fixtures, tokens, and bodies that nobody thought of."""

import json
from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.replay import (
    HEADERS,
    RECEIVED,
    fixtures,
    folder,
    inbound,
    kind,
    request,
    sequence,
    sequences,
    understand,
)
from trusthub.domain.events import RolloutEvent, SourceEvent
from trusthub.domain.mapping import IGNORE
from trusthub.errors import PayloadError, SignatureError
from trusthub.sources import SOURCES
from trusthub.sources.mapped import MAPS

ALL = [pytest.param(tool, path, id=f"{tool}/{path.stem}") for tool in SOURCES for path in fixtures(tool)]
SILENT = {
    ("github", "ping"),
    ("github", "deployment_review"),
    ("github", "workflow_run"),
    ("github", "release"),
    ("gitlab", "release"),
    ("launchdarkly", "other"),
    ("unleash", "feature-created"),
    ("flagsmith", "FLAG_DELETED"),
    ("flagsmith", "NEW_VERSION_PUBLISHED"),
    ("flagsmith", "AUDIT_LOG_CREATED"),
    ("growthbook", "other"),
    ("pagerduty", "pagey.ping"),
    ("pagerduty", "incident.acknowledged"),
    ("statuspage", "maintenance"),
    ("codedeploy", "instance"),
    ("codedeploy", "SubscriptionConfirmation"),
    ("codedeploy", "UnsubscribeConfirmation"),
    *(
        (tool, word)
        for tool, found in MAPS.items()
        if found.event
        for word, ours in found.event.table.items()
        if ours == IGNORE
    ),
}
"""Event types that are answered, and mean nothing here."""

words = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
anything = st.recursive(
    words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def well_formed(event: SourceEvent) -> None:
    assert event.names
    assert all(event.names)
    assert len(set(event.names)) == len(event.names)
    assert event.duplicate_key
    assert event.occurred_at.tzinfo is UTC
    assert all(link.url.startswith("http") for link in event.links)
    if isinstance(event, RolloutEvent):
        assert event.attempt
        assert event.exposure is None or 0 <= event.exposure <= 100
        assert event.step is None or event.step >= 1
    else:
        assert event.alert


def read(tool: str, body: Any, header: dict[str, str]) -> Sequence[SourceEvent]:
    """Parse a body that may be refused, but only in words."""
    try:
        return understand(tool, request(body, header))
    except PayloadError:
        return []


def test_a_connection_finds_its_source_by_name() -> None:
    assert all(source.name == name for name, source in SOURCES.items())


@pytest.mark.parametrize("tool", SOURCES)
def test_every_event_type_has_a_fixture_and_every_fixture_an_event_type(tool: str) -> None:
    assert {kind(tool, path) for path in fixtures(tool)} == SOURCES[tool].event_types


@pytest.mark.parametrize("tool", SOURCES)
def test_every_file_in_a_fixture_folder_is_used(tool: str) -> None:
    used = {*fixtures(tool), *folder(tool).glob("sequences/*/*.json"), folder(tool) / HEADERS}
    assert {path for path in folder(tool).rglob("*") if path.is_file()} <= used


@pytest.mark.parametrize(("tool", "path"), ALL)
def test_every_fixture_is_understood(tool: str, path: Any) -> None:
    events = SOURCES[tool].parse(inbound(tool, path))
    if (tool, kind(tool, path)) in SILENT:
        assert events == []
        return
    assert {event.kind for event in events} == {kind(tool, path)}
    for event in events:
        well_formed(event)
        assert any("checkout" in name.lower() for name in event.names)


@pytest.mark.parametrize(("tool", "path"), ALL)
def test_a_delivery_that_is_repeated_has_the_same_key(tool: str, path: Any) -> None:
    first = inbound(tool, path)
    again = request(first.body, dict(first.headers), at=RECEIVED + timedelta(seconds=9))
    keys = [[event.duplicate_key for event in SOURCES[tool].parse(one)] for one in (first, again)]
    assert keys[0] == keys[1]


@pytest.mark.parametrize(("tool", "name"), list(sequences()))
def test_no_two_events_of_a_sequence_share_a_key(tool: str, name: str) -> None:
    events = [event for header, body in sequence(tool, name) for event in SOURCES[tool].parse(request(body, header))]
    assert len({event.duplicate_key for event in events}) == len(events)


@pytest.mark.parametrize("tool", SOURCES)
def test_a_body_that_is_no_json_object_is_refused(tool: str) -> None:
    header = next(
        dict(inbound(tool, path).headers) for path in fixtures(tool) if (tool, kind(tool, path)) not in SILENT
    )
    for body in (b"", b"null", b"[]", b'"text"', b"{", b"\xff{}", b'{"a":' * 70 + b"1" + b"}" * 70, b"[" * 100_000):
        with pytest.raises(PayloadError):
            SOURCES[tool].parse(request(body, header))


@pytest.mark.parametrize("tool", SOURCES)
def test_a_token_is_needed_and_is_compared_whole(tool: str) -> None:
    verify = SOURCES[tool].verify
    verify(request(b"{}", {"Authorization": "Bearer s3cret"}), "s3cret")
    verify(request(b"{}", {"Authorization": "bearer s3cret "}), "s3cret")
    verify(request(b"{}", token="s3cret"), "s3cret")
    refused = [
        request(b"{}"),
        request(b"{}", token="s3cre"),
        request(b"{}", {"Authorization": "s3cret"}),
        request(b"{}", {"Authorization": "Basic s3cret"}),
        request(b"{}", {"Authorization": "Bearer wröng"}, token="s3cret"),
    ]
    for inbound_request in refused:
        with pytest.raises(SignatureError):
            verify(inbound_request, "s3cret")
    with pytest.raises(SignatureError):
        verify(request(b"{}"), "")


@pytest.mark.parametrize("tool", SOURCES)
@given(body=st.dictionaries(st.text(max_size=6), anything, max_size=5), data=st.data())
def test_any_object_is_parsed_or_refused(tool: str, body: dict[str, Any], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(fixtures(tool)))
    for found in read(tool, body, dict(inbound(tool, path).headers)):
        well_formed(found)


@st.composite
def damaged(draw: st.DrawFn, only: str | None = None) -> tuple[str, Any, dict[str, str]]:
    """Return a real body with anything at all in one or two places of it."""
    tool = only or draw(st.sampled_from(list(SOURCES)))
    path = draw(st.sampled_from(fixtures(tool)))
    whole = json.loads(path.read_bytes())
    for _ in range(draw(st.integers(1, 2))):
        node = whole
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if not isinstance(node[key], dict | list) or draw(st.integers(0, 5)) == 0:
                node[key] = draw(anything)
                break
            node = node[key]
    return tool, whole, dict(inbound(tool, path).headers)


@given(damaged())
def test_any_damage_to_a_real_body_is_survived(case: tuple[str, Any, dict[str, str]]) -> None:
    tool, body, header = case
    for found in read(tool, body, header):
        well_formed(found)
        assert "\0" not in (found.reason if isinstance(found, RolloutEvent) else found.title)
        assert str(found).encode()
