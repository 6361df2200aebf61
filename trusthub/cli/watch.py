"""`trusthub watch`: for what cannot push, we look ourselves."""

import os
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from trusthub.services.watch.outbox import Report
    from trusthub.settings import Settings

_ACCEPTED = 200


@click.group()
def watch() -> None:
    """Follow what cannot report by itself."""


@watch.command()
@click.option("--hub", help="Where the hub answers. Default: TRUSTHUB_BASE_URL.")
@click.option("--connection", default="kubernetes", show_default=True, help="Name of the connection at the hub.")
@click.option("--environment", help="What this cluster is, such as production. Default: the connection's.")
@click.option("--namespace", "namespaces", multiple=True, help="May be given several times. Default: all.")
@click.option("--selector", help="Only objects with these labels, as for kubectl.")
@click.option("--lease", metavar="NAMESPACE/NAME", help="When several run: the Lease by which one of them reports.")
@click.option(
    "--kubeconfig", type=click.Path(dir_okay=False, exists=True, path_type=Path), help="Default: as kubectl's."
)
@click.option("--context", help="A context of the kubeconfig.")
@click.option("--once", is_flag=True, help="List, report what there is, show it, and exit.")
def kubernetes(
    *,
    hub: str | None,
    connection: str,
    lease: str | None,
    kubeconfig: Path | None,
    context: str | None,
    once: bool,
    **what: Any,
) -> None:
    """Follow Argo Rollouts, Flagger Canaries and Deployments, and report them to a hub.

    The connection's token is in TRUSTHUB_HOOK_TOKEN or TRUSTHUB_HOOK_TOKEN_FILE.
    """
    cluster = _client()
    from trusthub import settings
    from trusthub.services.watch.report import Hub
    from trusthub.services.watch.run import Options, Watch

    loaded = settings.load()
    token = next(iter(loaded.hook_token.get_secret_value().split()), "")
    options = Options(**what, lease=_place(lease), identity=f"{socket.gethostname()}-{os.getpid()}")
    address = (hub or loaded.base_url).rstrip("/")
    made = Watch(cluster(kubeconfig, context), Hub(f"{address}/hooks/{connection}", token).post, options)
    if once:
        _once(made, loaded, address)
        return
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: made.stop())
    click.echo(f"Following the cluster, reporting to {address}. Ctrl-C stops.", err=True)
    made.run()


def _client() -> Callable[[Path | None, str | None], Any]:
    """Return what connects to a cluster. The client is an extra, because few need it and it is large."""
    try:
        from trusthub.services.watch.cluster import connect
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "kubernetes":
            raise
        raise click.ClickException(
            "The Kubernetes client is not installed: pip install 'trusthub[kubernetes]'"
        ) from error
    return connect


def _place(lease: str | None) -> tuple[str, str] | None:
    if lease is None:
        return None
    namespace, _, name = lease.partition("/")
    if not namespace or not name or "/" in name:
        raise click.UsageError(f"--lease {lease!r} is no place. Write namespace/name, such as trusthub/trusthub-watch.")
    return namespace, name


def _once(made: Any, loaded: "Settings", address: str) -> None:
    reports, absent, answer = made.once()
    _show(reports, loaded)
    for kind in absent:
        click.echo(f"{kind} is not installed in this cluster.")
    if answer.status != _ACCEPTED:
        status = f" (HTTP {answer.status})" if answer.status else ""
        raise click.ClickException(f"{address} did not take it{status}: {answer.words or 'it said nothing.'}")
    click.echo(f"{len(reports)} objects reported to {address}." if reports else "There is nothing to report.")


def _show(reports: Sequence["Report"], loaded: "Settings") -> None:
    """Print what was seen, and which component of the site file watches it, if that file is here."""
    from datetime import UTC, datetime

    from rich.console import Console
    from rich.table import Table

    from trusthub.services import site
    from trusthub.sources import SOURCES
    from trusthub.sources.base import Inbound

    known = site.load(loaded).site if loaded.site.exists() else None
    table = Table("object", "version", "state", "exposure", "component", box=None, pad_edge=False)
    for report in sorted(reports, key=lambda one: one.attempt):
        inbound = Inbound(body=report.encoded, headers={}, received_at=datetime.now(UTC))
        event: Any = SOURCES["kubernetes"].parse(inbound)[-1]
        component = known.component(event.names) if known else None
        nobody = "nobody watches it" if known else "site.yaml is not here"
        table.add_row(
            f"{report.body['object']['kind']} {event.names[0]}",
            event.to_version or "unknown",
            event.phase.replace("_", " "),
            "" if event.exposure is None else f"{event.exposure:g} %",
            component.name if component else nobody,
        )
    if reports:
        Console().print(table)
