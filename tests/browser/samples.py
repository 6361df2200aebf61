"""A bad day at Acme, as views: every page with something on it, and the same pages when all is well."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from markupsafe import Markup

from trusthub.domain.complaints import PAINS
from trusthub.domain.page import Page as SitePage
from trusthub.domain.parts import Heard, Share, Tallied
from trusthub.domain.promise import Record
from trusthub.domain.recipient import Fate, Tally
from trusthub.domain.reply_time import ReplyTime
from trusthub.domain.trust import METRICS, Observation, lines, months
from trusthub.domain.wording.house import ROUTES
from trusthub.rendering.markdown import to_html
from trusthub.services import brand
from trusthub.services.approval_views import ApprovalView, TextView
from trusthub.services.connections import ConnectionView, EventView, Overview, StrangerView
from trusthub.services.curve import ExposureView
from trusthub.services.deliveries import Pause
from trusthub.services.desk import RolloutDetail, RolloutView
from trusthub.services.desk_views import (
    AskView,
    NoteView,
    OutcomeView,
    PostmortemView,
    StaffIncidentView,
    ThreadLine,
    WorkView,
)
from trusthub.services.document import Document
from trusthub.services.fanout import Progress
from trusthub.services.history import HistoryView, LinkView, MonthView, PastView
from trusthub.services.ledger import Entry, LedgerView, Month
from trusthub.services.letter import Letter, RecipientsView, RecipientView
from trusthub.services.many import Outlook
from trusthub.services.outgoing import MOMENTS, DeliveryView, TryView
from trusthub.services.outgoing import PageView as ListView
from trusthub.services.queue import STATES
from trusthub.services.subscribe import Wish
from trusthub.services.timeline import AudienceView, LineView, TellingView
from trusthub.services.trust import Report
from trusthub.services.views import (
    ComponentView,
    DayView,
    IncidentView,
    MessageView,
    PageView,
    PromiseView,
    ThreadView,
    UpdateView,
    UptimeView,
    WindowView,
)
from trusthub.store.which import Standing
from trusthub.web.console_sign_in import Ways

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


WISH = Wish(address="", components=frozenset({"checkout"}), zone="Europe/Berlin")
NAMES = {"checkout": "Checkout", "search": "Search", "sign-in": "Sign-in"}


def at(clock: str, *, days_ago: int = 0) -> datetime:
    """Return a time of the day on which all this happens, or of one before."""
    hour, minute = map(int, clock.split(":"))
    return NOW.replace(hour=hour, minute=minute) - timedelta(days=days_ago)


def component(
    name: str, description: str | None = None, *members: ComponentView, status: str = "operational"
) -> ComponentView:
    return ComponentView(
        name=name,
        description=description,
        status=status,
        status_words=WORDS[status],
        members=members,
        public_id=f"{name:x<12}".lower().replace(" ", "x")[:12],
        uptime=None if members else UPTIMES.get(name, CLEAR),
    )


def troubled(days_ago: int, status: str, *spent: tuple[str, int]) -> DayView:
    """Return a day with trouble; `spent` are statuses with minutes."""
    return DayView(
        at=NOW.replace(hour=0, minute=0) - timedelta(days=days_ago),
        place=89 - days_ago,
        status=status,
        spent=tuple((WORDS[each], timedelta(minutes=minutes)) for each, minutes in spent),
    )


def uptime(*days: DayView, unknown: int = 0, percents: tuple[float, ...] = (100.0, 100.0, 100.0)) -> UptimeView:
    return UptimeView(
        first=NOW.replace(hour=0, minute=0) - timedelta(days=89),
        unknown=unknown,
        windows=tuple(
            WindowView(days=size, percent=percent, incidents=sum(day.place >= 90 - size for day in days))
            for size, percent in zip((90, 60, 30), percents, strict=True)
        ),
        troubled=days,
    )


CLEAR = uptime()
UPTIMES = {
    "Checkout": uptime(
        troubled(71, "major_outage", ("major_outage", 48), ("partial_outage", 30)),
        troubled(40, "degraded_performance", ("degraded_performance", 250)),
        troubled(12, "partial_outage", ("partial_outage", 90)),
        troubled(0, "partial_outage", ("partial_outage", 32)),
        percents=(99.9263, 99.9421, 99.8951),
    ),
    "Invoices": uptime(unknown=52),
    "Search": uptime(troubled(0, "degraded_performance", ("degraded_performance", 14)), unknown=89),
}


def update(state: str, clock: str, html: Markup) -> UpdateView:
    return UpdateView(state=state, state_words=state.capitalize(), html=html, at=at(clock))


def promise(kind: str, due: str, standing: str = "pending", settled: str | None = None, **more: Any) -> PromiseView:
    fields: dict[str, Any] = {"earliest": None, "basis": "", "made_at": at("13:35"), "owner": "Mira", **more}
    return PromiseView(kind=kind, due=at(due), standing=standing, settled_at=at(settled) if settled else None, **fields)


PAGE = PageView(
    name="Acme",
    url=STATUS,
    hub_url=HUB,
    support="support@acme.example",
    indicator="major",
    headline="Parts of some systems are not working",
    title="Acme: incidents",
    rendered_at=NOW,
)
LOOK = brand.look(
    Document(Path(__file__), None, {}),
    SitePage(name="Acme", url=STATUS, logo="logo.svg", color="#8a2be2"),
)
BRANDED = replace(
    PAGE,
    sheet=LOOK.sheet,
    logo=True,
    intro=to_html("## About this page\n\nAcme sells *plain things*. [How we work](https://acme.example/work)."),
    footer=to_html("Acme GmbH, Hafenstraße 1, Hamburg. [Imprint](https://acme.example/imprint)"),
    footer_lang="de",
)


def asset(name: str) -> bytes:
    """Return a static file as the hub serves it."""
    return LOOK.files.get(name) or (brand.STATIC / name).read_bytes()


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
WORK = replace(
    CHECKOUT,
    public_id="w0rkw0rkw0rk",
    url=f"{STATUS}/incidents/w0rkw0rkw0rk",
    name="Checkout moves to a larger database",
    state="scheduled",
    state_words="Planned",
    impact="none",
    components=("Checkout",),
    started_at=at("02:00", days_ago=-6),
    scheduled_for=at("02:00", days_ago=-6),
    scheduled_until=at("03:00", days_ago=-6),
    next_update=None,
    updates=(
        update(
            "scheduled",
            "11:20",
            Markup(
                "<p>We will work on Checkout from 02:00 to 03:00 UTC on 28 November 2026.</p>"
                "<p><strong>What you cannot do meanwhile.</strong> You cannot pay for an order.</p>"
            ),
        ),
    ),
    promises=(),
    exposure=None,
    change=False,
)
WORKING = replace(
    WORK,
    public_id="w0rk1ngw0rk1",
    url=f"{STATUS}/incidents/w0rk1ngw0rk1",
    name="Public API: new certificates",
    state="in_progress",
    state_words="Under way",
    components=("Public API",),
    started_at=at("14:00"),
    scheduled_for=at("14:00"),
    scheduled_until=at("15:00"),
    updates=(update("under way", "14:00", Markup("<p>We have begun the planned work on Public API.</p>")),),
    promises=(promise("recovery", "15:00"),),
)
OVERRUN = replace(
    WORKING,
    scheduled_until=at("14:10"),
    next_update=at("14:40"),
    promises=(promise("recovery", "14:10", "missed", "14:10"), promise("next_update", "14:40")),
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


LINES = (
    ThreadLine(
        public_id=SILENT.public_id,
        customer="A customer",
        about=CHECKOUT.name,
        said="Please roll this back, or I call my lawyer.",
        state="open",
        updated_at=at("13:59"),
        waiting_since=at("13:59"),
        routed="legal",
    ),
    ThreadLine(
        public_id=THREAD.public_id,
        customer=THREAD.customer,
        about=CHECKOUT.name,
        said="My order failed twice after I had entered the card.",
        state="answered",
        updated_at=at("14:09"),
        replied=True,
        pain="painful",
        assignee="Mira",
    ),
)


SHARED = WorkView(
    newest=2,
    assignee=1,
    colleagues=((2, "Jo"), (1, "Mira")),
    notes=(NoteView(author="Jo", words="They are on the early access list.", at=at("14:05")),),
    others=(("Jo", True),),
    saved=(("right", "You are right"),),
    routed="legal",
    named=("law@acme.example",),
)


def tried(n: int, clock: str, words: str, error: str = "", status: int | None = None) -> TryView:
    return TryView(n=n, at=at(clock), ended_at=at(clock), words=words, status=status, error=error)


def delivery(number: int, lane: str, to: str, standing: Standing, **more: Any) -> DeliveryView:
    fields: dict[str, Any] = {
        "moment": "Incident identified",
        "audience": "customers",
        "subject": "Checkout: we are going back from 2.8.0 to 2.7.4",
        "incident": (CHECKOUT.public_id, CHECKOUT.name),
        "tries": (tried(1, "14:06", "It was taken."),),
        **more,
    }
    return DeliveryView(id=number, lane=lane, to=to, standing=standing, created_at=at("14:06"), **fields)


BATCH = delivery(
    9,
    "email:subscribers/1",
    "mail to 1,000 subscribers",
    Standing.ACCEPTED,
    accepted_at=at("14:06"),
    delivered_at=at("14:07"),
    tally=Tally(frozen=1000, handed=996, left_out=4, delivered=991, bounced=3),
    error="550 5.1.1 no such user",
)
TROUBLED = (
    delivery(
        3,
        "email:releases@acme.example",
        "mail to releases@acme.example",
        Standing.FAILED,
        audience="stakeholders",
        tries=tuple(tried(n, "14:07", "It failed.", "550 5.1.1 no such user", 550) for n in range(1, 10)),
        error="550 5.1.1 no such user",
    ),
    delivery(
        2,
        "slack:#support",
        "Slack #support",
        Standing.WAITING,
        audience="support",
        next_at=at("14:13"),
        tries=(tried(1, "14:06", "It failed.", "429: asked to wait 30 seconds", 429),),
        error="429: asked to wait 30 seconds",
    ),
)
DELIVERIES = (
    BATCH,
    *TROUBLED,
    delivery(
        1,
        "slack:#releases",
        "Slack #releases",
        Standing.DELIVERED,
        accepted_at=at("14:06"),
        delivered_at=at("14:06"),
        ambiguous=True,
        tries=(tried(1, "14:06", "Nobody knows how it ended."), tried(2, "14:06", "It was taken.", status=200)),
        requeued_at=at("14:05"),
        audience="stakeholders",
    ),
    delivery(0, "page:main", "the public page", Standing.DELIVERED, accepted_at=at("14:06"), delivered_at=at("14:06")),
    delivery(7, "webhook:acme", "webhook acme", Standing.HELD, tries=(), incident=None, audience=""),
)
PAUSES = (
    Pause(where="slack", why="The wrong channel heard of it.", by="Mira", at=at("14:09")),
    Pause(where="webhook:acme", why="It kept failing, and was switched off. It answered 410.", at=at("09:12")),
    Pause(where="slack:#old", why=""),
)
GOING = Progress(
    update="u1u1u1u1u1u1",
    moment="Incident identified",
    incident=CHECKOUT.public_id,
    name=CHECKOUT.name,
    tally=Tally(frozen=100_000, waiting=61_400, left_out=12, handed=38_580, delivered=31_204, bounced=41, failed=8),
    begun_at=at("14:11"),
    ended_at=None,
    rate=1930.4,
    held=False,
    listening=False,
)
GONE = replace(
    GOING,
    update="u2u2u2u2u2u2",
    moment="Incident investigating",
    tally=Tally(frozen=100_000, handed=99_980, left_out=12, delivered=99_000, bounced=70, failed=8),
    ended_at=at("14:00"),
    listening=True,
)


def line(lane: str, to: str, **more: Any) -> LineView:
    fields: dict[str, Any] = {
        "count": 1,
        "delivery": 1,
        "many": False,
        "waiting": 0,
        "done": 1,
        "dead": 0,
        "cancelled": 0,
        "ambiguous": 0,
        "accepted_at": at("14:06"),
        "delivered_at": at("14:06"),
        "forwarded": lane.startswith("email"),
        "kept": False,
        "tally": Tally(),
        "problems": (),
        **more,
    }
    return LineView(lane=lane, to=to, **fields)


NOWHERE: dict[str, Any] = {"done": 0, "accepted_at": None, "delivered_at": None}
TOLD = (
    TellingView(
        at=at("14:06"),
        moment="Incident identified",
        moment_key="incident.identified",
        subject=CHECKOUT.name,
        update="u1u1u1u1u1u1",
        audiences=(
            AudienceView(
                key="stakeholders",
                name="Stakeholders",
                lines=(
                    line("slack:#releases", "Slack #releases", ambiguous=1),
                    line("email:releases@acme.example", "mail to releases@acme.example", dead=1, **NOWHERE,
                         problems=("550 5.1.1 no such user",)),
                ),
            ),
            AudienceView(
                key="support",
                name="Support",
                lines=(line("slack:#support", "Slack #support", waiting=1, **NOWHERE,
                            problems=("429: asked to wait 30 seconds",)),),
            ),
            AudienceView(
                key="customers",
                name="Customers",
                lines=(
                    line("email:subscribers/", "mail to 100,000 subscribers", count=104, done=40, waiting=64,
                         delivery=None, many=True, tally=GOING.tally, problems=("550 5.1.1 no such user",)),
                    line("email:ana@customer.example", "mail to ana@customer.example", delivered_at=None),
                    line("page:main", "the public page"),
                ),
            ),
        ),
    ),
)  # fmt: skip
LETTER = Letter(
    subject="Checkout: we are going back from 2.8.0 to 2.7.4",
    text="We sent Checkout requests to a faulty version, and we are sorry.\n\nStop mail: https://hub/subscriptions/…",
    html="<p>We are sorry.</p>",
    slack="*Checkout*: going back",
)
PEOPLE = RecipientsView(
    counts={Fate.LEFT_OUT: 4, Fate.ACCEPTED: 2, Fate.DELIVERED: 991, Fate.BOUNCED: 3},
    found=(
        RecipientView(id=1, address="ana@customer.example", fate=Fate.DELIVERED, at=at("14:07"), reason=""),
        RecipientView(id=2, address="a-very-long-name-that-does-not-end.at-all@customer.example", fate=Fate.BOUNCED,
                      at=at("14:07"), reason="550 5.1.1 no such user"),
        RecipientView(id=3, address="", fate=Fate.LEFT_OUT, at=None, reason="The subscriber was removed."),
    ),
    more=3,
)  # fmt: skip
NOBODY = RecipientsView(counts={}, found=(), more=None)
LIST: dict[str, Any] = {
    "view": ListView(deliveries=DELIVERIES, older=1, newer=9, dead=2),
    "progress": (GOING, GONE),
    "pauses": PAUSES,
    "filter": {"state": "failed", "to": "#releases", "since": "2026-11-22T14:00", "update": "u1u1u1u1u1u1"},
    "query": "state=failed&to=%23releases",
    "older": "state=failed&before=1",
    "newer": "state=failed&after=9",
    "standings": [each.value for each in Standing],
    "channels": ["email", "slack"],
    "moments": MOMENTS,
}
EMPTY_LIST: dict[str, Any] = {
    **LIST,
    "view": ListView(deliveries=(), older=None, newer=None, dead=0),
    "progress": (),
    "pauses": (),
    "filter": {},
    "query": "",
    "older": None,
    "newer": None,
}
STAFF_TOLD = StaffIncidentView(
    id=7,
    incident=CHECKOUT,
    public=True,
    decision="The tool's own analysis failed at up to 25 % exposure.",
    settled=None,
    open=True,
    rollout="checkout: 2.7.4 to 2.8.0 in production, rolling back, heard from argo-rollouts",
    reason="metric success-rate: 0.71 < 0.99",
    threads=LINES,
    waiting=1,
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
    waiting=0,
    audit=(),
)
STAFF_LATE = replace(STAFF_TOLD, id=9, incident=LATE, rollout="Opened by hand", reason="", threads=LINES[:1], waiting=1)


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
    "threads": LINES,
    "deliveries": TROUBLED,
    "pauses": PAUSES,
}
OUTLOOK = Outlook(
    name=CHECKOUT.name,
    count=2,
    routed=1,
    foreign=1,
    samples=(("Ana Pires", Markup("<p>Hello Ana,</p><p>your card was charged once.</p>")),),
    waits=True,
)
QUEUE: dict[str, Any] = {
    "lines": LINES,
    "filter": {},
    "searched": 2000,
    "choices": {"state": STATES, "pain": PAINS, "role": ("any", *ROUTES)},
    "components": [("checkout", "Checkout")],
}
EMPTY_DESK: dict[str, Any] = {"incidents": (), "threads": (), "deliveries": (), "pauses": ()}
OPEN: dict[str, Any] = {"components": (("checkout", "Checkout"), ("search", "Search"), ("api", "Public API"))}


def entry(made: PromiseView, about: IncidentView = CHECKOUT, **more: Any) -> Entry:
    return Entry(promise=made, incident_id=about.public_id, incident_name=about.name, incident_url=about.url, **more)


_BEFORE = replace(CHECKOUT.promises[2], made_at=at("14:06"))
NOVEMBER = Month(first=at("00:00", days_ago=21), tally=Record(kept=11, missed=1, withdrawn=2, pending=2))
LEDGER = LedgerView(
    months=(
        NOVEMBER,
        Month(first=datetime(2026, 10, 1, tzinfo=UTC), tally=Record(kept=4)),
        Month(first=datetime(2026, 9, 1, tzinfo=UTC), tally=Record(kept=1, missed=1, withdrawn=1)),
    ),
    entries=(
        entry(promise("next_update", "14:36", made_at=at("14:06"))),
        entry(promise("next_update", "14:05", made_at=at("13:35")), LATE),
        entry(replace(_BEFORE, basis="the last 4 rollbacks of Checkout took 3 to 8 minutes")),
        entry(promise("recovery", "14:05", "withdrawn", "14:01", made_at=at("13:58")), replaced_by=at("14:16")),
        entry(promise("next_update", "14:10", "kept", "14:06", made_at=at("13:58"))),
        entry(promise("next_update", "14:05", "missed", "14:05")),
        entry(
            PromiseView(kind="next_update", earliest=None, due=at("00:20", days_ago=8), basis="", standing="kept",
                        settled_at=at("00:15", days_ago=8), made_at=at("23:50", days_ago=9)),
            RECENT[2],
        ),
        entry(
            PromiseView(kind="recovery", earliest=None, due=at("23:40", days_ago=9), basis="", standing="withdrawn",
                        settled_at=at("23:20", days_ago=9), made_at=at("22:50", days_ago=9)),
            RECENT[1],
            retracted=True,
        ),
    ),
    whole=False,
)  # fmt: skip


def past(name: str, days_ago: int, impact: str = "minor", minutes: int | None = 34, **more: Any) -> PastView:
    began = at("10:12", days_ago=days_ago)
    fields: dict[str, Any] = {
        "lang": None,
        "retracted": False,
        "components": ("Checkout",),
        "state": "resolved" if minutes else "identified",
        "state_words": "Resolved" if minutes else "Identified",
        "resolved_at": began + timedelta(minutes=minutes) if minutes else None,
        **more,
    }
    return PastView(url=CHECKOUT.url, name=name, impact=impact, started_at=began, **fields)


NOVEMBER_PAST = (
    past("Checkout: we are going back from 2.8.0 to 2.7.4", 0, "major", None, components=("Checkout", "Refunds")),
    past("Search: slow answers", 3, components=("Search",)),
    past("Invoices: a false alarm", 3, retracted=True, components=("Invoices",)),
)
MONTHS = tuple(
    MonthView(
        first=datetime(2026, month, 1, tzinfo=UTC), path=f"/history/2026-{month:02}", incidents=found, count=count
    )
    for month, found, count in (
        (11, NOVEMBER_PAST, 3),
        (10, (), 0),
        (9, (past("Sign-in: codes arrived late", 71, "critical", 48),), 61),
    )
)
HISTORY = HistoryView(
    path="/history",
    component=None,
    months=MONTHS,
    filters=(
        LinkView(words="", path="/history", current=True),
        *(LinkView(words=name, path=f"/history/{name:x<12}".lower()) for name in ("Checkout", "Search", "Invoices")),
    ),
    all_months=(MONTHS[0], MONTHS[2]),
)


def _public(template: str, page: PageView = PAGE, **context: Any) -> tuple[str, dict[str, Any]]:
    return template, {"page": page, **context}


def _console(template: str, *, notice: str | None = None, **context: Any) -> tuple[str, dict[str, Any]]:
    return f"console/{template}", {
        "page": PAGE,
        "user": "Mira",
        "csrf": "c5rf",
        "notice": notice,
        "pages": (),
        **context,
    }


def _thread(thread: ThreadView, *, notice: str | None = None, confirms: bool = False) -> tuple[str, dict[str, Any]]:
    closed = thread.state == "closed"
    return _public("thread.html", thread=thread, token=TOKEN, closed=closed, notice=notice, confirms=confirms)


GERMAN = Markup(
    "<p>Checkout funktioniert nicht, wie es sollte. Das tut uns leid.</p>"
    "<p><strong>Nächste Nachricht bis 14:36 Uhr UTC, auch wenn sich nichts geändert hat.</strong></p>"
)
QUESTION = ApprovalView(
    public_id="qu3st10nqu3s",
    incident=CHECKOUT.public_id,
    name=CHECKOUT.name,
    moment="incident.identified",
    texts=(
        TextView(
            locale="en",
            language="English",
            subject="Checkout: we are going back from 2.8.0 to 2.7.4",
            body="We sent Checkout requests to a faulty version, and we are sorry.\n\n**What we know.** Up to 25 %.",
            html=IDENTIFIED,
            findings=(),
        ),
        TextView(
            locale="de",
            language="Deutsch",
            subject="Checkout: wir gehen von 2.8.0 auf 2.7.4 zurück",
            body="Checkout funktioniert nicht, wie es sollte. Das tut uns leid.",
            html=GERMAN,
            findings=(),
        ),
    ),
    digest="0123456789abcdef",
    recipients=48204,
    decision="The tool's own analysis failed at up to 25 % exposure. "
    "Somebody with the role publisher is asked before customers read it.",
    reason="Metric success-rate assessed Failed: 0.71 < 0.99",
    links=(("Rollout in Argo", "https://argo.acme.example/rollouts/payments/checkout"),),
    changed=(),
    asked_at=at("14:07"),
    due=at("14:17"),
    approver="mira@acme.example",
    at_deadline="holding",
    held_at=None,
    public=False,
    ended="",
    sent=False,
    may=True,
    wrong=False,
)
UNSOUND = {
    "severity": "error",
    "locale": "en",
    "why": "A share of requests is not a share of customers.",
    "quote": "25 % of customers",
    "rewrite": "25 % of requests",
}
QUESTION_HELD = replace(
    QUESTION,
    texts=(replace(QUESTION.texts[0], findings=(UNSOUND,)),),
    changed=(
        {"name": "peak", "before": "5", "after": "25"},
        {"name": "rollback_finished_at", "before": "", "after": "14:09 UTC"},
    ),
    due=None,
    approver=None,
    held_at=at("14:12"),
    public=True,
    recipients=1,
    wrong=True,
)
QUESTION_ENDED = replace(
    QUESTION_HELD, ended="Mira approved it with words of their own at 14:11 UTC (console).", sent=True, recipients=0
)

_LESSON = (
    "The new version asked for a setting that was not there, and it answered every fourth request with an error.\n\n"
    "## Why it reached you\n\nOur check before a release looks at the settings of the old version only.\n\n"
    "## What we change\n\n- The check reads the settings of both versions.\n- A release begins with 1 % of requests.\n"
)
POSTMORTEM = PostmortemView(state="review", words={"en": _LESSON}, html=to_html(_LESSON), author="Mira", publisher=None)

_MEASURED = [
    Observation(metric, at("09:00", days_ago=days), float(days % 7 > 1), ("checkout",))
    for metric in METRICS
    for days in range(0, 330, 5)
]
TRUST = Report(
    month="2026-11",
    months=months("2026-11")[::-1],
    component="checkout",
    components=(("checkout", "Checkout"), ("search", "Search")),
    lines=lines(_MEASURED, "2026-11"),
)

PAGES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "status": _public("status.html", components=COMPONENTS, incidents=(CHECKOUT, LATE), recent=RECENT),
    "status-calm": _public("status.html", CALM_PAGE, components=CALM_COMPONENTS, incidents=(), recent=()),
    "status-branded": _public("status.html", BRANDED, components=COMPONENTS, incidents=(CHECKOUT, LATE), recent=RECENT),
    "incident-postmortem": _public("incident.html", CALM_PAGE, incident=replace(RESOLVED, postmortem=POSTMORTEM.html)),
    "incident-branded": _public("incident.html", BRANDED, incident=CHECKOUT),
    "status-watching": _public(
        "status.html",
        replace(CALM_PAGE, headline="Everything works again, and we are watching it"),
        components=CALM_COMPONENTS,
        incidents=(replace(CHECKOUT, state="monitoring", state_words="Monitoring"),),
        recent=RECENT[1:],
    ),
    "history": _public("history.html", history=HISTORY),
    "history-month": _public(
        "history.html",
        history=replace(
            HISTORY,
            path="/history/checkoutxxxx/2026-11",
            component="Checkout",
            months=MONTHS[:1],
            all_months=(),
            overview="/history/checkoutxxxx",
        ),
    ),
    "status-planned": _public(
        "status.html",
        replace(CALM_PAGE, indicator="maintenance", headline="We are working on Public API"),
        components=(
            *CALM_COMPONENTS[:-1],
            replace(CALM_COMPONENTS[-1], status="under_maintenance", status_words="Under maintenance"),
        ),
        incidents=(),
        planned=(WORKING, WORK),
        recent=(
            replace(WORK, state="completed", cancelled=True, started_at=at("09:00"), resolved_at=at("09:00")),
            *RECENT[1:],
        ),
    ),
    "incident-planned": _public("incident.html", CALM_PAGE, incident=WORK),
    "incident-working": _public("incident.html", CALM_PAGE, incident=WORKING),
    "incident-overrun": _public("incident.html", CALM_PAGE, incident=OVERRUN),
    "incident-cancelled": _public(
        "incident.html", CALM_PAGE, incident=replace(WORK, state="completed", cancelled=True, resolved_at=at("14:00"))
    ),
    "incident": _public("incident.html", incident=CHECKOUT),
    "incident-late": _public("incident.html", incident=LATE),
    "incident-ongoing": _public("incident.html", incident=ONGOING),
    "incident-resolved": _public("incident.html", replace(PAGE, rendered_at=at("14:41")), incident=RESOLVED),
    "incident-retracted": _public("incident.html", incident=RECENT[1]),
    "promises": _public("promises.html", ledger=LEDGER, path="/promises"),
    "promises-month": _public(
        "promises.html", ledger=replace(LEDGER, months=(NOVEMBER,), whole=True), path="/promises/2026-11"
    ),
    "promises-none": _public(
        "promises.html", CALM_PAGE, ledger=LedgerView(months=(), entries=(), whole=True), path="/promises"
    ),
    "incident-corrected": _public(
        "incident.html",
        incident=replace(RESOLVED, customers=312, exposure=replace(EXPOSURE, peak=20.0, corrected=True)),
    ),
    "incident-no-ledger": _public("incident.html", replace(PAGE, promises="internal"), incident=CHECKOUT),
    "thread-open": _thread(THREAD, notice="We have your message."),
    "thread-mailed": _thread(THREAD, confirms=True),
    "thread-confirmed": _thread(WISHES),
    "thread-answered": _thread(ANSWERED),
    "thread-closed": _thread(CLOSED),
    "answered": _public("answered.html", thread_url=f"{HUB}/threads/{TOKEN}", mailed=False, likely=None),
    "answered-mailed": _public(
        "answered.html",
        thread_url=f"{HUB}/threads/{TOKEN}",
        mailed=True,
        likely=ReplyTime(within=timedelta(minutes=12), count=14),
    ),
    "answered-machine": _public("answered.html", thread_url=None, mailed=False, likely=None),
    "subscribe": _public("subscribe.html", wish=WISH, followed=None, components=NAMES, problem=""),
    "subscribe-follow": _public(
        "subscribe.html",
        wish=replace(WISH, about="k3v9x0q2m7ab"),
        followed=CHECKOUT.name,
        components=NAMES,
        problem="Please choose at least one kind of news.",
    ),
    "subscribe-asked": _public("subscribe_asked.html"),
    "subscribe-confirm": _public("subscribe_confirm.html", wish=WISH, followed=None, token=TOKEN),
    "subscription": _public(
        "subscription.html", wish=WISH, followed=None, components=NAMES, token=TOKEN, problem="", done=True
    ),
    "unsubscribe-mailbox": _public("unsubscribe.html", address_hint="r…@example.com", kind="mailbox", done=False),
    "unsubscribe": _public("unsubscribe.html", address_hint="a…@example.com", kind="thread-mail", done=False),
    "unsubscribed": _public("unsubscribe.html", address_hint="a…@example.com", kind="thread-mail", done=True),
    "affected": _public("affected.html", asked=False),
    "affected-asked": _public("affected.html", asked=True),
    "trust": _public("trust.html", report=TRUST),
    "console-trust": _console("trust.html", report=TRUST),
    "error": _public("error.html", title="There is no such incident", text="The front page lists all."),
    "error-bare": ("error.html", {"title": "We made a mistake", "text": "It is in our log. Please try again."}),
    "console-login": _console(
        "login.html",
        user=None,
        next="/console/",
        error="This address and password do not match.",
        ways=Ways(provider=None, local=True),
    ),
    "console-home": _console("home.html", notice="Customers have been told.", **DESK),
    "console-home-calm": _console("home.html", **EMPTY_DESK),
    "console-incident": _console("incident.html", incident=STAFF_TOLD, told=TOLD, progress=(GOING,)),
    "console-incident-asked": _console("incident.html", incident=STAFF_ASKED, told=(), progress=()),
    "console-incident-late": _console("incident.html", incident=STAFF_LATE, told=(), progress=()),
    "console-incident-not-told": _console("incident.html", incident=STAFF_NOT_TOLD, told=(), progress=()),
    "console-incident-closed": _console(
        "incident.html",
        incident=replace(STAFF_TOLD, incident=RECENT[1], open=False, settled="false_alarm"),
        told=(),
        progress=(GONE,),
    ),
    "console-incident-postmortem": _console(
        "incident.html",
        languages=[("de", "Deutsch")],
        incident=replace(STAFF_TOLD, incident=RESOLVED, open=False, postmortem=POSTMORTEM),
        told=(),
        progress=(),
    ),
    "console-approval": _console("approval.html", approval=QUESTION),
    "console-approval-held": _console("approval.html", approval=QUESTION_HELD),
    "console-approval-look": _console("approval.html", approval=replace(QUESTION, may=False, at_deadline="hold")),
    "console-approval-ended": _console("approval.html", approval=QUESTION_ENDED),
    "console-home-asked": _console("home.html", approvals=(("qu3st10nqu3s", CHECKOUT.name, at("14:17")),), **DESK),
    "console-incident-approval": _console(
        "incident.html", incident=replace(STAFF_NOT_TOLD, approval="qu3st10nqu3s"), told=(), progress=()
    ),
    "console-many": _console("many.html", outlook=OUTLOOK, public_id=CHECKOUT.public_id, looked="0a1b2c"),
    "console-threads": _console("threads.html", **QUEUE, following="after=4_x_1", first=None),
    "console-threads-none": _console(
        "threads.html", **{**QUEUE, "lines": (), "filter": {"words": "card"}}, following="", first="words=card"
    ),
    "console-thread": _console(
        "thread.html", thread=ANSWERED, work=SHARED, allowed={"console.reply", "console.note", "console.here"}
    ),
    "console-thread-real": _console("thread.html", thread=WISHES, work=SHARED),
    "console-plan": _console("maintenance.html", languages=[("de", "Deutsch")], components=OPEN["components"]),
    "console-incident-planned": _console(
        "incident.html",
        languages=[("de", "Deutsch")],
        incident=replace(STAFF_LATE, incident=WORK, decision="Mira planned it.", rollout="Planned work", ask=None),
        told=(),
        progress=(),
    ),
    "console-incident-working": _console(
        "incident.html",
        incident=replace(STAFF_LATE, incident=WORKING, decision="Mira planned it.", rollout="Planned work", ask=None),
        told=(),
        progress=(),
    ),
    "console-open": _console("open.html", **OPEN),
    "console-connections": _console("connections.html", overview=CONNECTIONS),
    "console-connections-calm": _console(
        "connections.html", overview=Overview(connections=(), strangers=(), events=())
    ),
    "console-promises": _console("promises.html", ledger=LEDGER),
    "console-deliveries": _console("deliveries.html", notice="slack is on hold.", **LIST),
    "console-deliveries-calm": _console("deliveries.html", **EMPTY_LIST),
    "console-delivery": _console(
        "delivery.html", delivery=BATCH, letter=LETTER, people=PEOPLE, address="", fate="bounced", held=()
    ),
    "console-delivery-failed": _console(
        "delivery.html", delivery=TROUBLED[0], letter=LETTER, people=NOBODY, address="", fate="", held=PAUSES[:1]
    ),
    "console-requeue": _console(
        "requeue.html", view=ListView(deliveries=TROUBLED[:1], older=None, newer=None, dead=12), query="state=failed"
    ),
    "console-problem": _console("problem.html", title="Deliveries", problem="There is no state 'x'."),
    "console-rollouts": _console("rollouts.html", rollouts=ROLLOUTS),
    "console-rollout": _console(
        "rollouts.html",
        rollouts=ROLLOUTS,
        marked=ROLLOUTS[1].public_id,
        allowed=frozenset({"console.keep"}),
        detail=RolloutDetail(
            line="search: an earlier version to 2.8.0, progressing, heard from flagger",
            ask=STAFF_TOLD.ask,
            audit=("14:01 UTC, Mira: broke the glass: payments fail",),
            heard=(
                Heard(at("14:00"), 1.0, Tallied(complaints=1, blocking=1, requests=1)),
                Heard(at("14:02"), 5.0, Tallied(complaints=4, painful=3, minor=1, requests=3)),
            ),
            proposed=(4, 5),
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
