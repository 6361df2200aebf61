"""What makes a page its owner's: a logo, one colour, and words of their own above and below."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

LIGHT, DARK = ("#ffffff", "#f5f6f8"), ("#14171b", "#1d2126")
"""Paper and raised ground of page.css, in light and in dark: what stands on them must be readable on both."""
INK = ("#1a1e24", "#e8ebee")
"""What the page is written in, in light and in dark."""
READABLE = 4.5
"""Least contrast of text (WCAG 2.2, 1.4.3)."""
_STEPS = 255
_LINEAR = 0.04045
"""Up to here sRGB has no curve."""


def luminance(color: str) -> float:
    """Return the relative luminance of `#rrggbb`, 0 to 1 (WCAG 2.2)."""
    channels = [part / 255 for part in bytes.fromhex(color[1:])]
    red, green, blue = (part / 12.92 if part <= _LINEAR else ((part + 0.055) / 1.055) ** 2.4 for part in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast between two colours, 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable(color: str, grounds: Iterable[str], towards: str) -> str:
    """Return the colour nearest to `color`, on the way `towards` another, that can be read on all `grounds`."""
    places, ground = list(grounds), bytes.fromhex(towards[1:])
    made = (_mixed(bytes.fromhex(color[1:]), ground, step / _STEPS) for step in range(_STEPS + 1))
    return next((each for each in made if min(contrast(each, place) for place in places) >= READABLE), towards)


def in_dark(color: str) -> str:
    """Return an accent as it stands on dark paper: no colour is readable on white and on that alike."""
    return readable(color, DARK, INK[1])


def _mixed(one: bytes, other: bytes, share: float) -> str:
    return "#" + bytes(round(a + (b - a) * share) for a, b in zip(one, other, strict=True)).hex()


def _color(text: str) -> str:
    short = re.fullmatch(r"#([0-9a-f])([0-9a-f])([0-9a-f])", color := text.lower())
    color = "#" + "".join(digit * 2 for digit in short.groups()) if short else color
    if not re.fullmatch(r"#[0-9a-f]{6}", color):
        raise ValueError(f"{text!r} is no colour. Write it like '#0a58a8', in quotes")
    measured = min(contrast(color, ground) for ground in LIGHT)
    if measured < READABLE:
        nearest = readable(color, LIGHT, INK[0])
        raise ValueError(
            f"{text!r} has a contrast of {int(measured * 10) / 10} to 1 to the page, and text needs 4.5. "
            f"The nearest that can be read is '{nearest}'"
        )
    return color


Color = Annotated[str, AfterValidator(_color)]
"""One accent, readable on the page's paper as text and, with paper-white words on it, as a button."""
Words = str | dict[str, str]
"""Markdown, or Markdown for each language."""


class Brand(BaseModel):
    """The keys of `page:` that say how it looks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    logo: str | None = Field(default=None, min_length=1)
    """A file beside site.yaml: PNG, SVG or WebP."""
    color: Color | None = None
    intro: Words = ""
    """Markdown above the components."""
    footer: Words = ""
    """Markdown at the end of every page."""

    def said(self, words: Words, locale: str, main: str) -> tuple[str, str | None]:
        """Return `words` in a language, and which one that is when it is not `locale`: then they are the page's own."""
        if isinstance(words, str):
            return words, None if locale == main else main
        found = words.get(locale)
        return (found, None) if found is not None else (words.get(main, ""), main)
