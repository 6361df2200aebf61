"""Where tools ask before they go on. Here a 200 means "go on", or "roll back now", and so nothing here is a hook.

A gate exists when site.yaml names it, and opens with a secret of its own.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import structlog
from flask import Blueprint, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from trusthub.channels.base import Channel
from trusthub.domain.gate import Verdict
from trusthub.domain.site import Gate, GateKind
from trusthub.errors import DeliveryError, PayloadError, SignatureError
from trusthub.services import gate_github, gate_metric, gate_requests, gate_rollback
from trusthub.services import gates as services
from trusthub.services.hub import Hub
from trusthub.sources.base import Inbound
from trusthub.web.door import Door, RefusedError, answer

NO = 409
"""The status of a no. A tool that asks wrongly gets another one."""

log = structlog.get_logger()


def gates(hub: Hub, github: Channel) -> Blueprint:
    """Return the gates' routes. `github` answers GitHub at once, when the database cannot keep its question."""
    blueprint, routes = Blueprint("gates", __name__, url_prefix="/gates"), _Gates(hub, github)
    for rule in ("/<name>", "/<name>/<path_token>"):
        blueprint.route(rule, methods=["GET", "POST"], provide_automatic_options=False)(routes.ask)
    return blueprint


class _Gates:
    """One answer for each kind of gate."""

    def __init__(self, hub: Hub, github: Channel) -> None:
        self._hub, self._github, self._door = hub, github, Door(hub)
        self._answers: Mapping[GateKind, Callable[[str, Gate, Inbound, datetime], Response]] = {
            GateKind.FLAGGER_CONFIRM: self._confirm,
            GateKind.FLAGGER_ROLLBACK: self._rollback,
            GateKind.ARGO_METRIC: self._metric,
            GateKind.GITHUB_PROTECTION: self._question,
            GateKind.GENERIC: self._confirm,
        }

    def ask(self, name: str, path_token: str = "") -> Response:
        try:
            return self._answer(name, path_token)
        except RefusedError as error:
            return self._door.refuse(request, f"gate:{name}", error)

    def _answer(self, name: str, path_token: str) -> Response:
        gate = self._hub.configuration.site.gates.get(name)
        if gate is None:
            raise RefusedError(404, "There is no such gate. Gates are off until site.yaml names them.")
        if request.method != "POST" and gate.kind is not GateKind.ARGO_METRIC:
            raise RefusedError(405, "This gate is asked by POST.")
        now = self._hub.clock()
        inbound = Inbound(
            body=self._door.read(request),
            headers={key.lower(): value for key, value in request.headers.items()},
            received_at=now,
            token=path_token,
        )
        try:
            gate_requests.verify(gate, inbound)
            return self._answers[gate.kind](name, gate, inbound, now)
        except SignatureError as error:
            log.warning("gate.refused", gate=name, reason=str(error))
            raise RefusedError(401, str(error)) from error
        except PayloadError as error:
            raise RefusedError(400, str(error)) from error
        except (SQLAlchemyError, DeliveryError) as error:
            log.exception("gate.failed", gate=name)
            raise RefusedError(503, "The hub cannot look at what it knows right now. Ask again.") from error

    def _confirm(self, name: str, gate: Gate, inbound: Inbound, now: datetime) -> Response:
        return _say(name, services.confirm(self._hub, name, gate, gate_requests.read(gate, inbound, {}), now))

    def _rollback(self, name: str, gate: Gate, inbound: Inbound, _now: datetime) -> Response:
        return _say(name, gate_rollback.rollback(self._hub, gate, gate_requests.read(gate, inbound, {})))

    def _metric(self, _name: str, gate: Gate, inbound: Inbound, _now: datetime) -> Response:
        found = gate_metric.measure(self._hub, gate, gate_requests.read(gate, inbound, request.args))
        return answer(
            complaints=found.complaints,
            rollback_requests=found.rollback_requests,
            healthy=found.healthy,
            since=found.since.isoformat() if found.since else None,
            reason=found.reason,
        )

    def _question(self, name: str, gate: Gate, inbound: Inbound, _now: datetime) -> Response:
        return answer(ok=True, state=gate_github.ask(self._hub, name, gate, inbound, self._github))


def _say(name: str, verdict: Verdict) -> Response:
    log.info("gate.answered", gate=name, passes=verdict.passes, reason=verdict.reason)
    return answer(200 if verdict.passes else NO, ok=verdict.passes, reason=verdict.reason)
