"""`trusthub subscribers`: the list of who hears by mail."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trusthub.services.hub import Hub


@click.group()
def subscribers() -> None:
    """Look after who hears about the public page by mail."""


@subscribers.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def take(file: Path) -> None:
    """Take the subscribers of the CSV FILE over, as people who asked for it.

    Its first line names the columns: address, and if you like components (ids of site.yaml with spaces between; none
    means all), locale and zone. Who had stopped mail stays without.
    """
    from trusthub.services import subscribers as people
    from trusthub.services import sync

    with _hub() as hub:
        sync.sync(hub, hub.clock())
        done = people.take(hub, file, hub.clock())
    click.echo(f"{done.read:,} read, {done.new:,} of them new, {done.stopped:,} had stopped mail and stay without.")


@subscribers.command("list")
def show() -> None:
    """Show everybody, a line each: address, what they asked about, and whether they hear it."""
    from trusthub.services import subscribers as people

    with _hub() as hub, hub.database.reading() as session:
        for each in people.everybody(session):
            click.echo(f"{each.address}\t{' '.join(each.components) or 'everything'}\t{each.state}")


@subscribers.command("remove")
@click.argument("address")
def remove(address: str) -> None:
    """Forget ADDRESS: it gets no more mail, and is no longer kept with what was sent."""
    from trusthub.services import subscribers as people

    with _hub() as hub:
        if not people.remove(hub, address):
            raise click.ClickException(f"{address} is no subscriber.")
    click.echo(f"{address} is forgotten.")


@contextmanager
def _hub() -> "Iterator[Hub]":
    from trusthub import app, settings

    hub = app.open_hub(settings.load())
    with closing(hub.database):
        yield hub
