"""What was seen last of each object: only what changed its meaning becomes a report."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog

from trusthub.errors import PayloadError
from trusthub.services.watch.outbox import Outbox, Report
from trusthub.services.watch.resources import CANARIES, DEPLOYMENTS, Missing, Resource, Thing, Unreachable, claim, slim
from trusthub.sources.base import Payload
from trusthub.sources.kubernetes import look, memory

log = structlog.get_logger()

Get = Callable[[Resource, str, str], Thing]


class Book:
    """Takes in what lists and watches show, from any thread."""

    def __init__(self, outbox: Outbox, get: Get, clock: Callable[[], datetime], environment: str | None = None) -> None:
        self._outbox, self._get, self._clock, self._environment = outbox, get, clock, environment
        self._lock = threading.RLock()
        self._claims: dict[str, tuple[str, str]] = {}
        self._news: dict[str, tuple[object, ...]] = {}
        self._before: dict[str, dict[str, str | None]] = {}
        self._reports: dict[str, Report] = {}
        self._places: dict[str, tuple[str, str]] = {}

    def take(self, happening: str, thing: Thing, *, retold: bool = False) -> None:
        """Take in one object. `happening` is the watch's type: ADDED, MODIFIED or DELETED."""
        with self._lock:
            uid = thing["metadata"].get("uid") or _name(thing)
            if happening == "DELETED":
                self._drop(uid)
                return
            self._places[uid] = thing["kind"], thing["metadata"].get("namespace", "")
            try:
                self._note(uid, happening, slim(thing), retold=retold)
            except PayloadError as error:
                log.warning("watch.unreadable", object=_name(thing), reason=str(error))

    def keep_only(self, kind: str, namespace: str | None, things: list[Thing]) -> None:
        """Forget what a complete list does not have any more."""
        with self._lock:
            listed = {thing["metadata"].get("uid") or _name(thing) for thing in things}
            for uid, (of_kind, where) in list(self._places.items()):
                if of_kind == kind and namespace in (None, where) and uid not in listed:
                    self._drop(uid)

    def retell(self) -> None:
        """Report the state of everything once more, as retold: whoever led before may have died with it."""
        with self._lock:
            for uid, report in self._reports.items():
                if not self._outbox.waits(uid):
                    body = {**report.body, "retold": True}
                    self._outbox.put(
                        Report(uid=uid, attempt=report.attempt, phase=report.phase, seen_at=self._clock(), body=body)
                    )

    def reports(self) -> list[Report]:
        """Return the newest report of each object."""
        with self._lock:
            return list(self._reports.values())

    def _note(self, uid: str, happening: str, thing: Thing, *, retold: bool) -> None:
        claimed = claim(thing)
        if claimed:
            self._claims[uid] = claimed
        here = thing["metadata"].get("namespace", ""), thing["metadata"]["name"]
        if thing["kind"] == DEPLOYMENTS.kind and here in self._claims.values():
            return  # a Rollout or a Canary tells of it
        now = self._clock()
        body: dict[str, Any] = {"type": happening, "retold": retold, "seenAt": now.isoformat(), "object": thing}
        before = self._before.get(uid)
        body |= {"environment": self._environment, "before": before}
        state = look(Payload(body))
        if state is None or state.news == self._news.get(uid):
            return
        if claimed:  # asked for now and not watched: two streams have no common order
            body["target"] = self._deployment(*claimed)
            body["primary"] = self._deployment(claimed[0], f"{claimed[1]}-primary") if _is_canary(thing) else None
        self._news[uid], self._before[uid] = state.news, memory(state, before)
        self._reports[uid] = Report(uid=uid, attempt=state.attempt, phase=state.phase, seen_at=now, body=body)
        self._outbox.put(self._reports[uid])

    def _deployment(self, namespace: str, name: str) -> Thing | None:
        try:
            return slim(self._get(DEPLOYMENTS, namespace, name))
        except (Missing, Unreachable) as error:
            log.warning("watch.no_version", deployment=f"{namespace}/{name}", reason=str(error))
            return None

    def _drop(self, uid: str) -> None:
        for known in (self._claims, self._news, self._before, self._reports, self._places):
            known.pop(uid, None)


def _is_canary(thing: Thing) -> bool:
    return bool(thing["kind"] == CANARIES.kind)


def _name(thing: Thing) -> str:
    metadata = thing["metadata"]
    return f"{thing['kind']} {metadata.get('namespace', '')}/{metadata.get('name', '')}"
