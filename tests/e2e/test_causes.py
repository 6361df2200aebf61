"""What customers read about the cause comes from evidence or from a person; an attack is held for the role legal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.house import STAFF, House, house, site_with
from tests.e2e.test_publicity import canary, rolled_back
from trusthub import app
from trusthub.domain.role import Role
from trusthub.settings import packaged

HELD = "We do not say more before we know that it is true."
OURS = "We sent Checkout requests to a faulty version"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[House]:
    site = site_with(tmp_path)
    site.write_text(site.read_text(encoding="utf-8") + "\nroles: {legal: [Lena@acme.example]}\n", encoding="utf-8")
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, site=site, playbooks_dir=packaged("playbooks")) as made:
        yield made


def says(hub: House, incident: str, action: str, **fields: str) -> str:
    """Press a button in the console; return what it answers."""
    form = f"/console/incidents/{incident}"
    return str(hub.console(f"{form}/{action}", form, **fields).text)


def newest(hub: House) -> str:
    (incident,) = hub.summary()["incidents"]
    return str(incident["incident_updates"][0]["body"])


def as_lena(hub: House) -> None:
    email, password = "lena@acme.example", "another horse battery staple"
    app.add_user(hub.parts.settings, email=email, name="Lena", password=password, roles=(Role.PUBLISHER,))
    hub.console("/console/logout", "/console/")
    hub.console("/console/login", email=email, password=password, next="")


def test_it_is_ours_when_our_own_check_failed_and_going_back_ended_it(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    assert "Checkout has not been working as it should, and we are sorry." in newest(hub)
    assert "faulty" not in newest(hub)
    hub.event("rollback.finished")
    assert OURS in newest(hub)
    assert "We should have found this" not in newest(hub)


def test_an_alert_alone_does_not_make_it_ours(hub: House) -> None:
    canary(hub)
    rolled_back(hub, evidence="alert")
    hub.event("rollback.finished")
    assert "faulty" not in newest(hub)


def test_a_person_says_what_it_was_and_that_a_safeguard_was_missing(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    hub.sign_in()
    incident = hub.incident()
    says(hub, incident, "cause", cause="our_system", safeguard="1")
    says(hub, incident, "update", note="A disk was full.", state="identified")
    assert "The fault is in our own systems." in newest(hub)
    assert "We should have found this before it reached you." in newest(hub)
    says(hub, incident, "cause", cause="dependency")
    says(hub, incident, "update", note="Our bank answers again.", state="identified")
    assert "We chose it, and we answer for it." in newest(hub)
    assert "We should have found" not in newest(hub)
    assert "Choose a kind of cause." in says(hub, incident, "cause", cause="weather")


@pytest.mark.parametrize("risk", [{"cause": "attack"}, {"cause": "unknown", "data": "1"}])
def test_an_attack_and_data_at_risk_are_held_until_legal_allows_more(hub: House, risk: dict[str, str]) -> None:
    canary(hub)
    rolled_back(hub)
    hub.sign_in()
    incident = hub.incident()
    says(hub, incident, "cause", **risk)
    assert HELD in newest(hub)
    assert "5 %" not in newest(hub)
    assert "Next update by" in newest(hub)
    for action, fields in (
        ("update", {"note": "Somebody broke in.", "state": "identified"}),
        ("resolve", {"note": ""}),
        ("false-alarm", {}),
    ):
        assert "Somebody with the role legal must clear it first." in says(hub, incident, action, **fields)
    for action, fields in (("clear", {}), ("cause", {"cause": "unknown"})):
        assert "Only the role legal may do this. It is held by Lena@acme.example." in says(
            hub, incident, action, **fields
        )
    hub.event("rollback.finished")  # a machine says nothing either
    assert HELD in newest(hub)
    hub.tick(hours=1)  # and a missed time is said without a number
    assert HELD in newest(hub)
    assert "We missed that time" in newest(hub)
    assert "5 %" not in newest(hub)
    as_lena(hub)
    says(hub, incident, "clear")
    says(hub, incident, "update", note="Nobody saw any data.", state="identified")
    assert newest(hub).startswith("Nobody saw any data.")
    assert HELD not in newest(hub)


def test_what_customers_first_hear_of_an_attack_is_a_holding_message(hub: House) -> None:
    canary(hub, 0.5)
    rolled_back(hub, evidence="alert")
    assert hub.calm
    hub.sign_in()
    home = hub.web.get("/console/").text
    incident = home.split("/console/incidents/")[1][:12]
    says(hub, incident, "cause", cause="attack")
    assert hub.calm
    says(hub, incident, "tell")
    assert HELD in newest(hub)
    assert STAFF[1] not in newest(hub)
