"""Fuzzing of every parser: `python -m tests.sources.fuzz SECONDS`, or `make fuzz`.

Real requests are damaged, in their bytes and in their structure. A parser may read them or refuse them in words; any
other exception is a fault, and is shown with the smallest request that raises it. Hypothesis and not a coverage-guided
fuzzer: it knows JSON, and installs everywhere.
"""

import itertools
import random
import sys
import time
from collections import Counter
from contextlib import suppress

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.sources.replay import fixtures, inbound, request
from tests.sources.test_conventions import damaged, read, well_formed
from trusthub.errors import SignatureError
from trusthub.sources import SOURCES

ODD = (
    *(b"NaN", b"-Infinity", b"1e999", b"-0", b"9" * 400, b"0.1e-400", b"null", b"true", b"[]", b"{}", b'""', b"[" * 70),
    *(
        b"\\u0000",
        b"\\ud800",
        b"\xff",
        b"\0",
        b"\xef\xbb\xbf",
        b'"\\u202e"',
        b"0001-01-01T00:00:00+23:59",
        b"9999-12-31",
    ),
)
"""What has broken parsers before."""
PORTION = 200
"""Examples of one tool at a time."""


@st.composite
def torn(draw: st.DrawFn, tool: str) -> tuple[bytes, dict[str, str]]:
    """Return the bytes of a real request with a few of them changed, lost, doubled or made odd."""
    whole = inbound(tool, draw(st.sampled_from(fixtures(tool))))
    body, headers = bytearray(whole.body), dict(whole.headers)
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(body)))
        end = min(len(body), begin + draw(st.integers(0, 12)))
        part = bytes(body[begin:end])
        body[begin:end] = draw(st.sampled_from((b"", part * 2, part[::-1], *ODD)) | st.binary(max_size=4))
    if headers and draw(st.integers(0, 7)) == 0:
        headers[draw(st.sampled_from(sorted(headers)))] = draw(st.text(max_size=12))
    return bytes(body), headers


def one(tool: str, examples: int, start: int) -> None:
    """Try one tool's parser. Raises what it should not have raised."""
    careful = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )

    @seed(start)
    @careful
    @given(torn(tool))
    def bytes_survive(case: tuple[bytes, dict[str, str]]) -> None:
        survive(tool, *case)

    @seed(start)
    @careful
    @given(damaged(tool))
    def structure_survives(case: tuple[str, object, dict[str, str]]) -> None:
        _, body, headers = case
        for found in read(tool, body, headers):
            well_formed(found)
            assert str(found).encode()

    bytes_survive()
    structure_survives()


def survive(tool: str, body: bytes, headers: dict[str, str]) -> None:
    """Verify and read a request; let through only what says in words why it is refused."""
    with suppress(SignatureError):
        SOURCES[tool].verify(request(body, headers), "s3cret")
    for found in read(tool, body, headers):
        well_formed(found)
        assert str(found).encode()


def main(seconds: float) -> None:
    """Go round the tools until the time is up."""
    until, done, start = time.monotonic() + seconds, Counter[str](), random.SystemRandom().randrange(2**32)
    for number, tool in enumerate(itertools.cycle(SOURCES)):
        if time.monotonic() > until:
            break
        one(tool, PORTION, start + number)
        done[tool] += 2 * PORTION
    width = max(map(len, done))
    for tool, count in sorted(done.items()):
        print(f"{tool:{width}}  {count:7,} requests survived")  # noqa: T201 -- its answer
    print(f"{'':{width}}  {done.total():7,} in {seconds:g} s, from seed {start}")  # noqa: T201 -- as above


if __name__ == "__main__":
    main(float(sys.argv[1]))
