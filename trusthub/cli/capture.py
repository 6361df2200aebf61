"""`trusthub capture`: a real request without what is private in it, for whoever adds a tool or mends one."""

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trusthub.cli.spans import SPAN

if TYPE_CHECKING:
    from trusthub.services.hub import Hub
    from trusthub.settings import Settings
    from trusthub.sources.base import Source
    from trusthub.store.tables import Event


@click.command()
@click.argument("connection")
@click.option("--event", type=int, help="Number of a kept event. Default: the next one that comes.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write. Default: the terminal.")
@click.option("--wait", type=SPAN, default="10m", show_default=True, help="How long to wait for the next event.")
def capture(connection: str, event: int | None, output: Path | None, wait: timedelta) -> None:
    """Record a request over CONNECTION as a fixture: names, addresses and secrets in it are replaced.

    Read it before you hand it on: free text is searched for patterns only.
    """
    from trusthub import app, settings

    loaded = settings.load()
    hub = app.open_hub(loaded)
    try:
        row = _kept(hub, connection, event) if event else _next(hub, connection, wait)
        body, headers = _scrubbed(loaded, hub, row)
    finally:
        hub.database.close()
    if output:
        output.write_text(body, encoding="utf-8")
    else:
        click.echo(body, nl=False)
    what = row.summary or row.state
    click.echo(f"Event {row.id} of {row.source}: {what}. Headers that are kept: {json.dumps(headers)}", err=True)
    click.echo("Read it before you hand it on: free text is searched for patterns only.", err=True)


def _kept(hub: "Hub", connection: str, event: int) -> "Event":
    from trusthub.store.tables import Event

    with hub.database.reading() as session:
        row = session.get(Event, event)
    if row is None or row.connection != connection:
        raise click.ClickException(f"There is no event {event} over {connection}. `trusthub connections` lists them.")
    return row


def _next(hub: "Hub", connection: str, span: timedelta) -> "Event":
    from trusthub.cli.connect import Arrivals

    if hub.configuration.connection(connection) is None:
        raise click.ClickException(f"There is no connection {connection!r}. `trusthub connections` lists them.")
    click.echo(f"Waiting for the next event over {connection}. Ctrl-C stops.", err=True)
    for news in Arrivals(hub, connection).wait(span):
        if not isinstance(news, str):
            return news
        click.echo(f"Refused: {news}", err=True)
    click.echo("Nothing came.", err=True)
    sys.exit(1)


def _scrubbed(loaded: "Settings", hub: "Hub", row: "Event") -> tuple[str, dict[str, str]]:
    """Return body and headers without what is private in them, when they still say the same."""
    from trusthub.services.scrub import Scrubber

    try:
        body = json.loads(row.body)
    except ValueError as error:
        message = f"The body of event {row.id} is not JSON, so what is private in it cannot be told apart."
        raise click.ClickException(message) from error
    site = hub.configuration.site
    secrets = {secret for guarded in (*site.connections.values(), *site.gates.values()) for secret in guarded.secret}
    scrubber = Scrubber(secrets={*secrets, *loaded.hook_token.get_secret_value().split()})
    scrubbed = json.dumps(scrubber.scrub(body), indent=2, ensure_ascii=False) + "\n"
    headers = scrubber.scrub(row.headers)
    reader = hub.configuration.reader(row.connection, row.source)
    if _said(reader, row, scrubbed.encode(), headers) != _said(reader, row, row.body, row.headers):
        message = f"Event {row.id} says something else once it is scrubbed, so it would be no help. Nothing is written."
        raise click.ClickException(message)
    return scrubbed, headers


def _said(reader: "Source", row: "Event", body: bytes, headers: dict[str, str]) -> list[tuple[object, ...]]:
    """Return what happens by a request, whoever it is about; the kind of error when it cannot be understood."""
    from trusthub.errors import PayloadError, UnknownEventError
    from trusthub.sources.base import Inbound

    try:
        events = reader.parse(Inbound(body=body, headers=headers, received_at=row.received_at))
    except (PayloadError, UnknownEventError) as error:
        return [(type(error),)]
    return [(one.kind, getattr(one, "phase", None), getattr(one, "firing", None), one.occurred_at) for one in events]
