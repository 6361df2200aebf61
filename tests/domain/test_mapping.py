"""What a map may say, and what it finds."""

from typing import Any

import pytest
from jmespath.visitor import Options
from pydantic import ValidationError

from trusthub.domain.mapping import Lookup, Map, Reading
from trusthub.errors import PayloadError

SMALLEST = {"event": "status", "component": "name"}
HEADERS = Options(custom_functions=Reading({"x-type": "deploy"}))


def one(said: Any, body: Any) -> Any:
    found = Map(**{**SMALLEST, "reason": said}).reason
    assert isinstance(found, Lookup)
    return found.one(body, HEADERS)


@pytest.mark.parametrize(
    ("said", "body", "expected"),
    [
        ("a.b", {"a": {"b": "here"}}, "here"),
        ("a.b", {}, None),
        (["a", "b"], {"a": "", "b": "second"}, "second"),
        (["a", "b"], {"a": 0}, 0),
        ("'constant'", {}, "constant"),
        ({"always": "constant"}, {}, "constant"),
        ({"from": "a", "table": {"ok": "done"}}, {"a": "ok"}, "done"),
        ({"from": "a", "table": {"ok": "done"}}, {"a": "other"}, None),
        ({"from": "a", "table": {"true": "yes", "3": "three"}}, {"a": True}, "yes"),
        ({"from": "a", "table": {"true": "yes", "3": "three"}}, {"a": 3}, "three"),
        ("header('X-Type')", {}, "deploy"),
        ("header('X-Other')", {}, None),
        ("decode(data).a", {"data": "eyJhIjogMX0="}, 1),
        ("decode(data).a", {"data": '{"a": 1}'}, 1),
        ("decode(data).a", {"data": {"a": 1}}, 1),
        ("decode(data)", {"data": "no JSON"}, None),
        ("split(a, '/')[1]", {"a": "org/app"}, "app"),
        ("split(a, '/')[1]", {}, None),
    ],
)
def test_what_is_found(said: Any, body: Any, expected: object) -> None:
    assert one(said, body) == expected


def test_a_body_that_the_expression_does_not_fit_is_refused_in_words() -> None:
    with pytest.raises(PayloadError, match=r"The map's \"join\(.*cannot be read here: "):
        one("join('/', [a, b])", {"a": "x"})


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"event": "a."}, r"'a\.' is no JMESPath from character 3 on"),
        ({"event": "a["}, "is no JMESPath"),
        ({"event": ""}, "is no JMESPath"),
        ({"event": "heder('X')"}, "there is no function 'heder'. Write 'header'"),
        ({"event": "header(name)"}, "takes a name in quotes"),
        ({"event": "split(a)"}, r"split\(\) takes 2 things, not 1"),
        ({"event": 5}, "5 is no expression"),
        ({"event": {"from": "a", "always": "rollout.started"}}, "needs `from` or `always`, and not both"),
        ({"event": {"table": {"a": "ignore"}}}, "needs `from` or `always`"),
        ({"event": {"always": "rollout.started", "table": {"a": "ignore"}}}, "`table` needs `from`"),
        ({"event": {"from": "a", "table": {"a": "rollout.startet"}}}, "Write 'rollout.started'"),
        ({"strategy": {"from": "a", "table": {"a": "kanary"}}}, "Write 'canary'"),
        ({"evidence": {"always": "person"}}, "is no word of ours"),
        ({"compnent": "a"}, "Extra inputs are not permitted"),
    ],
)
def test_a_mistake_is_found_when_the_map_is_read(said: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Map(**{**SMALLEST, **said})


def test_event_and_component_are_needed_unless_it_is_like_another() -> None:
    with pytest.raises(ValidationError, match="component must be said"):
        Map(event="status")
    assert Map(like="sentry").over(Map(**SMALLEST)).component == Map(**SMALLEST).component


def test_what_stands_in_a_map_replaces_the_same_key_of_the_one_it_is_like() -> None:
    found = Map(like="x", component="other").over(Map(**SMALLEST))
    assert found.component == Map(**{**SMALLEST, "component": "other"}).component
    assert found.event == Map(**SMALLEST).event


def test_the_headers_it_reads_are_known() -> None:
    found = Map(event="join('.', [header('X-Type'), a])", component=["a", "header('X-App') || b"])
    assert found.headers == {"x-type", "x-app"}
