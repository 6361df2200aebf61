"""Bare posts of bodies that are there already: `python -m tests.benchmarks.bodies URL CONNECTIONS FOLDER`.

It prints the seconds that they took in all. A connection for each, as SendGrid's library does.
"""

import sys
import threading
import time
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

HEADERS = {"Authorization": "Bearer SG.bench", "Content-Type": "application/json", "Connection": "close"}


def run(url: str, connections: int, folder: Path) -> float:
    address = urlsplit(url)
    where = (str(address.hostname), int(address.port or 80))
    bodies = iter([file.read_bytes() for file in sorted(folder.glob("*.json"))])
    turn, begin = threading.Lock(), threading.Barrier(connections + 1)

    def post() -> None:
        begin.wait()
        while True:
            with turn:
                body = next(bodies, None)
            if body is None:
                return
            with closing(HTTPConnection(*where)) as connection:
                connection.request("POST", "/v3/mail/send", body, HEADERS)
                assert connection.getresponse().status == HTTPStatus.ACCEPTED

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
