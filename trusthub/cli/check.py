"""`trusthub check`: whether everything that was written can work, and how ready each component is to go back."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trusthub.services.site import Configuration
    from trusthub.settings import Settings


@click.command()
def check() -> None:
    """Check environment, site, playbooks, plans, templates and what channels need. Nothing is sent."""
    from trusthub import channels, settings
    from trusthub.services import playbooks, site

    loaded = settings.load()
    found = site.load(loaded)
    playbooks.check_complete(loaded.playbooks / "plans")
    channels.build(
        loaded,
        publish=lambda _: "",
        keep=lambda *_: "",
        support=found.site.page.support or "",
        destinations=found.site.destinations,
    )
    click.echo(
        f"{loaded.site}: {len(found.site.components)} components, {len(found.playbooks)} playbooks, "
        f"{len(found.templates.messages())} messages. All checked."
    )
    _unsigned(found)
    for name, connection in found.site.connections.items():
        if not connection.secret and not loaded.hook_token.get_secret_value():
            click.echo(f"Warning: connection {name} has no secret and TRUSTHUB_HOOK_TOKEN is not set: it answers 401.")
    for name in (name for name, made in found.site.gates.items() if not made.secret):
        click.echo(f"Warning: gate {name} has no secret: it answers 401.")
    _approvers(loaded, found)
    _readiness(found)


def _unsigned(found: "Configuration") -> None:
    """Say which words nobody stands for as they are now."""
    required = found.site.require_signed
    if found.unsigned and not required:
        click.echo(f"{len(found.unsigned)} texts for customers are not signed; `trusthub sign` signs them:")
    for text in found.unsigned:
        click.echo(f"Warning: {text}: customers get it from a person only." if required else f"  {text}")


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
