"""`trusthub token`: what programs show to `/api/v1/`."""

import re
from datetime import timedelta

import click


@click.group()
def token() -> None:
    """Look after the tokens with which programs call /api/v1/."""


@token.command("create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="What it may do; may be given several times.")
@click.option("--expires", default="90d", show_default=True, help="How long it lasts, in days.")
def create(name: str, scopes: tuple[str, ...], expires: str) -> None:
    """Make a token called NAME, and show it once."""
    from trusthub import app, settings
    from trusthub.services import api_tokens
    from trusthub.services.acts import Act
    from trusthub.web.access import Scope

    known = [scope.value for scope in Scope]
    if unknown := [scope for scope in scopes if scope not in known]:
        raise click.UsageError(f"There is no scope {unknown[0]!r}. Take {', '.join(known)}.")
    days = re.fullmatch(r"([0-9]{1,4})d", expires)
    if days is None:
        raise click.UsageError(f"{expires!r} is no number of days. Write 90d.")
    hub = app.open_hub(settings.load())
    with hub.database.transaction() as session:
        act = Act(actor="command line", now=hub.clock())
        lasts = timedelta(days=int(days[1]))
        secret = api_tokens.create(session, act, name=name, scopes=scopes, lasts=lasts)
    click.echo(secret)
    click.echo("It is shown only now. Whoever has it can do what its scopes say.", err=True)


@token.command("list")
def show() -> None:
    """List the tokens, without what opens anything."""
    from trusthub import app, settings
    from trusthub.services import api_tokens

    hub = app.open_hub(settings.load())
    with hub.database.reading() as session:
        for row in api_tokens.every(session):
            used = f"last used {row.used_at:%Y-%m-%d}" if row.used_at else "never used"
            ends = f"revoked {row.revoked_at:%Y-%m-%d}" if row.revoked_at else f"until {row.expires_at:%Y-%m-%d}"
            click.echo(f"{row.public_id}  {row.name}  {' '.join(row.scopes)}  {ends}  {used}")


@token.command("revoke")
@click.argument("public_id")
def revoke(public_id: str) -> None:
    """Make the token PUBLIC_ID (see `list`) open nothing any more."""
    from trusthub import app, settings
    from trusthub.services import api_tokens
    from trusthub.services.acts import Act

    hub = app.open_hub(settings.load())
    with hub.database.transaction() as session:
        api_tokens.revoke(session, Act(actor="command line", now=hub.clock()), public_id)
    click.echo("It opens nothing any more.")
