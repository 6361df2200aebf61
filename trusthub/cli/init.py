"""`trusthub init`: five questions, and a site that works."""

import shlex
from collections.abc import Callable
from pathlib import Path

import click

_FEW_TOOLS = "argo-rollouts, flagger, github, gitlab, kubernetes, launchdarkly, alertmanager, generic"


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("playbooks"))
@click.option("--name", help="What customers call you, such as Acme.")
@click.option("--url", help="Where customers will read the page, such as https://status.acme.example.")
@click.option(
    "--component", "components", multiple=True, help="What customers recognise, such as Checkout. Repeatable."
)
@click.option(
    "--tell", "places", multiple=True, help="Where colleagues hear: a Slack channel (#releases) or mail. Repeatable."
)
@click.option("--tool", "tools", multiple=True, help="A tool that reports rollouts, such as argo-rollouts. Repeatable.")
def init(
    folder: Path,
    name: str | None,
    url: str | None,
    components: tuple[str, ...],
    places: tuple[str, ...],
    tools: tuple[str, ...],
) -> None:
    """Begin: answer five questions, and find a checked site.yaml with its playbooks in FOLDER (default: playbooks).

    \b
    In a script:
      trusthub init --name Acme --url https://status.acme.example --component Checkout --tell '#releases' --tool github

    What an option answers is not asked. The site says `publishing: ask`: customers hear nothing until a person presses
    a button. No file is overwritten, and when something is wrong with an answer none is written.
    """  # noqa: D301 -- click looks for the character itself
    from trusthub.services import first_site

    answers = first_site.Answers(
        name=name or click.prompt("What do customers call you?"),
        url=url or click.prompt("Where will they read the page?", default="https://status.example.com"),
        components=components or _several("What do they recognise? Names, separated by commas", _listed),
        places=places or _several("Where do colleagues hear? Slack channels (#releases) and mail addresses", _listed),
        tools=tools or _several(f"Which tools report rollouts? ({_FEW_TOOLS}, ...)", _listed),
    )
    written = first_site.write(folder, answers)
    site = folder / "site.yaml"
    click.echo(f"{site} is written and checked, with {len(written) - 1} files beside it. Next:")
    if site != Path("playbooks/site.yaml"):
        click.echo(f"  export TRUSTHUB_SITE={shlex.quote(str(site))}")
    click.echo("  trusthub check                                   # what is still missing, such as tokens")
    click.echo("  trusthub user add you@example.com --name You     # so that you can sign in at /console/")
    click.echo("  trusthub serve                                   # http://127.0.0.1:8000")


def _several(question: str, read: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
    return click.prompt(question, value_proc=read)


def _listed(text: str) -> tuple[str, ...]:
    """Split at commas. Raises UsageError, after which click asks once more, when nothing is left."""
    found = tuple(filter(None, (part.strip() for part in text.split(","))))
    if not found:
        raise click.UsageError("Name at least one.")
    return found
