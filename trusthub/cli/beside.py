"""A process beside the server, begun anew when it fails: readers of the page and the worker share no interpreter."""

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

_STOP = (signal.SIGTERM, signal.SIGINT)
_PAUSE = 1.0
"""Seconds before one that failed is begun anew."""


@contextmanager
def running(work: Callable[[], None]) -> Iterator[None]:
    """Run `work` in a process of its own until the end of the block, and wait until it has stopped at SIGTERM."""
    beside = _Beside(work)
    try:
        yield
    finally:
        beside.stop()


class _Beside:
    """The process, and the thread that looks after it."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._turn, self._over = threading.Lock(), threading.Event()
        self._process = self._begin()
        threading.Thread(target=self._keep, daemon=True).start()

    def stop(self) -> None:
        with self._turn:
            self._over.set()
            self._process.terminate()
        self._process.join()

    def _begin(self) -> BaseProcess:
        process = multiprocessing.Process(target=self._run, name="worker")
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)  # or it could be asked with the server's handler still
        process.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return process

    def _run(self) -> None:
        for each in _STOP:
            signal.signal(each, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP)
        self._work()

    def _keep(self) -> None:
        """Begin anew what failed. One that ended well was asked to."""
        while not self._over.is_set():
            self._process.join()
            if self._process.exitcode == 0 or self._over.wait(_PAUSE):
                return
            with self._turn:
                if not self._over.is_set():
                    self._process = self._begin()
