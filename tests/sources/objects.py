"""Rollouts, Canaries and Deployments in the shape of their APIs, as their controllers would leave them."""

from typing import Any

Thing = dict[str, Any]
IMAGE = "registry.acme.example:5000/shop/checkout"
OLD, NEW = f"{IMAGE}:2.7.4", f"{IMAGE}:2.8.0"
STABLE, CANARY = "7c9d5b8f46", "6f4b8d7c59"
WHEN = "2026-03-02T14:00:00Z"


def _metadata(kind: str, name: str, revision: int, generation: int) -> Thing:
    notes = {
        "Rollout": {"rollout.argoproj.io/revision": str(revision)},
        "Deployment": {"deployment.kubernetes.io/revision": str(revision)},
    }
    return {
        "name": name,
        "namespace": "payments",
        "uid": f"uid-of-{kind.lower()}-{name}",
        "generation": generation,
        "resourceVersion": "918233",
        "labels": {"app.kubernetes.io/name": name, "team": "payments"},
        "annotations": {**notes.get(kind, {}), "kubectl.kubernetes.io/last-applied-configuration": "{}"},
        "managedFields": [{"manager": "kubectl"}],
    }


def _template(image: str) -> Thing:
    env = [{"name": "PAYMENTS_KEY", "value": "a-secret"}]
    return {"metadata": {"labels": {}}, "spec": {"containers": [{"name": "checkout", "image": image, "env": env}]}}


def progressing(reason: str, state: str = "True", message: str = "", at: str = WHEN) -> Thing:
    return {
        "type": "Progressing",
        "status": state,
        "reason": reason,
        "message": message,
        "lastUpdateTime": at,
        "lastTransitionTime": at,
    }


def deployment(
    image: str = OLD,
    *,
    revision: int = 1,
    updated: int = 4,
    pods: int = 4,
    wanted: int = 4,
    said: Thing | None = None,
    name: str = "checkout",
    generation: int | None = None,
    seen: int | None = None,
    **spec: Any,
) -> Thing:
    """Return a Deployment, complete unless it is said otherwise."""
    generation = generation or revision
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata("Deployment", name, revision, generation),
        "spec": {"replicas": wanted, "strategy": {"type": "RollingUpdate"}, "template": _template(image), **spec},
        "status": {
            "observedGeneration": seen or generation,
            "replicas": pods,
            "updatedReplicas": updated,
            "readyReplicas": pods,
            "availableReplicas": pods,
            "conditions": [said or progressing("NewReplicaSetAvailable" if updated == pods else "ReplicaSetUpdated")],
        },
    }


def rollout(
    image: str = OLD, *, revision: int = 1, current: str = STABLE, stable: str = STABLE, weight: int = 0, **status: Any
) -> Thing:
    """Return an Argo Rollout, complete unless `current` is not `stable`."""
    steps = [{"setWeight": 5}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}]
    canary = {"steps": steps, "trafficRouting": {"istio": {"virtualService": {"name": "checkout"}}}}
    done = current == stable
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": _metadata("Rollout", "checkout", revision, revision),
        "spec": {"replicas": 10, "strategy": {"canary": canary}, "template": _template(image)},
        "status": {
            "observedGeneration": str(revision),
            "currentPodHash": current,
            "stableRS": stable,
            "currentStepIndex": 4 if done else 0,
            "phase": "Healthy" if done else "Progressing",
            "replicas": 11,
            "updatedReplicas": 10 if done else 1,
            "blueGreen": {},
            "conditions": [progressing("NewReplicaSetAvailable" if done else "ReplicaSetUpdated")],
            "canary": {"weights": {"canary": {"weight": weight}, "stable": {"weight": 100 - weight}}},
            **status,
        },
    }


def moving(weight: int, step: int, **status: Any) -> Thing:
    """Return a Rollout on its way to 2.8.0."""
    return rollout(NEW, revision=2, current=CANARY, weight=weight, currentStepIndex=step, **status)


def aborted(weight: int = 0, *, failed: bool = True, at: str = WHEN) -> Thing:
    """Return a Rollout whose analysis failed, or that a person aborted."""
    run = {"name": f"checkout-{CANARY}-2", "status": "Failed", "message": 'metric "error-rate" assessed Failed'}
    thing = moving(weight, 0, abort=True, abortedAt=at, phase="Degraded")
    thing["status"]["conditions"] = [progressing("RolloutAborted", "False", "Rollout aborted update to revision 2")]
    if failed:
        thing["status"]["canary"]["currentStepAnalysisRunStatus"] = run
    return thing


def canary(phase: str, *, checksum: str = "5566", weight: int = 0, at: str = WHEN, **status: Any) -> Thing:
    """Return a Flagger Canary."""
    return {
        "apiVersion": "flagger.app/v1beta1",
        "kind": "Canary",
        "metadata": _metadata("Canary", "checkout", 1, 1),
        "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"},
            "analysis": {"interval": "1m", "threshold": 5, "maxWeight": 50, "stepWeight": 5},
        },
        "status": {
            "phase": phase,
            "canaryWeight": weight,
            "iterations": 0,
            "failedChecks": 0,
            "lastAppliedSpec": checksum,
            "lastPromotedSpec": "4455",
            "lastTransitionTime": at,
            **status,
        },
    }


def primary(image: str = OLD) -> Thing:
    """Return the Deployment that Flagger made."""
    thing = deployment(image, name="checkout-primary")
    thing["metadata"]["ownerReferences"] = [{"kind": "Canary", "name": "checkout", "controller": True}]
    return thing
