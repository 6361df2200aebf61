"""`trusthub drill`: run a whole playbook without telling anybody, and see who would have heard what, and when."""

import json
import logging
import sys
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from trusthub.services.drill import Drill, Run


class Percent(click.ParamType[float]):
    """A share such as `5%`."""

    name = "percent"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the share, or refuse it with the reason."""
        try:
            share = float(str(value).strip().removesuffix("%"))
        except ValueError:
            share = 0.0
        if not 0 < share <= 100:  # noqa: PLR2004 -- percent
            self.fail(f"{value!r} is no share. Write a number above 0 and up to 100, such as 5%.", param, ctx)
        return share


@click.command()
@click.argument("playbook")
@click.option("--fail-at", type=Percent(), help="Let it fail at this share alone, such as 5%; else at each stage.")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="For people or for programs.",
)
@click.option("--record/--no-record", default=True, help="Write the day into the plan when the drill passes.")
def drill(playbook: str, fail_at: float | None, shape: str, *, record: bool) -> None:
    """Run PLAYBOOK through the hub itself on a simulated clock, and print who would hear what, and when.

    Nothing is sent, and no database is touched. It fails (exit status 1) when customers would wait longer than the
    cadence says, when words break a rule, or when the incident never ends.
    """
    import structlog

    from trusthub import settings
    from trusthub.errors import PlaybookError
    from trusthub.services import playbooks, site
    from trusthub.services.drill import drill as run
    from trusthub.services.mistakes import hint

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    loaded = settings.load()
    configuration = site.load(loaded)
    known = {each.name: each for each in configuration.playbooks}
    if playbook not in known:
        raise PlaybookError(f"There is no playbook {playbook!r}. {hint(playbook, known)}")
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    found = run(configuration, known[playbook], now, fail_at=fail_at)
    day, kept = now.date(), ""
    if found.passed and record:
        plan = loaded.playbooks / "plans" / f"{found.playbook.plan}.md"
        try:
            playbooks.record_drill(plan, day)
            kept = f"{plan} says so."
        except OSError as error:
            kept = f"{plan} cannot be written ({error.strerror}), so it does not say so."
    if shape == "json":
        click.echo(json.dumps(_json(found, day), indent=2, ensure_ascii=False))
    else:
        _print(found, kept)
    sys.exit(0 if found.passed else 1)


def _json(found: "Drill", day: date) -> dict[str, Any]:
    return {
        "playbook": found.playbook.name,
        "plan": found.playbook.plan,
        "passed": found.passed,
        "date": day.isoformat(),
        "runs": [
            {
                "fails_at": run.fails_at,
                "problems": run.problems,
                "notes": run.notes,
                "messages": [
                    {
                        "after_seconds": round((said.at - run.began).total_seconds()),
                        "audience": said.audience,
                        "destination": said.destination,
                        "moment": said.moment,
                        "edited": said.edited,
                        "subject": said.subject,
                        "body": said.body,
                    }
                    for said in run.said
                ],
            }
            for run in found.runs
        ],
    }


def _print(found: "Drill", kept: str) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    console.width = max(console.width, 120)
    for run in found.runs:
        table = Table(
            "After", "Who", "Where", "What", box=None, pad_edge=False, title=_title(run), title_justify="left"
        )
        for said in run.said:
            changed = " (changes what was there)" if said.edited else ""
            table.add_row(str(said.at - run.began), said.audience, said.destination, said.subject + changed)
        console.print(table)
        for note in run.notes:
            console.print(f"  {note}")
        for problem in run.problems:
            console.print(f"  Wrong: {problem}")
        console.print()
    count = sum(len(run.said) for run in found.runs)
    verdict = "It passes." if found.passed else "It does not pass."
    runs = f"{len(found.runs)} run{'' if len(found.runs) == 1 else 's'}"
    console.print(f"{runs}, {count} messages. Nothing was sent. {verdict} {kept}".rstrip())


def _title(run: "Run") -> str:
    if run.fails_at is not None:
        return f"It fails at {run.fails_at:g} %"
    return "Nothing fails" if run.notes else "A person opens it"
