"""Words that somebody has read and signed: who, when, and a hash of all that the message can say. Editing voids it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from trusthub.errors import PlaybookError
from trusthub.rendering.templates import Templates

_HEAD = "# Who has read and signed which words, by message and language. `trusthub sign` writes it; commit it too.\n"
_SIGNED = "signatures.yaml"


class Signature(BaseModel):
    """One person's word for one message in one language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    date: date
    sha256: str


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A message whose words in a language nobody stands for."""

    message: str
    locale: str
    why: str

    def __str__(self) -> str:
        return f"{self.message} ({self.locale}) {self.why}"


_FILE: TypeAdapter[dict[str, dict[str, Signature]]] = TypeAdapter(dict[str, dict[str, Signature]])


def read(templates: Templates) -> dict[str, dict[str, Signature]]:
    """Return the signatures by message and language. Raises PlaybookError when the file cannot be understood."""
    file = _file(templates)
    try:
        return _FILE.validate_python(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, ValidationError) as error:
        reason = re.sub(r"\s+", " ", str(error))
        raise PlaybookError(f"cannot be read: {reason}. Sign the messages again.", file=str(file), line=1) from error


def unsigned(templates: Templates, messages: Iterable[str], locales: Iterable[str]) -> tuple[Unsigned, ...]:
    """Return what of these nobody has signed as it is now, in a steady order."""
    known, codes = read(templates), tuple(locales)
    found = ((name, code, _why(templates, name, code, known)) for name in sorted(messages) for code in codes)
    return tuple(Unsigned(name, code, why) for name, code, why in found if why)


def signer(templates: Templates, message: str, code: str) -> str:
    """Return who stands for a message in a language as it is now; empty when nobody does."""
    known = read(templates)
    return "" if _why(templates, message, code, known) else known[message][code].name


def sign(templates: Templates, messages: Iterable[str], locales: Iterable[str], name: str, today: date) -> None:
    """Write down that `name` stands for these messages in these languages, as they are now."""
    known, codes = read(templates), tuple(locales)
    for message in messages:
        for code in codes:
            digest = templates.messages_in(code).digest(message)
            known.setdefault(message, {})[code] = Signature(name=name, date=today, sha256=digest)
    rows = {
        message: {code: signature.model_dump() for code, signature in sorted(mine.items())}
        for message, mine in sorted(known.items())
    }
    text = yaml.safe_dump(rows, sort_keys=False, allow_unicode=True, width=120)
    _file(templates).write_text(_HEAD + text, encoding="utf-8")


def _why(templates: Templates, message: str, code: str, known: Mapping[str, Mapping[str, Signature]]) -> str:
    signature = known.get(message, {}).get(code)
    if signature is None:
        return "is not signed"
    if signature.sha256 != templates.messages_in(code).digest(message):
        return f"was edited after {signature.name} signed it on {signature.date}"
    return ""


def _file(templates: Templates) -> Path:
    return templates.root / "messages" / _SIGNED
