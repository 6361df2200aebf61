"""How the fates of recipients add up."""

import pytest

from trusthub.domain.recipient import ARRIVED, BOUNCED, NOBODY, OPEN, RETURNED, Fate, Tally


def test_every_fate_is_counted_once() -> None:
    counts: dict[str, int] = {fate.value: 10**place for place, fate in enumerate(Fate)}
    tally = Tally.of(counts)
    assert tally.frozen == sum(counts.values())
    assert tally.frozen == tally.waiting + tally.left_out + tally.failed + tally.handed
    assert tally.delivered == sum(counts[fate] for fate in ARRIVED)
    assert tally.bounced == sum(counts[fate] for fate in BOUNCED)
    assert tally.failed == counts[Fate.REFUSED]
    assert tally.silent == counts[Fate.KEPT] + counts[Fate.ACCEPTED] + counts[Fate.DEFERRED]


def test_every_fate_has_arrived_or_returned_or_is_open() -> None:
    assert ARRIVED | RETURNED | OPEN | {Fate.LEFT_OUT} == set(Fate)
    assert not ARRIVED & RETURNED
    assert not OPEN & (ARRIVED | RETURNED)


@pytest.mark.parametrize(("given_up", "waiting", "failed"), [(False, 5, 1), (True, 0, 6)])
def test_nobody_waits_for_what_was_given_up(given_up: bool, waiting: int, failed: int) -> None:  # noqa: FBT001 -- a parameter of the test
    tally = Tally.of({"pending": 5, "refused": 1, "accepted": 2}, given_up=given_up)
    assert (tally.waiting, tally.failed, tally.handed) == (waiting, failed, 2)


def test_tallies_add_up() -> None:
    one = Tally.of({"pending": 2, "delivered": 3})
    assert sum((one, one), NOBODY) == Tally.of({"pending": 4, "delivered": 6})
