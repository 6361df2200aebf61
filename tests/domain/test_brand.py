"""One colour of the owner's, which everybody can read in light and in dark."""

import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from trusthub.domain import brand
from trusthub.domain.brand import Brand, Color, contrast, in_dark

CSS = (Path(__file__).parents[2] / "trusthub" / "web" / "static" / "page.css").read_text(encoding="utf-8")
COLOR = TypeAdapter[str](Color)
ANY = [f"#{red:02x}{green:02x}{blue:02x}" for red in (0, 128, 255) for green in (0, 128, 255) for blue in (0, 128, 255)]


def test_the_grounds_are_those_of_the_page() -> None:
    light, dark = CSS.split("@media screen and (prefers-color-scheme: dark)", maxsplit=1)
    for part, grounds, ink in ((light, brand.LIGHT, brand.INK[0]), (dark, brand.DARK, brand.INK[1])):
        named = dict(re.findall(r"--(paper|raised|ink): (#[0-9a-f]+);", part))
        full = {name: f"#{value[1:] * 2}" if len(value) == 4 else value for name, value in named.items()}
        assert (full["paper"], full["raised"], full["ink"]) == (*grounds, ink)


@pytest.mark.parametrize("color", ANY)
def test_what_is_taken_and_what_is_proposed_instead_can_be_read(color: str) -> None:
    try:
        taken = COLOR.validate_python(color)
    except ValidationError as error:
        proposed = re.search(r"can be read is '(#[0-9a-f]{6})'", str(error))
        assert proposed
        taken = COLOR.validate_python(proposed[1])
    assert min(contrast(taken, ground) for ground in brand.LIGHT) >= 4.5
    assert min(contrast(in_dark(taken), ground) for ground in brand.DARK) >= 4.5


def test_a_colour_is_taken_as_people_write_it() -> None:
    assert COLOR.validate_python("#A11") == "#aa1111"
    for wrong in ("red", "#12", "#12345678", "url(x)", "#12345g", "#123456;}"):
        with pytest.raises(ValidationError, match="is no colour"):
            COLOR.validate_python(wrong)


def test_words_that_are_not_there_in_a_language_are_the_pages_own() -> None:
    one = Brand(footer="Acme", intro={"en": "Hello", "de": "Hallo"})
    assert one.said(one.footer, "en", "en") == ("Acme", None)
    assert one.said(one.footer, "de", "en") == ("Acme", "en")
    assert one.said(one.intro, "de", "en") == ("Hallo", None)
    assert one.said(one.intro, "fr", "en") == ("Hello", "en")
