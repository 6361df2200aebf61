"""The commands that keep running: the server with workers beside it, and a worker by itself."""

import os
import socket
from contextlib import ExitStack, nullcontext
from functools import partial

import click

from trusthub import __version__
from trusthub.cli import beside

_DELIVERING = min(2, os.cpu_count() or 1)
"""Workers beside the server. Writing to a hundred thousand is bound by one interpreter, so two do it sooner."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Processes (PostgreSQL only).")
@click.option("--no-worker", is_flag=True, help="Do not deliver here; `trusthub worker` does it elsewhere.")
def serve(host: str, port: int, workers: int, *, no_worker: bool) -> None:
    """Serve hooks, the public page and the console, and deliver.

    It brings the database up to date, publishes the page and answers until SIGTERM or Ctrl-C; what is under way is
    finished first. On SQLite there is one process. On PostgreSQL any number may run, here (--workers) or elsewhere.
    Put a proxy in front that speaks TLS, and set TRUSTHUB_BASE_URL and TRUSTHUB_TRUSTED_PROXIES.
    """
    from granian import Granian
    from granian.constants import Interfaces

    from trusthub import app, settings
    from trusthub.services import site

    loaded = settings.load()
    _check_host(host, loaded)
    site.load(loaded)  # a mistake in it must stop the start here, not make each process die and come back
    if workers > 1 and loaded.sqlite_file is not None:
        raise click.UsageError("SQLite serves one process. Use --workers 1, or PostgreSQL.")
    with app.hold(loaded.database_url) or nullcontext():
        port = free_port(host, port)
        app.prepare(loaded)
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        if "base_url" not in loaded.model_fields_set:
            _hand_down("TRUSTHUB_BASE_URL", address)
        if no_worker:
            _hand_down("TRUSTHUB_EMBEDDED_WORKER", "false")
        click.echo(f"trusthub {__version__} on {address}", err=True)
        server = Granian(
            "trusthub.app:serve",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            factory=True,
            workers=workers,
            blocking_threads=16,
            respawn_failed_workers=True,
            log_enabled=False,
        )
        with ExitStack() as delivering:
            for _ in range(_DELIVERING if settings.load().embedded_worker else 0):
                delivering.enter_context(beside.running(partial(app.work, os.getpid())))
            server.serve()


@click.command()
def worker() -> None:
    """Deliver, in a process of its own. Any number may run on PostgreSQL.

    SIGTERM or Ctrl-C ends it after what is under way, within about ten seconds. One that is killed loses nothing: after
    half a minute another one takes over what it had begun.
    """
    from trusthub import app

    app.work(ready=lambda: click.echo("Delivering. Ctrl-C stops after what is under way.", err=True))


def _check_host(host: str, loaded: object) -> None:
    if getattr(loaded, "demo", False) and host not in {"127.0.0.1", "::1", "localhost"}:
        raise click.UsageError("The demo leaves its hooks open, so it serves on loopback only.")


def free_port(host: str, port: int = 0) -> int:
    """Return `port`, or any free one for 0. The server itself would not say clearly that it is taken."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            return int(probe.getsockname()[1])
    except OSError as error:
        reason = (error.strerror or "it is refused").partition(" (")[0]
        raise click.UsageError(f"{host}:{port} cannot be used: {reason}. Choose another --host or --port.") from error


def _hand_down(name: str, value: str) -> None:
    """Set a variable for the processes that serve."""
    os.environ[name] = value
    os.environ.pop(f"{name}_FILE", None)
