"""`trusthub connect`: what to paste into a tool, then the first word that comes from it."""

import re
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from trusthub.cli.spans import SPAN

if TYPE_CHECKING:
    from trusthub.services.hub import Hub
    from trusthub.services.manual import Manual
    from trusthub.services.reading import Reading
    from trusthub.services.site import Configuration
    from trusthub.settings import Settings
    from trusthub.store.tables import Event

_LOOK = 0.5
"""Seconds between looks into the database."""
_LINE = "─" * 72


@click.command()
@click.argument("source")
@click.option("--name", help="Name of the connection: it posts to /hooks/NAME. Default: the name of the source.")
@click.option("--hub", "hub_url", help="Where the tool reaches this hub. Default: TRUSTHUB_BASE_URL.")
@click.option("--wait", type=SPAN, default="10m", show_default=True, help="How long to wait for the first event.")
@click.option("--no-wait", is_flag=True, help="Show what to paste, and do not wait.")
def connect(source: str, name: str | None, hub_url: str | None, wait: timedelta, *, no_wait: bool) -> None:
    """Connect a tool: show what to paste into it, wait for its first event, and say how that is understood.

    SOURCE is the kind of tool, such as github. The list is in trusthub/sources/README.md.
    """
    from trusthub import app, settings
    from trusthub.services import manual

    loaded = settings.load()
    hub = app.open_hub(loaded)
    name = _checked(hub.configuration, source, name or source)
    address = (hub_url or loaded.base_url).rstrip("/")
    tool = manual.manual(source)
    arrivals = Arrivals(hub, name)
    click.echo(_instructions(loaded, hub.configuration, tool, name, address))
    if no_wait:
        return
    try:
        sys.exit(0 if _wait(loaded, arrivals, wait) else 1)
    except KeyboardInterrupt:
        click.echo("\nNot waiting any longer. `trusthub connections` shows what comes.")
        sys.exit(130)  # what a shell expects after Ctrl-C
    finally:
        hub.database.close()


def _checked(configuration: "Configuration", source: str, name: str) -> str:
    """Return the connection's name. Raises UsageError for a source or a name that cannot be."""
    from trusthub.sources import SOURCES

    if source not in SOURCES:
        raise click.UsageError(f"There is no source {source!r}. {_nearest(source)}")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise click.UsageError(f"{name!r} cannot be a part of an address. Write letters, digits, dots, - and _.")
    listed = configuration.connection(name)
    if listed and listed.source != source:
        raise click.UsageError(f"The connection {name} is for {listed.source} already. Choose another --name.")
    return name


def _nearest(source: str) -> str:
    import difflib

    from trusthub.sources import SOURCES

    near = difflib.get_close_matches(source, SOURCES, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(SOURCES)}."


# ------------------------------------------------------------------------------------------------ what to paste


def _instructions(loaded: "Settings", configuration: "Configuration", tool: "Manual", name: str, address: str) -> str:
    from trusthub.services.manual import README

    first, secret = _in_the_hub(loaded, configuration, tool, name)
    paste = tool.filled(hub=address, connection=name, secret=secret)
    if not tool.chooses and secret not in paste:
        paste += f"\n\nThe secret to give to it: {secret}"
    parts = [
        f"Connecting {tool.title} as {name}, to {address}/hooks/{name}",
        f"1. In the hub\n\n{first}",
        f"2. In {tool.title}\n\n{_without_fences(paste)}",
    ]
    parts.append(f"How its events are understood, and the traps: {README}, section {tool.title}.")
    if re.match(r"https?://(127\.|localhost|\[::1\])", address):
        parts.append(f"Note: {address} is reached from this machine only. Set TRUSTHUB_BASE_URL, or give --hub.")
    return "\n\n".join(parts) + "\n"


def _in_the_hub(loaded: "Settings", configuration: "Configuration", tool: "Manual", name: str) -> tuple[str, str]:
    """Return what to do in the hub, and the secret to paste: the one in force, else a fresh one."""
    listed = configuration.site.connections.get(name)
    if listed and listed.secret:
        return f"Nothing: {loaded.site} has this connection, and its secret is set.", listed.secret[0]
    common = loaded.hook_token.get_secret_value().split()
    ready = listed or (name == tool.source and not tool.signs and tool.knows_environment)
    if common and ready and not tool.chooses:
        return "Nothing: this connection takes TRUSTHUB_HOOK_TOKEN.", common[0]
    variable = _variable(loaded, name)
    secret = "the secret that it shows" if tool.chooses else tool.fresh_secret()
    where = f'    {name}: {{source: {tool.source}, {_environment(configuration, tool)}secret: "${{{variable}}}"}}'
    lines = [
        f"{loaded.site}, under `connections:`{' (instead of the line that is there)' if listed else ''}:",
        where,
        "",
        "In the environment of `trusthub serve`:",
        f"    {variable}={f'<{secret}>' if tool.chooses else secret}",
        "",
        "Then restart the hub: it reads both when it starts.",
    ]
    return "\n".join(lines), secret


def _variable(loaded: "Settings", name: str) -> str:
    """Return the variable that site.yaml names for the connection's secret, else one made of its name."""
    text = loaded.site.read_text(encoding="utf-8-sig")
    named = re.search(rf'^\s*{re.escape(name)}:.*secret: *"?\$\{{(\w+)\}}', text, re.MULTILINE)
    return named[1] if named else re.sub(r"\W", "_", name).upper() + "_HOOK_SECRET"


def _environment(configuration: "Configuration", tool: "Manual") -> str:
    """Return the connection's environment, for a tool that cannot name one."""
    public = next(iter(configuration.site.environments.public), None)
    return "" if tool.knows_environment or public is None else f"environment: {public}, "


def _without_fences(text: str) -> str:
    """Return Markdown with a line above and below what is to be copied."""
    return re.sub(r"^```\w*$", _LINE, text, flags=re.MULTILINE)


# ------------------------------------------------------------------------------------------------ what comes


class Arrivals:
    """What comes over a connection from now on."""

    def __init__(self, hub: "Hub", name: str) -> None:
        """Look at what is there, so that only news is told."""
        from trusthub.services import connections

        self._hub, self._name = hub, name
        with hub.database.reading() as session:
            self._event = connections.newest(session, name)
        self._refused, _ = self._refusal()

    def wait(self, span: timedelta) -> "Iterator[Event | str]":
        """Yield each event, and why a request was refused, until the time is up."""
        until = time.monotonic() + span.total_seconds()
        while time.monotonic() < until:
            yield from self._news()
            time.sleep(_LOOK)

    def _news(self) -> "Iterator[Event | str]":
        from trusthub.services import connections

        count, reason = self._refusal()
        if count > self._refused:
            self._refused = count
            yield reason
        with self._hub.database.reading() as session:
            rows = connections.since(session, self._name, self._event)
        for row in rows:
            self._event = row.id
            yield row

    def _refusal(self) -> tuple[int, str]:
        from trusthub.store.tables import Refusal

        with self._hub.database.reading() as session:
            row = session.get(Refusal, self._name)
            return (row.count, row.reason) if row else (0, "")


def _wait(loaded: "Settings", arrivals: Arrivals, span: timedelta) -> bool:
    """Say what comes, until one event is understood; return whether one was."""
    from trusthub.services import site
    from trusthub.services.silence import words

    click.echo(f"Waiting {words(span)} for the first event. Ctrl-C stops.")
    for news in arrivals.wait(span):
        if isinstance(news, str):
            click.echo(f"Refused: {news}")
        else:
            click.echo(_understood(site.load(loaded), news))  # the line to paste may be in it only now
            if news.state in {"done", "ignored"}:
                return True
    click.echo("Nothing that we understand has come. `trusthub connections` shows what comes later.")
    return False


def _understood(configuration: "Configuration", row: "Event") -> str:
    """Return how an event is understood, and what to do where it is not."""
    from trusthub.services import reading

    if row.state == "unknown":
        return f"Event {row.id} came, of the type {row.summary}, which this version does not know. It is kept."
    if row.state == "rejected":
        return f"Event {row.id} came, and cannot be read: {row.error}"
    if row.state == "failed":
        return f"Event {row.id} came, and failed inside the hub: {row.error} It is tried again."
    readings = reading.read(configuration, row)
    if not readings:
        return f"Event {row.id} came. It is authentic, and says nothing about a rollout."
    return "\n".join(_told_of(configuration, row, one) for one in readings)


def _told_of(configuration: "Configuration", row: "Event", one: "Reading") -> str:
    from trusthub.services.reading import to_watch

    lines = [f"Event {row.id} came: {one.event.kind}. It says: {one.said}."]
    if one.component:
        lines.append(f"It is about {one.component.name}.")
    else:
        place, line = to_watch(configuration.site, one.event.names)
        lines.append(f"No component watches {', '.join(one.event.names)}. In site.yaml, at {place}:\n\n    {line}\n")
    if one.environment is None:
        lines.append("It does not name an environment. Give the connection one, or nothing can go public by itself.")
    else:
        public = "which customers use" if one.public else "which is not listed as one that customers use"
        lines.append(f"It happens in {one.environment}, {public}.")
    return "\n".join(lines)
