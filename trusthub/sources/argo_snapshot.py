"""What a Rollout object tells, when it was taken before the change that the notification is about.

Argo's recorder is handed the object as it was read, and the status is patched afterwards (argo-rollouts,
rollout/canary.go `syncRolloutStatusCanary`, rollout/sync.go `persistRolloutStatus`). So every fact is derived here,
once, from what is already true at that moment: the spec, the annotations, and the status of one step ago.
"""

import re
from dataclasses import dataclass

from trusthub.domain.events import Strategy
from trusthub.sources.base import Payload

REVISION = "rollout.argoproj.io/revision"
GENERATIONS = (
    (("metadata", "generation"), ("status", "observedGeneration")),
    (("metadata", "annotations", "rollout.argoproj.io/workload-generation"), ("status", "workloadObservedGeneration")),
)
"""What was asked for, and what the status speaks of. The second pair exists only with `workloadRef`."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One Rollout object."""

    rollout: Payload

    def status(self, *keys: str) -> str | None:
        return self.rollout.optional_text("status", *keys)

    @property
    def place(self) -> str:
        """Namespace and name."""
        namespace = self.rollout.optional_text("metadata", "namespace")
        return "/".join(filter(None, (namespace, self.rollout.text("metadata", "name"))))

    @property
    def names(self) -> tuple[str, ...]:
        labels = [self.rollout.optional_text("metadata", "labels", key) for key in ("app.kubernetes.io/name", "app")]
        return tuple(dict.fromkeys(filter(None, (self.place, *labels, self.rollout.text("metadata", "name")))))

    @property
    def stale(self) -> bool:
        """Whether the status still speaks of the revision before the one that the spec asks for."""
        pairs = [(self.rollout.dig(*asked), self.rollout.dig(*seen)) for asked, seen in GENERATIONS]
        return any(asked and seen and str(asked.value) != str(seen.value) for asked, seen in pairs)

    @property
    def settled(self) -> bool:
        """Whether the revision that the status speaks of is the stable one: nothing is half-way."""
        return self.status("currentPodHash") is not None and self.status("currentPodHash") == self.status("stableRS")

    @property
    def aborted(self) -> bool:
        return self.rollout.flag("status", "abort")

    def attempt(self, *, previous: bool = False) -> str:
        """Return what groups the events of this revision, or of the one before it.

        The pod hash of the status cannot: `on-rollout-updated` and `on-skip-steps` still carry the hash of the revision
        before, and a version that is tried a second time has the hash of its first try. The revision annotation is
        written first and only ever grows by one.
        """
        revision = self.rollout.optional_text("metadata", "annotations", REVISION) or ""
        if not re.fullmatch("[0-9]{1,15}", revision):
            mark = self.status("currentPodHash") or "-"
        else:
            mark = str(int(revision) - previous)
        return "/".join(filter(None, (self.place, self.rollout.optional_text("metadata", "uid"), mark)))

    @property
    def strategy(self) -> Strategy:
        """A canary without steps replaces pods like a Deployment does, and says nothing about how far it is."""
        if self.rollout.dig("spec", "strategy", "canary"):
            return Strategy.CANARY if self._steps else Strategy.ROLLING
        return Strategy.BLUE_GREEN if self.rollout.dig("spec", "strategy", "blueGreen") else Strategy.UNKNOWN

    @property
    def image(self) -> str | None:
        """The image of the container named like the component, else of the first: sidecars have other names."""
        containers = self.rollout.dig("spec", "template", "spec", "containers")
        images = (
            [(one.optional_text("name"), one.optional_text("image")) for one in containers.items()]
            if containers
            else []
        )
        named = [image for name, image in images if name in self.names and image]
        return next((image for image in (*named, *(image for _, image in images)) if image), None)

    @property
    def _steps(self) -> list[Payload]:
        steps = self.rollout.dig("spec", "strategy", "canary", "steps")
        return steps.items() if steps else []

    @property
    def step(self) -> int | None:
        """Number of the step that is under way or was just completed, counting from 1."""
        index = self.rollout.integer("status", "currentStepIndex")
        return None if index is None or not self._steps else min(max(index, 0) + 1, len(self._steps))

    @property
    def steps(self) -> int | None:
        return len(self._steps) or None

    @property
    def planned(self) -> float | None:
        """Percent of traffic that the plan sets at the current step: its own setWeight, else the last one before."""
        index = self.rollout.integer("status", "currentStepIndex")
        if index is None or not self._steps:
            return None
        if index >= len(self._steps):
            return 100.0
        weights = [step.number("setWeight") for step in self._steps[: max(index, 0) + 1]]
        weight = next((weight for weight in reversed(weights) if weight is not None), 0.0)
        return self.share(weight)

    def share(self, weight: float) -> float:
        """Return a weight as percent of the traffic."""
        whole = self.rollout.number("spec", "strategy", "canary", "trafficRouting", "maxTrafficWeight") or 100
        return min(100.0, max(0.0, 100 * weight / whole))

    @property
    def reaches_for_weight(self) -> bool:
        """Whether the current step is a setWeight: then `planned` is where it is going, not where it is."""
        return self.step is not None and self._steps[self.step - 1].get("setWeight") is not None

    @property
    def has_canary(self) -> bool:
        """Whether a pod of the new version exists. Argo leaves a count of zero out."""
        return bool(self.rollout.number("status", "updatedReplicas"))

    @property
    def pods_pending(self) -> bool:
        """Whether pods are counted and none of them is new: no weight can have been given to them yet."""
        return bool(self.rollout.number("status", "replicas")) and not self.has_canary

    @property
    def canary_weight(self) -> float | None:
        """The weight of one step ago. None without traffic routing."""
        return self.rollout.number("status", "canary", "weights", "canary", "weight")

    @property
    def gradual(self) -> bool:
        """Whether an abort takes weight away bit by bit (`dynamicStableScale`) instead of at once."""
        return self.rollout.flag("spec", "strategy", "canary", "dynamicStableScale")

    @property
    def active_is_stable(self) -> bool:
        """Blue-green: whether customers are on the stable version."""
        active = self.status("blueGreen", "activeSelector")
        return active is not None and active == self.status("stableRS")

    @property
    def switches_active(self) -> bool:
        """Blue-green: whether a switched service must be the active one, because the preview is already there."""
        preview = self.rollout.dig("spec", "strategy", "blueGreen", "previewService")
        return not preview or self.status("blueGreen", "previewSelector") == self.status("currentPodHash")
