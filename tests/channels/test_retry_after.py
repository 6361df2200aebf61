"""How providers ask for patience."""

from datetime import UTC, datetime

import pytest

from trusthub.channels import retry_after

NOW = datetime(2026, 11, 22, 14, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "30"}, 30.0),
        ({"retry-after": " 30 "}, 30.0),
        ({"Retry-After": "Sun, 22 Nov 2026 14:03:00 GMT"}, 60.0),
        ({"Retry-After": "Sun, 22 Nov 2026 14:03:00 -0000"}, 60.0),
        ({"Retry-After": "Sun, 22 Nov 2026 14:01:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "²"}, None),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 5)}, 5.0),
        ({"X-RateLimit-Reset": "5"}, 0.0),
        ({"X-RateLimit-Reset": "soon"}, None),
        ({"Retry-After": "7", "X-RateLimit-Reset": "5"}, 7.0),
    ],
)
def test_the_wait_is_read_from_the_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after.seconds(headers, NOW) == seconds
