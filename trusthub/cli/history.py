"""`trusthub export` and `trusthub import`: the public history of the page, out of the hub and into it."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trusthub.services.importing import Taken


@click.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
def send(file: Path | None) -> None:
    """Write what the page ever said in public as JSON, into FILE or to the terminal.

    Components with their uptime, incidents and planned work with updates, times and promises. The keys are listed in
    deploy/HISTORY.md, and stay within a version of the format.
    """
    from trusthub import app, settings
    from trusthub.services import exporting

    hub = app.open_hub(settings.load())
    with closing(hub.database):
        text = exporting.export(hub, hub.clock()).model_dump_json(indent=1) + "\n"
    if file is None:
        click.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8")
        click.echo(f"{file} is written.")


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--component", "pairs", multiple=True, metavar="NAME=ID", help="Which of ours a name in FILE means.")
@click.option("--dry-run", "dry", is_flag=True, help="Only say what would be done.")
def take(file: Path, pairs: tuple[str, ...], *, dry: bool) -> None:
    """Take incidents that are over into the history of the page. Nobody is told.

    FILE is an export of trusthub's, or JSON of Atlassian Statuspage's API: incidents.json, scheduled-maintenances.json,
    or the list of incidents of its management API. Times and ids stay; what is here already stays as it is.
    """
    from trusthub import app, settings
    from trusthub.services import foreign, importing, publish, sync

    if wrong := next((pair for pair in pairs if "=" not in pair), None):
        raise click.UsageError(
            f"--component {wrong!r}: write NAME=ID, with an id of site.yaml, or none to leave it out."
        )
    loaded = settings.load()
    hub = app.open_hub(loaded)
    with closing(hub.database):
        past = foreign.read(file, hub.clock(), hub.page.main)
        sync.sync(hub, hub.clock())
        names = {name: mine for name, _, mine in (pair.rpartition("=") for pair in pairs)}
        taken = importing.take(hub, past, hub.clock(), components=names, dry=dry)
        if taken.new and not dry:
            publish.publish(hub, hub.clock(), loaded.publish_dir, everything=True)
    click.echo(_told(taken, "would be" if dry else "are"))


def _told(taken: "Taken", verb: str) -> str:
    lines = [f"{len(taken.new):,} incidents {verb} taken over, {len(taken.known):,} are here already."]
    if taken.open:
        shown = ", ".join(map(repr, taken.open[:3]))
        lines.append(f"{len(taken.open):,} are not over and stay out ({shown}). Take them over when they are.")
    return "\n".join(lines)
