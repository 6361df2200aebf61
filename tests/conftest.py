"""What every test shares. Pages have their own fixtures in browser/conftest.py."""

import gc

import hypothesis
import pytest

pytest_plugins = ["tests.postgres"]

# A busy CI machine is slow now and then, which says nothing about the code.
hypothesis.settings.register_profile("trusthub", deadline=None)
hypothesis.settings.load_profile("trusthub")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the garbage collector leave alone what stays: thousands of tests, and the code. A tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
