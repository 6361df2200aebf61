"""The `trusthub deliveries` command: look at messages, send what was given up once more, hold what must not leave."""

import getpass
from collections.abc import Callable
from datetime import UTC
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from trusthub.services.deliveries import Act, Which
    from trusthub.services.hub import Hub

_STATES = ("pending", "done", "dead", "cancelled")
_WHEN = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"])


@click.group()
def deliveries() -> None:
    """Look after messages on their way."""


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--since", type=_WHEN, help="Asked for at this time (UTC) or later: 2026-03-02T14:00."),
        click.option("--incident", help="About this incident, by the id in its address."),
        click.option("--channel", help="Through this channel: slack, email, ..."),
        click.option("--lane", help="To this destination: slack:#releases, email:ana@example.com."),
    ):
        command = option(command)
    return command


@deliveries.command("list")
@click.option("--state", multiple=True, type=click.Choice(_STATES), help="In this state; may be given several times.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="So many, the newest.")
@_filters
def list_(*, state: tuple[str, ...], limit: int, **which: Any) -> None:
    """Show messages, oldest first, and what is paused."""
    from trusthub.services import deliveries as service

    hub = _hub()
    for row in service.listed(hub, _which(hub, which, states=state), limit):
        remarks = [row.last_error, "It may have been delivered twice." if row.ambiguous else ""]
        asked = f"{row.created_at:%Y-%m-%d %H:%M} UTC"
        click.echo(f"{row.id}  {row.state}  {asked}  {row.lane}  {row.payload['subject']}  {row.attempts} tries")
        for remark in filter(None, remarks):
            click.echo(f"    {remark}")
    for where in service.paused(hub):
        click.echo(f"Paused: {where}")


@deliveries.command()
@click.argument("ids", nargs=-1, type=int, metavar="[NUMBER]...")
@_filters
def requeue(ids: tuple[int, ...], **which: Any) -> None:
    """Send messages that were given up once more: those with a NUMBER, or all that the options name."""
    from trusthub.services import deliveries as service

    if not ids and not any(which.values()):
        raise click.UsageError("Say which: numbers, --lane, --channel, --incident or --since.")
    hub = _hub()
    sent = service.requeue(hub, _which(hub, which, ids=ids), _act(hub))
    click.echo(f"{len(sent)} will be sent once more, and say that they are late.")


@deliveries.command()
@click.argument("where")
@click.option("--why", default="", help="The reason, for those who wonder why nothing comes.")
def pause(where: str, why: str) -> None:
    """Send nothing more to WHERE: a lane (slack:#releases) or a channel (slack)."""
    from trusthub.services import deliveries as service

    hub = _hub()
    service.pause(hub, where, _act(hub), why)
    click.echo(f"{where} is paused. What comes meanwhile waits.")


@deliveries.command()
@click.argument("where")
def resume(where: str) -> None:
    """Let WHERE, a lane or a channel, go on."""
    from trusthub.services import deliveries as service

    hub = _hub()
    service.resume(hub, where, _act(hub))
    click.echo(f"{where} goes on.")


def _hub() -> "Hub":
    from trusthub import app, settings

    return app.open_hub(settings.load())


def _act(hub: "Hub") -> "Act":
    from trusthub.services.deliveries import Act

    return Act(actor=f"{getpass.getuser()}, by command", now=hub.clock())


def _which(hub: "Hub", which: dict[str, Any], **more: Any) -> "Which":
    from trusthub.services import deliveries as service

    incident, since = which["incident"], which["since"]
    return service.Which(
        lane=which["lane"],
        channel=which["channel"],
        incident_id=service.incident_id(hub, incident) if incident else None,
        since=since.replace(tzinfo=UTC) if since else None,
        **more,
    )
