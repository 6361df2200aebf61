"""What customers say goes back to the people who roll out: counts by step, a proposal, and a person who decides."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import slack_in
from tests.e2e.house import House, house
from tests.e2e.test_gates import GATES
from tests.providers import Webhook
from tests.providers.webhook import SECRET
from trusthub.settings import packaged

PLAYBOOK = "extends: default\nmatch: {strategy: canary}\nplan: canary\npropose_rollback: {requests: 2, share: 50}\n"


def books(folder: Path) -> Path:
    """Copy the shipped playbooks, and let the canary's propose a rollback."""
    for path in sorted(packaged("playbooks").rglob("*")):
        if path.suffix in {".yaml", ".md"} and path.name != "site.yaml":
            to = folder / path.relative_to(packaged("playbooks"))
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "canary.yaml").write_text(PLAYBOOK, encoding="utf-8")
    return folder


@pytest.fixture
def pipeline() -> Iterator[Webhook]:
    with Webhook() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pipeline: Webhook
) -> Iterator[House]:
    monkeypatch.setenv("GATE", "gate-token")
    monkeypatch.setenv("PIPELINE", pipeline.url)
    monkeypatch.setenv("PIPELINE_SECRET", SECRET)
    hook = '{webhook: "${PIPELINE}", secret: "${PIPELINE_SECRET}", name: pipe}'
    site = (packaged("playbooks") / "site.yaml").read_text(encoding="utf-8")
    site = site.replace("connections:\n", f"connections:\n  generic: {{source: generic, rollback: {hook}}}\n")
    (tmp_path / "site.yaml").write_text(site + GATES, encoding="utf-8")
    url = f"sqlite:///{tmp_path}/hub.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    more = {"site": tmp_path / "site.yaml", "playbooks_dir": books(tmp_path / "books"), "webhook_allow_private": True}
    with house(url, tmp_path, **more) as made:
        slack_in.colleagues(made)
        made.event("rollout.started", exposure=1)
        made.heard()
        yield made


def complains(hub: House, name: str, address: str, *, real: bool = True, **more: str) -> None:
    """Write about Checkout, with nothing on the page, and confirm the address from the mail."""
    (component,) = re.findall(r"/components/(\w{12})\">?[^<]*Checkout|/components/(\w{12})", hub.page())[:1]
    path = f"/components/{component[0] or component[1]}/threads"
    data = {"words": "I cannot pay.", "name": name, "email": f"{name}@customer.example", **more}
    answer = hub.web.post(path, data=data, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == 200, answer.text
    hub.parts.worker.drain()
    if real:
        body = hub.sendgrid.messages[-1]
        text = next(part["value"] for part in body["content"] if part["type"] == "text/plain")
        (link,) = set(re.findall(r"http://hub\.example(/threads/[\w.]+)", text))
        assert hub.web.post(f"{link}/confirm").status_code == 303


def releases(hub: House) -> list[str]:
    """Return what Slack shows of #releases now: each message once, as it stands."""
    return [f"{each.text}" for each in hub.slack.messages if each.name == "#releases"]


def listen(hub: House, **by: float) -> None:
    hub.clock.forward(**(by or {"minutes": 3}))
    hub.keep_house()


def two_ask(hub: House) -> None:
    complains(hub, "ana", "192.0.2.7", rollback="yes", pain="blocking")
    complains(hub, "bo", "198.51.100.7", rollback="yes", pain="painful")
    listen(hub)


def rollout(hub: House) -> str:
    hub.sign_in()
    return str(re.findall(r"/console/rollouts/(\w{12})", hub.web.get("/console/rollouts").text)[0])


def test_one_message_below_the_rollout_changes_with_the_counts(hub: House) -> None:
    complains(hub, "mallory", "192.0.2.9", real=False, rollback="yes")
    listen(hub)
    assert not any("complain" in text for text in releases(hub))
    complains(hub, "ana", "192.0.2.7", pain="blocking")
    listen(hub)
    hub.event("rollout.progressed", exposure=5)
    complains(hub, "bo", "198.51.100.7", pain="minor")
    listen(hub)
    hub.event("rollout.progressed", exposure=25)
    listen(hub)
    said = [each for each in hub.slack.messages if each.name == "#releases" and "customers complain" in each.text]
    assert len(said) == 1, releases(hub)
    assert said[0].thread_ts is not None
    assert "At 1 %" in said[0].text
    assert "1 cannot go on" in said[0].text
    posts = [call for call in hub.slack.accepted if call.path.endswith("postMessage") and "complain" in str(call.body)]
    assert len(posts) == 1
    assert not any("releases@acme.example" in str(mail) and "complain" in str(mail) for mail in hub.sendgrid.messages)


def test_the_console_counts_by_step(hub: House) -> None:
    complains(hub, "ana", "192.0.2.7", pain="blocking")
    shown = hub.web.get(f"/console/rollouts/{rollout(hub)}").text
    row = re.sub(r"<[^>]+>|\s+", " ", shown.split("What customers say")[1].split("<tbody>")[1].split("</tbody>")[0])
    assert re.findall(r"\d+ %|\b\d\b", row) == ["1 %", "1", "1", "0", "0", "0"]


def test_a_proposal_moves_nothing_until_a_person_presses(hub: House, pipeline: Webhook) -> None:
    two_ask(hub)
    (card,) = [text for text in releases(hub) if "ask for a rollback" in text and "A person decides" in text]
    assert "2 of 2 customers" in card
    listen(hub)
    assert len([text for text in releases(hub) if "A person decides" in text]) == 1
    assert not pipeline.calls
    number = rollout(hub)
    press = {"type": "block_actions", "actions": [{"action_id": "rollback-ask", "value": number}]}
    assert "role publisher" in slack_in.interact(hub, press, slack_in.JO)["text"]
    assert "do not know who you are" in slack_in.interact(hub, press, slack_in.STRANGER)["text"]
    assert not pipeline.calls
    assert slack_in.interact(hub, press) == {"ok": True}
    (said,) = pipeline.messages.values()
    assert said["type"] == "rollback.asked"
    assert said["data"]["rollout"]["to_version"] == "2.8.0"
    assert said["data"]["asked_by"] == "Mira (Slack)"
    assert any("Mira (Slack) asked generic to roll back" in text for text in releases(hub))
    assert "has asked for it already" in slack_in.interact(hub, press)["text"]
    assert len(pipeline.calls) == 1


def test_the_console_asks_or_leaves_it(hub: House, pipeline: Webhook) -> None:
    two_ask(hub)
    number = rollout(hub)
    assert "Customers ask for a rollback" in hub.web.get("/console/").text
    path = f"/console/rollouts/{number}"
    assert "2 of 2 customers who complain ask for a rollback" in hub.web.get(path).text
    shown = hub.console(f"{path}/keep", form_at=path, why="A fix is on its way.").text
    assert "left the rollout as it is: A fix is on its way." in shown
    assert "Customers ask for a rollback" not in hub.web.get("/console/").text
    listen(hub)
    assert len([text for text in releases(hub) if "A person decides" in text]) == 0
    shown = hub.console(f"{path}/rollback", form_at=path, why="It got worse.").text
    (calls,) = re.findall(r'href="(/console/deliveries\?[^"]+)"', shown)
    assert "roll back" in hub.web.get(calls).text
    assert len(pipeline.calls) == 1


def test_a_rollout_that_ends_needs_no_decision(hub: House) -> None:
    two_ask(hub)
    hub.event("rollout.completed", exposure=100)
    listen(hub)
    assert any("Nobody needs to decide any more" in text for text in releases(hub))
    rollout(hub)
    assert "Customers ask for a rollback" not in hub.web.get("/console/").text
