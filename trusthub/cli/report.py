"""`trusthub report`: for pipelines whose tool sends nothing by itself."""

import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from trusthub.domain.contract import EVENTS
from trusthub.domain.events import Evidence, Strategy

F = TypeVar("F", bound=Callable[..., Any])
_ROLLOUT = [word.removeprefix("rollout.") for word in EVENTS if word.startswith("rollout.")]
_ROLLBACK = [word.removeprefix("rollback.") for word in EVENTS if word.startswith("rollback.")]

_COMMON = (
    click.option("--component", required=True, help="A name under the site's `watches`."),
    click.option("--environment", help="Where, such as production."),
    click.option("--attempt", help="What the events of one rollout have in common, if a version may be tried twice."),
    click.option(
        "--metric",
        "metrics",
        multiple=True,
        help="Name of a metric that failed, as under `symptoms` in the site; may be given again.",
    ),
    click.option("--reason", help="Why; only staff read it."),
    click.option("--actor", help="Who or what acts; only staff read it."),
    click.option("--link", help="Address of this run, for staff."),
    click.option("--id", "identity", help="Equal for two reports of the same thing. By default each report is new."),
    click.option("--connection", default="generic", show_default=True, help="Name of the hub's connection."),
    click.option(
        "--hub",
        envvar="TRUSTHUB_BASE_URL",
        default="http://127.0.0.1:8000",
        show_default=True,
        help="Address of the hub; also TRUSTHUB_BASE_URL.",
    ),
    click.option(
        "--token-file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="File that holds the connection's token; else TRUSTHUB_HOOK_TOKEN.",
    ),
    click.option("--strict", is_flag=True, help="Exit with 1 when the hub did not take it. Otherwise only warn."),
)


def common(command: F) -> F:
    """Give a command the options that all reports have."""
    for option in reversed(_COMMON):
        command = option(command)
    return command


@click.group()
def report() -> None:
    """Tell a hub what a pipeline does. The token comes from TRUSTHUB_HOOK_TOKEN or a file."""


@report.command()
@click.option("--phase", required=True, type=click.Choice(_ROLLOUT), help="What happened.")
@click.option("--to-version", required=True, help="The version that users get.")
@click.option("--from-version", help="The version that they had.")
@click.option("--strategy", type=click.Choice([word.value for word in Strategy]), help="How users get it.")
@click.option("--exposure", type=click.FloatRange(0, 100), help="Percent of users on the new version from now on.")
@click.option("--step", type=click.IntRange(1, 1000), help="Which step it is, from 1.")
@click.option("--steps", type=click.IntRange(1, 1000), help="How many steps there are.")
@click.option(
    "--evidence",
    type=click.Choice([word.value for word in Evidence if word is not Evidence.PERSON]),
    help="What says that customers were harmed.",
)
@common
def rollout(phase: str, **given: Any) -> None:
    """Report that a version is on its way to users."""
    _tell({"event": f"rollout.{phase}"}, **given)


@report.command()
@click.option("--phase", default="started", show_default=True, type=click.Choice(_ROLLBACK), help="What happened.")
@click.option("--to-version", required=True, help="The faulty version that is taken back.")
@click.option("--from-version", help="The version that users get back.")
@click.option("--strategy", type=click.Choice([word.value for word in Strategy]), help="How users got it.")
@click.option("--exposure", type=click.FloatRange(0, 100), help="Percent of users still on the faulty version.")
@common
def rollback(phase: str, **given: Any) -> None:
    """Report that a version is taken back from users."""
    _tell({"event": f"rollback.{phase}"}, **given)


@report.command()
@click.option("--tool", required=True, type=click.Choice(["flyway", "liquibase"]), help="Whose output it is.")
@click.option("--to-version", help="The version, if the output's own is not the one you speak of.")
@click.argument("file", default="-")
@common
def migration(tool: str, file: str, **given: Any) -> None:
    """Report how a schema migration went, from FILE or what is piped in: Flyway's JSON output or Liquibase's log."""
    from trusthub.cli import migrations
    from trusthub.errors import PayloadError

    try:
        with click.open_file(file, encoding="utf-8", errors="replace") as output:
            said = migrations.TOOLS[tool](output.read())
    except (PayloadError, OSError) as error:  # the tool may have died before it wrote anything
        _failed(str(error), strict=given["strict"])
        return
    if said is None:
        click.echo("No migration ran: there is nothing to report.")
    else:
        _tell({**said, "strategy": Strategy.MIGRATION.value}, **given)


def _tell(
    event: dict[str, Any],
    *,
    hub: str,
    connection: str,
    token_file: Path | None,
    strict: bool,
    link: str | None,
    identity: str | None,
    **said: Any,
) -> None:
    """Send an event; `said` are keys of our contract."""
    from trusthub.cli import hub as hubs

    told = {key: value for key, value in said.items() if value not in (None, ())}
    links = {"links": [{"label": "Pipeline", "url": link}]} if link else {}
    stamp = {"id": identity or str(uuid.uuid4()), "occurred_at": datetime.now(UTC).isoformat()}
    try:
        answer = hubs.send(hub, connection, hubs.token(token_file), {**event, **told, **links, **stamp})
    except hubs.ReportError as error:
        _failed(str(error), strict=strict)
        return
    version = told.get("to_version") or event.get("to_version") or ""
    what = " ".join(filter(None, (event["event"], "of", told["component"], version)))
    click.echo(f"Reported {what}: event {answer.get('event')}, {answer.get('state')}.")


def _failed(why: str, *, strict: bool) -> None:
    """Say that nothing was reported. A pipeline, and above all a rollback, does not stop for that."""
    click.echo(f"{'Error' if strict else 'Warning'}: nothing was reported. {why}", err=True)
    if strict:
        sys.exit(1)
