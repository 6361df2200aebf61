"""What went wrong in a template, in words for its author: file, line, reason and cure."""

import difflib
import re
import traceback
from pathlib import Path

from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError

from trusthub.domain.message import FACTS
from trusthub.errors import PlaybookError

MISTAKES = (
    TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError, RecursionError,
)  # fmt: skip
"""What a message raises that was written wrongly."""


def explained(error: BaseException, file: str, root: Path) -> PlaybookError:
    """Say in which file below `root`, and in which line of it, a template went wrong; else that it was `file`."""
    line = 1
    if isinstance(error, TemplateSyntaxError):
        file, line = error.filename or file, error.lineno
    else:
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename.startswith(str(root)):
                file, line = frame.filename, frame.lineno or 1
    if isinstance(error, TemplateNotFound):
        return PlaybookError(no_template(error), file=file, line=line)
    undefined = re.fullmatch(r"'(\w+)' is undefined", str(error))
    text = no_fact(undefined[1]) if undefined else str(getattr(error, "message", None) or error)
    return PlaybookError(text, file=file, line=line)


def no_template(error: TemplateNotFound) -> str:
    """Say that a template is not there."""
    return f"There is no template {error.name!r}."


def no_fact(name: str) -> str:
    """Say that a name is no fact, or none for customers, and which one may be meant."""
    if name in FACTS:
        return f"{name} is an internal fact: a message to customers cannot read it."
    near = difflib.get_close_matches(name, FACTS, n=1)
    return f"There is no fact {name!r}." + (f" Did you mean {near[0]!r}?" if near else "")


def bare(problem: PlaybookError) -> str:
    """Return the words of a problem without their place."""
    return str(problem).removeprefix(f"{problem.file}:{problem.line}: ")
