"""Figures as people read them."""

from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * len(ordered)))]


def milliseconds(values: Sequence[float]) -> str:
    p50, p99 = percentile(values, 0.5) * 1000, percentile(values, 0.99) * 1000
    return f"p50 {p50:7.1f} ms   p99 {p99:7.1f} ms"


def times(ours: Sequence[float], limit: Sequence[float]) -> str:
    return f"{percentile(ours, 0.5) / percentile(limit, 0.5):5.1f} x the limit"


def kind_of(url: str) -> str:
    return "SQLite" if url.startswith("sqlite") else "PostgreSQL"


def report(title: str, *lines: str) -> None:
    print("", title, *(f"  {line}" for line in lines), sep="\n")  # noqa: T201 -- this is what benchmarks are for
