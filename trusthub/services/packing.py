"""Compressed forms of what many read: made once a change."""

import gzip
from collections.abc import Callable, Mapping
from functools import lru_cache

import brotli

_BROTLI, _GZIP = 5, 6
"""Levels: the highest ones take ten times as long for a page that is some percent smaller."""
SUFFIX: Mapping[str, str] = {"br": ".br", "gzip": ".gz"}
"""What the files are called that nginx sends to readers who take an encoding (`gzip_static`, `brotli_static`)."""


_FORMS: Mapping[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=_BROTLI),
    "gzip": lambda body: gzip.compress(body, _GZIP, mtime=0),
}
"""By the name in HTTP, the smallest first."""


def packed(body: bytes) -> Mapping[str, bytes]:
    """Return `body` in each encoding, the smallest first, by its name in HTTP."""
    return {encoding: pack(body) for encoding, pack in _FORMS.items()}


class Packed(dict[str, bytes]):
    """`body` in the encodings that somebody has asked for: a change waits for no form that nobody reads."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __missing__(self, encoding: str) -> bytes:
        made = self[encoding] = _FORMS[encoding](self._body)
        return made


@lru_cache(maxsize=256)
def chosen(accepted: str) -> str | None:
    """Return the encoding for an Accept-Encoding (RFC 9110, 12.5.3): the smallest it names and does not refuse."""
    weights: dict[str, str] = {}
    for each in accepted.lower().split(","):
        name, _, weight = each.partition(";")
        weights[name.strip()] = weight.replace(" ", "").removeprefix("q=")
    refused = {name for name, weight in weights.items() if weight and not weight.strip("0.")}
    return next((name for name in SUFFIX if (name in weights or "*" in weights) and name not in refused), None)
