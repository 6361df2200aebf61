"""One commit for all who wait: what several threads want written at the same time costs the disk one wait, not several.

Databases call it group commit. Nobody waits for company: whoever finds the door free writes at once, and those who came
meanwhile are written together by the next of them.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from sqlmodel import Session

I = TypeVar("I")  # noqa: E741 -- what is to be written
R = TypeVar("R")

MOST = 64
"""Things in one transaction: what fails together is done again one by one."""


@dataclass(slots=True, eq=False)
class _Ticket:
    """One thread's thing to write, and what came of it."""

    work: Callable[[Session, Sequence[Any]], Sequence[Any]]
    item: Any
    done: bool = False
    result: Any = None
    error: BaseException | None = None


class Gathering:
    """Writes the things of many threads in few transactions."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Session]]) -> None:
        """`transaction` opens one, and commits it at the end of its block."""
        self._transaction = transaction
        self._waiting: list[_Ticket] = []
        self._turn, self._door = threading.Lock(), threading.Lock()

    def write(self, work: Callable[[Session, Sequence[I]], Sequence[R]], item: I) -> R:
        """Let `work` write `item`, with those of others, in one transaction; return its result once that is committed.

        `work` gets a session and things in the order in which they came, and returns a result for each. It may be
        called twice for one, of which once counts, so it must do nothing but read and write through the session. What
        it raises is raised here, and spoils nobody else's.
        """
        ticket = _Ticket(work, item)
        with self._turn:
            self._waiting.append(ticket)
        with self._door:
            while not ticket.done:
                self._write()
        if ticket.error is not None:
            raise ticket.error
        return ticket.result  # type: ignore[no-any-return] # it is what `work` returned

    def _write(self) -> None:
        """Write for those who have waited longest."""
        with self._turn:
            tickets, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        error = self._together(tickets)
        if error is not None:
            for ticket in tickets:
                ticket.error = self._together([ticket]) if len(tickets) > 1 else error
        for ticket in tickets:
            ticket.done = True

    def _together(self, tickets: list[_Ticket]) -> BaseException | None:
        """Write all or nothing; return what went wrong."""
        try:
            with self._transaction() as session:
                for work, same in groupby(tickets, attrgetter("work")):
                    group = list(same)
                    for ticket, result in zip(group, work(session, [each.item for each in group]), strict=True):
                        ticket.result = result
        except BaseException as error:  # noqa: BLE001 -- it may belong to another thread, which raises it
            return error
        return None
