"""The least that could do the hub's work: what no hub on this server and this database can beat."""

import os
import sqlite3
import threading
from collections.abc import Iterable
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_HERE = threading.local()


def chain(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
    """Take a request, commit twice to the disk, and tell the provider."""
    body = environ["wsgi.input"].read()
    if environ["REQUEST_METHOD"] == "POST":
        for _ in range(2):
            _commit(body)
        provider = urlsplit(os.environ["BENCH_PROVIDER"])
        connection = HTTPConnection(str(provider.hostname), provider.port)
        headers = {"Authorization": "Bearer xoxb-bench", "Content-Type": "application/json"}
        connection.request("POST", f"{provider.path}chat.postMessage", body, headers)
        connection.getresponse().read()
        connection.close()
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
    return [b"{}"]


def page(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
    """Answer with the bytes of a file."""
    if not hasattr(_HERE, "page"):
        _HERE.page = Path(os.environ["BENCH_PAGE"]).read_bytes()
    start("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(_HERE.page)))])
    return [_HERE.page]


def _commit(body: bytes) -> None:
    if not hasattr(_HERE, "database"):
        _HERE.database = _connect(os.environ["BENCH_DATABASE"])
    _HERE.database.execute(_HERE.insert, (body,))


def _connect(url: str) -> Any:
    if url.startswith("sqlite:///"):
        _HERE.insert = "INSERT INTO bench (body) VALUES (?)"
        database = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
            database.execute(f"PRAGMA {pragma}")
        database.execute("CREATE TABLE IF NOT EXISTS bench (id INTEGER PRIMARY KEY, body BLOB)")
        return database
    _HERE.insert = "INSERT INTO bench (body) VALUES (%s)"
    connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
    connection.execute("CREATE TABLE IF NOT EXISTS bench (id BIGSERIAL PRIMARY KEY, body BYTEA)")
    return connection
