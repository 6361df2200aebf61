"""Reading untrusted JSON: what is wrong is named with its place."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sources.replay import RECEIVED
from trusthub.domain.events import Link
from trusthub.errors import PayloadError
from trusthub.sources.base import Payload, about, fingerprint, web_links
from trusthub.sources.versions import of_image, of_package

DIGEST = "sha256:9f1c2d3e4b5a69788796a5b4c3d2e1f00112233445566778899aabbccddeeff0"


def payload(value: Any) -> Payload:
    return Payload.decode(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (lambda body: body["rollout"]["metadata"].text("uid"), "rollout.metadata.uid is missing."),
        (
            lambda body: body.text("rollout", "metadata", "name"),
            "rollout.metadata.name must be a string, not a number.",
        ),
        (lambda body: body.text("flag", "deeper"), "flag must be an object, not a boolean."),
        (lambda body: body["rollout"].items(), "rollout must be a list, not an object."),
        (lambda body: body["list"].items()[1].text(), "list[1] must be a string, not a list."),
        (lambda body: body.number("flag"), "flag must be a number, not a boolean."),
        (lambda body: body.number("huge"), "huge is out of range."),
        (lambda body: body.integer("half"), "half must be a whole number, not 0.5."),
        (lambda body: body.percent("many"), "many must be a percentage from 0 to 100, not 101."),
        (lambda body: body.flag("many"), "many must be true or false, not a number."),
        (lambda body: body.time("naive"), "naive has no time zone: '2026-03-02T14:00:00'. Add Z or an offset."),
        (lambda body: body.time("words"), "words is not an ISO 8601 time: 'soon'."),
        (lambda body: body.time("early"), "early is out of range: '0001-01-01T00:00:00+01:00'."),
    ],
)
def test_an_error_names_the_place(read: Any, says: str) -> None:
    body = payload(
        {
            "rollout": {"metadata": {"name": 7}},
            "flag": True,
            "list": ["a", []],
            "huge": 10**400,
            "half": 0.5,
            "many": 101,
            "naive": "2026-03-02T14:00:00",
            "words": "soon",
            "early": "0001-01-01T00:00:00+01:00",
        }
    )
    with pytest.raises(PayloadError) as error:
        read(body)
    assert str(error.value) == says


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e309"])
def test_what_is_no_number_in_json_is_none_here(number: str) -> None:
    with pytest.raises(PayloadError):
        Payload.decode(f'{{"exposure": {number}}}'.encode()).number("exposure")


def test_what_is_absent_null_or_empty_is_none() -> None:
    body = payload({"a": None, "b": "", "c": {}})
    assert body.optional_text("a") is None
    assert body.optional_text("b") is None
    assert body.optional_text("c", "d", "e") is None
    assert body.number("a") is None
    assert body.integer("c", "d") is None
    assert body.time("b") is None
    assert body.flag("x") is False


def test_numbers_and_times_are_read() -> None:
    body = payload({"n": 5, "f": 0.1, "t": "2026-03-02T16:00:00.123456789+02:00", "yes": True})
    assert body.number("n") == 5.0
    assert body.integer("n") == 5
    assert body.percent("f") == 0.1
    assert body.flag("yes") is True
    assert body.time("t") == datetime(2026, 3, 2, 14, 0, 0, 123456, tzinfo=UTC)


def test_hints_ignore_what_was_meant_for_others() -> None:
    body = payload({"a": "text", "b": 3, "c": {"d": "e"}, "share": 5, "rate": "5 %", "all": True, "many": 500})
    assert [body.hint(key) for key in ("a", "b", "c", "x")] == ["text", None, None, None]
    assert [body.percent_hint(key) for key in ("share", "rate", "all", "many", "x")] == [5.0, None, None, None, None]
    assert Payload("AAEC").hint("a") is None
    assert Payload("AAEC").percent_hint("a") is None


def test_text_that_no_database_keeps_is_replaced() -> None:
    body = Payload.decode(rb'{"reason": "a\u0000b\ud800c", "more": [{"k\udfff": "\ud83d\ude00"}]}')
    assert body.text("reason") == "a\ufffdb\ufffdc"
    assert body["more"].items()[0].value == {"k\ufffd": "\U0001f600"}


def test_links_are_web_addresses_and_each_comes_once() -> None:
    url = "https://ci.acme.example/1"
    assert web_links(("Log", url), ("Target", url), ("Bad", "javascript:alert(1)"), ("None", None), ("Empty", "")) == (
        Link(label="Log", url=url),
    )


def test_a_fingerprint_depends_on_every_part_and_its_place() -> None:
    assert fingerprint("a", "b", None) == fingerprint("a", "b", None)
    assert len({fingerprint("a", "b"), fingerprint("b", "a"), fingerprint("ab"), fingerprint("a", "b", "")}) == 4


def test_a_retry_comes_at_about_the_same_time() -> None:
    assert about(RECEIVED) == about(RECEIVED.replace(second=40))
    assert about(RECEIVED) != about(RECEIVED.replace(hour=15))


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("checkout:2.8.0", "2.8.0"),
        ("registry.acme.example:5000/shop/checkout:2.8.0", "2.8.0"),
        ("registry.acme.example:5000/shop/checkout", None),
        (f"registry.acme.example:5000/shop/checkout:2.8.0@{DIGEST}", "2.8.0"),
        (f"registry.acme.example:5000/shop/checkout@{DIGEST}", "sha256:9f1c2d3e4b5a"),
        (f"checkout:latest@{DIGEST}", "sha256:9f1c2d3e4b5a"),
        ("checkout:latest", None),
        ("", None),
        (None, None),
    ],
)
def test_the_version_of_an_image(image: str | None, version: str | None) -> None:
    assert of_image(image) == version


@pytest.mark.parametrize(
    ("package", "version"),
    [
        (f"pkg:oci/checkout@{DIGEST.replace(':', '%3A')}?repository_url=r.acme.example/shop&tag=2.8.0", "2.8.0"),
        (f"pkg:oci/checkout@{DIGEST.replace(':', '%3A')}", "sha256:9f1c2d3e4b5a"),
        ("pkg:npm/%40acme/checkout@2.8.0#lib", "2.8.0"),
        ("pkg:docker/acme/checkout@2.8.0?tag=latest", "2.8.0"),
        ("pkg:golang/acme.example/checkout", None),
        ("registry.acme.example:5000/shop/checkout:2.8.0", "2.8.0"),
        (None, None),
    ],
)
def test_the_version_of_a_package(package: str | None, version: str | None) -> None:
    assert of_package(package) == version


def test_a_required_string_must_say_something() -> None:
    with pytest.raises(PayloadError, match=r"^subject\.id is empty\.$"):
        Payload({"subject": {"id": ""}}).text("subject", "id")
