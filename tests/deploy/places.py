"""What lies in `deploy/`, read once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
OVERLAYS = sorted((KUBERNETES / "overlays").iterdir())


def documents(path: Path) -> list[Any]:
    """Return the documents of a YAML file."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def manifests() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield each thing that is given to a cluster, with its file."""
    for path in sorted(KUBERNETES.rglob("*.yaml")):
        if path.name not in {"kustomization.yaml", "site.yaml"}:
            yield from ((path, thing) for thing in documents(path))


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and specification of each pod."""
    for _, thing in manifests():
        if "template" in thing.get("spec", {}):
            yield thing["metadata"]["name"], thing["spec"]["template"]["spec"]
