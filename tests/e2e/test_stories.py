"""Whole sequences of real tools, from HTTP to what people read: every word of it is in tests/golden/stories."""

import textwrap
from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlmodel import col

from tests import goldens
from tests.e2e.house import House
from trusthub.store.tables import Event

STORIES = [
    ("argo-rollouts", "canary", True),
    ("argo-rollouts", "failed-analysis", False),
    ("argo-rollouts", "manual-abort", True),
    ("flagger", "healthy", True),
    ("flagger", "failed", False),
    ("github", "healthy", True),
    ("github", "failed", True),
    ("github", "rolled-back", True),
    ("cdevents", "v0.4", True),
    ("cdevents", "v0.5", True),
]
"""Tool, sequence, and whether the public page must stay calm all the way."""


@pytest.mark.parametrize(("tool", "name", "calm"), STORIES, ids=str)
def test_a_story_is_told_in_the_right_words(either: House, tool: str, name: str, *, calm: bool) -> None:
    told = list(_told(either, tool, name))
    goldens.check(f"stories/{tool}.{name}.txt", "\n".join(told))
    assert calm == all("PAGE calm" in line for line in told if line.startswith("PAGE"))
    with either.parts.hub.database.reading() as session:
        states = set(session.execute(select(col(Event.state))).scalars())
    assert states <= {"done", "ignored"}


def _told(hub: House, tool: str, name: str) -> Iterator[str]:
    if tool == "argo-rollouts":
        for _ in hub.play(tool, "first"):
            hub.heard()
    for kind, answer in hub.play(tool, name):
        assert answer.status_code == 200, answer.text
        assert answer.json is not None
        assert answer.json["ok"] is True
        yield f"\n== {hub.clock.now:%H:%M:%S} {kind}"
        yield from hub.heard()
        yield _page(hub)
    while hub.wait():
        yield f"\n== {hub.clock.now:%H:%M:%S} time passes"
        yield from hub.heard()
        yield _page(hub)


def _page(hub: House) -> str:
    if hub.calm:
        return "PAGE calm"
    (incident,) = hub.summary()["incidents"] or [None]
    if incident is None:
        return "PAGE components not operational"
    newest = incident["incident_updates"][0]
    words = f"{incident['name']} ({incident['status']}, {incident['impact']})\n{newest['body']}"
    return f"PAGE\n{textwrap.indent(words, '    ')}".replace(incident["id"], "ID")
