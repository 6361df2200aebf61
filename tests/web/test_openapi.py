"""schemathesis asks the API whatever its description allows, and much that it forbids: it must keep to its own word."""

import itertools
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.config import PositiveDataAcceptanceConfig

from tests.e2e.conftest import hub
from tests.e2e.house import House
from tests.web.test_api import made
from trusthub.web.access import Scope
from trusthub.web.api import OPERATIONS

__all__ = ["hub"]
EXAMPLES = 10
"""For each route and each token."""
FINE = ("2xx", "401", "403", "404", "409")
UNFIT = "422"
"""Also to what the description allows, where words come in: no schema can say which ones our linter lets through."""


@pytest.mark.parametrize("scopes", [tuple(Scope), ()], ids=["all-scopes", "no-token"])
def test_the_api_keeps_to_its_description(hub: House, scopes: tuple[Scope, ...]) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", hub.parts.wsgi)
    headers = {"Authorization": f"Bearer {made(hub, *scopes)}"} if scopes else {}
    for op, mode in itertools.product(OPERATIONS, GenerationMode):
        fine = [*FINE, UNFIT] if op.method == "POST" else FINE
        schema.config.checks.positive_data_acceptance = PositiveDataAcceptanceConfig(expected_statuses=fine)
        route = schema[op.path.replace("<id>", "{id}")][op.method]
        if mode.is_negative and op.takes is None:
            continue  # any id may be asked for
        _ask(route.as_strategy(generation_mode=mode), headers)


def _ask(cases: hypothesis.strategies.SearchStrategy[Any], headers: dict[str, str]) -> None:
    @hypothesis.seed(8)
    @hypothesis.settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(case=cases)
    def ask(case: Any) -> None:
        case.call_and_validate(headers=headers)

    ask()
