"""What is kept for later: an audit log that only grows, evidence that shows changes, legal hold, erasure."""

import json
import re

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from tests.e2e.house import House
from tests.e2e.test_publicity import canary, rolled_back
from trusthub.domain.attachment import File
from trusthub.services import customers, evidence, files, staff
from trusthub.services.acts import Act, StaffError
from trusthub.store.tables import (
    Attachment,
    Audit,
    AuditChange,
    Delivery,
    Event,
    Incident,
    Person,
    Recipient,
    Sandbox,
    Thread,
    ThreadMessage,
)

ANA = "ana@customer.example"


@pytest.fixture
def told(either: House) -> House:
    canary(either)
    rolled_back(either)
    either.answer(either.incident(), words="I paid twice.", name="Ana", email=ANA)
    either.sign_in()
    return either


def act(hub: House) -> Act:
    return Act(actor="Lena", now=hub.clock.now)


def press(hub: House, incident: str, action: str, **fields: str) -> str:
    form = f"/console/incidents/{incident}"
    return hub.console(f"{form}/{action}", form, **fields).text


def test_the_database_itself_keeps_the_log_as_it_is(told: House) -> None:
    press(told, told.incident(), "update", note="We found the cause, and we are sorry.", state="monitoring")
    for statement in (
        update(Audit).values(actor="nobody"),
        delete(Audit),
        update(AuditChange).values(after={}),
        delete(AuditChange),
    ):
        with pytest.raises(DBAPIError, match="only grows"), told.parts.hub.database.transaction() as session:
            session.execute(statement)


def test_the_log_says_what_was_before_and_after_and_in_which_session(told: House) -> None:
    press(told, told.incident(), "update", note="We found the cause, and we are sorry.", state="monitoring")
    with told.parts.hub.database.reading() as session:
        row = session.execute(select(Audit).where(col(Audit.action) == "update")).scalar_one()
        change = session.execute(select(AuditChange).where(col(AuditChange.audit_id) == row.id)).scalars().first()
    assert change
    assert (change.before["state"], change.after["state"]) == ("identified", "monitoring")
    assert re.fullmatch(r"session:[a-z0-9]{12}", row.via)
    page = told.web.get("/console/audit?action=update").text
    assert "identified → monitoring" in page
    assert "Nothing is on record." in told.web.get("/console/audit?actor=Nobody").text


def test_a_changed_password_is_on_record_without_it(told: House) -> None:
    fields = {"old": "correct horse battery staple", "new": "a new long one"}
    told.console("/console/account/password", "/console/account", **fields)
    with told.parts.hub.database.reading() as session:
        kept = [
            row.model_dump_json() for table in (Audit, AuditChange) for row in session.execute(select(table)).scalars()
        ]
    assert any("new password" in line for line in kept)
    assert not [line for line in kept if "argon2" in line or "a new long one" in line]


def test_the_evidence_has_the_words_and_who_sent_them_and_shows_every_change(told: House) -> None:
    incident, words = told.incident(), "We found the cause, and we are sorry."
    press(told, incident, "update", note=words, state="monitoring")
    text = told.web.get(f"/console/incidents/{incident}/evidence").text
    lines = text.splitlines()
    count, last = evidence.verify(text)
    assert (count, last) == (len(lines), json.loads(lines[-1])["hash"])
    records = [json.loads(line) for line in lines]
    kinds = {record["kind"] for record in records}
    assert {"incident", "published", "decided", "sent", "attempt", "promised"} <= kinds
    assert any(words in record["words"]["en"]["body"] for record in records if record["kind"] == "published")
    assert any(record["row"]["actor"] == "Mira" for record in records if record["kind"] == "decided")
    assert any(record["row"]["outcome"] == "sent" for record in records if record["kind"] == "attempt")
    assert ANA not in text
    for broken in (
        text.replace("Mira", "Lena", 1),
        "\n".join(lines[1:]),
        "\n".join([*lines[:2], *lines[3:]]),
        "\n".join([lines[1], lines[0], *lines[2:]]),
        "",
        "{}",
    ):
        with pytest.raises(StaffError):
            evidence.verify(broken)


def test_what_is_on_legal_hold_is_not_erased_until_it_is_released(told: House) -> None:
    incident, hub = told.incident(), told.parts.hub
    press(told, incident, "legal-hold")
    with pytest.raises(StaffError, match=f"Mira put the incident {incident} on legal hold"):
        customers.erase(hub, ANA, act(told))
    with hub.database.reading() as session:
        assert session.execute(select(col(Person.email)).where(col(Person.email) == ANA)).scalar()
        assert session.execute(select(col(Incident.legal_hold_by))).scalar() == "Mira"
    press(told, incident, "legal-release")
    assert customers.erase(hub, ANA, act(told))["person"] == 1


def test_a_customer_reads_all_that_is_kept_and_then_is_forgotten_but_counted(told: House) -> None:
    hub = told.parts.hub
    found = customers.export(hub, "Ana@Customer.example", act(told))
    assert found["person"][0]["name"] == "Ana"
    assert "I paid twice." in [row["body"] for row in found["thread_message"]]
    with hub.database.reading() as session:
        public_id = session.execute(select(col(Thread.public_id))).scalar_one()
    old = hub.thread_url(public_id, 1).removeprefix(hub.base_url)
    assert told.web.get(old).status_code == 200
    customers.erase(hub, ANA, act(told))
    assert told.web.get(old).status_code == 404
    with hub.database.reading() as session:
        assert session.execute(select(Thread)).scalars().all()  # still counts
        tables = (Person, Thread, ThreadMessage, Recipient, Audit, AuditChange)
        rows = [row.model_dump_json() for table in tables for row in session.execute(select(table)).scalars()]
    assert not [row for row in rows if ANA in row or "I paid twice" in row or "Ana" in row]
    with pytest.raises(StaffError, match="Nothing is kept"):
        customers.export(hub, ANA, act(told))
    staff.close_thread(hub, public_id, act(told))  # what is left still works
    told.parts.worker.drain()
    assert told.web.get(f"/console/threads/{public_id}").status_code == 200


def test_an_address_is_also_taken_out_of_what_tools_sent_of_the_sandbox_and_of_the_files(told: House) -> None:
    hub = told.parts.hub
    told.event("rollout.started", reason="asked for by Ana@customer.example")
    with hub.database.transaction() as session:
        session.add(Sandbox(kind="email", at=told.clock(), payload={"to": ANA}))
        message = session.execute(select(ThreadMessage)).scalars().first()
        assert message
        message.held = True
        files.keep(session, hub, message, [File("a.txt", "text/plain", b"mine")], told.clock())
    assert hub.files is None or list(hub.files.iterdir())
    found = customers.export(hub, ANA, act(told))
    assert (len(found["event"]), len(found["sandbox"])) == (1, 1)
    customers.erase(hub, ANA, act(told))
    with hub.database.reading() as session:
        tables = (Event, Sandbox, Delivery, Attachment, ThreadMessage)
        kept = [repr(row.model_dump()).lower() for table in tables for row in session.execute(select(table)).scalars()]
        assert not session.execute(select(Attachment)).scalars().all()
    assert not [row for row in kept if ANA in row or "i paid twice" in row]
    assert hub.files is None or not list(hub.files.iterdir())
