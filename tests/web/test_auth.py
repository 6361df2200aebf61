"""How passwords are kept."""

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY

from trusthub.web import auth


def test_a_password_costs_whoever_guesses_what_rfc_9106_asks_for() -> None:
    assert extract_parameters(PasswordHasher().hash("correct horse")) == RFC_9106_LOW_MEMORY


def test_a_password_of_nobody_takes_as_long_and_is_never_right() -> None:
    assert extract_parameters(auth._NOBODY) == RFC_9106_LOW_MEMORY
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(auth._NOBODY, "")
