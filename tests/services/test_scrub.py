"""What is private is replaced, and what a request says stays the same."""

import json
from typing import Any

import pytest

from tests.sources.replay import fixtures, inbound, request
from trusthub.domain.events import RolloutEvent
from trusthub.errors import UnknownEventError
from trusthub.services.scrub import Scrubber
from trusthub.sources import SOURCES

ALL = [pytest.param(tool, path, id=f"{tool}/{path.stem}") for tool in SOURCES for path in fixtures(tool)]


def meaning(tool: str, body: bytes, headers: dict[str, str]) -> Any:
    try:
        events = SOURCES[tool].parse(request(body, headers))
    except UnknownEventError as error:
        return str(error)
    return [
        (event.kind, event.phase, event.exposure, event.step, event.strategy, event.to_version, event.environment)
        if isinstance(event, RolloutEvent)
        else (event.kind, event.firing, event.environment)
        for event in events
    ]


@pytest.mark.parametrize(("tool", "path"), ALL)
def test_a_scrubbed_request_is_understood_the_same(tool: str, path: Any) -> None:
    whole = inbound(tool, path)
    scrubbed = json.dumps(Scrubber().scrub(json.loads(whole.body))).encode()
    assert meaning(tool, scrubbed, dict(whole.headers)) == meaning(tool, whole.body, dict(whole.headers))


PRIVATE = {
    "sender": {
        "login": "ana-silva",
        "id": 48213377,
        "type": "User",
        "avatar_url": "https://avatars.acme.com/u/48213377",
    },
    "commit": {
        "author": {"name": "Ana Silva", "email": "ana@acme.com"},
        "sha": "9f1c2d3e4b5a69788796a5b4c3d2e1f001122334",
    },
    "message": "ana@acme.com asked 10.0.3.17 and fd00:1234:5678:9abc::1 with key AKIA4XEXAMPLE99SECRETKEY77",
    "url": "https://ci.internal.acme.com:8443/job/7?access_token=s3cr3t-t0ken-value",
    "auth": {"api_key": "abc", "authorization": "Bearer xyz"},
    "delivery": "0cf2b361-1505-50d4-8de5-f4f6ae78fe5a",
    "again": ["ana@acme.com", "0cf2b361-1505-50d4-8de5-f4f6ae78fe5a", "hook-token-of-the-hub"],
    "user": "ana-silva",
    "version": "2.8.0",
    "build": "1.2.3.400",
    "run_attempt": 2,
    "ok": True,
}
LEAKS = (
    *("ana", "Ana", "acme.com", "10.0.3.17", "fd00:1234", "AKIA4X", "s3cr3t", "xyz", "abc", "0cf2b361", "48213377"),
    *("hook-token-of-the-hub",),
)


def test_nothing_private_survives() -> None:
    scrubbed = Scrubber(secrets=["hook-token-of-the-hub"]).scrub(PRIVATE)
    text = json.dumps(scrubbed)
    assert [leak for leak in LEAKS if leak in text] == []


def test_equal_things_stay_equal_and_meaning_stays() -> None:
    scrubbed = Scrubber(secrets=["hook-token-of-the-hub"]).scrub(PRIVATE)
    assert scrubbed["message"].startswith(f"{scrubbed['again'][0]} asked 192.0.2.1 and 2001:db8::1 with key ")
    assert scrubbed["delivery"] == scrubbed["again"][1]
    assert scrubbed["sender"]["login"] == scrubbed["user"]
    assert (scrubbed["sender"]["type"], scrubbed["version"], scrubbed["build"]) == ("User", "2.8.0", "1.2.3.400")
    assert (scrubbed["run_attempt"], scrubbed["ok"]) == (2, True)
    assert scrubbed["commit"]["sha"] == PRIVATE["commit"]["sha"]  # type: ignore[index] # it is an object
    assert scrubbed["url"] == "https://host-2.example:8443/job/7?access_token=scrubbed"


SECRETS = {
    "slack": "xoxb-1234-abcdefGHIJ",
    "github": "ghp_aBcDeFgHiJkLmNoP1234",
    "aws": "AKIAQ7EXAMPLE99SECRE",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "bearer": "Bearer qwertz-uiop",
    "mail": "nora.zweig@globex-corp.de",
    "address": "10.20.30.41",
    "short address": "fd00:12::9a",
    "host": "db1.globex-corp.internal",
    "site": "www.globex-corp.com",
    "uuid": "6f9619ff-8b86-4011-b42d-00c04fc964ff",
}


@pytest.mark.parametrize(("tool", "path"), ALL)
def test_no_secret_survives_in_any_fixture(tool: str, path: Any) -> None:
    body = json.loads(inbound(tool, path).body)
    body["note"] = [f"see {one}, ({one})" for one in SECRETS.values()]
    body["links"] = [f"https://{SECRETS['host']}/{one}" for one in SECRETS.values()]
    body["deep"] = {"password": "hunter2", "creator": {"login": "norazwei", "name": "Nora Zweig", "id": 88213377}}
    body["said"] = "Nora Zweig (norazwei) pressed it: https://github.com/norazwei/runs/88213377"
    body["Message"] = json.dumps({"created_by": "otto.lang", "text": f"otto.lang from {SECRETS['address']}"})
    text = json.dumps(Scrubber().scrub(body))
    people = ("globex", "norazwei", "Nora Zweig", "hunter2", "88213377", "otto.lang", "qwertz")
    assert [leak for leak in (*SECRETS.values(), *people) if leak in text] == []


def test_times_and_versions_are_no_addresses() -> None:
    said = {
        "at": "14:04:31",
        "long": "2026-03-02T14:04:31Z",
        "version": "10.2.3",
        "image": "sha256:ab12",
        "file": "a.py",
    }
    assert Scrubber().scrub(said) == said
