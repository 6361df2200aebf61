"""What Argo's analysis runs say about an attempt: whether customers were harmed, and the reason in a line."""

from trusthub.domain.events import Evidence
from trusthub.sources.argo_snapshot import REVISION, Snapshot
from trusthub.sources.base import Payload

PHASES = {
    "on-analysis-run-failed": "Failed",
    "on-analysis-run-error": "Error",
    "on-analysis-run-inconclusive": "Inconclusive",
    "on-rollout-aborted": "Failed",
}
"""The phase of the runs that are behind an event."""

CURRENT = (
    ("canary", "currentBackgroundAnalysisRunStatus"),
    ("canary", "currentStepAnalysisRunStatus"),
    ("blueGreen", "prePromotionAnalysisRunStatus"),
    ("blueGreen", "postPromotionAnalysisRunStatus"),
)
"""Where the status names the runs that decide."""

POD_HASH = "rollouts-pod-template-hash"
ABORTING = frozenset({"RolloutAborted", "ProgressDeadlineExceeded"})
BROKEN = "The measurement broke, so it says nothing about the product."


def runs_behind(trigger: str, payload: Payload, seen: Snapshot) -> list[Payload]:
    """Return the runs of this attempt that an event is about. `analysisRuns` may hold others, and may be null."""
    runs, phase = payload.get("analysisRuns"), PHASES.get(trigger)
    ours = [run for run in runs.items() if _belongs(run, seen)] if runs and phase else []
    return [run for run in ours if run.optional_text("status", "phase") == phase]


def evidence_of(trigger: str, runs: list[Payload]) -> Evidence:
    """Return what the event says of harm. An abort by hand, or out of time, says nothing."""
    failed = trigger == "on-analysis-run-failed" or (trigger == "on-rollout-aborted" and runs)
    return Evidence.FAILED_ANALYSIS if failed else Evidence.NONE


def reason_for(trigger: str, runs: list[Payload], seen: Snapshot) -> str:
    """Return why, as far as the object of one step ago can know."""
    measured = "; ".join(map(_told, runs))
    match trigger:
        case "on-analysis-run-error":
            return f"{BROKEN} {measured}".strip()
        case "on-rollout-paused":
            conditions = seen.rollout.dig("status", "pauseConditions")
            said = [one.optional_text("reason") for one in conditions.items()] if conditions else []
            return ", ".join(filter(None, said))
        case "on-rollout-aborted":
            return measured or cause(seen)
        case _:
            return measured


def _belongs(run: Payload, seen: Snapshot) -> bool:
    """Whether a run is of this revision, and among those that the status names if it names any.

    A revision that is retried keeps the runs of its first try; the status names the ones that count.
    """
    revision = seen.rollout.optional_text("metadata", "annotations", REVISION)
    said = run.optional_text("metadata", "annotations", REVISION)
    pod_hash = run.optional_text("metadata", "labels", POD_HASH)
    same = said == revision if said and revision else pod_hash is not None and pod_hash == seen.status("currentPodHash")
    named = {seen.status(*place, "name") for place in CURRENT} - {None}
    return same and (not named or run.optional_text("metadata", "name") in named)


def cause(seen: Snapshot) -> str:
    """Return the message of the condition that is about the abort, else that of the status.

    An abort by hand has neither yet: the message is still about the pause or the pods before it.
    """
    conditions = seen.rollout.dig("status", "conditions")
    for condition in conditions.items() if conditions else []:
        if condition.optional_text("type") == "Progressing" and condition.optional_text("reason") in ABORTING:
            return condition.optional_text("message") or ""
    message = seen.status("message") or ""
    return message if message.partition(":")[0] in ABORTING else ""


def _told(run: Payload) -> str:
    """Return a run in a line: its name, its own words, and the last value of each metric that went wrong."""
    name = run.optional_text("metadata", "name") or "analysis"
    results = run.dig("status", "metricResults")
    wrong = [one for one in results.items() if one.optional_text("phase") in PHASES.values()] if results else []
    line = f"{name}: {run.optional_text('status', 'message') or 'no message'}"
    return "; ".join([line, *filter(None, map(_measured, wrong))])


def failed_metrics(runs: list[Payload]) -> tuple[str, ...]:
    """Return the names of the metrics that failed; those of a dry run decide nothing."""
    results = [result for run in runs if (found := run.dig("status", "metricResults")) for result in found.items()]
    failed = (one for one in results if one.optional_text("phase") == "Failed" and not one.flag("dryRun"))
    return tuple(dict.fromkeys(filter(None, (one.optional_text("name") for one in failed))))


def _measured(result: Payload) -> str:
    measurements = result.get("measurements")
    values = [one.optional_text("value") for one in measurements.items()] if measurements else []
    last = next(filter(None, reversed(values)), None)
    return "" if last is None or result.flag("dryRun") else f"{result.optional_text('name')} measured {last}"
