"""The languages that there are: a folder of `templates/locales` each, whose `words.yaml` says how it speaks."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import babel
import yaml
from markupsafe import Markup, escape
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from trusthub.errors import PlaybookError
from trusthub.rendering.speech import Speech

MAIN = "en"
"""The language whose messages lie in `templates/messages` itself, and which page templates are written in."""
_Two = Annotated[tuple[str, ...], Field(min_length=2, max_length=2)]
_Three = Annotated[tuple[str, ...], Field(min_length=3, max_length=3)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Times(_Strict):
    clock: _Two
    at: _Two
    by: _Two
    since: _Two


class _Ranges(_Strict):
    period: _Three
    between: _Three


class _Words(_Strict):
    name: str
    rules: str
    percent: str
    span: str
    untranslated: str
    times: _Times
    ranges: _Ranges


@dataclass(frozen=True, slots=True)
class Locale:
    """One language."""

    code: str
    """As in the name of its folder and in `lang`, such as `de`."""
    name: str
    """What it calls itself."""
    untranslated: str
    """What it says above words that are in another language."""
    speech: Speech
    messages: Path
    """The folder with a folder for each message."""
    around: Path
    """The folder with the words around a mail."""
    pages: Mapping[str, str]
    """What pages say in it, by what they say in English."""

    def said(self, text: str, *given: object, **values: object) -> Markup:
        """Return what a page says: a sentence in this language, with values in it that are HTML or become it."""
        return escape(self.pages.get(text, text)).format(*given, **values)


def codes(root: Path) -> tuple[str, ...]:
    """Return the codes of all languages that have a folder, the one that messages are written in first."""
    folder = root / "locales"
    found = sorted(each.name for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []
    return (MAIN, *(code for code in found if code != MAIN))


def read(root: Path, code: str) -> Locale:
    """Read a language. Raises PlaybookError with the file when it is not there, or says too little."""
    folder = root / "locales" / code
    file = folder / "words.yaml"
    words = _words(file)
    patterns: Mapping[str, tuple[str, ...]] = {**words.times.model_dump(), **words.ranges.model_dump()}
    try:
        rules = babel.Locale.parse(words.rules)
    except (babel.UnknownLocaleError, ValueError) as error:
        cure = "Write a language as Babel names it, such as de or en_GB."
        raise PlaybookError(f"rules: {words.rules!r} is unknown. {cure}", file=str(file), line=1) from error
    parent = root if code == MAIN else folder
    speech = Speech(rules, words.percent, words.span, patterns)
    return Locale(code, words.name, words.untranslated, speech, parent / "messages", parent / "email", _pages(folder))


def _pages(folder: Path) -> Mapping[str, str]:
    file = folder / "pages.yaml"
    try:
        return TypeAdapter(dict[str, str]).validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, ValidationError) as error:
        reason = " ".join(str(error).split())
        raise PlaybookError(
            f"must be sentences in English, each with its translation: {reason}", file=str(file), line=1
        ) from error


def _words(file: Path) -> _Words:
    try:
        return _Words.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        cure = "Copy that of another language and translate it."
        raise PlaybookError(f"is missing. {cure}", file=str(file), line=1) from error
    except yaml.YAMLError as error:
        raise PlaybookError(f"is not YAML: {error}", file=str(file), line=1) from error
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}." for each in error.errors()]
        raise PlaybookError("\n  ".join(lines), file=str(file), line=1) from error
