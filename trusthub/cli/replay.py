"""`trusthub replay`: understand a kept event once more, or see who would have heard what."""

from datetime import UTC, datetime, timedelta

import click

from trusthub.cli.spans import SPAN


@click.command()
@click.argument("event", type=int, required=False)
@click.option("--since", type=SPAN, help="All events of the last 30d, 12h, ...: needs --dry-run.")
@click.option("--dry-run", is_flag=True, help="Show who would have heard what, by today's configuration. Tells nobody.")
def replay(event: int | None, since: timedelta | None, *, dry_run: bool) -> None:
    """Understand a kept event once more, after its cause was mended; or see who would have heard what.

    EVENT is its number. With --since and --dry-run the kept events are told to a hub on a database of its own, which is
    thrown away afterwards. What people did, such as approving or resolving, is not repeated: where they owe an
    update, one message says that it is late.
    """
    if event is not None and since is None and not dry_run:
        _again(event)
    elif event is None and since is not None and dry_run:
        _rehearse(since)
    else:
        raise click.UsageError("Name one EVENT, or give --since with --dry-run: many events are only looked at.")


def _again(event: int) -> None:
    from sqlalchemy.exc import NoResultFound

    from trusthub import app, settings
    from trusthub.services import intake

    hub = app.open_hub(settings.load())
    try:
        state = intake.replay(hub, event, datetime.now(UTC))
    except NoResultFound:
        raise click.ClickException(f"There is no event {event}.") from None
    if state == "failed":
        raise click.ClickException(f"Event {event} failed again. The log above says why.")
    click.echo(f"Event {event}: {state}")


def _rehearse(span: timedelta) -> None:
    from rich.console import Console
    from rich.table import Table

    from trusthub import app, settings
    from trusthub.services.rehearsal import rehearse

    hub = app.open_hub(settings.load())
    found = rehearse(hub, hub.clock() - span)
    hub.database.close()
    table = Table("When (UTC)", "Who", "Where", "Message", box=None, pad_edge=False)
    for one in found.heard:
        where = "the public page" if one.destination.startswith("page:") else one.destination.partition(":")[2]
        table.add_row(f"{one.at:%Y-%m-%d %H:%M:%S}", one.audience, where, one.subject)
    console = Console(highlight=False, markup=False)
    if found.heard:
        console.print(table)
    if found.closed:
        console.print(f"{found.closed} events came over connections that are no more, and would be refused.")
    console.print(f"{found.events} events, {len(found.heard)} messages. Nothing was sent, and nothing was changed.")
