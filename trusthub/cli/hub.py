"""Sending one event of our own contract to a hub, from a pipeline that must go on whatever happens here."""

import json
import os
import re
from pathlib import Path
from typing import Any

from trusthub.errors import TrusthubError

CONNECT, ANSWER = 3.0, 10.0
"""Seconds to wait for a connection, and for an answer."""
RETRIES = 3
_PAUSE = 0.5
"""Seconds before the second retry; twice as long before the third."""
_OK = 200


class ReportError(TrusthubError):
    """The hub did not take an event. The text says why, and what to do."""


def token(file: Path | None) -> str:
    """Return the connection's token from a file, or from TRUSTHUB_HOOK_TOKEN or TRUSTHUB_HOOK_TOKEN_FILE.

    Raises ReportError when there is none. While the common token is being changed there are two, the new one first.
    """
    file = file or (Path(named) if (named := os.environ.get("TRUSTHUB_HOOK_TOKEN_FILE")) else None)
    try:
        found = file.read_text(encoding="utf-8") if file else os.environ.get("TRUSTHUB_HOOK_TOKEN", "")
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"{file} cannot be read as a token.") from error
    if not found.split():
        raise ReportError("There is no token. Set TRUSTHUB_HOOK_TOKEN, or name a file with --token-file.")
    return found.split()[0]


def send(hub: str, connection: str, bearer: str, event: dict[str, Any]) -> dict[str, Any]:
    """Post an event; return the hub's answer. Raises ReportError when it is not taken after a few tries.

    The event must have an `id`: a try whose answer was lost may have arrived. Redirects are not followed, because the
    token would go with them.
    """
    import urllib3

    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", hub):
        raise ReportError(f"{hub!r} is not the address of a hub. Write https:// and a host.")
    again = urllib3.Retry(
        RETRIES,
        redirect=False,
        allowed_methods=None,
        status_forcelist={429, 502, 503, 504},
        backoff_factor=_PAUSE,
        respect_retry_after_header=False,
        raise_on_status=False,
    )
    url = f"{hub.rstrip('/')}/hooks/{connection}"
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json", "User-Agent": "trusthub-report"}
    try:
        with urllib3.PoolManager(timeout=urllib3.Timeout(connect=CONNECT, read=ANSWER), retries=again) as pool:
            answer = pool.request("POST", url, body=json.dumps(event), headers=headers, redirect=False)
    except (urllib3.exceptions.HTTPError, UnicodeError) as error:
        raise ReportError(f"{hub} cannot be reached: {_why(error)}.") from error
    try:
        said = answer.json()
    except ValueError:
        said = None
    if answer.status != _OK or not isinstance(said, dict):
        why = said.get("error") if isinstance(said, dict) else None
        raise ReportError(f"{url} answered {answer.status}. {why or 'Is this the address of a hub?'}")
    return said


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return str(reason).rpartition(": ")[2].removesuffix(".") or type(reason).__name__
