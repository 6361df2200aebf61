"""The logo that somebody gave: a small picture that can do nothing but be seen."""

import base64
import gzip
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

MOST = 4096
"""Bytes that a logo may add to a page, compressed: with it, a page stays below 15 kB."""
_LARGEST = 16 * MOST
"""Bytes of the file itself: a mail carries it as it is."""
_SIGNS = {"image/png": b"\x89PNG\r\n\x1a\n", "image/webp": b"RIFF", "image/svg+xml": b""}
_TYPES = {".png": "image/png", ".webp": "image/webp", ".svg": "image/svg+xml"}
_ACTIVE = {
    "a", "animate", "animatemotion", "animatetransform", "audio", "embed", "foreignobject", "handler", "iframe",
    "image", "listener", "object", "script", "set", "video",
}  # fmt: skip
"""What can run, move, lead away or load something."""
_OUTSIDE = re.compile(r"url\(\s*['\"]?(?!#)|@import|\\|javascript:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture that was looked at."""

    kind: str
    """Its content type."""
    ending: str
    body: bytes

    @property
    def vector(self) -> bool:
        """Whether it is SVG, which mail readers do not show."""
        return self.kind == "image/svg+xml"

    @property
    def inline(self) -> str:
        """The picture as an address, so that a style sheet brings it along and no request is made for it."""
        if self.vector:
            return f"data:{self.kind},{quote(self.body, safe=' =:/!;,@$*()?|{}[]^`~')}"
        return f"data:{self.kind};base64,{base64.b64encode(self.body).decode()}"


def read(path: Path) -> Logo:
    """Return the logo in a file. Raises ValueError with what is wrong with it, and OSError."""
    kind = _TYPES.get(path.suffix.lower())
    if kind is None:
        raise ValueError(f"{path.name} is no PNG, SVG or WebP. Save it as one of these")
    with path.open("rb") as file:
        body = file.read(_LARGEST + 1)
    if not body.startswith(_SIGNS[kind]) or (kind == "image/webp" and body[8:12] != b"WEBP"):
        raise ValueError(f"{path.name} is not what its ending says. Save it as {path.suffix[1:].upper()} again")
    logo = Logo(kind, path.suffix.lower(), body)
    if (weight := max(len(gzip.compress(logo.inline.encode())), len(body) - _LARGEST + MOST)) > MOST:
        cure = "Save it smaller: as SVG, or no higher than 40 pixels"
        raise ValueError(f"{path.name} makes every page {weight} bytes heavier, and {MOST} are allowed. {cure}")
    if logo.vector:
        _check(body, path.name)
    return logo


def _check(body: bytes, name: str) -> None:
    """Refuse an SVG that can run, load or lead to something."""
    if re.search(rb"<!DOCTYPE|<!ENTITY|<\?xml-stylesheet|encoding\s*=\s*['\"](?!utf-8)", body, re.IGNORECASE):
        raise ValueError(f"{name} has a DOCTYPE, entities, a style sheet or another encoding. Save it as plain SVG")
    try:
        root = ET.fromstring(body.decode())  # noqa: S314 - without a DOCTYPE there is nothing to expand
    except (ET.ParseError, UnicodeDecodeError) as error:
        raise ValueError(f"{name} is no SVG: {error}. Save it again") from error
    if _bare(root.tag) != "svg":
        raise ValueError(f"{name} is no SVG: it begins with <{_bare(root.tag)}>. Save it again")
    for element in root.iter():
        tag = _bare(element.tag)
        if tag in _ACTIVE:
            raise ValueError(f"{name} has <{tag}>, and a logo must do nothing. Take it out")
        for key, value in element.items():
            if _bare(key).startswith("on") or (_bare(key) in {"href", "src"} and not value.startswith("#")):
                raise ValueError(f"{name} has {_bare(key)} in <{tag}>: nothing may run or be loaded. Take it out")
        if any(_OUTSIDE.search(text) for text in (*element.attrib.values(), element.text or "")):
            raise ValueError(f"{name} names something outside of itself in <{tag}>. Take it out")


def _bare(name: str) -> str:
    return name.rpartition("}")[2].lower()
