"""The short form of `make fuzz`."""

import pytest

from tests.sources import fuzz
from trusthub.sources import SOURCES


@pytest.mark.parametrize("tool", SOURCES)
def test_damaged_requests_are_read_or_refused_in_words(tool: str) -> None:
    fuzz.one(tool, examples=40, start=1)


def test_a_parser_that_raises_anything_else_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(inbound: object) -> None:
        raise KeyError(inbound)

    monkeypatch.setattr(SOURCES["generic"], "parse", careless)
    with pytest.raises(KeyError):
        fuzz.one("generic", examples=1, start=1)
