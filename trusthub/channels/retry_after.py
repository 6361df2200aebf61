"""How long a provider asks us to wait, from the headers of its answer."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds to wait, or None when the provider does not say.

    `Retry-After` is seconds or a date (RFC 9110, 10.2.3); Slack sends seconds. SendGrid sends the Unix time at which
    its count starts again: https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/rate-limits
    """
    values = {name.lower(): value.strip() for name, value in headers.items()}
    if (value := values.get("retry-after")) is not None:
        return _number(value) if _number(value) is not None else _until(value, now)
    if (reset := _number(values.get("x-ratelimit-reset", ""))) is not None:
        return max(0.0, reset - now.timestamp())
    return None


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() else None


def _until(text: str, now: datetime) -> float | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds())
