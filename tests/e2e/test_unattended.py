"""Words that no person has read and that break a rule reach customers from a person only, who hears what is wrong."""

import shutil
import time
from pathlib import Path
from statistics import median

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from sqlmodel import col

from tests.e2e.house import House, house, site_with
from tests.e2e.test_publicity import canary, rolled_back
from trusthub.cli import main
from trusthub.domain.message import Moment
from trusthub.services import unattended
from trusthub.services.cases import read_case
from trusthub.settings import packaged
from trusthub.store.tables import Incident

BROKEN = "We are sorry for any inconvenience."


def spoilt(folder: Path, *messages: str) -> Path:
    """Return a site's own templates, in which some messages say what no message may say."""
    templates = Path(shutil.copytree(packaged("templates"), folder / "templates"))
    for message in messages:
        body = templates / "messages" / message / "body.md"
        body.write_text(f"{body.read_text(encoding='utf-8')}\n{BROKEN}\n", encoding="utf-8")
    return templates


def test_the_first_words_wait_for_a_person_who_hears_why(tmp_path: Path) -> None:
    templates = spoilt(tmp_path, "incident.identified")
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, templates_dir=templates) as hub:
        canary(hub)
        words = rolled_back(hub)
        assert "The message incident.identified was not sent, for it breaks our rules for words: A02" in words
        assert "[Tell customers]" in words
        assert hub.calm
        hub.sign_in()
        links = [part for part in hub.web.get("/console/").text.split('"') if "/console/incidents/" in part]
        hub.console(f"{links[0]}/tell", links[0])
        assert BROKEN in hub.page(f"/incidents/{hub.incident()}")  # a person has read it


def test_later_words_wait_too(tmp_path: Path) -> None:
    messages = ("incident.monitoring", "promise.missed")
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, templates_dir=spoilt(tmp_path, *messages)) as hub:
        canary(hub)
        rolled_back(hub)
        incident = hub.incident()
        hub.event("rollback.finished", exposure=0)
        said = [line for line in hub.heard() if "kept back" in line]
        assert {line.split()[1] for line in said if line.startswith("SLACK")} == {"#releases", "#support"}
        assert all("The message incident.monitoring was not sent" in line for line in said)
        hub.event("rollback.finished", exposure=0)
        assert not [line for line in hub.heard() if "kept back" in line]  # once for each reason
        hub.sign_in()
        path = f"/console/incidents/{incident}"
        assert "The message incident.monitoring was not sent" in hub.web.get(path).text
        hub.tick(minutes=31)
        assert "A promise was missed, and customers have not been told. The message promise.missed was" in (
            hub.web.get(path).text
        )
        assert BROKEN not in hub.page(f"/incidents/{incident}")
        assert hub.summary()["incidents"][0]["status"] == "identified"


@pytest.mark.parametrize(("name", "alone"), [("Mira", False), ("lena@acme.example", True)])
def test_words_of_the_house_leave_by_themselves_if_their_role_signed_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, alone: bool
) -> None:
    templates = Path(shutil.copytree(packaged("templates"), tmp_path / "templates"))
    body = templates / "messages" / "incident.identified" / "body.md"
    body.write_text(f"{body.read_text(encoding='utf-8')}\nThere was no breach of your data.\n", encoding="utf-8")
    monkeypatch.setenv("TRUSTHUB_TEMPLATES_DIR", str(templates))
    signed = CliRunner().invoke(main, ["sign", "incident.identified", "--name", name])
    assert signed.exit_code == 0, signed.output
    site = site_with(tmp_path)
    site.write_text(site.read_text(encoding="utf-8") + "\nroles: {legal: [lena@acme.example]}\n", encoding="utf-8")
    books = packaged("playbooks")
    url = f"sqlite:///{tmp_path}/hub.db"
    with house(url, tmp_path, site=site, playbooks_dir=books, templates_dir=templates) as hub:
        canary(hub)
        words = rolled_back(hub)
        waits = "What says “breach” leaves only under the name of somebody with the role legal."
        assert (waits in words) is not alone
        assert hub.calm is not alone


def test_reading_the_words_takes_no_time_that_anybody_notices(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    with hub.parts.hub.database.reading() as session:
        case = read_case(session, hub.parts.hub, session.execute(select(col(Incident.id))).scalar_one())
        took = []
        for _ in range(20):
            began = time.process_time()
            assert unattended.held(session, hub.parts.hub, case, Moment.INCIDENT_MONITORING, hub.clock()) is None
            took.append(time.process_time() - began)
    assert median(took) < 0.05, f"{median(took) * 1000:.1f} ms"
