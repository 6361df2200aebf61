"""`/trusthub` in Slack: how things stand, an update, a question that waits, a thread, a promise."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trusthub.channels.slack import Slack
from trusthub.channels.slack_blocks import escape, section
from trusthub.domain.role import Role
from trusthub.services import approval_views, desk
from trusthub.services.acts import StaffError
from trusthub.services.desk_views import StaffIncidentView
from trusthub.services.hub import Hub
from trusthub.web import fields, slack_modals
from trusthub.web.slack_people import Presser

HELP = (
    "`/trusthub status` says how things stand.\n"
    "`/trusthub update INCIDENT` opens a form for an update.\n"
    "`/trusthub promise INCIDENT 14:30` opens it with a time (UTC) by which it works again.\n"
    "`/trusthub approve` shows what waits for a publisher.\n"
    "`/trusthub thread ID` shows a customer's conversation.\n"
    "INCIDENT may be left out while there is one only."
)
_LAST = 3
"""Messages of a thread that are shown."""
_SHOWN = 600
"""Characters of each."""
_WORDS = 2900


@dataclass(frozen=True, slots=True)
class Typed:
    """A command, by whom, and by what a modal can be opened for them."""

    words: tuple[str, ...]
    presser: Presser
    trigger: str


Said = dict[str, Any] | None
"""What who typed reads; None when a modal opened instead."""


class Commands:
    """The words after /trusthub."""

    def __init__(self, hub: Hub, chat: Slack | None) -> None:
        self._hub, self._chat = hub, chat
        self._known: Mapping[str, tuple[Role, Callable[[Typed], Said]]] = {
            "status": (Role.VIEWER, self._status),
            "update": (Role.PUBLISHER, self._update),
            "approve": (Role.PUBLISHER, self._approve),
            "thread": (Role.VIEWER, self._thread),
            "promise": (Role.PUBLISHER, self._promise),
        }

    def do(self, typed: Typed) -> Said:
        """Do what was typed. Raises StaffError that says why it cannot be."""
        name = typed.words[0].lower() if typed.words else "help"
        if name == "help":
            return say(HELP)
        if name not in self._known:
            near = difflib.get_close_matches(name, [*self._known, "help"], n=1, cutoff=0.4)
            meant = f" Did you mean `/trusthub {near[0]}`?" if near else ""
            return say(f"There is no command `{escape(name)}`.{meant}\n{HELP}")
        role, do = self._known[name]
        typed.presser.needs(role)
        return do(typed)

    def _status(self, _: Typed) -> Said:
        with self._hub.database.reading() as session:
            now = desk.desk(session, self._hub, self._hub.clock())
        lines = [self._line(each) for each in now.incidents] or ["No incident is open."]
        count = len(now.threads)
        waits = f"{count} customer{'s wait' if count > 1 else ' waits'} for our answer." if count else ""
        return say("\n".join([*lines, waits or "No customer waits for our answer."]))

    def _line(self, each: StaffIncidentView) -> str:
        incident, told = each.incident, "customers know" if each.public else "customers have not been told"
        url = self._hub.console_url("incidents", incident.public_id)
        return f"`{incident.public_id}` <{url}|{escape(incident.name)}>: {incident.state}, {told}"

    def _update(self, typed: Typed) -> Said:
        return self._form(typed, self._incident(typed.words[1:2]))

    def _promise(self, typed: Typed) -> Said:
        *named, at = typed.words[1:] or [""]
        if fields.at_clock(at, self._hub.clock()) is None:
            raise StaffError("By when does it work again? Write `/trusthub promise INCIDENT 14:30` (UTC).")
        return self._form(typed, self._incident(tuple(named)), at)

    def _form(self, typed: Typed, found: StaffIncidentView, recovery: str = "") -> Said:
        if not found.public:
            raise StaffError("Customers have not been told of this incident yet. Tell them first.")
        if self._chat is None:
            raise StaffError("Slack is not set up: TRUSTHUB_SLACK_BOT_TOKEN is missing.")
        self._chat.open(typed.trigger, slack_modals.update(found.incident, self._hub.page.locales, recovery))
        return None

    def _incident(self, named: tuple[str, ...]) -> StaffIncidentView:
        """Return the open incident that was named, or the only one."""
        with self._hub.database.reading() as session:
            known = {
                each.incident.public_id: each for each in desk.desk(session, self._hub, self._hub.clock()).incidents
            }
        if not known:
            raise StaffError("No incident is open.")
        if not named:
            if len(known) > 1:
                raise StaffError(f"Which incident? Open are {', '.join(known)}.")
            return next(iter(known.values()))
        found = [public_id for public_id in known if public_id.startswith(named[0].lower())]
        if len(found) != 1:
            near = difflib.get_close_matches(named[0].lower(), known, n=1, cutoff=0.4) or [*known][:1]
            raise StaffError(f"There is no open incident {named[0]}. Did you mean {near[0]}?")
        return known[found[0]]

    def _approve(self, typed: Typed) -> Said:
        """Show the question that waits longest with its words: what is pressed below them is about exactly these."""
        with self._hub.database.reading() as session:
            waiting = approval_views.waiting(session)
            shown = approval_views.find(session, self._hub, waiting[0][0], typed.presser.email) if waiting else None
        if shown is None:
            return say("Nothing waits for a publisher.")
        url = self._hub.console_url("approvals", shown.public_id)
        more = f" {len(waiting) - 1} more wait." if len(waiting) > 1 else ""
        head = f"*May customers read this?* <{url}|{escape(shown.name)}>. {shown.recipients:,} recipients.{more}"
        words = "\n\n".join(f"{text.subject}\n{text.body}" for text in shown.texts)
        if len(words) > _WORDS or shown.wrong or not shown.may:
            why = "Decide it in the console: it is too long for Slack, needs a reason, or is not yours to decide."
            return say(f"{head}\n{why}")
        press = {
            "type": "button",
            "text": {"type": "plain_text", "text": "Approve"},
            "action_id": "approval-approve",
            "value": f"{shown.public_id}.{shown.digest}",
        }
        blocks = [section(head), section(escape(words)), {"type": "actions", "elements": [press]}]
        return say(f"{head}\n{escape(words)}") | {"blocks": blocks}

    def _thread(self, typed: Typed) -> Said:
        if len(typed.words) < 2:  # noqa: PLR2004 -- the word, and the id
            raise StaffError("Which thread? Write `/trusthub thread ID`; the id is in the address of its page.")
        with self._hub.database.reading() as session:
            found = desk.find_thread(session, self._hub, typed.words[1].lower())
        if found is None:
            raise StaffError("There is no such thread. Its id is in the address of its page in the console.")
        url = self._hub.console_url("threads", found.public_id)
        state = {"open": "waits for us", "answered": "waits for the customer"}.get(found.state, found.state)
        lines = [f"<{url}|{escape(found.customer)}> about {escape(found.incident_name)}: {state}."]
        for each in found.messages[-_LAST:]:
            text = each.text if len(each.text) <= _SHOWN else f"{each.text[:_SHOWN]}…"
            lines.append(
                f"*{escape(each.author)}*, {each.at:%H:%M} UTC{' (not the customer)' if each.stranger else ''}"
            )
            lines.append(f"&gt; {escape(text)}")
        return say("\n".join(lines))


def say(text: str) -> dict[str, Any]:
    """Return an answer that only who typed or pressed sees."""
    return {"response_type": "ephemeral", "text": text}
