"""A bad day at Acme, as views: every page with something on it, and the same pages when all is well."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from markupsafe import Markup

from trusthub.domain.message import Share
from trusthub.services.connections import ConnectionView, EventView, Overview, StrangerView
from trusthub.services.desk import RolloutDetail, RolloutView
from trusthub.services.views import (
    AskView,
    ComponentView,
    DeliveryView,
    ExposureView,
    IncidentView,
    MessageView,
    OutcomeView,
    PageView,
    PromiseView,
    StaffIncidentView,
    ThreadView,
    UpdateView,
)
from trusthub.store.tables import Disabled

NOW = datetime(2026, 11, 22, 14, 12, tzinfo=UTC)
HUB = "https://hub.acme.example"
STATUS = "https://status.acme.example"
TOKEN = "1f3a.q8w2e7r5t1y9.1.c2lnbmF0dXJlLW9mLXRoaXM"
WORDS = {
    "operational": "Operational",
    "degraded_performance": "Degraded performance",
    "partial_outage": "Partial outage",
    "major_outage": "Major outage",
    "under_maintenance": "Under maintenance",
}


def at(clock: str, *, days_ago: int = 0) -> datetime:
    """Return a time of the day on which all this happens, or of one before."""
    hour, minute = map(int, clock.split(":"))
    return NOW.replace(hour=hour, minute=minute) - timedelta(days=days_ago)


def component(
    name: str, description: str | None = None, *members: ComponentView, status: str = "operational"
) -> ComponentView:
    return ComponentView(name=name, description=description, status=status, status_words=WORDS[status], members=members)


def update(state: str, clock: str, html: Markup) -> UpdateView:
    return UpdateView(state=state, state_words=state.capitalize(), html=html, at=at(clock))


def promise(kind: str, due: str, standing: str = "pending", settled: str | None = None, **more: Any) -> PromiseView:
    fields: dict[str, Any] = {"earliest": None, "basis": "", **more}
    return PromiseView(kind=kind, due=at(due), standing=standing, settled_at=at(settled) if settled else None, **fields)


PAGE = PageView(
    name="Acme",
    url=STATUS,
    hub_url=HUB,
    support="support@acme.example",
    indicator="major",
    headline="Parts of some systems are not working",
    rendered_at=NOW,
)
CALM_PAGE = replace(PAGE, indicator="none", headline="All systems operational")
COMPONENTS = (
    component(
        "Payments",
        None,
        component("Checkout", "Paying for an order", status="partial_outage"),
        component("Refunds", "Getting money back"),
        component("Invoices"),
        status="partial_outage",
    ),
    component(
        "Shop",
        None,
        component("Search", "Finding products", status="degraded_performance"),
        component("Product pages"),
        component("Accounts and sign-in", "Signing in, passwords, two-step verification"),
        status="degraded_performance",
    ),
    component("Public API", "api.acme.example, all versions"),
    component("Partner portal", status="under_maintenance"),
)
CALM_COMPONENTS = (
    component(
        "Payments",
        None,
        component("Checkout", "Paying for an order"),
        component("Refunds", "Getting money back"),
        component("Invoices"),
    ),
    component("Shop", None, component("Search", "Finding products"), component("Product pages")),
    component("Public API", "api.acme.example, all versions"),
)

EXPOSURE = ExposureView(
    steps=((at("13:40"), 1.0), (at("13:52"), 5.0), (at("14:02"), 25.0), (at("14:09"), 0.0)),
    peak=25.0,
    ended=at("14:09"),
    version="2.8.0",
)
IDENTIFIED = Markup(
    "<p>We sent Checkout requests to a faulty version, and we are sorry.</p>"
    "<p><strong>What we know.</strong> Up to 25 % of Checkout requests reached 2.8.0 from 13:40 to 14:09 UTC; we do "
    "not know yet how many failed.</p>"
    "<p><strong>What we do.</strong> We are rolling back from 2.8.0 to 2.7.4; we began at 14:06 UTC. We expect to "
    "finish between 14:08 and 14:16 UTC, because traffic returns to the earlier version at once.</p>"
    "<p><strong>What you can do.</strong> If a payment did not go through, check your order before you try it again. "
    "<code>POST /orders</code> is safe to repeat with the same key.</p>"
    "<p><strong>Next update by 14:36 UTC, even if nothing has changed.</strong></p>"
)
INVESTIGATING = Markup(
    "<p>Checkout is not working as it should, and we are sorry. A check that we run while we release a version has "
    "failed. We do not know the cause yet.</p>"
)
CHECKOUT = IncidentView(
    public_id="k3v9x0q2m7ab",
    url=f"{STATUS}/incidents/k3v9x0q2m7ab",
    name="Checkout: we are going back from 2.8.0 to 2.7.4",
    state="identified",
    state_words="Identified",
    impact="major",
    components=("Checkout", "Refunds"),
    started_at=at("13:40"),
    resolved_at=None,
    next_update=at("14:36"),
    overdue=False,
    updates=(
        update("identified", "14:06", IDENTIFIED),
        update("investigating", "13:58", INVESTIGATING),
    ),
    promises=(
        promise("next_update", "14:05", "missed", "14:05"),
        promise("next_update", "14:10", "kept", "14:06"),
        promise("recovery", "14:16", earliest=at("14:08"), basis="traffic returns to the earlier version at once"),
        promise("next_update", "14:36"),
    ),
    exposure=EXPOSURE,
    retracted=False,
    change=True,
)
LATE = replace(
    CHECKOUT,
    public_id="l4t3l4t3l4t3",
    url=f"{STATUS}/incidents/l4t3l4t3l4t3",
    name="Search is slow",
    state="investigating",
    state_words="Investigating",
    impact="minor",
    components=("Search",),
    next_update=at("14:05"),
    overdue=True,
    updates=CHECKOUT.updates[1:],
    promises=(promise("next_update", "14:05"),),
    exposure=None,
    failed=1204,
)
RESOLVED = replace(
    CHECKOUT,
    state="resolved",
    state_words="Resolved",
    resolved_at=at("14:40"),
    next_update=None,
    updates=(
        update("resolved", "14:40", Markup("<p>Checkout works again. We are sorry that it did not.</p>")),
        *CHECKOUT.updates,
    ),
    promises=(*CHECKOUT.promises[:2], promise("recovery", "14:16", "kept", "14:09", earliest=at("14:08"))),
    failed=1204,
)
ONGOING = replace(
    CHECKOUT,
    exposure=replace(EXPOSURE, steps=EXPOSURE.steps[:3], ended=None, sticky=True),
)
RECENT = (
    replace(RESOLVED, started_at=at("09:10", days_ago=2), resolved_at=at("09:48", days_ago=2)),
    replace(
        RESOLVED,
        public_id="f4ls3f4ls3aa",
        url=f"{STATUS}/incidents/f4ls3f4ls3aa",
        name="Sign-in: we thought that it failed, and it did not",
        retracted=True,
        components=("Accounts and sign-in",),
        promises=(),
        started_at=at("07:02", days_ago=2),
        resolved_at=at("07:20", days_ago=2),
    ),
    replace(
        RESOLVED,
        public_id="s34rchs34rch",
        url=f"{STATUS}/incidents/s34rchs34rch",
        name="Search returned old prices",
        components=("Search",),
        started_at=at("22:30", days_ago=9),
        resolved_at=at("01:05", days_ago=8),
    ),
)

THREAD = ThreadView(
    id=1,
    public_id="q8w2e7r5t1y9",
    state="open",
    customer="Ana Pires",
    contact="by email",
    incident_name=CHECKOUT.name,
    incident_url=CHECKOUT.url,
    opened_at=at("14:03"),
    updated_at=at("14:03"),
    messages=(
        MessageView(
            by="customer",
            author="Ana Pires",
            at=at("14:03"),
            html=Markup(
                "<p>I paid for order 48113 twice, and I still have no confirmation.<br>Was my card charged twice?</p>"
            ),
        ),
    ),
)
ANSWERED = replace(
    THREAD,
    state="answered",
    updated_at=at("14:09"),
    messages=(
        *THREAD.messages,
        MessageView(
            by="staff",
            author="Mira",
            at=at("14:09"),
            html=Markup(
                "<p>You are right to ask. Your card was charged once; the second attempt was refused before it reached "
                "your bank.</p><p>Your order 48113 is confirmed, and the mail is on its way.</p>"
            ),
        ),
    ),
)
CLOSED = replace(
    ANSWERED,
    state="closed",
    updated_at=at("14:11"),
    messages=(
        *ANSWERED.messages,
        MessageView(
            by="hub",
            author="Acme",
            at=at("14:11"),
            html=Markup("<p>We closed the incident at 14:11 UTC.</p><p><strong>Is it fixed for you?</strong></p>"),
        ),
    ),
)
WISHES = replace(THREAD, wants_rollback=True, verified=True)
SILENT = replace(
    THREAD,
    public_id="a1a1a1a1a1a1",
    customer="A customer",
    contact="on their private page only",
    opened_at=at("13:59"),
    updated_at=at("13:59"),
    messages=(
        MessageView(by="customer", author="Customer", at=at("13:59"), html=Markup("<p>Please roll this back.</p>")),
    ),
)


def delivery(number: int, to: str, state: str, **more: Any) -> DeliveryView:
    fields: dict[str, Any] = {
        "moment": "incident.identified",
        "subject": "Checkout: we are going back from 2.8.0 to 2.7.4",
        "attempts": 1,
        "ambiguous": False,
        "error": "",
        "done_at": None,
        **more,
    }
    return DeliveryView(id=number, to=to, state=state, created_at=at("14:06"), **fields)


TROUBLED = (
    delivery(3, "email:releases@acme.example", "dead", attempts=9, error="550 5.1.1 no such user"),
    delivery(2, "slack:#support", "pending", attempts=3, error="429: asked to wait 30 seconds"),
)
DELIVERIES = (
    *TROUBLED,
    delivery(1, "slack:#releases", "done", done_at=at("14:06"), ambiguous=True, attempts=2),
    delivery(0, "page:main", "done", done_at=at("14:06")),
)
STAFF_TOLD = StaffIncidentView(
    id=7,
    incident=CHECKOUT,
    public=True,
    decision="The tool's own analysis failed at up to 25 % exposure.",
    settled=None,
    open=True,
    rollout="checkout: 2.7.4 to 2.8.0 in production, rolling back, heard from argo-rollouts",
    reason="metric success-rate: 0.71 < 0.99",
    threads=(ANSWERED, SILENT),
    deliveries=DELIVERIES,
    audit=("14:07 UTC, Mira: update", "14:09 UTC, Mira: reply"),
    ask=AskView(public_id="checkout0000", tool="flagger", asked_by=None),
)
STAFF_ASKED = replace(STAFF_TOLD, ask=AskView(public_id="checkout0000", tool="flagger", asked_by="Mira"))
STAFF_NOT_TOLD = replace(
    STAFF_TOLD,
    id=8,
    incident=replace(
        CHECKOUT,
        public_id="n0tt0ldn0tt0",
        name="Invoices: rolled back from 5.1 to 5.0",
        impact="minor",
        updates=(),
        promises=(),
        next_update=None,
        components=("Invoices",),
    ),
    public=False,
    decision="It was rolled back, but nothing shows that customers were harmed.",
    rollout="invoices: 5.0 to 5.1 in production, rolled back, heard from flagger",
    threads=(),
    deliveries=(),
    audit=(),
)
STAFF_LATE = replace(STAFF_TOLD, id=9, incident=LATE, rollout="Opened by hand", reason="", threads=(SILENT,))


def rollout(component: str, phase: str, exposure: float | None, ended: str | None = None, **more: Any) -> RolloutView:
    fields: dict[str, Any] = {
        "environment": "production",
        "from_version": "2.7.4",
        "to_version": "2.8.0",
        "tool": "argo-rollouts",
        **more,
    }
    return RolloutView(
        public_id=f"{component:0<12}"[:12],
        component=component,
        phase=phase,
        exposure=exposure,
        started_at=at("13:40"),
        ended_at=at(ended) if ended else None,
        **fields,
    )


CONNECTIONS = Overview(
    connections=(
        ConnectionView(name="argo-prod", source="argo-rollouts", listed=True, last_at=at("14:06"),
                       last_what="on-rollout-aborted", last_state="done"),
        ConnectionView(name="flagger-prod", source="flagger", listed=True, last_at=at("09:12"), last_what="event",
                       last_state="done", refused=12, refused_at=at("13:58"), expected="4 hours",
                       refused_why="Send `Authorization: Bearer <token>` with the token of this connection.",
                       silent_since=at("09:12")),
        ConnectionView(name="pagerduty", source="pagerduty", listed=False, last_at=at("14:01"),
                       last_what="service.updated", last_state="unknown", unknown=3),
        ConnectionView(name="github", source="github", listed=True),
    ),
    strangers=(
        StrangerView(name="acme/checkout-worker", connection="github", count=4, last_at=at("13:20"),
                     place="the component checkout, instead of its line for watches",
                     line="watches: [acme/checkout, payments/checkout, checkout, acme/checkout-worker]"),
    ),
    events=(
        EventView(id=812, connection="pagerduty", source="pagerduty", what="service.updated", state="unknown",
                  error="", at=at("14:01")),
        EventView(id=640, connection="github", source="github", what="a body that cannot be read", state="rejected",
                  error="deployment.ref must be a string, not a number.", at=at("11:40")),
    ),
)  # fmt: skip
ROLLOUTS = (
    rollout("checkout", "rolled back", 0.0, "14:09"),
    rollout("search", "progressing", 25.0, tool="flagger", environment=None, from_version=None),
    rollout("invoices", "completed", 100.0, "13:59", tool="github", from_version="5.0", to_version="5.1"),
    rollout("sign-in", "failed", None, tool="launchdarkly", environment="staging"),
)
DESK: dict[str, Any] = {
    "incidents": (STAFF_NOT_TOLD, STAFF_TOLD, STAFF_LATE),
    "threads": (SILENT, THREAD),
    "deliveries": TROUBLED,
    "disabled": (Disabled(lane="webhook:acme", at=at("09:12"), reason="The webhook answered 410 (gone for good)."),),
}
EMPTY_DESK: dict[str, Any] = {"incidents": (), "threads": (), "deliveries": (), "disabled": ()}
OPEN: dict[str, Any] = {"components": (("checkout", "Checkout"), ("search", "Search"), ("api", "Public API"))}


def _public(template: str, page: PageView = PAGE, **context: Any) -> tuple[str, dict[str, Any]]:
    return template, {"page": page, **context}


def _console(template: str, *, notice: str | None = None, **context: Any) -> tuple[str, dict[str, Any]]:
    return f"console/{template}", {"page": PAGE, "user": "Mira", "csrf": "c5rf", "notice": notice, **context}


def _thread(thread: ThreadView, *, notice: str | None = None, confirms: bool = False) -> tuple[str, dict[str, Any]]:
    closed = thread.state == "closed"
    return _public("thread.html", thread=thread, token=TOKEN, closed=closed, notice=notice, confirms=confirms)


PAGES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "status": _public("status.html", components=COMPONENTS, incidents=(CHECKOUT, LATE), recent=RECENT),
    "status-calm": _public("status.html", CALM_PAGE, components=CALM_COMPONENTS, incidents=(), recent=()),
    "status-watching": _public(
        "status.html",
        replace(CALM_PAGE, headline="Everything works again, and we are watching it"),
        components=CALM_COMPONENTS,
        incidents=(replace(CHECKOUT, state="monitoring", state_words="Monitoring"),),
        recent=RECENT[1:],
    ),
    "incident": _public("incident.html", incident=CHECKOUT),
    "incident-late": _public("incident.html", incident=LATE),
    "incident-ongoing": _public("incident.html", incident=ONGOING),
    "incident-resolved": _public("incident.html", replace(PAGE, rendered_at=at("14:41")), incident=RESOLVED),
    "incident-retracted": _public("incident.html", incident=RECENT[1]),
    "thread-open": _thread(THREAD, notice="We have your message."),
    "thread-mailed": _thread(THREAD, confirms=True),
    "thread-confirmed": _thread(WISHES),
    "thread-answered": _thread(ANSWERED),
    "thread-closed": _thread(CLOSED),
    "answered": _public("answered.html", thread_url=f"{HUB}/threads/{TOKEN}", mailed=False),
    "answered-mailed": _public("answered.html", thread_url=f"{HUB}/threads/{TOKEN}", mailed=True),
    "answered-machine": _public("answered.html", thread_url=None, mailed=False),
    "unsubscribe": _public("unsubscribe.html", address_hint="a…@example.com", done=False),
    "unsubscribed": _public("unsubscribe.html", address_hint="a…@example.com", done=True),
    "error": _public("error.html", title="There is no such incident", text="The front page lists all."),
    "error-bare": ("error.html", {"title": "We made a mistake", "text": "It is in our log. Please try again."}),
    "console-login": _console(
        "login.html", user=None, next="/console/", error="This address and password do not match."
    ),
    "console-home": _console("home.html", notice="Customers have been told.", **DESK),
    "console-home-calm": _console("home.html", **EMPTY_DESK),
    "console-incident": _console("incident.html", incident=STAFF_TOLD),
    "console-incident-asked": _console("incident.html", incident=STAFF_ASKED),
    "console-incident-late": _console("incident.html", incident=STAFF_LATE),
    "console-incident-not-told": _console("incident.html", incident=STAFF_NOT_TOLD),
    "console-incident-closed": _console(
        "incident.html", incident=replace(STAFF_TOLD, incident=RECENT[1], open=False, settled="false_alarm")
    ),
    "console-thread": _console("thread.html", thread=ANSWERED),
    "console-thread-real": _console("thread.html", thread=WISHES),
    "console-open": _console("open.html", **OPEN),
    "console-connections": _console("connections.html", overview=CONNECTIONS),
    "console-connections-calm": _console(
        "connections.html", overview=Overview(connections=(), strangers=(), events=())
    ),
    "console-rollouts": _console("rollouts.html", rollouts=ROLLOUTS),
    "console-rollout": _console(
        "rollouts.html",
        rollouts=ROLLOUTS,
        marked=ROLLOUTS[1].public_id,
        detail=RolloutDetail(
            line="search: an earlier version to 2.8.0, progressing, heard from flagger",
            ask=STAFF_TOLD.ask,
            audit=("14:01 UTC, Mira: broke the glass: payments fail",),
            outcome=OutcomeView(
                plan="canary",
                layer="traffic",
                expected_from=2,
                expected_to=10,
                took=12,
                late=True,
                expected_sla="Requests of the exposed share can fail until the share is 0.",
                shares=(Share(25.0, 1), Share(5.0, 7)),
            ),
        ),
    ),
}
"""Every page by a name: its template and its context."""
