"""What the list of customers costs when years of them wait: 10,000 threads against 100, through the front door."""

import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert, select, text

from tests.benchmarks.figures import kind_of, milliseconds, percentile, report
from tests.e2e.house import START, House, house
from tests.e2e.test_publicity import canary, rolled_back
from trusthub.store.tables import Person, Thread, ThreadMessage

FEW, MANY, LOOKS = 100, 10_000, 60
PROMISED = 1.5
_VIEWS = ("", "?state=answered", "?whose=nobody&pain=painful")


def test_inbox(url: str, tmp_path: Path) -> None:
    with house(url, tmp_path) as hub:
        canary(hub)
        rolled_back(hub)
        hub.answer(hub.incident(), words="It fails.", name="Ana")
        hub.sign_in()
        _fill(hub, 1, FEW)
        few = {view: _looks(hub, view) for view in _VIEWS}
        _fill(hub, FEW, MANY)
        many = {view: _looks(hub, view) for view in _VIEWS}
    ratios = {view: percentile(many[view], 0.5) / percentile(few[view], 0.5) for view in _VIEWS}
    report(
        f"The list of customers, {kind_of(url)}, {LOOKS} looks each",
        *(
            f"{view or 'who waits':28} {FEW}: {milliseconds(few[view])}   {MANY:,}: {milliseconds(many[view])}"
            f"   ratio {ratios[view]:4.2f}   {'PASS' if ratios[view] < PROMISED else 'FAIL'}"
            for view in _VIEWS
        ),
    )
    assert max(ratios.values()) < PROMISED


def _fill(hub: House, known: int, count: int) -> None:
    """Add threads with three messages each until there are `count`: half of them open, and of every urgency."""
    with hub.parts.hub.database.transaction(quiet=True) as session:
        pattern = session.execute(select(Thread)).scalars().first()
        assert pattern
        like = pattern.model_dump(exclude={"id"})
        numbers = range(known + 1, count + 1)
        session.execute(insert(Person), [{"id": n, "name": f"C{n}", "created_at": START} for n in numbers])
        session.execute(insert(Thread), [{**like, "id": n, **_thread(n)} for n in numbers])
        said = {"by": "customer", "body": "It fails, and I have tried it again. " * 20, "created_at": START}
        session.execute(insert(ThreadMessage), [{**said, "thread_id": n} for n in numbers for _ in range(3)])
        session.execute(text("ANALYZE"))  # as PostgreSQL does by itself after a minute


def _thread(n: int) -> dict[str, object]:
    at, waits = START + timedelta(seconds=n), n % 2 == 0
    return {
        "public_id": f"t{n:011}",
        "person_id": n,
        "state": "open" if waits else "answered",
        "waiting_since": at if waits else None,
        "urgency": 2 + n % 3,
        "pain": "painful" if waits else "blocking",
        "updated_at": at,
    }


def _looks(hub: House, view: str) -> list[float]:
    times = []
    for _ in range(LOOKS):
        begun = time.perf_counter()
        assert hub.web.get(f"/console/threads{view}").status_code == 200
        times.append(time.perf_counter() - begun)
    return times
