"""The `trusthub` command."""

import os
import re
import signal
import socket
import sys
from contextlib import nullcontext
from pathlib import Path

import click

from trusthub import __version__
from trusthub.cli import (
    backup,
    capture,
    check,
    connect,
    connections,
    customer,
    deliveries,
    drill,
    gate,
    history,
    init,
    lint,
    maintenance,
    page,
    preview,
    replay,
    report,
    sign,
    subscribers,
    token,
    watch,
)
from trusthub.domain.role import Role
from trusthub.errors import TrusthubError

_SHORTEST_PASSWORD = 8
"""Characters (NIST SP 800-63B, 5.1.1.2)."""


class Commands(click.Group):
    """Shows what the person at the terminal can mend as one clear message; a bug keeps its traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            words = _words(error)
            if words is None:
                raise
            raise click.ClickException(words) from error


def _words(error: Exception) -> str | None:
    """Return what to do about an error, or None when it is a bug."""
    if isinstance(error, TrusthubError):
        return str(error)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename} cannot be used: {error.strerror}."
    database, migrations = sys.modules.get("sqlalchemy.exc"), sys.modules.get("alembic.util")
    if database and isinstance(error, database.OperationalError):
        return f"The database cannot be used: {error.orig}"
    if migrations and isinstance(error, migrations.CommandError):
        return f"{error}."
    return None


@click.group(cls=Commands, context_settings={"max_content_width": 120})
@click.version_option(__version__, prog_name="trusthub")
def main() -> None:
    """Hear rollouts and rollbacks, tell people the truth within seconds, keep count of what was promised.

    Begin with `trusthub init`, or look at `trusthub demo`. Settings come from variables called TRUSTHUB_<NAME>, or from
    the file that TRUSTHUB_<NAME>_FILE names; what they say is in README.md. `trusthub check` finds mistakes in them.

    A command ends with 0 when it did what it says, 1 when it could not, and 2 when it was used wrongly; what ends
    otherwise says so in its own help.
    """


main.add_command(backup.backup)
main.add_command(backup.restore)
main.add_command(capture.capture)
main.add_command(check.check)
main.add_command(connect.connect)
main.add_command(connections.connections)
main.add_command(customer.customer)
main.add_command(customer.evidence)
main.add_command(deliveries.deliveries)
main.add_command(drill.drill)
main.add_command(gate.gate)
main.add_command(history.send)
main.add_command(history.take)
main.add_command(page.page)
main.add_command(init.init)
main.add_command(lint.lint)
main.add_command(preview.preview)
main.add_command(replay.replay)
main.add_command(report.report)
main.add_command(sign.sign)
main.add_command(maintenance.maintenance)
main.add_command(subscribers.subscribers)
main.add_command(token.token)
main.add_command(watch.watch)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Processes (PostgreSQL only).")
@click.option("--no-worker", is_flag=True, help="Do not deliver here; `trusthub worker` does it elsewhere.")
def serve(host: str, port: int, workers: int, *, no_worker: bool) -> None:
    """Serve hooks, the public page and the console, and deliver.

    It brings the database up to date, publishes the page and answers until SIGTERM or Ctrl-C; what is under way is
    finished first. On SQLite there is one process. On PostgreSQL any number may run, here (--workers) or elsewhere.
    Put a proxy in front that speaks TLS, and set TRUSTHUB_BASE_URL and TRUSTHUB_TRUSTED_PROXIES.
    """
    from granian import Granian
    from granian.constants import Interfaces

    from trusthub import app, settings
    from trusthub.services import site

    loaded = settings.load()
    _check_host(host, loaded)
    site.load(loaded)  # a mistake in it must stop the start here, not make each process die and come back
    if workers > 1 and loaded.sqlite_file is not None:
        raise click.UsageError("SQLite serves one process. Use --workers 1, or PostgreSQL.")
    with app.hold(loaded.database_url) or nullcontext():
        port = _free_port(host, port)
        app.prepare(loaded)
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        if "base_url" not in loaded.model_fields_set:
            _hand_down("TRUSTHUB_BASE_URL", address)
        if no_worker:
            _hand_down("TRUSTHUB_EMBEDDED_WORKER", "false")
        click.echo(f"trusthub {__version__} on {address}", err=True)
        Granian(
            "trusthub.app:serve",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            factory=True,
            workers=workers,
            blocking_threads=16,
            respawn_failed_workers=True,
            log_enabled=False,
        ).serve()


@main.command()
def worker() -> None:
    """Deliver, in a process of its own. Any number may run on PostgreSQL.

    SIGTERM or Ctrl-C ends it after what is under way, within about ten seconds. One that is killed loses nothing: after
    half a minute another one takes over what it had begun.
    """
    from trusthub import app, settings

    parts = app.build(settings.load())
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: parts.worker.stop())
    click.echo("Delivering. Ctrl-C stops after what is under way.", err=True)
    parts.worker.run()


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), required=False)
def publish(folder: Path | None) -> None:
    """Write the public page as plain files into FOLDER (default: TRUSTHUB_PUBLISH_DIR)."""
    from trusthub import app, settings

    loaded = settings.load()
    target = folder or loaded.publish_dir
    if target is None:
        raise click.UsageError("Name a folder, or set TRUSTHUB_PUBLISH_DIR.")
    app.build(loaded.model_copy(update={"publish_dir": target}))
    click.echo(f"The page is in {target}.")


@main.command()
@click.option("--once", is_flag=True, help="Play the story, check that everything arrived, and exit.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
)
def demo(*, once: bool, port: int) -> None:
    """Play a rollback from the first event to the last word, with nothing but this machine."""
    from trusthub import demo as story

    sys.exit(story.play(once=once, port=_free_port("127.0.0.1", port)))


@main.group()
def db() -> None:
    """Look after the database."""


@db.command("upgrade")
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the database up to REVISION (default: the newest).

    `trusthub serve` and `trusthub worker` do this at their start. Run it by itself before several of them start.
    """
    from trusthub import settings
    from trusthub.store import migrate
    from trusthub.store.session import Database

    migrate.upgrade(Database(settings.load().database_url), revision)
    click.echo("The database is up to date.")


@db.command("downgrade")
@click.argument("revision")
def downgrade(revision: str) -> None:
    """Take the database down to REVISION; `base` removes all tables."""
    from trusthub import settings
    from trusthub.store import migrate
    from trusthub.store.session import Database

    migrate.downgrade(Database(settings.load().database_url), revision)
    click.echo(f"The database is at {revision}.")


@db.command("check")
def db_check() -> None:
    """Check that the database has the shape this version expects."""
    from trusthub import settings
    from trusthub.store import migrate
    from trusthub.store.session import Database

    problem = migrate.differs(Database(settings.load().database_url))
    if problem:
        raise click.ClickException(problem)
    click.echo("The database has the shape this version expects.")


@main.group()
def user() -> None:
    """Look after the people who may sign in at /console/."""


@user.command("add")
@click.argument("email")
@click.option("--name", required=True, help="The name customers read under an answer.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice([role.value for role in Role]),
    help="What they may do; may be given several times. The first account is an admin, a later one a viewer.",
)
@click.password_option(help="Asked for when it is not given.")
def add(email: str, name: str, roles: tuple[str, ...], password: str) -> None:
    """Let EMAIL sign in; for a known address, set name and password anew, and roles where some are given."""
    from trusthub import app, settings

    if not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise click.UsageError(f"{email!r} is not an email address. Write name@example.com.")
    if not name.strip():
        raise click.UsageError("The name is empty, and customers would read it.")
    if len(password) < _SHORTEST_PASSWORD:
        raise click.UsageError(f"The password is too short. Take {_SHORTEST_PASSWORD} characters or more.")
    given = tuple(Role(name) for name in roles) or None
    kept = app.add_user(settings.load(), email=email, name=name, password=password, roles=given)
    click.echo(f"{email} can sign in. Roles: {', '.join(kept)}.")


@user.command("slack")
@click.argument("email")
@click.argument("member", required=False)
@click.option("--nobody", is_flag=True, help="Take it back.")
def member(email: str, member: str | None, *, nobody: bool) -> None:
    """Say which MEMBER of Slack (U...) the account EMAIL is: what they do there they do as this account."""
    from trusthub import app, settings
    from trusthub.services.acts import StaffError

    if (member is None) is not nobody or (member and not re.fullmatch(r"[UW][A-Z0-9]{4,}", member)):
        raise click.UsageError("Write a member id such as U0123ABCD (in Slack: profile, Copy member ID), or --nobody.")
    try:
        app.set_member(settings.load(), email=email, member=member)
    except StaffError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{email} is {member} in Slack." if member else f"{email} is nobody in Slack.")


def _check_host(host: str, loaded: object) -> None:
    if getattr(loaded, "demo", False) and host not in {"127.0.0.1", "::1", "localhost"}:
        raise click.UsageError("The demo leaves its hooks open, so it serves on loopback only.")


def _free_port(host: str, port: int = 0) -> int:
    """Return `port`, or any free one for 0. The server itself would not say clearly that it is taken."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            return int(probe.getsockname()[1])
    except OSError as error:
        reason = (error.strerror or "it is refused").partition(" (")[0]
        raise click.UsageError(f"{host}:{port} cannot be used: {reason}. Choose another --host or --port.") from error


def _hand_down(name: str, value: str) -> None:
    """Set a variable for the processes that serve."""
    os.environ[name] = value
    os.environ.pop(f"{name}_FILE", None)
