"""`trusthub gate`: a pipeline asks the hub whether a rollout may begin."""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from trusthub.cli.spans import SPAN

_TIMEOUT = 10.0
"""Seconds that the hub has for one answer."""
_PAUSE = 5.0
"""Seconds between two questions."""
_GO, _NO, _LOCKED, _WAIT = 200, 409, 401, 429
_UNREADABLE = frozenset({400, _LOCKED, 404, 405, 413})

_NOT_ON_RECORD = "The hub has no record of it: write down who did it and why."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What the hub said; status 0 when it could not be asked."""

    status: int
    reason: str

    @property
    def final(self) -> bool:
        """Whether to ask again is no use: it is yes, or the question itself is wrong."""
        return self.status == _GO or self.status in _UNREADABLE


@click.command()
@click.argument("gate")
@click.option("--component", required=True, help="What is rolled out, by a name that site.yaml watches.")
@click.option("--version", "to_version", help="The version that it brings.")
@click.option("--environment", help="Where, such as production.")
@click.option("--attempt", help="Your name for this try, such as the id of the run.")
@click.option("--artifact", help="The image or commit.")
@click.option("--strategy", help="canary, rolling, blue_green, flag, traffic, migration or configuration.")
@click.option("--actor", help="Who or what rolls it out.")
@click.option("--known-risk", "known_risks", multiple=True, help="What can go wrong. May be given several times.")
@click.option("--unknown-risk", "unknown_risks", multiple=True, help="What you do not know. As --known-risk.")
@click.option(
    "--rollback", is_flag=True, help="It brings back what was there before. It passes, whatever the hub says."
)
@click.option("--break-glass", help='"who: why". It passes, whatever the hub says, and is on record.')
@click.option("--wait", type=SPAN, default="0s", show_default=True, help="How long to wait for a yes, such as 10m.")
@click.option(
    "--if-unreachable",
    type=click.Choice(["pass", "fail"]),
    default="fail",
    show_default=True,
    help="What to do when the hub does not answer.",
)
@click.option("--hub", envvar="TRUSTHUB_BASE_URL", help="Where the hub answers. Default: TRUSTHUB_BASE_URL.")
def gate(
    gate: str,
    *,
    hub: str | None,
    wait: timedelta,
    if_unreachable: str,
    rollback: bool,
    break_glass: str | None,
    **said: Any,
) -> None:
    """Ask the GATE of a hub whether a rollout may begin. GATE is a name in site.yaml, or a whole address.

    The gate's secret is in TRUSTHUB_GATE_TOKEN or TRUSTHUB_GATE_TOKEN_FILE. The command ends with 0 for yes, 1 for no
    and 2 when it is used wrongly.
    """
    from trusthub.domain.gate import broken

    if break_glass is not None and broken(break_glass) is None:
        raise click.UsageError('Say who and why: --break-glass "Mira: payments fail since 14:02".')
    regardless = rollback or break_glass is not None
    body = {key: value for key, value in {**said, "rollback": rollback, "break_glass": break_glass}.items() if value}
    try:
        url, token = _address(gate, hub), _token()
        until = time.monotonic() + (0 if regardless else wait.total_seconds())
        answer = _ask_until(lambda: _ask(url, token, body), until)
    except (click.UsageError, OSError) as error:
        if not regardless:
            raise
        answer = _Answer(status=0, reason=str(error))
    sys.exit(_verdict(answer, regardless=regardless, unreachable=if_unreachable))


def _verdict(answer: _Answer, *, regardless: bool, unreachable: str) -> int:
    """Say what the answer means here; return the exit code."""
    if answer.status == _GO:
        click.echo(f"Go: {answer.reason}")
        return 0
    if regardless:
        click.echo(f"Warning: it passes, but the gate did not say so: {answer.reason} {_NOT_ON_RECORD}", err=True)
        return 0
    if answer.status in _UNREADABLE:
        hint = " It is read from TRUSTHUB_GATE_TOKEN." if answer.status == _LOCKED else ""
        raise click.UsageError(f"{answer.reason}{hint}")
    if answer.status == _NO:
        click.echo(f"No: {answer.reason}", err=True)
        return 1
    if unreachable == "pass":
        click.echo(f"Warning: it passes unasked (--if-unreachable pass): {answer.reason}", err=True)
        return 0
    click.echo(f"No: {answer.reason} A rollback passes: --rollback.", err=True)
    return 1


def _ask_until(ask: Callable[[], tuple[_Answer, float]], deadline: float) -> _Answer:
    """Ask until there is nothing to wait for, and say on the way what is waited for."""
    told = ""
    while True:
        answer, pause = ask()
        if answer.final or time.monotonic() + pause > deadline:
            return answer
        if answer.reason != told:
            click.echo(f"Waiting: {answer.reason}", err=True)
            told = answer.reason
        time.sleep(pause)


def _ask(url: str, token: str, body: Mapping[str, object]) -> tuple[_Answer, float]:
    """Ask once; return the answer, and for how many seconds to pause before the next question."""
    import urllib3

    headers = {"Authorization": f"Bearer {token}", "User-Agent": "trusthub"} if token else {"User-Agent": "trusthub"}
    try:
        with urllib3.PoolManager() as pool:
            answer = pool.request(
                "POST", url, json=body, headers=headers, timeout=_TIMEOUT, retries=False, redirect=False
            )
    except urllib3.exceptions.HTTPError as error:
        return _Answer(status=0, reason=f"The hub cannot be reached ({type(error).__name__})."), _PAUSE
    wait = answer.headers.get("Retry-After", "") if answer.status == _WAIT else ""
    return _read(answer.status, answer.data), max(_PAUSE, float(wait)) if wait.isdigit() else _PAUSE


def _read(status: int, body: bytes) -> _Answer:
    try:
        said = json.loads(body)
        reason = str(said.get("reason") or said["error"])
    except (ValueError, KeyError, TypeError, AttributeError):
        # Whoever answered is no gate: a proxy in front of a hub that is down, or another site altogether.
        return _Answer(status=0, reason=f"What answered is no gate of a hub (HTTP {status}).")
    return _Answer(status=status, reason=reason)


def _address(gate: str, hub: str | None) -> str:
    if re.match(r"https?://[^/]", gate):
        return gate
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", gate):
        raise click.UsageError(f"{gate!r} is no name of a gate. Write one from site.yaml, or a whole address.")
    if not hub:
        raise click.UsageError("Where is the hub? Set TRUSTHUB_BASE_URL, or give --hub or the gate's whole address.")
    return f"{hub.rstrip('/')}/gates/{gate}"


def _token() -> str:
    file = os.environ.get("TRUSTHUB_GATE_TOKEN_FILE")
    return Path(file).read_text(encoding="utf-8").strip() if file else os.environ.get("TRUSTHUB_GATE_TOKEN", "")
