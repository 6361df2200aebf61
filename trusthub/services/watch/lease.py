"""Who of several watches reports: the holder of a Lease (coordination.k8s.io/v1), as Kubernetes' own controllers do it.

The client's own election cannot be stopped or hand over, so this is client-go's rule in few lines: clocks of machines
are never compared; a holder is dead when its lease did not change for the whole duration by our own clock.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog

from trusthub.services.watch.resources import LEASES, Missing, Resource, Taken, Thing, Unreachable

log = structlog.get_logger()

DURATION = 15
"""Seconds after which a lease that is not renewed may be taken."""
RENEW = 2.0
"""Seconds between two tries."""
_SURE = 2 / 3
"""The part of the duration for which a holder that cannot renew goes on: it stops before another may begin."""


class Api(Protocol):
    """What is asked of a cluster."""

    def get(self, resource: Resource, namespace: str, name: str) -> Thing: ...

    def create(self, resource: Resource, namespace: str, thing: Thing) -> Thing: ...

    def replace(self, resource: Resource, namespace: str, thing: Thing) -> Thing: ...


class Lease:
    """One contender. `clock` counts seconds and never goes back."""

    def __init__(
        self,
        api: Api,
        place: tuple[str, str],
        identity: str,
        *,
        duration: int = DURATION,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api, (self._namespace, self._name), self._identity = api, place, identity
        self._duration, self._clock = duration, clock
        self._seen: tuple[object, float] = (None, 0.0)
        self._renewed: float | None = None

    @property
    def held(self) -> bool:
        """Whether we lead: a lease that could not be renewed counts no longer than others wait for it."""
        return self._renewed is not None and self._clock() < self._renewed + _SURE * self._duration

    def contend(self) -> bool:
        """Take or renew the lease if it is ours to take; return whether we lead."""
        asked = self._clock()
        try:
            if self._write(asked):
                self._renewed = asked
            else:
                self._renewed = None
        except Taken:
            self._renewed = None
        except Unreachable as error:
            log.warning("watch.lease", reason=str(error))
        return self.held

    def release(self) -> None:
        """Give the lease back, so that another may take it at once."""
        if not self.held:
            return
        self._renewed = None
        try:
            lease = self._api.get(LEASES, self._namespace, self._name)
            if lease["spec"].get("holderIdentity") == self._identity:
                lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
                self._api.replace(LEASES, self._namespace, lease)
        except (Missing, Taken, Unreachable) as error:
            log.warning("watch.lease", reason=str(error))

    def _write(self, asked: float) -> bool:
        try:
            lease = self._api.get(LEASES, self._namespace, self._name)
        except Missing:
            metadata = {"name": self._name, "namespace": self._namespace}
            lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
            self._api.create(LEASES, self._namespace, {**lease, "spec": self._spec({})})
            return True
        spec = lease.get("spec") or {}
        holder = spec.get("holderIdentity")
        record = (holder, spec.get("renewTime"), lease["metadata"].get("resourceVersion"))
        if record != self._seen[0]:
            self._seen = (record, asked)
        waits = asked < self._seen[1] + (spec.get("leaseDurationSeconds") or self._duration)
        if holder and holder != self._identity and waits:
            return False
        self._api.replace(LEASES, self._namespace, {**lease, "spec": self._spec(spec)})
        return True

    def _spec(self, spec: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        mine = spec.get("holderIdentity") == self._identity
        return {
            **spec,
            "holderIdentity": self._identity,
            "leaseDurationSeconds": self._duration,
            "acquireTime": spec.get("acquireTime", now) if mine else now,
            "renewTime": now,
            "leaseTransitions": (spec.get("leaseTransitions") or 0) + (bool(spec) and not mine),
        }
