"""How far it went: in the component's own words, and corrected in public when a person knows better."""

from pathlib import Path

from sqlalchemy import select
from sqlmodel import col

from tests.e2e.house import House, house, site_with
from tests.e2e.test_promises import newest, promises, told
from tests.e2e.test_publicity import canary, rolled_back
from trusthub.store.tables import Audit, Incident


def correct(hub: House, incident: str, **fields: str) -> str:
    path = f"/console/incidents/{incident}"
    return hub.console(f"{path}/correct", form_at=path, **fields).text


def over(hub: House) -> str:
    """Let a rollback come and go; return the public incident."""
    canary(hub)
    rolled_back(hub)
    hub.event("rollback.finished")
    hub.sign_in()
    hub.heard()
    return hub.incident()


def test_a_correction_is_shown_as_one_and_the_old_value_is_kept(hub: House) -> None:
    incident = over(hub)
    hub.clock.now = hub.clock.now.replace(minute=30)
    correct(hub, incident, peak="3.2", failed="1,204", customers="312", note="Counted in the log.")
    said = newest(hub)
    assert "Correction, 14:30 UTC on 2 March 2026:" in said
    assert "We said up to 5 % of Checkout requests; it was 3.2 %." in said
    assert "We did not know how many requests failed; it was 1,204." in said
    assert "We did not say how many customers it hit; it was 312." in said
    assert "Up to 3.2 % of Checkout requests reached 2.8.0 from 14:03 to 14:05 UTC; 1,204 requests failed." in said
    assert "We have counted 312 customers whom it hit." in said
    assert "Counted in the log." in said
    page = hub.page(f"/incidents/{incident}")
    assert "Up to 5 % of Checkout requests" in page  # what was said stays where it was said
    assert "up to 3.2 % of requests" in page
    assert "312 customers" in page
    with hub.parts.hub.database.reading() as session:
        (row,) = session.execute(select(Audit).where(col(Audit.action) == "correct")).scalars()
    assert row.detail == ("peak was 5.0, is 3.2; failed was not known, is 1204; customers was not known, is 312")
    heard = "\n".join(hub.heard())
    for place in ("SLACK #releases", "SLACK #support", "MAIL releases@acme.example"):
        assert place in heard
    console = hub.web.get(f"/console/incidents/{incident}").text
    assert "Mira: correct: peak was 5.0, is 3.2; failed was not known, is 1204" in console
    path = f"/console/incidents/{incident}"
    answer = hub.console(f"{path}/update", form_at=path, note="All is well.", state="monitoring", failed="12")
    assert "We said that 1,204 requests failed. Fewer are a correction: publish it as one." in answer.text
    correct(hub, incident, customers="320")
    assert "We said that it hit 312 customers; it was 320." in newest(hub)
    assert "Up to 3.2 % of Checkout requests" in newest(hub)


def test_times_and_impact_are_corrected_too(hub: House) -> None:
    incident = over(hub)
    hub.clock.now = hub.clock.now.replace(minute=30)
    correct(hub, incident, began="2026-03-02T14:02", ended="2026-03-02T14:07", impact="major")
    said = newest(hub)
    assert "We said that it began at 14:03 UTC; it was at 14:02 UTC." in said
    assert "We said that it ended at 14:05 UTC; it was at 14:07 UTC." in said
    assert "We said that Checkout did not work as it should; it worked only in part." in said
    assert "reached 2.8.0 from 14:02 to 14:07 UTC" in said
    assert hub.summary()["incidents"][0]["impact"] == "major"


def test_it_may_come_after_the_end_and_promises_nothing(hub: House) -> None:
    incident = over(hub)
    while not hub.calm:
        assert hub.wait()
    before = promises(hub)
    hub.clock.forward(hours=20)
    correct(hub, incident, failed="12")
    assert promises(hub) == before
    assert hub.calm
    page = hub.page(f"/incidents/{incident}")
    assert "We did not know how many requests failed; it was 12." in page
    assert page.index("Correction, 10:35 UTC on 3 March 2026") < page.index("We closed this incident")


REFUSED: list[tuple[dict[str, str], str]] = [
    ({}, "That is what we say already."),
    ({"peak": "5"}, "That is what we say already."),
    ({"peak": "120"}, "120 is no share."),
    ({"peak": "many"}, "is not a share in percent."),
    ({"failed": "some"}, "is not a number of requests."),
    ({"customers": "-1"}, "is not a number of customers."),
    ({"began": "yesterday"}, "is not a time."),
    ({"ended": "2026-03-02T13:00"}, "It cannot have ended before it began."),
    ({"ended": "2026-03-03T13:00"}, "That time is still to come."),
    ({"impact": "huge"}, "Choose an impact."),
]


def test_what_cannot_be_right_changes_nothing(hub: House) -> None:
    incident = over(hub)
    for fields, why in REFUSED:
        assert why in correct(hub, incident, **fields)
    assert hub.heard() == []
    with hub.parts.hub.database.reading() as session:
        row = session.execute(select(Incident).where(col(Incident.public_id) == incident)).scalar_one()
    assert (row.corrected, row.failed, row.impact) == ({}, None, "minor")


def test_of_an_incident_opened_by_hand_only_what_was_said_can_be_wrong(hub: House) -> None:
    canary(hub)
    told(hub, note="Payments fail.")
    incident = hub.incident()
    assert "No rollout is behind this incident" in correct(hub, incident, peak="3")
    correct(hub, incident, began="2026-03-02T13:50", failed="7")
    assert "We said that it began at 14:05 UTC; it was at 13:50 UTC." in newest(hub)
    assert hub.summary()["incidents"][0]["started_at"].startswith("2026-03-02T14:50")  # in Berlin


# ------------------------------------------------------------------------------------------ the component's own words

WORDS = "    task: pay for an order\n    symptoms: {error-rate: failed, latency: was slow}\n"


def test_the_metric_that_failed_says_what_customers_noticed(tmp_path: Path) -> None:
    place = site_with(tmp_path)
    text = place.read_text(encoding="utf-8")
    place.write_text(text.replace("    group: Payments\n", f"    group: Payments\n{WORDS}", 1), encoding="utf-8")
    books = {"site": place, "playbooks_dir": Path("playbooks").resolve()}
    reached = "Up to 5 % of the requests to pay for an order have reached 2.8.0 since 14:03 UTC"
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **books) as hub:
        canary(hub)
        rolled_back(hub, metrics=["latency"])
        assert f"{reached}; some of them were slow, and we do not know yet how many." in newest(hub)
        hub.sign_in()
        correct(hub, hub.incident(), failed="12")
        assert f"{reached}; 12 requests have failed so far." in newest(hub)
