"""What is followed in a cluster, and what can go wrong there. Knows no client."""

from dataclasses import dataclass
from typing import Any

from trusthub.errors import TrusthubError

Thing = dict[str, Any]
"""An object of the cluster."""


class Missing(TrusthubError):  # noqa: N818 -- a state of the cluster, no fault of anybody
    """404: there is no such object, or its kind is not installed."""


class Gone(TrusthubError):  # noqa: N818
    """410: the version to go on from is too old; list anew."""


class Taken(TrusthubError):  # noqa: N818
    """409: somebody else was first."""


class Unreachable(TrusthubError):  # noqa: N818
    """Anything else. It may be better later."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object, and where the API has it."""

    kind: str
    group: str
    version: str
    plural: str


ROLLOUTS = Resource("Rollout", "argoproj.io", "v1alpha1", "rollouts")
CANARIES = Resource("Canary", "flagger.app", "v1beta1", "canaries")
DEPLOYMENTS = Resource("Deployment", "apps", "v1", "deployments")
LEASES = Resource("Lease", "coordination.k8s.io", "v1", "leases")
MANAGERS = (ROLLOUTS, CANARIES)
"""They are listed first, because they say which Deployments are theirs."""

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def slim(thing: Thing) -> Thing:
    """Return an object without what is not needed and may hold secrets: of containers only name and image stay."""
    metadata = {key: value for key, value in thing.get("metadata", {}).items() if key != "managedFields"}
    notes = metadata.get("annotations")
    if notes:
        metadata["annotations"] = {key: value for key, value in notes.items() if key != _LAST_APPLIED}
    spec = dict(thing.get("spec") or {})
    pods = (spec.get("template") or {}).get("spec")
    if pods:
        kept = [{key: one[key] for key in ("name", "image") if key in one} for one in pods.get("containers") or []]
        spec["template"] = {"spec": {"containers": kept}}
    return {**thing, "metadata": metadata, "spec": spec}


def claim(thing: Thing) -> tuple[str, str] | None:
    """Return the Deployment that a Rollout or Canary moves, as namespace and name."""
    spec = thing.get("spec") or {}
    refers = spec.get("targetRef" if thing["kind"] == CANARIES.kind else "workloadRef") or {}
    if refers.get("kind") != DEPLOYMENTS.kind or "name" not in refers:
        return None
    return thing["metadata"].get("namespace", ""), refers["name"]
