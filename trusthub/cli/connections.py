"""`trusthub connections`: how the tools are connected, and what is missing."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trusthub.services.connections import ConnectionView, Overview


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
def connections(*, as_json: bool) -> None:
    """Show when each tool spoke last, what was refused or not understood, and which services nobody watches."""
    from trusthub import app, settings
    from trusthub.services.connections import overview

    hub = app.open_hub(settings.load())
    now = hub.clock()
    with hub.database.reading() as session:
        found = overview(session, hub, now)
    hub.database.close()
    if as_json:
        click.echo(json.dumps(asdict(found), default=datetime.isoformat, indent=2))
    else:
        _show(found)


def _show(found: "Overview") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    table = Table(box=None, pad_edge=False)
    for title in ("Connection", "Tool", "Last heard", "It said", "Refused", "Not understood"):
        table.add_column(title, overflow="fold")
    for view in found.connections:
        table.add_row(view.name, view.source, _heard(view), view.last_what, _refused(view), _not_understood(view))
    console.print(
        table if found.connections else "No tool is connected, and none has spoken. Run: trusthub connect SOURCE"
    )
    for view in found.connections:
        if view.refused:
            console.print(f"\n{view.name} refused the last request because: {view.refused_why}")
    for stranger in found.strangers:
        console.print(
            f"\nNo component watches {stranger.name}. {stranger.connection} spoke of it, the last time at "
            f"{stranger.last_at:%Y-%m-%d %H:%M} UTC.\n"
            f"In site.yaml, at {stranger.place}:\n\n    {stranger.line}",
            soft_wrap=True,
        )


def _heard(view: "ConnectionView") -> str:
    at = f"{view.last_at:%Y-%m-%d %H:%M} UTC" if view.last_at else "never"
    return f"{at}, silent for more than {view.expected}" if view.silent_since else at


def _refused(view: "ConnectionView") -> str:
    return f"{view.refused}, last {view.refused_at:%Y-%m-%d %H:%M} UTC" if view.refused_at else ""


def _not_understood(view: "ConnectionView") -> str:
    counts = {"unknown": view.unknown, "unreadable": view.rejected, "failed": view.failed}
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)
