"""AWS CodeDeploy: state changes of a deployment, from an EventBridge rule or from the triggers of a deployment group.

A trigger goes through SNS, which signs; an EventBridge rule calls an API destination, or goes through SNS too. Neither
says which version is deployed, or for which share of the users.
See https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-cloudwatch-events.html and
https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-sns-event-notifications-json-format.html.
"""

import re
from contextlib import suppress

from trusthub.domain.events import Phase, RolloutEvent, Strategy
from trusthub.errors import PayloadError, UnknownEventError
from trusthub.sources import sns
from trusthub.sources.base import EVERYBODY, Inbound, Payload, fingerprint, verify_token, web_links

STATES: dict[str, Phase] = {
    # EventBridge
    "START": Phase.STARTED,
    "READY": Phase.PROGRESSING,  # blue/green: the new instances are up, and traffic can move. Triggers say it too
    "SUCCESS": Phase.COMPLETED,
    "FAILURE": Phase.FAILED,
    "STOP": Phase.FAILED,  # by a person or by an alarm; which of them, EventBridge does not say
    # triggers
    "CREATED": Phase.STARTED,
    "IN_PROGRESS": Phase.PROGRESSING,
    "SUCCEEDED": Phase.COMPLETED,
    "FAILED": Phase.FAILED,
    "ABORTED": Phase.FAILED,  # as STOP
    "STOPPED": Phase.FAILED,  # as STOP, in the words of the API
}
INSTANCE = "instance"
"""What one machine of a group does says nothing about the deployment."""
_EVENT = ("application", "deploymentGroup", "state")
_TRIGGER = ("applicationName", "deploymentGroupName", "status")
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}", re.ASCII)


class CodeDeploy:
    """CodeDeploy for servers, Lambda and ECS."""

    name = "codedeploy"
    event_types = frozenset({*STATES, INSTANCE, *sns.CONFIRMATIONS})
    headers = frozenset({"x-amz-sns-message-id"})

    def __init__(self) -> None:
        self._certificates = sns.Certificates()

    def verify(self, inbound: Inbound, secret: str) -> None:
        """Accept the token; what comes in an envelope of SNS must be signed by Amazon as well.

        The signature alone would not do: SNS signs everybody's topics with the same key.
        """
        verify_token(inbound, secret)
        with suppress(PayloadError):  # `parse` says what is wrong with a body that cannot be read
            body = inbound.json()
            if sns.is_envelope(body):
                sns.verify(body, inbound, self._certificates)

    def confirmation(self, inbound: Inbound) -> str | None:
        """Return the address to GET, to confirm the subscription that a verified request asks about."""
        return sns.subscribe_url(inbound.json())

    def parse(self, inbound: Inbound) -> list[RolloutEvent]:
        body = inbound.json()
        envelope = body if sns.is_envelope(body) else None
        if envelope and envelope.text("Type") in sns.CONFIRMATIONS:
            return []
        said = _embedded(envelope["Message"]) if envelope else body
        detail = said.get("detail")
        if detail and said.optional_text("source") != "aws.codedeploy":
            raise UnknownEventError(said.optional_text("source") or "detail")
        news, words = (detail, _EVENT) if detail else (said, _TRIGGER)
        if not news.optional_text("deploymentId"):
            raise UnknownEventError("Notification" if envelope else "without deploymentId")
        return [] if news.get("instanceId") else [_event(said, news, words, inbound, envelope)]


def _event(
    said: Payload, news: Payload, words: tuple[str, str, str], inbound: Inbound, envelope: Payload | None
) -> RolloutEvent:
    application, group, state = (news.text(word) for word in words)
    kind, deployment = state.upper(), news.text("deploymentId")  # the documentation has `Failed` as well
    phase = STATES.get(kind)
    undone, error = _member(news, "rollbackInformation"), _member(news, "errorInformation")
    failed = undone.hint("RollbackTriggeringDeploymentId")
    told = inbound.headers.get("x-amz-sns-message-id") or (envelope or said).hint("MessageId") or said.hint("id")
    return RolloutEvent(
        kind=kind,
        names=tuple(filter(None, (f"{application}/{group}", application))),
        attempt=deployment,
        occurred_at=said.time("time") or (envelope.time("Timestamp") if envelope else None) or inbound.received_at,
        duplicate_key=told or fingerprint(CodeDeploy.name, deployment, kind),
        phase=phase,
        strategy=Strategy.BLUE_GREEN if kind == "READY" else Strategy.UNKNOWN,
        namespace=group or None,
        exposure=EVERYBODY if phase is Phase.COMPLETED else None,
        rollback=failed not in {None, deployment},
        reason=": ".join(filter(None, (error.hint("ErrorCode"), error.hint("ErrorMessage"))))
        or undone.hint("RollbackMessage")
        or "",
        links=web_links(
            ("CodeDeploy", _page(said, deployment)),
            ("What is rolled back", _page(said, failed)),
        ),
    )


def _member(news: Payload, key: str) -> Payload:
    found = news.get(key)
    return _embedded(found) if found else Payload({}, key)


def _embedded(found: Payload) -> Payload:
    """Return an object, or the object that a string holds; an empty one when there is none."""
    if isinstance(found.value, dict):
        return found
    try:
        return Payload(Payload.decode(str(found.value).encode()).value, found.path)
    except PayloadError:
        return Payload({}, found.path)


def _page(said: Payload, deployment: str | None) -> str | None:
    region = said.hint("region") or ""
    if not deployment or not re.fullmatch(r"d-\w+", deployment, re.ASCII) or not _REGION.fullmatch(region):
        return None
    host = "console.amazonaws.cn" if region.startswith("cn-") else "console.aws.amazon.com"
    return f"https://{region}.{host}/codesuite/codedeploy/deployments/{deployment}?region={region}"
