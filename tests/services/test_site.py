"""What can be wrong in the files that people write: every mistake is one clear message with file, line and cure."""

import os
import textwrap
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from trusthub.domain.events import Strategy
from trusthub.domain.incident import Impact
from trusthub.domain.message import Moment
from trusthub.errors import PlaybookError
from trusthub.services import site
from trusthub.services.site import Configuration
from trusthub.settings import Settings, packaged

SITE = """\
page:
  name: Acme
  url: https://status.acme.example
components:
  - id: checkout
    name: Checkout
    watches: [acme/checkout]
audiences:
  stakeholders: [{slack: "#releases"}]
  customers: [{page: true}]
connections:
  argo-prod: {source: argo-rollouts, environment: production}
"""
PLAYBOOK = """\
plan: default
tell:
  rollback.started: {stakeholders: rollback.started}
  incident.identified:
    customers: incident.identified
"""
PLAN = """\
---
title: Going back
summary: Release the earlier version again.
recovery:
  from: 2m
  to: 10m
  basis: it takes one deployment
sla: Up to 10 minutes of errors.
layers:
  toggle: &none {how: Nothing to do., time: 0s, owner: on call}
  traffic: {how: Release it again., time: 10m, owner: on call}
  schema: *none
  configuration: *none
owner: Payments on call
artifact: {what: the image by its digest, versions: the last ten are kept, immutable: true}
triggers: [Three customers have confirmed the same harm.]
known_risks: [Payments in flight are retried.]
unknown_risks: [Load above 2,000 requests a second.]
---

## Go back
"""
FILES = {
    "site.yaml": SITE,
    "default.yaml": PLAYBOOK,
    "plans/default.md": PLAN,
    "templates/locales/en/words.yaml": (packaged("templates") / "locales/en/words.yaml").read_text(encoding="utf-8"),
    "templates/messages/rollback.started/subject.txt": "{{ component }}: rolling back\n",
    "templates/messages/rollback.started/body.md": "{{ tool }} is rolling back {{ component }}.\n",
    "templates/messages/incident.identified/subject.txt": "{{ component }}: rolling back\n",
    "templates/messages/incident.identified/body.md": "We are rolling back {{ component }}.\n",
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TRUSTHUB_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def load(folder: Path, **settings: Any) -> Configuration:
    return site.load(Settings(**{"site": folder / "site.yaml", "templates_dir": folder / "templates", **settings}))


def error(folder: Path, **settings: Any) -> str:
    """Return what is said about the files in a folder, with their paths from there."""
    with pytest.raises(PlaybookError) as raised:
        load(folder, **settings)
    return str(raised.value).replace(f"{folder}/", "").replace(str(folder), "FOLDER")


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_what_is_right_is_read(folder: Path) -> None:
    found = load(folder)
    assert found.site.components[0].name == "Checkout"
    assert [playbook.name for playbook in found.playbooks] == ["default"]
    assert found.plans["default"].document == "## Go back"
    assert found.playbook(strategy=Strategy.FLAG, component="checkout", environment=None).name == "default"
    assert found.named("default") is found.named("renamed since") is found.playbooks[0]


def test_what_we_ship_is_right() -> None:
    shipped = packaged("playbooks")
    found = site.load(Settings(site=shipped / "site.yaml"))
    assert {playbook.name for playbook in found.playbooks} == {path.stem for path in shipped.glob("*.yaml")} - {"site"}
    assert found.plans.keys() == {path.stem for path in (shipped / "plans").glob("*.md")}
    assert {playbook.plan for playbook in found.playbooks} == found.plans.keys()


def test_playbooks_may_lie_elsewhere(folder: Path) -> None:
    change(folder / "site.yaml", "audiences:", "audiences:\n  support: []")
    found = load(folder, playbooks_dir=packaged("playbooks"), templates_dir=packaged("templates"))
    assert len(found.playbooks) == 11  # the site.yaml that lies beside them is not asked


def test_the_site_may_have_any_name(folder: Path) -> None:
    assert load(folder, site=(folder / "site.yaml").rename(folder / "acme.yml")).playbooks


# ------------------------------------------------------------------------------------------------ one mistake each

TRY = "Look there for a missing space after a colon, a tab, or text that needs quotes."
KEYS = "must be keys with values, such as {key: value}."


def mistakes(table: str) -> list[tuple[str, ...]]:
    """Read cases: what is replaced, by what, and below it what is said about that. A `|` begins a new line."""
    cases = []
    for block in textwrap.dedent(table).strip().split("\n\n"):
        change, _, message = block.partition("\n")
        said = " ".join(message.split()).replace("TRY", TRY).replace("KEYS", KEYS).replace(" | ", "\n  ")
        cases.append((*(text.replace("\\n", "\n") for text in change.split(" => ")), said))
    return cases


@pytest.mark.parametrize(
    ("old", "new", "message"),
    mistakes(
        r"""
        name: Acme => name: Acme: Inc
            site.yaml:2: is not YAML: mapping values are not allowed here. TRY

        {page: true}] => {page: true}
            site.yaml:11: is not YAML: while parsing a flow sequence, expected ',' or ']', but got '<scalar>'. TRY

        name: Acme => name: &a [*b]
            site.yaml:2: is not YAML: found undefined alias 'b'. TRY

        name: Acme => name: {{ acme }}
            site.yaml:2: is not YAML: while constructing a mapping, found unhashable key. TRY

        components: => ---\ncomponents:
            site.yaml:4: is not YAML: expected a single document in the stream, but found another document. TRY

        name: Acme => name: 2026-13-45
            site.yaml:1: is not YAML: month must be in 1..12. TRY

        name: Acme => name: Acme\n  name: Acme
            site.yaml:3: page.name: stands here twice. Remove one.

        {page: true} => {page: true, page: true}
            site.yaml:10: audiences.customers[0].page: stands here twice. Remove one.

        name: Checkout => name: Checkout\n    id: pay
            site.yaml:7: components[0].id: stands here twice. Remove one.

        name: Checkout => nmae: Checkout
            site.yaml:5: components[0].name: is missing. Add it.
            | site.yaml:6: components[0].nmae: this key is unknown. Did you mean 'name'?

        name: Acme => name: Acme\n  colour: red
            site.yaml:3: page.colour: this key is unknown. Did you mean 'color'?

        name: Acme => name: Acme\n  brand: red
            site.yaml:3: page.brand: this key is unknown.
            There are: logo, color, intro, footer, name, url, time_zone, support, promises, trust, locales, access,
            components, sender.

        name: Acme => name: Acme\n  color: red
            site.yaml:3: page.color: 'red' is no colour. Write it like '#0a58a8', in quotes.

        name: Acme => name: Acme\n  color: '#ff8800'
            site.yaml:3: page.color: '#ff8800' has a contrast of 2.2 to 1 to the page, and text needs 4.5.
            The nearest that can be read is '#a75f0e'.

        name: Acme => name: Acme\n  logo: nowhere.svg
            site.yaml:3: page.logo: 'nowhere.svg' cannot be read: No such file or directory. Put it beside site.yaml.

        name: Acme => name: Acme\n  logo: ../logo.svg
            site.yaml:3: page.logo: '../logo.svg' is not beside site.yaml. Put it there.

        name: Acme => name: Acme\n  footer: {en: Acme, fr: Acme}
            site.yaml:3: page.footer.fr: the page is not published in 'fr'. There are: en.

        name: Acme => name: Acme\n  intro: {}
            site.yaml:3: page.intro: has no words in 'en', the page's own language. Add them.

        audiences: => pages: {}\naudiences:
            site.yaml:8: pages: stands beside `page`. Put that one below `pages` as well.

        environment: production => environmnt: production
            site.yaml:12: connections.argo-prod.environmnt: this key is unknown. Did you mean 'environment'?

        audiences: => environments: {namespace: {}}\naudiences:
            site.yaml:8: environments.namespace: this key is unknown. Did you mean 'namespaces'?

        audiences: => 1: one\naudiences:
            site.yaml:8: 1: must be text. Put quotes around it.

        {page: true} => {pge: true}
            site.yaml:10: audiences.customers[0].pge: this key is unknown. Did you mean 'page'?

        url: https://status.acme.example => support: help@acme.example
            site.yaml:1: page.url: is missing. Add it.

        stakeholders: => stakholders:
            site.yaml:9: audiences.stakholders: 'stakholders' is unknown. Did you mean 'stakeholders'?

        stakeholders: => board:
            site.yaml:9: audiences.board: 'board' is unknown. There are: stakeholders, support, customers.

        name: Acme => name: 2026
            site.yaml:2: page.name: must be text. Put quotes around it.

        name: Acme => name: ''
            site.yaml:2: page.name: is empty. Fill it in.

        name: Acme => name: &a [*a]
            site.yaml:2: page.name: must be text. Put quotes around it.

        name: Checkout => name: Checkout\n    customers: many
            site.yaml:7: components[0].customers: must be a whole number.

        name: Checkout => name: Checkout\n    customers: 0
            site.yaml:7: components[0].customers: Input should be greater than 0.

        [acme/checkout] => acme/checkout
            site.yaml:7: components[0].watches: must be a list, such as [one, two].

        [acme/checkout] => [acme/checkout]\nretention: {evnts: 90d}
            site.yaml:8: retention.evnts: this key is unknown. Did you mean 'events'?

        [acme/checkout] => [acme/checkout]\nretention: {events: soon}
            site.yaml:8: retention.events: 'soon' is not a duration. Write a number and s, m, h or d, such as 30m.

        [acme/checkout] => [acme/checkout]\nretention: {events: 1h}
            site.yaml:8: retention.events: is too short. Write a day or more, such as 90d, or forever.

        [acme/checkout] => [acme/checkout]\nenvironments: production
            site.yaml:8: environments: KEYS

        {page: true} => page
            site.yaml:10: audiences.customers[0]: KEYS

        {page: true} => {page: false}
            site.yaml:10: audiences.customers[0].page: must be true.

        {page: true} => {}
            site.yaml:10: audiences.customers[0]: A destination is one place.
            Name exactly one of slack, email, page, webhook, apprise, sandbox.

        id: checkout => id: Checkout
            site.yaml:5: components[0].id: 'Checkout' is no id. Write small letters, digits, - and _.

        [acme/checkout] => [a]\n  - {id: pay, name: Pay, watches: [b,\n        checkout]}
            site.yaml:9: components[1].watches[1]: 'checkout' is a name of component 'checkout' already.
            A name belongs to one component.

        audiences: => publishing: later\naudiences:
            site.yaml:8: publishing: 'later' is unknown. There are: auto, ask, shadow.

        https://status => status
            site.yaml:3: page.url: 'status.acme.example' is not the address of a page. Write https:// and a host.

        argo-prod: => argo/prod:
            site.yaml:12: connections.argo/prod: 'argo/prod' is a part of the address /hooks/<name>.
            Write letters, digits, dots, - and _.

        source: argo-rollouts => source: jenkins
            site.yaml:12: connections.argo-prod.source: 'jenkins' is unknown.
            There are: argo-rollouts, argo-cd, flagger, flux, kubernetes, github, gitlab, codedeploy, cdevents,
            launchdarkly, unleash, flagsmith, growthbook, alertmanager, grafana, pagerduty, statuspage, cloud-deploy,
            cloudevents, datadog, harness, kargo, octopus, sentry, spinnaker, generic.

        source: argo-rollouts => source: argo-rolouts
            site.yaml:12: connections.argo-prod.source: 'argo-rolouts' is unknown. Did you mean 'argo-rollouts'?

        source: argo-rollouts => secret: 'x${A}', source: argo-rollouts
            site.yaml:12: connections.argo-prod.secret: is no variable, and would be the secret itself. Write ${NAME}.

        source: argo-rollouts => map: sentry, source: argo-rollouts
            site.yaml:12: connections.argo-prod.map: argo-rollouts needs none. Write `source: generic`, or take it out.

        source: argo-rollouts => map: sentri, source: generic
            site.yaml:12: connections.argo-prod.map: there is no map 'sentri'. Did you mean 'sentry'?

        source: argo-rollouts => map: {event: a}, source: generic
            site.yaml:12: connections.argo-prod.map: component must be said.
            Add where the tool has it, or `like: <tool>`.

        source: argo-rollouts => map: {event: a, component: b, titel: c}, source: generic
            site.yaml:12: connections.argo-prod.map.titel: this key is unknown. Did you mean 'title'?

        source: argo-rollouts => map: {event: a, component: {form: b}}, source: generic
            site.yaml:12: connections.argo-prod.map.component.form: this key is unknown. Did you mean 'from'?

        source: argo-rollouts => map: {event: a, component: 'b.'}, source: generic
            site.yaml:12: connections.argo-prod.map.component.from: 'b.' is no JMESPath from character 3 on.
            See https://jmespath.org.

        source: argo-rollouts => map: {event: {from: a, table: {ok: rollout.complete}}, component: b}, source: generic
            site.yaml:12: connections.argo-prod.map.event: 'rollout.complete' is no word of ours.
            Write 'rollout.completed'.
        """
    ),
)
def test_a_mistake_in_the_site(folder: Path, old: str, new: str, message: str) -> None:
    change(folder / "site.yaml", old, new)
    assert error(folder) == message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  name", "\tname", f"2: is not YAML: {{}}found character '\\t' that cannot start any token. {TRY}"),
        ("name: Acme", "name: A\x07cme", f"2: is not YAML: there is the character '\\x07'. {TRY}"),
        ("name: Acme", "name: " + "[" * 1000, f"1: is not YAML: it is nested too deeply. {TRY}"),
    ],
)
def test_a_mistake_that_cannot_be_seen(folder: Path, old: str, new: str, message: str) -> None:
    text = SITE.replace(old, new, 1)
    (folder / "site.yaml").write_text(text, encoding="utf-8")
    assert error(folder) == "site.yaml:" + message.format("while scanning for the next token, ")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    mistakes(
        r"""
        plan: default => plan: canary
            default.yaml:1: plan: plans/canary.md does not exist. There are: default.

        plan: default => plan: defalt
            default.yaml:1: plan: plans/defalt.md does not exist. Did you mean 'default'?

        plan: default => public_from: 1
            default.yaml:1: plan: is missing. Add it, such as `plan: default`.

        plan: default => plan: default\nname: other
            default.yaml:2: name: this key is unknown.
            There are: extends, match, plan, public_from, cadence, remind_before, approval, reminders, quiet, wave,
            propose_rollback, stages, tell.

        plan: default => plan: default\npropose_rolback: {requests: 5}
            default.yaml:2: propose_rolback: this key is unknown. Did you mean 'propose_rollback'?

        plan: default => plan: default\npropose_rollback: {requests: 5, shar: 50}
            default.yaml:2: propose_rollback.shar: this key is unknown. Did you mean 'share'?

        plan: default => plan: default\npropose_rollback: {requests: 5}
            default.yaml:3: tell.rollback.proposed: nobody who works here is told.
            Add {stakeholders: rollback.proposed}.

        plan: default => plan: default\nextends: defalt
            default.yaml:2: extends: there is no playbook 'defalt'. There are: none.

        plan: default => plan: default\nextends: default
            default.yaml:2: extends: default extends this one already. Take one of them out.

        plan: default => plan: default\nextends: [default]
            default.yaml:2: extends: must be text. Put quotes around it.

        plan: default => plan: default\nmatch:
            default.yaml:2: match: KEYS

        plan: default => plan: default\nmatch: {strategie: canary}
            default.yaml:2: match.strategie: this key is unknown. Did you mean 'strategy'?

        plan: default => plan: default\nmatch: {strategy: canari}
            default.yaml:2: match.strategy: 'canari' is unknown. Did you mean 'canary'?

        plan: default => plan: default\nmatch: {strategy: [canary, rollin]}
            default.yaml:2: match.strategy[1]: 'rollin' is unknown. Did you mean 'rolling'?

        plan: default => plan: default\nmatch: {severity: majr}
            default.yaml:2: match.severity: 'majr' is unknown. Did you mean 'major'?

        plan: default => plan: default\nmatch: {kind: unwelcom}
            default.yaml:2: match.kind: 'unwelcom' is unknown. Did you mean 'unwelcome'?

        plan: default => plan: default\nmatch: {kind: []}
            default.yaml:2: match.kind: is empty. Fill it in.

        plan: default => plan: default\ncadence: {majr: {every: 30m}}
            default.yaml:2: cadence.majr: 'majr' is unknown. Did you mean 'major'?

        plan: default => plan: default\ncadence: {major: {evry: 30m}}
            default.yaml:2: cadence.major.evry: this key is unknown. Did you mean 'every'?

        plan: default => plan: default\ncadence: {major: 30m}
            default.yaml:2: cadence.major: KEYS

        plan: default => plan: default\nwave: {more_then: 3}
            default.yaml:2: wave.more_then: this key is unknown. Did you mean 'more_than'?

        plan: default => plan: default\nstages: [50, 5]
            default.yaml:2: stages: do not rise. Write each share once, the smallest first.

        plan: default => plan: default\nstages: [5, 500]
            default.yaml:2: stages[1]: Input should be less than or equal to 100.

        {stakeholders: rollback.started} => {stakeholders: {message: rollback.started, wen: {}}}
            default.yaml:3: tell.rollback.started.stakeholders.wen: this key is unknown. Did you mean 'when'?

        {stakeholders: rollback.started} => {stakeholders: {when: {impact: major}}}
            default.yaml:3: tell.rollback.started.stakeholders.message: is missing.
            Add it, such as `message: rollout.progressed`.

        {stakeholders: rollback.started} => {stakeholders: {message: rollback.started, when: {exposur: 5}}}
            default.yaml:3: tell.rollback.started.stakeholders.when.exposur: this key is unknown.
            Did you mean 'exposure'?

        {stakeholders: rollback.started} => {stakeholders: {message: rollback.started, when: {exposure: many}}}
            default.yaml:3: tell.rollback.started.stakeholders.when.exposure: 'many' is no condition on a percentage.
            Write ">= 25", with the quotes.

        {stakeholders: rollback.started} => {stakeholders: {message: rollback.started, when: {impact: bad}}}
            default.yaml:3: tell.rollback.started.stakeholders.when.impact: 'bad' is unknown.
            There are: none, minor, major, critical.

        {stakeholders: rollback.started} => {stakeholders: {message: rollback.startd}}
            default.yaml:3: tell.rollback.started.stakeholders: there is no message 'rollback.startd' in templates.
            Did you mean 'rollback.started'?

        plan: default => plan: default\nmatch: {component: chekout}
            default.yaml:2: match.component: site.yaml has no component 'chekout'. Did you mean 'checkout'?

        plan: default => plan: default\nquiet: 30
            default.yaml:2: quiet: 30 is not a duration. Write a number and s, m, h or d, such as 30m.

        plan: default => plan: default\ncadence: {minor: {every: 0s}}
            default.yaml:2: cadence.minor.every: Input should be greater than or equal to 1 minute.

        plan: default => plan: default\npublic_from: 1 %
            default.yaml:2: public_from: must be a number.

        plan: default => plan: default\npublic_from: 101
            default.yaml:2: public_from: Input should be less than or equal to 100.

        rollback.started: { => rollback.begun: {
            default.yaml:3: tell.rollback.begun: 'rollback.begun' is unknown. Did you mean 'rollback.started'?

        {stakeholders: => {managers:
            default.yaml:3: tell.rollback.started.managers: 'managers' is unknown.
            There are: stakeholders, support, customers.

        {stakeholders: => {support:
            default.yaml:3: tell.rollback.started.support: site.yaml has no audience 'support'.
            Add it there, or tell somebody else.

        customers: incident.identified => customers: incident.identifed
            default.yaml:5: tell.incident.identified.customers: there is no message 'incident.identifed' in templates.
            Did you mean 'incident.identified'?

        customers: incident.identified => customers: nothing
            default.yaml:5: tell.incident.identified.customers: there is no message 'nothing' in templates.
            There are: incident.identified, rollback.started.

        customers: incident.identified => customers: rollback.started
            default.yaml:5: tell.incident.identified.customers: customers may not read the fact 'tool',
            which message 'rollback.started' has in templates/messages/rollback.started/body.md:1.
            Take it out, or name another message.

        plan: default => plan: default\nmatch: {strategy: flag}
            FOLDER:1: has no playbook for strategy canary of checkout in production.
            Add default.yaml with `match: {}`.

        plan: default => plan: default\nmatch: {component: checkout}
            FOLDER:1: has no playbook for strategy canary of an unlisted component in production.
            Add default.yaml with `match: {}`.

        plan: default => plan: default\nmatch: {environment: prod}
            FOLDER:1: has no playbook for strategy canary of checkout in production.
            Add default.yaml with `match: {}`.
        """
    ),
)
def test_a_mistake_in_a_playbook(folder: Path, old: str, new: str, message: str) -> None:
    change(folder / "default.yaml", old, new)
    assert error(folder) == message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    mistakes(
        r"""
        sla: Up to 10 minutes of errors. => # no sla
            plans/default.md:1: sla: is missing.
            Add it, such as `sla: Up to 10 minutes of errors for the exposed share.`.

        sla: Up to 10 minutes of errors. => sla:
            plans/default.md:8: sla: must be text. Put quotes around it.

        \n  schema: *none => \n
            plans/default.md:9: layers.schema: is missing.
            Add it, such as `schema: {how: Nothing to do., time: 0s, owner: on call}`.

        schema: *none => shema: *none
            plans/default.md:9: layers.schema: is missing.
            Add it, such as `schema: {how: Nothing to do., time: 0s, owner: on call}`.
            | plans/default.md:12: layers.shema: this key is unknown. Did you mean 'schema'?

        time: 10m, owner: on call} => owner: on call}
            plans/default.md:11: layers.traffic.time: is missing. Add it, such as `time: 2m`.

        time: 10m, owner: on call} => time: 10m}
            plans/default.md:11: layers.traffic.owner: is missing. Add it, such as `owner: on call`.

        traffic: {how: Release it again., time: 10m, owner: on call} => traffic: none
            plans/default.md:11: layers.traffic: KEYS

        owner: Payments on call => # nobody
            plans/default.md:1: owner: is missing. Add it, such as `owner: Payments on call`.

        immutable: true} => immutable: false}
            plans/default.md:15: artifact.immutable: must be true.

        , immutable: true} => }
            plans/default.md:15: artifact.immutable: is missing. Add it, such as `immutable: true`.

        what: the image by its digest => what: checkout:latest
            plans/default.md:15: artifact.what: ':latest' is not what ran before.
            Name what stays as it is, such as a digest.

        triggers: [Three customers have confirmed the same harm.] => # none
            plans/default.md:1: triggers: is missing.
            Add it, such as `triggers: [Three customers have confirmed the same harm.]`.

        triggers: => last_drilled: last week\ntriggers:
            plans/default.md:16: last_drilled: must be a date, such as 2026-11-27.

        triggers: => last_drilld: 2026-11-27\ntriggers:
            plans/default.md:16: last_drilld: this key is unknown. Did you mean 'last_drilled'?

        to: 10m => too: 10m
            plans/default.md:4: recovery.to: is missing. Add it, such as `to: 10m`.
            | plans/default.md:6: recovery.too: this key is unknown. Did you mean 'to'?

        to: 10m => to: 1m
            plans/default.md:4: recovery: `from` is longer than `to`. Write the shorter time first.

        to: 10m => to: soon
            plans/default.md:6: recovery.to: 'soon' is not a duration.
            Write a number and s, m, h or d, such as 30m.

        [Payments in flight are retried.] => []
            plans/default.md:17: known_risks: is empty. Fill it in.

        title: Going back => title: Going back\ndocument: x
            plans/default.md:3: document: this key is unknown.
            There are: title, summary, owner, artifact, layers, triggers, recovery, sla, known_risks, unknown_risks,
            last_drilled.

        title: Going back => title: Going: back
            plans/default.md:2: is not YAML: mapping values are not allowed here. TRY

        ## Go back => \n
            plans/default.md:1: document: is empty. Fill it in.

        ---\ntitle: => title:
            plans/default.md:1: has no front matter.
            Begin with --- title, summary, recovery, sla, layers and risks ---.
        """
    ),
)
def test_a_mistake_in_a_plan(folder: Path, old: str, new: str, message: str) -> None:
    change(folder / "plans/default.md", old, new)
    assert error(folder) == message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("We {{ component }\n", "1: unexpected '}'"),
        ("We\n{{ compnent }}\n", "2: There is no fact 'compnent'. Did you mean 'component'?"),
        ("We\n{{ reason | nothing }}\n", "2: No filter named 'nothing'."),
        ("We\n\n{% endif %}\n", "3: Encountered unknown tag 'endif'."),
    ],
)  # fmt: skip
def test_a_mistake_in_a_message(folder: Path, body: str, message: str) -> None:
    (folder / "templates/messages/incident.identified/body.md").write_text(body, encoding="utf-8")
    assert error(folder) == f"templates/messages/incident.identified/body.md:{message}"


def test_two_playbooks_for_the_same_rollouts(folder: Path) -> None:
    change(folder / "default.yaml", "plan: default", "plan: default\nmatch: {strategy: flag}")
    for name in ("a.yaml", "z.yaml"):
        (folder / name).write_text("plan: default\ntell: {}\n\nmatch: {strategy: flag}\n", encoding="utf-8")
    (folder / "every.yaml").write_text("plan: default\ntell: {}\n", encoding="utf-8")
    message = "match: is the same as in a.yaml. Narrow one of them, or remove it."
    assert error(folder) == f"default.yaml:2: {message}"
    (folder / "default.yaml").unlink()
    assert error(folder) == f"z.yaml:4: {message}"


def test_a_playbook_extends_another(folder: Path) -> None:
    base = (
        "plan: default\nquiet: 0s\ncadence: {minor: {acknowledge: 5m, every: 45m}}\n"
        "tell:\n  rollback.started: {stakeholders: rollback.started}\n  rollback.finished: {}\n"
    )
    (folder / "default.yaml").write_text(base, encoding="utf-8")
    own = "extends: default\nmatch: {strategy: flag}\ncadence: {major: {every: 10m}}\ntell: {rollback.started: {}}\n"
    (folder / "a.yaml").write_text(own, encoding="utf-8")
    flag = load(folder).named("a")
    assert (flag.plan, flag.quiet, flag.extends) == ("default", timedelta(), "default")
    assert flag.tell == {Moment.ROLLBACK_STARTED: {}, Moment.ROLLBACK_FINISHED: {}}
    paces = [flag.pace(impact).every for impact in (Impact.MINOR, Impact.MAJOR)]
    assert paces == [timedelta(minutes=45), timedelta(minutes=10)]
    change(folder / "a.yaml", "match: {strategy: flag}\n", "")
    assert error(folder) == "default.yaml:1: match: is the same as in a.yaml. Narrow one of them, or remove it."


@pytest.mark.parametrize(("extends", "said"), [("defalt", "there is no playbook 'defalt'. Did you mean 'default'?")])
def test_a_mistake_stands_where_it_was_made(folder: Path, extends: str, said: str) -> None:
    (folder / "a.yaml").write_text("match: {strategy: flag}\nextends: default\n", encoding="utf-8")
    change(folder / "default.yaml", "rollback.started: {", "rollback.begun: {")
    assert (
        error(folder)
        == "default.yaml:3: tell.rollback.begun: 'rollback.begun' is unknown. Did you mean 'rollback.started'?"
    )
    change(folder / "a.yaml", "default", extends)
    assert error(folder) == f"a.yaml:2: extends: {said}"


def test_two_that_extend_each_other(folder: Path) -> None:
    (folder / "a.yaml").write_text("extends: b\n", encoding="utf-8")
    (folder / "b.yaml").write_text("plan: default\nextends: a\n", encoding="utf-8")
    assert error(folder) == "b.yaml:2: extends: a extends this one already. Take one of them out."


def test_two_playbooks_that_tie_only_sometimes(folder: Path) -> None:
    for name, match in (
        ("a", "{strategy: [flag, canary], severity: major}"),
        ("b", "{strategy: flag, severity: [minor, major]}"),
    ):
        (folder / f"{name}.yaml").write_text(f"match: {match}\nextends: default\n", encoding="utf-8")
    assert error(folder) == (
        "b.yaml:1: match: ties with a.yaml for strategy flag, severity major. Take that out of one of them."
    )


# ------------------------------------------------------------------------------------------------ whole files


@pytest.mark.parametrize("name", ["site.yaml", "default.yaml", "plans/default.md"])
def test_a_file_that_is_not_utf_8(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"---\n# Caf\xe9\n")
    assert error(folder) == f"{name}:2: is not UTF-8. Save it as UTF-8."


@pytest.mark.parametrize("name", list(FILES)[:3])
def test_windows_line_ends_and_marks_are_read(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\xef\xbb\xbf" + FILES[name].replace("\n", "\r\n").encode())
    assert load(folder).plans["default"].document == "## Go back"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("site.yaml", "", "site.yaml:1: is empty. Fill it in."),
        ("default.yaml", "# later\n", "default.yaml:1: is empty. Fill it in."),
        ("default.yaml", "- plan\n", f"default.yaml:1: {KEYS}"),
        ("site.yaml", "acme\n", f"site.yaml:1: {KEYS}"),
        ("canary.yml", PLAYBOOK, "canary.yml:1: is not read. Rename it to canary.yaml."),
    ],
)
def test_a_file_that_holds_something_else(folder: Path, name: str, text: str, message: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    assert error(folder) == message


def test_a_site_that_is_not_there(folder: Path) -> None:
    where = "Set TRUSTHUB_SITE, or run where playbooks/site.yaml is."
    reason = "cannot be read: No such file or directory."
    assert error(folder, site=folder / "other.yaml") == f"other.yaml:1: {reason} {where}"
    assert error(folder, site=folder / "plans") == f"plans:1: cannot be read: Is a directory. {where}"


def test_a_playbook_that_is_a_folder(folder: Path) -> None:
    (folder / "a.yaml").mkdir()
    assert error(folder) == "a.yaml:1: cannot be read: Is a directory. Give the hub the right to read it."


def test_no_playbooks_and_no_messages(folder: Path) -> None:
    message = "has no playbook. Add default.yaml, or set TRUSTHUB_PLAYBOOKS_DIR."
    assert error(folder, playbooks_dir=folder / "plans") == f"plans:1: {message}"
    assert error(folder, playbooks_dir=folder / "none") == f"none:1: {message}"
    message = "has no messages. Set TRUSTHUB_TEMPLATES_DIR to a folder that has messages/."
    assert error(folder, templates_dir=folder / "plans") == f"plans:1: {message}"


def test_all_mistakes_of_a_file_are_named_together(folder: Path) -> None:
    change(folder / "site.yaml", "name: Acme", "nam: Acme")
    change(folder / "site.yaml", "source: argo-rollouts", "publishing: on")
    assert error(folder) == textwrap.dedent(
        """\
        site.yaml:1: page.name: is missing. Add it.
          site.yaml:2: page.nam: this key is unknown. Did you mean 'name'?
          site.yaml:12: connections.argo-prod.source: is missing. Add it.
          site.yaml:12: connections.argo-prod.publishing: True is unknown. There are: auto, ask, shadow."""
    )


# ------------------------------------------------------------------------------------------------ secrets


@pytest.mark.parametrize(("value", "secret"), [("hunter2", ("hunter2",)), ("", ()), (None, ())])
def test_a_secret_comes_from_a_variable(
    folder: Path, monkeypatch: pytest.MonkeyPatch, value: str | None, secret: tuple[str, ...]
) -> None:
    change(folder / "site.yaml", "source: argo-rollouts", 'secret: "${ARGO_HOOK_TOKEN}", source: argo-rollouts')
    if value is not None:
        monkeypatch.setenv("ARGO_HOOK_TOKEN", value)
    assert load(folder).site.connections["argo-prod"].secret == secret


@pytest.mark.parametrize("rate", ["600", "0/minute", "600/fortnight", "many"])
def test_a_rate_is_a_number_and_a_time(folder: Path, rate: str) -> None:
    change(folder / "site.yaml", "source: argo-rollouts", "rate: 600/minute, source: argo-rollouts")
    assert load(folder).site.connections["argo-prod"].rate == "600/minute"
    change(folder / "site.yaml", "600/minute", f'"{rate}"')
    assert "is no rate. Write a number and a time, such as 600/minute." in error(folder)


def test_two_secrets_are_in_force_while_one_is_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(folder / "site.yaml", "source: argo-rollouts", 'secret: ["${NEW}", "${OLD}"], source: argo-rollouts')
    monkeypatch.setenv("OLD", "hunter2")
    assert load(folder).site.connections["argo-prod"].secret == ("hunter2",)
    monkeypatch.setenv("NEW", "hunter3")
    assert load(folder).site.connections["argo-prod"].secret == ("hunter3", "hunter2")
    change(folder / "site.yaml", '"${OLD}"]', '"${OLD}", "${OLDER}"]')
    assert "a list of two while it is" in error(folder)


def test_a_secret_is_in_no_message(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGO_HOOK_TOKEN", "hunter2")
    change(folder / "site.yaml", "source: argo-rollouts", 'secret: "${ARGO_HOOK_TOKEN}", source: 5, publishing: no')
    assert "hunter2" not in error(folder)
    change(folder / "site.yaml", '"${ARGO_HOOK_TOKEN}"', "[hunter2]")
    assert "hunter2" not in error(folder)


# ------------------------------------------------------------------------------------------------ where we are


def test_nothing_in_the_working_directory_replaces_what_is_packaged(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    somewhere = tmp_path_factory.mktemp("somewhere")
    for name in ("templates/messages/rollback.started/body.md", "templates/pages/status.html"):
        (somewhere / name).parent.mkdir(parents=True, exist_ok=True)
        (somewhere / name).write_text("{{ broken", encoding="utf-8")
    (somewhere / ".env").write_text("TRUSTHUB_BASE_URL=https://elsewhere.example\n", encoding="utf-8")
    monkeypatch.chdir(somewhere)
    settings = Settings(site=folder / "site.yaml")
    assert settings.base_url == "http://127.0.0.1:8000"
    assert site.load(settings).templates.root == packaged("templates")
    assert packaged("templates").is_absolute()


def test_a_webhook_whose_variable_is_not_set_stops_the_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = '{webhook: "https://a.example", secret: "${HOOK_SECRET}"}'
    change(folder / "site.yaml", "{page: true}", f"{{page: true}}, {place}")
    told = "site.yaml:10: audiences.customers[1].secret: ${HOOK_SECRET} is not set in the environment."
    assert error(folder).startswith(told)
    monkeypatch.setenv("HOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    (lane,) = [lane for lane in load(folder).site.destinations if lane.startswith("webhook")]
    assert lane.startswith("webhook:a.example-")


def test_a_webhook_without_tls_needs_the_setting_for_private_addresses(folder: Path) -> None:
    change(folder / "site.yaml", "{page: true}", '{page: true}, {webhook: "http://10.0.0.7/hook", name: next}')
    assert error(folder).startswith("site.yaml:10: audiences.customers[1].webhook: is not https.")
    assert "webhook:next" in load(folder, webhook_allow_private=True).site.destinations
