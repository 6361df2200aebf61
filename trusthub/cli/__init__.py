"""The `trusthub` command."""

import re
import sys
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
    serve,
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
main.add_command(serve.serve)
main.add_command(sign.sign)
main.add_command(maintenance.maintenance)
main.add_command(subscribers.subscribers)
main.add_command(token.token)
main.add_command(watch.watch)
main.add_command(serve.worker)


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

    sys.exit(story.play(once=once, port=serve.free_port("127.0.0.1", port)))


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
