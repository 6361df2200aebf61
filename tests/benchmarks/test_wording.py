"""How long the linter takes, against one plain pattern over the same text."""

import random
import re
import time
from collections.abc import Callable

from tests.benchmarks.figures import milliseconds, report, times
from tests.domain.wording_samples import LINTER, SAMPLES

LENGTH, ROUNDS = 5000, 300
PLAIN = re.compile(r"\b(?:sorry|soon|provider|brief|never|cause|password)\b", re.IGNORECASE)
BAR = 0.010
"""Seconds that a message of 5,000 characters may take, at the 99th percentile."""
HOSTILE = ("sorry if ", "1", "!", "as soon as ", "{", "a@", "10:00 ", "x, and we ")
HOSTILE_BAR = 0.100
"""Seconds that a hostile text of 100,000 characters may take."""


def test_wording() -> None:
    texts = [_text(seed) for seed in range(ROUNDS)]
    LINTER.check(texts[0])
    ours = [_seconds(lambda text=text: LINTER.check(text, state="identified")) for text in texts]  # type: ignore[misc]  # mypy cannot type a default of a lambda
    limit = [_seconds(lambda text=text: list(PLAIN.finditer(text))) for text in texts]  # type: ignore[misc]  # as above
    hostile = {unit: _seconds(lambda unit=unit: LINTER.check((unit * 100_000)[:100_000])) for unit in HOSTILE}  # type: ignore[misc]  # as above
    worst = max(hostile, key=lambda unit: hostile[unit])
    report(
        f"Checking the words of a message of {LENGTH:,} characters, {ROUNDS} times",
        f"forty rules        {milliseconds(ours)}   {times(ours, limit)}   bar {BAR * 1000:.0f} ms",
        f"limit              {milliseconds(limit)}   one plain pattern over the same text",
        f"hostile, 100 kB    {hostile[worst] * 1000:7.1f} ms for {worst!r} * n   bar {HOSTILE_BAR * 1000:.0f} ms",
    )


def _text(seed: int) -> str:
    """Return a text that breaks many rules and keeps many: the sentences of the tests in another order each time."""
    sentences = [sentence for bad, good in SAMPLES.values() for sentence in (*bad, *good)]
    random.Random(seed).shuffle(sentences)  # noqa: S311 -- nothing secret hangs on the order
    return " ".join(sentences * 2)[:LENGTH]


def _seconds(call: Callable[[], object]) -> float:
    """Return how long a call keeps the processor: what else the machine does at the time changes nothing."""
    start = time.process_time()
    call()
    return time.process_time() - start
