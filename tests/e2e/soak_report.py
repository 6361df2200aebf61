"""What came of a soak: what the hub took on, held against what arrived, and how fast and how large it was meanwhile."""

import re
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlmodel import col

from tests.benchmarks.figures import percentile
from tests.providers import SendGrid, Slack, sendgrid
from tests.providers.http import Answer, Call
from trusthub.store.session import Database
from trusthub.store.tables import Delivery, Recipient

MARK = re.compile(r"\b(4\.\d+\.0|[uc]\d+x)\b")
"""By which a message is known again: of an event, an update or a customer."""
_CONFIRM = re.compile(r"(/subscriptions/[\w.=-]+)")
_AWAY = ("full stop", "database restart")
"""While these last, a request may be refused or be late."""
_AFTER = 5.0
"""Seconds that they are felt for."""


class Mail(SendGrid):
    """Remembers who had which mark and which link, and keeps no words for longer."""

    def __init__(self) -> None:
        super().__init__()
        self.had: Counter[tuple[str, str]] = Counter()
        self.sent: Counter[str] = Counter()
        """How often the mail of each recipient's row came."""
        self.links: dict[str, str] = {}

    def take(self, call: Call) -> tuple[Answer, bool]:
        answer, taken = super().take(call)
        if taken:
            self.sent.update(person["custom_args"]["recipient"] for person in call.body["personalizations"])
            for mail in sendgrid.read(call.body):
                self.had.update((mail["to"], mark) for mark in {*MARK.findall(mail["text/plain"]), ""})
                if found := _CONFIRM.search(mail["text/plain"]):
                    self.links.setdefault(mail["to"], found[1])
            call.body.clear()
        return answer, taken


@dataclass
class Record:
    """What was asked of the hub and answered well, and what was not."""

    events: set[str] = field(default_factory=set)
    updates: dict[str, float] = field(default_factory=dict)
    """When each was about to be told."""
    customers: set[str] = field(default_factory=set)
    confirmed: dict[str, float] = field(default_factory=dict)
    """Since when each address hears."""
    reads: list[tuple[float, float]] = field(default_factory=list)
    """When the page was asked for, and the seconds until it was there."""
    failed: list[tuple[float, str]] = field(default_factory=list)
    faults: list[tuple[float, float, str]] = field(default_factory=list)
    memory: list[tuple[float, dict[str, float]]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Report:
    """Figures. Megabytes, milliseconds."""

    counts: dict[str, int]
    lost: list[str]
    given_up: int
    repeated: int
    """Messages that came more than once."""
    unmarked: set[str]
    """Those of them of which the hub does not say that they may have."""
    refused: list[str]
    """Requests that failed, though neither hub nor database was away."""
    p99: list[float]
    """Of the page, minute by minute; without the moments in which the hub was away."""
    memory: dict[str, tuple[float, float]]
    """By process: the medians of the first and of the last quarter after the last full stop."""
    faults: Counter[str]

    @classmethod
    def of(cls, record: Record, slack: Slack, mail: Mail, database: Database, since: float) -> "Report":
        """Look for everything that was taken on; `since` is when all processes were started last."""
        with database.reading() as session:
            doubtful = set(session.execute(sa.select(col(Delivery.key)).where(col(Delivery.ambiguous))).scalars())
            dead = session.execute(sa.select(sa.func.count()).where(col(Delivery.state) == "dead")).scalar_one()
            keys = sa.select(col(Recipient.id), col(Delivery.key)).join(
                Delivery, col(Delivery.id) == Recipient.delivery_id
            )
            mails = {str(number): key for number, key in session.execute(keys)}
        came = Counter(str(said.key).partition("@")[0] for said in slack.messages)
        twice = {key for key, count in came.items() if count > 1}
        twice |= {mails[number] for number, count in mail.sent.items() if count > 1}
        away = [(begun, ended + _AFTER) for begun, ended, name in record.faults if name.startswith(_AWAY)]
        return cls(
            counts={
                "events": len(record.events),
                "updates": len(record.updates),
                "customers": len(record.customers),
                "subscribers": len(record.confirmed),
                "page views": len(record.reads),
                "Slack messages": len(slack.messages),
                "mails": sum(mail.sent.values()),
            },
            lost=_lost(record, slack, mail),
            given_up=dead,
            repeated=len(twice),
            unmarked=twice - doubtful,
            refused=[what for at, what in record.failed if not _within(at, away, early=15)],
            p99=_by_minute([read for read in record.reads if not _within(read[0], away)]),
            memory=_growth([(at, sizes) for at, sizes in record.memory if at > since]),
            faults=Counter(name for _, _, name in record.faults),
        )

    def __str__(self) -> str:
        third = max(1, len(self.p99) // 3)
        first, last = statistics.median(self.p99[:third]), statistics.median(self.p99[-third:])
        lines = [
            ", ".join(f"{count:,} {name}" for name, count in self.counts.items()),
            "faults: " + ", ".join(f"{count} x {name}" for name, count in self.faults.items()),
            f"{len(self.lost)} lost, {self.given_up} given up, {len(self.refused)} requests refused without a reason",
            f"{self.repeated} repeated, {len(self.unmarked)} of them unmarked",
            f"page p99, median of the first and of the last third of the minutes: {first:.0f} and {last:.0f} ms",
            *(f"memory of {name}: {begun:.1f} MB, then {ended:.1f}" for name, (begun, ended) in self.memory.items()),
        ]
        return "\n  ".join(lines)


def _lost(record: Record, slack: Slack, mail: Mail) -> list[str]:
    """Name what was taken on and did not arrive."""
    told = {(said.name, mark) for said in slack.messages for mark in MARK.findall(f"{said.text} {said.blocks}")}
    wanted = [("#releases", mark) for mark in record.events] + [("#support", mark) for mark in record.customers]
    lost = [f"{mark} in {place}" for place, mark in wanted if (place, mark) not in told]
    lost += [f"answer to {mark}" for mark in record.customers if (f"{mark}@customer.example", "") not in mail.had]
    readers = [
        (mark, name) for mark, at in record.updates.items() for name, since in record.confirmed.items() if since < at
    ]
    return lost + [f"{mark} to {name}" for mark, name in readers if (name, mark) not in mail.had]


def _within(at: float, spans: Sequence[tuple[float, float]], *, early: float = 0.5) -> bool:
    """Whether it was in one of the spans; `early` seconds before one, it may have been waiting when that began."""
    return any(begun - early < at < ended for begun, ended in spans)


def _by_minute(reads: Sequence[tuple[float, float]]) -> list[float]:
    begun = min(at for at, _ in reads)
    minutes: dict[int, list[float]] = {}
    for at, seconds in reads:
        minutes.setdefault(int((at - begun) // 60), []).append(seconds * 1000)
    return [percentile(each, 0.99) for each in minutes.values()]


def _growth(sizes: Sequence[tuple[float, dict[str, float]]]) -> dict[str, tuple[float, float]]:
    quarter = max(1, len(sizes) // 4)

    def middle(name: str, part: Sequence[tuple[float, dict[str, float]]]) -> float:
        return statistics.median(each.get(name, 0.0) for _, each in part)

    names = sizes[-1][1] if sizes else {}
    return {name: (middle(name, sizes[:quarter]), middle(name, sizes[-quarter:])) for name in names}
