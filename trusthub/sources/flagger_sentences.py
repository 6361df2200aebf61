"""What Flagger says in its events, sentence by sentence (flagger, pkg/controller/scheduler*.go)."""

import re
from typing import NamedTuple

from trusthub.domain.events import Evidence, Phase


class Sentence(NamedTuple):
    """What one of Flagger's sentences means here."""

    pattern: str
    phase: Phase | None = None
    exposure: float | None = None
    evidence: Evidence = Evidence.NONE


SENTENCES = {
    "initialization-done": Sentence("Initialization done!"),  # a Canary was adopted; no version was rolled out
    "new-revision": Sentence("New revision detected! Scaling up", Phase.STARTED, 0.0),
    "analysis-restarted": Sentence("New revision detected! Restarting analysis", Phase.STARTED, 0.0),  # a new checksum
    "analysis-started": Sentence("Starting canary analysis"),
    "check-passed": Sentence(r"[A-Z][a-z]+(-[a-z]+)* check .* passed"),
    "canary-weight": Sentence(r"Advance \S+ canary weight (?P<weight>\d{1,3})", Phase.PROGRESSING),
    "canary-iteration": Sentence(
        r"Advance \S+ canary iteration (?P<step>\d{1,4})/(?P<steps>\d{1,4})", Phase.PROGRESSING
    ),
    # The one of three that comes before the beginning: a gate holds it back, and nobody can be exposed.
    "waiting-to-begin": Sentence(r"Halt \S+ advancement waiting for approval ", Phase.PLANNED),
    "waiting": Sentence(r"Halt \S+ advancement waiting for ", Phase.PAUSED),
    "halt": Sentence("Halt "),  # one failed check of several; repeated until the threshold or until it passes
    "all-to-canary": Sentence(r"(Stop .* and r|R)out(e|ing) all traffic to canary", Phase.PROGRESSING, 100.0),
    "template-copied": Sentence(r"Copying \S+ template spec to ", Phase.PROMOTING),
    # The primary has the new version by now and is ready: its weight is no share of the old version.
    "primary-weight": Sentence(r"Advance \S+ primary weight ", Phase.PROMOTING, 100.0),
    "all-to-primary": Sentence("Routing all traffic to primary", Phase.PROMOTING, 100.0),
    "promotion-completed": Sentence("Promotion completed!", Phase.COMPLETED, 100.0),
    # The primary did not become ready on the new version, and Flagger moved everybody to the canary, which runs it too
    # (https://github.com/fluxcd/flagger/pull/1931). The attempt failed, and nobody was rolled back.
    "promotion-failed": Sentence(r"Promotion of \S+ failed", Phase.FAILED, 100.0),
    "checks-failed": Sentence(
        r"Rolling back \S+ failed checks threshold reached", Phase.ROLLING_BACK, evidence=Evidence.FAILED_ANALYSIS
    ),
    "rolling-back": Sentence(r"Rolling back \S+ ", Phase.ROLLING_BACK),  # by hand, or out of time: no sign of harm
    "canary-failed": Sentence("Canary failed! Scaling down", Phase.ROLLED_BACK, 0.0),  # sent after traffic was moved
}
"""In order: the first that matches counts. Some are repeated at every interval."""

_FAILED_CHECK = re.compile(
    r"Halt \S+ advancement (?P<metric>success rate|request duration|\S+) \S+ [<>] \S+$", re.ASCII
)
_BUILT_IN = {"success rate": "request-success-rate", "request duration": "request-duration"}
"""What a Canary calls the metrics whose sentences have other words (flagger, pkg/controller/scheduler_metrics.go)."""

PATTERNS = {kind: re.compile(sentence.pattern, re.ASCII) for kind, sentence in SENTENCES.items()}
OTHER = "event"
"""Any other sentence: worth keeping, often the wording of an error."""


def failed_metrics(message: str) -> tuple[str, ...]:
    """Return the name of the metric that a sentence says is out of its range, if it says so."""
    found = _FAILED_CHECK.match(message)
    return (_BUILT_IN.get(found["metric"], found["metric"]),) if found else ()


def understand(message: str) -> tuple[str, Sentence, dict[str, str]]:
    """Return what kind of sentence it is, what that means here, and the numbers in it."""
    for kind, pattern in PATTERNS.items():
        found = pattern.match(message)
        if found:
            return kind, SENTENCES[kind], found.groupdict()
    return OTHER, Sentence(""), {}
