"""The colours of page.css, measured as WCAG 2 does: text at least 4.5 to 1, marks and borders at least 3 to 1."""

import re
from itertools import product
from pathlib import Path

import pytest

CSS = Path(__file__).parents[2] / "trusthub" / "web" / "static" / "page.css"
TONES = ("ok", "info", "minor", "major", "critical", "calm")

TEXT = [
    *product(("ink", "soft", "link"), ("paper", "raised")),
    ("on-action", "action"),
    ("paper", "curve"),
    *((f"{tone}-text", ground) for tone in TONES for ground in (f"{tone}-bg", "paper", "raised")),
]
MARKS = [
    ("edge", "paper"),
    ("curve", "paper"),
    ("action", "paper"),
    *((f"{tone}-mark", ground) for tone in TONES for ground in (f"{tone}-bg", "paper", "raised")),
]


def palettes() -> dict[str, dict[str, str]]:
    """Return the colours that page.css names, in light and in dark."""
    light, dark = CSS.read_text().split("@media screen and (prefers-color-scheme: dark)", maxsplit=1)
    named = re.compile(r"--([a-z-]+): (#[0-9a-f]{3,6});")
    first = dict(named.findall(light))
    return {"light": first, "dark": first | dict(named.findall(dark))}


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    channels = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXT, 4.5), (MARKS, 3.0)], ids=["text", "marks"])
def test_colours_can_be_read(scheme: str, pairs: list[tuple[str, str]], least: float) -> None:
    palette = palettes()[scheme]
    measured = {f"{front} on {ground}": contrast(palette[front], palette[ground]) for front, ground in pairs}
    assert {pair: round(ratio, 2) for pair, ratio in measured.items() if ratio < least} == {}


def test_dark_names_every_colour_again() -> None:
    both = palettes()
    assert {name for name, colour in both["light"].items() if both["dark"][name] == colour} == set()


def test_the_formula_is_that_of_wcag() -> None:
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.005)
