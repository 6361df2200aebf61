"""Load from a process of its own: `python -m tests.benchmarks.load get|post|hook URL CONNECTIONS COUNT [BODY]`.

It prints how many calls there were in a second. Sockets and bytes, not a client library: it must cost less than what
it measures.
"""

import itertools
import socket
import sys
import threading
import time
from urllib.parse import urlsplit

POST = (
    b"POST %b HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer xoxb-bench\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%b"
)
HOOK = (
    b"POST %b HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer hook-token\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b"
)
GET = b"GET %b HTTP/1.1\r\nHost: bench\r\n\r\n"
BODY = b'{"channel": "#releases", "text": "Checkout: going back", "blocks": []}'


def run(kind: str, url: str, connections: int, count: int, body: str = "") -> float:
    """Make `count` calls in all over `connections` at a time; return how many there were in a second.

    In the `body` of a hook NUMBER becomes the number of the call, so that no two are alike.
    """
    address = urlsplit(url)
    where, path = (str(address.hostname), int(address.port or 80)), address.path.encode()
    each = count // connections
    begin = threading.Barrier(connections + 1)

    def get() -> None:
        request = GET % path
        with socket.create_connection(where) as connection:
            begin.wait()
            for _ in range(each):
                connection.sendall(request)
                _read(connection)

    def post() -> None:
        request = POST % (path, len(BODY), BODY)
        begin.wait()
        for _ in range(each):  # a connection for each, as Slack's library does
            with socket.create_connection(where) as connection:
                connection.sendall(request)
                _read(connection)

    numbers = itertools.count(1)

    def hook() -> None:
        with socket.create_connection(where) as connection:
            begin.wait()
            for _ in range(each):
                data = body.replace("NUMBER", str(next(numbers))).encode()
                connection.sendall(HOOK % (path, len(data), data))
                _read(connection)

    kinds = {"get": get, "post": post, "hook": hook}
    threads = [threading.Thread(target=kinds[kind]) for _ in range(connections)]
    for thread in threads:
        thread.start()
    begin.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    return each * connections / (time.perf_counter() - begun)


def _read(connection: socket.socket) -> None:
    """Read one answer, up to the last byte that its length promises."""
    data = connection.recv(65536)
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += connection.recv(65536)
    head = data[:end].lower()
    assert head.startswith((b"http/1.1 200", b"http/1.0 200")), head
    left = int(head.partition(b"content-length:")[2].split(b"\r\n")[0]) - (len(data) - end - 4)
    while left > 0:
        left -= len(connection.recv(65536))


if __name__ == "__main__":
    print(run(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:]))  # noqa: T201 -- its answer
