"""`trusthub watch kubernetes`, from a real API server's answers to what people read."""

import io
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select
from werkzeug.serving import make_server

from tests.e2e.house import TOKEN, House
from tests.providers.kubernetes import ALL, Kubernetes
from tests.sources.objects import (
    CANARY,
    NEW,
    OLD,
    WHEN,
    aborted,
    canary,
    deployment,
    moving,
    primary,
    progressing,
    rollout,
)
from trusthub.cli import main
from trusthub.services.watch.cluster import connect
from trusthub.services.watch.report import Hub
from trusthub.services.watch.run import Options, Watch
from trusthub.store.tables import Event, Rollout


class Scene:
    """A cluster, a hub on a socket, and watches between them."""

    def __init__(self, hub: House, cluster: Kubernetes, folder: Path) -> None:
        self.hub, self.cluster, self.folder = hub, cluster, folder
        self.port = 0
        self.open()

    def close(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def open(self) -> None:
        self._server = make_server("127.0.0.1", self.port, self._whole, threaded=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def _whole(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request; unlike the real server, this one does not say where a body ends."""
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        return self.hub.parts.wsgi(environ, start_response)

    def watch(self, token: str = TOKEN, **options: Any) -> Watch:
        api = connect(self.cluster.kubeconfig(self.folder))
        door = Hub(f"http://127.0.0.1:{self.port}/hooks/kubernetes", token)
        return Watch(api, door.post, Options(**{"stream": 60, "absent": 0.05, **options}), self.hub.clock)

    @contextmanager
    def watching(self, **options: Any) -> Iterator[Watch]:
        made = self.watch(**options)
        streams = {kind: self.cluster.watched(kind) for kind in ("rollouts", "canaries", "deployments")}
        thread = threading.Thread(target=made.run)
        thread.start()
        try:
            for kind, count in streams.items():
                if kind in self.cluster.installed:
                    self.cluster.wait_for(partial(self._watches, kind, count + 1))
            yield made
        finally:
            made.stop()
            thread.join(10)
            assert not thread.is_alive()

    def _watches(self, kind: str, count: int) -> bool:
        return self.cluster.watched(kind) >= count

    def events(self) -> list[tuple[str, str]]:
        """Return what the hub took: the kind of each event, and what became of it."""
        with self.hub.parts.hub.database.reading() as session:
            found = session.execute(select(Event).order_by(Event.id)).scalars().all()  # type: ignore[arg-type]
            return [(event.summary, event.state) for event in found if event.state != "received"]

    def phases(self) -> list[tuple[str | None, str | None]]:
        with self.hub.parts.hub.database.reading() as session:
            found = session.execute(select(Rollout).order_by(Rollout.id)).scalars().all()  # type: ignore[arg-type]
            return [(row.to_version, row.phase) for row in found]

    def until(self, true: Callable[[], bool], seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, (self.events(), self.phases(), self.cluster.requests[-12:])
            time.sleep(0.01)

    def step(self, plural: str, thing: dict[str, Any]) -> None:
        """Let a controller write, and the hub hear of it, a minute after the last."""
        count = len(self.events())
        self.hub.clock.forward(minutes=1)
        now = self.hub.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.cluster.put(plural, json.loads(json.dumps(thing).replace(WHEN, now)))
        self.until(lambda: len(self.events()) > count)
        self.hub.parts.worker.drain()

    def settle(self) -> None:
        """Wait until a change of another object came through every stream: then everything before it did."""
        name = f"marker-{len(self.cluster.requests)}-{len(self.events())}"
        count = len(self.events())
        self.cluster.put("deployments", deployment(name=name))
        self.until(lambda: len(self.events()) > count)
        self.hub.parts.worker.drain()


def _more(watch: Watch, count: int) -> bool:
    return len(watch.outbox) > count


@pytest.fixture
def scene(hub: House, tmp_path: Path) -> Iterator[Scene]:
    with Kubernetes() as cluster:
        made = Scene(hub, cluster, tmp_path)
        yield made
        made.close()


def test_a_healthy_canary(scene: Scene) -> None:
    scene.cluster.put("rollouts", rollout())
    with scene.watching():
        scene.until(lambda: scene.phases() == [("2.7.4", "completed")])
        scene.step("rollouts", moving(0, 0))
        scene.step("rollouts", moving(5, 1, phase="Paused"))
        scene.step("rollouts", moving(50, 3))
        scene.step("rollouts", rollout(NEW, revision=2, current=CANARY, stable=CANARY))
    assert scene.phases() == [("2.7.4", "completed"), ("2.8.0", "completed")]
    assert scene.hub.calm
    words = "\n".join(scene.hub.heard())
    assert "2.8.0" in words


def test_a_failed_analysis_is_told_to_customers_with_its_reach(scene: Scene) -> None:
    scene.cluster.put("rollouts", rollout())
    with scene.watching():
        scene.until(lambda: len(scene.events()) == 1)
        scene.step("rollouts", moving(5, 1))
        scene.step("rollouts", aborted(5))
        assert not scene.hub.calm
        scene.step("rollouts", aborted(0))
    assert scene.phases() == [("2.7.4", "completed"), ("2.8.0", "rolled_back")]
    assert "5 %" in scene.hub.page(f"/incidents/{scene.hub.incident()}")


def test_an_abort_by_hand_asks_and_tells_no_customer(scene: Scene) -> None:
    scene.cluster.put("rollouts", rollout())
    with scene.watching():
        scene.until(lambda: len(scene.events()) == 1)
        scene.step("rollouts", moving(5, 1))
        scene.step("rollouts", aborted(0, failed=False))
    assert scene.phases()[-1] == ("2.8.0", "rolled_back")
    assert scene.hub.calm


def test_a_retry_after_an_abort_can_still_complete(scene: Scene) -> None:
    scene.cluster.put("rollouts", rollout())
    with scene.watching():
        scene.until(lambda: len(scene.events()) == 1)
        scene.step("rollouts", moving(5, 1))
        scene.step("rollouts", aborted(0, failed=False))
        scene.hub.clock.forward(minutes=3)
        scene.step("rollouts", moving(5, 1))
        scene.step("rollouts", rollout(NEW, revision=2, current=CANARY, stable=CANARY))
    assert [phase for _, phase in scene.phases()] == ["completed", "rolled_back", "completed"]


def test_a_manifest_that_is_put_back_rolls_back_what_was_under_way(scene: Scene) -> None:
    with scene.watching():
        scene.step("rollouts", rollout())
        scene.step("rollouts", moving(5, 1))
        scene.step("rollouts", rollout(OLD, revision=3))
    assert ("2.8.0", "rolled_back") in scene.phases()


def test_a_stale_status_says_nothing(scene: Scene) -> None:
    with scene.watching():
        scene.step("rollouts", rollout())
        stale = rollout(NEW, revision=2)
        stale["status"]["observedGeneration"] = "1"
        scene.cluster.put("rollouts", stale)
        scene.settle()
    assert ("2.8.0", "completed") not in scene.phases()


def test_a_stream_that_ends_is_resumed_without_a_repeat(scene: Scene) -> None:
    scene.cluster.put("rollouts", rollout())
    with scene.watching(stream=1):
        scene.until(lambda: len(scene.events()) == 1)
        for kind in ("rollouts", "deployments"):
            scene.cluster.wait_for(partial(scene._watches, kind, 3))
        scene.cluster.bookmark("rollouts")
        scene.step("rollouts", moving(5, 1))
        assert scene.cluster.listed("rollouts") == 1
    assert [state for _, state in scene.events()] == ["done", "done"]


def test_what_was_missed_is_listed_anew_and_tells_no_customer(scene: Scene) -> None:
    scene.cluster.put("rollouts", moving(5, 1))
    with scene.watching():
        scene.until(lambda: len(scene.events()) == 1)
        scene.hub.clock.forward(minutes=1)
        with scene.cluster._changed:  # the abort is forgotten before anybody could read it
            scene.cluster.put("rollouts", aborted(at="2026-03-02T14:01:00Z"))
            scene.cluster.expire()
        scene.until(lambda: len(scene.events()) == 2)
        scene.hub.parts.worker.drain()
    assert scene.cluster.listed("rollouts") == 2
    assert scene.phases() == [("2.8.0", "rolled_back")]
    assert scene.hub.calm


def test_a_version_that_is_refused_at_once_is_listed_anew_too(scene: Scene) -> None:
    scene.cluster.put("rollouts", moving(5, 1))
    with scene.watching(stream=1):
        scene.until(lambda: len(scene.events()) == 1)
        scene.cluster.compact()
        scene.until(lambda: scene.cluster.listed("rollouts") == 2)
        scene.step("rollouts", aborted(5))
    assert [state for _, state in scene.events()] == ["done", "done"]
    assert not scene.hub.calm


def test_failures_are_survived(scene: Scene) -> None:
    scene.cluster.fail(500, 503, 500)
    with scene.watching():
        scene.step("rollouts", rollout())
    assert scene.phases() == [("2.7.4", "completed")]


def test_a_kind_that_is_installed_later_is_found(scene: Scene) -> None:
    scene.cluster.installed = set(ALL - {"rollouts", "canaries"})
    with scene.watching():
        scene.step("deployments", deployment())
        scene.cluster.put("rollouts", {**rollout(), "metadata": {**rollout()["metadata"], "name": "search"}})
        scene.cluster.installed = set(ALL)
        scene.until(lambda: len(scene.events()) == 2)


def test_a_hub_that_is_down_loses_nothing(scene: Scene) -> None:
    scene.cluster.put("rollouts", rollout())
    with scene.watching() as watch:
        scene.until(lambda: len(scene.events()) == 1)
        scene.close()
        for thing in (moving(0, 0), moving(5, 1), moving(5, 2), aborted(5), aborted(0)):
            count = len(watch.outbox)
            scene.hub.clock.forward(seconds=20)
            scene.cluster.put("rollouts", thing)
            if thing["status"]["currentStepIndex"] != 2:
                scene.until(partial(_more, watch, count))
        scene.open()
        scene.until(lambda: not len(watch.outbox), 30)
        scene.hub.parts.worker.drain()
    assert scene.phases() == [("2.7.4", "completed"), ("2.8.0", "rolled_back")]
    assert not scene.hub.calm


def test_scaling_pods_that_die_and_degraded_say_nothing(scene: Scene) -> None:
    with scene.watching():
        scene.step("deployments", deployment())
        scene.step("rollouts", {**rollout(), "metadata": {**rollout()["metadata"], "name": "search"}})
        before = len(scene.events())
        scene.cluster.put("deployments", deployment(wanted=9, generation=2))
        scene.cluster.put("deployments", deployment(wanted=9, pods=9, updated=9, generation=2))
        dying = deployment(wanted=9, pods=9, updated=9, generation=2)
        dying["status"]["availableReplicas"] = 3
        scene.cluster.put("deployments", dying)
        for phase in ("Degraded", "Healthy", "Degraded", "Progressing", "Healthy"):
            named = {**rollout(phase=phase), "metadata": {**rollout()["metadata"], "name": "search"}}
            scene.cluster.put("rollouts", named)
        scene.settle()
        assert len(scene.events()) == before + 1  # the marker


def test_a_deployment_that_fails_and_is_undone_is_a_rollback(scene: Scene) -> None:
    late = progressing("ProgressDeadlineExceeded", "False", "ReplicaSet has timed out progressing.")
    with scene.watching():
        scene.step("deployments", deployment())
        scene.step("deployments", deployment(NEW, revision=2, updated=1, pods=5))
        scene.step("deployments", deployment(NEW, revision=2, updated=1, pods=5, said=late))
        assert scene.phases()[-1] == ("2.8.0", "failed")
        undone = progressing("FoundNewReplicaSet")
        scene.step("deployments", deployment(OLD, revision=3, updated=3, pods=4, said=undone))
        assert scene.phases()[1] == ("2.8.0", "rolling_back")
        scene.step("deployments", deployment(OLD, revision=3))
    assert scene.phases()[1] == ("2.8.0", "rolled_back")


def test_a_rollback_of_what_was_complete_is_found_in_the_history(scene: Scene) -> None:
    with scene.watching():
        for revision, image in enumerate((OLD, NEW, OLD), start=1):
            scene.step("deployments", deployment(image, revision=revision))
    assert "*Checkout: back on 2.7.4*" in "\n".join(scene.hub.heard())


def test_a_canarys_deployments_are_told_by_it_alone(scene: Scene) -> None:
    scene.cluster.put("canaries", canary("Succeeded", checksum="4455"))
    scene.cluster.put("deployments", deployment())
    scene.cluster.put("deployments", primary())
    with scene.watching():
        scene.until(lambda: scene.phases() == [("2.7.4", "completed")])
        scene.cluster.put("deployments", deployment(NEW, revision=2))
        scene.step("canaries", canary("Progressing"))
        scene.step("canaries", canary("Progressing", weight=5))
        scene.step("canaries", canary("Progressing", weight=5, failedChecks=5))
        scene.step("canaries", canary("Failed"))
    assert scene.phases() == [("2.7.4", "completed"), ("2.8.0", "rolled_back")]
    assert not scene.hub.calm


def test_of_two_watches_one_reports_and_the_other_takes_over(scene: Scene) -> None:
    scene.cluster.put("rollouts", rollout())
    elected: dict[str, Any] = {"lease": ("trusthub", "trusthub-watch"), "duration": 2}
    with scene.watching(**elected, identity="second") as second:
        scene.until(lambda: len(scene.events()) == 1)
        first = scene.watch(**elected, identity="first")
        thread = threading.Thread(target=first.run)
        thread.start()
        scene.until(lambda: len(first.outbox) == 1)
        scene.step("rollouts", moving(5, 1))
        scene.until(lambda: len(first.outbox) == 2)  # it has seen both, and waits
        assert scene.cluster.thing("leases", "trusthub", "trusthub-watch")["spec"]["holderIdentity"] == "second"
        second.stop()
        scene.until(lambda: not len(first.outbox))
        assert len(scene.events()) == 2  # the hub knew it all
        scene.step("rollouts", aborted(5))
        first.stop()
        thread.join(10)
    assert not scene.hub.calm


def run(scene: Scene, *arguments: str, token: str = TOKEN) -> Result:
    config = str(scene.cluster.kubeconfig(scene.folder))
    base = ["watch", "kubernetes", "--kubeconfig", config, "--hub", f"http://127.0.0.1:{scene.port}", "--once"]
    return CliRunner().invoke(main, [*base, *arguments], env={"TRUSTHUB_HOOK_TOKEN": token, "COLUMNS": "120"})


def test_a_first_look(scene: Scene) -> None:
    scene.cluster.installed.discard("rollouts")
    scene.cluster.put("deployments", deployment())
    scene.cluster.put("deployments", deployment(NEW, name="billing", revision=2, updated=1))
    shown = run(scene)
    assert shown.exit_code == 0, shown.output
    lines = [" ".join(line.split()) for line in shown.output.splitlines()]
    assert "Deployment payments/billing 2.8.0 progressing 25 % nobody watches it" in lines
    assert "Deployment payments/checkout 2.7.4 completed 100 % Checkout" in lines
    assert "Rollout is not installed in this cluster." in lines
    assert lines[-1] == f"2 objects reported to http://127.0.0.1:{scene.port}."


def test_a_wrong_token_is_said_and_nothing_is_taken(scene: Scene) -> None:
    scene.cluster.put("deployments", deployment())
    shown = run(scene, token="wrong")
    assert shown.exit_code == 1
    assert "did not take it (HTTP 401): Send `Authorization: Bearer <token>`" in shown.output
    assert scene.events() == []


def test_a_right_that_is_missing_is_named(scene: Scene) -> None:
    scene.cluster.fail(403)
    shown = run(scene)
    assert shown.exit_code == 1
    assert "HTTP 403" in shown.output
    assert "Traceback" not in shown.output


def test_a_client_that_is_not_installed_is_named(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "trusthub.services.watch.cluster")
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    shown = run(scene)
    assert shown.exit_code == 1
    assert "pip install 'trusthub[kubernetes]'" in shown.output


def test_namespaces_and_labels_choose(scene: Scene) -> None:
    scene.cluster.put("deployments", deployment())
    other = deployment(name="search")
    other["metadata"]["namespace"] = "shop"
    scene.cluster.put("deployments", other)
    reports, absent, answer = scene.watch(namespaces=("payments",), selector="team=payments").once()
    assert [report.body["object"]["metadata"]["name"] for report in reports] == ["checkout"]
    assert (absent, answer.status) == ([], 200)
    assert scene.watch(selector="team=nobody").once()[0] == []


def test_secrets_stay_in_the_cluster(scene: Scene) -> None:
    scene.cluster.put("deployments", deployment())
    scene.watch().once()
    with scene.hub.parts.hub.database.reading() as session:
        (event,) = session.execute(select(Event)).scalars().all()
    assert b"a-secret" not in event.body
    assert b"last-applied" not in event.body
