"""`trusthub page`: look after pages that are not for everybody."""

from contextlib import closing

import click


@click.group()
def page() -> None:
    """Look after pages that are not for everybody."""


@page.command()
@click.argument("key")
@click.option("--rotate", is_flag=True, help="End the link before, also for who came by it.")
def link(key: str, *, rotate: bool) -> None:
    """Print the link that opens the page KEY of site.yaml for whoever has it."""
    from trusthub import app, settings
    from trusthub.services import closed, sync

    hub = app.open_hub(settings.load())
    with closing(hub.database):
        sync.sync(hub, hub.clock())
        click.echo(closed.link(hub, key, rotate=rotate))
