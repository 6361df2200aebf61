"""SendGrid's Event Webhook over HTTP: who is let in, and what is made of what is said."""

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col
from werkzeug.test import TestResponse

from tests.e2e.house import START, House, house
from tests.e2e.test_publicity import canary, rolled_back
from tests.services.test_mailing import fates, join
from tests.sources.test_signatures import VECTORS, vector
from trusthub.channels.sendgrid_events import Verifier
from trusthub.domain.recipient import Fate, before
from trusthub.errors import PlaybookError
from trusthub.store.tables import Recipient, Suppression

PRIVATE = generate_private_key(SECP256R1())
PUBLIC = base64.b64encode(
    PRIVATE.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()  # as SendGrid shows it


def signed(body: bytes, at: datetime) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    signature = base64.b64encode(PRIVATE.sign(stamp.encode() + body, ECDSA(SHA256()))).decode()
    name = "X-Twilio-Email-Event-Webhook"
    return {f"{name}-Signature": signature, f"{name}-Timestamp": stamp, "Content-Type": "application/json"}


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[House]:
    with house(database_url, tmp_path, sendgrid_event_key=PUBLIC) as made:
        yield made


def post(hub: House, *events: dict[str, Any]) -> TestResponse:
    body = json.dumps(events).encode() + b"\r\n"
    return hub.web.post("/email/events", data=body, headers=signed(body, hub.clock()))


def event(hub: House, address: str, kind: str, **more: Any) -> dict[str, Any]:
    """Return an event as SendGrid sends it about the newest mail to an address: our own ids stand beside its fields."""
    people = [person for body in hub.sendgrid.messages for person in body["personalizations"]]
    mine = next(person for person in reversed(people) if person["to"][0]["email"] == address)
    at = int(hub.clock().timestamp())
    return {"email": address, "timestamp": at, "event": kind, "sg_event_id": "ZHJ", "category": "x"} | {
        **mine["custom_args"],
        "sg_message_id": "sendgrid-0001.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
        **more,
    }


def reasons(hub: House) -> list[tuple[str, str]]:
    with hub.parts.hub.database.reading() as session:
        rows = session.execute(sa.select(col(Suppression.address), col(Suppression.reason))).all()
    return [(str(address), str(reason)) for address, reason in rows]


def test_each_recipients_fate_is_recorded_and_lasting_trouble_ends_the_mail(hub: House) -> None:
    names = ["ana", "ben", "cem", "dua", "eva", "fay", "gil"]
    join(hub, *(f"{name}@a.example" for name in names))
    canary(hub)
    rolled_back(hub)
    said: list[tuple[str, str, dict[str, Any]]] = [
        ("ana", "delivered", {"response": "250 OK"}),
        ("ben", "deferred", {"response": "400 try again later", "attempt": "5"}),
        ("cem", "bounce", {"reason": "550 <cem@a.example> unknown", "status": "5.1.1", "type": "bounce"}),
        ("dua", "bounce", {"reason": "too much mail", "status": "4.7.1", "type": "blocked"}),
        ("eva", "dropped", {"reason": "Bounced Address", "status": "5.0.0"}),
        ("fay", "spamreport", {}),
        ("gil", "group_unsubscribe", {"asm_group_id": 10}),
    ]
    answer = post(hub, *(event(hub, f"{name}@a.example", kind, **more) for name, kind, more in said))
    assert (answer.status_code, answer.json) == (200, {"ok": True, "recorded": 7})
    assert fates(hub) == {
        "ana@a.example": Fate.DELIVERED,
        "ben@a.example": Fate.DEFERRED,
        "cem@a.example": Fate.BOUNCED,
        "dua@a.example": Fate.BOUNCED,
        "eva@a.example": Fate.DROPPED,
        "fay@a.example": Fate.SPAM,
        "gil@a.example": Fate.UNSUBSCRIBED,
    }
    assert sorted(reasons(hub)) == [
        ("cem@a.example", "The mailbox does not take mail."),
        ("fay@a.example", "Its reader called our mail spam."),
        ("gil@a.example", "asked by its reader"),
    ]
    with hub.parts.hub.database.reading() as session:
        why = sa.select(col(Recipient.reason)).where(col(Recipient.address) == "cem@a.example")
        assert session.execute(why).scalar() == "550 <the address> unknown"


def test_a_mail_to_one_mailbox_has_a_fate_too(hub: House) -> None:
    canary(hub)
    post(hub, event(hub, "releases@acme.example", "bounce", type="bounce"))
    assert reasons(hub) == [("releases@acme.example", "The mailbox does not take mail.")]
    hub.heard()
    assert not any(line.startswith("MAIL") for line in rolled_back(hub).splitlines())


def test_what_comes_late_or_twice_moves_nothing_back(hub: House) -> None:
    join(hub, "ana@a.example")
    canary(hub)
    rolled_back(hub)
    for kind in ("delivered", "processed", "deferred", "delivered", "spamreport", "delivered", "bounce"):
        post(hub, event(hub, "ana@a.example", kind))
        post(hub, event(hub, "ana@a.example", kind), event(hub, "ana@a.example", "processed"))
    assert fates(hub) == {"ana@a.example": Fate.SPAM}
    assert len(reasons(hub)) == 1


@given(st.permutations([fate for fate in Fate if before(fate)]))
def test_in_any_order_the_furthest_fate_stays(order: list[Fate]) -> None:
    now = Fate.PENDING
    for fate in order:
        now = fate if now in before(fate) else now
    assert now is Fate.SPAM


def test_what_is_not_ours_or_not_understood_is_passed_over(hub: House) -> None:
    join(hub, "ana@a.example")
    canary(hub)
    rolled_back(hub)
    good = event(hub, "ana@a.example", "delivered")
    odd: list[Any] = [
        {**good, "hub": "0000"},
        {**good, "recipient": "x"},
        {**good, "recipient": str(2**64)},
        {**good, "recipient": None},
        {**good, "timestamp": "soon"},
        {**good, "timestamp": 1591726752372},
        {**good, "event": "open"},
        {"event": "delivered"},
        "x",
        None,
    ]
    answer = post(hub, *odd)
    assert (answer.status_code, answer.json) == (200, {"ok": True, "recorded": 0})
    assert fates(hub) == {"ana@a.example": Fate.ACCEPTED}


@pytest.mark.parametrize(("body", "words"), [(b"x", "not JSON"), (b"{}", "array of events")])
def test_a_signed_body_that_cannot_be_read_is_told(hub: House, body: bytes, words: str) -> None:
    answer = hub.web.post("/email/events", data=body, headers=signed(body, hub.clock()))
    assert (answer.status_code, words in answer.text) == (400, True)


def test_only_sendgrid_is_let_in_and_only_over_the_bytes_it_signed(hub: House) -> None:
    body = b'[{"event": "delivered"}]\r\n'
    good = signed(body, hub.clock())

    def status(body: bytes = body, changed: Mapping[str, str] = good) -> int:
        return hub.web.post("/email/events", data=body, headers={**good, **changed}).status_code

    assert status() == 200
    assert status(body.rstrip()) == 401
    assert status(body.replace(b"delivered", b"deliverep")) == 401
    stamp = "X-Twilio-Email-Event-Webhook-Timestamp"
    for wrong in ("", "x", "1", str(int(good[stamp]) + 1), "9" * 30):
        assert status(changed={stamp: wrong}) == 401
    for wrong in ("", "x", "AAAA", "ä"):
        assert status(changed={"X-Twilio-Email-Event-Webhook-Signature": wrong}) == 401
    assert hub.web.post("/email/events", data=body).status_code == 401
    for age, expected in [(timedelta(hours=24), 200), (timedelta(hours=26), 401), (timedelta(minutes=-6), 401)]:
        old = signed(body, hub.clock() - age)
        assert hub.web.post("/email/events", data=body, headers=old).status_code == expected


def test_without_a_key_nobody_is_let_in(tmp_path: Path) -> None:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path) as closed:
        answer = closed.web.post("/email/events", data=b"[]", headers=signed(b"[]", START))
    assert (answer.status_code, "TRUSTHUB_SENDGRID_EVENT_KEY" in answer.text) == (401, True)


@pytest.mark.parametrize("key", ["x", "AAAA", PUBLIC[:-8]])
def test_a_wrong_key_is_told_at_start(key: str) -> None:
    with pytest.raises(PlaybookError, match="TRUSTHUB_SENDGRID_EVENT_KEY"):
        Verifier(key)


@VECTORS
def test_sendgrids_own_example_is_genuine() -> None:
    found = vector("sendgrid/event-webhook/signature-test-vector.json")
    headers = {key: str(value) for key, value in dict(found["headers"]).items()}  # type: ignore[call-overload]
    body, verifier = str(found["raw_body"]).encode(), Verifier(str(found["public_key_base64_der"]))
    at = datetime.fromtimestamp(int(headers["X-Twilio-Email-Event-Webhook-Timestamp"]), START.tzinfo)
    assert verifier.genuine(body, headers, at)
    assert not verifier.genuine(body.rstrip(), headers, at)
    assert not verifier.genuine(body, headers, at + timedelta(days=2))
