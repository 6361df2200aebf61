"""The console's pages about messages on their way: find them, see one from inside, send once more, hold and let go."""

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Blueprint, Response, flash, make_response, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from trusthub.channels import CHANNELS
from trusthub.domain.recipient import Fate
from trusthub.services import deliveries, fanout, letter, outgoing
from trusthub.services.deliveries import StaffError, Which
from trusthub.store.tables import Delivery
from trusthub.store.which import Standing
from trusthub.web import delivery_filter
from trusthub.web.delivery_filter import Filter

if TYPE_CHECKING:  # the console hands itself over
    from trusthub.web.console import Console

Answer = Response | BaseResponse

_FRAMED = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'"
"""What a mail may do that is shown in a frame: have its styles, and nothing else. Its links lead nowhere."""
_LARGEST = f"<int(max={2**63 - 1}):number>"


class Deliveries:
    """The routes, with the console that they are part of."""

    def __init__(self, console: "Console") -> None:
        self._console, self._hub = console, console.hub

    def list(self) -> Answer:
        """Show deliveries, newest first."""
        try:
            chosen = self._filter()
        except StaffError as error:
            return self._console.render("problem.html", 400, title="Deliveries", problem=str(error))
        with self._hub.database.reading() as session:
            page = outgoing.page(session, self._hub, chosen.which, before=chosen.before, after=chosen.after)
            progress = fanout.under_way(session, self._console.counts, self._hub.clock())
            pauses = deliveries.pauses(session)
        return self._console.render(
            "deliveries.html",
            live=True,
            view=page,
            progress=progress,
            pauses=pauses,
            filter=chosen.values,
            query=chosen.query(),
            older=chosen.query(before=page.older) if page.older else None,
            newer=chosen.query(after=page.newer) if page.newer else None,
            standings=[each.value for each in Standing],
            channels=sorted(CHANNELS),
            moments=outgoing.MOMENTS,
        )

    def progress(self) -> Answer:
        """Return the part of a page that says how far updates have got; a script asks for it again and again."""
        incident = request.args.get("incident", "")
        now, counts = self._hub.clock(), self._console.counts
        with self._hub.database.reading() as session:
            if incident:
                found = fanout.of_incident(session, counts, incident, now)
            else:
                found = fanout.under_way(session, counts, now)
        html = self._hub.configuration.templates.page("pages/console/progress.html", progress=found, now=now)
        return make_response(html, 200, {"Cache-Control": "no-store"})

    def one(self, number: int) -> Answer:
        """Show one delivery: what it says, every try, and what became of its recipients."""
        fate, address = request.args.get("fate", ""), request.args.get("address", "").replace("\0", "").strip()
        try:
            chosen, after = Fate(fate) if fate else None, int(request.args.get("after", "0")[:18])
        except ValueError:
            return self._console.missing()
        with self._hub.database.reading() as session:
            view = outgoing.find(session, self._hub, number)
            if view is None:
                return self._console.missing()
            words = letter.letter(self._hub, session.get_one(Delivery, number))
            people = letter.recipients(session, number, address=address, fate=chosen, after=after)
            held = [pause for pause in deliveries.pauses(session) if pause.where in {view.lane, view.channel}]
        return self._console.render(
            "delivery.html",
            live=True,
            delivery=view,
            letter=words,
            people=people,
            address=address,
            fate=fate,
            held=held,
        )

    def html(self, number: int) -> Answer:
        """Return a mail's HTML for a frame in which it can do nothing."""
        with self._hub.database.reading() as session:
            row = session.get(Delivery, number)
        if row is None:
            return self._console.missing()
        headers = {"Content-Security-Policy": _FRAMED, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return make_response(letter.letter(self._hub, row).html, 200, headers)

    def requeue(self, number: int) -> Answer:
        """Send one once more."""
        return self._console.attempt(
            lambda: self._send(Which(ids=[number]), None), url_for("console.delivery", number=number)
        )

    def confirm(self) -> Answer:
        """Show what would be sent once more, and how many, before it is."""
        try:
            chosen = self._filter()
        except StaffError as error:
            return self._console.render("problem.html", 400, title="Send once more", problem=str(error))
        with self._hub.database.reading() as session:
            page = outgoing.dead(session, self._hub, chosen.which)
        return self._console.render("requeue.html", view=page, query=chosen.query())

    def requeue_all(self) -> Answer:
        """Send all that the filter shows once more, if they are still as many as were confirmed."""
        count = request.form.get("count", "")

        def send() -> None:
            if not count.isdigit():
                raise StaffError("Confirm how many messages are to be sent.")
            self._send(self._filter().which, int(count))

        return self._console.attempt(
            send, f"{url_for('console.deliveries')}?{urlencode(delivery_filter.given(request.args))}"
        )

    def hold(self) -> Answer:
        """Pause a lane or a channel."""
        where, why = request.form.get("where", "").strip(), request.form.get("why", "").strip()

        def pause() -> None:
            if not why:
                raise StaffError("Please write why it is held.")
            deliveries.pause(self._hub, where, self._console.act_now(), why)
            flash(f"{where} is on hold. What comes meanwhile waits.")

        return self._console.attempt(pause, url_for("console.deliveries"))

    def let_go(self) -> Answer:
        """Let a lane or a channel go on."""
        where = request.form.get("where", "").strip()

        def resume() -> None:
            deliveries.resume(self._hub, where, self._console.act_now())
            flash(f"{where} goes on.")

        return self._console.attempt(resume, url_for("console.deliveries"))

    def _filter(self) -> Filter:
        return delivery_filter.read(self._hub, request.args)

    def _send(self, which: Which, expected: int | None) -> None:
        sent = deliveries.requeue(self._hub, which, self._console.act_now(), expected=expected)
        flash(f"{len(sent):,} will be sent once more, and say{'s' if len(sent) == 1 else ''} that it is late.")


def add(blueprint: Blueprint, console: "Console") -> None:
    """Add these routes to the console's, behind its guard and its CSRF check."""
    routes, root = Deliveries(console), "/deliveries"
    rule = blueprint.add_url_rule
    rule(root, "deliveries", routes.list)
    rule(f"{root}/progress", "progress", routes.progress)
    rule(f"{root}/requeue", "requeue_confirm", routes.confirm)
    rule(f"{root}/requeue", "requeue_all", routes.requeue_all, methods=["POST"])
    rule(f"{root}/pause", "pause", routes.hold, methods=["POST"])
    rule(f"{root}/resume", "resume", routes.let_go, methods=["POST"])
    rule(f"{root}/{_LARGEST}", "delivery", routes.one)
    rule(f"{root}/{_LARGEST}/html", "delivery_html", routes.html)
    rule(f"{root}/{_LARGEST}/requeue", "requeue", routes.requeue, methods=["POST"])
