"""`trusthub backup` and `trusthub restore`: everything a hub keeps, in one file, for either database."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trusthub.store.archive import Manifest


@click.command()
@click.argument("target", type=click.Path(path_type=Path), metavar="FILE|FOLDER")
@click.option("--with-secret", is_flag=True, help="Also keep what signs private links. Whoever has it can make them.")
def backup(target: Path, *, with_secret: bool) -> None:
    """Keep everything in one new file, while the hub runs.

    FILE is its name; in a FOLDER it is called after the time. `trusthub restore` reads it, on SQLite and on PostgreSQL
    alike. site.yaml, playbooks and the environment are not in it: they are yours.
    """
    from trusthub import settings
    from trusthub.services import backup as keeping
    from trusthub.services.hub import utc_now

    now = utc_now()
    file = target / f"trusthub-{now:%Y%m%dT%H%M%SZ}.zip" if target.is_dir() else target
    made = keeping.back_up(settings.load(), file, now, with_secret=with_secret)
    click.echo(f"{file}: {_told(made)}")
    if with_secret:
        click.echo("The secret that signs private links is in it. Keep the file as you keep the secret.")
    else:
        click.echo(
            f"The secret that signs private links (key id {made.key_id}) is not in it. Keep that elsewhere: without "
            "it, links that people have stop working."
        )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Only read FILE from end to end, and say what is in it.")
@click.option("--hub-was-stopped", "stopped", is_flag=True, help="Nothing was sent after the backup: look for nothing.")
def restore(file: Path, *, check: bool, stopped: bool) -> None:
    """Fill an empty database from FILE, as `trusthub backup` made it.

    The database is that of TRUSTHUB_DATABASE_URL, of whichever kind. What had not been sent is sent when the hub
    starts. The hub that was may have sent some of it after the backup: so providers are asked first, and what cannot be
    found out is marked as perhaps delivered twice.
    """
    from trusthub import app, settings
    from trusthub.services import backup as keeping
    from trusthub.services.hub import utc_now

    if check:
        click.echo(f"{file} is whole: {_told(keeping.check(file))}")
        return
    loaded = settings.load()
    with app.hold(loaded.database_url) or nullcontext():
        done = keeping.restore(loaded, file, utc_now(), stopped=stopped)
    click.echo(f"Restored {_told(done.manifest)}")
    if done.waiting and done.oldest:
        click.echo(
            f"{done.waiting:,} messages wait, the oldest since {done.oldest:%F %T} UTC. They are sent when the hub "
            "starts; `trusthub serve --no-worker` starts it without, and the console shows them."
        )
    if not done.same_secret:
        click.secho(
            f"TRUSTHUB_SECRET_KEY is not the one that the backup's hub had (key id {done.manifest.key_id}): links that "
            "people have will not work. Set the old one before you start the hub.",
            fg="yellow",
            err=True,
        )


def _told(manifest: "Manifest") -> str:
    rows, files = sum(part.rows for part in manifest.tables), len(manifest.files)
    kept = f"{rows:,} rows of {len(manifest.tables)} tables" + (f" and {files:,} files" if files else "")
    return f"{kept}, as they were on {manifest.taken_at:%F %T} UTC (revision {manifest.revision})."
