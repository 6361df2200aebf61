"""The rules for words: read from templates/wording, and asked about what a person is about to say."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from trusthub import packaged
from trusthub.domain.message import Moment
from trusthub.domain.wording import House, Linter, parse
from trusthub.errors import PlaybookError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader in C, where libyaml is there: `trusthub lint` must not keep anybody waiting."""
_LOCALE = re.compile(r"[a-z]{2}(?:-[A-Z]{2})?")

STATES: Mapping[str, str] = {
    Moment.INCIDENT_INVESTIGATING: "investigating",
    Moment.INCIDENT_SEVERAL: "investigating",
    Moment.INCIDENT_IDENTIFIED: "identified",
    Moment.INCIDENT_UPDATED: "identified",
    Moment.INCIDENT_MONITORING: "monitoring",
    Moment.INCIDENT_RESOLVED: "resolved",
    Moment.INCIDENT_RETRACTED: "retracted",
    Moment.PROMISE_MISSED: "identified",
}
"""As what the linter reads each message; any other is a notice, to colleagues or to one customer, that owes nothing."""


@cache
def load(templates: Path) -> Linter:
    """Read the rules of each language and the house's own words. Raises PlaybookError with file and cure.

    A folder of templates without `wording/` has the packaged rules: a site's own words do not switch the checks off.
    """
    folder = templates / "wording"
    if not folder.is_dir():
        folder = packaged("templates") / "wording"
    books = {}
    for path in sorted(folder.glob("*.yaml")):
        if _LOCALE.fullmatch(path.stem):
            books[path.stem] = parse(_read(path), file=str(path))
    if "en" not in books:
        raise PlaybookError("has no en.yaml. Copy it from the packaged templates.", file=str(folder), line=1)
    house = folder / "house.yaml"
    return Linter(books, House.parse(_read(house), file=str(house)) if house.exists() else House())


def _read(path: Path) -> dict[str, Any]:
    try:
        value = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 -- a safe loader, see above
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PlaybookError(f"{error.problem}.", file=str(path), line=line) from error
    except (OSError, UnicodeDecodeError) as error:
        raise PlaybookError(f"cannot be read: {error}.", file=str(path), line=1) from error
    if not isinstance(value, dict):
        raise PlaybookError("is empty. Fill it in, or delete it.", file=str(path), line=1)
    return value
