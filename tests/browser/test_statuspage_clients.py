"""Programs that read Statuspage read this hub, as their authors published them. Each is fetched for the test."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from werkzeug.wrappers import Request, Response

from tests import clients
from tests.browser.serving import served
from tests.e2e.house import House, house
from tests.e2e.test_publicity import canary, rolled_back

ASK = """
const { Statuspage } = require("statuspage.io");
const page = new Statuspage("acme");
page.setApiUrl(process.argv[1]);
const api = page.api;
const asked = {
  summary: () => api.getSummary(), status: () => api.getStatus(), components: () => api.getComponents(),
  all: () => api.incidents.getAll(), unresolved: () => api.incidents.getUnresolved(),
  maintenances: () => api.scheduledMaintenances.getAll(), active: () => api.scheduledMaintenances.getActive(),
  upcoming: () => api.scheduledMaintenances.getUpcoming(),
};
(async () => {
  const said = {};
  for (const [name, ask] of Object.entries(asked)) said[name] = await ask();
  console.log(JSON.stringify(said));
})();
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[House]:
    """Give a hub whose page says that Checkout does not work as it should."""
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path) as made:
        canary(made)
        rolled_back(made)
        yield made


def test_statuspage_io_from_npm(hub: House, tmp_path: Path) -> None:
    modules = clients.npm("statuspage.io@3.3.8", tmp_path / "npm")
    with served(hub.parts.wsgi, "127.0.0.1") as address:
        command = ["node", "-e", ASK, address]
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "NODE_PATH": str(modules)},
        )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["summary"] == hub.summary()
    assert said["status"]["status"]["indicator"] == "minor"
    assert [row["name"] for row in said["components"]["components"]][:2] == ["Payments", "Checkout"]
    assert said["all"]["incidents"] == said["unresolved"]["incidents"] == said["summary"]["incidents"]
    for name in ("maintenances", "active", "upcoming"):
        assert isinstance(said[name]["scheduled_maintenances"], list)


def test_the_status_widget_from_npm(hub: House, tmp_path: Path, browser: Browser) -> None:
    modules = clients.npm("@statuspage/status-widget@1.0.5", tmp_path / "npm")
    (script,) = (modules / "@statuspage" / "status-widget" / "dist").glob("src.*.js")

    @Request.application
    def shop(request: Request) -> Response:
        if request.path == "/widget.js":
            return Response(script.read_bytes(), mimetype="text/javascript")
        html = f'<!DOCTYPE html><statuspage-widget src="{hub_at}"></statuspage-widget><script src=widget.js></script>'
        return Response(html, mimetype="text/html")

    with served(hub.parts.wsgi) as hub_at, served(shop, "shop.example") as address:
        page = browser.new_context().new_page()
        page.goto(address)
        widget = page.locator("statuspage-widget")
        expect(widget).to_contain_text("Partially Degraded Service")
        page.context.close()


def test_the_prometheus_exporter_from_pypi(hub: House, tmp_path: Path) -> None:
    packages = clients.pip("statuspage-prometheus-exporter==2.6.0", tmp_path / "pip")
    services, metrics = tmp_path / "services.json", tmp_path / "metrics.prom"
    with served(hub.parts.wsgi, "127.0.0.1") as address:
        services.write_text(json.dumps({"acme": {"name": "Acme", "url": f"{address}/api/v2/summary.json"}}))
        settings = {
            "PYTHONPATH": str(packages),
            "RUN_MODE": "once",
            "SERVICES_JSON_PATH": str(services),
            "METRICS_TEXTFILE_PATH": str(metrics),
        }
        command = [sys.executable, "-m", "statuspage_prometheus_exporter.status_monitoring"]
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env={**os.environ, **settings},
        )
    assert done.returncode == 0, done.stderr
    said = metrics.read_text(encoding="utf-8")
    for line in (
        'statuspage_service_status{service_name="Acme"} 0.0',
        'statuspage_incident_info{affected_components="Checkout",impact="minor",',
        'statuspage_component_status{component_name="Checkout",service_name="Acme"} 0.0',
        'statuspage_component_status{component_name="Search",service_name="Acme"} 1.0',
        'statuspage_probe_check{service_name="Acme"} 1.0',
    ):
        assert line in said
    assert f'shortlink="https://status.acme.example/incidents/{hub.incident()}"' in said
