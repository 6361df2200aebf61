"""The one door to the Kubernetes client. Objects are plain dictionaries, as the API gives them."""

import http
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kubernetes import client, config
from kubernetes import watch as streams
from urllib3.exceptions import HTTPError

from trusthub.errors import PlaybookError
from trusthub.services.watch.resources import Gone, Missing, Resource, Taken, Thing, Unreachable

_config: Any = config  # these two carry no annotations yet
_streams: Any = streams
_PAGE = 500
"""Objects of one answer to a list."""
_CONNECT, _READ = 10.0, 30.0
"""Seconds to connect, and to wait for an answer; a stream may be silent until the server ends it."""
_SLACK = 15.0


class Cluster:
    """A cluster's API. Raises Missing, Gone, Taken or Unreachable, and nothing else."""

    def __init__(self, api: Any) -> None:
        self._api: Any = client.CustomObjectsApi(api)  # it takes any group, and leaves objects as they are

    def list(self, resource: Resource, namespace: str | None, selector: str | None) -> tuple[list[Thing], str]:
        """Return all objects, and the version of the list to watch from."""
        found: list[Thing] = []
        more: dict[str, Any] = {}
        while True:
            with _understood():
                answer = self._list(resource, namespace)(
                    **_selected(selector), limit=_PAGE, _request_timeout=(_CONNECT, _READ), **more
                )
            found += answer.get("items") or []
            page = answer.get("metadata", {})
            if not page.get("continue"):
                # A list's items do not say what they are.
                return [{"kind": resource.kind, **one} for one in found], page.get("resourceVersion", "")
            more = {"_continue": page["continue"]}

    def watch(
        self, resource: Resource, namespace: str | None, selector: str | None, *, version: str, seconds: int
    ) -> Iterator[tuple[str, Thing]]:
        """Yield what changed since `version`, bookmarks included, until the server ends the stream after `seconds`."""
        with _understood():
            for event in _streams.Watch().stream(
                self._list(resource, namespace),
                **_selected(selector),
                resource_version=version,
                allow_watch_bookmarks=True,
                timeout_seconds=seconds,
                _request_timeout=(_CONNECT, seconds + _SLACK),
            ):
                if event:
                    yield event["type"], event["raw_object"]

    def get(self, resource: Resource, namespace: str, name: str) -> Thing:
        """Return one object."""
        with _understood():
            found: Thing = self._api.get_namespaced_custom_object(
                resource.group, resource.version, namespace, resource.plural, name, _request_timeout=(_CONNECT, _READ)
            )
            return found

    def create(self, resource: Resource, namespace: str, thing: Thing) -> Thing:
        """Make an object. Raises Taken when there is one."""
        with _understood():
            made: Thing = self._api.create_namespaced_custom_object(
                resource.group, resource.version, namespace, resource.plural, thing, _request_timeout=(_CONNECT, _READ)
            )
            return made

    def replace(self, resource: Resource, namespace: str, thing: Thing) -> Thing:
        """Write an object. Raises Taken when somebody else wrote it since it was read."""
        with _understood():
            written: Thing = self._api.replace_namespaced_custom_object(
                resource.group,
                resource.version,
                namespace,
                resource.plural,
                thing["metadata"]["name"],
                thing,
                _request_timeout=(_CONNECT, _READ),
            )
            return written

    def _list(self, resource: Resource, namespace: str | None) -> Any:
        where = (resource.group, resource.version)

        def everywhere(**more: Any) -> Any:
            return self._api.list_cluster_custom_object(*where, resource.plural, **more)

        def here(**more: Any) -> Any:
            return self._api.list_namespaced_custom_object(*where, namespace, resource.plural, **more)

        return here if namespace else everywhere


def connect(kubeconfig: Path | None = None, context: str | None = None) -> Cluster:
    """Return the cluster that this pod runs in, else the one of the kubeconfig. Raises PlaybookError without either."""
    settings = client.Configuration()
    try:
        if kubeconfig is None and context is None:
            try:
                _config.load_incluster_config(settings)
                return Cluster(_calm(settings))
            except config.ConfigException:
                pass
        _config.load_kube_config(str(kubeconfig) if kubeconfig else None, context, settings)
    except (config.ConfigException, OSError, ValueError) as error:
        cure = "Give --kubeconfig, or run it in the cluster with a service account."
        raise PlaybookError(f"The cluster's address is not known: {error}. {cure}") from error
    return Cluster(_calm(settings))


def _calm(settings: Any) -> Any:
    settings.retries = False  # we try again ourselves, with pauses that grow
    return client.ApiClient(settings)


def _selected(selector: str | None) -> dict[str, str]:
    return {"label_selector": selector} if selector else {}


@contextmanager
def _understood() -> Iterator[None]:
    """Give what the client raises the names that matter here."""
    try:
        yield
    except client.ApiException as error:
        what = {
            http.HTTPStatus.NOT_FOUND: Missing,
            http.HTTPStatus.GONE: Gone,
            http.HTTPStatus.CONFLICT: Taken,
        }.get(error.status, Unreachable)
        raise what(f"HTTP {error.status}: {_message(error)}") from error
    except (HTTPError, OSError, KeyError, TypeError, ValueError) as error:  # the last three: it is no Kubernetes API
        raise Unreachable(f"{type(error).__name__}: {error}") from error


def _message(error: client.ApiException) -> str:
    """Return what the API says, which names the right that is missing."""
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return str(error.reason or "no reason")
