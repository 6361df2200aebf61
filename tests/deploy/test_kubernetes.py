"""The manifests are what a cluster takes, and pods do no more than they must."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deploy.places import KUBERNETES, OVERLAYS, documents, manifests, pods
from trusthub.cli import main
from trusthub.services import site
from trusthub.settings import Settings, packaged

THINGS = [thing for _, thing in manifests()]
PODS = dict(pods())


def rendered(overlay: Path) -> list[dict[str, Any]]:
    kubectl = shutil.which("kubectl") or shutil.which("kustomize")
    if kubectl is None:
        pytest.skip("neither kubectl nor kustomize is installed")
    words = [kubectl, "kustomize"] if kubectl.endswith("kubectl") else [kubectl, "build"]
    made = subprocess.run([*words, str(overlay)], capture_output=True, text=True, timeout=60, check=False)
    assert made.returncode == 0, made.stderr
    return list(yaml.safe_load_all(made.stdout))


@pytest.mark.parametrize("thing", THINGS, ids=[f"{thing['kind']}-{number}" for number, thing in enumerate(THINGS)])
def test_each_manifest_has_the_shape_of_its_schema(thing: dict[str, Any]) -> None:
    kubernetes_validate.validate(thing, kubernetes_validate.latest_version(), strict=True)


def test_the_schemas_refuse_what_is_misspelt() -> None:
    (thing,) = documents(KUBERNETES / "base" / "service.yaml")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**thing, "specs": {}}, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)
def test_each_overlay_renders_and_its_parts_find_each_other(overlay: Path) -> None:
    things = rendered(overlay)
    for thing in things:
        kubernetes_validate.validate(thing, kubernetes_validate.latest_version(), strict=True)
    named = {(thing["kind"], thing["metadata"]["name"]) for thing in things}
    for thing in things:
        pod = thing["spec"]["template"]["spec"] if "template" in thing.get("spec", {}) else {}
        for volume in pod.get("volumes", []):
            if config := volume.get("configMap"):
                assert ("ConfigMap", config["name"]) in named
            if claim := volume.get("persistentVolumeClaim"):
                assert ("PersistentVolumeClaim", claim["claimName"]) in named
        if target := thing.get("spec", {}).get("scaleTargetRef"):
            assert (target["kind"], target["name"]) in named


def test_sqlite_has_one_pod_that_is_never_two() -> None:
    things = rendered(KUBERNETES / "overlays" / "sqlite")
    (web,) = (thing["spec"] for thing in things if thing["kind"] == "Deployment")
    assert (web["replicas"], web["strategy"]["type"]) == (1, "Recreate")
    assert "--no-worker" not in web["template"]["spec"]["containers"][0]["args"]


def test_postgres_delivers_in_the_worker_alone() -> None:
    things = rendered(KUBERNETES / "overlays" / "postgres")
    said = {
        thing["metadata"]["name"]: thing["spec"]["template"]["spec"]["containers"][0]["args"]
        for thing in things
        if thing["kind"] in {"Deployment", "Job"}
    }
    assert said["trusthub-worker"] == ["worker"]
    assert said["trusthub-migrate"] == ["db", "upgrade"]
    assert "--no-worker" in said["trusthub-web"]


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_pods_are_restricted(pod: dict[str, Any]) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/, "Restricted", and a read-only root."""
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        mine = container["securityContext"]
        assert mine["allowPrivilegeEscalation"] is False
        assert mine["readOnlyRootFilesystem"] is True
        assert mine["capabilities"] == {"drop": ["ALL"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_what_a_pod_runs_is_a_command(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    name, *rest = container["args"]
    main.commands[name].make_context(name, rest)


def test_the_site_that_is_shipped_loads() -> None:
    found = site.load(Settings(site=KUBERNETES / "base" / "site.yaml", playbooks_dir=packaged("playbooks")))
    assert found.site.publishing == "ask"


def test_the_secrets_example_holds_none() -> None:
    (secret,) = documents(KUBERNETES / "secret.example.yaml")
    assert set(secret["stringData"].values()) == {""}
