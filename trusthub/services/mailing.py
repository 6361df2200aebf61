"""The channel for mail as the worker sees it: it knows who a mail goes to, and writes down what becomes of each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import cast

from trusthub.channels import mail
from trusthub.channels.base import PERSONAL, REPLY, Channel, Envelope, Mailer, Outbound, Receipt
from trusthub.channels.reconcile import CannotTell, Doubt, Finding, Found, Later
from trusthub.channels.sandbox import Sandbox
from trusthub.domain.recipient import Became, Fate
from trusthub.errors import DeliveryError
from trusthub.services import recipients, subscribe
from trusthub.services.hub import Hub
from trusthub.services.recipients import Waiting

_EVENTS = timedelta(seconds=30)
"""How often SendGrid posts what happened to mails."""


def over(hub: Hub, channels: Mapping[str, Channel], *, listens: bool) -> Mapping[str, Channel]:
    """Return the channels with the one for mail behind its recipients."""
    return {**channels, "email": Mailing(hub, cast("Mailer", channels["email"]), listens=listens)}


class Mailing:
    """Sends a mail to those of its recipients who have not got it yet."""

    def __init__(self, hub: Hub, channel: Mailer, *, listens: bool = False) -> None:
        """`listens` says that the provider tells us by itself what becomes of a mail."""
        self._hub, self._channel, self._listens = hub, channel, listens

    def send(self, outbound: Outbound) -> Receipt:
        """Send once to each who waits; record who got it, whom the provider refuses, and who must be left out."""
        delivery, many = int(outbound.arguments["delivery"]), PERSONAL in (outbound.unsubscribe_url or "")
        with self._hub.database.reading() as session:
            waiting = recipients.waiting(session, delivery)
            if not (many or waiting or recipients.known(session, delivery)):
                return self._channel.send(outbound)
        ledger = _Ledger(self._hub, delivery, Fate.KEPT if isinstance(self._channel, Sandbox) else Fate.ACCEPTED)
        envelopes = self._envelopes(waiting, ledger, answered=REPLY in (outbound.reply_to or ""))
        try:
            if not many:
                receipt = self._alone(outbound, envelopes, ledger)
            else:
                receipt = self._channel.send_many(outbound, envelopes, ledger) if envelopes else Receipt()
        except Exception:
            ledger.catch_up()
            raise
        if many and ledger.whys and len(ledger.whys) == len(waiting):
            raise DeliveryError(f"No recipient was accepted. {ledger.whys[0]}", permanent=True)
        return replace(receipt, note=" ".join(filter(None, (receipt.note, ledger.note))), became=ledger.became)

    def find(self, outbound: Outbound, doubt: Doubt) -> Finding:
        """Say whether the provider's events show that it took a mail whose attempt got no clear answer.

        SendGrid takes a request whole or not at all, so one event is word of all who were in it. Where events do not
        reach us there is nothing to wait for.
        """
        if not self._listens:
            return CannotTell("No event webhook says whether the provider took it.")
        delivery = int(outbound.arguments["delivery"])
        with self._hub.database.transaction() as session:
            if not recipients.heard(session, delivery):
                return Later(doubt.now + _EVENTS, "The provider's events have not said yet whether it took the mail.")
            if others := recipients.waiting(session, delivery):
                recipients.settle(session, delivery, Became(others[0][0], others[-1][0], Fate.ACCEPTED, doubt.now))
            return Found(Receipt())

    def _alone(self, outbound: Outbound, envelopes: Sequence[Envelope], ledger: "_Ledger") -> Receipt:
        if ledger.whys:
            raise DeliveryError(ledger.whys[0], permanent=True)
        if not envelopes:
            return Receipt()
        (envelope,) = envelopes
        named = {**outbound.arguments, "recipient": str(envelope.id)}
        reply_to = outbound.reply_to and outbound.reply_to.replace(REPLY, envelope.reply)
        receipt = self._channel.send(replace(outbound, arguments=named, reply_to=reply_to))
        ledger.taken([envelope], receipt.ref)
        return receipt

    def _envelopes(self, waiting: Sequence[Waiting], ledger: "_Ledger", *, answered: bool) -> list[Envelope]:
        """Return those to whom the mail may go, and record whom it may not go to."""
        ledger.leave_out([each for each in waiting if each[-1]])
        found, token = [], self._hub.tokens.maker(subscribe.SUBSCRIBER)
        reply = self._hub.tokens.maker(subscribe.ANSWER)
        for each in waiting:
            number, address, subscriber, version, left_out = each
            if left_out:
                continue
            try:
                address = mail.recipient(address)
            except DeliveryError as error:
                ledger.refused([each], str(error))
            else:
                personal = token(subscriber, version or 1) if subscriber else ""
                found.append(Envelope(number, address, personal, reply(str(number), 1) if answered else ""))
        return found


class _Ledger:
    """Writes the fates of one delivery's recipients, each in a transaction of its own.

    Those who got the mail last are left for whoever settles the delivery: a commit takes longer than all else here.
    """

    def __init__(self, hub: Hub, delivery: int, took: Fate) -> None:
        self._hub, self._delivery, self._took = hub, delivery, took
        self._left_out = 0
        self.became: Became | None = None
        """What is not written yet: who has the mail."""
        self.whys: list[str] = []
        """Why recipients were refused, one for each."""

    @property
    def note(self) -> str:
        """What a person should know."""
        refused = f"{len(self.whys):,} refused: {self.whys[0]}" if self.whys else ""
        return " ".join(filter(None, (f"{self._left_out:,} left out." if self._left_out else "", refused)))

    def taken(self, envelopes: Sequence[Envelope], ref: str | None) -> None:
        self.catch_up()
        self.became = Became(envelopes[0].id, envelopes[-1].id, self._took, self._hub.clock(), ref)

    def refused(self, envelopes: Sequence[Envelope] | Sequence[Waiting], why: str) -> None:
        self.whys += [why] * len(envelopes)
        self._write([self._became(each[0], Fate.REFUSED, why) for each in envelopes])

    def leave_out(self, waiting: Sequence[Waiting]) -> None:
        self._left_out = len(waiting)
        self._write([self._became(each[0], Fate.LEFT_OUT, each[-1] or "") for each in waiting])

    def catch_up(self) -> None:
        """Write what is not written yet."""
        self._write([self.became] if self.became else [])
        self.became = None

    def _became(self, recipient: int, fate: Fate, why: str) -> Became:
        return Became(recipient, recipient, fate, self._hub.clock(), reason=why)

    def _write(self, news: Sequence[Became]) -> None:
        if news:
            with self._hub.database.transaction(quiet=True) as session:
                for each in news:
                    recipients.settle(session, self._delivery, each)
