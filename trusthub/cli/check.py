"""`trusthub check`: whether everything that was written can work, and how ready each component is to go back."""

from datetime import UTC, datetime

import click


@click.command()
def check() -> None:
    """Check environment, site, playbooks, plans, templates, rules for words and what channels need. Nothing is sent."""
    from trusthub import channels, settings
    from trusthub.services import playbooks, site, wording

    loaded = settings.load()
    found = site.load(loaded)
    words = wording.load(loaded.templates_dir)
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
        f"{len(found.templates.messages())} messages, "
        f"rules for words in {len(words.books)} languages. All checked."
    )
    for name, connection in found.site.connections.items():
        if not connection.secret and not loaded.hook_token.get_secret_value():
            click.echo(f"Warning: connection {name} has no secret and TRUSTHUB_HOOK_TOKEN is not set: it answers 401.")
    for name in (name for name, made in found.site.gates.items() if not made.secret):
        click.echo(f"Warning: gate {name} has no secret: it answers 401.")
    _readiness(found)


def _readiness(found: object) -> None:
    from rich.console import Console
    from rich.table import Table

    from trusthub.domain.message import listed
    from trusthub.services.readiness import readiness
    from trusthub.services.site import Configuration

    assert isinstance(found, Configuration)  # noqa: S101 -- the type is not imported for `--help`
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
