"""Who hears an update by mail, and what becomes of each mail."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

from tests.e2e.house import House, house
from tests.e2e.test_publicity import canary, rolled_back
from trusthub.domain.recipient import Fate
from trusthub.services import subscribe
from trusthub.services.cases import the_page
from trusthub.services.subscribe import Wish
from trusthub.store.tables import Delivery, Recipient


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[House]:
    with house(database_url, tmp_path) as made:
        yield made


def join(house: House, *addresses: str, confirmed: bool = True, **wish: Any) -> list[str]:
    """Let these subscribe, in this order; return the token of each."""
    hub, tokens = house.parts.hub, []
    for address in addresses:
        with hub.database.transaction() as session:
            added = subscribe.add(session, the_page(session).id, Wish(address=address, **wish), house.clock())
        tokens.append(subscribe.token(hub, added.public_id, added.link_version))
        if confirmed:
            confirm = subscribe.token(hub, added.public_id, added.link_version, kind=subscribe.CONFIRM)
            assert subscribe.confirm(hub, confirm, house.clock())
    return tokens


def fates(house: House) -> dict[str, str]:
    """What became of the mail to each subscriber; the newest, when there were several."""
    found = sa.select(col(Recipient.address), col(Recipient.state)).order_by(col(Recipient.id))
    with house.parts.hub.database.reading() as session:
        rows = session.execute(found.where(col(Recipient.subscriber_id).is_not(None))).all()
    return {str(address): str(state) for address, state in rows}


def batches(house: House) -> list[Delivery]:
    mine = sa.select(Delivery).where(col(Delivery.key).startswith("update:")).order_by(col(Delivery.id))
    with house.parts.hub.database.reading() as session:
        return list(session.execute(mine).scalars())


def mailed(house: House) -> list[list[str]]:
    """The addresses of each request to SendGrid that was for subscribers."""
    people = [body["personalizations"] for body in house.sendgrid.messages]
    return [[each["to"][0]["email"] for each in request] for request in people if "substitutions" in request[0]]


def test_an_update_goes_to_who_confirmed_and_asked_about_what_it_touches(hub: House) -> None:
    join(hub, "all@a.example", "All2@a.example")
    join(hub, "checkout@a.example", components=frozenset({"checkout", "search"}))
    join(hub, "search@a.example", components=frozenset({"search"}))
    join(hub, "silent@a.example", confirmed=False)
    (token,) = join(hub, "stopped@a.example")
    subscribe.stop(hub.parts.hub, token, hub.clock())
    canary(hub)
    rolled_back(hub)
    told = {address for request in mailed(hub) for address in request}
    assert told == {"all@a.example", "all2@a.example", "checkout@a.example"}
    assert fates(hub) == dict.fromkeys(sorted(told), Fate.ACCEPTED)
