"""A backup taken while messages leave becomes a hub that sends what had not been sent, and nothing that had."""

import os
import random
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlmodel import col

from tests.e2e.test_process import environ
from tests.services import storm
from tests.services.storm import FAULTS, Storm, Stormy
from trusthub.channels.slack import Slack as SlackChannel
from trusthub.cli import main
from trusthub.services.hub import utc_now
from trusthub.store import leases, migrate
from trusthub.store.session import Database
from trusthub.store.tables import Attempt, Delivery

LONG = os.environ.get("STORM") == "long"
MESSAGES = 2000 if LONG else 120
WAYS = ["sqlite-sqlite", "postgresql-postgresql", "sqlite-postgresql"]


def command(environment: dict[str, str], *arguments: object) -> str:
    result = CliRunner().invoke(main, [str(each) for each in arguments], env=environment)
    assert result.exit_code == 0, result.output
    return result.output


def standing(database: Database) -> dict[str, tuple[str, list[tuple[int, str | None]]]]:
    """Return the state of each delivery, and how its attempts ended, by its key."""
    with database.reading() as session:
        found = {
            key: (number, state)
            for key, number, state in session.execute(
                sa.select(col(Delivery.key), col(Delivery.id), col(Delivery.state))
            )
        }
        tried: dict[int, list[tuple[int, str | None]]] = {}
        attempts = sa.select(col(Attempt.delivery_id), col(Attempt.id), col(Attempt.outcome)).order_by(col(Attempt.id))
        for delivery, number, outcome in session.execute(attempts):
            tried.setdefault(delivery, []).append((number, outcome))
    return {key: (state, tried.get(number, [])) for key, (number, state) in found.items()}


@pytest.mark.parametrize("way", WAYS)
def test_a_backup_in_a_storm_is_finished_where_it_stood(
    tmp_path: Path, way: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = way.split("-")
    postgres = str(request.getfixturevalue("postgres_url")) if "postgresql" in kinds else ""
    other = str(request.getfixturevalue("another_postgres_url")) if kinds[0] == kinds[1] == "postgresql" else postgres
    here = postgres if kinds[0] == "postgresql" else f"sqlite:///{tmp_path}/hub.db"
    there = other if kinds[1] == "postgresql" else f"sqlite:///{tmp_path}/new/hub.db"

    with Stormy(FAULTS if LONG else {}, 1) as slack, closing(Database(here)) as old, closing(Database(there)) as new:
        migrate.upgrade(old)
        keys = storm._enqueue(old, MESSAGES, lanes=max(10, MESSAGES // SlackChannel.pace.burst))
        variables = environ(tmp_path, here, slack)
        with storm._workers(variables, tmp_path, 2) as workers:
            going = Storm(old, slack, workers, MESSAGES, random.Random(3))  # noqa: S311 -- weather
            going.wait_for(0.3)
            command(variables, "backup", tmp_path / "b.zip")
            going.wait_for(0.6)  # it goes on, and then everything is lost
        gone = len(slack.messages)

        variables = environ(tmp_path, there, slack)
        said = command(variables, "restore", tmp_path / "b.zip")
        before = standing(new)
        unsettled = {key for key, (state, _) in before.items() if state == "pending"}
        assert f"{len(unsettled):,} messages wait" in said
        assert set(before) == set(keys)
        assert 0 < len(unsettled) < MESSAGES
        with new.reading() as session:
            assert leases.leases(session, utc_now()) == set()

        begun = time.monotonic()
        with storm._workers(variables, tmp_path, 2) as workers:
            storm.wait(partial(storm._nothing_open, new), 600)
            workers.stop()
        received = [str(each.key).partition("@")[0] for each in slack.messages]
        report = storm._report(new, keys, received, time.monotonic() - begun)

        after = standing(new)
        assert {key: after[key] for key in set(keys) - unsettled} == {key: before[key] for key in set(keys) - unsettled}
        assert {state for state, _ in after.values()} == {"done"}
    if LONG:
        with capsys.disabled():
            print(f"\n{way}: {len(unsettled)} of {MESSAGES} unsettled in the backup, {gone} sent before, {report}")  # noqa: T201 -- the figures
    assert report.lost == set()
    assert set(received[gone:]) <= unsettled
    assert report.unmarked == set()
    assert report.out_of_order == []
    assert report.overtaken <= unsettled  # what left after the backup is sent again where nobody can look for it
