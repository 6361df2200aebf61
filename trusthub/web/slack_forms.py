"""Message shortcuts and modals of Slack: who may, what opens, and what is done with what was filled in."""

import json
from collections.abc import Mapping
from typing import Any

from trusthub.channels.slack import Slack
from trusthub.domain import slack_words
from trusthub.domain.incident import State
from trusthub.domain.role import Role
from trusthub.errors import WordingError
from trusthub.services import record, slack_talk, staff
from trusthub.services.acts import StaffError
from trusthub.services.feedback import is_address
from trusthub.services.hub import Hub
from trusthub.services.record import Recorded
from trusthub.services.slack_talk import why
from trusthub.web import fields, slack_modals
from trusthub.web.slack_people import Presser

SEND, RECORD = "send_to_customer", "record_feedback"
"""Callback ids of the message shortcuts."""


class Forms:
    """What opens, and what is done when it comes back."""

    def __init__(self, hub: Hub, chat: Slack | None) -> None:
        self._hub, self._chat = hub, chat

    def shortcut(self, payload: Mapping[str, Any], who: Presser) -> dict[str, Any] | None:
        """Act on a message shortcut; return what to say. Raises StaffError, WordingError or DeliveryError."""
        channel, message = str((payload.get("channel") or {}).get("id") or ""), payload.get("message") or {}
        if payload.get("callback_id") == SEND:
            try:
                slack_talk.send(self._hub, channel, message, who.member, self._hub.clock())
            except WordingError as error:
                raise StaffError(why(error)) from error
            return {"text": "Sent to the customer."}
        if payload.get("callback_id") == RECORD and self._chat is not None:
            who.needs(Role.SUPPORT)
            domain = str((payload.get("team") or {}).get("domain") or "app")
            ts = str(message.get("ts") or "")
            url = f"https://{domain}.slack.com/archives/{channel}/p{ts.replace('.', '')}"
            words = slack_words.readable(str(message.get("text") or ""))
            view = slack_modals.feedback(record.subjects(self._hub), words, json.dumps({"url": url}))
            self._chat.open(str(payload.get("trigger_id")), view)
        return None

    def submitted(self, view: Mapping[str, Any], who: Presser) -> dict[str, Any]:
        """Do what a form says. What is wrong with it is said below the input that it is about."""
        given, metadata = slack_modals.values(view), str(view.get("private_metadata") or "")
        try:
            if view.get("callback_id") == slack_modals.UPDATE:
                return self._update(metadata, given, who)
            if view.get("callback_id") == slack_modals.FEEDBACK:
                return self._feedback(metadata, given, who)
        except (StaffError, WordingError) as error:
            return _wrong("words", why(error).replace("sent to the customer", "published"))
        return {}

    def _update(self, public_id: str, given: Mapping[str, str], who: Presser) -> dict[str, Any]:
        who.needs(Role.PUBLISHER)
        act, locales = who.act(self._hub), self._hub.page.locales
        if given.get("state") not in set(slack_modals.STATES):
            return _wrong("state", "Choose a state.")
        try:
            recovery = fields.at_clock(given.get("recovery", ""), act.now)
        except StaffError as error:
            return _wrong("recovery", str(error))
        if not given.get("words"):
            return _wrong("words", "Please write what customers should read.")
        others = {code: given.get(slack_modals.words_of(code, locales), "") for code in locales[1:]}
        staff.update(
            self._hub,
            public_id,
            act,
            note=given["words"],
            state=State(given["state"]),
            recovery=recovery,
            others=others,
        )
        return {}

    def _feedback(self, metadata: str, given: Mapping[str, str], who: Presser) -> dict[str, Any]:
        who.needs(Role.SUPPORT)
        email = given.get("email", "")
        if email and not is_address(email):
            return _wrong("email", "This is no email address. Correct it, or leave it empty.")
        if not given.get("words"):
            return _wrong("words", "Please write what the customer said.")
        said = Recorded(
            about=given.get("about", ""),
            words=given["words"],
            name=given.get("name") or None,
            email=email or None,
            url=str(json.loads(metadata).get("url", "")),
        )
        record.record(self._hub, said, who.act(self._hub))
        return {}


def _wrong(name: str, text: str) -> dict[str, Any]:
    return {"response_action": "errors", "errors": {name: text}}
