"""Filling the facts that templates read. What each name means, and who may read it, stands in `domain.message`."""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any

from trusthub.domain import promise as rules
from trusthub.domain.events import Evidence
from trusthub.domain.incident import CauseClass, Impact, State
from trusthub.domain.message import FACTS
from trusthub.domain.parts import WayBack
from trusthub.domain.plan import Plan
from trusthub.domain.promise import Kind
from trusthub.domain.reach import Reach
from trusthub.domain.rollout import Rollout as Known
from trusthub.domain.rollout import public_version
from trusthub.domain.site import Component, Routing
from trusthub.services.cases import Case, corrected, site_component
from trusthub.services.hub import Hub
from trusthub.store.tables import Incident, Promise, Rollout

Facts = dict[str, Any]


def page_facts(hub: Hub) -> Facts:
    """Return every fact, with only the page's own filled."""
    facts: Facts = dict.fromkeys(FACTS)
    page = hub.page
    facts.update(
        page=page.name, page_url=page.url, support_address=page.support, console_url=f"{hub.base_url}/console/"
    )
    facts.update(
        components=(),
        corrected=(),
        sticky=False,
        affected=False,
        verifying=False,
        cause_class=CauseClass.UNKNOWN.value,
        safeguard_missing=False,
        customers_told=False,
        links=(),
        known_risks=(),
        unknown_risks=(),
        findings=(),
        changed=(),
        complaints_by_step=(),
        trust_lines=(),
        decision="",
        tool="",
    )
    return facts


def rollout_facts(hub: Hub, row: Rollout, known: Known, plan: Plan) -> Facts:
    """Return the facts of a rollout: how far it went, from which version to which, and how we would go back."""
    component = site_component(hub, row.subject)
    sticky = component is not None and component.routing is Routing.STICKY
    return {
        **page_facts(hub),
        "component": component.name if component else row.subject,
        "from_version": public_version(known.from_version),
        "to_version": public_version(known.to_version),
        "peak": known.peak,
        "exposed_from": known.exposed_from,
        "exposed_until": known.exposed_until,
        "sticky": sticky,
        "customers": component.customers if component and sticky else None,
        "task": component.task if component else None,
        "symptom": _symptom(component, known, hub.page.main),
        "rollback_started_at": known.rollback_started_at,
        "rollback_finished_at": known.ended_at if known.rollback_started_at else None,
        "evidence": None if known.evidence is Evidence.NONE else known.evidence.value,
        "console_url": hub.console_url("rollouts", row.public_id),
        "environment": row.environment,
        "strategy": known.strategy.value,
        "exposure": known.exposure,
        "step": known.step,
        "steps": known.step_count,
        "tool": row.source,
        "artifact": known.artifact,
        "actor": known.actor or None,
        "reason": known.reason or None,
        "links": row.links,
        "reverts": known.from_version if known.basis else None,
        **_plan_facts(plan),
    }


def case_facts(hub: Hub, case: Case, promises: Sequence[Promise]) -> Facts:
    """Return the facts of an incident; `promises` are the pending ones."""
    incident = case.incident
    facts = (
        rollout_facts(hub, case.rollout, case.known, case.plan)
        if case.rollout and case.known
        else {**page_facts(hub), **_plan_facts(case.plan)}
    )
    names = tuple(component.name for component in case.components)
    facts["components"] = names
    if case.rollout is None:
        facts["component"] = hub.configuration.templates.locale(hub.page.main).speech.listed(names) or case.page.name
        facts["exposed_from"] = None
    url = hub.incident_url(incident.public_id) if incident.public else None
    facts.update(
        incident_name={**incident.names, hub.page.main: incident.name},
        incident_url=url,
        answer_url=f"{url}#answer" if url else None,
        opened_at=incident.told_at,
        told_at=incident.told_at,
        resolved_at=incident.resolved_at,
        failed=incident.failed,
        impact=incident.impact,
        cause_class=case.cause.value,
        safeguard_missing=incident.safeguard_missing,
        window_from=incident.scheduled_for,
        window_until=incident.scheduled_until,
        window_began=_began(incident),
        ends_itself=incident.ends_itself,
        verifying=incident.state == State.VERIFYING,
        effect=incident.effect or None,
        advice=incident.advice or None,
        calendar_url=f"{url}.ics" if url and incident.scheduled_for else None,
        complaint=incident.complaint or None,
        motive=incident.motive or None,
        customers_told=incident.public,
        decision=incident.decision,
        console_url=hub.console_url("incidents", incident.public_id),
    )
    facts.update(_corrected(case))
    for promise in promises:
        if promise.kind == Kind.NEXT_UPDATE:
            facts["next_update"] = promise.due
        else:
            facts.update(recovery_from=promise.earliest, recovery_until=promise.due, **basis_facts(promise))
    return facts


def basis_facts(promise: Promise | rules.Promise) -> Facts:
    """Return why we believe a recovery: words of the plan, or how long comparable rollbacks took."""
    took = promise.comparable
    return {
        "recovery_basis": promise.basis or None,
        "recovery_count": len(took) or None,
        "recovery_shortest": min(took, default=None),
        "recovery_longest": max(took, default=None),
    }


def reach(case: Case) -> Reach:
    """Return what we say in public about how far an incident went, with what a person corrected."""
    known, right = case.known, corrected(case.incident)
    return Reach(
        peak=right.peak if right.peak is not None or known is None else known.peak,
        failed=case.incident.failed,
        customers=right.customers,
        began=right.began or (known.exposed_from if known else case.incident.started_at),
        ended=right.ended or (known.exposed_until if known else None),
        impact=Impact(case.incident.impact),
    )


def _began(incident: Incident) -> datetime | None:
    """Return when planned work began; None before, and for what was not planned or not done."""
    never = incident.state == State.SCHEDULED or incident.settled == "cancelled"
    return incident.started_at if incident.scheduled_for and not never else None


def _corrected(case: Case) -> Facts:
    """Return the facts that a person's word replaces."""
    said = reach(case)
    facts: Facts = {"customers_hit": said.customers}
    if case.known is not None:
        facts.update(peak=said.peak, exposed_from=said.began, exposed_until=said.ended)
    return facts


def _symptom(component: Component | None, known: Known, language: str) -> str | None:
    """Return what customers noticed, when an analysis failed and the metrics that failed mean one thing."""
    if component is None or known.evidence is not Evidence.FAILED_ANALYSIS or not known.peak:
        return None
    return component.symptom(known.metrics, language)


def _plan_facts(plan: Plan) -> Facts:
    return {
        "known_risks": plan.known_risks,
        "unknown_risks": plan.unknown_risks,
        "plan_title": plan.title,
        "plan_summary": plan.summary,
        "plan_recovery_from": int(plan.recovery.from_.total_seconds()),
        "plan_recovery_until": int(plan.recovery.to.total_seconds()),
        "sla": plan.sla,
        "plan_owner": plan.owner,
        "plan_artifact": plan.artifact.what,
        "plan_versions": plan.artifact.versions,
        "plan_layers": tuple(
            WayBack(layer.removesuffix("_"), each.how, each.time.total_seconds() / 60, each.owner)
            for layer, each in plan.layers
        ),
        "triggers": plan.triggers,
        "last_drilled": plan.last_drilled and datetime.combine(plan.last_drilled, time(), UTC),
    }
