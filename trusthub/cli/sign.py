"""`trusthub sign`: somebody stands for the words of messages before the night they are needed."""

import difflib
from collections.abc import Sequence

import click


@click.command()
@click.argument("messages", nargs=-1, metavar="[MESSAGE]...")
@click.option("--all", "every", is_flag=True, help="Sign all messages.")
@click.option("--name", required=True, help="Who has read them, and stands for them.")
@click.option("--locale", "locales", multiple=True, help="Only in this language; may be given again. All without it.")
def sign(messages: tuple[str, ...], locales: tuple[str, ...], name: str, *, every: bool) -> None:
    """Sign messages as they are now, in templates/messages/signatures.yaml: commit it with them. An edit voids it."""
    from trusthub import settings
    from trusthub.rendering import signatures
    from trusthub.rendering.templates import Templates
    from trusthub.services.hub import utc_now

    templates = Templates(settings.load().templates_dir)
    if every == bool(messages):
        raise click.UsageError("Name the messages, or write --all.")
    if not name.strip():
        raise click.UsageError("The name is empty: nobody would stand for the words.")
    chosen = templates.messages() if every else messages
    for message in chosen:
        among(message, templates.messages(), "message")
    codes = [among(code, templates.locales, "language") for code in locales] or templates.locales
    signatures.sign(templates, chosen, codes, name.strip(), utc_now().date())
    count = len(chosen) * len(codes)
    click.echo(f"{name.strip()} has signed {count} text{'' if count == 1 else 's'}: {', '.join(codes)}.")


def among(word: str, known: Sequence[str], what: str) -> str:
    """Return `word` when it is known. Raises click's UsageError with the nearest one that is."""
    if word in known:
        return word
    near = difflib.get_close_matches(word, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
    raise click.UsageError(f"There is no {what} {word!r}. {hint}")
