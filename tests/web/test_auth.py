"""How passwords are kept."""

from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from trusthub.web import auth


def test_a_password_costs_whoever_guesses_what_rfc_9106_asks_for() -> None:
    assert extract_parameters(auth._NOBODY) == RFC_9106_LOW_MEMORY
