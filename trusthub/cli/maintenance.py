"""`trusthub maintenance`: plan work from a script, see what is planned, call it off."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trusthub.services.hub import Hub


class Moment(click.ParamType[datetime]):
    """A date and time, in UTC unless it names its offset."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the time in UTC, or refuse it with the way to write it."""
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time. Write it like 2026-11-28T02:00, in UTC.", param, ctx)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


_BY = click.option("--by", required=True, help="Your name: it is kept with what you do, and who plans keeps its end.")


@click.group()
def maintenance() -> None:
    """Look after planned work. The service has to run, because it tells customers."""


@maintenance.command()
@click.argument("name")
@click.option("--component", multiple=True, required=True, help="Its id in site.yaml; once for each that is touched.")
@click.option("--from", "start", type=Moment(), required=True, help="When it begins, such as 2026-11-28T02:00 (UTC).")
@click.option("--until", "end", type=Moment(), required=True, help="When it ends: a promise.")
@click.option("--effect", required=True, help="What customers cannot do meanwhile.")
@click.option("--advice", default="", help="What they can do about it.")
@click.option("--ends-itself", is_flag=True, help="It is over at its end, unless somebody says otherwise before.")
@_BY
def plan(
    *,
    name: str,
    component: tuple[str, ...],
    start: datetime,
    end: datetime,
    effect: str,
    advice: str,
    ends_itself: bool,
    by: str,
) -> None:
    """Publish planned work with the title NAME, and print its address.

    Words are in the page's own language; the console also takes them in its others.
    """
    from trusthub.services import maintenance as work
    from trusthub.services.acts import Act

    with _hub() as hub:
        main = hub.page.main
        planned = work.Plan(
            components=component,
            name={main: name},
            effect={main: effect},
            advice={main: advice},
            start=start,
            end=end,
            ends_itself=ends_itself,
        )
        click.echo(hub.incident_url(work.plan(hub, Act(actor=by, now=hub.clock()), planned)))


@maintenance.command("list")
def show() -> None:
    """Show work that is planned or under way, a line each: id, state, window and title."""
    from trusthub.services import report

    with _hub() as hub, hub.database.reading() as session:
        for row in session.execute(report.works(hub, over=False)).scalars():
            window = f"{row.scheduled_for:%Y-%m-%d %H:%M} to {row.scheduled_until:%Y-%m-%d %H:%M} UTC"
            click.echo(f"{row.public_id}\t{row.state}\t{window}\t{row.name}")


@maintenance.command()
@click.argument("number", metavar="ID")
@click.option("--note", default="", help="Why, as customers read it.")
@_BY
def cancel(number: str, note: str, by: str) -> None:
    """Say that the work ID will not be done; only what has not begun can be called off."""
    from trusthub.services import maintenance as work
    from trusthub.services.acts import Act

    with _hub() as hub:
        work.cancel(hub, number, Act(actor=by, now=hub.clock()), note={hub.page.main: note})
    click.echo(f"{number} is called off.")


@contextmanager
def _hub() -> "Iterator[Hub]":
    from trusthub import app, settings
    from trusthub.services import sync

    hub = app.open_hub(settings.load())
    with closing(hub.database):
        sync.sync(hub, hub.clock())
        yield hub
