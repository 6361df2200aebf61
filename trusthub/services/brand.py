"""The page's own look: its logo and colour as files, named by what is in them, that are served with the page."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import trusthub
from trusthub.domain.brand import DARK, LIGHT, in_dark
from trusthub.domain.page import Page
from trusthub.services.document import Document, Place, dotted
from trusthub.services.logo import Logo, read
from trusthub.services.mistakes import hint

STATIC = Path(trusthub.__file__).parent / "web" / "static"
"""The style sheets and scripts that come with the hub."""
SHEET = "page.css"
_LOGO = """
.logo {{ display: block; width: min(15rem, 100%); height: 2.5rem; margin-bottom: 0.5rem; background: url("{}") left/contain no-repeat; print-color-adjust: exact; }}
"""  # noqa: E501
_COLOR = """
:root {{ --link: {light}; --action: {light}; --on-action: {paper}; }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ --link: {dark}; --action: {dark}; --on-action: {night}; }} }}
"""


@dataclass(frozen=True, slots=True)
class Look:
    """How the page looks, besides what its templates say."""

    sheet: str = SHEET
    """The name of its style sheet among the static files."""
    logo: str | None = None
    """The name of its logo there. The style sheet brings the picture along; this one is for mail."""
    mailed: str | None = None
    """The same, when mail readers show such pictures."""
    color: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What to serve besides what comes with the hub, by name. A name says what is in it, so none ever changes."""


PLAIN = Look()
"""That of a page without a brand."""


def look(document: Document, page: Page, at: Place = ("page",)) -> Look:
    """Return how a page looks, which stands `at` a place. Raises PlaybookError at the line where something is wrong."""
    for key in ("intro", "footer"):
        words = getattr(page, key)
        for code in words if isinstance(words, dict) else ():
            if code not in page.locales:
                message = (
                    f"{dotted((*at, key, code))}: the page is not published in {code!r}. {hint(code, page.locales)}"
                )
                raise document.error(message, (*at, key, code))
        if isinstance(words, dict) and page.main not in words:
            message = f"{dotted((*at, key))}: has no words in {page.main!r}, the page's own language. Add them."
            raise document.error(message, (*at, key))
    logo = _logo(document, page, (*at, "logo"))
    if logo is None and page.color is None:
        return PLAIN
    sheet = (STATIC / SHEET).read_text(encoding="utf-8") + _style(page.color, logo)
    files = {_named("page", ".css", sheet.encode()): sheet.encode()}
    name = _named("logo", logo.ending, logo.body) if logo else None
    if logo and name:
        files[name] = logo.body
    mailed = None if logo is None or logo.kind != "image/png" else name
    return Look(sheet=next(iter(files)), logo=name, mailed=mailed, color=page.color, files=files)


def _logo(document: Document, page: Page, at: Place) -> Logo | None:
    if page.logo is None:
        return None
    folder = document.path.resolve().parent
    path = (folder / page.logo).resolve()
    if not path.is_relative_to(folder):
        message = f"{dotted(at)}: {page.logo!r} is not beside {document.path.name}. Put it there."
        raise document.error(message, at)
    try:
        return read(path)
    except OSError as error:
        message = f"{dotted(at)}: {page.logo!r} cannot be read: {error.strerror}. Put it beside {document.path.name}."
        raise document.error(message, at) from error
    except ValueError as error:
        raise document.error(f"{dotted(at)}: {error}.", at) from error


def _style(color: str | None, logo: Logo | None) -> str:
    style = _LOGO.format(logo.inline) if logo else ""
    if color:
        style += _COLOR.format(light=color, dark=in_dark(color), paper=LIGHT[0], night=DARK[0])
    return style


def _named(stem: str, ending: str, body: bytes) -> str:
    return f"{stem}-{hashlib.sha256(body).hexdigest()[:16]}{ending}"
