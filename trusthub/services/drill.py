"""Running a whole playbook through the hub itself, on a clock of its own: who would hear what, and when.

A drill fails when customers would wait longer than the cadence says, when words break a rule, or when nothing ends.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

from trusthub.domain.complaints import Threshold
from trusthub.domain.events import Strategy
from trusthub.domain.incident import Impact, State, impact_of
from trusthub.domain.message import Audience, Moment
from trusthub.domain.playbook import Kind, Pace, Playbook
from trusthub.domain.site import Connection, Publishing
from trusthub.errors import PlaybookError
from trusthub.services import maintenance, staff, wording
from trusthub.services.hub import Hub
from trusthub.services.site import Configuration
from trusthub.services.stage import CONNECTION, Said, Stage, stage
from trusthub.store.tables import Incident

Check = Callable[[Said], Sequence[str]]

_STEP = timedelta(minutes=10)
"""Between two shares of a rollout."""
_SEEN = timedelta(minutes=2)
"""Until a fault at a share shows."""
_AT_ONCE = timedelta(seconds=10)
"""Between a failed analysis and the rollback that follows."""
_APART = timedelta(days=1)
"""Between two runs, so that none is taken for a part of the other."""
_WATCHED = timedelta(minutes=30)
"""After which a person closes what no machine closes."""
_ROUNDED = timedelta(minutes=1)
"""Promises are made for full minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One story of a drill."""

    fails_at: float | None
    """Percent; None when nothing fails, or when a person opens it."""
    began: datetime
    said: tuple[Said, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    """What a reader should know and need not mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """What a playbook would do."""

    playbook: Playbook
    runs: tuple[Run, ...]

    @property
    def passed(self) -> bool:
        """Whether there is nothing to mend."""
        return not any(run.problems for run in self.runs)


def linted(templates: Path, playbook: Playbook, said: Said) -> Sequence[str]:
    """Return the errors in a message of a playbook, by the rules for words and by what was known when it left."""
    if not (said.subject.strip() and said.body.strip()):
        return ["The message is empty."]
    name = playbook.message(Moment(said.moment), Audience(said.audience)) or said.moment
    found = wording.errors(templates, said.subject, said.body, message=name, facts=said.facts, locale=said.locale)
    return [str(finding) for finding in found]


def drill(
    configuration: Configuration,
    playbook: Playbook,
    start: datetime,
    *,
    fail_at: float | None = None,
    check: Check | None = None,
) -> Drill:
    """Run a playbook: a rollout that fails at each of its stages, or at `fail_at` percent, and one that does not.

    What a person opens is opened once. `start` is when the first run begins, UTC-aware. Every message is checked by
    the rules for words, or by another `check`.
    Raises PlaybookError when no rollout can lead to the playbook, or `fail_at` fits nothing.
    """
    runs: list[Run] = []
    read = check or partial(linted, configuration.templates.root, playbook)
    with stage(configuration, start) as played:
        for tell in _stories(configuration, playbook, fail_at):
            played.clock.now = start + _APART * len(runs)
            runs.append(tell(played, len(runs) + 1, read))
    return Drill(playbook=playbook, runs=tuple(runs))


Story = Callable[[Stage, int, Check], Run]


def _stories(configuration: Configuration, playbook: Playbook, fail_at: float | None) -> Iterator[Story]:
    if playbook.match.kind:
        if fail_at is not None:
            raise PlaybookError(f"{playbook.name} is for what a person opens: it has no share at which it can fail.")
        if Kind.MAINTENANCE in playbook.match.kind:
            yield partial(_work, playbook=playbook)
            return
        yield partial(_by_hand, playbook=playbook, kind=playbook.match.kind[0])
        return
    place = _Place.of(configuration, playbook)
    stages = [
        share
        for share in (playbook.stages if fail_at is None else (fail_at,))
        if place.leads_to(configuration, playbook, impact_of(share))
    ]
    if not stages:
        raise PlaybookError(f"No rollout leads to the playbook {playbook.name}: others are more specific.")
    for share in stages:
        yield partial(_failing, playbook=playbook, place=place, share=share)
    if fail_at is None:
        yield partial(_passing, playbook=playbook, place=place)
        if playbook.propose_rollback:
            yield partial(_unwanted, playbook=playbook, place=place, threshold=playbook.propose_rollback)


# ---------------------------------------------------------------------------------------------- stories


@dataclass(frozen=True, slots=True)
class _Place:
    """What a drill is about, and where."""

    strategy: Strategy
    component: str
    environment: str

    @classmethod
    def of(cls, configuration: Configuration, playbook: Playbook) -> "_Place":
        site, match = configuration.site, playbook.match
        components = match.component or tuple(component.id for component in site.components)
        environments = match.environment or site.environments.public
        if not components or not environments:
            raise PlaybookError("A drill needs a component and a public environment in site.yaml.")
        return cls((*match.strategy, Strategy.UNKNOWN)[0], components[0], environments[0])

    def leads_to(self, configuration: Configuration, playbook: Playbook, severity: Impact) -> bool:
        """Whether an incident of a rollout here would be told by the playbook."""
        found = configuration.playbook(
            strategy=self.strategy, component=self.component, environment=self.environment, severity=severity
        )
        return found is playbook

    def said(self, version: str) -> dict[str, str]:
        """Return what every event says."""
        return {
            "component": self.component,
            "environment": self.environment,
            "strategy": self.strategy.value,
            "from_version": "2.0.0",
            "to_version": version,
        }


def _passing(played: Stage, number: int, check: Check, *, playbook: Playbook, place: _Place) -> Run:
    began = played.clock.now
    said = _moved(played, place, playbook.stages, number)
    played.hear("rollout.completed", **said)
    heard = played.said(began)
    return Run(fails_at=None, began=began, said=heard, problems=_words(heard, check), notes=("Nothing fails.",))


def _unwanted(
    played: Stage, number: int, check: Check, *, playbook: Playbook, place: _Place, threshold: Threshold
) -> Run:
    """Nothing fails, and as many customers ask for a rollback as the playbook puts before people."""
    began = played.clock.now
    said = _moved(played, place, playbook.stages[:1], number)
    for voice in range(threshold.requests):
        played.ask_back(place.component, f"198.51.{voice}.1")
    played.listen()
    played.wait(_STEP)
    played.hear("rollback.finished", exposure=0, **said)
    heard = played.said(began)
    proposed = any(each.moment == Moment.ROLLBACK_PROPOSED for each in heard)
    silent = () if proposed else ("Customers ask for a rollback, and nobody is told.",)
    note = f"{threshold.requests} customers ask for a rollback, and the playbook puts it before people."
    return Run(fails_at=None, began=began, said=heard, problems=(*silent, *_words(heard, check)), notes=(note,))


def _failing(played: Stage, number: int, check: Check, *, playbook: Playbook, place: _Place, share: float) -> Run:
    began = played.clock.now
    said = _moved(played, place, [*(each for each in playbook.stages if each < share), share], number)
    failed_at = played.clock.now
    played.hear("rollout.failed", evidence="failed_analysis", reason="The drill's analysis failed.", **said)
    played.wait(_AT_ONCE)
    played.hear("rollback.started", **said)
    publishing = _publishing(played.hub, place)
    if publishing is Publishing.ASK:
        _tell(played, began, playbook.pace(impact_of(share)))
    played.wait(played.hub.configuration.plans[playbook.plan].recovery.to)
    played.hear("rollback.finished", exposure=0, **said)
    _close(played, began, playbook)
    may_be_silent = share < playbook.public_from or publishing is Publishing.SHADOW
    return _run(played, playbook, began, check, _Harm(failed_at, share, may_be_silent=may_be_silent))


def _moved(played: Stage, place: _Place, shares: Sequence[float], number: int) -> dict[str, str]:
    """Bring a version to users, as far as the last share."""
    said = place.said(f"2.{number}.0")
    played.hear("rollout.planned", **said)
    played.wait(_STEP)
    played.hear("rollout.started", exposure=0, **said)
    for share in shares:
        played.wait(_STEP)
        played.hear("rollout.progressed", exposure=share, **said)
    played.wait(_SEEN)
    return said


def _by_hand(played: Stage, _number: int, check: Check, *, playbook: Playbook, kind: Kind) -> Run:
    began, components = played.clock.now, played.hub.configuration.site.components
    component = (*playbook.match.component, *(each.id for each in components))[0]
    opening = staff.Opening(
        component=component,
        name="Payments by card fail",
        note="Payments by card have failed since a few minutes ago. We are looking for the cause.",
        kind=kind,
    )
    if kind is Kind.UNWELCOME:
        opening = staff.Opening(
            component=component,
            name="The new list of orders",
            note="The earlier list is back for everybody who asks for it. Write to us, and you have it today.",
            kind=kind,
            complaint="The new list of orders needs two more clicks, and it forgets where you were.",
            motive="We wanted the page to load faster. It helped people with many orders, and it saved us servers.",
        )
    played.act(lambda act: staff.open_incident(played.hub, act, opening))
    played.wait(played.hub.configuration.plans[playbook.plan].recovery.to)
    _close(played, began, playbook)
    return _run(played, playbook, began, check, _Harm(began, None))


_OF_WORK = (
    Moment.MAINTENANCE_PLANNED,
    Moment.MAINTENANCE_STARTED,
    Moment.MAINTENANCE_OVERRUN,
    Moment.MAINTENANCE_UPDATED,
    Moment.MAINTENANCE_COMPLETED,
)
_NOTICE, _WINDOW = timedelta(days=2), timedelta(hours=1)


def _work(played: Stage, _number: int, check: Check, *, playbook: Playbook) -> Run:
    """Plan work that is not finished at its end, gets a new one, and is finished by then."""
    began, components = played.clock.now, played.hub.configuration.site.components
    start, main = began + _NOTICE, played.hub.page.main
    end = start + _WINDOW
    planned = maintenance.Plan(
        components=[(*playbook.match.component, *(each.id for each in components))[0]],
        name={main: "A larger database"},
        effect={main: "You cannot pay for an order."},
        start=start,
        end=end,
    )
    made: list[str] = []
    played.act(lambda act: made.append(maintenance.plan(played.hub, act, planned)))
    played.wait(end - began + playbook.pace(Impact.NONE).every / 2)
    played.act(lambda act: maintenance.change(played.hub, made[0], act, end=end + _WINDOW))
    played.wait(end + _WINDOW - played.clock.now - _STEP)
    played.act(lambda act: maintenance.finish(played.hub, made[0], act))
    heard = played.said(began)
    told = {each.moment for each in heard if each.audience is Audience.CUSTOMERS}
    silent = (f"Customers are told nothing of {moment}." for moment in _OF_WORK if moment not in told)
    return Run(fails_at=None, began=began, said=heard, problems=(*silent, *_words(heard, check)), notes=())


def _publishing(hub: Hub, place: _Place) -> Publishing:
    site = hub.configuration.site
    component = site.component((place.component,))
    return site.careful(component, hub.configuration.connection(CONNECTION) or Connection(source=CONNECTION))


def _tell(played: Stage, began: datetime, pace: Pace) -> None:
    """Let the person who is asked decide in half of the time."""
    played.wait(pace.acknowledge / 2)
    incident = played.incident(began)
    if incident and not incident.public:
        played.act(lambda act: staff.tell_customers(played.hub, incident.public_id, act))


def _close(played: Stage, began: datetime, playbook: Playbook) -> None:
    """Wait for the end, and let a person say it where no machine does."""
    played.wait(playbook.quiet or _WATCHED)
    incident = played.incident(began)
    if incident and incident.public and incident.state != State.RESOLVED:
        played.act(lambda act: staff.resolve(played.hub, incident.public_id, act))


# ---------------------------------------------------------------------------------------------- what is wrong


@dataclass(frozen=True, slots=True)
class _Harm:
    """From when on customers are harmed, and at which share (percent)."""

    since: datetime
    share: float | None
    may_be_silent: bool = field(default=False, kw_only=True)
    """Whether the rules say that customers are told nothing."""


def _run(played: Stage, playbook: Playbook, began: datetime, check: Check, harm: _Harm) -> Run:
    said, incident = played.said(began), played.incident(began)
    problems, notes = _silences(said, incident, playbook, harm)
    return Run(
        fails_at=harm.share, began=began, said=said, problems=(*problems, *_words(said, check)), notes=tuple(notes)
    )


def _words(said: Sequence[Said], check: Check) -> tuple[str, ...]:
    """Return what is wrong with the words, once for each message and audience."""
    found = (f"{each.moment} to {each.audience}: {why}" for each in said if not each.edited for why in check(each))
    return tuple(dict.fromkeys(found))


def _silences(
    said: Sequence[Said], incident: Incident | None, playbook: Playbook, harm: _Harm
) -> tuple[list[str], list[str]]:
    """Return where customers would wait longer than the cadence says, and why they may."""
    if incident is None:
        return ["No incident came of it."], []
    times = sorted({each.at for each in said if each.audience is Audience.CUSTOMERS and not each.edited})
    if not incident.public:
        told = f"Customers are told nothing. {incident.decision}"
        return ([], [told]) if harm.may_be_silent else ([told], [])
    pace = playbook.pace(Impact(incident.impact))
    if not times:
        return ["Customers are told nothing: the playbook names no message for them."], []
    problems = []
    if (first := times[0] - harm.since) > pace.acknowledge:
        problems.append(f"Customers hear of it after {_span(first)}; the cadence says {_span(pace.acknowledge)}.")
    for before, after in pairwise((*times, max(times[-1], incident.resolved_at or times[-1]))):
        if (gap := after - before) > pace.every + _ROUNDED:
            problems.append(f"Customers hear nothing for {_span(gap)}; the cadence says {_span(pace.every)}.")
    if incident.state != State.RESOLVED:
        problems.append("It does not end: nobody and nothing resolves it.")
    return problems, []


def _span(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    return f"{seconds / 60:.3g} minutes" if seconds >= 60 else f"{seconds} seconds"  # noqa: PLR2004 -- a minute
