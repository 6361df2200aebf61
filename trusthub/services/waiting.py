"""Who waits for us: from a customer's first word after ours until a person's answer, and how urgently."""

from datetime import datetime
from functools import cache, partial
from pathlib import Path

from trusthub import packaged
from trusthub.domain.urgency import urgency
from trusthub.domain.wording import House
from trusthub.domain.wording.house import ROUTES
from trusthub.domain.wording.prose import Prose
from trusthub.services.hub import Hub
from trusthub.services.wording import line, load, read
from trusthub.store.tables import Thread


def begin(hub: Hub, thread: Thread, words: str, now: datetime) -> None:
    """Let a customer wait from now, or from when they began to. A further word never makes them wait anew."""
    thread.state, thread.waiting_since = "open", thread.waiting_since or now
    thread.routed = thread.routed or role_of(hub.configuration.templates.root, words, thread.locale)
    thread.urgency = urgency(thread.pain, routed=bool(thread.routed), wants_rollback=thread.wants_rollback)


def end(thread: Thread, state: str) -> None:
    """Let them wait no more: they are `answered`, or it is `closed`."""
    thread.state, thread.waiting_since = state, None


def role_of(templates: Path, words: str, locale: str) -> str:
    """Return the role whose people answer these words; empty when everybody may."""
    rules = load(templates).books.get(locale.partition("-")[0]) or load(templates).books["en"]
    found = {each.role for each in routes(templates).signatures(Prose(words, rules.clause_ends), locale)}
    return next((role for role in ROUTES if role in found), "")


@cache
def routes(templates: Path) -> House:
    """Read which words of customers go to whom. Raises PlaybookError with file and cure."""
    path = templates / "wording" / "routes.yaml"
    if not path.exists():
        path = packaged("templates") / "wording" / "routes.yaml"
    return House.parse(read(path), file=str(path), lines=partial(line, path), roles=ROUTES)
