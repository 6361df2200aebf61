"""`trusthub customer` and `trusthub evidence`: what is kept about somebody, and about an incident."""

import json
from pathlib import Path

import click


@click.group()
def customer() -> None:
    """Give out or erase what is kept about a customer."""


@customer.command("export")
@click.argument("address")
def export(address: str) -> None:
    """Print everything that is kept about ADDRESS, as JSON."""
    from trusthub import app, settings
    from trusthub.services import customers
    from trusthub.services.acts import Act

    hub = app.open_hub(settings.load())
    found = customers.export(hub, address, Act(actor="command line", now=hub.clock()))
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))


@customer.command("erase")
@click.argument("address")
@click.confirmation_option(prompt="This cannot be undone. Erase it?")
def erase(address: str) -> None:
    """Take ADDRESS, and what its reader wrote, out of everything that is kept. Counts stay."""
    from trusthub import app, settings
    from trusthub.services import customers
    from trusthub.services.acts import Act

    hub = app.open_hub(settings.load())
    counts = customers.erase(hub, address, Act(actor="command line", now=hub.clock()))
    click.echo(f"Erased: {', '.join(f'{count} {table}' for table, count in counts.items() if count)}.")


@click.command("evidence")
@click.argument("incident", required=False)
@click.option("--verify", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Check a file instead.")
def evidence(incident: str | None, verify: Path | None) -> None:
    """Print the evidence of INCIDENT (its id in addresses): JSON lines, each with the hash of the one before."""
    from trusthub import app, settings
    from trusthub.services import evidence as file

    if (incident is None) is (verify is None):
        raise click.UsageError("Name an incident, or give --verify FILE.")
    if verify is not None:
        count, last = file.verify(verify.read_text(encoding="utf-8"))
        click.echo(f"All {count} lines are as they were written. The last hash is {last}.")
        return
    hub = app.open_hub(settings.load())
    with hub.database.reading() as session:
        click.echo(file.write(session, str(incident)), nl=False)
