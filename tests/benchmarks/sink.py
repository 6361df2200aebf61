"""A provider in a process of its own that takes everything: `python -m tests.benchmarks.sink LOG FOLDER`.

It reads each request's JSON, as a provider must. It writes its port to LOG, then for each request one line with the ids
of its recipients. It keeps the bodies in FOLDER as long as that is there.
"""

import itertools
import json
import socket
import sys
import threading
from pathlib import Path
from typing import IO

ANSWER = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: bench\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def run(log: IO[str], folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        print(server.getsockname()[1], file=log, flush=True)
        for number in itertools.count():
            threading.Thread(target=_serve, args=(server.accept()[0], number, log, folder), daemon=True).start()


def _serve(connection: socket.socket, number: int, log: IO[str], folder: Path) -> None:
    with connection:
        body = read(connection)
        people = json.loads(body)["personalizations"]
        connection.sendall(ANSWER)
    log.write(" ".join(each["custom_args"]["recipient"] for each in people) + "\n")
    log.flush()
    if folder.exists():
        (folder / f"{number}.json").write_bytes(body)


def read(connection: socket.socket) -> bytearray:
    """Read one request, and return its body."""
    data = bytearray()
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += connection.recv(1 << 16)
    left = int(data[:end].lower().partition(b"content-length:")[2].split(b"\r\n")[0]) - (len(data) - end - 4)
    body = data[end + 4 :]
    while left > 0:
        piece = connection.recv(min(left, 1 << 20))
        body += piece
        left -= len(piece)
    return body


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w", encoding="utf-8") as output:
        run(output, Path(sys.argv[2]))
