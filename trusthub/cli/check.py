"""`trusthub check`: whether everything that was written can work, and how ready each component is to go back."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trusthub.channels.base import Channel
    from trusthub.services.site import Configuration
    from trusthub.settings import Settings


@click.command()
@click.option("--live", is_flag=True, help="Send one marked test to each place where stakeholders and support hear.")
def check(*, live: bool) -> None:
    """Check environment, site, playbooks, plans, templates, rules for words and what channels need.

    Nothing is sent, except with --live: then each place of stakeholders and support gets one message marked as a test,
    and you read who accepted it and who did not. Customers get nothing. The exit status is 1 when one was not accepted.
    """
    from trusthub import channels, settings
    from trusthub.services import playbooks, saved, site, waiting, wording

    loaded = settings.load()
    found = site.load(loaded)
    words = wording.load(loaded.templates_dir)
    waiting.routes(loaded.templates_dir)
    saved.check(found.templates, found.site.page.locales)
    playbooks.check_complete(loaded.playbooks / "plans")
    made = channels.build(
        loaded,
        publish=lambda _: "",
        keep=lambda *_: "",
        support=found.site.page.support or "",
        destinations=found.site.destinations,
    )
    click.echo(
        f"{loaded.site}: {len(found.site.components)} components, {len(found.playbooks)} playbooks, "
        f"{len(found.templates.messages())} messages, "
        f"rules for words in {len(words.books)} languages. All checked."
    )
    _unsigned(found)
    for name, connection in found.site.connections.items():
        if not connection.secret and not loaded.hook_token.get_secret_value():
            click.echo(f"Warning: connection {name} has no secret and TRUSTHUB_HOOK_TOKEN is not set: it answers 401.")
    for name in (name for name, made in found.site.gates.items() if not made.secret):
        click.echo(f"Warning: gate {name} has no secret: it answers 401.")
    _kept(found, made)
    _approvers(loaded, found)
    _readiness(found)
    if live and not _live(found, made):
        sys.exit(1)


def _live(found: "Configuration", made: "Mapping[str, Channel]") -> bool:
    """Send the tests and say what became of each; return whether all were accepted."""
    from trusthub.services import live

    click.echo("Tests:")
    tried = []
    for each in live.send(found.site, made, datetime.now(UTC)):
        click.echo(f"  {'ok    ' if each.accepted else 'FAILED'} {each.lane}: {each.words}")
        tried.append(each.accepted)
    click.echo(f"{sum(tried)} of {len(tried)} accepted. Accepted is not read: look whether they are there.")
    return all(tried)


def _unsigned(found: "Configuration") -> None:
    """Say which words nobody stands for as they are now."""
    required = found.site.require_signed
    if found.unsigned and not required:
        click.echo(f"{len(found.unsigned)} texts for customers are not signed; `trusthub sign` signs them:")
    for text in found.unsigned:
        click.echo(f"Warning: {text}: customers get it from a person only." if required else f"  {text}")


def _kept(found: "Configuration", made: "Mapping[str, Channel]") -> None:
    """Name the channels that the site speaks through and that lead nowhere yet."""
    from trusthub.channels.sandbox import Sandbox

    for kind in sorted({lane.partition(":")[0] for lane in found.site.destinations}):
        if isinstance(channel := made[kind], Sandbox):
            click.echo(f"Warning: what goes by {kind} is kept in the sandbox and not sent. {channel.cure}")


def _approvers(loaded: "Settings", found: "Configuration") -> None:
    """Name approvers whom nobody would reach, or who could not answer."""
    from trusthub.services import colleagues

    for book, approver, why in colleagues.strangers(loaded, found):
        click.echo(f"Warning: playbook {book}: the approver {approver} {why}")


def _readiness(found: "Configuration") -> None:
    from rich.console import Console
    from rich.table import Table

    from trusthub.domain.message import listed
    from trusthub.services.readiness import readiness

    rows = readiness(found, datetime.now(UTC).date())
    heads = ("Component", "Plan", "Artifact", "Traffic", "Trigger", "Database", "Configuration", "Last drill")
    table = Table(*heads, box=None, pad_edge=False, title="How ready you are to go back", title_justify="left")
    before: tuple[str, ...] = ()
    for row in rows:
        names = listed(row.components) if row.components != before else ""
        before = row.components
        table.add_row(
            names, row.plan, row.artifact, row.traffic, row.trigger, row.database, row.configuration, row.last_drill
        )
    console = Console(highlight=False, markup=False)
    console.width = max(console.width, 150)
    console.print(table)
    for row in rows:
        if not row.tried:
            console.print(f"Warning: plan {row.plan} needs a drill: `trusthub drill` with the name of its playbook.")
