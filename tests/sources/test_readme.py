"""What the page tells people to paste does what the page says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import trusthub.sources
from tests.sources.replay import folder, request
from trusthub.cli import main
from trusthub.cli.watch import kubernetes
from trusthub.domain.events import RolloutEvent
from trusthub.domain.site import Connection
from trusthub.services.watch.resources import CANARIES, DEPLOYMENTS, ROLLOUTS
from trusthub.sources import SOURCES, reader_of

PAGE = (Path(trusthub.sources.__file__).parent / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def pasted(title: str) -> list[Any]:
    (block,) = re.findall(r"```yaml\n(.*?)```", section(title), re.DOTALL)
    return list(yaml.safe_load_all(block))


def sent(title: str) -> Any:
    return json.loads(re.findall(r"(?:-d|--data) '(.*?)'\n", section(title), re.DOTALL)[0])


def parse(tool: str, body: Any, header: dict[str, str] | None = None) -> RolloutEvent:
    (found,) = SOURCES[tool].parse(request(body, header))
    assert isinstance(found, RolloutEvent)
    return found


def test_argos_config_map_has_every_trigger_once() -> None:
    secret, config = pasted("Argo Rollouts")
    data = config["data"]
    triggers = {key.removeprefix("trigger.") for key in data if key.startswith("trigger.")}
    assert triggers == SOURCES["argo-rollouts"].event_types
    (subscription,) = yaml.safe_load(data["subscriptions"])
    assert set(subscription["triggers"]) == triggers
    service = yaml.safe_load(data["service.webhook.trusthub"])
    assert {"name": "Authorization", "value": "Bearer $trusthub-token"} in service["headers"]
    assert "trusthub-token" in secret["stringData"]


@pytest.mark.parametrize("trigger", sorted(SOURCES["argo-rollouts"].event_types))
def test_argos_templates_render_to_what_the_source_reads(trigger: str) -> None:
    data = pasted("Argo Rollouts")[1]["data"]
    ((action,),) = ([one["send"] for one in yaml.safe_load(data[f"trigger.{trigger}"])],)
    webhook = yaml.safe_load(data[f"template.{action[0]}"])["webhook"]["trusthub"]
    assert webhook["method"] == "POST"
    example = json.loads((folder("argo-rollouts") / "on-rollout-updated.json").read_bytes())
    body = webhook["body"].replace("{{toJson .rollout}}", json.dumps(example["rollout"]))
    found = parse("argo-rollouts", body.replace("{{toJson .analysisRuns}}", "null").encode())
    assert (found.kind, found.environment) == (trigger, "production")


def test_flaggers_webhooks_are_no_gates() -> None:
    (canary,) = pasted("Flagger")
    hooks = canary["spec"]["analysis"]["webhooks"]
    assert [hook["type"] for hook in hooks] == ["event", "post-rollout"]
    for hook in hooks:
        said = {"name": "checkout", "namespace": "payments", "phase": "Succeeded", "metadata": hook["metadata"]}
        found = parse("flagger", said)
        assert (found.environment, found.to_version) == ("production", "2.8.0")


def test_githubs_example_says_what_it_is_meant_to() -> None:
    (block,) = re.findall(r"<<'JSON'\n(.*?)JSON", section("GitHub"), re.DOTALL)
    asked = json.loads(block)
    payload = json.loads((folder("github") / "deployment_status.success.json").read_bytes())
    payload["deployment"].update({key: asked[key] for key in ("ref", "environment", "task", "payload")})
    found = parse("github", payload, {"X-GitHub-Event": "deployment_status"})
    assert (found.names[0], found.to_version, found.strategy, found.exposure) == ("checkout", "2.8.0", "canary", 5.0)


def test_cdevents_example_is_read() -> None:
    found = parse("cdevents", sent("CDEvents"))
    assert (found.to_version, found.from_version, found.exposure) == ("2.8.0", "2.7.4", 5.0)


def test_the_generic_example_is_read() -> None:
    found = parse("generic", sent("Generic"))
    assert (found.kind, found.exposure, found.duplicate_key) == ("rollout.progressed", 5.0, "deploy-991-step-2")


def test_argo_cds_config_map_has_every_trigger_once() -> None:
    _, config = pasted("Argo CD")
    data = config["data"]
    triggers = {key.removeprefix("trigger.") for key in data if key.startswith("trigger.")}
    assert triggers == SOURCES["argo-cd"].event_types
    assert set(yaml.safe_load(data["subscriptions"])[0]["triggers"]) == triggers
    example = json.loads((folder("argo-cd") / "on-deployed.json").read_bytes())
    for trigger in triggers:
        (action,) = yaml.safe_load(data[f"trigger.{trigger}"])[0]["send"]
        webhook = yaml.safe_load(data[f"template.{action}"])["webhook"]["trusthub"]
        text = webhook["body"].replace("{{toJson .app}}", json.dumps(example["app"]))
        found = parse(
            "argo-cd", text.replace("{{toJson .context.argocdUrl}}", '"https://argocd.acme.example"').encode()
        )
        assert (webhook["method"], found.kind, found.environment) == ("POST", trigger, "production")


def test_fluxs_provider_signs() -> None:
    secret, provider, alert = pasted("Flux")
    assert provider["spec"]["type"] == "generic-hmac"
    assert provider["spec"]["secretRef"]["name"] == secret["metadata"]["name"]
    assert alert["spec"]["providerRef"]["name"] == provider["metadata"]["name"]


def test_codedeploys_stacks_reach_the_hub() -> None:
    triggers, bridge = (stack["Resources"] for stack in pasted("CodeDeploy"))
    (subscription,) = triggers["Topic"]["Properties"]["Subscription"]
    assert subscription == {"Protocol": "https", "Endpoint": "https://status.example.com/hooks/codedeploy/<token>"}
    (trigger,) = triggers["DeploymentGroup"]["Properties"]["TriggerConfigurations"]
    assert not [name for name in trigger["TriggerEvents"] if not name.startswith("Deployment")]
    connection = bridge["Connection"]["Properties"]["AuthParameters"]["ApiKeyAuthParameters"]
    SOURCES["codedeploy"].verify(request(b"{}", {connection["ApiKeyName"]: connection["ApiKeyValue"]}), "<token>")
    pattern = bridge["Rule"]["Properties"]["EventPattern"]
    example = json.loads((folder("codedeploy") / "START.json").read_bytes())
    assert all(example[key] in allowed for key, allowed in pattern.items())


def test_alertmanagers_receiver_sends_the_token_and_the_end() -> None:
    (config,) = pasted("Alertmanager")
    (webhook,) = config["receivers"][0]["webhook_configs"]
    assert webhook["send_resolved"] is True
    assert webhook["http_config"]["authorization"]["type"] == "Bearer"


def test_the_cloudevents_example_is_read() -> None:
    found = parse("cloudevents", sent("CloudEvents"))
    assert (found.kind, found.exposure, found.duplicate_key) == (
        "rollout.progressed",
        5.0,
        "rollout.progressed https://deploy.acme.example/991 991-2",
    )


def test_datadogs_payload_has_what_the_map_reads() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", section("Datadog"), re.DOTALL)
    for path in folder("datadog").glob("*.json"):
        assert json.loads(path.read_bytes()).keys() <= json.loads(block).keys()


def test_the_example_of_a_map_is_a_map() -> None:
    (site,) = pasted("A tool that is not here")
    connection = Connection(**site["connections"]["our-cd"])
    body = {
        "service": {"slug": "shop/checkout", "name": "checkout"},
        "deployment": {
            "status": "running",
            "build": 41,
            "changed_at": 1772460120,
            "id": 9,
            "url": "https://cd.acme.example/9",
        },
    }
    (found,) = reader_of(connection).parse(request(body))
    assert isinstance(found, RolloutEvent)
    assert (found.kind, found.names, found.to_version) == ("running", ("shop/checkout", "checkout"), "41")


def test_every_report_that_is_printed_is_a_command() -> None:
    lines = re.findall(r"(?:^|\| )trusthub (report .*)$", section("Pipelines without events"), re.MULTILINE)
    assert len(lines) == 7
    for line in lines:
        _, name, *arguments = line.split()
        main.commands["report"].commands[name].make_context(name, arguments)  # type: ignore[attr-defined]


def test_the_watchs_manifest_has_the_rights_that_it_needs() -> None:
    things = {thing["kind"]: thing for thing in pasted("Kubernetes")}
    rules = {(*rule["apiGroups"], *rule["resources"]): set(rule["verbs"]) for rule in things["ClusterRole"]["rules"]}
    for kind in (ROLLOUTS, CANARIES, DEPLOYMENTS):
        assert rules[kind.group, kind.plural] == {"get", "list", "watch"}
    (lease,) = things["Role"]["rules"]
    assert (lease["resources"], set(lease["verbs"])) == (["leases"], {"get", "create", "update"})
    (container,) = things["Deployment"]["spec"]["template"]["spec"]["containers"]
    command, *arguments = container["args"]
    assert command == "trusthub"
    main.make_context("trusthub", arguments)  # click knows every word of it
    kubernetes.make_context("kubernetes", arguments[2:])
    assert arguments[-1] == "/".join([things["Role"]["metadata"]["namespace"], "trusthub-watch"])


@pytest.mark.parametrize("tool", SOURCES)
def test_every_source_is_in_the_table(tool: str) -> None:
    assert f"\n| `{tool}` |" in PAGE


@pytest.mark.parametrize(
    ("title", "tool"),
    [
        ("Argo Rollouts", "argo-rollouts"),
        ("Argo CD", "argo-cd"),
        ("Flux", "flux"),
        ("Kubernetes", "kubernetes"),
        ("GitHub", "github"),
        ("GitLab", "gitlab"),
        ("LaunchDarkly", "launchdarkly"),
        ("Unleash", "unleash"),
        ("Flagsmith", "flagsmith"),
        ("GrowthBook", "growthbook"),
        ("CodeDeploy", "codedeploy"),
        ("CDEvents", "cdevents"),
        ("Alertmanager", "alertmanager"),
        ("PagerDuty", "pagerduty"),
        ("Statuspage", "statuspage"),
        ("Sentry", "sentry"),
        ("Spinnaker", "spinnaker"),
        ("Kargo", "kargo"),
        ("Cloud Deploy", "cloud-deploy"),
        ("Octopus", "octopus"),
        ("Harness", "harness"),
        ("Datadog", "datadog"),
    ],
)
def test_every_event_type_is_explained(title: str, tool: str) -> None:
    words = {kind.removeprefix("deployment_status.") for kind in SOURCES[tool].event_types}
    prefixes = tuple(re.findall(r"`([\w.]+\.)\*`", section(title)))
    missing = {word for word in words if f"`{word}`" not in section(title) and not word.startswith(prefixes)}
    assert missing <= {"ping"}
