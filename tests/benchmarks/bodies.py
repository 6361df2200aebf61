"""Bare posts of bodies that are there already: `python -m tests.benchmarks.bodies URL CONNECTIONS FOLDER`.

It prints the seconds that they took in all. A connection for each, as SendGrid's library does.
"""

import socket
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

HEAD = (
    b"POST /v3/mail/send HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer SG.bench\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
)


def run(url: str, connections: int, folder: Path) -> float:
    address = urlsplit(url)
    where = (str(address.hostname), int(address.port or 80))
    bodies = [file.read_bytes() for file in sorted(folder.glob("*.json"))]
    requests = iter([HEAD % len(body) + body for body in bodies])
    turn, begin = threading.Lock(), threading.Barrier(connections + 1)

    def post() -> None:
        begin.wait()
        while True:
            with turn:
                request = next(requests, None)
            if request is None:
                return
            with socket.create_connection(where) as connection:
                connection.sendall(request)
                answer = connection.recv(1 << 12)
                assert answer.startswith(b"HTTP/1.1 202"), answer

    threads = [threading.Thread(target=post) for _ in range(connections)]
    for thread in threads:
        thread.start()
    begin.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun


if __name__ == "__main__":
    print(run(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))  # noqa: T201 -- its answer
