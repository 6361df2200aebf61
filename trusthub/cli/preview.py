"""`trusthub preview`: a message as people receive it, with sample facts, in every shape that it has."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trusthub.cli.sign import among

if TYPE_CHECKING:
    from trusthub.rendering.samples import Shown


@click.command()
@click.argument("message")
@click.option("--locale", help="A language, such as de. All without it.")
@click.option("--case", "cases", multiple=True, help="Facts in which to show it; may be given again. All without it.")
@click.option("--open", "browser", is_flag=True, help="Show all of it as one page in a browser.")
def preview(message: str, locale: str | None, cases: tuple[str, ...], *, browser: bool) -> None:
    """Show MESSAGE as mail, text and Slack, with sample facts. Nothing is sent."""
    from trusthub import settings
    from trusthub.rendering import samples
    from trusthub.rendering.templates import Templates

    templates = Templates(settings.load().templates_dir)
    among(message, templates.messages(), "message")
    codes = [among(locale, templates.locales, "language")] if locale else templates.locales
    chosen = [among(case, tuple(samples.CASES), "case") for case in cases] or tuple(samples.CASES)
    shown = [samples.show(templates, message, code, case) for code in codes for case in chosen]
    if not browser:
        click.echo("\n\n".join(map(_text, shown)))
        return
    page = templates.page("pages/preview.html", message=message, shown=shown)
    with tempfile.NamedTemporaryFile("w", prefix="trusthub-", suffix=".html", encoding="utf-8", delete=False) as file:
        file.write(page)
    click.echo(f"The page is {file.name}.")
    click.launch(Path(file.name).as_uri())


def _text(shown: "Shown") -> str:
    head = click.style(f"== {shown.message}, {shown.language}, {shown.case}", bold=True)
    shapes = (f"-- text\n{shown.text}", f"-- Slack\n{shown.slack}\n", f"-- HTML\n{shown.words}")
    return "\n".join((head, "", f"Subject: {shown.subject}", "", *shapes))
