"""Why it happened and what changes: written, read, published, announced once, and taken back."""

import json
import re
from typing import Any

from werkzeug.test import TestResponse

from tests.e2e.house import House
from tests.e2e.test_publicity import canary, rolled_back

WORDS = (
    "The new version asked for a setting that was *not there*.\n\n## What we change\n\nWe check it before a release."
)


def resolved(hub: House) -> str:
    """Let something go wrong and end; return the incident."""
    hub.sign_in()
    canary(hub)
    rolled_back(hub)
    incident = hub.incident()
    hub.console(f"/console/incidents/{incident}/resolve", f"/console/incidents/{incident}", note="All is well again.")
    hub.heard()
    return incident


def act(hub: House, incident: str, action: str, **fields: str) -> TestResponse:
    return hub.console(f"/console/incidents/{incident}/{action}", f"/console/incidents/{incident}", **fields)


def api(hub: House, incident: str) -> dict[str, Any]:
    found = json.loads(hub.page("/api/v2/incidents.json"))["incidents"]
    return next(each for each in found if each["id"] == incident)


def test_it_is_written_read_published_announced_once_and_taken_back(either: House) -> None:
    hub = either
    incident = resolved(hub)
    keys = set(api(hub, incident))
    act(hub, incident, "postmortem", words=WORDS)
    act(hub, incident, "postmortem-publish")
    act(hub, incident, "postmortem-review")
    hub.tick(seconds=1)
    assert "not there" not in hub.page(f"/incidents/{incident}")
    assert hub.heard() == []

    act(hub, incident, "postmortem-publish")
    page = hub.page(f"/incidents/{incident}")
    assert "<em>not there</em>" in page
    assert re.search(r"<h2 id=\"postmortem\">.*<h[23]>What we change</h[23]>", page, re.DOTALL)
    found = api(hub, incident)
    assert (found["status"], found["incident_updates"][0]["status"], set(found)) == ("postmortem", "postmortem", keys)
    assert incident not in hub.web.get("/api/v2/incidents/unresolved.json").text
    for feed in ("/history.atom", "/history.rss", "/feed.json"):
        assert "not there" in hub.page(feed)
    heard = hub.heard()
    assert any("Checkout: what happened, and what we change" in each for each in heard)

    act(hub, incident, "postmortem-withdraw")
    assert "not there" not in hub.page(f"/incidents/{incident}") + hub.page("/history.atom")
    assert "what we change" not in hub.page(f"/incidents/{incident}").lower()
    assert api(hub, incident)["status"] == "resolved"

    act(hub, incident, "postmortem-review")
    act(hub, incident, "postmortem-publish")
    assert "<em>not there</em>" in hub.page(f"/incidents/{incident}")
    assert hub.heard() == []
    audit = hub.web.get("/console/audit").text
    for action in ("postmortem: draft", "postmortem: in review", "postmortem: published", "postmortem: taken back"):
        assert action in audit


def test_words_that_blame_are_not_passed_on(hub: House) -> None:
    incident = resolved(hub)
    act(hub, incident, "postmortem", words="This was caused by human error. An engineer forgot to test it.")
    answer = act(hub, incident, "postmortem-review")
    assert answer.status_code == 422
    assert "This was not published" in answer.text
    assert "human error" in answer.text
    act(hub, incident, "postmortem-publish")
    assert "human error" not in hub.page(f"/incidents/{incident}")


def test_an_incident_that_goes_on_has_none(hub: House) -> None:
    hub.sign_in()
    canary(hub)
    rolled_back(hub)
    incident = hub.incident()
    answer = act(hub, incident, "postmortem", words=WORDS)
    assert "A postmortem belongs to a public incident that is resolved." in answer.text
