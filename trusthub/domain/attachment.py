"""Files that customers send: which kinds we take, told by their first bytes and never by their name."""

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

MOST = 3
LARGEST = 5 * 1024 * 1024
"""Bytes."""
PIXELS = 40_000_000
"""More than any screen or camera has; what a picture of more needs could stop the program that opens it."""
KINDS: Mapping[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "text/plain": "txt",
}
"""Media types, and how a name ends that is safe to save them under."""
_NAME = 80
_UNSAFE = re.compile(r"[^\w .,()+=@-]+")


class UnfitError(Exception):
    """A file that is not taken. The text is a sentence of pages.yaml."""


@dataclass(frozen=True, slots=True)
class File:
    """One that is taken."""

    name: str
    kind: str
    data: bytes


def accept(name: str, data: bytes) -> File:
    """Return the file with a name that is no path and ends as its bytes say. Raises UnfitError."""
    if len(data) > LARGEST:
        raise UnfitError("A file may have at most 5 MB.")
    kind = kind_of(data)
    if kind is None:
        raise UnfitError("We take pictures (PNG, JPEG, WebP), PDF and plain text.")
    if (measure := _MEASURES.get(kind)) is not None:
        size = measure(data)
        if size is None:
            raise UnfitError("A picture could not be read.")
        if size[0] * size[1] > PIXELS:
            raise UnfitError("A picture may have at most 40 million pixels.")
    return File(called(name, kind), kind, data)


def called(name: str, kind: str) -> str:
    """Return the last part of a name in plain characters, with the ending of its kind."""
    last = re.split(r"[/\\]", name)[-1]
    stem = _UNSAFE.sub("_", last.rpartition(".")[0] or last).strip(" ._")[:_NAME] or "file"
    return f"{stem}.{KINDS[kind]}"


def kind_of(data: bytes) -> str | None:
    """Return the media type by the first bytes; None for what we do not take, a zip for one."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    return "text/plain" if _is_text(data) else None


def _is_text(data: bytes) -> bool:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return bool(text) and all(letter.isprintable() or letter in "\r\n\t\ufeff" for letter in text)


Size = tuple[int, int] | None


def _png(data: bytes) -> Size:
    """PNG, 11.2.2: the header chunk is the first."""
    return struct.unpack(">II", data[16:24]) if data[12:16] == b"IHDR" and len(data) >= 24 else None  # noqa: PLR2004


_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _jpeg(data: bytes) -> Size:
    """Walk the segments to the frame header (ITU T.81, B.2.2)."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004 -- every marker begins so
        marker = data[at + 1]
        if marker == 0xFF:  # noqa: PLR2004 -- fill byte
            at += 1
        elif marker in _FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _webp(data: bytes) -> Size:
    """The three forms of a first chunk: https://developers.google.com/speed/webp/docs/riff_container."""
    form = data[12:16]
    if len(data) < 30:  # noqa: PLR2004 -- the longest of the three headers
        return None
    if form == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if form == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None


_MEASURES: Mapping[str, Callable[[bytes], Size]] = {"image/png": _png, "image/jpeg": _jpeg, "image/webp": _webp}
